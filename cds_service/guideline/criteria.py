"""Table 1, steps 1 and 2: entry criteria (all must be met) and exclusion criteria (none may be present)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from cds_service.guideline.course import Course, is_certain_bone_pain, was_administered, was_taken
from cds_service.guideline.dates import When, age_reached, known_to, not_after
from cds_service.guideline.facts import Coded, Condition, Fact, Facts, Measurement, Note
from cds_service.guideline.interval import EXACT, Interval, Truth, any_of
from cds_service.guideline.lesions import LesionPicture, has_typical_feature
from cds_service.guideline.results import Criterion

if TYPE_CHECKING:
    from cds_service.guideline.tables import Bones, Criteria

MALIGNANCIES = frozenset(
    {
        "mimic_primary_bone_malignancy", "mimic_metastatic_bone_malignancy", "mimic_leukemia", "mimic_lymphoma",
        "mimic_neuroblastoma", "mimic_malignancy_other",
    }
)  # fmt: skip
Doubt: TypeAlias = Measurement | Coded
"""A fact that speaks against a reassuring answer given before it."""
INFECTION = "mimic_infectious_osteomyelitis"
ANTIMICROBIALS = frozenset({"drug:antibacterial", "drug:antimycotic", "drug:antimycobacterial"})
BISPHOSPHONATES = frozenset({"drug:zoledronic_acid", "drug:pamidronate", "drug:bisphosphonate"})
PAIN_ANSWERS = frozenset({"bone-pain", "limited-function"})


def lasting_symptoms(facts: Facts, course: Course, numbers: Criteria) -> Criterion:
    """CLS-1.1: pain or limited function for at least six weeks. `met_on` only while the symptoms last."""
    pain, evidence, notes = _pain(facts)
    days = numbers.symptom_days
    evidence = (*evidence, *(dated for dated in (course.onset, course.end) if dated))
    if course.onset is None:
        return Criterion("CLS-1.1", pain & Truth.UNKNOWN, evidence, notes=notes)
    until = course.end.when if course.end else When.on(course.today)
    shortest = (until.earliest - course.onset.when.latest).days
    longest = (until.latest - course.onset.when.earliest).days
    long_enough = Interval(Decimal(shortest), Decimal(longest)).at_least(days.value)
    lasting = course.end is None and facts.answers.choice("symptom-active") != "no"
    met_on = None
    if pain is Truth.YES and long_enough is Truth.NO and lasting:
        met_on = course.onset.when.latest + timedelta(days=days.count)
    return Criterion("CLS-1.1", pain & long_enough, evidence, met_on=met_on, notes=notes)


def _pain(facts: Facts) -> tuple[Truth, tuple[Fact, ...], tuple[Note, ...]]:
    form = facts.answers
    answered = form.choices.get("symptom-type", frozenset())
    recorded = [condition for condition in facts.conditions if is_certain_bone_pain(condition)]
    shown: tuple[Fact, ...] = (*form.fact("symptom-type"), *(condition.fact() for condition in recorded))
    if answered & PAIN_ANSWERS:
        return Truth.YES, shown, ()
    if "none" not in answered:
        return (Truth.YES if recorded else Truth.UNKNOWN), shown, ()
    newer = [condition for condition in recorded if not known_to(condition.told, form.authored)]
    if form.authored is None or newer or "symptom-type" in form.open_lists:
        return Truth.UNKNOWN, shown, tuple(Note(condition.source, "answer-outdated") for condition in newer)
    return Truth.NO, shown, ()


def onset_in_childhood(facts: Facts, course: Course, numbers: Criteria) -> Criterion:
    """CLS-1.2: under 18 at onset; met by implication while the patient is still under 18."""
    adult = numbers.onset_below_age.count
    if course.onset:
        return Criterion("CLS-1.2", ~age_reached(facts.born, adult, course.onset.when), (course.onset,))
    still_a_child = age_reached(facts.born, adult, When.on(course.today)) is Truth.NO
    return Criterion("CLS-1.2", Truth.YES if still_a_child else Truth.UNKNOWN)


def imaging_finding(facts: Facts, picture: LesionPicture, bones: Bones) -> Criterion:
    """CLS-1.3: a typical finding of the skeleton. Not met only by a dated answer, and no lesion anywhere."""
    form = facts.answers
    evidence: tuple[Fact, ...] = (*form.fact("imaging-typical"), *picture.lesions)
    answer = form.choice("imaging-typical")
    seen = any_of(has_typical_feature(lesion, bones) for lesion in picture.lesions)
    if seen is Truth.YES or answer == "yes":
        return Criterion("CLS-1.3", Truth.YES, evidence)
    hinted = bool(picture.lesions) or any(finding.name.startswith("finding:") for finding in facts.findings)
    refuted = answer == "no" and form.authored is not None and not hinted
    return Criterion("CLS-1.3", Truth.NO if refuted else Truth.UNKNOWN, evidence)


def known_mimicker(facts: Facts, diagnosed: When | None, doubts: tuple[Doubt, ...]) -> Criterion:
    """CLS-2.1. `doubts` are facts that only a later answer settles: see `red_flags.doubts`."""
    form = facts.answers
    mimics = [c for c in facts.conditions if c.concept.startswith("mimic_") or c.concept == "unreadable"]
    present = [condition for condition in mimics if _is_certain(condition, diagnosed)]
    shown = (*form.fact("mimicker"), *(condition.fact() for condition in present or mimics))
    answer = form.choice("mimicker")
    if present:
        notes = tuple(
            Note(c.source, "answer-contradicts-record" if known_to(c.told, form.authored) else "answer-outdated")
            for c in present
            if answer == "excluded"
        )
        reason = _kind(present)
        return Criterion(
            "CLS-2.1", Truth.YES, shown, reason, indicator="warning" if reason == "other" else "critical", notes=notes
        )
    if answer == "present":
        return Criterion("CLS-2.1", Truth.YES, shown, "answered", indicator="warning")
    doubtful: tuple[Condition | Doubt, ...] = (*mimics, *doubts)
    newer = [
        fact for fact in doubtful
        if not known_to(fact.told if isinstance(fact, Condition) else fact.when, form.authored)
    ]  # fmt: skip
    if answer == "excluded" and form.authored and not newer and "Condition" not in facts.not_received:
        return Criterion("CLS-2.1", Truth.NO, (*shown, *doubts))
    notes = tuple(Note(fact.source, "answer-outdated") for fact in newer if answer == "excluded")
    return Criterion("CLS-2.1", Truth.UNKNOWN, (*shown, *doubts), notes=notes)


def _is_certain(condition: Condition, diagnosed: When | None) -> bool:
    """Confirmed, active and specific; not an infection that may have been coded before the CNO code (AMB-08)."""
    if condition.concept.endswith("_possible") or condition.concept == "unreadable":
        return False
    if condition.confirmed is not Truth.YES or condition.active is not Truth.YES:
        return False
    if not condition.early_infection or diagnosed is None or condition.when is None:
        return True
    return not_after(diagnosed, condition.when) is Truth.YES


def _kind(present: list[Condition]) -> str:
    concepts = {condition.concept for condition in present}
    if concepts & MALIGNANCIES:
        return "malignancy"
    return "infection" if INFECTION in concepts else "other"


def low_platelets(facts: Facts, course: Course, numbers: Criteria) -> Criterion:
    """CLS-2.2: the lowest count of the window decides; only `platelet-artefact` takes a low one out (AMB-22)."""
    form = facts.answers
    limit = numbers.platelets_below.value
    values = without_artefacts(facts, limit)
    inside, possible = course.safety.split(values)
    inside.sort(key=lambda value: value.value.low or limit)
    shown: tuple[Fact, ...] = (*form.fact("platelet-artefact"), *inside, *possible)
    low = any_of(value.value.below(limit) for value in inside)
    may_be_low = any_of(value.value.below(limit) for value in possible)
    if low is Truth.YES:
        return Criterion("CLS-2.2", Truth.YES, shown, "platelets", indicator="critical")
    if not inside or low is Truth.UNKNOWN or may_be_low is not Truth.NO:
        return Criterion("CLS-2.2", Truth.UNKNOWN, shown)
    return Criterion("CLS-2.2", Truth.NO, shown)


def without_artefacts(facts: Facts, limit: Decimal) -> tuple[Measurement, ...]:
    """The platelet counts; an answered artefact takes out the low ones that it knew of (AMB-22)."""
    form, values = facts.answers, facts.of("platelets")
    if form.choice("platelet-artefact") != "yes":
        return values
    return tuple(v for v in values if v.value.below(limit) is Truth.NO or not known_to(v.when, form.authored))


def worrying_ldh(facts: Facts, course: Course, numbers: Criteria) -> Criterion:
    """CLS-2.3 and AMB-07c: an answer decides for every LD up to its day, later ones by the range of their report."""
    form = facts.answers
    answer = form.choice("ldh-concern")
    values = facts.of("ldh")
    newer = tuple(value for value in values if not known_to(value.when, form.authored))
    inside, possible = course.safety.split(newer if answer == "no" else values)
    factor = numbers.ldh_ratio_above.value
    shown: tuple[Fact, ...] = (*form.fact("ldh-concern"), *_highest_first((*inside, *possible)))
    high = any_of(_exceeds(value, factor) for value in inside)
    if high is Truth.YES:
        notes = tuple(Note(value.source, "answer-outdated") for value in newer if answer == "no")
        return Criterion("CLS-2.3", Truth.YES, shown, "ldh", indicator="critical", notes=notes)
    if answer == "yes":
        return Criterion("CLS-2.3", Truth.YES, shown, "ldh-answered", indicator="warning")
    if answer == "no" and not newer:
        return _judged(Criterion("CLS-2.3", Truth.NO if form.authored else Truth.UNKNOWN, shown), facts)
    still_open = _open_ldh(shown, inside, possible, answered_no=answer == "no")
    return still_open if answer != "no" else _judged(still_open, facts)


def _highest_first(values: tuple[Measurement, ...]) -> list[Measurement]:
    """The decisive one first: the highest against its own limit, then those flagged high, then those without limit."""

    def place(value: Measurement) -> tuple[bool, Decimal]:
        high = value.reference.high if value.reference else None
        top = value.value.high if value.value.high is not None else value.value.low
        ratio = top / high if high and top is not None else Decimal(0)
        return is_raised(value) is not Truth.YES, -ratio

    return sorted(values, key=place)


def _judged(criterion: Criterion, facts: Facts) -> Criterion:
    """A raised LD that the clinician has judged stays on the card as a warning."""
    authored = facts.answers.authored
    raised = [v for v in facts.of("ldh") if known_to(v.when, authored) and is_raised(v) is Truth.YES]
    if criterion.reason or not raised:
        return criterion
    shown = (*facts.answers.fact("ldh-concern"), *_highest_first(tuple(raised)), *criterion.evidence)
    return replace(criterion, reason="ldh-judged", indicator="warning", evidence=tuple(dict.fromkeys(shown)))


def _open_ldh(
    shown: tuple[Fact, ...], inside: list[Measurement], possible: list[Measurement], *, answered_no: bool
) -> Criterion:
    """Absent only if one value is known normal and no other is raised or cannot be told."""
    raised = any_of(is_raised(value) for value in (*inside, *possible))
    if inside and raised is Truth.NO:
        return Criterion("CLS-2.3", Truth.NO, shown)
    reopened = tuple(
        Note(value.source, "answer-outdated")
        for value in (*inside, *possible)
        if answered_no and is_raised(value) is not Truth.NO
    )
    is_high = raised is Truth.YES
    return Criterion(
        "CLS-2.3", Truth.UNKNOWN, shown, "ldh-raised" if is_high else None,
        indicator="warning" if is_high else "info", notes=reopened,
    )  # fmt: skip


def _exceeds(value: Measurement, factor: Decimal) -> Truth:
    """Is it more than so many times the upper limit of its own report?"""
    if value.reference is None or value.reference.high is None:
        return Truth.UNKNOWN
    return value.value.above(EXACT.multiply(value.reference.high, factor))


def is_raised(value: Measurement) -> Truth:
    """Above the upper limit of its own report, or flagged so; the worse of range and flag. Neither: UNKNOWN.

    A flag without direction counts as high where no limit tells (AMB-07c), and leaves it open where one does.
    """
    bounded = value.reference is not None and value.reference.high is not None
    flagged = {"high": Truth.YES, "abnormal": Truth.UNKNOWN if bounded else Truth.YES, None: Truth.UNKNOWN}
    said = flagged.get(value.flag, Truth.NO)
    if value.reference is None or not bounded:
        return said
    return value.value.over(value.reference) | (said if value.flag else Truth.NO)


def is_lowered(value: Measurement) -> Truth:
    """Below the lower limit of its own report, or flagged so; the worse of range and flag. No limit: UNKNOWN."""
    flagged = {"low": Truth.YES, "normal": Truth.NO, "high": Truth.NO}.get(value.flag or "", Truth.UNKNOWN)
    if value.reference is None or value.reference.low is None:
        return flagged
    under = value.value.under(value.reference)
    return under | (flagged if value.flag in ("low", "abnormal") else Truth.NO)


def is_outside(value: Measurement) -> Truth:
    """Outside its own range on either side; any flag but normal counts as outside. Neither range nor flag: UNKNOWN."""
    if value.flag in ("low", "high", "abnormal"):
        return Truth.YES
    if value.reference is None:
        return Truth.NO if value.flag == "normal" else Truth.UNKNOWN
    return value.value.beyond(value.reference)


def response_to_antimicrobials(facts: Facts) -> Criterion:
    """CLS-2.4: present iff complete and sustained; a course newer than the answer reopens it."""
    form = facts.answers
    answer = form.choice("antimicrobial-response")
    courses = [drug for drug in facts.drugs if drug.concept in ANTIMICROBIALS and was_taken(drug)]
    shown: tuple[Fact, ...] = (
        *form.fact("antimicrobial-response"),
        *(Coded(drug.concept, drug.kind, drug.source, drug.when) for drug in courses),
    )
    if answer == "complete-sustained":
        return Criterion("CLS-2.4", Truth.YES, shown, "antimicrobials", indicator="warning")
    newer = [drug for drug in courses if not known_to(drug.when, form.authored)]
    denied = [
        drug for drug in courses
        if answer == "none-given" and was_administered(drug, ANTIMICROBIALS) and known_to(drug.when, form.authored)
    ]  # fmt: skip
    if answer is None or form.authored is None or newer or denied:
        notes = (
            *(Note(drug.source, "answer-outdated") for drug in newer if answer),
            *(Note(drug.source, "answer-contradicts-record") for drug in denied),
        )
        return Criterion("CLS-2.4", Truth.UNKNOWN, shown, notes=notes)
    return Criterion("CLS-2.4", Truth.NO, shown)


def without_date(criterion: Criterion) -> Criterion:
    """The criterion without the day on which it would be met (CLS-4.1)."""
    return replace(criterion, met_on=None)
