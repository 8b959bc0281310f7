"""Which concept an Observation is meant for: codes, names, and what is not ours."""

from __future__ import annotations

from datetime import date
from itertools import combinations_with_replacement, permutations

import pytest

from cds_service.guideline.dates import When
from cds_service.guideline.facts import Coded, Note
from cds_service.mappings.terminology import table
from tests.mappings.laboratory import (
    LABORATORY,
    LOCAL,
    LOINC,
    NLK,
    NOTHING_READ,
    NPU,
    SCT,
    SOURCE,
    amount,
    coded,
    exactly,
    measured,
    reading_of,
    refusals,
)

SYSTEMS = {"nlk": NLK, "npu": NPU, "loinc": LOINC, "sct": SCT}
LABS = table("labs.csv")
CONCEPTS = sorted({row["concept"] for row in LABS})


def test_codes_of_one_concept_agree_whatever_their_systems():
    codings = ((LOINC, "718-7"), (NLK, "NOR05172"), ("http://acme.org", "HB"), (SCT, "104718002"))
    assert measured(code=coded(*codings), valueQuantity=amount(12.4)).value == exactly("12.4")


def test_a_mass_and_a_substance_code_of_one_concept_leave_the_choice_to_the_unit():
    both = coded((LOINC, "718-7"), (LOINC, "59260-0"))
    assert measured(code=both, valueQuantity=amount(7, "mmol/L")).value == exactly("11.277")
    assert measured(code=both, valueQuantity=amount(11.3, "g/dL")).value == exactly("11.3")
    assert refusals(code=both, valueQuantity=amount(7)) == {("unit-missing", "hemoglobin")}


@pytest.mark.parametrize("order", list(permutations([(LOINC, "718-7"), (LOINC, "59260-0"), (NLK, "NOR05172")])))
def test_a_third_code_does_not_make_the_unit_known_again(order):
    assert refusals(code=coded(*order), valueQuantity=amount(7)) == {("unit-missing", "hemoglobin")}


@pytest.mark.parametrize(
    "codings",
    [
        ((LOINC, "718-7"), (LOINC, "1988-5")),
        ((NLK, "NPU02902"), (LOINC, "770-8")),
        ((NLK, "NPU10267"), (NLK, "NPU01440")),
        ((LOINC, "2000-8"), (LOINC, "1995-0")),
    ],
)
def test_codes_of_two_concepts_contradict_each_other(codings):
    assert refusals(code=coded(*codings)) == {("coding-contradiction", None)}


@pytest.mark.parametrize(
    ("code", "concept"),
    [
        ((NLK, "NPU01440"), "vitd125_exclude"),
        ((NLK, "NPU02547"), "ldh_isoenzyme_exclude"),
        ((NLK, "NPU19716"), "calprotectin_plasma_exclude"),
        ((LOINC, "18184-2"), "esr_exclude"),
        ((LOINC, "1783-0"), "alp"),
        ((LOINC, "13959-2"), "calcium_free_exclude"),
        ((LOINC, "47596-2"), "calcium_free"),
    ],
)
def test_excluded_and_unverified_codes_are_noted_and_not_used(code, concept):
    assert refusals(code=coded(code), valueQuantity=amount(3, "mmol/L")) == {("excluded-code", concept)}


@pytest.mark.parametrize("code", [(NLK, "NPU03983"), (LOINC, "770-8"), (NLK, "NPU26810"), (NLK, "NOR25598")])
def test_percentages_and_partial_vitamin_d2_are_not_the_concept(code):
    assert reading_of(code=coded(code), valueQuantity=amount(40, "%")) == NOTHING_READ


def test_vitamin_d3_alone_yields_to_the_total():
    found = measured(code=coded((NLK, "NPU01435")), valueQuantity=amount(60, "nmol/L"))
    assert (found.name, found.preferred) == ("vitd25", False)
    assert measured(code=coded((NLK, "NPU10267")), valueQuantity=amount(60, "nmol/L")).preferred


@pytest.mark.parametrize("specimen", ["Blod", "Venous blood"])
def test_haemoglobin_of_an_unspecified_system_counts_in_blood(specimen):
    assert measured(code=coded((NLK, "NOR05176")), specimen={"display": specimen}).value == exactly("12.4")


@pytest.mark.parametrize("specimen", [None, {"reference": "Specimen/1"}, {"display": "Urin"}])
def test_haemoglobin_of_an_unspecified_system_does_not_count_elsewhere(specimen):
    assert refusals(code=coded((NLK, "NOR05176")), specimen=specimen) == {("excluded-code", "hemoglobin")}


def test_a_share_of_blasts_surely_above_zero_is_their_presence():
    reading = reading_of(code=coded((NLK, "NOR35005")), valueQuantity=amount(2, "%"))
    assert reading.coded == (Coded("blasts_pct", "present", SOURCE, When.on(date(2025, 9, 1))),)
    for quantity in (amount(0, "%"), amount(1, "%", comparator="<")):
        assert reading_of(code=coded((NLK, "NOR35005")), valueQuantity=quantity) == NOTHING_READ


def test_a_count_of_blasts_is_a_measurement():
    found = measured(code=coded((NLK, "NPU03972")), valueQuantity=amount(0.1, "10*9/L"))
    assert (found.name, found.value) == ("blasts", exactly("0.1"))


def test_a_local_code_is_read_by_name_and_says_so():
    reading = reading_of(code=coded((LOCAL, "B-TROMBO", "B-Trombocytter")), valueQuantity=amount(95, "10**9/L"))
    assert [(one.name, one.read_from) for one in reading.measurements] == [("platelets", "name")]
    assert reading.notes == (Note(SOURCE, "read-by-name", "platelets"),)


def test_a_name_is_read_from_the_text_where_there_is_no_coding():
    reading = reading_of(code={"text": "S-CRP"}, valueQuantity=amount(12, "mg/L"))
    assert [one.name for one in reading.measurements] == ["crp"]


@pytest.mark.parametrize(
    ("quantity", "reason"),
    [
        (amount(12), "unit-missing"),
        (amount(12, "mmol/L"), "unit-not-convertible"),
        (amount(5000, "mg/L"), "value-implausible"),
    ],
)
def test_a_name_without_a_fitting_unit_is_not_read(quantity, reason):
    assert refusals(code=coded((LOCAL, "S-CRP", "S-CRP")), valueQuantity=quantity) == {(reason, "crp")}


def test_a_laboratorys_own_code_under_the_address_of_npu_is_read_by_name():
    code = coded(("urn:oid:1.2.752.108.1", "FLX00285", "vB-Hemoglobin"))
    reading = reading_of(code=code, valueQuantity=amount(135, "g/L"))
    assert [(one.name, one.value, one.read_from) for one in reading.measurements] == [
        ("hemoglobin", exactly("13.5"), "name")
    ]


def test_names_of_two_concepts_contradict_each_other():
    assert refusals(code=coded((LOCAL, "X", "S-CRP"), text="B-Hemoglobin")) == {("coding-contradiction", None)}


def test_an_unknown_code_of_a_laboratory_system_is_never_read_by_name():
    assert reading_of(code=coded((LOINC, "4548-4", "Hemoglobin"), text="Hb")) == NOTHING_READ
    assert reading_of(code=coded((NLK, "NPU27300", "B-Hemoglobin"))) == NOTHING_READ


@pytest.mark.parametrize(
    ("code", "category"),
    [
        (coded((LOCAL, "S-FERRIT", "S-Ferritin")), None),
        (coded((NLK, "S-FERRIT", "S-Ferritin")), None),
        (coded(("http://hospital.example/lab", "123")), LABORATORY),
        (coded(text="Whatever"), LABORATORY),
    ],
)
def test_a_local_result_that_may_have_been_ours_is_noted(code, category):
    assert refusals(code=code, category=category) == {("code-unmapped-local", None)}


@pytest.mark.parametrize(
    ("code", "category"),
    [
        (coded(("http://hospital.example/lab", "123")), None),
        (coded(("http://hospital.example/lab", "123")), [{"coding": [{"code": "social-history"}]}]),
        (coded((SCT, "365981007")), LABORATORY),
        (coded((LOINC, "2345-7")), LABORATORY),
        (None, [{"coding": [{"code": "social-history"}]}]),
    ],
)
def test_what_is_meant_for_no_concept_of_ours_leaves_no_trace(code, category):
    assert reading_of(code=code, category=category, status=None, effectiveDateTime="nonsense") == NOTHING_READ


@pytest.mark.parametrize("code", [None, coded((NLK, None)), coded((LOINC, None), text="noe")])
def test_a_laboratory_result_without_a_code_is_told(code):
    assert reading_of(code=code, category=LABORATORY).notes == (Note(SOURCE, "code-unreadable"),)


def test_a_local_panel_without_a_value_is_no_loss():
    assert reading_of(code=coded((LOCAL, "HEMATOL", "Hematologi")), valueQuantity=None) == NOTHING_READ


@pytest.mark.parametrize("concept", CONCEPTS)
@pytest.mark.parametrize("value", [amount(80, "pmol/L"), amount(80), amount(80, "%")])
def test_any_two_codings_of_one_concept_are_read_or_noted_in_either_order(concept, value):
    rows = [row for row in LABS if row["concept"] == concept]
    for one, other in combinations_with_replacement(rows, 2):
        pair = [(SYSTEMS[row["system"]], row["code"]) for row in (one, other)]
        there, back = (reading_of(code=coded(*each), valueQuantity=value) for each in (pair, pair[::-1]))
        assert there == back
        is_other = {one["role"], other["role"]} == {"other"}
        assert is_other is (there == NOTHING_READ), pair


@pytest.mark.parametrize(
    ("codings", "noted"),
    [
        (((NLK, "NPU10266"), (LOINC, "62290-2")), {("excluded-code", "vitd125_exclude")}),
        (((LOINC, "18184-2"), (LOINC, "18184-2")), {("excluded-code", "esr_exclude")}),
        (((NLK, "NPU19716"), (NLK, "NPU19716")), {("excluded-code", "calprotectin_plasma_exclude")}),
        (((NLK, "NPU03983"), (LOINC, "770-8")), set()),
        (((NLK, "NPU03965"), (LOINC, "736-9")), set()),
        (((NLK, "NPU26810"), (NLK, "NPU26810")), set()),
    ],
)
def test_two_codings_of_what_is_never_measured_say_what_one_says(codings, noted):
    assert refusals(code=coded(*codings), valueQuantity=amount(80, "pmol/L")) == noted
