"""Three-valued truth and closed or open intervals: the one way in which "not known" is represented."""

from __future__ import annotations

from decimal import Context, Decimal
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

EXACT = Context(prec=400)
"""Decimal arithmetic that never rounds the numbers let in: at most 60 digits each, exponents within ±30."""


class Truth(Enum):
    """Kleene's three values, in order of certainty that the statement holds. `&`, `|` and `~` work on them."""

    NO = 0
    UNKNOWN = 1
    YES = 2

    def __and__(self, other: Truth) -> Truth:
        return self if self._value_ <= other._value_ else other

    def __or__(self, other: Truth) -> Truth:
        return self if self._value_ >= other._value_ else other

    def __invert__(self) -> Truth:
        return _BY_VALUE[2 - self._value_]

    def __bool__(self) -> bool:
        raise TypeError("A Truth may be unknown: compare it with Truth.YES or Truth.NO.")

    @classmethod
    def of(cls, known: bool) -> Truth:  # noqa: FBT001  the argument is the value itself
        """Lift a known boolean."""
        return cls.YES if known else cls.NO


_BY_VALUE = tuple(Truth)


def all_of(truths: Iterable[Truth]) -> Truth:
    """NO if any is NO, YES if all are YES (or there are none), else UNKNOWN."""
    result = Truth.YES
    for truth in truths:
        if truth is Truth.NO:
            return truth
        if truth is Truth.UNKNOWN:
            result = truth
    return result


def any_of(truths: Iterable[Truth]) -> Truth:
    """YES if any is YES, NO if all are NO (or there are none), else UNKNOWN."""
    result = Truth.NO
    for truth in truths:
        if truth is Truth.YES:
            return truth
        if truth is Truth.UNKNOWN:
            result = truth
    return result


class Interval(NamedTuple):
    """Where a number lies. `None` is an end without bound; an open end does not belong to the interval."""

    low: Decimal | None
    high: Decimal | None
    low_open: bool = False
    high_open: bool = False

    @classmethod
    def exactly(cls, number: Decimal) -> Interval:
        """The interval of one known number."""
        return cls(number, number)

    def above(self, limit: Decimal) -> Truth:
        """Is the number > limit?"""
        if self.low is not None and (self.low > limit or (self.low == limit and self.low_open)):
            return Truth.YES
        if self.high is not None and self.high <= limit:
            return Truth.NO
        return Truth.UNKNOWN

    def at_least(self, limit: Decimal) -> Truth:
        """Is the number ≥ limit?"""
        if self.low is not None and self.low >= limit:
            return Truth.YES
        if self.high is not None and (self.high < limit or (self.high == limit and self.high_open)):
            return Truth.NO
        return Truth.UNKNOWN

    def below(self, limit: Decimal) -> Truth:
        """Is the number < limit?"""
        if self.high is not None and (self.high < limit or (self.high == limit and self.high_open)):
            return Truth.YES
        return Truth.NO if self.low is not None and self.low >= limit else Truth.UNKNOWN

    def at_most(self, limit: Decimal) -> Truth:
        """Is the number ≤ limit?"""
        return ~self.above(limit)

    def over(self, reference: Interval) -> Truth:
        """Does the number lie beyond the upper end of a reference range? NO where that end is unbounded."""
        if reference.high is None:
            return Truth.NO
        return self.at_least(reference.high) if reference.high_open else self.above(reference.high)

    def under(self, reference: Interval) -> Truth:
        """Does the number lie beyond the lower end of a reference range? NO where that end is unbounded."""
        if reference.low is None:
            return Truth.NO
        return self.at_most(reference.low) if reference.low_open else self.below(reference.low)

    def beyond(self, reference: Interval) -> Truth:
        """Does the number lie outside a reference range, on either side?"""
        low, high = reference.low, reference.high
        if self.low is None or self.low is not self.high or reference.low_open or reference.high_open:
            return self.over(reference) | self.under(reference)
        return Truth.of((high is not None and self.low > high) or (low is not None and self.low < low))

    def times(self, factor: Decimal) -> Interval:
        """The interval of the number times a positive factor, exactly."""
        return Interval(_times(self.low, factor), _times(self.high, factor), self.low_open, self.high_open)


def _times(end: Decimal | None, factor: Decimal) -> Decimal | None:
    return None if end is None else EXACT.multiply(end, factor)
