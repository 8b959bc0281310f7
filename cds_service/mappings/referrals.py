"""Requests of the record that are still to come: examinations, and whom the child is referred to."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cds_service.mappings import imaging, terminology
from cds_service.mappings.reading import codings, texts
from cds_service.mappings.terminology import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cds_service.mappings import fhir
    from cds_service.mappings.reading import Reader

_AWAITED = frozenset({"active", "on-hold"})
_REFERRED = _AWAITED | {"completed"}
_NOT_ASKED = frozenset({"proposal", "option"})
_LONGEST = 400
_NEVER = "(?!)"
CONTRAST_MRI = "img:mr_contrast"


@dataclass(frozen=True, slots=True)
class _Target:
    concept: str
    name: re.Pattern[str]
    unless: re.Pattern[str]

    def is_named(self, text: str) -> bool:
        return self.name.search(text) is not None and self.unless.search(text) is None


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_TABLE: dict[str, Any] = tomllib.loads((FOLDER / "referrals.toml").read_text(encoding="utf-8"))
_CODES = frozenset((system, code) for system, code in _TABLE["codes"])
_NAME = _compiled(_TABLE["name"])
_TARGETS = tuple(
    _Target(row["concept"], _compiled(row["name"]), _compiled(row.get("unless", _NEVER))) for row in _TABLE["target"]
)


def requested(request: fhir.ServiceRequest, source: str, reader: Reader) -> frozenset[str]:
    """What a request of the record asks for: imaging still to come, and referrals, also those that were completed."""
    if request.doNotPerform or request.intent in _NOT_ASKED or request.status not in _REFERRED:
        return frozenset()
    found = {target for target in _TARGETS if any(map(target.is_named, _performers(request)))}
    referrals = {target.concept for target in found} if found and _is_referral(request) else set()
    for concept in sorted(referrals):
        reader.note(source, "read-by-name", concept)
    return frozenset(referrals | _imaging(request, source, reader))


def _imaging(request: fhir.ServiceRequest, source: str, reader: Reader) -> set[str]:
    if request.status not in _AWAITED:
        return set()
    kinds, contrast = imaging.requested(request, source, reader)
    return {*kinds, *([CONTRAST_MRI] if contrast and any(map(imaging.is_mri, kinds)) else [])}


def _is_referral(request: fhir.ServiceRequest) -> bool:
    concepts = (request.code, *(request.category or ()))
    if any((terminology.key_of(coding.system), coding.code) in _CODES for coding in codings(*concepts)):
        return True
    return any(_NAME.search(text[:_LONGEST]) for text in texts(concepts))


def _performers(request: fhir.ServiceRequest) -> Iterator[str]:
    """The texts that may say whom the patient is referred to."""
    yield from (text[:_LONGEST] for text in texts((request.code, request.performerType)))
    yield from (performer.display[:_LONGEST] for performer in request.performer or () if performer.display)
