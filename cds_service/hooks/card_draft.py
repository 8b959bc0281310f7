"""A card before it is framed, and the lines that cards share: what could not be read, what was not received."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from cds_service.guideline.facts import Fact, Note
    from cds_service.guideline.results import Evaluation, Indicator
    from cds_service.hooks.wording import Wording

PLAN: dict[str, Any] = tomllib.loads((files("cds_service.hooks") / "cards.toml").read_text(encoding="utf-8"))
"""cards.toml: topics, decimals, which notes tell of something unread."""
AgeGroup: TypeAlias = Literal["child", "adult", "unknown"]
TOPICS: dict[str, str] = PLAN["codes"]
"""Our word for a topic → its static code on the card."""
TOPIC_CODES = frozenset(TOPICS.values())
SEVERITY: dict[Indicator, int] = {"critical": 0, "warning": 1, "info": 2}
WISHED_SUMMARY = 105
LONGEST_SUMMARY = 139
LONGEST_DETAIL = 900
TYPES = frozenset(PLAN["types"])
_ROOM_FOR_FIRST = 300
"""What the first lines get, however much stands in the tail."""
_NOT_UNREAD = frozenset(PLAN["not_unread"])
_PARTS = {"dose-unreadable": "unread_dose", "rate-unreadable": "unread_rate"}
"""What of an order could not be read, by the note's reason."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the policy found out about this request."""

    hook: str
    suspicion: bool
    age_group: AgeGroup
    """On the planned date at the order hooks, today otherwise."""
    topics: frozenset[str] = TOPIC_CODES
    """Topic codes that this installation shows."""
    quiet_when_ready: bool = False
    readiness_due: bool = True
    """False where zoledronic acid is ordered for an adult without CNO: other orders may still be spoken of."""

    @property
    def at_order(self) -> bool:
        """Whether an order is being chosen or signed."""
        return self.hook != "patient-view"


@dataclass(frozen=True, slots=True)
class Draft:
    """What one topic has to say. Of `lines`, the first are the last to give way."""

    topic: str
    indicator: Indicator
    summary: str
    lines: tuple[str, ...]
    last: tuple[str, ...] = ()
    """Lines that never give way: what was not assessed, not read, not received."""
    evidence: tuple[Fact, ...] = ()
    notes: tuple[Note, ...] = ()
    suggestions: tuple[dict[str, object], ...] = ()
    findings: tuple[str, ...] = ()
    """Ids of the findings on it."""
    links: tuple[dict[str, str], ...] = ()


def suggestion(
    label: str, description: str, resource: dict[str, object], new_uuid: Callable[[], str]
) -> dict[str, object]:
    """One draft order to create, with the whole of it said in its sentence."""
    action = {"type": "create", "description": description, "resource": resource}
    return {"label": label, "uuid": new_uuid(), "actions": [action]}


def worst(indicators: Iterable[Indicator]) -> Indicator:
    """The most severe of some indicators; `info` of none."""
    return min(indicators, key=SEVERITY.__getitem__, default="info")


def brief(candidates: Sequence[str]) -> str:
    """The first summary of the wished length, else the shortest: cut at a word only where even that is too long."""
    chosen = next((text for text in candidates if len(text) <= WISHED_SUMMARY), min(candidates, key=len))
    return _cut(chosen, LONGEST_SUMMARY)


def shortening(items: Sequence[str], wording: Wording) -> list[str]:
    """An enumeration whole, then with fewer and fewer items named, at least one."""
    return [wording.listed(items, most) for most in range(len(items), 0, -1)]


def fitted(lines: Sequence[str], tail: Sequence[str], closing: str, wording: Wording) -> str:
    """The detail: lines from the top as many as there is room for, the tail, and the closing line."""
    room = LONGEST_DETAIL - len(closing) - 2
    end = _shared(tail, room - _ROOM_FOR_FIRST)
    room -= len(end)
    kept = len(lines)
    body = "\n".join(lines)
    while len(body) > room and kept > 1:
        kept -= 1
        body = "\n".join([*lines[:kept], wording.counted("frame.more", len(lines) - kept)])
    return f"{_cut(body, room)}{end}\n\n{closing}"


def unread_lines(
    evaluation: Evaluation, notes: Iterable[Note], wording: Wording, types: frozenset[str] = TYPES
) -> tuple[str, ...]:
    """How many inputs could not be read, by concept, and which lists (of these resource types) did not come."""
    notes = tuple(notes)
    counts = Counter(_concept(note, wording) for note in notes if note.reason not in _NOT_UNREAD)
    lines = []
    if counts:
        items = [name if n == 1 else f"{name} ({n})" for name, n in sorted(counts.items())]
        lines.append(wording.text("frame.unread", items=wording.listed(items, 6)))
    missing = sorted(wording.text(f"labels.{kind}") for kind in evaluation.facts.not_received & types)
    if missing:
        lines.append(wording.text("frame.not_received", items=wording.listed(missing, 6)))
    if any(note.reason == "incomplete-page" for note in notes):
        lines.append(wording.text("frame.incomplete"))
    return tuple(lines)


def concerning(notes: Iterable[Note], concepts: Collection[str]) -> tuple[Note, ...]:
    """The notes on some concepts, and those that tell none."""
    return tuple(note for note in notes if note.concept is None or note.concept in concepts)


def _shared(lines: Sequence[str], room: int) -> str:
    """Lines that must all stand, each on a new line; where they do not fit whole, the longest are cut."""
    share = room
    while sum(1 + min(len(line), share) for line in lines) > room:
        share -= 1
    return "".join(f"\n{_cut(line, share)}" for line in lines)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rpartition(' ')[0]}…"


def _concept(note: Note, wording: Wording) -> str:
    label = None if note.concept is None else wording.label(note.concept)
    part = _PARTS.get(note.reason)
    return wording.text(f"frame.{part}", name=label) if label and part else label or wording.text("frame.other")
