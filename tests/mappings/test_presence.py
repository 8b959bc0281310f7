"""Tests, cultures and visits that count because they took place."""

import json

import msgspec
import pytest

from cds_service.guideline.dates import When
from cds_service.guideline.facts import Coded, Note
from cds_service.mappings import fhir
from cds_service.mappings.presence import read_encounter, read_report
from cds_service.mappings.reading import Reader
from cds_service.mappings.record import facts_from_bundle
from cds_service.mappings.tolerant import read_resource
from tests.mappings.laboratory import LOINC, NLK, SCT, SOURCE, TODAY, V3, amount, coded, reading_of

DAY = "2025-09-01"
ON = When.on(TODAY.replace(day=1))
BLOOD_CULTURE, TISSUE_CULTURE, PROTEIN = (NLK, "NPU58580"), (NLK, "NPU06081"), (NLK, "NPU04206")
POSITIVE, NEGATIVE = coded((SCT, "10828004")), coded((SCT, "260385009"))
DETECTED, NOT_DETECTED = coded((SCT, "260373001")), coded((SCT, "260415000"))
ORGANISM = coded((SCT, "3092008", "Staphylococcus aureus"))
UNKNOWN = coded(("http://terminology.hl7.org/CodeSystem/data-absent-reason", "unknown"))


def found(code, **fields):
    """What came of one Observation of that code without a value: name, value and notes."""
    reading = reading_of(code=coded(code), **({"valueQuantity": None} | fields))
    assert reading.measurements == ()
    return [(one.name, one.value) for one in reading.coded], [(note.reason, note.concept) for note in reading.notes]


def flagged(*codes):
    return [coded(*((V3, code) for code in codes))]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ((NLK, "NPU29715"), "ana"),
        ((LOINC, "8061-4"), "ana"),
        ((NLK, "NPU18350"), "rheumatoid_factor"),
        ((LOINC, "11572-5"), "rheumatoid_factor"),
        ((NLK, "NPU19947"), "anti_ccp"),
        ((NLK, "NPU29745"), "hlab27"),
        ((NLK, "NPU14924"), "urine_dipstick"),
        ((LOINC, "24357-6"), "urine_dipstick"),
        ((NLK, "NPU18156"), "differential_count"),
        ((NLK, "NPU04100"), "differential_count"),
        ((NLK, "NPU17580"), "differential_count"),
        ((NLK, "NPU02596"), "differential_count"),
    ],
)
@pytest.mark.parametrize(
    "value",
    [{}, {"valueString": "se kommentar"}, {"valueQuantity": amount("x", "?")}, {"valueCodeableConcept": POSITIVE}],
)
def test_a_test_that_was_taken_is_done_whatever_it_found(code, name, value):
    reading = reading_of(code=coded(code), **({"valueQuantity": None} | value))
    assert reading.coded == (Coded(name, "done", SOURCE, ON),)
    assert reading.notes == ()


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
def test_a_settled_test_is_done(status):
    assert found((NLK, "NPU29745"), status=status) == ([("hlab27", "done")], [])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "preliminary"}, "status-not-final"),
        ({"status": "registered"}, "status-not-final"),
        ({"status": "cancelled"}, "status-not-final"),
        ({"status": "entered-in-error"}, "status-not-final"),
        ({"status": None}, "status-missing"),
        ({"effectiveDateTime": "2025-09-16"}, "date-in-future"),
        ({"dataAbsentReason": UNKNOWN}, "data-absent"),
    ],
)
def test_a_test_that_was_not_done_or_not_yet_is_a_note(fields, reason):
    assert found((NLK, "NPU29745"), **fields) == ([], [(reason, "hlab27")])


def test_a_test_of_today_is_done_and_one_without_date_is_undated():
    assert found((NLK, "NPU29745"), effectiveDateTime="2025-09-15") == ([("hlab27", "done")], [])
    reading = reading_of(code=coded((NLK, "NPU29745")), effectiveDateTime=None)
    assert reading.coded == (Coded("hlab27", "done", SOURCE, None),)
    assert [note.reason for note in reading.notes] == ["date-missing"]


def test_a_list_is_done_by_its_parts_and_by_its_members():
    parts = [{"code": coded((NLK, "NPU02902")), "valueQuantity": amount(3, "10*9/L")}]
    reading = reading_of(code=coded((NLK, "NPU18156")), valueQuantity=None, component=parts)
    assert [(one.name, one.value) for one in reading.coded] == [("differential_count", "done")]
    assert [one.name for one in reading.measurements] == ["neutrophils"]
    assert found((NLK, "NPU14924"), hasMember=[{"reference": "Observation/protein"}]) == (
        [("urine_dipstick", "done")],
        [],
    )


def test_a_dipstick_tells_its_protein_too():
    parts = [{"code": coded(PROTEIN), "valueCodeableConcept": POSITIVE}]
    names, notes = found((NLK, "NPU14924"), component=parts)
    assert (names, notes) == ([("urine_dipstick", "done"), ("urine_protein", "positive")], [])


@pytest.mark.parametrize(
    "fields",
    [
        {"valueQuantity": amount(1)},
        {"valueQuantity": amount(0.1, "g/L")},
        {"valueQuantity": amount(0.3, comparator=">")},
        {"valueInteger": 2},
        {"valueString": "0,3 g/L"},
        {"valueCodeableConcept": POSITIVE},
        {"valueCodeableConcept": DETECTED},
        {"valueBoolean": True},
        {"valueString": "spor", "interpretation": flagged("A")},
        {"valueQuantity": amount(0), "interpretation": flagged("H")},
        {"interpretation": flagged("POS")},
    ],
)
def test_protein_in_the_urine_is_positive_above_zero_or_where_a_code_says_so(fields):
    assert found(PROTEIN, **fields) == ([("urine_protein", "positive")], [])


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"valueQuantity": amount(0)},
        {"valueQuantity": amount(0.1, comparator="<")},
        {"valueQuantity": amount("1")},
        {"valueInteger": 0},
        {"valueCodeableConcept": NEGATIVE},
        {"valueString": "sterkt positivt utslag"},
        {"valueQuantity": amount(0), "interpretation": flagged("N")},
    ],
)
def test_other_protein_results_are_only_done(fields):
    assert found(PROTEIN, **fields) == ([("urine_protein", "done")], [])


@pytest.mark.parametrize("code", [BLOOD_CULTURE, TISSUE_CULTURE, (NLK, "NPU17191")])
@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"interpretation": flagged("POS")}, "positive"),
        ({"interpretation": flagged("NEG")}, "negative"),
        ({"valueCodeableConcept": POSITIVE}, "positive"),
        ({"valueCodeableConcept": NEGATIVE}, "negative"),
        ({"valueCodeableConcept": DETECTED}, "positive"),
        ({"valueCodeableConcept": NOT_DETECTED}, "negative"),
        ({"valueBoolean": True}, "positive"),
        ({"valueBoolean": False}, "negative"),
        ({"valueCodeableConcept": ORGANISM, "interpretation": flagged("POS")}, "positive"),
        ({"valueCodeableConcept": ORGANISM, "interpretation": flagged("A")}, "positive"),
        ({"valueCodeableConcept": ORGANISM, "interpretation": flagged("AA")}, "positive"),
        ({"interpretation": flagged("A")}, "positive"),
    ],
)
def test_a_culture_is_positive_or_negative_by_code_only(code, fields, value):
    name = "tissue_culture" if code == TISSUE_CULTURE else "blood_culture"
    assert found(code, **fields) == ([(name, value)], [])


@pytest.mark.parametrize(
    "fields",
    [
        {"valueCodeableConcept": ORGANISM},
        {"valueCodeableConcept": ORGANISM, "interpretation": flagged("N")},
        {"valueString": "Gule stafylokokker i 2 av 4 flasker"},
        {"valueString": "ikke positiv"},
        {"valueString": "positiv" + " " * 50},
        {"valueString": "positiv", "valueCodeableConcept": {"text": "negativ"}},
        {"valueQuantity": amount(14, "h")},
        {"valueInteger": 2},
    ],
)
def test_a_culture_whose_result_cannot_be_judged_is_done_and_noted(fields):
    noted = ("value-wrong-type", "blood_culture")
    assert found(BLOOD_CULTURE, **fields) == ([("blood_culture", "done")], [noted])


def test_an_abnormal_culture_that_is_told_to_be_negative_stays_positive_and_is_noted():
    fields = {"valueCodeableConcept": NEGATIVE, "interpretation": flagged("A")}
    noted = ("coding-contradiction", "blood_culture")
    assert found(BLOOD_CULTURE, **fields) == ([("blood_culture", "positive")], [noted])


def part(code, **fields):
    return {"code": coded(code), **fields}


OTHER = (LOINC, "6463-4")


@pytest.mark.parametrize(
    "strange",
    [
        part(OTHER, valueCodeableConcept=POSITIVE),
        part(OTHER, valueCodeableConcept=ORGANISM),
        part(OTHER, valueString="vekst av kokker"),
        part(OTHER, interpretation=flagged("POS")),
        part(OTHER, interpretation=flagged("A")),
        part(OTHER, interpretation="POS"),
        {"valueCodeableConcept": ORGANISM},
    ],
)
@pytest.mark.parametrize(
    ("own", "value"),
    [
        ({"hasMember": [{"reference": "Observation/bottle"}]}, "done"),
        ({"valueCodeableConcept": NEGATIVE}, "negative"),
        ({"component": [part(BLOOD_CULTURE, valueCodeableConcept=NEGATIVE)]}, "negative"),
    ],
)
def test_a_part_of_another_code_that_may_say_growth_is_noted(strange, own, value):
    told, notes = found(BLOOD_CULTURE, **own | {"component": [*own.get("component", ()), strange]})
    assert ("value-wrong-type", "blood_culture") in notes
    assert told == [("blood_culture", value)]


@pytest.mark.parametrize(
    ("own", "value", "parts"),
    [
        ({"valueCodeableConcept": POSITIVE}, "positive", [part(OTHER, valueCodeableConcept=ORGANISM)]),
        ({}, "positive", [part(OTHER, valueString="kokker"), part(BLOOD_CULTURE, valueBoolean=True)]),
        ({}, "done", [part(OTHER, valueCodeableConcept=NEGATIVE)]),
        ({"valueCodeableConcept": NEGATIVE}, "negative", [part(OTHER, interpretation=flagged("NEG"))]),
        ({"valueCodeableConcept": NEGATIVE}, "negative", [part(OTHER, valueBoolean=True, dataAbsentReason=UNKNOWN)]),
        ({"valueCodeableConcept": NEGATIVE}, "negative", [part((NLK, "NPU19748"), valueQuantity=amount(5, "mg/L"))]),
    ],
)
def test_other_parts_of_a_culture_hide_no_growth(own, value, parts):
    reading = reading_of(code=coded(BLOOD_CULTURE), **({"valueQuantity": None, "component": parts} | own))
    assert [(one.name, one.value) for one in reading.coded] == [("blood_culture", value)]
    assert reading.notes == ()


def test_of_a_culture_that_is_not_final_only_that_is_told():
    fields = {"status": "preliminary", "component": [part(OTHER, valueCodeableConcept=ORGANISM)]}
    assert found(BLOOD_CULTURE, **fields) == ([], [("status-not-final", "blood_culture")])


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("positiv", "positive"),
        ("Positive", "positive"),
        ("NEGATIV", "negative"),
        ("negative", "negative"),
        (" Ingen  vekst ", "negative"),
        ("No growth", "negative"),
        ("Ingen växt", "negative"),
        ("Ingen vækst", "negative"),
        ("Kein Wachstum", "negative"),
    ],
)
@pytest.mark.parametrize("member", ["valueString", "valueCodeableConcept"])
def test_a_culture_whose_whole_result_is_one_word_is_read_by_name(word, value, member):
    told = word if member == "valueString" else {"text": word}
    reading = reading_of(code=coded(BLOOD_CULTURE), valueQuantity=None, **{member: told})
    assert reading.coded == (Coded("blood_culture", value, SOURCE, ON, "name"),)
    assert reading.notes == (Note(SOURCE, "read-by-name", "blood_culture"),)


def test_a_code_is_believed_before_a_word():
    fields = {"valueCodeableConcept": NEGATIVE | {"text": "positiv"}}
    assert found(BLOOD_CULTURE, **fields) == ([("blood_culture", "negative")], [])


def test_a_culture_that_is_told_both_ways_stays_positive_and_is_noted():
    fields = {"valueCodeableConcept": NEGATIVE, "interpretation": flagged("POS")}
    assert found(BLOOD_CULTURE, **fields) == (
        [("blood_culture", "positive")],
        [("coding-contradiction", "blood_culture")],
    )


def test_a_culture_without_any_value_is_not_done():
    assert found(BLOOD_CULTURE) == ([], [("value-missing", "blood_culture")])
    assert found(TISSUE_CULTURE, dataAbsentReason=UNKNOWN) == ([], [("data-absent", "tissue_culture")])


def test_the_bottles_of_a_blood_culture_are_told_one_by_one():
    bottles = [
        {"code": coded(BLOOD_CULTURE), "valueCodeableConcept": NEGATIVE},
        {"code": coded((NLK, "NPU58581")), "valueCodeableConcept": POSITIVE},
    ]
    values = [("blood_culture", "negative"), ("blood_culture", "positive")]
    assert found((NLK, "NPU17191"), component=bottles) == (values, [])


def test_an_unreadable_interpretation_is_noted_and_the_culture_is_done():
    reading = found(BLOOD_CULTURE, valueCodeableConcept=ORGANISM, interpretation="POS")
    reasons = [("code-unreadable", "blood_culture"), ("value-wrong-type", "blood_culture")]
    assert reading == ([("blood_culture", "done")], reasons)


def pressure(*codes, **more):
    return [{"code": coded((LOINC, code)), **({"valueQuantity": amount(100, "mmHg")} | more)} for code in codes]


@pytest.mark.parametrize("code", [(LOINC, "85354-9"), (SCT, "75367002"), (LOINC, "55284-4"), ("http://local", "BT")])
def test_a_blood_pressure_is_told_once_by_its_panel_or_its_parts(code):
    assert found(code, component=pressure("8480-6", "8462-4")) == ([("blood_pressure", "done")], [])


@pytest.mark.parametrize("code", ["8480-6", "8462-4"])
def test_one_half_of_a_blood_pressure_alone_is_one(code):
    assert found((LOINC, code), valueQuantity=amount(100, "mmHg")) == ([("blood_pressure", "done")], [])


def test_a_blood_pressure_without_values_was_not_taken():
    empty = pressure("8480-6", "8462-4", valueQuantity=None, dataAbsentReason=UNKNOWN)
    assert found((LOINC, "85354-9"), component=empty) == ([], [("data-absent", "blood_pressure")])
    assert found((LOINC, "85354-9")) == ([], [("value-missing", "blood_pressure")])


def test_the_norwegian_profile_of_a_blood_pressure_is_read():
    pressure_profile = {
        "code": coded((LOINC, "85354-9"), (SCT, "75367002")),
        "component": [
            {"code": coded((LOINC, "8480-6"), (SCT, "271649006")), "valueQuantity": amount(120, "mm[Hg]")},
            {"code": coded((LOINC, "8462-4"), (SCT, "271650006")), "valueQuantity": amount(80, "mm[Hg]")},
        ],
    }
    reading = reading_of(valueQuantity=None, **pressure_profile)
    assert [(one.name, one.value) for one in reading.coded] == [("blood_pressure", "done")]
    assert reading.notes == ()


def test_codes_of_two_tests_in_one_result_are_a_contradiction():
    reading = reading_of(code=coded((NLK, "NPU29745"), (NLK, "NPU29715")), valueQuantity=None)
    assert reading.coded == ()
    assert [note.reason for note in reading.notes] == ["coding-contradiction"]


def report(**fields):
    members = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": coded(BLOOD_CULTURE),
        "effectiveDateTime": DAY,
    } | fields
    reader = Reader(TODAY)
    read = read_report(
        msgspec.json.decode(json.dumps(members), type=fhir.DiagnosticReport), "DiagnosticReport/d", reader
    )
    return [(one.name, one.value, one.when) for one in read], [note.reason for note in reader.notes]


def test_the_coded_conclusion_of_a_cultures_report_counts():
    assert report(conclusionCode=[POSITIVE]) == ([("blood_culture", "positive", ON)], [])
    assert report(conclusionCode=[NOT_DETECTED]) == ([("blood_culture", "negative", ON)], [])
    both = report(conclusionCode=[POSITIVE, NEGATIVE])
    assert both == ([("blood_culture", "positive", ON)], ["coding-contradiction"])


@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        ({}, []),
        ({"conclusionCode": [{"text": "Vekst"}]}, ["value-wrong-type"]),
        ({"conclusionCode": [ORGANISM]}, ["value-wrong-type"]),
        ({"conclusionCode": [ORGANISM], "status": "preliminary"}, ["status-not-final"]),
        ({"conclusionCode": [ORGANISM], "code": coded((NLK, "NPU29745"))}, []),
        ({"conclusionCode": [POSITIVE], "code": coded((NLK, "NPU29745"))}, []),
        ({"conclusionCode": [POSITIVE], "status": "preliminary"}, ["status-not-final"]),
        ({"conclusionCode": [POSITIVE], "effectiveDateTime": "2025-09-16"}, ["date-in-future"]),
    ],
)
def test_other_reports_say_nothing_of_a_culture(fields, reasons):
    assert report(**fields) == ([], reasons)


def visit(**fields):
    members = {"resourceType": "Encounter", "status": "finished", "period": {"start": DAY}} | fields
    reader = Reader(TODAY)
    read = read_encounter(msgspec.json.decode(json.dumps(members), type=fhir.Encounter), "Encounter/e", reader)
    return read, [note.reason for note in reader.notes]


@pytest.mark.parametrize("status", ["finished", "in-progress", "arrived"])
@pytest.mark.parametrize("kind", [None, {"code": "VR"}, "odd", [{"coding": []}]])
def test_a_visit_that_takes_or_took_place_is_one_whatever_its_class(status, kind):
    fields = {"status": status, "class": kind, "period": {"start": DAY, "end": "2025-09-04"}}
    assert visit(**fields) == ([Coded("visit", "done", "Encounter/e", ON)], [])


@pytest.mark.parametrize("status", ["planned", "cancelled", "entered-in-error", "unknown", None])
def test_a_visit_that_did_not_take_place_is_none(status):
    assert visit(status=status) == ([], [])


def test_a_visit_may_be_undated_but_not_to_come():
    assert visit(period=None) == ([Coded("visit", "done", "Encounter/e")], [])
    assert visit(period={"start": "soon"}) == ([Coded("visit", "done", "Encounter/e")], ["date-unreadable"])
    assert visit(period={"start": "2025-09-16"}) == ([], ["date-in-future"])


def test_visits_and_tests_of_a_record_are_findings_newest_first():
    mine = {"subject": {"reference": "Patient/p1"}}
    resources = [
        {"resourceType": "Patient", "id": "p1"},
        {"resourceType": "Encounter", "id": "e", "status": "finished", "period": {"start": DAY}, **mine},
        {"resourceType": "Encounter", "id": "x", "status": "finished", "subject": {"reference": "Patient/p2"}},
        {
            "resourceType": "Observation", "id": "o", "status": "final", "code": coded((NLK, "NPU29745")),
            "effectiveDateTime": "2025-09-02", **mine,
        },
    ]  # fmt: skip
    raw = msgspec.json.encode({"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]})
    facts = facts_from_bundle(msgspec.json.decode(raw, type=fhir.Bundle), (), today=TODAY)
    assert [(one.name, one.source) for one in facts.findings] == [("hlab27", "Observation/o"), ("visit", "Encounter/e")]
    assert facts.notes == (Note("Encounter/x", "foreign-patient"),)


def read_tolerantly(**fields):
    members = {"id": "a", "status": "finished", "resourceType": "Encounter", "period": {"start": DAY}} | fields
    raw = msgspec.json.encode({"resourceType": "Bundle", "entry": [{"resource": members}]})
    facts = facts_from_bundle(*read_resource(raw, "Bundle"), today=TODAY)
    return [(one.name, one.when) for one in facts.findings], [note.reason for note in facts.notes]


def test_an_odd_visit_costs_itself_at_most():
    assert read_tolerantly(period=DAY) == ([("visit", None)], ["date-unreadable"])
    assert read_tolerantly(period={"start": 7}) == ([("visit", None)], ["date-unreadable"])
    assert read_tolerantly(status=["finished"]) == ([], ["status-missing"])
    assert read_tolerantly(subject="Patient/p1") == ([], ["resource-unreadable"])
    assert read_tolerantly(**{"class": 7, "type": "odd"}) == ([("visit", ON)], [])
