"""FHIR dates, date-times, instants and periods as calendar dates in Europe/Oslo, precise or not."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cds_service.guideline.dates import When
from cds_service.mappings.datatypes import UnusableError

if TYPE_CHECKING:
    from cds_service.mappings.datatypes import Period

OSLO = ZoneInfo("Europe/Oslo")
_YEAR, _MONTH, _DAY = 4, 7, 10
_LEAP = slice(16, 19)
_YEARS = range(1900, 2201)
_EARLIEST = date(_YEARS[0], 1, 1)


def when(text: str) -> When:
    """A date, date-time or instant. A year or a month becomes its days; a time without zone is one in Oslo.

    Raises:
        UnusableError: `date-unreadable`.
    """
    try:
        if text[_YEAR] == "-" == text[_MONTH]:
            if len(text) == _DAY:
                return _of_day(date.fromisoformat(text))
            if text[_DAY] == "T":
                return _of_moment(datetime.fromisoformat(text))
    except (ValueError, IndexError):
        pass
    try:
        return _other(text.strip())
    except ValueError:
        raise UnusableError("date-unreadable") from None


def of_period(period: Period, today: date) -> When | None:
    """Some time within a period that has happened: an open end reaches to today. None where nothing was given.

    Raises:
        UnusableError: `date-unreadable`, also where it ends before it starts.
    """
    start = when(period.start) if period.start else None
    end = when(period.end) if period.end else None
    if start is None and end is None:
        return None
    earliest = start.earliest if start else _EARLIEST
    latest = end.latest if end else max(earliest, today)
    if latest < earliest or _reversed(start, end):
        raise UnusableError("date-unreadable")
    same = start is not None and start == end
    return When(earliest, latest, start.moment if start and same else None)


def _reversed(start: When | None, end: When | None) -> bool:
    return bool(start and end and start.moment and end.moment and end.moment < start.moment)


def _other(text: str) -> When:
    """Partial dates, times, and every spelling that is not plain `YYYY-MM-DD`."""
    if not (text.isascii() and text[:_YEAR].isdecimal() and int(text[:_YEAR]) in _YEARS):
        raise ValueError
    if len(text) == _YEAR:
        year = int(text)
        return When(date(year, 1, 1), date(year, 12, 31))
    if text[_YEAR] != "-":
        raise ValueError
    if len(text) == _MONTH and text[5:].isdecimal():
        year, month = int(text[:_YEAR]), int(text[5:])
        return When(date(year, month, 1), date(year, month, monthrange(year, month)[1]))
    return _time(text)


def _time(text: str) -> When:
    if text[_MONTH : _MONTH + 1] != "-":
        raise ValueError
    if len(text) == _DAY:
        return _of_day(date.fromisoformat(text))
    if text[_DAY : _DAY + 1] not in {"T", "t", " "}:
        raise ValueError
    if text[_LEAP] == ":60":
        text = f"{text[: _LEAP.start]}:59{text[_LEAP.stop :]}"
    return _of_moment(datetime.fromisoformat(text.replace("z", "Z")))


def _of_day(day: date) -> When:
    if day.year not in _YEARS:
        raise ValueError
    return When(day, day)


def _of_moment(moment: datetime) -> When:
    if moment.year not in _YEARS:
        raise ValueError
    moment = moment.replace(tzinfo=OSLO) if moment.tzinfo is None else moment.astimezone(OSLO)
    day = moment.date()
    return When(day, day, moment)
