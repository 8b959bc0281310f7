"""The exclusion criteria as lines: what is verified, what is not, what is there, with value and date."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from cds_service.guideline.facts import Coded, Measurement
from cds_service.guideline.interval import Truth
from cds_service.hooks.card_facts import all_shown, decimals, least, measured, most, number_of
from cds_service.hooks.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cds_service.guideline.results import Classification, Criterion
    from cds_service.hooks.wording import Wording

_TUMOUR_SIGNS = frozenset({"platelets", "ldh"})


def exclusion_lines(result: Classification, wording: Wording) -> tuple[str, ...]:
    """One line for the whole, one for each criterion that is there or must be looked at."""
    lines = (_criterion_line(criterion, wording) for criterion in result.exclusion_criteria)
    return (_whole(result, wording), *(line for line in lines if line))


def exclusion_names(criterion: Criterion, wording: Wording) -> list[str]:
    """What is present, named as shortly as a summary needs: a disease, or a value without its date."""
    result = decisive(criterion)
    if result is not None:
        return [_brief_value(result, wording)]
    labels = [wording.label(fact.name) for fact in criterion.evidence if isinstance(fact, Coded)]
    diseases = list(dict.fromkeys(label for label in labels if label)) if criterion.id == "CLS-2.1" else []
    return diseases or [wording.text(f"present.{criterion.id}")]


def is_tumour_sign(criterion: Criterion) -> bool:
    """Whether platelets or LD, not a diagnosis, led here."""
    return criterion.reason in _TUMOUR_SIGNS


def decisive(criterion: Criterion) -> Measurement | None:
    """The lowest platelet count, or the LD that is highest against its own upper limit."""
    results = [fact for fact in criterion.evidence if isinstance(fact, Measurement)]
    if criterion.id == "CLS-2.2":
        return min(results, key=least, default=None)
    if criterion.id == "CLS-2.3":
        return max(results, key=_ratio, default=None)
    return None


def _whole(result: Classification, wording: Wording) -> str:
    if result.exclusion is Truth.NO:
        return wording.text("classification.exclusion.absent")
    present = [criterion for criterion in result.exclusion_criteria if criterion.truth is Truth.YES]
    unknown = [criterion for criterion in result.exclusion_criteria if criterion.truth is Truth.UNKNOWN]
    if present and unknown:
        key = "classification.exclusion.present_and_unknown"
        return wording.text(key, names=_names(present, wording), open=_names(unknown, wording))
    state = "present" if present else "unknown"
    return wording.text(f"classification.exclusion.{state}", names=_names(present or unknown, wording))


def _criterion_line(criterion: Criterion, wording: Wording) -> str:
    """Empty for a criterion that is absent, and for one of which nothing is known."""
    result = decisive(criterion)
    found = all_shown(criterion.evidence, wording) if result is None else _with_limit(result, wording)
    if criterion.truth is Truth.YES or criterion.indicator != "info":
        key = wording.first(f"exclusions.{criterion.id}.{criterion.reason}", f"exclusions.{criterion.id}.present")
        return wording.text(key, found=sentence(found or wording.text(f"present.{criterion.id}")))
    if criterion.truth is Truth.UNKNOWN and found:
        return wording.text("exclusions.open", found=sentence(found))
    return ""


def _with_limit(result: Measurement, wording: Wording) -> str:
    text = measured(result, wording)
    high = None if result.reference is None else result.reference.high
    if result.name != "ldh" or high is None:
        return text
    held = tuple(end for end in (result.value.low, result.value.high) if end is not None)
    return wording.text("exclusions.with_limit", found=text, limit=wording.number(high, decimals("ldh"), held))


def _brief_value(result: Measurement, wording: Wording) -> str:
    label = wording.text(f"labels.{result.name}")
    value = wording.quantity(number_of(result, wording), result.unit)
    return f"{label} {value}"


def _names(criteria: Sequence[Criterion], wording: Wording) -> str:
    return ", ".join(wording.text(f"criteria.{criterion.id}") for criterion in criteria)


def _ratio(result: Measurement) -> Fraction:
    """The highest value over its own upper limit; 0 without a limit."""
    limit = None if result.reference is None else result.reference.high
    return most(result) / Fraction(limit) if limit else Fraction(0)
