"""One bullet per domain of table 1: what it rests on, with value and date, and its points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.guideline.course import diagnosis_of
from cds_service.guideline.facts import Dated, Lesion, Measurement
from cds_service.guideline.tables import TABLES
from cds_service.hooks.card_draft import PLAN
from cds_service.hooks.card_facts import all_shown, least, lesion, measured, most
from cds_service.hooks.wording import sentence

if TYPE_CHECKING:
    from datetime import date

    from cds_service.guideline.dates import When
    from cds_service.guideline.facts import Facts
    from cds_service.guideline.results import Domain
    from cds_service.hooks.wording import Wording

_NUMBERS = TABLES.criteria
_TWO_VALUED = frozenset(PLAN["two_valued"])
_MEASURED = frozenset({"hemoglobin", "esr", "crp"})
_PATTERNS = {
    _NUMBERS.distribution_symmetric.count: "symmetric",
    _NUMBERS.distribution_multifocal.count: "multifocal",
    _NUMBERS.distribution_unifocal.count: "unifocal",
    _NUMBERS.distribution_unifocal_confirmed.count: "confirmed",
}


def domain_line(domain: Domain, facts: Facts, wording: Wording) -> str:
    """`- CRP 6 mg/L (12.11.2026): 8 p`, or `- Feber: ikke vurdert (0 eller 8)`."""
    label = wording.text(f"domains.{domain.name}.label")
    rests_on = _basis(domain, facts, wording)
    if domain.name in _MEASURED and not rests_on:
        what = _without_result(label, domain, facts, wording)
    elif domain.name in _MEASURED:
        what = rests_on
    elif rests_on:
        what = wording.text("domains.with_basis", label=label, basis=rests_on)
    else:
        what = label
    if domain.known:
        return wording.text("domains.known", what=sentence(what), points=str(domain.low))
    if domain.assumed:
        return wording.text("domains.assumed", what=sentence(what), points=str(domain.low))
    return wording.text(f"domains.{_state(domain, rests_on)}", what=sentence(what), points=_points(domain, wording))


def _state(domain: Domain, rests_on: str) -> str:
    """Lesions without a side are listed and still leave the distribution open."""
    lesions = [fact for fact in domain.evidence if isinstance(fact, Lesion)]
    if domain.name != "distribution" or not lesions:
        return "open" if rests_on else "not_assessed"
    return "open_side" if len(lesions) > 1 and any(_lacks_side(found) for found in lesions) else "open"


def _lacks_side(found: Lesion) -> bool:
    """Whether a lesion of a paired bone does not tell its side."""
    bones = TABLES.bones
    return (
        found.bone is not None and found.side is None and (found.bone in bones.symmetric or found.bone in bones.paired)
    )


def _without_result(label: str, domain: Domain, facts: Facts, wording: Wording) -> str:
    """The domain's name, and that its results are all younger than the diagnosis, where they are."""
    results = facts.of(domain.name)
    diagnosis = diagnosis_of(facts) if results else None
    if diagnosis is None or not all(r.when and r.when.earliest > diagnosis.when.latest for r in results):
        return label
    return wording.text("domains.none_before", label=label, date=wording.when(diagnosis.when))


def _points(domain: Domain, wording: Wording) -> str:
    low, high = str(domain.low), str(domain.high)
    return wording.text("domains.either" if domain.name in _TWO_VALUED else "domains.between", low=low, high=high)


def _basis(domain: Domain, facts: Facts, wording: Wording) -> str:
    if domain.name in _MEASURED:
        return _results(domain, wording)
    if domain.name == "age_at_onset":
        return _age(domain, facts.born, wording)
    if domain.name == "site":
        lesions = dict.fromkeys(lesion(fact, wording) for fact in domain.evidence if isinstance(fact, Lesion))
        return wording.listed(tuple(lesions))
    if domain.name == "distribution":
        pattern = _PATTERNS.get(domain.low) if domain.known else None
        return wording.text(f"patterns.{pattern}") if pattern else ""
    return all_shown((fact for fact in domain.evidence if not isinstance(fact, Dated)), wording, 2)


def _results(domain: Domain, wording: Wording) -> str:
    """The newest result where all say the same, else the lowest and the highest."""
    results = [fact for fact in domain.evidence if isinstance(fact, Measurement)]
    if not results:
        return ""
    if domain.known:
        told = [max(results, key=_day)]
    else:
        lowest, highest = min(results, key=least), max(results, key=most)
        told = [lowest] if lowest is highest else [lowest, highest]
    text = ", ".join(measured(result, wording) for result in told)
    others = len(results) - len(told)
    return wording.text("format.cut", items=text, more=str(others)) if others else text


def _age(domain: Domain, born: When | None, wording: Wording) -> str:
    onset = next((fact for fact in domain.evidence if isinstance(fact, Dated)), None)
    if onset is None or born is None:
        return ""
    youngest, oldest = _years(born.latest, onset.when.earliest), _years(born.earliest, onset.when.latest)
    years = str(youngest) if youngest == oldest else f"{youngest}–{oldest}"
    key = "domains.age" if "#" in onset.source else "domains.age_from_record"
    return wording.text(key, years=years, date=wording.when(onset.when))


def _years(born: date, day: date) -> int:
    return max(0, day.year - born.year - ((day.month, day.day) < (born.month, born.day)))


def _day(result: Measurement) -> int:
    return result.when.latest.toordinal() if result.when else 0
