"""Our factors against what molar masses and the definitions of units say, composed by ourselves; within 0.1 %."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.mappings import units
from cds_service.mappings.datatypes import Quantity
from cds_service.mappings.terminology import table

MOLAR = {
    "hemoglobin": Fraction("16114.5"),  # the monomer with one iron, as Nordic and Dutch laboratories count
    "vitd25": Fraction("400.64"),
    "calcium": Fraction("40.078"),
    "phosphate": Fraction("30.974"),
    "urate": Fraction("168.11"),
    "creatinine": Fraction("113.12"),
    "vitamin_c": Fraction("176.12"),
    "ft4": Fraction("776.87"),
}
"""Grams per mole; phosphate is told as phosphorus."""
PREFIX = {"": 0, "k": 3, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12}
SECONDS = {"h": 3600, "min": 60, "(1.h)": 3600, "(60.min)": 3600}
OF_UNIT = Fraction(1, 60_000_000)
"""One enzyme unit in katal: a micromole in a minute."""
TOLERANCE = Fraction(1, 1000)


def prefixed(text: str, base: str) -> Fraction:
    """The factor before a base unit: `dL` of `L` is a tenth."""
    return Fraction(10) ** PREFIX[text.removesuffix(base)]


def volume(text: str) -> Fraction:
    """Litres."""
    return Fraction(1, 10**6) if text == "mm3" else Fraction(1000) if text == "m3" else prefixed(text, "L")


def concentration(quantity: str, unit: str) -> Fraction:
    """Grams (mass) or moles (substance) in a litre, brought to grams by the molar mass where there is one."""
    amount, _, inside = unit.replace("%", "/dL").partition("/")
    molar = MOLAR.get(quantity, Fraction(1))
    if amount.endswith("mol"):
        return prefixed(amount, "mol") * molar / volume(inside)
    if amount.endswith("eq"):
        valence = 2 if quantity == "calcium" else 1
        return prefixed(amount, "eq") / valence * molar / volume(inside)
    return prefixed(amount, "g") / volume(inside)


def count(unit: str) -> Fraction:
    """Cells in a litre."""
    number, _, inside = unit.partition("/")
    return Fraction(10) ** int(number.removeprefix("10*") or 0) / volume(inside)


def activity(unit: str) -> Fraction:
    """Katal in a litre."""
    amount, _, inside = unit.partition("/")
    enzyme = prefixed(amount, "kat") if amount.endswith("kat") else prefixed(amount, "U") * OF_UNIT
    return enzyme / volume(inside)


def speed(unit: str) -> Fraction:
    """Millimetres in an hour."""
    return Fraction(3600, SECONDS[unit.removeprefix("mm/")])


def share(unit: str) -> Fraction:
    """Kilograms in a kilogram."""
    amount, _, inside = unit.partition("/")
    return prefixed(amount, "g") / prefixed(inside, "g")


SCALES = {
    **dict.fromkeys(
        ("hemoglobin", "crp", "vitd25", "calcium", "albumin", "phosphate", "electrolyte", "urate", "creatinine",
         "vitamin_c", "ft4"),
        concentration,
    ),
    "cell_count": lambda _, unit: count(unit if not unit.startswith("/") else f"10*0{unit}"),
    "enzyme": lambda _, unit: activity(unit),
    "esr": lambda _, unit: speed(unit),
    "fecal_calprotectin": lambda _, unit: share(unit),
}  # fmt: skip
CANONICAL = {one.quantity: (concept, one.unit) for concept, one in units.CANONICAL.items()}
ROWS = [row for row in table("units.csv") if row["quantity"] in SCALES]
KNOWN = [row for row in ROWS if not row["ucum"] and row["factor"] != "REJECT"]


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: f"{row['quantity']} {row['spelling']}")
def test_every_unit_that_ucum_knows_is_converted_as_its_definition_says(row):
    concept, canonical = CANONICAL[row["quantity"]]
    unit = units.unit_of(concept, Quantity(code=row["spelling"], system="http://unitsofmeasure.org"))
    ours = Fraction(unit.factor) / Fraction(unit.divisor)
    scale = SCALES[row["quantity"]]
    expected = scale(row["quantity"], row["spelling"].replace("100 mL", "dL")) / scale(row["quantity"], canonical)
    assert abs(ours / expected - 1) <= TOLERANCE


def test_the_other_spellings_are_on_the_printed_list():
    listed = {(one.quantity, one.spelling) for one in units.other_spellings()}
    assert {(row["quantity"], row["spelling"]) for row in table("units.csv") if row["ucum"]} == listed
    assert {("esr", "mm"), ("cell_count", "K/uL"), ("cell_count", "G/L"), ("enzyme", "[iU]/L")} <= listed
    assert {"10#9/L", "10**9/L", "10E9/L"} <= {row["sent"] for row in units.SPELLINGS}


def test_units_that_ucum_reads_as_something_else_say_so():
    otherwise = {one.spelling for one in units.other_spellings() if one.is_ucum}
    assert {"mm", "mm/t", "K/uL", "G/L", "[iU]/L", "C", "F"} <= otherwise
    assert not otherwise & {"IU/L", "E/L", "°C", "mm/1h"}


@given(st.data())
def test_the_same_amount_in_any_two_units_is_the_same(data):
    """Within the precision of the factors, exact where both are powers of ten."""
    one = data.draw(st.sampled_from(KNOWN))
    other = data.draw(st.sampled_from([row for row in KNOWN if row["quantity"] == one["quantity"]]))
    concept, _ = CANONICAL[one["quantity"]]
    scale = SCALES[one["quantity"]]
    amount = data.draw(st.fractions(min_value=1, max_value=1000, max_denominator=100))
    names = [row["spelling"].replace("100 mL", "dL") for row in (one, other)]
    there, back = (scale(one["quantity"], name) for name in names)
    first, second = (units.known(concept, row["spelling"]) for row in (one, other))
    told = amount * there / back
    ratio = (amount * Fraction(first.factor)) / (told * Fraction(second.factor))
    assert abs(ratio - 1) <= 2 * TOLERANCE
    if one["dimension"] == other["dimension"]:
        assert ratio == 1
