from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.guideline.dates import (
    When,
    add_months,
    age_reached,
    birthday,
    elapsed,
    known_to,
    not_after,
)
from cds_service.guideline.interval import Truth

NO, UNKNOWN, YES = Truth.NO, Truth.UNKNOWN, Truth.YES
DAYS = st.dates(date(2000, 1, 1), date(2030, 12, 31))
WHENS = st.tuples(DAYS, st.integers(0, 400)).map(lambda pair: When(pair[0], pair[0] + timedelta(days=pair[1])))


@pytest.mark.parametrize(
    ("born", "years", "reached"),
    [
        (date(2015, 4, 10), 3, date(2018, 4, 10)),
        (date(2012, 2, 29), 3, date(2015, 3, 1)),
        (date(2012, 2, 29), 4, date(2016, 2, 29)),
        (date(2012, 2, 29), 18, date(2030, 3, 1)),
        (date(2012, 2, 28), 18, date(2030, 2, 28)),
        (date(2012, 2, 29), 0, date(2012, 2, 29)),
    ],
)
def test_a_birthday_on_29_february_falls_on_1_march_in_other_years(born, years, reached):
    assert birthday(born, years) == reached


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2025, 1, 31), 1, date(2025, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2025, 8, 31), 6, date(2026, 2, 28)),
        (date(2025, 5, 5), 6, date(2025, 11, 5)),
        (date(2025, 12, 15), 1, date(2026, 1, 15)),
        (date(2025, 11, 30), 1, date(2025, 12, 30)),
        (date(2025, 3, 31), -1, date(2025, 2, 28)),
        (date(2025, 1, 15), -12, date(2024, 1, 15)),
        (date(2024, 2, 29), -12, date(2023, 2, 28)),
        (date(2025, 6, 30), 0, date(2025, 6, 30)),
    ],
)
def test_months_are_calendar_months_cut_to_the_end_of_a_shorter_one(day, months, expected):
    assert add_months(day, months) == expected


@given(DAYS, st.integers(0, 60))
def test_months_forth_and_back_lose_at_most_the_days_that_a_month_lacks(day, months):
    back = add_months(add_months(day, months), -months)
    assert timedelta(0) <= day - back <= timedelta(days=3)


@given(WHENS, WHENS)
def test_one_date_is_before_another_only_if_all_its_days_are(first, second):
    days = {a <= b for a in (first.earliest, first.latest) for b in (second.earliest, second.latest)}
    expected = UNKNOWN if len(days) > 1 else Truth.of(days.pop())
    assert not_after(first, second) is expected


@given(WHENS)
def test_a_missing_date_leaves_the_order_open(when):
    assert not_after(None, when) is UNKNOWN
    assert not_after(when, None) is UNKNOWN
    assert not_after(None, None) is UNKNOWN


def test_a_fact_of_the_same_day_is_known_to_the_answer_and_an_undated_one_is_not():
    day = When.on(date(2025, 9, 1))
    assert known_to(day, day)
    assert not known_to(When.on(date(2025, 9, 2)), day)
    assert not known_to(None, day)
    assert not known_to(day, None)
    assert not known_to(When(date(2025, 8, 1), date(2025, 9, 30)), day)


def test_a_month_is_compared_with_one_day():
    month = When(date(2025, 9, 1), date(2025, 9, 30))
    assert not_after(month, When.on(date(2025, 9, 30))) is YES
    assert not_after(month, When.on(date(2025, 9, 29))) is UNKNOWN
    assert not_after(month, When.on(date(2025, 8, 31))) is NO


def test_only_a_date_known_to_the_day_is_precise():
    assert When.on(date(2025, 9, 1)).is_precise
    assert not When(date(2025, 9, 1), date(2025, 9, 2)).is_precise


def test_a_shifted_date_has_no_moment_of_the_day():
    moment = datetime(2025, 9, 1, 10, tzinfo=ZoneInfo("Europe/Oslo"))
    shifted = When(date(2025, 9, 1), date(2025, 9, 2), moment).shifted(-7)
    assert shifted == When(date(2025, 8, 25), date(2025, 8, 26))
    assert shifted.moment is None


@pytest.mark.parametrize(
    ("born", "on", "expected"),
    [
        (When.on(date(2015, 4, 10)), When.on(date(2018, 4, 10)), YES),
        (When.on(date(2015, 4, 10)), When.on(date(2018, 4, 9)), NO),
        (When(date(2015, 4, 1), date(2015, 4, 30)), When.on(date(2018, 4, 15)), UNKNOWN),
        (When(date(2015, 4, 1), date(2015, 4, 30)), When.on(date(2018, 4, 30)), YES),
        (When.on(date(2015, 4, 10)), When(date(2018, 4, 1), date(2018, 4, 30)), UNKNOWN),
        (None, When.on(date(2018, 4, 10)), UNKNOWN),
        (When.on(date(2015, 4, 10)), None, UNKNOWN),
    ],
)
def test_an_age_is_reached_on_the_birthday(born, on, expected):
    assert age_reached(born, 3, on) is expected


def test_elapsed_hours_count_over_a_change_of_the_clocks():
    oslo = ZoneInfo("Europe/Oslo")
    before, after = datetime(2025, 10, 25, 10, tzinfo=oslo), datetime(2025, 10, 26, 10, tzinfo=oslo)
    assert elapsed(before, after) == timedelta(hours=25)
    assert elapsed(after, before) == -timedelta(hours=25)
    assert elapsed(datetime(2025, 3, 29, 10, tzinfo=oslo), datetime(2025, 3, 30, 10, tzinfo=oslo)) == timedelta(
        hours=23
    )
    assert elapsed(before, datetime(2025, 10, 25, 8, tzinfo=UTC)) == timedelta(0)
    twice = datetime(2025, 10, 26, 2, 30, tzinfo=oslo)
    assert elapsed(twice, twice.replace(fold=1)) == timedelta(hours=1)
