"""Units: the accepted spellings per quantity, exact factors to the canonical unit, and what values are plausible."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from cds_service.guideline.interval import EXACT, Interval
from cds_service.mappings.datatypes import UnusableError
from cds_service.mappings.spelling import INVISIBLE
from cds_service.mappings.terminology import system_key, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cds_service.mappings.datatypes import Quantity

ONE, ZERO = Decimal(1), Decimal(0)


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """One row of the table, the same object each time: canonical = (raw + offset) × factor ÷ divisor.

    `dimension` is `mass`, `substance`, `per_kg` or empty.
    """

    factor: Decimal
    divisor: Decimal
    offset: Decimal
    dimension: str
    refused: bool = False
    """Known, but not converted: sources disagree, or it means another analyte."""
    is_canonical: bool = False
    """Whether a value in this unit stays as it is."""

    def same_scale(self, other: Unit) -> bool:
        """Whether a value means the same in both."""
        mine = self.factor, self.divisor, self.offset, self.dimension
        return mine == (other.factor, other.divisor, other.offset, other.dimension)


class OtherSpelling(NamedTuple):
    """A unit of the table that UCUM does not know, or reads otherwise than we do."""

    quantity: str
    spelling: str
    reading: str
    """What one of it is in the canonical unit; `refused` where it is not read."""
    is_ucum: bool
    """Whether UCUM knows the spelling, for something else."""


@dataclass(frozen=True, slots=True)
class Canonical:
    """The unit in which a concept is measured, and the lowest and highest plausible value in it (ours)."""

    quantity: str
    unit: str
    lowest: Decimal
    highest: Decimal


_SPELLING = str.maketrans(
    {"µ": "u", "μ": "u", "º": "°", "℃": "°C", "℉": "°F", "ℓ": "l", "×": "x", "·": ".", "⋅": "."}
    | dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))
    | dict.fromkeys("⁻−", "-")
    | dict.fromkeys("∕⁄／", "/")
    | dict.fromkeys("ˆ˄", "^")
    | INVISIBLE
)
_ANNOTATION = re.compile(r"\{[^{}]*\}")
_POWER = re.compile(r"^[x*]?10(?:\*\*|[*^#+ex]|exp|\()?(-?[0-9]{1,2})\)?(?![0-9])")
SPELLINGS = table("unit_words.csv")
"""What is read alike: `word` stands for its short form wherever it is, `power` is an example of a power of ten."""
_WORDS = sorted(
    ((row["sent"], row["read"]) for row in SPELLINGS if row["kind"] == "word"), key=lambda word: -len(word[0])
)
_LONGEST = 60
_REFUSED = "REJECT"


def exact_spelling(text: str) -> str:
    """Without blanks, annotations and anything invisible; one micro sign."""
    return _ANNOTATION.sub("", "".join(text.translate(_SPELLING).split()))


def folded_spelling(text: str) -> str:
    """Also in small letters, words shortened, powers of ten written `10*9`: `x10^9 per litre` and `10#9/l` are one."""
    folded = exact_spelling(text).lower()
    for word, short in _WORDS:
        if word in folded:
            folded = folded.replace(word, short)
    return _POWER.sub(r"10*\1", folded.replace("./", "/").rstrip("."))


def _unit(row: dict[str, str]) -> Unit:
    if row["factor"] == _REFUSED:
        return Unit(ZERO, ONE, ZERO, row["dimension"], refused=True)
    factor, _, divisor = row["factor"].partition("/")
    canonical = row["factor"] == "1" and row["offset"] == "0"
    numbers = Decimal(factor), Decimal(divisor or ONE), Decimal(row["offset"])
    return Unit(*numbers, row["dimension"], is_canonical=canonical)


def _spelling(row: dict[str, str]) -> tuple[str, str]:
    text = exact_spelling(row["spelling"]) if row["case"] == "exact" else folded_spelling(row["spelling"])
    return row["quantity"], text


_ROWS = table("units.csv")
_EXACT = {_spelling(row): _unit(row) for row in _ROWS if row["case"] == "exact"}
_FOLDED = {_spelling(row): _unit(row) for row in _ROWS if row["case"] != "exact"}
CANONICAL = {
    row["concept"]: Canonical(row["quantity"], row["unit"], Decimal(row["low"]), Decimal(row["high"]))
    for row in table("concepts.csv")
}


_SPELLINGS = frozenset(spelling for _, spelling in (*_EXACT, *_FOLDED))


def is_spelling(text: str) -> bool:
    """Whether any quantity of ours is measured in a unit written so."""
    return exact_spelling(text) in _SPELLINGS or folded_spelling(text) in _SPELLINGS


@lru_cache(1024)
def known(concept: str, spelling: str) -> Unit | None:
    """The unit of a spelling; None for one that the table does not hold, and for concepts that are never measured."""
    measured = CANONICAL.get(concept)
    if measured is None:
        return None
    unit = _EXACT.get((measured.quantity, exact_spelling(spelling)))
    return unit or _FOLDED.get((measured.quantity, folded_spelling(spelling)))


def unit_of(concept: str, quantity: Quantity, own: str = "", *, own_holds: bool = False) -> Unit:
    """The unit of a quantity of that concept.

    `own` is the unit that the concept's code means: mass is not taken for substance concentration. It also holds
    where no unit was sent, if `own_holds`.

    Raises:
        UnusableError: `unit-missing`, `unit-not-convertible`, `unit-contradicts-code`.
    """
    code, text = quantity.code or "", quantity.unit or ""
    if len(code) + len(text) > _LONGEST or len(quantity.system or "") > _LONGEST:
        raise UnusableError("unit-not-convertible")
    return _unit_of(concept, quantity.system or "", code, text, own, own_holds)


@lru_cache(1024)
def _unit_of(concept: str, system: str, code: str, text: str, own: str, own_holds: bool) -> Unit:  # noqa: FBT001, PLR0913, PLR0917  the key of the cache
    code, text = _chosen(system, code.strip(), text.strip())
    if not code and not text:
        if not own_holds:
            raise UnusableError("unit-missing")
        code = own
    unit, beside = known(concept, code or text), known(concept, text)
    if code and beside and not (unit and unit.same_scale(beside)):
        raise UnusableError("unit-contradicts-code")
    if unit is None or unit.refused:
        raise UnusableError("unit-not-convertible")
    meant = known(concept, own) if own else None
    if meant is not None and meant.dimension != unit.dimension:
        raise UnusableError("unit-contradicts-code")
    return unit


def _chosen(system: str, code: str, text: str) -> tuple[str, str]:
    """A code of another system than UCUM is worth no more than the text."""
    if not code or not system or system_key(system) == "ucum":
        return code, text
    return ("", text) if text else (code, "")


def converted(number: Decimal, unit: Unit) -> Decimal:
    """The number in the canonical unit, exactly (a ninth is cut at the precision of `EXACT`)."""
    if unit.is_canonical:
        return number
    product = EXACT.multiply(EXACT.add(number, unit.offset), unit.factor)
    return product if unit.divisor == ONE else EXACT.divide(product, unit.divisor)


def other_spellings() -> Iterator[OtherSpelling]:
    """The spellings of the table that mean something else in UCUM, or nothing."""
    canonical = {one.quantity: one.unit for one in CANONICAL.values()}
    for row in _ROWS:
        if row["ucum"]:
            reading = "refused" if row["factor"] == _REFUSED else f"{row['factor']} {canonical[row['quantity']]}"
            if row["offset"] != "0":
                reading = f"(x {row['offset']}) × {reading}"
            yield OtherSpelling(row["quantity"], row["spelling"], reading, row["ucum"] == "otherwise")


def convert(interval: Interval, unit: Unit) -> Interval:
    """The interval in the canonical unit."""
    if unit.is_canonical:
        return interval
    low, high = interval.low, interval.high
    return Interval(
        None if low is None else converted(low, unit),
        None if high is None else converted(high, unit),
        interval.low_open,
        interval.high_open,
    )


def is_plausible(concept: str, number: Decimal) -> bool:
    """Whether a number in the canonical unit lies within what we take for possible."""
    limits = CANONICAL[concept]
    return limits.lowest <= number <= limits.highest


def plausible(concept: str, interval: Interval) -> Interval:
    """The converted interval, if its ends are plausible; nothing we measure is below zero, so `<5` begins at 0.

    Raises:
        UnusableError: `value-implausible`.
    """
    low, high = interval.low, interval.high
    for end in (low,) if low is high else (low, high):
        if end is not None and not is_plausible(concept, end):
            raise UnusableError("value-implausible")
    return interval if low is not None else Interval(ZERO, high, high_open=interval.high_open)
