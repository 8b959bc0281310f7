"""Calendar arithmetic on dates that may be imprecise. A date is a calendar date in Europe/Oslo."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from cds_service.guideline.interval import Truth


class When(NamedTuple):
    """A point in time: its first and last possible calendar date, and the zoned moment where a time was given."""

    earliest: date
    latest: date
    moment: datetime | None = None

    @classmethod
    def on(cls, day: date) -> When:
        """A date known to the day."""
        return cls(day, day)

    @property
    def is_precise(self) -> bool:
        """Whether the date is known to the day."""
        return self.earliest == self.latest

    def shifted(self, days: int) -> When:
        """The same, so many days later (earlier, if negative); a moment of the day is dropped."""
        return When(self.earliest + timedelta(days=days), self.latest + timedelta(days=days))


def not_after(first: When | None, second: When | None) -> Truth:
    """Is the first on or before the second, by calendar date? UNKNOWN while a date is missing or they overlap."""
    if first is None or second is None:
        return Truth.UNKNOWN
    if first.latest <= second.earliest:
        return Truth.YES
    if first.earliest > second.latest:
        return Truth.NO
    return Truth.UNKNOWN


def known_to(fact: When | None, authored: When | None) -> bool:
    """Whether an answer authored then knew of a fact dated so: an undated fact counts as newer (rules.md section 3)."""
    return not_after(fact, authored) is Truth.YES


def elapsed(first: datetime, second: datetime) -> timedelta:
    """Time gone by between two zoned moments, also over a change of the clocks: two of one zone subtract as if none."""
    return second.astimezone(UTC) - first.astimezone(UTC)


def birthday(born: date, years: int) -> date:
    """The day on which an age is reached; a 29 February birthday falls on 1 March in other years."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 3, 1)


def age_reached(born: When | None, years: int, on: When | None) -> Truth:
    """Is that age reached on that day? UNKNOWN while birth or day are unknown or too imprecise to tell."""
    if born is None:
        return Truth.UNKNOWN
    return not_after(When(birthday(born.earliest, years), birthday(born.latest, years)), on)


def add_months(day: date, months: int) -> date:
    """The same day so many months later, cut to the end of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
