"""Holds an evaluation against the `expect` of a vignette; every difference is one line of text."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from zlib import crc32

from cds_service.guideline.evaluation import evaluate
from cds_service.guideline.facts import Fact, Lesion
from cds_service.guideline.interval import Truth
from cds_service.guideline.results import Check, Criterion, Domain, Evaluation, Infusion
from cds_service.guideline.tables import TABLES, Tables
from tests.guideline.vignette import Vignette, load

DOMAINS = "BASDCHFEP"
"""Biopsy, Age at onset, Site, Distribution, Coexisting, Haemoglobin, Fever, ESR, CRP (P): CLS-3.1 to CLS-3.9."""
ENTRY = {Truth.YES: "met", Truth.NO: "not-met", Truth.UNKNOWN: "unknown"}
EXCLUSION = {Truth.YES: "present", Truth.NO: "absent", Truth.UNKNOWN: "unknown"}
INDICATORS = {"info", "warning", "critical"}
USUAL = {"ok": "info", "attention": "warning", "breach": "critical", "missing": "warning", "unreadable": "warning"}


def first_complaint(tables: Tables = TABLES, theme: str = "") -> str | None:
    """What one vignette complains of: those of the theme are asked first, others in an order that mixes the themes."""
    asked = sorted(load().values(), key=lambda vignette: (vignette.theme != theme, crc32(vignette.name.encode())))
    return next((said for vignette in asked for said in complaints(vignette, tables)), None)


def complaints(vignette: Vignette, tables: Tables = TABLES) -> Iterator[str]:
    """What the evaluation says otherwise than the vignette."""
    result = evaluate(
        vignette.facts, vignette.today, tables, moment=vignette.moment, whole_body_mri=vignette.whole_body_mri
    )
    for what, expected in vignette.expect.items():
        said = _READERS[what](result, expected)
        if said != expected:
            yield f"{vignette.name}: {what} is {said}, not {expected}"


def _score(result: Evaluation, expected: Any) -> Any:
    one = result.classification
    if not one.has_score:
        return "none"
    return one.low if one.low == one.high and isinstance(expected, int) else [one.low, one.high]


def _domains(result: Evaluation, expected: str) -> str:
    said = {letter: _points(domain) for letter, domain in zip(DOMAINS, result.classification.domains, strict=True)}
    return " ".join(said[word[0]] for word in expected.split())


def _points(domain: Domain) -> str:
    letter = DOMAINS[int(domain.id[-1]) - 1]
    if domain.assumed:
        return f"{letter}{domain.low}?"
    return f"{letter}{domain.low}" if domain.known else f"{letter}{domain.low}-{domain.high}"


def _criteria(result: Evaluation, expected: Mapping[str, str]) -> dict[str, str]:
    """Status, then the indicator and the reason as far as the vignette names them."""
    one = result.classification
    said = {c.id: (ENTRY[c.truth], c) for c in one.entry_criteria}
    said |= {c.id: (EXCLUSION[c.truth], c) for c in one.exclusion_criteria}
    return {rule: _named(*said[rule], expected[rule]) for rule in expected}


def _named(status: str, criterion: Criterion, expected: str) -> str:
    asked = [criterion.indicator if word in INDICATORS else str(criterion.reason) for word in expected.split()[1:]]
    return " ".join([status, *asked])


def _met_on(result: Evaluation, _: str) -> str:
    return str(result.classification.entry_criteria[0].met_on or "none")


def _biopsy(result: Evaluation, expected: Mapping[str, str]) -> dict[str, str]:
    """consider, refrain, not-assessed or nowhere, then indicator and reason as far as the vignette names them."""
    lists = {
        "consider": result.biopsy.consider,
        "refrain": result.biopsy.refrain,
        "not-assessed": result.biopsy.not_assessed,
    }
    said = {}
    for rule, wanted in expected.items():
        found = [(where, one) for where, reasons in lists.items() for one in reasons if one.id == rule]
        where, one = found[0] if found else ("nowhere", None)
        extra = [one.indicator if word in INDICATORS else str(one.reason) for word in wanted.split()[1:]] if one else []
        said[rule] = " ".join([where, *extra])
    return said


def _checks(result: Evaluation, expected: Mapping[str, str]) -> dict[str, str]:
    return {check.id: _told(check) for check in _infusion(result).checks if check.id in expected}


def _told(check: Check) -> str:
    """Status, an indicator that is not the usual one of that status, and the reason."""
    unusual = [check.indicator] if check.indicator != USUAL[check.status] else []
    return " ".join([check.status, *unusual, *([check.reason] if check.reason is not None else [])])


def _shown(result: Evaluation, expected: Mapping[str, str]) -> dict[str, str]:
    """The number, the limit, the unit and the day of a check, `-` where there is none."""
    found = {check.id: (check.value, check.limit, check.unit, check.day) for check in _infusion(result).checks}
    return {rule: " ".join("-" if part is None else _plain(part) for part in found[rule]) for rule in expected}


def _amounts(result: Evaluation, expected: Mapping[str, str]) -> dict[str, str]:
    return {name: _plain(getattr(_infusion(result), name)) for name in expected}


def _plain(value: object) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _infusion(result: Evaluation) -> Infusion:
    if result.infusion is None:
        raise ValueError("No infusion was judged.")
    return result.infusion


def _order(result: Evaluation, _: list[str]) -> list[str]:
    one = _infusion(result)
    return [one.order, *one.also_ordered]


def _planned(result: Evaluation, _: str) -> str:
    planned = _infusion(result).planned
    return f"{planned.when.earliest} {planned.told_by}"


def _findings(result: Evaluation, expected: Mapping[str, str]) -> dict[str, str]:
    """Indicator and reason of the findings that the vignette names; `none` for one that did not fire.

    Behind them `order` or `both` for one that does not speak of what is on record alone.
    """
    said = {one.id: " ".join([one.indicator, *([one.reason] if one.reason else [])]) for one in result.findings}
    in_full = {one.id: f"{said[one.id]} {one.about}" for one in result.findings}
    return {
        rule: wanted if wanted == in_full.get(rule) else said.get(rule, "none") for rule, wanted in expected.items()
    }


def _facts(result: Evaluation, expected: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Names and values of the facts that a rule rests on, in its order."""
    one = result.classification
    infusion = result.infusion.checks if result.infusion else ()
    lists = (*result.biopsy.consider, *result.biopsy.refrain, *result.biopsy.not_assessed)
    all_rules = (*one.entry_criteria, *one.exclusion_criteria, *one.domains, *lists, *infusion, *result.findings)
    return {rule.id: [_fact(fact) for fact in rule.evidence] for rule in all_rules if rule.id in expected}


def _fact(fact: Fact) -> str:
    if isinstance(fact, Lesion):
        return f"lesion {fact.bone}"
    value = getattr(fact, "value", None)
    if isinstance(value, str):
        return f"{fact.name} {value}"
    number = getattr(value, "low", None)
    return fact.name if number is None else f"{fact.name} {_plain(number)}"


_READERS: Mapping[str, Any] = {
    "verdict": lambda result, _: result.classification.verdict,
    "score": _score,
    "entry": lambda result, _: ENTRY[result.classification.entry],
    "exclusion": lambda result, _: EXCLUSION[result.classification.exclusion],
    "criteria": _criteria,
    "met-on": _met_on,
    "domains": _domains,
    "reasons": lambda result, expected: {
        domain.id: str(domain.reason) for domain in result.classification.domains if domain.id in expected
    },
    "deciding": lambda result, _: list(result.classification.deciding),
    "consider": lambda result, _: [one.id for one in result.biopsy.consider],
    "refrain": lambda result, _: [one.id for one in result.biopsy.refrain],
    "not-assessed": lambda result, _: [one.id for one in result.biopsy.not_assessed],
    "biopsy": _biopsy,
    "readiness": lambda result, _: result.infusion.readiness if result.infusion else "none",
    "checks": _checks,
    "shown": _shown,
    "amounts": _amounts,
    "order": _order,
    "planned": _planned,
    "findings": _findings,
    "facts": _facts,
    "notes": lambda result, _: [f"{note.source} {note.reason}" for note in result.notes],
}
