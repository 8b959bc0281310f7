"""What a laboratory flagged a result as."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
from msgspec import ValidationError

from cds_service.mappings import terminology
from cds_service.mappings.datatypes import CodeableConcept, UnusableError

if TYPE_CHECKING:
    from cds_service.guideline.facts import Flag
    from cds_service.mappings.datatypes import Coding

_LONGEST_REMEMBERED = 400
"""Bytes; what is longer is read anew each time, so that nobody can fill the memory with it."""
_INTERPRETATION = msgspec.json.Decoder(list[CodeableConcept] | CodeableConcept | None)


def flag_of(raw: bytes) -> Flag | None:
    """The one flag of all codings: a direction says more than `abnormal`, two directions say no more than that.

    Raises:
        UnusableError: `code-unreadable`.
    """
    if not raw:
        return None
    return _read_once(raw) if len(raw) <= _LONGEST_REMEMBERED else _read(raw)


def _read(raw: bytes) -> Flag | None:
    flags = {terminology.flag(coding.system, coding.code) for coding in _interpretations(raw)}
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
    return [coding for concept in concepts for coding in concept.coding or ()]
