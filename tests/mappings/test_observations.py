"""Observations in, measurements or notes out."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.guideline.dates import When
from cds_service.guideline.facts import Note
from cds_service.guideline.interval import Interval
from tests.mappings.laboratory import (
    LOINC,
    NLK,
    SCT,
    SOURCE,
    TODAY,
    V3,
    amount,
    coded,
    exactly,
    measured,
    reading_of,
    refusals,
)


def test_a_haemoglobin_is_read_with_value_unit_date_and_source():
    found = measured()
    assert (found.name, found.unit, found.source, found.read_from) == ("hemoglobin", "g/dL", SOURCE, "code")
    assert found.value == exactly("12.4")
    assert found.when == When.on(date(2025, 9, 1))
    assert (found.reference, found.flag, found.preferred) == (None, None, True)


@pytest.mark.parametrize(
    ("code", "quantity", "name", "value"),
    [
        ((LOINC, "59260-0"), amount(7, "mmol/L"), "hemoglobin", "11.277"),
        (("http://npu-terminology.org", "NPU02319"), amount(7, "mmol/L"), "hemoglobin", "11.277"),
        (("http://npu-terminology.org", "NPU28309"), amount(118, "g/L"), "hemoglobin", "11.8"),
        ((LOINC, "1988-5"), amount(8.2, "mg/dL", "mg/dL"), "crp", "82"),
        ((NLK, "NPU03404"), amount(12, "mm"), "esr", "12"),
        ((LOINC, "26515-7"), amount(95000, "/uL", "/uL"), "platelets", "95"),
        ((NLK, "NPU03568"), amount(312, "10#9/L"), "platelets", "312"),
        ((LOINC, "14804-9"), amount(4, "µkat/L"), "ldh", "240"),
        ((LOINC, "62292-8"), amount(20.5, "ng/mL"), "vitd25", "51.168"),
        ((LOINC, "38230-9"), amount(4.8, "mg/dL"), "calcium_free", "1.1976"),
        ((LOINC, "8331-1"), amount(100.4, "°F", "[degF]"), "body_temperature", "38"),
        ((SCT, "27113001"), amount(49000, "g", "g"), "body_weight", "49"),
        ((LOINC, "8302-2"), amount(52, "in", "[in_i]"), "body_height", "132.08"),
        ((LOINC, "1742-6"), amount(30, "U/L"), "alt", "30"),
    ],
)
def test_a_value_is_converted_exactly_to_its_canonical_unit(code, quantity, name, value):
    found = measured(code=coded(code), valueQuantity=quantity)
    assert (found.name, found.value) == (name, exactly(value))


@pytest.mark.parametrize(
    ("comparator", "value"),
    [
        ("<", Interval(Decimal(0), Decimal(5), high_open=True)),
        ("<=", Interval(Decimal(0), Decimal(5))),
        (">", Interval(Decimal(5), None, low_open=True)),
        (">=", Interval(Decimal(5), None)),
    ],
)
def test_a_comparator_is_an_interval_that_never_goes_below_zero(comparator, value):
    assert (
        measured(code=coded((NLK, "NPU19748")), valueQuantity=amount(5, "mg/L", comparator=comparator)).value == value
    )


def test_a_comparator_is_converted_with_its_number():
    found = measured(code=coded((LOINC, "1988-5")), valueQuantity=amount(0.5, "mg/dL", comparator="<"))
    assert found.value == Interval(Decimal(0), Decimal(5), high_open=True)


@pytest.mark.parametrize("text", ["Mindre enn 5", "<5", "< 5,0 mg/L", "under 5"])
def test_a_norwegian_text_result_is_read_as_less_than(text):
    found = measured(code=coded((NLK, "NPU19748")), valueQuantity=None, valueString=text)
    assert found.value == Interval(Decimal(0), Decimal(5), high_open=True)


def test_an_integer_and_a_range_are_values_too():
    crp = coded((NLK, "NPU19748"))
    assert measured(code=crp, valueQuantity=None, valueInteger=7).value == exactly("7")
    between = {"low": amount(1, "mg/dL"), "high": amount(20, "mg/L")}
    assert measured(code=crp, valueQuantity=None, valueRange=between).value == Interval(Decimal(10), Decimal(20))


@pytest.mark.parametrize("status", ["amended", "corrected"])
def test_amended_and_corrected_results_count(status):
    assert measured(status=status).name == "hemoglobin"


@pytest.mark.parametrize(
    "status", ["preliminary", "registered", "cancelled", "entered-in-error", "unknown", "Final", "completed"]
)
def test_no_other_status_counts(status):
    assert refusals(status=status) == {("status-not-final", "hemoglobin")}


@pytest.mark.parametrize("status", [None, ""])
def test_a_result_without_status_is_not_scored(status):
    assert refusals(status=status) == {("status-missing", "hemoglobin")}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"valueQuantity": None}, "value-missing"),
        ({"valueQuantity": amount(None, "g/dL")}, "value-missing"),
        ({"valueQuantity": None, "valueString": ""}, "value-missing"),
        ({"valueQuantity": None, "valueString": " "}, "value-missing"),
        ({"valueQuantity": None, "valueRange": {}}, "value-missing"),
        ({"valueQuantity": amount("12.4", "g/dL")}, "value-wrong-type"),
        ({"valueQuantity": amount(True, "g/dL")}, "value-wrong-type"),  # noqa: FBT003  the value under test
        ({"valueQuantity": None, "valueCodeableConcept": coded((SCT, "2667000"))}, "value-wrong-type"),
        ({"valueQuantity": None, "valueBoolean": False}, "value-wrong-type"),
        ({"valueQuantity": amount(1e40, "g/dL")}, "value-not-a-number"),
        ({"valueQuantity": amount(12.4, "g/dL", comparator="ad")}, "value-not-a-number"),
        ({"valueQuantity": None, "valueString": "Hemolysert"}, "value-not-a-number"),
        ({"valueQuantity": None, "valueRange": {"low": amount(12, "g/dL", comparator=">")}}, "value-not-a-number"),
        ({"valueQuantity": None, "valueRange": {"low": amount(13, "g/dL"), "high": amount(12, "g/dL")}},
         "value-not-a-number"),
        ({"dataAbsentReason": coded((None, "unknown"))}, "data-absent"),
        ({"valueQuantity": None, "dataAbsentReason": {"text": "hemolysis"}}, "data-absent"),
        ({"valueQuantity": amount(12.4, "kg")}, "unit-not-convertible"),
        ({"valueQuantity": amount(8.6, "mg/dL")}, "unit-not-convertible"),
        ({"valueQuantity": amount(8.6, "mmol/L")}, "unit-contradicts-code"),
        ({"valueQuantity": amount(124, "g/dL")}, "value-implausible"),
        ({"valueQuantity": amount(-1, "g/dL")}, "value-implausible"),
        ({"code": coded((LOINC, "718-7")), "valueQuantity": amount(12.4)}, "unit-missing"),
        ({"effectiveDateTime": "2025-09-16"}, "date-in-future"),
        ({"effectiveDateTime": "2025-09-15T23:30:00Z"}, "date-in-future"),
        ({"effectiveDateTime": "2026"}, "date-in-future"),
    ],
)  # fmt: skip
def test_an_unusable_result_is_a_note_with_its_concept_and_nothing_else(fields, reason):
    assert refusals(**fields) == {(reason, "hemoglobin")}


def test_a_count_whose_code_and_text_disagree_by_a_factor_is_not_read():
    platelets = amount(150000, "10^9/L", "10*9/uL")
    refused = refusals(code=coded((LOINC, "777-3")), valueQuantity=platelets)
    assert refused == {("unit-contradicts-code", "platelets")}


def test_an_nlk_result_without_unit_is_in_the_unit_of_its_code():
    assert measured(valueQuantity=amount(12.4)).value == exactly("12.4")


def test_a_result_without_or_with_an_unreadable_date_is_undated_and_noted():
    for date_sent, reason in (
        (None, "date-missing"),
        ("last week", "date-unreadable"),
        ("2025-02-30", "date-unreadable"),
    ):
        reading = reading_of(effectiveDateTime=date_sent, issued="2025-09-02T10:00:00Z")
        assert reading.measurements[0].when is None
        assert reading.notes == (Note(SOURCE, reason, "hemoglobin"),)


def test_a_period_is_some_time_within_it_and_an_instant_keeps_its_moment():
    period = {"start": "2025-09-01", "end": "2025-09-03"}
    found = measured(effectiveDateTime=None, effectivePeriod=period)
    assert found.when == When(date(2025, 9, 1), date(2025, 9, 3))
    found = measured(effectiveDateTime=None, effectiveInstant="2025-09-01T22:30:00Z")
    assert found.when.earliest == date(2025, 9, 2)
    assert found.when.moment == datetime(2025, 9, 1, 22, 30, tzinfo=UTC)


def test_a_result_of_today_counts():
    assert measured(effectiveDateTime="2025-09-15T21:30:00Z").when.earliest == TODAY


def test_components_are_read_each_with_its_own_code_under_the_status_and_date_of_the_panel():
    panel = reading_of(
        code=coded((LOINC, "58410-2")),
        valueQuantity=None,
        component=[
            {"code": coded((LOINC, "718-7")), "valueQuantity": amount(11.2, "g/dL")},
            {"code": coded((LOINC, "777-3")), "valueQuantity": amount("95", "10*3/uL")},
            {"code": coded((LOINC, "787-2")), "valueQuantity": amount(82, "fL")},
            {"code": coded((LOINC, "6690-2")), "dataAbsentReason": coded((None, "error"))},
        ],
    )
    assert [(one.name, one.value, one.when) for one in panel.measurements] == [
        ("hemoglobin", exactly("11.2"), When.on(date(2025, 9, 1)))
    ]
    assert set(panel.notes) == {
        Note(SOURCE, "value-wrong-type", "platelets"),
        Note(SOURCE, "data-absent", "leukocytes"),
    }


def test_a_value_beside_components_is_read_too():
    crp = {"code": coded((LOINC, "1988-5")), "valueQuantity": amount(3, "mg/L")}
    assert {one.name for one in reading_of(component=[crp]).measurements} == {"hemoglobin", "crp"}


def test_a_panel_that_is_not_final_loses_all_its_components():
    crp = {"code": coded((LOINC, "1988-5")), "valueQuantity": amount(3, "mg/L")}
    refused = refusals(status="preliminary", valueQuantity=None, component=[crp, crp])
    assert refused == {("status-not-final", "crp")}


@pytest.mark.parametrize(
    ("codes", "flag"),
    [
        (["H"], "high"), (["HH"], "high"), (["HU"], "high"), (["L"], "low"), (["LL"], "low"), (["N"], "normal"),
        (["A"], "abnormal"), (["AA"], "abnormal"), (["N", "H"], "high"), (["A", "L"], "low"), (["H", "L"], "abnormal"),
        (["N", "A"], "abnormal"), (["POS"], None), ([], None),
    ],
)  # fmt: skip
def test_the_interpretation_is_a_flag_and_the_abnormal_one_wins(codes, flag):
    assert measured(interpretation=[coded(*((V3, code) for code in codes))]).flag == flag


def test_norwegian_deviation_marks_are_flags():
    deviation = "urn:oid:2.16.578.1.12.4.1.1.8244"
    flags = [measured(interpretation=[coded((deviation, code))]).flag for code in "123"]
    assert flags == ["high", "low", "abnormal"]


@given(
    number=st.decimals(min_value="2.1", max_value=24, places=3),
    comparator=st.sampled_from([None, "<", "<=", ">", ">="]),
)
def test_grams_per_litre_and_per_decilitre_are_the_same_haemoglobin(number, comparator):
    loinc = coded((LOINC, "718-7"))
    deci = measured(code=loinc, valueQuantity=amount(float(number), "g/dL", comparator=comparator))
    whole = measured(code=loinc, valueQuantity=amount(float(number * 10), "g/L", comparator=comparator))
    assert deci.value == whole.value


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)


@given(
    value=_JSON,
    unit=st.none() | st.text(max_size=8),
    comparator=st.none() | st.text(max_size=2),
    day=st.none() | st.text(max_size=12),
    status=st.none() | st.text(max_size=6),
    text=st.none() | st.text(max_size=20),
)
def test_whatever_is_sent_becomes_a_measurement_or_a_note(**sent):
    reading = reading_of(
        status=sent["status"] or "final",
        effectiveDateTime=sent["day"],
        valueQuantity=amount(sent["value"], sent["unit"], comparator=sent["comparator"]),
        referenceRange=[{"text": sent["text"]}],
    )
    assert reading.measurements or reading.notes
    assert all(note.concept == "hemoglobin" for note in reading.notes)


@pytest.mark.parametrize(
    ("codes", "alarm"),
    [
        (["LL"], True),
        (["HH"], True),
        (["AA"], True),
        (["L", "LL"], True),
        (["L"], False),
        (["H"], False),
        (["A"], False),
        (["LU"], False),
        (["HU"], False),
        (["<"], False),
        ([">"], False),
        ([], False),
    ],
)
def test_the_laboratory_itself_calls_a_result_critical(codes, alarm):
    assert measured(interpretation=[coded(*((V3, code) for code in codes))]).alarm is alarm


@pytest.mark.parametrize(
    ("text", "flag"), [("L", "low"), (" lav ", "low"), ("Høy", "high"), ("N", "normal"), ("?", None), ("", None)]
)
def test_an_interpretation_in_words_is_a_flag_too(text, flag):
    assert measured(interpretation=[{"text": text}]).flag == flag


def test_an_alarm_is_one_only_in_the_code_system_of_interpretations():
    assert measured(interpretation=[coded((None, "LL"))]).alarm
    assert not measured(interpretation=[coded(("http://example.org", "LL"))]).alarm
    assert not measured(interpretation=[coded((V3, "L" * 300))]).alarm
    assert not measured(interpretation=[{"text": "LL"}]).alarm


def test_height_and_weight_of_the_norwegian_profiles_are_measured():
    height = measured(code=coded((LOINC, "8302-2"), (SCT, "1153637007")), valueQuantity=amount(132, "cm", "cm"))
    assert (height.name, height.value, height.unit) == ("body_height", exactly("132"), "cm")
    weight = measured(code=coded((LOINC, "29463-7"), (SCT, "27113001")), valueQuantity=amount(29500, "g", "g"))
    assert (weight.name, weight.value, weight.unit) == ("body_weight", exactly("29.5"), "kg")
