"""Differential diagnoses beside leukaemia and vitamin C deficiency (DDX-02 to DDX-07, DDX-09 to DDX-13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.guideline.course import was_taken
from cds_service.guideline.criteria import is_raised
from cds_service.guideline.dates import age_reached, known_to
from cds_service.guideline.facts import Coded
from cds_service.guideline.interval import Truth
from cds_service.guideline.lesions import alone_in
from cds_service.guideline.red_flags import newest, positive_cultures, signs_told
from cds_service.guideline.results import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cds_service.guideline.case import Case
    from cds_service.guideline.facts import Condition, Facts, Measurement

_HODGKIN = frozenset({"fatigue", "weight-loss", "lymphadenopathy"})
_CONSTITUTIONAL = frozenset({"fatigue", "weight-loss", "malaise", "night-sweats"})
_OEDEMA = frozenset({"marrow-oedema", "stir-hyperintensity"})
_BARS_REASSURANCE = frozenset({"DDX-01", "DDX-02", "DDX-04", "DDX-06", "DDX-08", "LAB-17", "LAB-18"})
"""The red flags beside which marrow oedema is not called frequent in healthy children."""


def findings(case: Case) -> tuple[Finding, ...]:
    """All that fired."""
    found = (
        hodgkin(case),
        histiocytosis(case),
        malignant_tumour(case),
        benign_tumour(case),
        infection(case),
        necrosis(case),
        arthritis(case),
        regional_pain(case),
        trauma(case),
        hypophosphatasia(case),
    )
    fired = tuple(finding for finding in found if finding)
    oedema = oedema_alone(case, fired)
    return (*fired, oedema) if oedema else fired


def hodgkin(case: Case) -> Finding | None:
    """DDX-02: from the day after the birthday on, any of three signs; so many of them are a warning (ours)."""
    numbers = case.tables.workup
    if age_reached(case.facts.born, numbers.hodgkin_age.count, case.now.shifted(-1)) is not Truth.YES:
        return None
    present, shown = signs_told(case.facts, _HODGKIN)
    if not present:
        return None
    return Finding("DDX-02", "warning" if len(present) >= numbers.hodgkin_signs.count else "info", tuple(shown))


def histiocytosis(case: Case) -> Finding | None:
    """DDX-03: one lesion, of the skull, from a complete list; `young` under the age of the table."""
    least = case.tables.criteria.multifocal_bones.count
    if alone_in(case.picture, case.tables.bones, "skull", least) is not Truth.YES:
        return None
    age = case.tables.workup.histiocytosis_age.count
    young = age_reached(case.facts.born, age, case.now) is Truth.NO
    return Finding("DDX-03", "warning", case.picture.lesions, "young" if young else None)


def malignant_tumour(case: Case) -> Finding | None:
    """DDX-04: destruction, rapid growth, an atypical MRI, a suspicion or a tumour whose nature is open (OUR-16)."""
    shown = (
        *(fact for reason in case.destructive for fact in reason.evidence),
        *answered_yes(case.facts, "atypical-mri"),
        *answered_yes(case.facts, "malignancy-suspected"),
        *(condition.fact() for condition in _coded(case.facts, {"ddx_bone_tumour_uncertain"})),
    )
    return Finding("DDX-04", "warning", tuple(dict.fromkeys(shown))) if shown else None


def benign_tumour(case: Case) -> Finding | None:
    """DDX-05."""
    return _listed("DDX-05", _coded(case.facts, {"ddx_benign_bone_tumour"}))


def infection(case: Case) -> Finding | None:
    """DDX-06: growth in a culture, or constitutional symptoms beside a high CRP or ESR."""
    cultures = positive_cultures(case.facts)
    if cultures:
        return Finding("DDX-06", "warning", cultures, "culture")
    numbers = case.tables.criteria
    limits = (("crp", numbers.crp_below.value), ("esr", numbers.esr_below.value))
    high = [
        value for name, limit in limits for value in newest(case.facts, name, case.recent)
        if value.value.at_least(limit) is Truth.YES
    ]  # fmt: skip
    symptoms = (*unwell(case), *_measured_fever(case), *signs_told(case.facts, _CONSTITUTIONAL)[1])
    return Finding("DDX-06", "warning", (*symptoms, *high)) if symptoms and high else None


def _measured_fever(case: Case) -> list[Measurement]:
    """The newest temperature, where it is a fever that is neither that after an infusion nor answered as absent."""
    answered = case.facts.answers.authored if case.facts.answers.choice("fever") else None
    limit = case.tables.criteria.fever_above.value
    return [
        value for value in newest(case.facts, "body_temperature", case.recent)
        if value.value.above(limit) is Truth.YES
        and not case.infused.covers(value.when) and not known_to(value.when, answered)
    ]  # fmt: skip


def unwell(case: Case) -> tuple[Coded, ...]:
    """Fever without a common infection, and a reduced general condition, as answered."""
    form = case.facts.answers
    feverish = form.fact("fever") if case.fever is Truth.YES else ()
    return (*feverish, *(fact for fact in form.fact("general-condition") if fact.value == "affected"))


def necrosis(case: Case) -> Finding | None:
    """DDX-07: avascular necrosis, or what raises its risk: glucocorticoids, leukaemia that is confirmed (ours)."""
    steroids = tuple(
        Coded(drug.concept, drug.kind, drug.source, drug.when)
        for drug in case.facts.drugs
        if drug.concept == "drug:glucocorticoid" and was_taken(drug)
    )
    return _listed("DDX-07", [*_coded(case.facts, {"ddx_avn"}), *case.facts.confirmed("mimic_leukemia")], steroids)


def arthritis(case: Case) -> Finding | None:
    """DDX-09: it may exist beside CNO, and excludes nothing."""
    ticked = tuple(
        fact for fact in case.facts.answers.fact("coexisting") if fact.value == "enthesitis-related-arthritis"
    )
    return _listed("DDX-09", _coded(case.facts, {"ddx_arthritis", "coexist_era", "coexist_psa"}), ticked)


def regional_pain(case: Case) -> Finding | None:
    """DDX-10: complex regional pain syndrome."""
    return _listed("DDX-10", _coded(case.facts, {"ddx_crps"}), answered_yes(case.facts, "crps"))


def trauma(case: Case) -> Finding | None:
    """DDX-11: an injury of late, or a bone bruise on record."""
    return _listed("DDX-11", _coded(case.facts, {"ddx_bone_bruise"}), answered_yes(case.facts, "trauma"))


def hypophosphatasia(case: Case) -> Finding | None:
    """DDX-12: low ALP (LAB-18) and the newest phosphate above its own range."""
    low = [flag for flag in case.flags if flag.id == "LAB-18"]
    raised = [value for value in newest(case.facts, "phosphate", case.recent) if is_raised(value) is Truth.YES]
    if not low or not raised:
        return None
    return Finding("DDX-12", "warning", (*(fact for flag in low for fact in flag.evidence), *raised))


def oedema_alone(case: Case, fired: tuple[Finding, ...]) -> Finding | None:
    """DDX-13: nothing but marrow oedema, no symptoms and nothing that speaks for more (OUR-17)."""
    alarming = any(finding.id in _BARS_REASSURANCE for finding in (*case.flags, *fired)) or _flags_open(case.facts)
    excluded = case.classification.exclusion is Truth.YES
    if alarming or excluded or case.biopsy.consider or not (_only_oedema(case) and _without_symptoms(case.facts)):
        return None
    return Finding("DDX-13", "info", (*case.picture.lesions, *case.facts.answers.fact("symptom-active")))


def _flags_open(facts: Facts) -> bool:
    """Whether the red flags were not all denied, or what would tell of one did not come or could not be read."""
    form = facts.answers
    denied = form.choices.get("red-flag") == frozenset({"none"}) and "red-flag" not in form.open_lists
    unread = facts.unreadable & {"observation", "platelets", "ldh", "hemoglobin", "leukocytes", "neutrophils", "urate"}
    coded = any(condition.concept == "unreadable" for condition in facts.conditions)
    return not denied or bool(unread) or coded or bool(facts.not_received & {"Observation", "Condition"})


def _only_oedema(case: Case) -> bool:
    """A complete list in which each lesion shows oedema and nothing else; nor does the record show more."""
    facts = case.facts
    listed = [lesion.features for lesion in facts.answers.lesions]
    recorded = [lesion.features for lesion in facts.lesions]
    seen_otherwise = any(
        one.name.startswith("finding:") and one.name != "finding:marrow_oedema" for one in facts.findings
    )
    return (
        case.picture.complete
        and all(listed)
        and all(features <= _OEDEMA for features in (*listed, *recorded))
        and not seen_otherwise
    )


def _without_symptoms(facts: Facts) -> bool:
    """Answered so, by a dated form, and no bone pain on record that the form did not know of."""
    form = facts.answers
    newer = any(
        condition.concept.startswith("sym_") and condition.active is not Truth.NO
        and not known_to(condition.told, form.authored)
        for condition in facts.conditions
    )  # fmt: skip
    return form.choice("symptom-active") == "no" and form.authored is not None and not newer


def answered_yes(facts: Facts, link_id: str) -> tuple[Coded, ...]:
    """The answer, if it is yes."""
    return tuple(fact for fact in facts.answers.fact(link_id) if fact.value == "yes")


def _coded(facts: Facts, concepts: set[str]) -> list[Condition]:
    """Diagnoses of these kinds, whatever their standing; refuted ones are none."""
    return [condition for condition in facts.conditions if condition.concept in concepts]


def _listed(rule: str, coded: list[Condition], beside: Iterable[Coded] = ()) -> Finding | None:
    """An info on diagnoses and answers; `possible` where nothing but unconfirmed diagnoses speaks for it."""
    others = tuple(beside)
    if not coded and not others:
        return None
    open_ones = all(condition.confirmed is not Truth.YES for condition in coded)
    possible = not others and open_ones
    return Finding(rule, "info", (*(one.fact() for one in coded), *others), "possible" if possible else None)
