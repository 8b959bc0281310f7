"""Evaluation → JSON of the contract's section 3, without cards. Numbers are decimals that print as they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.guideline.facts import Lesion
from cds_service.guideline.interval import Truth
from cds_service.guideline.provenance import rules_digest, rules_version
from cds_service.hooks.report_facts import end, facts, partial_date, present

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

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

_ENTRY = {Truth.YES: "met", Truth.NO: "not-met", Truth.UNKNOWN: "unknown"}
_EXCLUSION = {Truth.YES: "present", Truth.NO: "absent", Truth.UNKNOWN: "unknown"}


def report(evaluation: Evaluation, note_text: Callable[[str], str]) -> dict[str, object]:
    """The evaluation as JSON members; `note_text` gives the sentence for a note's reason in the reader's language."""
    head, parts = _head(evaluation), _parts(evaluation)
    told = {"facts": facts(_used(evaluation)), "notes": notes(evaluation.notes, note_text)}
    return {**head, "patient": _patient(evaluation), **told, **parts}


def sections(evaluation: Evaluation) -> dict[str, object]:
    """What cards carry of it: the same members without facts and notes, and without what is null or empty."""
    return {**_head(evaluation), **{name: _told(part) for name, part in _parts(evaluation).items()}}


def _told(part: object) -> object:
    if isinstance(part, dict):
        return {name: value for name, value in part.items() if value is not None and value != []}
    return part


def notes(found: Iterable[Note], note_text: Callable[[str], str]) -> list[dict[str, object]]:
    """Notes as JSON, each once, by source and reason."""
    rows = sorted({(note.source, note.reason, note.concept or "") for note in found})
    return [
        present({"source": source, "reason": reason, "concept": concept or None, "detail": note_text(reason)})
        for source, reason, concept in rows
    ]


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


def _patient(evaluation: Evaluation) -> dict[str, object]:
    return present({"id": evaluation.facts.patient_id or None, "birthDate": partial_date(evaluation.facts.born)})


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
        present(
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
    return present(
        {
            "order": infusion.order or None,
            "alsoOrdered": list(infusion.also_ordered) or None,
            "planned": present(
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
    return present(
        {
            "id": check.id,
            "status": check.status,
            "indicator": check.indicator,
            "reason": check.reason,
            "value": end(check.value),
            "limit": end(check.limit),
            "unit": check.unit,
            "date": check.day.isoformat() if check.day else None,
        }
    )


def _finding(finding: Finding) -> dict[str, object]:
    names = list(dict.fromkeys("lesion" if isinstance(fact, Lesion) else fact.name for fact in finding.evidence))
    return present({"id": finding.id, "indicator": finding.indicator, "facts": names or None})
