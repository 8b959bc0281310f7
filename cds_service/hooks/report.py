"""Evaluation → JSON of the contract's section 3, without cards. Numbers are decimals that print as they stand."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from cds_service.guideline.facts import Coded, Dated, Lesion, Measurement
from cds_service.guideline.interval import EXACT, Truth
from cds_service.guideline.tables import rules_digest, rules_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cds_service.guideline.dates import When
    from cds_service.guideline.facts import Fact, Note
    from cds_service.guideline.results import (
        Biopsy,
        Check,
        Classification,
        Criterion,
        Domain,
        Evaluation,
        Finding,
        Infusion,
        Reason,
    )

Placed: TypeAlias = tuple[tuple[str, int, str], dict[str, object]]
"""Where a fact stands among the others, and the fact as JSON."""
Told: TypeAlias = dict[int, Placed | None]
MEASURED = frozenset(
    """hemoglobin crp esr platelets leukocytes neutrophils lymphocytes blasts ldh alp vitd25 calcium_free calcium_total
    calcium_albcorr albumin phosphate urate creatinine vitamin_c ft4 tsh fecal_calprotectin body_temperature
    body_weight body_height""".split()  # noqa: SIM905  a list of words
)
"""The measured names that may stand on the wire."""
_MOST_DECIMALS = 6
_LAST_DECIMAL = Decimal(1).scaleb(-_MOST_DECIMALS)
_ZERO = Decimal(0)
_PLACE = itemgetter(0)
_ENTRY = {Truth.YES: "met", Truth.NO: "not-met", Truth.UNKNOWN: "unknown"}
_EXCLUSION = {Truth.YES: "present", Truth.NO: "absent", Truth.UNKNOWN: "unknown"}
_WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def report(evaluation: Evaluation, note_text: Callable[[str], str]) -> dict[str, object]:
    """The evaluation as JSON members; `note_text` gives the sentence for a note's reason in the reader's language."""
    head, parts = _head(evaluation), _parts(evaluation)
    told = {"facts": facts(_used(evaluation)), "notes": notes(evaluation.notes, note_text)}
    return {**head, "patient": _patient(evaluation), **told, **parts}


def sections(evaluation: Evaluation) -> dict[str, object]:
    """What cards carry of it: the same members without facts and notes, and without anything null or empty inside."""
    return {**_head(evaluation), **{name: _without_gaps(part) for name, part in _parts(evaluation).items()}}


def facts(used: Iterable[Fact], told: Told | None = None) -> list[dict[str, object]]:
    """Facts as JSON: each once, by name, newest first, source. What has no place on the wire is left out.

    `told` remembers the facts of one evaluation, each under its identity, from one card to the next.
    """
    told = {} if told is None else told
    places = []
    for key, fact in {id(fact): fact for fact in used}.items():
        if key not in told:
            told[key] = _placed(fact)
        placed = told[key]
        if placed is not None:
            places.append(placed)
    places.sort(key=_PLACE)
    once: list[dict[str, object]] = []
    before, since = None, 0
    for place, shown in places:
        if place != before:
            before, since = place, len(once)
        if shown not in once[since:]:
            once.append(shown)
    return once


def _placed(fact: Fact) -> Placed | None:
    shown = _fact(fact)
    if shown is None:
        return None
    return ("lesion" if isinstance(fact, Lesion) else fact.name, _newest_first(fact), fact.source), shown


def notes(found: Iterable[Note], note_text: Callable[[str], str]) -> list[dict[str, object]]:
    """Notes as JSON, each once, by source and reason."""
    rows = sorted({(note.source, note.reason, note.concept or "") for note in found})
    return [
        _present({"source": source, "reason": reason, "concept": concept or None, "detail": note_text(reason)})
        for source, reason, concept in rows
    ]


@lru_cache(4096)
def number(value: Decimal) -> Decimal:
    """The same number so that it prints without exponent or trailing zeros, with at most six decimals."""
    text = str(value)
    if "E" not in text:
        decimals = text.partition(".")[2]
        if not decimals or (len(decimals) <= _MOST_DECIMALS and decimals[-1] != "0"):
            return value
    rounded = value.quantize(_LAST_DECIMAL, context=EXACT)
    return Decimal(format(EXACT.normalize(rounded), "f")) if rounded else _ZERO


def partial_date(when: When | None) -> str | None:
    """The FHIR date that holds the whole of it: a day, a month or a year; None where none of them does."""
    if when is None:
        return None
    first = when.earliest.isoformat()
    if when.earliest == when.latest:
        return first
    last = when.latest.isoformat()
    return next((first[:length] for length in (7, 4) if first[:length] == last[:length]), None)


def _head(evaluation: Evaluation) -> dict[str, object]:
    return {
        "evaluatedOn": evaluation.today.isoformat(),
        "rules": {"version": rules_version(), "digest": rules_digest()},
    }


def _parts(evaluation: Evaluation) -> dict[str, object]:
    return {
        "classification": _classification(evaluation.classification),
        "biopsy": _biopsy(evaluation.biopsy),
        "infusion": None if evaluation.infusion is None else _infusion(evaluation.infusion),
        "findings": [_finding(finding) for finding in evaluation.findings],
    }


def _without_gaps(part: object) -> object:
    if isinstance(part, dict):
        return {name: _without_gaps(value) for name, value in part.items() if value is not None and value != []}
    return [_without_gaps(item) for item in part] if isinstance(part, list) else part


def _patient(evaluation: Evaluation) -> dict[str, object]:
    return _present({"id": evaluation.facts.patient_id or None, "birthDate": partial_date(evaluation.facts.born)})


def _used(evaluation: Evaluation) -> Iterable[Fact]:
    """All evidence, in no order."""
    classification, biopsy = evaluation.classification, evaluation.biopsy
    parts: tuple[Iterable[Criterion | Domain | Reason | Check | Finding], ...] = (
        classification.entry_criteria,
        classification.exclusion_criteria,
        classification.domains,
        biopsy.consider,
        biopsy.refrain,
        biopsy.not_assessed,
        evaluation.infusion.checks if evaluation.infusion else (),
        evaluation.findings,
    )
    return (fact for part in parts for line in part for fact in line.evidence)


def _fact(fact: Fact) -> dict[str, object] | None:
    match fact:
        case Measurement():
            return _measured(fact)
        case Coded():
            return _coded(fact)
        case Lesion():
            return _lesion(fact)
        case Dated():
            earliest, latest = fact.when.earliest.isoformat(), fact.when.latest.isoformat()
            return {"name": fact.name, "earliest": earliest, "latest": latest, "source": fact.source}


def _measured(fact: Measurement) -> dict[str, object] | None:
    value = fact.value
    if fact.name not in MEASURED or (value.low is None and value.high is None):
        return None
    members: dict[str, object] = {"name": fact.name}
    if value.low is not None:
        members["low"] = number(value.low)
    if value.high is not None:
        members["high"] = number(value.high)
    if value.low_open:
        members["lowOpen"] = True
    if value.high_open:
        members["highOpen"] = True
    members["unit"] = fact.unit
    date = partial_date(fact.when)
    if date is not None:
        members["date"] = date
    members["source"] = fact.source
    if fact.reference is not None:
        members |= _present({"referenceLow": _end(fact.reference.low), "referenceHigh": _end(fact.reference.high)})
    if fact.flag is not None:
        members["flag"] = fact.flag
    members["readFrom"] = fact.read_from
    return members


def _coded(fact: Coded) -> dict[str, object] | None:
    if isinstance(fact.value, str) and _WORD.fullmatch(fact.value) is None:
        return None
    date = partial_date(fact.when)
    return _present(
        {"name": fact.name, "value": fact.value, "date": date, "source": fact.source, "readFrom": fact.read_from}
    )


def _lesion(fact: Lesion) -> dict[str, object] | None:
    """A lesion whose bone could not be read is a note, not a fact."""
    if fact.bone is None:
        return None
    return _present(
        {
            "name": "lesion",
            "bone": fact.bone,
            "side": fact.side,
            "zone": fact.zone,
            "features": sorted(fact.features) or None,
            "date": partial_date(fact.when),
            "source": fact.source,
        }
    )


def _classification(result: Classification) -> dict[str, object]:
    return {
        "verdict": result.verdict,
        "score": {"low": result.low, "high": result.high} if result.has_score else None,
        "threshold": result.threshold,
        "entry": _criteria(result.entry, result.entry_criteria, _ENTRY),
        "exclusion": _criteria(result.exclusion, result.exclusion_criteria, _EXCLUSION),
        "domains": [_domain(domain) for domain in result.domains],
        "deciding": list(result.deciding),
    }


def _criteria(whole: Truth, criteria: Iterable[Criterion], words: Mapping[Truth, str]) -> dict[str, object]:
    rows = [
        _present(
            {
                "id": criterion.id,
                "status": words[criterion.truth],
                "metOn": criterion.met_on.isoformat() if criterion.met_on else None,
            }
        )
        for criterion in criteria
    ]
    return {"status": words[whole], "criteria": rows}


def _domain(domain: Domain) -> dict[str, object]:
    row = {"id": domain.id, "name": domain.name, "low": domain.low, "high": domain.high, "known": domain.known}
    return {**row, "assumed": True} if domain.assumed else row


def _biopsy(biopsy: Biopsy) -> dict[str, object]:
    return {
        "consider": [reason.id for reason in biopsy.consider],
        "refrain": [reason.id for reason in biopsy.refrain],
        "notAssessed": [reason.id for reason in biopsy.not_assessed],
    }


def _infusion(infusion: Infusion) -> dict[str, object]:
    planned = infusion.planned
    moment = planned.when.moment
    return _present(
        {
            "order": infusion.order or None,
            "alsoOrdered": list(infusion.also_ordered) or None,
            "planned": _present(
                {
                    "date": planned.when.earliest.isoformat(),
                    "time": moment.isoformat(timespec="minutes") if moment else None,
                    "from": planned.told_by,
                }
            ),
            "readiness": infusion.readiness,
            "checks": [_check(check) for check in infusion.checks],
        }
    )


def _check(check: Check) -> dict[str, object]:
    return _present(
        {
            "id": check.id,
            "status": check.status,
            "indicator": check.indicator,
            "reason": check.reason,
            "value": _end(check.value),
            "limit": _end(check.limit),
            "unit": check.unit,
            "date": check.day.isoformat() if check.day else None,
        }
    )


def _finding(finding: Finding) -> dict[str, object]:
    names = list(dict.fromkeys("lesion" if isinstance(fact, Lesion) else fact.name for fact in finding.evidence))
    return _present({"id": finding.id, "indicator": finding.indicator, "facts": names or None})


def _end(value: Decimal | None) -> Decimal | None:
    return None if value is None else number(value)


def _present(members: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}


def _newest_first(fact: Fact) -> int:
    """Undated facts come last."""
    return 1 if fact.when is None else -fact.when.latest.toordinal()
