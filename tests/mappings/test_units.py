"""Units: spellings, exact factors, refusals, plausibility."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.guideline.interval import Interval
from cds_service.mappings import units
from cds_service.mappings.datatypes import Quantity, UnusableError
from cds_service.mappings.terminology import table

UCUM = "http://unitsofmeasure.org"
_COUNTS = """10*9/L|10^9/L|10^9 /L|10**9/L|10#9/L|10E9/L|10e9/l|x10^9/l|x 10E9/L|×10⁹/L|X10*9/L|x10(9)/L|10+9/L
10x9/L|10exp9/L|10(9)/l|109/L|10ˆ9/L|10^9∕L|10^9\u2044L|10^9/ℓ|10*9 /L.|10\u200b^9/\u00a0L|10^9*L^-1
10^9 cells/L|10*9 celler/L|E9/l|milliard/L|Mrd./l|mia/L|Millionen/ml|1000/µl|Tsd./µl|Tsd/ul|tausend/µl
tusen/mikroliter|thousand per microliter|thou/cumm|/nanoliter|Gpt/l|G/l|giga.l-1
G/L|giga/L|10*3/uL|10^3/µL|10^3/μL|10^3/mcL|x10E3/uL|K/uL|k/ul|K/µL|K/mcL|/nL|thou/uL|Thousand/uL|10*3/mm3|10^3/mm³|10*6/mL|10*9.L-1
10*9{cells}/L"""
_SINGLE_CELLS = """/uL|/µL|{cells}/uL|cells/uL|cells/µL|celler/µL|/mm3|/mm³|/mm^3|10*6/L|10^6/L|/mikroL
cells per microliter|Zellen/µl|cells/cumm|/cmm"""


def _split(text: str) -> list[str]:
    return text.replace("\n", "|").split("|")


def _converted(concept: str, number: str, **quantity: str) -> Decimal:
    return units.converted(Decimal(number), units.unit_of(concept, Quantity(**quantity)))


def _refusal(concept: str, own: str = "", *, own_holds: bool = False, **quantity: str) -> str:
    with pytest.raises(UnusableError) as fault:
        units.unit_of(concept, Quantity(**quantity), own, own_holds=own_holds)
    return fault.value.reason


@pytest.mark.parametrize("spelling", _split(_COUNTS))
def test_every_spelling_of_a_billion_cells_per_litre_is_one_unit(spelling):
    assert _converted("platelets", "150.5", unit=spelling) == Decimal("150.5")


@pytest.mark.parametrize("spelling", _split(_SINGLE_CELLS))
def test_cells_per_microlitre_are_a_thousandth(spelling):
    assert _converted("neutrophils", "1930", unit=spelling) == Decimal("1.93")


@pytest.mark.parametrize(
    ("concept", "number", "spelling", "canonical"),
    [
        ("hemoglobin", "118", "g/L", "11.8"),
        ("hemoglobin", "11.8", "G/DL", "11.8"),
        ("hemoglobin", "11.8", "gm/dL", "11.8"),
        ("hemoglobin", "11.8", "g/100 mL", "11.8"),
        ("hemoglobin", "11.8", "gram per deciliter", "11.8"),
        ("hemoglobin", "11.8", "gms/dL", "11.8"),
        ("hemoglobin", "118", "Gramm/l", "11.8"),
        ("hemoglobin", "118", "grams per litre", "11.8"),
        ("hemoglobin", "118", "kg/m3", "11.8"),
        ("hemoglobin", "7", "mmol/l", "11.277"),
        ("hemoglobin", "7", "millimol/liter", "11.277"),
        ("crp", "8.2", "mg/dL", "82"),
        ("crp", "30", "mg/l", "30"),
        ("crp", "30", "µg/mL", "30"),
        ("crp", "30", "milligram per liter", "30"),
        ("crp", "3", "mg/100ml", "30"),
        ("esr", "12", "mm", "12"),
        ("esr", "12", "mm/timme", "12"),
        ("esr", "12", "mm/tim", "12"),
        ("esr", "12", "mm/time", "12"),
        ("esr", "12", "mm/Std.", "12"),
        ("esr", "12", "mm/1. Stunde", "12"),
        ("esr", "12", "mm n.W.", "12"),
        ("esr", "12", "mm/h Westergren", "12"),
        ("esr", "12", "millimetre per hour", "12"),
        ("esr", "12", "mm/hr", "12"),
        ("esr", "12", "mm/t", "12"),
        ("esr", "12", "mm/1 h", "12"),
        ("esr", "12", "mm/h{Westergren}", "12"),
        ("ldh", "3.5", "µkat/L", "210"),
        ("ldh", "3.5", "\u03bckat/L", "210"),
        ("ldh", "3.5", "ukat/l", "210"),
        ("ldh", "3.5", "mikrokatal/L", "210"),
        ("ldh", "3500", "nkat/L", "210"),
        ("ldh", "210", "enheter/L", "210"),
        ("ldh", "210", "unit per liter", "210"),
        ("ldh", "210", "E/l", "210"),
        ("ldh", "210", "[iU]/L", "210"),
        ("ldh", "210", "U/l", "210"),
        ("alp", "210", "IU/L", "210"),
        ("vitd25", "20", "ng/ml", "49.92"),
        ("vitd25", "20", "µg/L", "49.92"),
        ("vitd25", "20", "mcg/L", "49.92"),
        ("calcium_total", "9.5", "mg/dL", "2.37025"),
        ("calcium_free", "2.4", "mEq/L", "1.2"),
        ("calcium_total", "4.8", "mval/l", "2.4"),
        ("albumin", "4.1", "g/dl", "41"),
        ("urate", "0.41", "mmol/L", "410"),
        ("creatinine", "1", "mg/dL", "88.4"),
        ("tsh", "2.5", "mIU/L", "2.5"),
        ("tsh", "2.5", "x 10E-3 IU/L", "2.5"),
        ("fecal_calprotectin", "50", "µg/g", "50"),
        ("body_temperature", "100.4", "[degF]", "38"),
        ("body_temperature", "100.4", "°F", "38"),
        ("body_temperature", "98.6", "degF", "37"),
        ("body_temperature", "311.15", "K", "38"),
        ("body_temperature", "38.1", "°C", "38.1"),
        ("body_temperature", "38.1", "º C", "38.1"),
        ("body_temperature", "38.1", "degC", "38.1"),
        ("body_temperature", "38.1", "℃", "38.1"),
        ("body_temperature", "38.1", "Grad Celsius", "38.1"),
        ("body_temperature", "100.4", "degrees Fahrenheit", "38"),
        ("body_weight", "49000", "g", "49"),
        ("body_weight", "49", "kilogram", "49"),
        ("body_weight", "100", "[lb_av]", "45.359237"),
        ("body_height", "1.32", "m", "132"),
        ("body_height", "52", "[in_i]", "132.08"),
        ("drug_dose", "750", "µg", "0.75"),
        ("drug_dose", "750", "mcg", "0.75"),
        ("drug_dose", "0.5", "g", "500"),
        ("infusion_rate", "2", "mL/min", "120"),
        ("infusion_rate", "120", "ml/t", "120"),
        ("infusion_volume", "0.1", "L", "100"),
    ],
)
def test_conversion_is_exact(concept, number, spelling, canonical):
    assert _converted(concept, number, unit=spelling) == Decimal(canonical)


def test_a_fever_just_above_the_limit_stays_above_it_in_fahrenheit():
    assert _converted("body_temperature", "100.4000000001", unit="[degF]") > 38
    assert _converted("body_temperature", "100.3999999999", unit="[degF]") < 38


@pytest.mark.parametrize("spelling", ["mg/kg", "µg/kg", "mL/kg/h"])
def test_doses_and_rates_per_kilogram_say_so(spelling):
    concept = "infusion_rate" if "mL" in spelling else "drug_dose"
    assert units.unit_of(concept, Quantity(unit=spelling)).dimension == "per_kg"


@pytest.mark.parametrize(
    ("concept", "spelling"),
    [
        ("hemoglobin", "mg/dL"),
        ("hemoglobin", "g/mL"),
        ("hemoglobin", "umol/L"),
        ("hemoglobin", "g"),
        ("hemoglobin", "%"),
        ("crp", "nmol/L"),
        ("esr", "mm/(2.h)"),
        ("vitd25", "pmol/L"),
        ("vitd25", "pg/mL"),
        ("platelets", "10*9/uL"),
        ("platelets", "g/L"),
        ("platelets", "10*12/L"),
        ("platelets", "T/L"),
        ("platelets", "Mio/µl"),
        ("platelets", "10-9/L"),
        ("platelets", "10.9/L"),
        ("platelets", "x10-3/uL"),
        ("hemoglobin", "grams per milliliter"),
        ("hemoglobin", "gr/dL"),
        ("hemoglobin", "g/l-1"),
        ("esr", "mm/2 timer"),
        ("esr", "cm/h"),
        ("ldh", "mkat/L"),
        ("ldh", "U/mL"),
        ("vitd25", "ng/dL"),
        ("leukocytes", "%"),
        ("leukocytes", "+"),
        ("body_temperature", "k"),
        ("calcium_total", "U/L"),
        ("crp", "x" * 200),
    ],
)
def test_other_units_are_refused(concept, spelling):
    assert _refusal(concept, unit=spelling) == "unit-not-convertible"


def test_a_ucum_code_is_believed_over_text_that_is_no_unit():
    assert _converted("hemoglobin", "12", unit="gram per deciliter", code="g/dL", system=UCUM) == 12
    assert _converted("crp", "3", unit="", code="mg/L", system=f"{UCUM}/") == 3


def test_text_is_believed_where_the_code_is_blank_or_of_another_system():
    assert _converted("crp", "3", unit="mg/dL", code="", system=UCUM) == 30
    assert _converted("crp", "3", unit="mg/dL", code="258797006", system="http://snomed.info/sct") == 30


@pytest.mark.parametrize(
    ("concept", "code", "text"),
    [
        ("platelets", "10*9/uL", "10^9/L"),
        ("crp", "mg/L", "mg/dL"),
        ("hemoglobin", "g/dL", "mmol/L"),
        ("vitd25", "nmol/L", "pmol/L"),
        ("body_temperature", "Cel", "°F"),
        ("body_weight", "kg", "g"),
        ("drug_dose", "mg", "mg/kg"),
    ],
)
def test_code_and_text_that_differ_in_scale_contradict_each_other(concept, code, text):
    assert _refusal(concept, unit=text, code=code, system=UCUM) == "unit-contradicts-code"


@pytest.mark.parametrize(
    ("concept", "own", "spelling"),
    [
        ("hemoglobin", "g/dL", "mmol/L"),
        ("hemoglobin", "mmol/L", "g/L"),
        ("vitd25", "ng/mL", "nmol/L"),
        ("crp", "nmol/L", "mg/L"),
        ("calcium_free", "mg/dL", "mmol/L"),
        ("creatinine", "umol/L", "mg/dL"),
    ],
)
def test_a_mass_code_is_not_read_in_a_substance_unit_nor_the_reverse(concept, own, spelling):
    assert _refusal(concept, own, unit=spelling) == "unit-contradicts-code"


def test_a_missing_unit_is_that_of_the_code_where_the_code_defines_it():
    assert units.unit_of("hemoglobin", Quantity(), "g/dL", own_holds=True).is_canonical
    assert _refusal("hemoglobin", "g/dL") == "unit-missing"
    assert _refusal("hemoglobin", "g/dL", unit=" ", code="") == "unit-missing"


@given(
    st.sampled_from([row for row in table("units.csv") if row["factor"] not in {"REJECT", "5/9"}]),
    st.decimals(min_value=0, max_value=100_000, places=6),
)
def test_every_row_of_the_table_converts_as_it_says(row, number):
    concept = next(concept for concept, one in units.CANONICAL.items() if one.quantity == row["quantity"])
    expected = (number + Decimal(row["offset"])) * Decimal(row["factor"])
    assert _converted(concept, str(number), unit=row["spelling"]) == expected


@pytest.mark.parametrize("row", units.SPELLINGS, ids=lambda row: row["sent"])
def test_every_word_and_power_of_the_table_is_read_as_it_says(row):
    example = row["example"]
    shortened = example.lower().replace(row["sent"].lower(), row["read"])
    assert units.folded_spelling(example) == units.folded_spelling(shortened)
    measured = [concept for concept in units.CANONICAL if units.known(concept, example) is not None]
    assert measured, "no quantity is written so"


@pytest.mark.parametrize("row", [row for row in table("units.csv") if row["case"] != "exact"], ids=str)
def test_capitals_blanks_and_what_nobody_sees_do_not_matter(row):
    concept = next(concept for concept, one in units.CANONICAL.items() if one.quantity == row["quantity"])
    spelling = row["spelling"]
    plain = units.known(concept, spelling)
    assert plain is not None
    for sent in (spelling.upper(), spelling.lower(), "\u00a0".join(spelling), f"\u200b{spelling}\ufeff "):
        assert units.known(concept, sent) is plain


def test_no_spelling_stands_twice_in_the_table():
    spellings = [(row["quantity"], units.folded_spelling(row["spelling"]), row["case"]) for row in table("units.csv")]
    doubles = {one for one in spellings if spellings.count(one) > 1}
    assert doubles == {("cell_count", "g/l", "exact")}


@given(st.text(max_size=30))
def test_no_unit_text_raises_anything_but_unusable(text):
    for concept in ("platelets", "body_temperature"):
        try:
            units.unit_of(concept, Quantity(unit=text))
        except UnusableError as fault:
            assert fault.reason in {"unit-missing", "unit-not-convertible"}  # noqa: PT017  both ways are right here


@pytest.mark.parametrize(
    ("concept", "number"),
    [("hemoglobin", "124"), ("crp", "601"), ("esr", "201"), ("platelets", "150000"), ("body_weight", "0.03"),
     ("body_weight", "151"), ("body_temperature", "98.6"), ("calcium_free", "-1"), ("crp", "-0.1")],
)  # fmt: skip
def test_an_implausible_value_is_refused(concept, number):
    with pytest.raises(UnusableError, match="value-implausible"):
        units.plausible(concept, Interval.exactly(Decimal(number)))


def test_less_than_begins_at_zero_and_more_than_stays_open():
    less = units.plausible("crp", Interval(None, Decimal(5), high_open=True))
    assert less == Interval(Decimal(0), Decimal(5), high_open=True)
    more = Interval(Decimal(160), None, low_open=True)
    assert units.plausible("crp", more) == more
