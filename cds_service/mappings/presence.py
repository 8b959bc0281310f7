"""Tests, cultures and visits that count because they took place; what was found is read from codes, not from prose."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cds_service.guideline.facts import Coded
from cds_service.guideline.interval import Truth
from cds_service.mappings import terminology
from cds_service.mappings.datatypes import UnusableError
from cds_service.mappings.interpretations import interpreted
from cds_service.mappings.numbers import decimal_of, interval_of, is_sent, plain, written
from cds_service.mappings.reading import REPORTED, codings
from cds_service.mappings.units import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cds_service.guideline.facts import Flag, ReadFrom
    from cds_service.guideline.interval import Interval
    from cds_service.mappings import datatypes, fhir
    from cds_service.mappings.reading import Reader
    from cds_service.mappings.terminology import Outcome

CULTURES = frozenset({"blood_culture", "tissue_culture"})
PROTEIN = "urine_protein"
_NEEDS_VALUE = CULTURES | {"blood_pressure"}
"""Without any value these were not done, or are not finished; a list of others may stand alone."""
_RAISED: frozenset[Flag | None] = frozenset({"high", "abnormal"})
_ABNORMAL: Flag = "abnormal"
"""Of a culture that means growth, whatever else was written."""
UNJUDGED = "value-wrong-type"
_HELD = frozenset({"arrived", "in-progress", "finished"})
"""Statuses of an encounter at which the patient was seen."""
_LONGEST_WORD = 40


class Found(NamedTuple):
    """What is kept of a test, how it was read, and the notes to make."""

    value: str = "done"
    read_from: ReadFrom = "code"
    reasons: tuple[str, ...] = ()


def found_in(result: fhir.Observation | fhir.Component, concept: str, members: int, *, has_value: bool) -> Found:
    """What a test found: `positive` or `negative` where that is told, else `done`. `members` are its filled-in parts.

    Raises:
        UnusableError: `data-absent` or `value-missing`: it was not done.
    """
    if result.dataAbsentReason is not None:
        raise UnusableError("data-absent")
    told, flag, reasons = _interpretation(result)
    if concept in CULTURES and flag == _ABNORMAL:
        told |= {"positive"}
    if not has_value and not members and not told and concept in _NEEDS_VALUE:
        raise UnusableError("value-missing")
    if concept == PROTEIN:
        is_positive = "positive" in told | _coded(result) or flag in _RAISED or _is_above_zero(result)
        return Found("positive" if is_positive else "done", reasons=reasons)
    return _culture(result, told, reasons, has_value=has_value) if concept in CULTURES else Found()


def may_tell_growth(part: fhir.Component, *, has_value: bool) -> bool:
    """Whether a part of a culture, of a code that is not ours, says something and is not negative by a code."""
    if part.dataAbsentReason is not None:
        return False
    told, flag, reasons = _interpretation(part)
    return (has_value or bool(told or reasons) or flag == _ABNORMAL) and told | _coded(part) != {"negative"}


def read_report(report: fhir.DiagnosticReport, source: str, reader: Reader) -> list[Coded]:
    """Read the coded conclusion of a culture's report; without one its Observations speak."""
    labs = (terminology.lab(coding.system, coding.code) for coding in codings(report.code))
    cultures = {lab.concept for lab in labs if lab is not None} & CULTURES
    told = _outcomes(report.conclusionCode or ())
    if len(cultures) != 1 or not report.conclusionCode:
        return []
    concept = cultures.pop()
    if not reader.has_status(source, concept, report.status, REPORTED):
        return []
    when = reader.when(source, concept, report.effectiveDateTime, report.effectivePeriod)
    if not reader.has_happened(source, concept, when):
        return []
    if len(told) != 1:
        reader.note(source, "coding-contradiction" if told else UNJUDGED, concept)
    return [Coded(concept, _worst(told), source, when)] if told else []


def read_encounter(encounter: fhir.Encounter, source: str, reader: Reader) -> list[Coded]:
    """Read a visit that took place, or is taking place; planned and cancelled ones are none."""
    if encounter.status not in _HELD:
        return []
    when = reader.when(source, "visit", None, encounter.period)
    return [Coded("visit", "done", source, when)] if reader.has_happened(source, "visit", when) else []


def _interpretation(
    result: fhir.Observation | fhir.Component,
) -> tuple[frozenset[Outcome], Flag | None, tuple[str, ...]]:
    try:
        told = interpreted(bytes(result.interpretation))
    except UnusableError as fault:
        return frozenset(), None, (fault.reason,)
    return told.outcomes, told.flag, ()


def _culture(
    result: fhir.Observation | fhir.Component, told: frozenset[Outcome], reasons: tuple[str, ...], *, has_value: bool
) -> Found:
    """By code; by a word only where no code says it. Of two answers the positive one is kept: someone will look.

    A result that says neither, such as the name of an organism, may be growth: that it could not be read is noted.
    """
    by_code = told | _coded(result)
    if len(by_code) > 1:
        reasons = (*reasons, "coding-contradiction")
    if by_code:
        return Found(_worst(by_code), reasons=reasons)
    by_word = {word for text in _texts(result) if (word := _word(text)) is not None}
    if len(by_word) == 1:
        return Found(by_word.pop(), "name", (*reasons, "read-by-name"))
    return Found(reasons=(*reasons, UNJUDGED) if has_value else reasons)


def _worst(told: frozenset[Outcome]) -> Outcome:
    return "positive" if "positive" in told else "negative"


def _coded(result: fhir.Observation | fhir.Component) -> frozenset[Outcome]:
    if result.valueBoolean is not None:
        return frozenset({"positive" if result.valueBoolean else "negative"})
    return _outcomes((result.valueCodeableConcept,))


def _outcomes(concepts: Iterable[datatypes.CodeableConcept | None]) -> frozenset[Outcome]:
    found = (terminology.outcome(coding.system, coding.code) for coding in codings(*concepts))
    return frozenset(outcome for outcome in found if outcome is not None)


def _texts(result: fhir.Observation | fhir.Component) -> list[str]:
    concept = result.valueCodeableConcept
    return [text for text in (result.valueString, concept.text if concept else None) if text]


def _word(text: str) -> Outcome | None:
    return terminology.outcome_word(plain(text).casefold()) if len(text) <= _LONGEST_WORD else None


def _is_above_zero(result: fhir.Observation | fhir.Component) -> bool:
    try:
        return _number(result).above(ZERO) is Truth.YES
    except UnusableError:
        return False


def _number(result: fhir.Observation | fhir.Component) -> Interval:
    """The number of the result, in whatever unit: of zero that does not matter.

    Raises:
        UnusableError: there is none.
    """
    if result.valueQuantity is not None:
        return interval_of(decimal_of(result.valueQuantity.value), result.valueQuantity.comparator)
    if is_sent(result.valueInteger):
        return interval_of(decimal_of(result.valueInteger), None)
    text = written(result.valueString or "")
    return interval_of(text.number, text.comparator)
