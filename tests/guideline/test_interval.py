from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.guideline.interval import EXACT, Interval, Truth, all_of, any_of

NO, UNKNOWN, YES = Truth.NO, Truth.UNKNOWN, Truth.YES
TRUTHS = st.sampled_from(Truth)
NUMBERS = st.integers(-20, 20).map(lambda tenths: Decimal(tenths) / 10)
TEN = Decimal(10)


@st.composite
def intervals(draw):
    """An interval that holds at least one number."""
    low, high = sorted(draw(st.tuples(NUMBERS, NUMBERS)))
    closed = low == high
    return Interval(
        draw(st.sampled_from([low, None])),
        draw(st.sampled_from([high, None])),
        low_open=not closed and draw(st.booleans()),
        high_open=not closed and draw(st.booleans()),
    )


def holds(interval, number):
    above = interval.low is None or number > interval.low or (number == interval.low and not interval.low_open)
    below = interval.high is None or number < interval.high or (number == interval.high and not interval.high_open)
    return above and below


GRID = [Decimal(tenths) / 20 for tenths in range(-60, 61)]
"""Twentieths: between any two ends of an interval drawn above, and beyond them, one of these lies."""


def judged(interval, holds_of):
    """The truth of a statement on an interval, by trying its numbers."""
    found = {holds_of(number) for number in GRID if holds(interval, number)}
    return UNKNOWN if len(found) > 1 else Truth.of(found.pop())


@given(TRUTHS, TRUTHS, TRUTHS)
def test_three_valued_truth_obeys_the_laws_of_kleene(a, b, c):
    assert (a & b) is (b & a)
    assert (a | b) is (b | a)
    assert (a & (b & c)) is ((a & b) & c)
    assert (a | (b | c)) is ((a | b) | c)
    assert (a & (b | c)) is ((a & b) | (a & c))
    assert (a | (a & b)) is a
    assert (a & (a | b)) is a
    assert ~(a & b) is (~a | ~b)
    assert ~~a is a
    assert (a & YES) is a
    assert (a | NO) is a


@pytest.mark.parametrize(
    ("a", "b", "both", "either"),
    [
        (NO, NO, NO, NO), (NO, UNKNOWN, NO, UNKNOWN), (NO, YES, NO, YES),
        (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN), (UNKNOWN, YES, UNKNOWN, YES), (YES, YES, YES, YES),
    ],
)  # fmt: skip
def test_and_takes_the_less_certain_or_the_more_certain(a, b, both, either):
    assert (a & b) is both
    assert (a | b) is either


def test_not_leaves_unknown_unknown():
    assert (~NO, ~UNKNOWN, ~YES) == (YES, UNKNOWN, NO)


@given(st.lists(TRUTHS))
def test_all_and_any_fold_the_list(truths):
    assert all_of(truths) is (NO if NO in truths else UNKNOWN if UNKNOWN in truths else YES)
    assert any_of(truths) is (YES if YES in truths else UNKNOWN if UNKNOWN in truths else NO)


@pytest.mark.parametrize("truth", Truth)
def test_a_truth_is_never_taken_for_a_boolean(truth):
    with pytest.raises(TypeError, match=r"^A Truth may be unknown: compare it with Truth\.YES or Truth\.NO\.$"):
        bool(truth)


def test_a_known_boolean_is_lifted():
    assert Truth.of(known=True) is YES
    assert Truth.of(known=False) is NO


@given(intervals(), NUMBERS)
def test_a_comparison_holds_only_if_it_holds_on_the_whole_interval(interval, limit):
    assert interval.above(limit) is judged(interval, lambda number: number > limit)
    assert interval.at_least(limit) is judged(interval, lambda number: number >= limit)
    assert interval.below(limit) is judged(interval, lambda number: number < limit)
    assert interval.at_most(limit) is judged(interval, lambda number: number <= limit)


@given(intervals(), intervals())
def test_beyond_a_reference_range_means_beyond_all_its_numbers(interval, reference):
    if reference.high is None:
        assert interval.over(reference) is NO
    else:
        assert interval.over(reference) is judged(
            interval, lambda x: x >= reference.high if reference.high_open else x > reference.high
        )
    if reference.low is None:
        assert interval.under(reference) is NO
    else:
        assert interval.under(reference) is judged(
            interval, lambda x: x <= reference.low if reference.low_open else x < reference.low
        )


@given(intervals() | NUMBERS.map(Interval.exactly), intervals())
def test_outside_a_reference_range_means_beyond_either_end(interval, reference):
    assert interval.beyond(reference) is (interval.over(reference) | interval.under(reference))


@given(NUMBERS)
def test_one_known_number_leaves_nothing_unknown(number):
    exact = Interval.exactly(number)
    for limit, compare in product((number - 1, number, number + 1), ("above", "at_least", "below", "at_most")):
        assert getattr(exact, compare)(limit) is not UNKNOWN


@given(intervals(), NUMBERS, st.integers(1, 9).map(Decimal))
def test_scaling_both_sides_changes_no_comparison(interval, limit, factor):
    assert interval.times(factor).above(limit * factor) is interval.above(limit)
    assert interval.times(factor).at_least(limit * factor) is interval.at_least(limit)


def test_scaling_keeps_open_ends_and_missing_bounds():
    assert Interval(None, TEN, high_open=True).times(Decimal(2)) == Interval(None, Decimal(20), high_open=True)
    assert Interval(TEN, None, low_open=True).times(Decimal(2)) == Interval(Decimal(20), None, low_open=True)


def test_arithmetic_never_rounds():
    long = Decimal("1." + "1" * 59)
    assert Interval.exactly(long).times(long).low == EXACT.multiply(long, long)
    assert len(EXACT.multiply(long, long).as_tuple().digits) == 119
    tiny, huge = Decimal("1e-30"), Decimal("1" * 60 + "e30")
    assert EXACT.subtract(EXACT.add(huge, tiny), huge) == tiny
