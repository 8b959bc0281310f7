"""Reference ranges, numeric or written, in the canonical unit of the result that carries them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
from msgspec import ValidationError

from cds_service.guideline.interval import Interval
from cds_service.mappings import units
from cds_service.mappings.datatypes import Quantity, ReferenceRange, UnusableError
from cds_service.mappings.numbers import (
    COMPARATOR,
    COMPARATORS,
    NUMBER,
    UNIT,
    decimal_of,
    decimal_of_text,
    grouped,
    interval_of,
)
from cds_service.mappings.numbers import plain as plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from cds_service.mappings.units import Unit

_UNREADABLE = "reference-range-unreadable"
_LONGEST = 100
_LONGEST_REMEMBERED = 600
"""Bytes; what is longer is read anew each time, so that nobody can fill the memory with it."""
_RANGES = msgspec.json.Decoder(list[ReferenceRange] | ReferenceRange | None)
_BETWEEN = re.compile(
    rf"(?P<low>{NUMBER}) ?(?:-|til|to|till|bis) ?(?P<high>{NUMBER}) ?(?P<unit>{UNIT})?", re.IGNORECASE
)
_BEYOND = re.compile(rf"(?P<word>{COMPARATOR}) ?(?P<end>{NUMBER}) ?(?P<unit>{UNIT})?", re.IGNORECASE)


def reference(raw: bytes, concept: str, unit: Unit) -> Interval | None:
    """The normal range of a result that came in `unit`; None where none was given.

    Raises:
        UnusableError: `reference-range-unreadable`, also where several ranges contradict each other.
    """
    if not raw:
        return None
    return _read_once(raw, concept, unit) if len(raw) <= _LONGEST_REMEMBERED else _read(raw, concept, unit)


def _read(raw: bytes, concept: str, unit: Unit) -> Interval | None:
    ranges = _sent(raw)
    if len(ranges) == 1 and ranges[0].type is None:
        return _interval(ranges[0], concept, unit)
    found = {_interval(one, concept, unit) for one in _chosen(ranges)} - {None}
    if len(found) > 1:
        raise UnusableError(_UNREADABLE)
    return found.pop() if found else None


_read_once = lru_cache(1024)(_read)


def _sent(raw: bytes) -> Sequence[ReferenceRange]:
    """The ranges of a result, which older servers send outside of a list."""
    try:
        sent = _RANGES.decode(raw)
    except ValidationError:
        raise UnusableError(_UNREADABLE) from None
    return sent if isinstance(sent, list) else (sent,) if sent else ()


def _chosen(ranges: Sequence[ReferenceRange]) -> Sequence[ReferenceRange]:
    """Normal ranges, those for everybody first; therapeutic, recommended and other kinds are not asked for."""
    normal = [one for one in ranges if one.type is None or _is_normal(one)]
    return [one for one in normal if not one.appliesTo] or normal


def _is_normal(one: ReferenceRange) -> bool:
    codings = one.type.coding if one.type and one.type.coding else ()
    return not codings or any(coding.code == "normal" for coding in codings)


def _interval(one: ReferenceRange, concept: str, unit: Unit) -> Interval | None:
    if one.low is None and one.high is None:
        return _written(one.text, concept, unit) if one.text and one.text.strip() else None
    low = high = None
    if one.low is not None:
        low = _end(one.low, concept, unit, ">")
    if one.high is not None:
        high = _end(one.high, concept, unit, "<")
    low_open = bool(one.low and one.low.comparator == ">")
    return _ordered(Interval(low, high, low_open, one.high is not None and one.high.comparator == "<"))


def _end(quantity: Quantity, concept: str, unit: Unit, beyond: str) -> Decimal:
    """One end in the canonical unit; it may say `beyond` or `beyond=` as comparator."""
    if quantity.comparator and quantity.comparator not in {beyond, f"{beyond}="}:
        raise UnusableError(_UNREADABLE)
    try:
        own = units.unit_of(concept, quantity) if quantity.code or quantity.unit else unit
        return units.converted(decimal_of(quantity.value), own)
    except UnusableError:
        raise UnusableError(_UNREADABLE) from None


def _written(text: str, concept: str, unit: Unit) -> Interval:
    """A range in words. An end that may be `1.25` or `1250`, and is plausible as the latter, cannot be read."""
    text = plain_text(text[:_LONGEST]).strip("()[] ")
    between = _BETWEEN.fullmatch(text)
    found = between or _BEYOND.fullmatch(text)
    if found is None:
        raise UnusableError(_UNREADABLE)
    ends = (found["low"], found["high"]) if between else (found["end"],)
    try:
        own = units.unit_of(concept, Quantity(unit=found["unit"])) if found["unit"] else unit
        numbers = [decimal_of_text(end) for end in ends]
    except UnusableError:
        raise UnusableError(_UNREADABLE) from None
    thousands = (number for end in ends if (number := grouped(end)) is not None)
    if any(units.is_plausible(concept, units.converted(number, own)) for number in thousands):
        raise UnusableError(_UNREADABLE)
    beyond = None if between else COMPARATORS[found["word"].casefold()]
    interval = interval_of(numbers[0], beyond) if beyond else Interval(numbers[0], numbers[1])
    return _ordered(units.convert(interval, own))


def _ordered(interval: Interval) -> Interval:
    if interval.low is not None and interval.high is not None and interval.low > interval.high:
        raise UnusableError(_UNREADABLE)
    return interval
