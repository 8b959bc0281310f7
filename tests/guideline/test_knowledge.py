"""More knowledge, as the contract defines it, never widens a domain and never overturns a final verdict."""

import calendar
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cds_service.guideline.dates import When
from cds_service.guideline.evaluation import evaluate
from cds_service.guideline.facts import Form
from cds_service.guideline.tables import TABLES
from tests.guideline.children import ONE_OF, SEVERAL_OF, TODAY, known_children
from tests.guideline.clinical_words import newest_first

CORRECTIONS = {"ldh-concern", "platelet-artefact"}
"""Answers that set a measured value right: they may take an exclusion back (AMB-07c, AMB-22)."""


def hide_answers(draw, form: Form) -> Form:
    """The form with some items left unanswered, or left open; onset and biopsy status stay."""
    kept = {"biopsy-status", *CORRECTIONS}
    if "no" in form.choices["imaging-typical"]:
        kept.add("imaging-typical")
    hidden = draw(st.frozensets(st.sampled_from([item for item in (*ONE_OF, *SEVERAL_OF) if item not in kept])))
    opened = draw(st.frozensets(st.sampled_from(list(SEVERAL_OF)))) - hidden
    choices = {item: codes - {"none"} if item in opened else codes for item, codes in form.choices.items()}
    return replace(
        form,
        choices={item: codes for item, codes in choices.items() if codes and item not in hidden},
        open_lists=opened,
        lesions=tuple(hide_place(draw, lesion) for lesion in form.lesions),
    )


def hide_place(draw, lesion):
    """The lesion with less told; a region without a side is one bone, so its side stays (AMB-14)."""
    can_hide = ["bone", "zone", "features", *([] if lesion.bone in TABLES.bones.regions else ["side"])]
    hidden = draw(st.frozensets(st.sampled_from(can_hide)))
    blank = {"bone": None, "side": None, "zone": None, "features": frozenset()}
    return replace(lesion, **{name: blank[name] for name in hidden})


def hide_day(draw, when: When) -> When:
    """The day, or only its month."""
    day = when.earliest
    last = calendar.monthrange(day.year, day.month)[1]
    return When(day.replace(day=1), min(day.replace(day=last), TODAY)) if draw(st.booleans()) else when


@st.composite
def more_and_less_known(draw):
    """A child, and the same child with some inputs unknown."""
    full = draw(known_children())
    form = hide_answers(draw, full.answers)
    form = replace(form, dates={**form.dates, "symptom-onset": hide_day(draw, form.dates["symptom-onset"])})
    hidden = draw(st.frozensets(st.sampled_from(sorted(full.measurements) or ["none"])))
    measurements = {
        name: newest_first([one._replace(when=hide_day(draw, one.when)) for one in results])
        for name, results in full.measurements.items()
        if name not in hidden
    }
    conditions = tuple(
        replace(one, recorded=hide_day(draw, one.recorded) if draw(st.booleans()) else None)
        if one.onset is None and not one.early_infection else one
        for one in full.conditions
    )  # fmt: skip
    return full, replace(full, form=form, measurements=measurements, conditions=conditions)


STILL = {
    "fulfilled": {"fulfilled"},
    "not-fulfilled": {"not-fulfilled", "excluded", "not-applicable"},
    "excluded": {"excluded", "not-applicable"},
    "not-applicable": {"not-applicable"},
}
"""Which verdicts may follow a final one once more is known: a score that is too low stays too low."""


@given(more_and_less_known())
def test_more_knowledge_never_widens_a_domain_and_never_overturns_a_final_verdict(pair):
    more, less = (evaluate(facts, TODAY).classification for facts in pair)
    for now, before in zip(more.domains, less.domains, strict=True):
        assert before.low <= now.low <= now.high <= before.high, now.name
    assert more.verdict in STILL.get(less.verdict, {more.verdict})
