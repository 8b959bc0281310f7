"""Work-up: referral, examination, screening outside the skeleton (UTR, KUS, KLN-01, KLN-04, EXO) and laboratory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.guideline import laboratory
from cds_service.guideline.course import is_certain_bone_pain
from cds_service.guideline.criteria import is_raised
from cds_service.guideline.dates import add_months, age_reached
from cds_service.guideline.differentials import answered_yes, unwell
from cds_service.guideline.imaging_known import MRI
from cds_service.guideline.interval import Truth
from cds_service.guideline.laboratory import is_documented, last_results, within_days, within_months, workup_window
from cds_service.guideline.red_flags import newest
from cds_service.guideline.results import Finding

if TYPE_CHECKING:
    from cds_service.guideline.case import Case
    from cds_service.guideline.course import Window
    from cds_service.guideline.facts import Fact, Facts

_DIAGNOSES = frozenset({"cno", "cno_possible", "sapho"})
_HIDING = frozenset(
    {
        "drug:glucocorticoid", "drug:methotrexate", "drug:sulfasalazine", "drug:tnf_inhibitor", "drug:il17_inhibitor",
        "drug:jak_inhibitor", "drug:pamidronate", "drug:bisphosphonate",
    }
)  # fmt: skip
"""Drugs before which infection and malignancy must be ruled out; zoledronic acid has a card of its own."""
_JAW = frozenset({"mandible", "maxilla", "jaw_region"})


def findings(case: Case) -> tuple[Finding, ...]:
    """All that fired."""
    found = (
        bone_pain(case),
        general_symptoms(case),
        screening(case),
        gut(case),
        rare_associations(case),
        referral(case),
        delay(case),
        exclusion_open(case),
        temperature(case),
        blood_pressure(case),
        height_and_weight(case),
        jaw(case),
        *laboratory.findings(case),
    )
    return tuple(finding for finding in found if finding)


def bone_pain(case: Case) -> Finding | None:
    """KLN-01: a child whose bone pain has lasted long enough, and nobody has begun to look for CNO."""
    facts, numbers = case.facts, case.tables.criteria
    days = numbers.symptom_days.count
    lasting = tuple(
        condition.fact()
        for condition in facts.conditions
        if is_certain_bone_pain(condition) and condition.onset
        and (case.course.today - condition.onset.latest).days >= days
    )  # fmt: skip
    is_child = age_reached(facts.born, numbers.onset_below_age.count, case.now) is Truth.NO
    return Finding("KLN-01", "info", lasting) if lasting and is_child and not _begun(facts) else None


def _begun(facts: Facts) -> bool:
    """Is there anything of a work-up for CNO: an answer, a diagnosis, a lesion, an MRI?"""
    form = facts.answers
    answered = form.choices or form.dates or form.lesions
    diagnosed = any(condition.concept in _DIAGNOSES for condition in facts.conditions)
    imaged = any(study.kind.startswith(MRI) for study in facts.studies)
    return bool(answered or facts.lesions) or diagnosed or imaged


def general_symptoms(case: Case) -> Finding | None:
    """KLN-04: fever or a reduced general condition, which only a minority has."""
    shown = unwell(case)
    return Finding("KLN-04", "info", shown) if shown else None


def screening(case: Case) -> Finding | None:
    """EXO-01: which of skin, joints and gut the form has not gone through of late."""
    form = case.facts.answers
    current = within_months(case, case.tables.workup.screening_months.count).holds(form.authored) is Truth.YES
    if current and "coexisting" in form.choices and "coexisting" not in form.open_lists:
        return None
    gut_asked = current and "gi-symptoms" in form.choices
    shown = (*form.fact("coexisting"), *form.fact("gi-symptoms"))
    return Finding("EXO-01", "info", shown, "skin-joints" if gut_asked else "skin-joints-gut")


def gut(case: Case) -> Finding | None:
    """EXO-04: complaints of the gut, or a raised calprotectin, in a child without known IBD (ours)."""
    facts = case.facts
    if facts.confirmed("coexist_ibd") or "ibd" in facts.answers.choices.get("coexisting", ()):
        return None
    raised = (v for v in newest(facts, "fecal_calprotectin", case.recent) if is_raised(v) is Truth.YES)
    shown: tuple[Fact, ...] = (*answered_yes(facts, "gi-symptoms"), *raised)
    return Finding("EXO-04", "info", shown) if shown else None


def rare_associations(case: Case) -> Finding | None:
    """EXO-05: uveitis, Sweet's syndrome, protein in the urine."""
    coded = tuple(one.fact() for one in case.facts.conditions if one.concept.startswith("extraosseous_"))
    protein = tuple(one for one in case.facts.findings if one.name == "urine_protein" and one.value == "positive")
    return Finding("EXO-05", "info", (*coded, *protein)) if coded or protein else None


def referral(case: Case) -> Finding | None:
    """UTR-01: lasting symptoms and imaging that suggests CNO belong to a paediatrician; `ask` if none could be seen.

    A child with a confirmed diagnosis has been there: `diagnosed` (OUR-42).
    """
    entry = [one for one in case.classification.entry_criteria if one.id in ("CLS-1.1", "CLS-1.3")]
    suggestive = all(one.truth is Truth.YES for one in entry)
    if case.is_adult or not suggestive or "referral:paediatrics" in case.facts.requested:
        return None
    unread = "ServiceRequest" in case.facts.not_received or "service_request" in case.facts.unreadable
    reason = "diagnosed" if case.has_diagnosis else "ask" if unread else None
    return Finding("UTR-01", "warning", tuple(fact for one in entry for fact in one.evidence), reason)


def delay(case: Case) -> Finding | None:
    """UTR-02: symptoms for longer than some months (ours) and no diagnosis; `ask` if diagnoses were not received."""
    course = case.course
    if course.onset is None or case.has_diagnosis:
        return None
    until = course.end.when.earliest if course.end else course.today
    if add_months(course.onset.when.latest, case.tables.workup.delay_months.count) >= until:
        return None
    shown = (course.onset, course.end) if course.end else (course.onset,)
    return Finding("UTR-02", "info", shown, "ask" if "Condition" in case.facts.not_received else None)


def exclusion_open(case: Case) -> Finding | None:
    """UTR-03: an exclusion criterion is not verified; told again where a drug that hides it is ordered (OUR-41)."""
    unknown = [one for one in case.classification.exclusion_criteria if one.truth is Truth.UNKNOWN]
    ours = case.facts.form is not None or case.has_diagnosis
    ordered = ours and any(order.concept in _HIDING and not order.stops for order in case.facts.orders)
    evidence = tuple(fact for one in unknown for fact in one.evidence)
    return Finding("UTR-03", "info", evidence, about="both" if ordered else "chart") if unknown else None


def temperature(case: Case) -> Finding | None:
    """KUS-02: no temperature of the last days."""
    return _missing(case, "KUS-02", "body_temperature", within_days(case, case.tables.workup.temperature_days.count))


def blood_pressure(case: Case) -> Finding | None:
    """KUS-03: no blood pressure inside the window of the work-up (ours)."""
    return _missing(case, "KUS-03", "blood_pressure", workup_window(case))


def height_and_weight(case: Case) -> Finding | None:
    """KUS-04: no height, or no weight, of the last months (ours)."""
    window = within_months(case, case.tables.workup.growth_months.count)
    measured = {"height": "body_height", "weight": "body_weight"}
    missing = [word for word, concept in measured.items() if not is_documented(case, concept, window)]
    if not missing:
        return None
    shown = tuple(one for word in missing for one in last_results(case.facts, measured[word]))
    return Finding("KUS-04", "info", shown, missing[0] if missing[1:] == [] else "both")


def jaw(case: Case) -> Finding | None:
    """KUS-07: complaints of the jaw, or a lesion there."""
    lesions = (lesion for lesion in case.picture.lesions if lesion.bone in _JAW)
    shown: tuple[Fact, ...] = (*answered_yes(case.facts, "jaw-symptoms"), *lesions)
    return Finding("KUS-07", "info", shown) if shown else None


def _missing(case: Case, rule: str, concept: str, window: Window) -> Finding | None:
    """An info where nothing of it has a date surely inside the window; the last one before it as evidence."""
    return (
        None
        if is_documented(case, concept, window)
        else Finding(rule, "info", tuple(last_results(case.facts, concept)))
    )
