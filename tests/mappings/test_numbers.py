"""Numbers as FHIR sends them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from cds_service.guideline.interval import Interval
from cds_service.mappings.datatypes import UnusableError
from cds_service.mappings.numbers import WrittenNumber, decimal_of, interval_of, written


def _reason(text: str) -> str:
    with pytest.raises(UnusableError) as fault:
        written(text)
    return fault.value.reason


def test_every_digit_of_a_json_number_is_kept():
    assert str(decimal_of(Raw(b"12.40"))) == "12.40"
    assert decimal_of(Raw(b"0.1")) == Decimal("0.1")
    assert decimal_of(Raw(b"-3.5e-2")) == Decimal("-0.035")


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-10_000_000, max_value=10_000_000, places=9))
def test_a_decimal_survives_the_way_through_json(number):
    assert decimal_of(Raw(format(number, "f").encode())) == number


def test_minus_zero_is_zero():
    assert str(decimal_of(Raw(b"-0"))) == "0"
    assert str(decimal_of(Raw(b"-0.0e3"))) == "0"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'"12.4"', "value-wrong-type"),
        (b"true", "value-wrong-type"),
        (b'{"value":1}', "value-wrong-type"),
        (b"[12]", "value-wrong-type"),
        (b"", "value-missing"),
        (b"null", "value-missing"),
        (b"1e31", "value-not-a-number"),
        (b"1E-31", "value-not-a-number"),
        (b"1e999999999", "value-not-a-number"),
        (b"1" * 61, "value-not-a-number"),
        (b"0." + b"0" * 35 + b"1", "value-not-a-number"),
        (b"9" * 30 + b".5e30", "value-not-a-number"),
    ],
)
def test_what_is_no_usable_number_is_refused_with_its_reason(raw, reason):
    with pytest.raises(UnusableError) as fault:
        decimal_of(Raw(raw))
    assert fault.value.reason == reason


def test_numbers_at_the_limits_are_read():
    assert decimal_of(Raw(b"1e30")) == Decimal("1e30")
    assert decimal_of(Raw(b"1e-30")) == Decimal("1e-30")
    assert decimal_of(Raw(b"1." + b"1" * 59)) == Decimal("1." + "1" * 59)


@pytest.mark.parametrize(
    ("comparator", "interval"),
    [
        (None, Interval(Decimal(5), Decimal(5))),
        ("", Interval(Decimal(5), Decimal(5))),
        ("<", Interval(None, Decimal(5), high_open=True)),
        ("<=", Interval(None, Decimal(5))),
        (">", Interval(Decimal(5), None, low_open=True)),
        (">=", Interval(Decimal(5), None)),
    ],
)
def test_a_comparator_makes_an_interval(comparator, interval):
    assert interval_of(Decimal(5), comparator) == interval


@pytest.mark.parametrize("comparator", ["ad", "~", "=<", "less"])
def test_a_comparator_that_r4_does_not_have_is_refused(comparator):
    with pytest.raises(UnusableError, match="value-not-a-number"):
        interval_of(Decimal(5), comparator)


@pytest.mark.parametrize(
    ("text", "number", "comparator", "unit"),
    [
        ("<5", "5", "<", None),
        ("< 5", "5", "<", None),
        ("<\u200b5", "5", "<", None),
        ("Mindre enn 5", "5", "<", None),
        ("mindre enn 0,6 mg/L", "0.6", "<", "mg/L"),
        ("MINDRE ENN 1", "1", "<", None),
        ("Under 3", "3", "<", None),
        ("mindre enn eller lik 4", "4", "<=", None),
        ("≤ 4", "4", "<=", None),
        ("<=4", "4", "<=", None),
        ("lågare enn 5", "5", "<", None),
        ("mindre än 5 mg/L", "5", "<", "mg/L"),
        ("Mindre a\u0308n 5", "5", "<", None),
        ("mindre end 5", "5", "<", None),
        ("Lavere end 5", "5", "<", None),
        ("Less than 5", "5", "<", None),
        ("less than or equal to 5", "5", "<=", None),
        ("not more than 5", "5", "<=", None),
        ("kleiner als 5,0", "5.0", "<", None),
        ("unter 5", "5", "<", None),
        ("höchstens 5", "5", "<=", None),
        ("kleiner gleich 5", "5", "<=", None),
        ("&lt;5", "5", "<", None),
        ("≦5", "5", "<=", None),
        ("meir enn 200", "200", ">", None),
        ("Høgare enn 200", "200", ">", None),
        ("større end 200", "200", ">", None),
        ("större än 200", "200", ">", None),
        ("över 200", "200", ">", None),
        ("mindst 200", "200", ">=", None),
        ("greater than 200", "200", ">", None),
        ("GRÖSSER ALS 200", "200", ">", None),
        ("größer als 200", "200", ">", None),
        ("größer gleich 200", "200", ">=", None),
        ("über 200", "200", ">", None),
        ("mindestens 200", "200", ">=", None),
        ("at least 200", "200", ">=", None),
        ("Større enn 200", "200", ">", None),
        ("> 200", "200", ">", None),
        ("≥ 7,5", "7.5", ">=", None),
        ("over 160", "160", ">", None),
        ("12,4", "12.4", None, None),
        ("12.4 g/dL", "12.4", None, "g/dL"),
        ("150\u202f000", "150000", None, None),
        ("1\u00a0200,5", "1200.5", None, None),
        ("150 10^9/L", "150", None, "10^9/L"),
        ("210 x10⁹/L", "210", None, "x10⁹/L"),
        ("38,2 °C", "38.2", None, "°C"),
        ("3 µkat/L", "3", None, "µkat/L"),
    ],
)
def test_a_result_written_as_text_is_read_with_comparator_and_unit(text, number, comparator, unit):
    assert written(text) == WrittenNumber(Decimal(number), comparator, unit)


@pytest.mark.parametrize(
    ("text", "grouped"),
    [("1.250", "1250"), ("150,000", "150000"), ("< 5.600 /µl", "5600"), ("1.25", None), ("0.125", None),
     ("1250.125", None), ("1.2500", None), ("1250", None)],
)  # fmt: skip
def test_a_mark_before_three_digits_may_divide_off_thousands(text, grouped):
    assert written(text).grouped == (grouped and Decimal(grouped))


_NO_NUMBER = """Neg|negativ|Hemolysert|5-10|5 - 10|1.200,5|1,2,3|12,4*|1 2|12 345 6|5.|.5|NaN|Infinity|1_0|３|++|<|<<5
1e5|se kommentar 5|ca. 5|ikke under 5|ikke påvist"""


@pytest.mark.parametrize("text", [*_NO_NUMBER.replace("\n", "|").split("|"), "9" * 61])
def test_text_that_is_not_one_number_is_none(text):
    assert _reason(text) == "value-not-a-number"


@pytest.mark.parametrize("text", ["", "   ", "\u00a0"])
def test_blank_text_is_a_missing_value(text):
    assert _reason(text) == "value-missing"


@given(st.text(max_size=40))
def test_no_text_raises_anything_but_unusable(text):
    try:
        written(text)
    except UnusableError as fault:
        assert fault.reason in {"value-missing", "value-not-a-number"}  # noqa: PT017  both ways are right here


@given(st.decimals(min_value=0, max_value=9999, places=2), st.sampled_from(["", "<", ">", "<=", ">="]))
def test_comma_and_point_are_the_same(number, comparator):
    text = format(number, "f")
    assert written(comparator + text) == written(f"{comparator} {text.replace('.', ',')}")
