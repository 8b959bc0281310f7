"""What a laboratory flagged a result as."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import ValidationError

from cds_service.mappings import terminology
from cds_service.mappings.datatypes import CodeableConcept, UnusableError

if TYPE_CHECKING:
    from msgspec import Raw

    from cds_service.guideline.facts import Flag
    from cds_service.mappings.datatypes import Coding

_INTERPRETATION = msgspec.json.Decoder(list[CodeableConcept] | CodeableConcept | None)


def flag_of(raw: Raw) -> Flag | None:
    """The one flag of all codings: a direction says more than `abnormal`, two directions say no more than that.

    Raises:
        UnusableError: `code-unreadable`.
    """
    flags = {terminology.flag(coding.system, coding.code) for coding in _interpretations(raw)}
    if "high" in flags or "low" in flags:
        if flags >= {"high", "low"}:
            return "abnormal"
        return "high" if "high" in flags else "low"
    return "abnormal" if "abnormal" in flags else "normal" if "normal" in flags else None


def _interpretations(raw: Raw) -> list[Coding]:
    """All codings of the interpretation, which older servers send outside of a list.

    Raises:
        UnusableError: `code-unreadable`.
    """
    if not bytes(raw):
        return []
    try:
        sent = _INTERPRETATION.decode(raw)
    except ValidationError:
        raise UnusableError("code-unreadable") from None
    concepts = sent if isinstance(sent, list) else [sent] if sent else []
    return [coding for concept in concepts for coding in concept.coding or ()]
