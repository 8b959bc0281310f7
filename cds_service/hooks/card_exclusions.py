"""The exclusion criteria as lines: what is verified, what is not, what is there, with value and date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.guideline.criteria import is_raised
from cds_service.guideline.dates import known_to
from cds_service.guideline.facts import Coded, Measurement
from cds_service.guideline.interval import Truth
from cds_service.guideline.tables import TABLES
from cds_service.hooks.card_facts import all_shown, answered_on, number_of
from cds_service.hooks.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cds_service.guideline.facts import Fact, Facts
    from cds_service.guideline.results import Classification, Criterion
    from cds_service.hooks.wording import Wording

_TUMOUR_SIGNS = frozenset({"platelets", "ldh", "ldh-answered"})
_PLATELETS = TABLES.criteria.platelets_below.value
_MOST_IMPORTANT_FIRST = frozenset({"CLS-2.2", "CLS-2.3"})
"""Criteria that rest on one result: the first of their evidence."""


def exclusion_lines(result: Classification, facts: Facts, wording: Wording) -> tuple[str, ...]:
    """One line for the whole, one for each criterion that is there or must be looked at."""
    lines = (_criterion_line(criterion, facts, wording) for criterion in result.exclusion_criteria)
    return (_whole(result, wording), *(line for line in lines if line))


def exclusion_names(criterion: Criterion, wording: Wording) -> list[str]:
    """What is present, named as shortly as a summary needs: a disease, or a value without its date."""
    result = _decisive(criterion)
    if result is not None and criterion.reason != "ldh-answered":
        return [_brief_value(result, wording)]
    labels = [wording.label(fact.name) for fact in criterion.evidence if isinstance(fact, Coded)]
    diseases = list(dict.fromkeys(label for label in labels if label)) if criterion.id == "CLS-2.1" else []
    return diseases or [wording.text(f"present.{criterion.id}")]


def is_tumour_sign(criterion: Criterion) -> bool:
    """Whether platelets or LD, not a diagnosis, led here."""
    return criterion.reason in _TUMOUR_SIGNS


def _decisive(criterion: Criterion) -> Measurement | None:
    """The platelet count or the LD that the criterion rests on, or that leaves it open."""
    if criterion.id not in _MOST_IMPORTANT_FIRST:
        return None
    results = [fact for fact in criterion.evidence if isinstance(fact, Measurement)]
    doubtful = results if criterion.truth is Truth.YES else [result for result in results if not _is_good(result)]
    return next(iter(doubtful or results), None)


def _is_good(result: Measurement) -> bool:
    """Whether a count is surely not too low, an LD surely not too high."""
    worse = result.value.below(_PLATELETS) if result.name == "platelets" else is_raised(result)
    return worse is Truth.NO


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


def _criterion_line(criterion: Criterion, facts: Facts, wording: Wording) -> str:
    """Empty for a criterion that is absent, and for one of which nothing is known."""
    found = all_shown(_telling(criterion), wording)
    if criterion.truth is Truth.YES or criterion.indicator != "info":
        key = wording.first(f"exclusions.{criterion.id}.{criterion.reason}", f"exclusions.{criterion.id}.present")
        return wording.text(key, found=sentence(found or wording.text(f"present.{criterion.id}")))
    if criterion.truth is not Truth.UNKNOWN:
        return ""
    if criterion.id == "CLS-2.1" and facts.answers.choice("mimicker") == "excluded":
        return _doubted_line(criterion, facts, wording)
    return wording.text("exclusions.open", found=sentence(found)) if found else ""


def _doubted_line(criterion: Criterion, facts: Facts, wording: Wording) -> str:
    """Why the answer `excluded` does not settle CLS-2.1: something newer, or a list that did not come."""
    authored = facts.answers.authored
    date = answered_on(facts.answers, wording)
    newer = [fact for fact in criterion.evidence if not _is_answer(fact) and not known_to(fact.when, authored)]
    found = all_shown(newer, wording)
    if found:
        return wording.text("exclusions.outdated", found=sentence(found), date=date)
    if "Condition" in facts.not_received:
        return wording.text("exclusions.unconfirmed", date=date)
    return wording.text("exclusions.open", found=sentence(all_shown(criterion.evidence, wording)))


def _is_answer(fact: Fact) -> bool:
    return isinstance(fact, Coded) and fact.read_from == "answer"


def _telling(criterion: Criterion) -> tuple[Fact, ...]:
    """Of results the decisive one, beside everything that is no result."""
    result = _decisive(criterion)
    if result is None:
        return criterion.evidence
    return (result, *(fact for fact in criterion.evidence if not isinstance(fact, Measurement)))


def _brief_value(result: Measurement, wording: Wording) -> str:
    label = wording.text(f"labels.{result.name}")
    value = wording.quantity(number_of(result, wording), result.unit)
    return f"{label} {value}"


def _names(criteria: Sequence[Criterion], wording: Wording) -> str:
    return ", ".join(wording.text(f"criteria.{criterion.id}") for criterion in criteria)
