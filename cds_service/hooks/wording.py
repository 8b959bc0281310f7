"""The sentences of one language, from its file, and how numbers, dates and lists are written in it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cds_service.guideline.dates import add_months
from cds_service.guideline.interval import EXACT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from cds_service.guideline.dates import When
    from cds_service.guideline.interval import Interval
    from cds_service.hooks.language import Language

_MOST_DECIMALS = 60
_QUANTA = tuple(Decimal(1).scaleb(-digits) for digits in range(_MOST_DECIMALS + 1))
_ZERO = Decimal(0)
_A_DAY = timedelta(days=1)
_LONGEST = Decimal(10) ** 7
_OVERRIDE_SYSTEM = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of a language by dotted key. `texts` may be a mapping that records which keys are read."""

    language: Language
    texts: Mapping[str, str]
    override_reasons: tuple[Mapping[str, str], ...] = field(init=False)
    """HL7 non-adherence codings, the same on each card."""
    _months: tuple[str, ...] = field(init=False)
    _counts: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        reasons = tuple(
            {"system": _OVERRIDE_SYSTEM, "code": key.removeprefix("override."), "display": self.texts[key]}
            for key in self.texts
            if key.startswith("override.")
        )
        object.__setattr__(self, "override_reasons", reasons)
        object.__setattr__(self, "_months", tuple(self.texts["format.months"].split()))
        object.__setattr__(self, "_counts", tuple(self.texts["format.counts"].split()))

    def text(self, key: str, **slots: str) -> str:
        """The sentence of a key with its slots filled."""
        return self.texts[key].format_map(slots)

    def first(self, *keys: str) -> str:
        """The first of several keys that this language has a sentence for; the last one must be there."""
        return next((key for key in keys if key in self.texts), keys[-1])

    def counted(self, key: str, n: int) -> str:
        """The sentence of a number of things: `{key}.one` or `{key}.many`."""
        return self.text(f"{key}.one" if n == 1 else f"{key}.many", n=str(n))

    def spelled(self, n: int) -> str:
        """A small number as a word, a larger one in digits."""
        return self._counts[n] if n < len(self._counts) else str(n)

    def label(self, name: str) -> str | None:
        """Our own short name of a concept or of an answer (`name=value`), None where we have none."""
        return self.texts.get(f"labels.{name}")

    def note(self, reason: str) -> str:
        """The sentence for the reason of a note."""
        return self.texts[f"notes.{reason}"]

    def number(self, value: Decimal, places: int, limits: Sequence[Decimal] = (), *, down: bool = False) -> str:
        """A number with at most so many decimals, or as many more as keep it on its own side of each limit.

        `down` never rounds up, for what is a maximum.
        """
        if value >= _LONGEST:
            return self._scientific(value)
        rounding = ROUND_FLOOR if down else ROUND_HALF_UP
        for quantum in _QUANTA[places:]:
            shown = value.quantize(quantum, rounding, EXACT)
            if all(_side(shown, limit) == _side(value, limit) for limit in (_ZERO, *limits)):
                return self._plain(shown)
        return self._plain(value)

    def interval(self, value: Interval, places: int, limits: Sequence[Decimal] = ()) -> str:
        """`6`, `<5`, `≥60` or `5–8`."""
        low, high = value.low, value.high
        if low is not None and low == high:
            return self.number(low, places, limits)
        if high is None:
            return f"{'>' if value.low_open else '≥'}{self.number(low or _ZERO, places, limits)}"
        end = self.number(high, places, limits)
        if low is None or low <= 0:
            return f"{'<' if value.high_open else '≤'}{end}"
        return f"{self.number(low, places, limits)}–{end}"

    def quantity(self, number: str, unit: str) -> str:
        """A number and its unit, as this language prints a UCUM unit."""
        return self.text("format.quantity", number=number, unit=self.unit(unit))

    def unit(self, unit: str) -> str:
        """A canonical UCUM unit as this language prints it."""
        return self.texts.get(f"units.{unit}", unit)

    def day(self, day: date) -> str:
        """A calendar date."""
        return self.text("format.day", day=f"{day.day:02}", month=self._months[day.month - 1], year=str(day.year))

    def when(self, when: When) -> str:
        """A date, a month, a year, or the two ends between which it lies."""
        first, last = when.earliest, when.latest
        if first == last:
            return self.day(first)
        if first.day == 1 and last + _A_DAY == add_months(first, 1):
            return self.text("format.month", month=self._months[first.month - 1], year=str(first.year))
        if (first.month, first.day) == (1, 1) and last + _A_DAY == add_months(first, 12):
            return str(first.year)
        return f"{self.day(first)}–{self.day(last)}"

    def listed(self, items: Sequence[str], most: int = 3) -> str:
        """`a, b, c`, cut to so many and the number of the others."""
        if len(items) <= most:
            return ", ".join(items)
        return self.text("format.cut", items=", ".join(items[:most]), more=str(len(items) - most))

    def _plain(self, number: Decimal) -> str:
        digits = format(number, "f")
        if "." in digits:
            digits = digits.rstrip("0").rstrip(".")
        return digits.replace(".", self.texts["format.decimal"])

    def _scientific(self, value: Decimal) -> str:
        digits, _, exponent = f"{value:.1e}".partition("e")
        return f"{self._plain(Decimal(digits))}×10^{int(exponent)}"


@cache
def wording(language: Language) -> Wording:
    """The texts of a language, read once."""
    raw = tomllib.loads((files("cds_service.hooks") / f"wording.{language}.toml").read_text(encoding="utf-8"))
    return Wording(language, MappingProxyType(dict(_flat("", raw))))


def sentence(text: str) -> str:
    """The same with a capital first letter."""
    return text[:1].upper() + text[1:]


def _side(value: Decimal, limit: Decimal) -> int:
    return (value > limit) - (value < limit)


def _flat(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, str):
            yield prefix + key, value
        else:
            yield from _flat(f"{prefix}{key}.", value)
