"""Laboratory work-up: which tests are missing, and what else to measure (LAB-01 to LAB-16, LAB-19 to LAB-21)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from cds_service.guideline.course import Window
from cds_service.guideline.criteria import is_lowered
from cds_service.guideline.dates import When, add_months, known_to
from cds_service.guideline.differentials import answered_yes
from cds_service.guideline.facts import Coded, Fact, Measurement
from cds_service.guideline.interval import Truth
from cds_service.guideline.red_flags import newest, newest_of, signs_told
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


def findings(case: Case) -> tuple[Finding, ...]:
    """All that fired."""
    window = workup_window(case)
    found = (
        *(missing_tests(case, rule, window) for rule in _NEEDED),
        blood_culture(case), vitamin_c(case), calprotectin(case),
    )  # fmt: skip
    return tuple(finding for finding in found if finding)


def missing_tests(case: Case, rule: str, window: Window) -> Finding | None:
    """LAB-01 to LAB-16: what is missing of a line of the list, joined by `+`; what is too old stands as evidence."""
    missing = [concept for concept in _NEEDED[rule] if not _enough(case, concept, window)]
    if not missing:
        return None
    names = [name for one in missing for group in ((one,), *_INSTEAD.get(one, ())) for name in group]
    shown = tuple(one for name in names for one in last_results(case.facts, name))
    return Finding(rule, "info", shown, "+".join(missing))


def _enough(case: Case, concept: str, window: Window) -> bool:
    if is_documented(case, concept, window):
        return True
    if concept in _ANY_TIME:
        return bool(results_of(case.facts, concept))
    return any(all(is_documented(case, name, window) for name in group) for group in _INSTEAD.get(concept, ()))


def blood_culture(case: Case) -> Finding | None:
    """LAB-19: an infection is suspected and no blood culture was taken.

    Suspected: answered so; or (ours) fever, a newest temperature or CRP above its limit, none of which an answer
    that nothing is suspected knew of (OUR-13). Fever in the hours after zoledronic acid is told by ZOL-16.
    """
    facts, criteria = case.facts, case.tables.criteria
    if is_documented(case, "blood_culture", workup_window(case)):
        return None
    measured = tuple(value for value in facts.of("body_temperature") if not case.infused.covers(value.when))
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
    if not suspected or is_documented(case, "vitamin_c", workup_window(case)):
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
    if not shown or is_documented(case, "fecal_calprotectin", workup_window(case)):
        return None
    return Finding("LAB-21", "info", shown)


def is_documented(case: Case, concept: str, window: Window) -> bool:
    """Whether a result or an examination has a date surely inside the window."""
    return any(window.holds(one.when) is Truth.YES for one in results_of(case.facts, concept))


def results_of(facts: Facts, concept: str) -> list[_Seen]:
    """All results of a concept, numbers and mere presence."""
    if concept not in _CODED:
        return list(facts.of(concept))
    return [*facts.of(concept), *(one for one in facts.findings if one.name == concept)]


def last_results(facts: Facts, concept: str) -> list[_Seen]:
    """The results of the last day, and those without a day."""
    seen = results_of(facts, concept)
    if not seen:
        return seen
    last = max((one.when.latest for one in seen if one.when), default=None)
    return [one for one in seen if one.when is None or one.when.latest == last]


def workup_window(case: Case) -> Window:
    """The days in which a test of the work-up counts."""
    return within_days(case, case.tables.workup.workup_window_days.count)


def within_days(case: Case, days: int) -> Window:
    """So many days back from today."""
    return Window(case.now.shifted(-days), case.now)


def within_months(case: Case, months: int) -> Window:
    """So many calendar months back from today."""
    return Window(When.on(add_months(case.course.today, -months)), case.now)
