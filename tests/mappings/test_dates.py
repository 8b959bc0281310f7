"""FHIR dates as calendar dates in Oslo."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.guideline.dates import When
from cds_service.mappings.datatypes import Period, UnusableError
from cds_service.mappings.dates import OSLO, of_period, when

TODAY = date(2025, 9, 15)


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)))
def test_a_full_date_is_that_day(day):
    assert when(day.isoformat()) == When(day, day)


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2025-02", date(2025, 2, 1), date(2025, 2, 28)),
        (" 2025-03-04 ", date(2025, 3, 4), date(2025, 3, 4)),
    ],
)
def test_a_partial_date_is_all_its_days(text, earliest, latest):
    assert when(text) == When(earliest, latest)


@pytest.mark.parametrize(
    ("text", "day", "utc"),
    [
        ("2025-06-30T22:30:00Z", date(2025, 7, 1), datetime(2025, 6, 30, 22, 30, tzinfo=UTC)),
        ("2025-01-01T00:30:00+05:00", date(2024, 12, 31), datetime(2024, 12, 31, 19, 30, tzinfo=UTC)),
        ("2025-06-30T23:30:00", date(2025, 6, 30), datetime(2025, 6, 30, 21, 30, tzinfo=UTC)),
        ("2025-06-30T22:30z", date(2025, 7, 1), datetime(2025, 6, 30, 22, 30, tzinfo=UTC)),
        ("2025-06-30 08:15", date(2025, 6, 30), datetime(2025, 6, 30, 6, 15, tzinfo=UTC)),
        ("2025-06-30t08:15:00+0200", date(2025, 6, 30), datetime(2025, 6, 30, 6, 15, tzinfo=UTC)),
        ("2025-06-30T08:15:00.123456789012Z", date(2025, 6, 30), datetime(2025, 6, 30, 8, 15, 0, 123456, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", date(2017, 1, 1), datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_time_is_taken_to_oslo_and_its_moment_kept(text, day, utc):
    found = when(text)
    assert (found.earliest, found.latest) == (day, day)
    assert found.moment == utc
    assert found.moment.tzinfo is OSLO


@given(st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)), st.integers(-12 * 4, 14 * 4))  # noqa: DTZ001
def test_the_zone_in_which_a_moment_is_written_does_not_matter(naive, quarters):
    moment = naive.replace(tzinfo=UTC)
    zoned = moment.astimezone(timezone(timedelta(minutes=15 * quarters)))
    assert when(zoned.isoformat()) == when(moment.isoformat())


@pytest.mark.parametrize(
    "text",
    ["", " ", "yesterday", "2025-02-30", "2025-13", "2025-00", "2025-1", "2025-9-1", "20250901", "2025-W01-1",
     "25-09-01", "1899-12-31", "2201-01-01", "0000", "99999", "2025-09-01T", "2025-09-01T25:00:00Z",
     "2025-09-01T10:00:00+99:00", "01.09.2025", "2025/09/01", "２０２５-09-01", "9999-12-31T23:59:59-14:00",
     "2025-09-01X10:00"],
)  # fmt: skip
def test_what_is_no_fhir_date_is_unreadable(text):
    with pytest.raises(UnusableError, match="date-unreadable"):
        when(text)


@given(st.text(max_size=30))
def test_no_text_raises_anything_but_unreadable(text):
    try:
        found = when(text)
    except UnusableError as fault:
        assert fault.reason == "date-unreadable"  # noqa: PT017  both ways are right here
    else:
        assert found.earliest <= found.latest


def test_a_period_is_some_time_between_its_ends():
    found = of_period(Period(start="2025-09-01", end="2025-09-03T10:00:00+02:00"), TODAY)
    assert found == When(date(2025, 9, 1), date(2025, 9, 3))


def test_a_period_without_end_reaches_to_today():
    assert of_period(Period(start="2025-09-01"), TODAY) == When(date(2025, 9, 1), TODAY)


def test_a_period_that_starts_after_today_is_that_day():
    assert of_period(Period(start="2025-10-01"), TODAY) == When(date(2025, 10, 1), date(2025, 10, 1))


def test_a_period_without_start_may_be_long_ago():
    found = of_period(Period(end="2025-09-01"), TODAY)
    assert found.latest == date(2025, 9, 1)
    assert found.earliest < date(1950, 1, 1)


def test_a_period_of_one_moment_keeps_it():
    moment = "2025-09-01T10:00:00+02:00"
    assert of_period(Period(start=moment, end=moment), TODAY).moment == datetime(2025, 9, 1, 8, tzinfo=UTC)


def test_an_empty_period_says_nothing():
    assert of_period(Period(), TODAY) is None


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2025-09-03", "2025-09-01"),
        ("2025-09-01T12:00:00Z", "2025-09-01T11:00:00Z"),
        ("2025-09-01", "never"),
        ("soon", None),
    ],
)
def test_a_period_that_ends_before_it_starts_or_cannot_be_read_is_unreadable(start, end):
    with pytest.raises(UnusableError, match="date-unreadable"):
        of_period(Period(start=start, end=end), TODAY)
