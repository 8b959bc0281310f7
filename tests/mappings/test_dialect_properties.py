"""What holds for any laboratory result, however it is written."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.guideline.interval import EXACT, Interval
from cds_service.mappings import units
from cds_service.mappings.terminology import table
from tests.mappings.laboratory import LABORATORY, LOCAL, LOINC, NLK, NPU, SCT, SOURCE, UCUM, amount, coded, reading_of

SYSTEMS = {"nlk": NLK, "npu": NPU, "loinc": LOINC, "sct": SCT}
LABS = [row for row in table("labs.csv") if row["system"] in SYSTEMS]
MEASURED = [row for row in LABS if row["role"] == "measure" and not units.known(row["concept"], row["unit"]).refused]
UNITS = [row for row in table("units.csv") if row["factor"] != "REJECT"]
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
BLANKS = "\u00a0\u202f "
MOST = 40


def sent(row):
    return SYSTEMS[row["system"]], row["code"]


texts = st.text(max_size=MOST) | st.sampled_from(["<5", "Mindre enn 5", "12,4 g/dL", "1.250", "neg", "", "\u200b"])
spelled = st.sampled_from([row["spelling"] for row in UNITS]) | texts
codings = st.tuples(
    st.sampled_from([*SYSTEMS.values(), LOCAL, "http://lab.example"]) | texts,
    st.sampled_from([row["code"] for row in LABS]) | texts,
    st.sampled_from(["B-Hemoglobin", "CRP", "Thrombozyten", "SR"]) | texts,
)
numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**6), max_value=10**6, places=4)
quantities = st.builds(
    lambda number, unit, code, comparator: amount(float(number), unit, code, comparator),
    numbers,
    st.none() | spelled,
    st.none() | spelled,
    st.sampled_from([None, "", "<", "<=", ">", ">=", "ad", "="]),
)


@given(st.lists(codings, max_size=3), st.none() | quantities, st.none() | texts, st.none() | st.integers(), texts)
def test_no_mix_of_codes_units_numbers_and_texts_is_more_than_a_note(codes, quantity, text, integer, name):
    reading = reading_of(
        code=coded(*codes, text=name),
        valueQuantity=quantity,
        valueString=text,
        valueInteger=integer,
        category=LABORATORY,
        referenceRange=[{"text": text}, {"low": quantity}],
        specimen={"display": name},
    )
    for one in reading.measurements:
        limits = units.CANONICAL[one.name]
        ends = [end for end in (one.value.low, one.value.high) if end is not None]
        assert one.unit == limits.unit
        assert all(limits.lowest <= end <= limits.highest or end == 0 for end in ends)
    assert {note.source for note in reading.notes} <= {SOURCE}


@given(st.sampled_from(MEASURED), st.data())
def test_the_same_amount_in_any_unit_of_a_code_is_the_same_interval(row, data):
    own = units.known(row["concept"], row["unit"])
    canonical = units.CANONICAL[row["concept"]]
    fitting = [
        unit["spelling"]
        for unit in UNITS
        if unit["quantity"] == canonical.quantity and unit["dimension"] == own.dimension
    ]
    steps = data.draw(st.integers(min_value=1, max_value=99))
    value = canonical.lowest + (canonical.highest - canonical.lowest) * steps / 100
    comparator = data.draw(st.sampled_from([None, "<", "<=", ">", ">="]))
    read = set()
    for spelling in (row["unit"], data.draw(st.sampled_from(fitting))):
        unit = units.known(row["concept"], spelling)
        raw = EXACT.subtract(EXACT.divide(EXACT.multiply(value, unit.divisor), unit.factor), unit.offset)
        if -raw.as_tuple().exponent > MOST:
            return  # no finite decimal in this unit
        text = f"{comparator or ''}{raw:f} {spelling}"
        reading = reading_of(code=coded(sent(row)), valueQuantity=None, valueString=text)
        if reading.notes and reading.notes[0].reason == "value-not-a-number":
            return  # it may mean thousands
        read |= {(one.name, one.value) for one in reading.measurements}
    assert len(read) == 1
    ((name, interval),) = read
    assert name == row["concept"]
    assert value in {interval.low, interval.high}


@given(st.permutations([(LOINC, "718-7"), (NLK, "NOR05172"), (SCT, "104718002"), (LOCAL, "B-HB"), (LOINC, "59260-0")]),
       st.sampled_from(["g/dL", "mmol/L", "g/L", "mg/dL", None]), st.data())  # fmt: skip
def test_the_order_of_codings_does_not_matter(order, unit, data):
    some = order[: data.draw(st.integers(min_value=1, max_value=len(order)))]
    quantity = amount(12, unit)
    assert reading_of(code=coded(*some), valueQuantity=quantity) == reading_of(
        code=coded(*sorted(some)), valueQuantity=quantity
    )


@given(st.permutations([(LOINC, "718-7"), (LOINC, "1988-5"), (NLK, "NPU03568"), (LOINC, "736-9"), (LOINC, "18184-2")]))
def test_the_order_of_codings_that_contradict_each_other_does_not_matter(order):
    assert reading_of(code=coded(*order)) == reading_of(code=coded(*sorted(order)))


def sprinkled(text, data, more=INVISIBLE):
    """The text with characters that nobody sees between its own."""
    places = data.draw(st.lists(st.integers(min_value=0, max_value=len(text)), max_size=3))
    for place in sorted(places, reverse=True):
        text = text[:place] + data.draw(st.sampled_from(more)) + text[place:]
    return text


def address(system, data):
    """The same code system, written as another sender would."""
    written = data.draw(st.sampled_from([system, system.upper(), f"{system}/", f"{system}|1.0", system.title()]))
    return sprinkled(written, data)


@pytest.mark.parametrize("unit", ["g/dL", "g/L", "mmol/L", "mg/dL", "10^9/L"])
@given(st.sampled_from(LABS), st.data())
def test_invisible_characters_and_the_case_of_systems_never_change_the_outcome(unit, row, data):
    system, code = sent(row)
    plain = reading_of(code=coded((system, code, "Hemoglobin")), valueQuantity=amount(12, unit))
    quantity = {"value": 12, "unit": sprinkled(unit, data, INVISIBLE + BLANKS), "system": UCUM}
    other = coded((address(system, data), sprinkled(code, data), sprinkled("Hemoglobin", data)))
    assert reading_of(code=other, valueQuantity=quantity) == plain


@given(st.sampled_from(["<5", "Mindre enn 5 mg/L", "12,4", "större än 200", "150 000"]), st.data())
def test_invisible_characters_never_change_a_result_in_words(text, data):
    code = coded((NLK, "NPU19748"))
    plain = reading_of(code=code, valueQuantity=None, valueString=text)
    assert reading_of(code=code, valueQuantity=None, valueString=sprinkled(text, data)) == plain


@given(numbers.filter(lambda number: number >= 0))
def test_a_number_keeps_every_digit_on_its_way(number):
    reading = reading_of(code=coded((NLK, "NPU19748")), valueQuantity=None, valueString=format(number, "f"))
    for one in reading.measurements:
        assert one.value == Interval.exactly(Decimal(number))
