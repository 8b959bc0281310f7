"""Looks for the numbers of the tables in the text that they were taken from, each with its unit.

Pure text in, findings out. What is found is shown with its line, so that a person can look; it proves no rule right.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cds_service.guideline.tables import Number

State: TypeAlias = Literal["found", "NOT FOUND", "ours", "elsewhere"]

_TABLE = "Tabell 1"
_POINTS = "points"
_DAYS_OF_A_WEEK = timedelta(weeks=1).days
_WRITTEN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "a": (r"{n} ?år",),
        "mo": (r"{n}\.? ?måned", r"{n} ?mnd"),
        "d": (r"{n} ?(?:dag|døgn)",),
        "h": (r"{n}\.? ?(?:time|t\b)",),
        "min": (r"{n} ?min",),
        "10*9/L": (r"{n} ?[x×*] ?10 ?\^?[9⁹] ?/ ?l\b",),
        "g/dL": (r"{n} ?g ?/ ?dl\b",),
        "mg/L": (r"{n} ?mg ?/ ?l\b", r"\bcrp\)?{limit}{n}"),
        "mm/h": (r"{n} ?mm ?/ ?(?:h|t|time)\b", r"\bsr\)?{limit}{n} ?mm\b"),
        "nmol/L": (r"{n} ?nmol ?/ ?l\b",),
        "mmol/L": (r"{n} ?mmol ?/ ?l\b",),
        "mg": (r"{n} ?mg\b(?! ?/)",),
        "mg/kg": (r"{n} ?mg ?/ ?kg\b(?! ?/)",),
        "mL/kg/h": (r"{n} ?ml ?/ ?kg ?/ ?(?:h|t|time)\b",),
        "Cel": (r"{n} ?(?:°|º|grader) ?c?",),
        "%": (r"{n} ?(?:%|prosent)",),
        "{ULN}": (r"{n} ?ganger",),
        "{bones}": (r"{n} ?(?:bein|ben|knokler)\b",),
        _POINTS: (r"\bscore (?:på )?{limit}{n}(?! ?%)", r"{n} ?poeng"),
    }
)  # fmt: skip
"""Canonical unit → how a text writes the number with it; `{n}` is the number, alone or as an end of a range."""
_LIMIT = r" ?(?:(?:over|under|minst|høyst) ?)?(?:[<>≤≥=]{1,2} ?)?"
"""No two runs of blanks stand beside each other: a long one could be shared out between them in too many ways."""
_DIGITS = r"\d{1,12}(?!\d)"
_RANGE_FROM, _RANGE_TO = rf"(?:{_DIGITS}(?:[.,]{_DIGITS})? ?- ?)?", rf"(?: ?- ?{_DIGITS}(?:[.,]{_DIGITS})?)?"
_LONGEST_HEADING = 60
_LINE = re.compile(r"^.*$", re.MULTILINE)
_ALONE = re.compile(_DIGITS)
_SAME_LENGTH = MappingProxyType(
    dict.fromkeys(map(ord, "‐‑‒–—−"), "-") | dict.fromkeys(map(ord, "\N{NO-BREAK SPACE}\N{THIN SPACE}\t"), " ")
)
"""Dashes and blanks as one of each; no character more or fewer, so that lines stay where they are."""


@dataclass(frozen=True, slots=True)
class Held:
    """One number held against the text.

    `line` and `words` say where it was found; beside NOT FOUND, where it stands under another heading.
    """

    number: Number
    state: State
    line: int | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class _Parts:
    """Where in the text each heading holds: from its line to the next heading's."""

    headings: tuple[str, ...]
    starts: tuple[int, ...]
    names: tuple[str, ...]
    """The heading at each of the starts."""

    def hold(self, heading: str | None, place: int) -> bool:
        """Whether the heading holds at a place."""
        before = bisect_right(self.starts, place) - 1
        return before >= 0 and self.names[before] == heading


def hold_against(text: str, numbers: Iterable[Number], headings: Iterable[str]) -> tuple[Held, ...]:
    """Each number, in its order, looked for under the heading that its place begins with.

    Where the text has no such heading it is looked for everywhere; a place that begins with no heading is elsewhere.
    """
    wanted = tuple(numbers)
    plain = text.translate(_SAME_LENGTH)
    parts = _parts(plain, (_TABLE, *headings))
    scores = _scores(plain, wanted)
    return tuple(_held(number, plain, parts, scores) for number in wanted)


def not_found(held: Iterable[Held]) -> tuple[Held, ...]:
    """Those that the text should hold and does not."""
    return tuple(one for one in held if one.state == "NOT FOUND")


def _held(number: Number, text: str, parts: _Parts, scores: Mapping[Number, int]) -> Held:
    heading = next((heading for heading in parts.headings if number.place.startswith(heading)), None)
    if number.ours:
        return Held(number, "ours")
    if number.display_only and heading is None:
        return Held(number, "elsewhere")
    if number in scores:
        return Held(number, "found", scores[number], str(number.value))
    elsewhere: re.Match[str] | None = None
    is_everywhere = heading not in parts.names
    for match in _matches(number, text):
        if is_everywhere or parts.hold(heading, match.start()):
            return Held(number, "found", *_told(text, match))
        elsewhere = elsewhere or match
    return Held(number, "NOT FOUND", *_told(text, elsewhere)) if elsewhere else Held(number, "NOT FOUND")


def _told(text: str, match: re.Match[str]) -> tuple[int, str]:
    return text.count("\n", 0, match.start()) + 1, " ".join(match[0].split())


def _parts(text: str, headings: Sequence[str]) -> _Parts:
    found = [(match.start(), heading) for match in _LINE.finditer(text) if (heading := _heading(match[0], headings))]
    return _Parts(tuple(headings), tuple(start for start, _ in found), tuple(heading for _, heading in found))


def _heading(line: str, headings: Sequence[str]) -> str | None:
    """The heading that a short line begins or ends with; not in the middle of a sentence, nor behind a bullet."""
    title = re.sub(r"^Tabell(?=\d)", "Tabell ", line.strip())
    if len(title) > _LONGEST_HEADING or not title[:1].isupper():
        return None
    for one in headings:
        if title.startswith(one) and re.match(rf"{re.escape(one)}\b", title):
            return one
    folded = title.lower()
    for one in headings:
        if folded.endswith(one.lower()) and re.search(rf"\b{re.escape(one)}$", title, re.IGNORECASE):
            return one
    return None


def _matches(number: Number, text: str) -> Iterator[re.Match[str]]:
    """Where a text writes the number with its unit; whole weeks also as weeks."""
    unit, value = number.unit, number.value
    writings = [(written, value) for written in _WRITTEN.get(unit, ("{n} ?" + re.escape(unit),))]
    if unit == "d" and value and value % _DAYS_OF_A_WEEK == 0:
        writings.append(("{n} ?uke", value / _DAYS_OF_A_WEEK))
    for written, one in writings:
        whole, _, fraction = f"{one.normalize():f}".partition(".")
        if whole in text:
            yield from re.finditer(_pattern(written, whole, fraction), text, re.IGNORECASE)


def _pattern(written: str, whole: str, fraction: str) -> str:
    digits = rf"{whole}[.,]{fraction}0*" if fraction else rf"{whole}(?:[.,]0+)?"
    number = rf"(?<![\d.,-])(?<!- ){_RANGE_FROM}{digits}(?!\d|[.,]\d){_RANGE_TO}"
    return written.replace("{limit}", _LIMIT).replace("{n}", number).replace(" ?", r"\s*")


def _scores(text: str, numbers: Iterable[Number]) -> Mapping[Number, int]:
    """The line of each score of table 1: the next column of so many numbers, each on a line of its own."""
    by_clause: dict[str, list[Number]] = defaultdict(list)
    for number in numbers:
        if number.unit == _POINTS:
            by_clause[number.clause].append(number)
    columns = list(_columns(text))
    found: dict[Number, int] = {}
    for scores in by_clause.values():
        if len(scores) == 1:
            continue
        at = next((at for at, column in enumerate(columns) if len(column) == len(scores)), None)
        if at is not None:
            pairs = zip(scores, columns[at], strict=True)
            found |= {number: line for number, (line, said) in pairs if number.value == said}
            columns = columns[at + 1 :]
    return found


def _columns(text: str) -> Iterator[Sequence[tuple[int, int]]]:
    """Numbers that stand below each other, with nothing but blank lines between: line and number."""
    lines = [(at, line.strip()) for at, line in enumerate(text.split("\n"), start=1) if line.strip()]
    for alone, group in groupby(lines, key=lambda row: _ALONE.fullmatch(row[1]) is not None):
        if alone:
            yield [(at, int(line)) for at, line in group]
