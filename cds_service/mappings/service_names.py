"""What requests for services ask for by their name, read only where no code tells it: imaging, an infusion."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from cds_service.guideline.course import ZOLEDRONIC_ACID
from cds_service.mappings.drug_names import named_in
from cds_service.mappings.numbers import plain
from cds_service.mappings.terminology import FOLDER

LONGEST_TEXT = 120
"""Characters of a text that are searched for names."""
_NEVER = "(?!)"
_FEW_WORDS = r"(?:[ -]+\w+){0,2}[ -]+"
_compiled = partial(re.compile, flags=re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a text asks for: kinds of imaging, and whether with contrast."""

    kinds: frozenset[str] = frozenset()
    contrast: bool = False
    denied: bool = False
    """Whether the text names an examination and says that it is not wanted."""


@dataclass(frozen=True, slots=True)
class _Kind:
    kind: str
    name: re.Pattern[str]
    unless: re.Pattern[str]
    of: str
    over: frozenset[str]

    def is_named(self, text: str, found: frozenset[str]) -> bool:
        if self.of and self.of not in found:
            return False
        return self.name.search(text) is not None and self.unless.search(text) is None


def _kind(row: dict[str, Any]) -> _Kind:
    of = row.get("of", "")
    over = frozenset({*row.get("over", ()), of}) - {""}
    return _Kind(row["kind"], _compiled(row["name"]), _compiled(row.get("unless", _NEVER)), of, over)


_TABLE: dict[str, Any] = tomllib.loads((FOLDER / "service_names.toml").read_text(encoding="utf-8"))
_KINDS = tuple(map(_kind, _TABLE["kind"]))
_NAMES = "|".join(f"(?:{row['name']})" for row in _TABLE["kind"] if not row.get("of"))
_DENIED = (
    _compiled(f"{_TABLE['denied_before']}{_FEW_WORDS}(?:{_NAMES})"),
    _compiled(f"(?:{_NAMES}){_FEW_WORDS}{_TABLE['denied_after']}"),
)
_ANY = _compiled(_NAMES)
_CONTRAST, _NO_CONTRAST = _compiled(_TABLE["contrast"]), _compiled(_TABLE["no_contrast"])
_NOT_GIVEN = _compiled(_TABLE["infusion"]["unless"])


@lru_cache(1024)
def asked(text: str) -> Asked:
    """The kinds of imaging (`img:…`) that a text names, but for those that it says are not wanted."""
    text = _plain(text)
    if _ANY.search(text) is None:
        return Asked()
    contrast = _CONTRAST.search(text) is not None
    text = wanted = _NO_CONTRAST.sub(" ", text)
    for pattern in _DENIED:
        wanted = pattern.sub(" ", wanted)
    kinds = _kinds(wanted)
    return Asked(kinds, contrast, denied=not kinds and bool(_kinds(text)))


def _kinds(text: str) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for row in _KINDS:
        if row.is_named(text, found):
            found = found - row.over | {row.kind}
    return found


def asks_infusion(text: str) -> bool:
    """Whether a text asks for zoledronic acid, not for something before, after or beside it."""
    return ZOLEDRONIC_ACID in named_in(text) and _NOT_GIVEN.search(_plain(text)) is None


def _plain(text: str) -> str:
    return plain(text[:LONGEST_TEXT])
