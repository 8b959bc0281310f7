"""What a check has seen, and what a vendor makes of it: a finding with its rule, its gravity and its sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from cds_service.simulate.vendor import Level, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAME = re.compile(r"[A-Za-z0-9_.:$\-]{1,60}")
Place = tuple[str | int, ...]
"""The way to a part of a JSON document: names of members and indexes of items."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that a check of checks.toml noticed. `rule` where it is not the check's own; `slots` hold no values."""

    check: str
    place: Place = ()
    rule: str | None = None
    slots: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault or a remark, as it is told."""

    rule: str
    level: Level
    path: str
    seen: str
    advice: str

    @property
    def sentence(self) -> str:
        """Rule, place, what was seen, what to do."""
        where = f"{self.path} " if self.path else ""
        return f"{self.rule}, {where}{self.seen}: {self.advice}."


class Judge:
    """Tells what was seen as a vendor takes it."""

    def __init__(self, levels: Mapping[str, Level]) -> None:
        self._levels = levels

    def findings(self, seen: Iterable[Seen]) -> tuple[Finding, ...]:
        """Each thing that matters to the vendor once, faults first."""
        told = dict.fromkeys(finding for one in seen if (finding := self._finding(one)) is not None)
        return tuple(sorted(told, key=lambda finding: finding.level))

    def _finding(self, seen: Seen) -> Finding | None:
        check = checks()[seen.check]
        level: Level | Literal["vendor"] = self._levels.get(seen.check, check["level"])
        if level == "vendor":
            return None
        words = (check[name].format_map(seen.slots) for name in ("seen", "do"))
        return Finding(seen.rule or check["rule"], level, spelled(seen.place), *words)


@cache
def checks() -> dict[str, dict[str, Any]]:
    """checks.toml: name → rule, level, words."""
    return table("checks")


def spelled(place: Place) -> str:
    """A place as `cards[0].summary`; a name that may be text of a record is not repeated."""
    parts = (f"[{name}]" if isinstance(name, int) else f".{safe(name)}" for name in place)
    return "".join(parts).removeprefix(".")


def safe(name: str) -> str:
    """A name, if it looks like one; else a star."""
    return name if _NAME.fullmatch(name) else "*"
