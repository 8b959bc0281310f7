"""Reference ranges, numeric and written, in the unit of their result."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cds_service.guideline.facts import Note
from cds_service.guideline.interval import Interval
from tests.mappings.laboratory import LOINC, SCT, SOURCE, amount, coded, exactly, measured, reading_of


def _range(**fields: Any):
    return measured(referenceRange=[fields]).reference


def test_a_reference_range_without_unit_is_in_the_raw_unit_of_its_result():
    raw = [{"low": amount(110), "high": amount(140)}]
    found = measured(code=coded((LOINC, "718-7")), valueQuantity=amount(118, "g/L"), referenceRange=raw)
    assert (found.value, found.reference) == (exactly("11.8"), Interval(Decimal(11), Decimal(14)))


def test_a_reference_range_with_a_unit_of_its_own_is_converted_from_that():
    assert _range(low=amount(117, "g/L"), high=amount(153, "g/L")) == Interval(Decimal("11.7"), Decimal("15.3"))


def test_half_a_reference_range_is_open_to_the_other_side():
    assert _range(high=amount(15.3, "g/dL")) == Interval(None, Decimal("15.3"))
    assert _range(low=amount(11.7)) == Interval(Decimal("11.7"), None)
    assert _range(high=amount(15, comparator="<")) == Interval(None, Decimal(15), high_open=True)


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("11,7 - 15,3", Interval(Decimal("11.7"), Decimal("15.3"))),
        ("11.7\u201315.3", Interval(Decimal("11.7"), Decimal("15.3"))),
        ("(11,7 til 15,3)", Interval(Decimal("11.7"), Decimal("15.3"))),
        ("11,7 till 15,3", Interval(Decimal("11.7"), Decimal("15.3"))),
        ("11,7 bis 15,3 g/dl", Interval(Decimal("11.7"), Decimal("15.3"))),
        ("kleiner als 12", Interval(None, Decimal(12), high_open=True)),
        ("117-153 g/L", Interval(Decimal("11.7"), Decimal("15.3"))),
        ("<12", Interval(None, Decimal(12), high_open=True)),
        ("< 12 g/dL", Interval(None, Decimal(12), high_open=True)),
        ("≤ 5", Interval(None, Decimal(5))),
        ("Under 12", Interval(None, Decimal(12), high_open=True)),
        ("> 3,5", Interval(Decimal("3.5"), None, low_open=True)),
        (">=3", Interval(Decimal(3), None)),
    ],
)
def test_a_written_reference_range_is_read(text, interval):
    assert _range(text=text) == interval


@pytest.mark.parametrize(
    "reference",
    [
        {"text": "se vedlegg"},
        {"text": "15,3 - 11,7"},
        {"text": "12"},
        {"text": "0-10 mm"},
        {"text": "Menn: 13,4-17,0 Kvinner: 11,7-15,3"},
        {"low": amount(15), "high": amount(11)},
        {"low": amount("11"), "high": amount(15)},
        {"low": amount(11, "kg"), "high": amount(15, "kg")},
        {"low": amount(11, comparator="<")},
        {"high": amount(None, "g/dL")},
    ],
)
def test_an_unreadable_reference_range_is_noted_and_the_value_kept(reference):
    reading = reading_of(referenceRange=[reference])
    assert [(one.value, one.reference) for one in reading.measurements] == [(exactly("12.4"), None)]
    assert reading.notes == (Note(SOURCE, "reference-range-unreadable", "hemoglobin"),)


def test_a_written_range_that_may_be_in_thousands_is_not_guessed_at():
    ldh = coded((LOINC, "2532-0"))
    reading = reading_of(code=ldh, valueQuantity=amount(1400, "U/L"), referenceRange=[{"text": "1.125 - 1.250"}])
    assert [one.reference for one in reading.measurements] == [None]
    assert reading.notes == (Note(SOURCE, "reference-range-unreadable", "ldh"),)
    free = coded((LOINC, "1995-0"))
    found = measured(code=free, valueQuantity=amount(1.2, "mmol/L"), referenceRange=[{"text": "1,150 - 1,350"}])
    assert found.reference == Interval(Decimal("1.150"), Decimal("1.350"))


@pytest.mark.parametrize("reference", [{}, {"text": " "}])
def test_an_empty_reference_range_is_none(reference):
    assert measured(referenceRange=[reference]).reference is None


def test_of_several_reference_ranges_the_normal_one_for_everybody_counts():
    normal = {"type": coded((None, "normal")), "low": amount(11), "high": amount(15)}
    treatment = {"type": coded((None, "treatment")), "low": amount(10), "high": amount(12)}
    pregnant = {"appliesTo": [coded((SCT, "77386006"))], "low": amount(10), "high": amount(14)}
    expected = Interval(Decimal(11), Decimal(15))
    assert measured(referenceRange=[treatment, pregnant, normal]).reference == expected
    assert measured(referenceRange=[treatment]).reference is None
    assert measured(referenceRange=[normal, normal]).reference == expected


def test_reference_ranges_that_contradict_each_other_are_unreadable():
    ranges = [{"low": amount(11), "high": amount(15)}, {"low": amount(12), "high": amount(16)}]
    assert [note.reason for note in reading_of(referenceRange=ranges).notes] == ["reference-range-unreadable"]
