"""Work-up: referral, examination, laboratory, screening outside the skeleton (UTR, KUS, LAB, KLN-01, KLN-04, EXO)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from cds_service.guideline.course import Infused, Window, is_certain_bone_pain
from cds_service.guideline.criteria import is_lowered, is_raised
from cds_service.guideline.dates import When, add_months, age_reached, known_to
from cds_service.guideline.differentials import answered_yes, signs_told, unwell
from cds_service.guideline.facts import Coded, Fact, Measurement
from cds_service.guideline.interval import Truth
from cds_service.guideline.red_flags import newest, newest_of
from cds_service.guideline.results import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cds_service.guideline.case import Case
    from cds_service.guideline.facts import Facts

_Seen: TypeAlias = Measurement | Coded

_NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "LAB-01": ("hemoglobin",), "LAB-02": ("platelets",), "LAB-03": ("leukocytes", "differential_count"),
        "LAB-04": ("creatinine",), "LAB-05": ("alt", "ast", "ggt"), "LAB-06": ("crp", "esr"),
        "LAB-07": ("tsh", "ft4"), "LAB-08": ("sodium", "potassium"), "LAB-09": ("phosphate",),
        "LAB-10": ("calcium_total",), "LAB-11": ("vitd25",), "LAB-12": ("urate",), "LAB-13": ("ldh",),
        "LAB-14": ("alp",), "LAB-15": ("ana", "rheumatoid_factor", "anti_ccp", "hlab27"),
        "LAB-16": ("urine_dipstick",),
    }
)  # fmt: skip
"""What each line of the laboratory list asks for."""
_INSTEAD: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        "differential_count": (("neutrophils", "lymphocytes"),),
        "calcium_total": (("calcium_free",), ("calcium_albcorr",)),
    }
)
"""What does as well: one of these groups, whole."""
_ANY_TIME = frozenset({"ana", "hlab27"})
_CODED = frozenset(
    {
        "ana", "rheumatoid_factor", "anti_ccp", "hlab27", "urine_dipstick", "differential_count", "blood_pressure",
        "blood_culture",
    }
)  # fmt: skip
"""Tests and examinations whose mere presence counts."""
_DIAGNOSES = frozenset({"cno", "cno_possible", "sapho"})
_JAW = frozenset({"mandible", "maxilla", "jaw_region"})


def findings(case: Case) -> tuple[Finding, ...]:
    """All that fired."""
    window = _workup_window(case)
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
        *(laboratory(case, rule, window) for rule in _NEEDED),
        blood_culture(case),
        vitamin_c(case),
        calprotectin(case),
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
    imaged = any(study.kind.startswith(("img:mr", "img:wbmri")) for study in facts.studies)
    return bool(answered or facts.lesions) or diagnosed or imaged


def general_symptoms(case: Case) -> Finding | None:
    """KLN-04: fever or a reduced general condition, which only a minority has."""
    shown = unwell(case)
    return Finding("KLN-04", "info", shown) if shown else None


def screening(case: Case) -> Finding | None:
    """EXO-01: which of skin, joints and gut the form has not gone through of late."""
    form = case.facts.answers
    current = _months(case, case.tables.workup.screening_months.count).holds(form.authored) is Truth.YES
    if current and "coexisting" in form.choices and "coexisting" not in form.open_lists:
        return None
    gut_asked = current and "gi-symptoms" in form.choices
    shown = (*form.fact("coexisting"), *form.fact("gi-symptoms"))
    return Finding("EXO-01", "info", shown, "skin-joints" if gut_asked else "skin-joints-gut")


def gut(case: Case) -> Finding | None:
    """EXO-04: complaints of the gut, or a raised calprotectin, in a child without known IBD (ours)."""
    facts = case.facts
    coded = any(one.concept == "coexist_ibd" and one.confirmed is Truth.YES for one in facts.conditions)
    if coded or "ibd" in facts.answers.choices.get("coexisting", ()):
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
    """UTR-01: lasting symptoms and imaging that suggests CNO belong to a paediatrician; `ask` if none could be seen."""
    entry = [one for one in case.classification.entry_criteria if one.id in ("CLS-1.1", "CLS-1.3")]
    suggestive = all(one.truth is Truth.YES for one in entry)
    if case.is_adult or not suggestive or "referral:paediatrics" in case.facts.requested:
        return None
    reason = "ask" if "ServiceRequest" in case.facts.not_received else None
    return Finding("UTR-01", "warning", tuple(fact for one in entry for fact in one.evidence), reason)


def delay(case: Case) -> Finding | None:
    """UTR-02: symptoms for longer than some months (ours) and no diagnosis; `ask` if diagnoses were not received."""
    course = case.course
    diagnosed = any(one.concept == "cno" and one.confirmed is Truth.YES for one in case.facts.conditions)
    if course.onset is None or diagnosed:
        return None
    until = course.end.when.earliest if course.end else course.today
    if add_months(course.onset.when.latest, case.tables.workup.delay_months.count) >= until:
        return None
    shown = (course.onset, course.end) if course.end else (course.onset,)
    return Finding("UTR-02", "info", shown, "ask" if "Condition" in case.facts.not_received else None)


def exclusion_open(case: Case) -> Finding | None:
    """UTR-03: an exclusion criterion is not verified."""
    unknown = [one for one in case.classification.exclusion_criteria if one.truth is Truth.UNKNOWN]
    return Finding("UTR-03", "info", tuple(fact for one in unknown for fact in one.evidence)) if unknown else None


def temperature(case: Case) -> Finding | None:
    """KUS-02: no temperature of the last days."""
    return _missing(case, "KUS-02", "body_temperature", _days(case, case.tables.workup.temperature_days.count))


def blood_pressure(case: Case) -> Finding | None:
    """KUS-03: no blood pressure inside the window of the work-up (ours)."""
    return _missing(case, "KUS-03", "blood_pressure", _workup_window(case))


def height_and_weight(case: Case) -> Finding | None:
    """KUS-04: no height, or no weight, of the last months (ours)."""
    window = _months(case, case.tables.workup.growth_months.count)
    measured = {"height": "body_height", "weight": "body_weight"}
    missing = [word for word, concept in measured.items() if not _documented(case, concept, window)]
    if not missing:
        return None
    shown = tuple(one for word in missing for one in _last(case.facts, measured[word]))
    return Finding("KUS-04", "info", shown, missing[0] if missing[1:] == [] else "both")


def jaw(case: Case) -> Finding | None:
    """KUS-07: complaints of the jaw, or a lesion there."""
    lesions = (lesion for lesion in case.picture.lesions if lesion.bone in _JAW)
    shown: tuple[Fact, ...] = (*answered_yes(case.facts, "jaw-symptoms"), *lesions)
    return Finding("KUS-07", "info", shown) if shown else None


def laboratory(case: Case, rule: str, window: Window) -> Finding | None:
    """LAB-01 to LAB-16: what is missing of a line of the list, joined by `+`; what is too old stands as evidence."""
    missing = [concept for concept in _NEEDED[rule] if not _enough(case, concept, window)]
    if not missing:
        return None
    names = [name for one in missing for group in ((one,), *_INSTEAD.get(one, ())) for name in group]
    shown = tuple(one for name in names for one in _last(case.facts, name))
    return Finding(rule, "info", shown, "+".join(missing))


def _enough(case: Case, concept: str, window: Window) -> bool:
    if _documented(case, concept, window):
        return True
    if concept in _ANY_TIME:
        return bool(_seen(case.facts, concept))
    return any(all(_documented(case, name, window) for name in group) for group in _INSTEAD.get(concept, ()))


def blood_culture(case: Case) -> Finding | None:
    """LAB-19: an infection is suspected and no blood culture was taken.

    Suspected: answered so; or (ours) fever, a newest temperature or CRP above its limit, none of which an answer
    that nothing is suspected knew of (OUR-13). Fever in the hours after zoledronic acid is told by ZOL-16.
    """
    facts, criteria = case.facts, case.tables.criteria
    if _documented(case, "blood_culture", _workup_window(case)):
        return None
    infused = Infused.of(facts, case.tables.infusion.fever_hours.count)
    measured = tuple(value for value in facts.of("body_temperature") if not infused.covers(value.when))
    signs: tuple[_Seen, ...] = (
        *(facts.answers.fact("fever") if case.fever is Truth.YES else ()),
        *(v for v in newest_of(measured, case.recent) if v.value.above(criteria.fever_above.value) is Truth.YES),
        *(v for v in newest(facts, "crp", case.recent) if v.value.at_least(criteria.crp_below.value) is Truth.YES),
    )
    judged = facts.answers.authored if facts.answers.choice("infection-suspected") == "no" else None
    shown = (*answered_yes(facts, "infection-suspected"), *(sign for sign in signs if not known_to(sign.when, judged)))
    return Finding("LAB-19", "warning", shown) if shown else None


def vitamin_c(case: Case) -> Finding | None:
    """LAB-20: malnutrition is suspected and vitamin C was not measured."""
    suspected = answered_yes(case.facts, "malnutrition")
    if not suspected or _documented(case, "vitamin_c", _workup_window(case)):
        return None
    return Finding("LAB-20", "info", suspected)


def calprotectin(case: Case) -> Finding | None:
    """LAB-21, low threshold: complaints of the gut, weight loss or a low haemoglobin, and no calprotectin (ours)."""
    facts = case.facts
    low = (value for value in newest(facts, "hemoglobin", case.recent) if is_lowered(value) is Truth.YES)
    shown: tuple[Fact, ...] = (
        *answered_yes(facts, "gi-symptoms"),
        *signs_told(facts, frozenset({"weight-loss"}))[1],
        *low,
    )
    if not shown or _documented(case, "fecal_calprotectin", _workup_window(case)):
        return None
    return Finding("LAB-21", "info", shown)


def _missing(case: Case, rule: str, concept: str, window: Window) -> Finding | None:
    """An info where nothing of it has a date surely inside the window; the last one before it as evidence."""
    return None if _documented(case, concept, window) else Finding(rule, "info", tuple(_last(case.facts, concept)))


def _documented(case: Case, concept: str, window: Window) -> bool:
    return any(window.holds(one.when) is Truth.YES for one in _seen(case.facts, concept))


def _seen(facts: Facts, concept: str) -> list[_Seen]:
    """All results of a concept, numbers and mere presence."""
    if concept not in _CODED:
        return list(facts.of(concept))
    return [*facts.of(concept), *(one for one in facts.findings if one.name == concept)]


def _last(facts: Facts, concept: str) -> list[_Seen]:
    """The results of the last day, and those without a day."""
    seen = _seen(facts, concept)
    if not seen:
        return seen
    last = max((one.when.latest for one in seen if one.when), default=None)
    return [one for one in seen if one.when is None or one.when.latest == last]


def _workup_window(case: Case) -> Window:
    return _days(case, case.tables.workup.workup_window_days.count)


def _days(case: Case, days: int) -> Window:
    return Window(case.now.shifted(-days), case.now)


def _months(case: Case, months: int) -> Window:
    return Window(When.on(add_months(case.course.today, -months)), case.now)
