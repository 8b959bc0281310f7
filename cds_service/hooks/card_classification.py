"""The classification card: verdict, entry, exclusion, and each domain with what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.guideline.interval import Truth
from cds_service.guideline.tables import TABLES
from cds_service.hooks.card_domains import domain_line
from cds_service.hooks.card_draft import Draft, brief, shortening, unread_lines, worst
from cds_service.hooks.card_exclusions import exclusion_lines, exclusion_names, is_tumour_sign
from cds_service.hooks.card_findings import finding_line, finding_summary, topic_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cds_service.guideline.facts import Facts
    from cds_service.guideline.results import Classification, Criterion, Domain, Evaluation, Finding, Indicator
    from cds_service.hooks.card_draft import Scope
    from cds_service.hooks.wording import Wording

_NUMBERS = TABLES.criteria
_HIGHEST = sum(
    number.count
    for number in (
        _NUMBERS.biopsy_both, _NUMBERS.age_older, _NUMBERS.site_clavicle_mandible, _NUMBERS.distribution_symmetric,
        _NUMBERS.coexisting_ibd, _NUMBERS.hemoglobin_good, _NUMBERS.fever_absent, _NUMBERS.esr_good, _NUMBERS.crp_good,
    )
)  # fmt: skip


def classification_card(evaluation: Evaluation, scope: Scope, wording: Wording) -> Draft:
    """The card of CLS-4.1; for an onset in adult age it refers to the recommendations for adults (BGR-02)."""
    result = evaluation.classification
    if is_adult_onset(result):
        return _adult_card(evaluation, wording)
    lines = (
        _verdict_line(result, wording),
        *([wording.text("frame.adult")] if scope.age_group == "adult" else []),
        _entry_line(result, wording),
        *exclusion_lines(result, evaluation.facts, wording),
        *_open_red_flags(evaluation.facts, wording),
        *(domain_line(domain, evaluation.facts, wording) for domain in _in_order(result)),
    )
    parts: tuple[Criterion | Domain, ...] = (
        *result.entry_criteria,
        *result.exclusion_criteria,
        *result.domains,
    )
    evidence = tuple(fact for part in parts for fact in part.evidence)
    return Draft(
        topic="classification",
        indicator=_indicator(result),
        summary=_summary(result, wording),
        lines=lines,
        last=unread_lines(evaluation, evaluation.notes, wording),
        evidence=evidence,
        notes=evaluation.notes,
    )


def is_adult_onset(result: Classification) -> bool:
    """Whether CLS-1.2 is known not to be met."""
    return any(criterion.id == "CLS-1.2" and criterion.truth is Truth.NO for criterion in result.entry_criteria)


def _in_order(result: Classification) -> list[Domain]:
    """Unsettled domains first, in the order of asking; none where no score is shown."""
    if not result.has_score:
        return []
    asked = {name: place for place, name in enumerate(result.deciding)}
    return sorted(result.domains, key=lambda domain: (domain.known, asked.get(domain.name, len(asked))))


def _open_red_flags(facts: Facts, wording: Wording) -> tuple[str, ...]:
    """That nobody has answered which red flags there are."""
    if facts.answers.choices.get("red-flag"):
        return ()
    return (wording.text("classification.exclusion.red_flags_open"),)


def _adult_card(evaluation: Evaluation, wording: Wording) -> Draft:
    """The one card of an onset in adult age: what is pressing comes before the reference to adults."""
    result = evaluation.classification
    flags = [
        found
        for found in evaluation.findings
        if found.indicator == "critical" and topic_of(found, at_order=False) == "red-flag"
    ]
    parts: tuple[Criterion | Finding, ...] = (*result.entry_criteria, *result.exclusion_criteria, *flags)
    return Draft(
        topic="classification",
        indicator=worst((_indicator(result), *(found.indicator for found in flags))),
        summary=_adult_summary(result, flags, wording),
        lines=(
            *(finding_line(found, wording) for found in flags),
            *exclusion_lines(result, evaluation.facts, wording)[1:],
            wording.text("classification.adult.line"),
        ),
        last=unread_lines(evaluation, evaluation.notes, wording),
        evidence=tuple(fact for part in parts for fact in part.evidence),
        notes=evaluation.notes,
    )


def _adult_summary(result: Classification, flags: Sequence[Finding], wording: Wording) -> str:
    if result.exclusion is Truth.YES:
        return _exclusion_summary(result, wording)
    if flags:
        return finding_summary(flags[0], wording)
    return wording.text("classification.adult.summary")


def _indicator(result: Classification) -> Indicator:
    excluded: Indicator = "warning" if result.exclusion is Truth.YES else "info"
    return worst((excluded, *(criterion.indicator for criterion in result.exclusion_criteria)))


def _summary(result: Classification, wording: Wording) -> str:
    if result.exclusion is Truth.YES:
        return _exclusion_summary(result, wording)
    if result.verdict == "not-applicable":
        return _entry_summary(result, wording)
    slots = {"score": _score(result), "high": str(result.high), "threshold": str(result.threshold)}
    slots |= {"highest": str(_HIGHEST), "sensitivity": wording.number(_NUMBERS.sensitivity_percent.value, 0)}
    key = f"classification.{result.verdict}.summary"
    names = _still_open(result, wording)
    if not names:
        return wording.text(key, **slots)
    return brief([wording.text(key, **slots, open=items) for items in shortening(names, wording)])


def _still_open(result: Classification, wording: Wording) -> list[str]:
    """What the verdict waits for: criteria to verify, or the domains that are not known."""
    if result.verdict == "provisionally-fulfilled":
        criteria = (*result.entry_criteria, *result.exclusion_criteria)
        return [wording.text(f"criteria.{c.id}") for c in criteria if c.truth is Truth.UNKNOWN]
    if result.verdict == "undetermined":
        return [wording.text(f"domains.{name}.short") for name in result.deciding]
    return []


def _exclusion_summary(result: Classification, wording: Wording) -> str:
    present = [criterion for criterion in result.exclusion_criteria if criterion.truth is Truth.YES]
    names = [name for criterion in present for name in exclusion_names(criterion, wording)]
    advice = "tumour" if any(is_tumour_sign(criterion) for criterion in present) else "plain"
    key = f"classification.exclusion_present.{advice}"
    return brief([wording.text(key, found=items) for items in shortening(names, wording)])


def _entry_summary(result: Classification, wording: Wording) -> str:
    unmet = [criterion for criterion in result.entry_criteria if criterion.truth is Truth.NO]
    met_on = next((criterion.met_on for criterion in unmet if criterion.met_on), None)
    if met_on and len(unmet) == 1:
        return wording.text("classification.not-applicable.later", date=wording.day(met_on))
    return wording.text("classification.not-applicable.summary", unmet=_names(unmet, wording))


def _verdict_line(result: Classification, wording: Wording) -> str:
    if result.verdict == "not-applicable" and result.exclusion is Truth.YES:
        return wording.text("classification.not-applicable.excluded")
    sensitivity = wording.number(_NUMBERS.sensitivity_percent.value, 0)
    return wording.text(f"classification.{result.verdict}.line", sensitivity=sensitivity)


def _entry_line(result: Classification, wording: Wording) -> str:
    criteria = result.entry_criteria
    if result.entry is Truth.YES:
        return wording.text("classification.entry.met", n=str(len(criteria)))
    unmet = [criterion for criterion in criteria if criterion.truth is Truth.NO]
    if unmet:
        return wording.text("classification.entry.not_met", names=_names(unmet, wording))
    unknown = [criterion for criterion in criteria if criterion.truth is Truth.UNKNOWN]
    return wording.text("classification.entry.unknown", names=_names(unknown, wording))


def _names(criteria: Sequence[Criterion], wording: Wording) -> str:
    return ", ".join(wording.text(f"criteria.{criterion.id}") for criterion in criteria)


def _score(result: Classification) -> str:
    return str(result.low) if result.low == result.high else f"{result.low}–{result.high}"
