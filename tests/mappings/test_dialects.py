"""Whole laboratory results as real systems write them: other countries, other codings, other words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cds_service.guideline.interval import Interval
from tests.mappings.laboratory import (
    LABORATORY,
    LOCAL,
    LOINC,
    NLK,
    NOTHING_READ,
    NPU,
    SCT,
    UCUM,
    amount,
    coded,
    exactly,
    measured,
    reading_of,
    refusals,
)

SWEDISH_NPU = "urn:oid:1.2.752.108.1"
NPU_SITE = "http://npu-terminology.org"
LEGACY_NPU = "2.16.578.1.12.4.1.1.7230"


def _lab(system: str, code: str, value: Any, unit: str | None, ucum: str | None = None, **more: Any) -> dict[str, Any]:
    return {"code": coded((system, code)), "valueQuantity": amount(value, unit, ucum)} | more


@pytest.mark.parametrize(
    ("fields", "concept", "canonical"),
    [
        (_lab(NLK, "NOR05172", 11.8, "g/dL"), "hemoglobin", "11.8"),
        (_lab(LEGACY_NPU, "NPU03404", 22, "mm"), "esr", "22"),
        (_lab(NLK, "NPU03568", 312, "10#9/L"), "platelets", "312"),
        (_lab(NLK, "NPU03568", 312, "10**9/L"), "platelets", "312"),
        (_lab(NLK, "NPU02593", 9.1, "10E9/L"), "leukocytes", "9.1"),
        (_lab(SWEDISH_NPU, "NPU28309", 118, "g/L"), "hemoglobin", "11.8"),
        (_lab(SWEDISH_NPU, "NPU03568", 165, "x10(9)/L"), "platelets", "165"),
        (_lab(SWEDISH_NPU, "NPU03404", 27, "mm"), "esr", "27"),
        (_lab(SWEDISH_NPU, "NPU19658", 3.4, "µkat/L"), "ldh", "204"),
        (_lab(SWEDISH_NPU, "NPU01144", 4.1, "mikrokat/L"), "alp", "246"),
        (_lab(SWEDISH_NPU, "NPU04998", 50, "mikromol/L"), "creatinine", "50"),
        (_lab(NPU, "NPU02319", 7.8, "mmol/L"), "hemoglobin", "12.5658"),
        (_lab(NPU_SITE, "NPU02593", 9.1, "10^9/L"), "leukocytes", "9.1"),
        (_lab(NPU, "NPU04144", 1.24, "mmol/L"), "calcium_free", "1.24"),
        (_lab(NPU, "NPU19975", 210, "U/L"), "ldh", "210"),
        (_lab(LOINC, "718-7", 12.4, "g/dl", "g/dL"), "hemoglobin", "12.4"),
        (_lab(LOINC, "59260-0", 7, "mmol/L"), "hemoglobin", "11.277"),
        (_lab(LOINC, "777-3", 250, "G/l"), "platelets", "250"),
        (_lab(LOINC, "777-3", 250, "/nl"), "platelets", "250"),
        (_lab(LOINC, "26515-7", 250, "Tsd./µl"), "platelets", "250"),
        (_lab(LOINC, "26515-7", 355, "/nanoliter", "/nL"), "platelets", "355"),
        (_lab(LOINC, "6690-2", 3810, "/uL", "/uL"), "leukocytes", "3.81"),
        (_lab(LOINC, "6690-2", 8.2, "K/uL"), "leukocytes", "8.2"),
        (_lab(LOINC, "777-3", 301, "x10^9/l"), "platelets", "301"),
        (_lab(LOINC, "1988-5", 8.2, "mg/dL", "mg/dL"), "crp", "82"),
        (_lab(LOINC, "1988-5", 25.6, "milligram per liter", "mg/L"), "crp", "25.6"),
        (_lab(LOINC, "4537-7", 10, "mm", "mm"), "esr", "10"),
        (_lab(LOINC, "30341-2", 10, "mm/1h"), "esr", "10"),
        (_lab(LOINC, "30341-2", 10, "mm n.W."), "esr", "10"),
        (_lab(LOINC, "4537-7", 10, "mm/hr"), "esr", "10"),
        (_lab(LOINC, "14804-9", 3200, "nkat/L"), "ldh", "192"),
        (_lab(LOINC, "6768-6", 108, "IU/L"), "alp", "108"),
        (_lab(LOINC, "62292-8", 15, "ng/mL"), "vitd25", "37.44"),
        (_lab(LOINC, "68438-1", 37, "nmol/L"), "vitd25", "37"),
        (_lab(LOINC, "17861-6", 9.5, "mg/dL"), "calcium_total", "2.37025"),
        (_lab(LOINC, "49765-1", 9.5, "mg/dL", "mg/dL"), "calcium_total", "2.37025"),
        (_lab(LOINC, "2000-8", 4.8, "mval/l"), "calcium_total", "2.4"),
        (_lab(LOINC, "1995-0", 2.4, "mEq/L"), "calcium_free", "1.2"),
    ],
)
def test_results_of_other_countries_are_read_in_the_canonical_unit(fields, concept, canonical):
    found = measured(**fields)
    assert (found.name, found.value, found.read_from) == (concept, exactly(canonical), "code")


@pytest.mark.parametrize(
    ("fields", "reason", "concept"),
    [
        (_lab(NLK, "NOR05172", 8.6, "mg/dL"), "unit-not-convertible", "hemoglobin"),
        (_lab(LOINC, "718-7", 12.5, "g/mL", "g/mL"), "unit-not-convertible", "hemoglobin"),
        (_lab(LOINC, "718-7", 10.8, "umol/L", "umol/L"), "unit-not-convertible", "hemoglobin"),
        (_lab(LOINC, "718-7", 12.5, "g"), "unit-not-convertible", "hemoglobin"),
        (_lab(LOINC, "718-7", 7.4, "mmol/l", "mmol/l"), "unit-contradicts-code", "hemoglobin"),
        (_lab(LOINC, "59260-0", 11.8, "g/dL", "g/dL"), "unit-contradicts-code", "hemoglobin"),
        (_lab(LOINC, "718-7", 118, "g/dL", "g/dL"), "value-implausible", "hemoglobin"),
        (_lab(LOINC, "777-3", 150000, "10^9/L", "10*9/uL"), "unit-contradicts-code", "platelets"),
        (_lab(LOINC, "777-3", 150000, "10^9/L"), "value-implausible", "platelets"),
        (_lab(LOINC, "777-3", 0.25, "10*12/L"), "unit-not-convertible", "platelets"),
        (_lab(LOINC, "777-3", 250, "g/l"), "unit-not-convertible", "platelets"),
        (_lab(LOINC, "76485-2", 80, "nmol/L"), "unit-not-convertible", "crp"),
        (_lab(LOINC, "76486-0", 8, "mg/L"), "unit-contradicts-code", "crp"),
        (_lab(NPU, "NPU01423", 80, "nmol/L"), "unit-not-convertible", "crp"),
        (_lab(LOINC, "62292-8", 15, None), "unit-missing", "vitd25"),
        (_lab(LOINC, "62292-8", 37, "nmol/L"), "unit-contradicts-code", "vitd25"),
        (_lab(LOINC, "62290-2", 50, "pg/mL"), "excluded-code", "vitd125_exclude"),
        (_lab(LOINC, "13959-2", 2.4, "mmol/L"), "excluded-code", "calcium_free_exclude"),
        (_lab(LOINC, "83064-6", 0.4, "mmol/L"), "excluded-code", "calcium_free_exclude"),
        (_lab(LOINC, "13056-7", 250, "10*3/uL"), "excluded-code", "platelets_plasma_exclude"),
        (_lab(LOINC, "18184-2", 30, "mm/(2.h)"), "excluded-code", "esr_exclude"),
        (_lab(LOINC, "4538-5", 30, "mm/h"), "excluded-code", "esr_exclude"),
    ],
)
def test_a_value_that_contradicts_its_unit_or_code_is_noted_and_never_scored(fields, reason, concept):
    assert refusals(**fields) == {(reason, concept)}


@pytest.mark.parametrize(
    ("name", "value", "unit", "concept", "canonical"),
    [
        ("B-Hemoglobin", 118, "g/L", "hemoglobin", "11.8"),
        ("vB-Calciumjon, fri", 1.24, "mmol/L", "calcium_free", "1.24"),
        ("P-Calcium, alb korr", 2.3, "mmol/L", "calcium_albcorr", "2.3"),
        ("Sänkningsreaktion", 27, "mm/timme", "esr", "27"),
        ("Blutkörperchensenkungsgeschwindigkeit", 27, "mm/h", "esr", "27"),
        ("Thrombozyten", 250, "Tsd./µl", "platelets", "250"),
        ("C-reaktives Protein", 3, "mg/dl", "crp", "30"),
        ("P—Laktatdehydrogenase; kat.k. = ? U/L", 210, "U/L", "ldh", "210"),
        ("25-OH-Vitamin D", 20, "µg/l", "vitd25", "49.92"),
    ],
)
def test_a_name_is_read_with_a_fitting_unit_in_every_language_of_our_users(name, value, unit, concept, canonical):
    code = coded(("http://lab.example/codes", "4711", name))
    reading = reading_of(code=code, valueQuantity=amount(value, unit), category=LABORATORY)
    assert [(one.name, one.value, one.read_from) for one in reading.measurements] == [
        (concept, exactly(canonical), "name")
    ]
    assert [note.reason for note in reading.notes] == ["read-by-name"]


def test_a_name_of_a_blood_test_is_not_read_from_another_material():
    code = coded((LOCAL, "CA", "Calcium"))
    urine = {"code": code, "valueQuantity": amount(2.4, "mmol/L"), "specimen": {"display": "Døgnurin"}}
    assert refusals(**urine) == {("code-unmapped-local", None)}
    assert reading_of(**(urine | {"specimen": {"display": "Serum"}})).measurements[0].name == "calcium_total"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Mindre enn 5", Interval(Decimal(0), Decimal(5), high_open=True)),
        ("mindre än 5 mg/L", Interval(Decimal(0), Decimal(5), high_open=True)),
        ("Mindre end 5", Interval(Decimal(0), Decimal(5), high_open=True)),
        ("lågare enn 5", Interval(Decimal(0), Decimal(5), high_open=True)),
        ("kleiner als 0,5 mg/dl", Interval(Decimal(0), Decimal(5), high_open=True)),
        ("less than 5", Interval(Decimal(0), Decimal(5), high_open=True)),
        ("&lt;5", Interval(Decimal(0), Decimal(5), high_open=True)),
        ("<\u200b5\u00a0mg/L", Interval(Decimal(0), Decimal(5), high_open=True)),
        ("höchstens 5", Interval(Decimal(0), Decimal(5))),
        ("Större än 300", Interval(Decimal(300), None, low_open=True)),
        ("über 300 mg/l", Interval(Decimal(300), None, low_open=True)),
        ("1.250", Interval.exactly(Decimal("1.250"))),
    ],
)
def test_a_result_in_words_is_an_interval(text, value):
    assert measured(code=coded((NLK, "NPU19748")), valueQuantity=None, valueString=text).value == value


@pytest.mark.parametrize(
    ("code", "text"),
    [("26515-7", "150.000 /µl"), ("6690-2", "5.600 /µl"), ("2532-0", "1,250 U/L"), ("777-3", "ca. 250")],
)
def test_a_text_that_may_mean_a_thousand_times_as_much_is_not_guessed_at(code, text):
    assert {reason for reason, _ in refusals(code=coded((LOINC, code)), valueQuantity=None, valueString=text)} == {
        "value-not-a-number"
    }


@pytest.mark.parametrize("system", ["http://loinc.org/", "HTTP://LOINC.ORG", "urn:oid:2.16.840.1.113883.6.1",
                                    "\u200bhttp://loinc.org\u00a0", "http://loinc.org|2.77"])  # fmt: skip
@pytest.mark.parametrize("code", ["718-7", "718-7\u200b", "\u00a0718-7", "718\u20117"])
def test_spellings_of_a_system_and_of_a_code_are_one(system, code):
    assert measured(code=coded((system, code))).name == "hemoglobin"


def test_a_display_with_invisible_characters_changes_nothing():
    plain = reading_of(code=coded((LOINC, "718-7", "Hemoglobin [Mass/volume] in Blood")))
    assert reading_of(code=coded((LOINC, "718-7", "Hemoglobin [Mass/\u200bvolume] in Blood"))) == plain


def test_of_several_codings_the_one_that_we_know_counts_and_two_of_ours_must_agree():
    crp = ((SCT, "55235003"), (LOINC, "1988-5"))
    assert measured(code=coded(*crp), valueQuantity=amount(7.4, None, "mg/L")).value == exactly("7.4")
    assert refusals(code=coded(*crp, (NLK, "NOR05172"))) == {("coding-contradiction", None)}


def test_a_unit_code_of_ucum_is_enough_and_other_systems_units_are_their_text():
    quantity = {"value": 12, "code": "g/dL", "system": f"{UCUM}/"}
    assert measured(valueQuantity=quantity).value == exactly("12")
    quantity = {"value": 12, "unit": "g/dL", "code": "258797006", "system": SCT}
    assert measured(valueQuantity=quantity).value == exactly("12")


@pytest.mark.parametrize("code", ["6301-6", "785-6", "4548-4", "24360-0", "9317-9"])
def test_tests_that_no_rule_asks_for_leave_no_trace(code):
    assert reading_of(code=coded((LOINC, code, "Hemoglobin"))) == NOTHING_READ
