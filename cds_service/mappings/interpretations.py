"""What a laboratory said of a result: its flag, whether it is critical, whether it is positive."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import ValidationError

from cds_service.mappings import terminology
from cds_service.mappings.datatypes import CodeableConcept, Coding, UnusableError

if TYPE_CHECKING:
    from cds_service.guideline.facts import Flag
    from cds_service.mappings.terminology import Outcome

_LONGEST_REMEMBERED = 400
"""Bytes; what is longer is read anew each time, so that nobody can fill the memory with it."""
_HL7 = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
"""What an interpretation without a system is taken as."""
_INTERPRETATION = msgspec.json.Decoder(list[CodeableConcept] | CodeableConcept | None)


class Interpreted(NamedTuple):
    """What all codings of an interpretation say together."""

    flag: Flag | None = None
    alarm: bool = False
    outcomes: frozenset[Outcome] = frozenset()


NOT_INTERPRETED = Interpreted()


def interpreted(raw: bytes) -> Interpreted:
    """Read the interpretation of a result.

    Raises:
        UnusableError: `code-unreadable`.
    """
    if not raw:
        return NOT_INTERPRETED
    return _read_once(raw) if len(raw) <= _LONGEST_REMEMBERED else _read(raw)


def _read(raw: bytes) -> Interpreted:
    codings = _interpretations(raw)
    outcomes = (terminology.outcome(coding.system or _HL7, coding.code) for coding in codings)
    return Interpreted(
        _flag({terminology.flag(coding.system, coding.code) for coding in codings}),
        any(terminology.is_alarm(coding.system, coding.code) for coding in codings),
        frozenset(outcome for outcome in outcomes if outcome is not None),
    )


def _flag(flags: set[Flag | None]) -> Flag | None:
    """A direction says more than `abnormal`, two directions say no more than that."""
    if "high" in flags or "low" in flags:
        if flags >= {"high", "low"}:
            return "abnormal"
        return "high" if "high" in flags else "low"
    return "abnormal" if "abnormal" in flags else "normal" if "normal" in flags else None


_read_once = lru_cache(256)(_read)


def _interpretations(raw: bytes) -> list[Coding]:
    """All codings of the interpretation, which older servers send outside of a list.

    Raises:
        UnusableError: `code-unreadable`.
    """
    try:
        sent = _INTERPRETATION.decode(raw)
    except ValidationError:
        raise UnusableError("code-unreadable") from None
    concepts = sent if isinstance(sent, list) else [sent] if sent else []
    return [coding for concept in concepts for coding in concept.coding or _worded(concept)]


def _worded(concept: CodeableConcept) -> tuple[Coding, ...]:
    """A code, or a word for it, that was sent as text alone."""
    return (Coding(system=terminology.WORD, code=concept.text.strip().upper()),) if concept.text else ()
