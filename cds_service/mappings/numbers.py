"""Numbers as FHIR sends them: exact decimals, comparators as intervals, and results written as text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from cds_service.guideline.interval import Interval
from cds_service.mappings.datatypes import UnusableError
from cds_service.mappings.spelling import plain_text
from cds_service.mappings.terminology import table

if TYPE_CHECKING:
    from msgspec import Raw

MOST_DIGITS = 60
MOST_EXPONENT = 30
_SURELY_SMALL = 24
"""A JSON number of fewer characters and without exponent is within both limits."""
_LONGEST_TEXT = 200
_SIGNS = str.maketrans(dict.fromkeys("−–—‐‑", "-"))
_GROUPED = re.compile(r"(?<![0-9])[0-9]{1,3}(?: [0-9]{3})+(?! ?[0-9])")
_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}").fullmatch
_MARKS = str.maketrans("", "", ".,")
COMPARATORS = {row["word"].casefold(): row["comparator"] for row in table("comparators.csv")}
"""By the word in `casefold`."""
_WORDS = {row["word"] for row in table("comparators.csv")} | COMPARATORS.keys()
COMPARATOR = "|".join(re.escape(word) for word in sorted(_WORDS, key=len, reverse=True))
NUMBER = r"-?[0-9]+(?:[.,][0-9]+)?(?![0-9.,]|e[-+]?[0-9])"
UNIT = r"(?:[^\W0-9_]|[%°/\[×]|10[^0-9]).*"
_RESULT = re.compile(rf"(?P<word>{COMPARATOR})? ?(?P<number>{NUMBER}) ?(?P<unit>{UNIT})?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WrittenNumber:
    """A number out of text, with the comparator and the unit that stood there."""

    number: Decimal
    comparator: str | None = None
    unit: str | None = None
    grouped: Decimal | None = None
    """The number if the mark in it divides off thousands: `1.250` may be either."""


def is_sent(raw: Raw) -> bool:
    """Whether a number, or anything in its place, was sent."""
    return bytes(raw) not in {b"", b"null"}


def decimal_of(raw: Raw) -> Decimal:
    """The number of a JSON value, with every digit.

    Raises:
        UnusableError: `value-missing`, `value-wrong-type` (text or another type), `value-not-a-number` (too large,
            too small or too long).
    """
    text = bytes(raw)
    return _short_decimal(text) if len(text) < _SURELY_SMALL else _long_decimal(text)


@lru_cache(4096)
def _short_decimal(text: bytes) -> Decimal:
    """The same few hundred numbers come again and again."""
    return Decimal(text.decode()) if text.replace(b".", b"", 1).isdigit() else _long_decimal(text)


def _long_decimal(text: bytes) -> Decimal:
    if not text or text == b"null":
        raise UnusableError("value-missing")
    if not (text[0] == 0x2D or 0x30 <= text[0] <= 0x39):  # noqa: PLR2004  a minus sign or a digit
        raise UnusableError("value-wrong-type")
    return _within_limits(text.decode())


def _within_limits(text: str) -> Decimal:
    """Refuse what would make exact arithmetic long; the exponent is looked at before the number is built."""
    digits, _, exponent = text.lower().partition("e")
    long = len(digits) > MOST_DIGITS + len("-.") or len(exponent) > len("-000")
    if long or abs(int(exponent or 0)) > MOST_EXPONENT:
        raise UnusableError("value-not-a-number")
    number = Decimal(text)
    if sum(map(str.isdecimal, digits)) > MOST_DIGITS or (number and abs(number.adjusted()) > MOST_EXPONENT):
        raise UnusableError("value-not-a-number")
    return number or Decimal(0)


def interval_of(number: Decimal, comparator: str | None) -> Interval:
    """Where the number lies (rules.md section 3).

    Raises:
        UnusableError: `value-not-a-number`, for a comparator that R4 does not have.
    """
    if comparator is None or comparator == "":
        return Interval(number, number)
    if comparator == "<":
        return Interval(None, number, high_open=True)
    if comparator == "<=":
        return Interval(None, number)
    if comparator == ">":
        return Interval(number, None, low_open=True)
    if comparator == ">=":
        return Interval(number, None)
    raise UnusableError("value-not-a-number")


def plain(text: str) -> str:
    """As `plain_text`, with ordinary minus signs; `150 000` is closed up to `150000`."""
    ordinary = plain_text(text).translate(_SIGNS)
    return _GROUPED.sub(lambda found: found[0].replace(" ", ""), ordinary)


def written(text: str) -> WrittenNumber:
    """Read a result written as text: `<5`, `Mindre enn 5`, `12,4 g/dL`.

    Raises:
        UnusableError: `value-missing` for blank text, `value-not-a-number` for everything else that is none.
    """
    found = _RESULT.fullmatch(plain(text[:_LONGEST_TEXT]))
    if found is None:
        raise UnusableError("value-not-a-number" if text.strip() else "value-missing")
    number = decimal_of_text(found["number"])
    comparator = COMPARATORS.get((found["word"] or "").casefold())
    return WrittenNumber(number, comparator, found["unit"], grouped(found["number"]))


def grouped(text: str) -> Decimal | None:
    """What a written number is if its mark divides off thousands; None where it can only be a decimal mark."""
    return Decimal(text.translate(_MARKS)) if _AMBIGUOUS(text) else None


def decimal_of_text(text: str) -> Decimal:
    """A number with a decimal point or comma.

    Raises:
        UnusableError: `value-not-a-number`, beyond the limits.
    """
    return _within_limits(text.replace(",", "."))
