"""The mapping report counts every resource once, says why one was not read, and holds nothing of a patient."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.mappings.mapping_report import MappingReport, Row, Unread
from cds_service.mappings.report_codes import SILENT, Key
from cds_service.mappings.site_map import NO_MAP, read_site_map

TODAY = date(2025, 9, 15)
LOINC = "http://loinc.org"
NLK = "urn:oid:2.16.578.1.12.4.1.1.7280"
LOCAL = "urn:oid:2.16.578.1.12.4.1.1.8212"
SCT = "http://snomed.info/sct"
ATC = "http://www.whocc.no/atc"
UCUM = "http://unitsofmeasure.org"
EXAMPLE = read_site_map((Path(__file__).parents[2] / "docs" / "concept-map.example.json").read_bytes())


def coded(*codings):
    return {"coding": [{"system": system, "code": code} for system, code in codings]}


def observation(code=(LOINC, "718-7"), value=12.4, unit="g/dL", **more):
    resource = {"resourceType": "Observation", "id": "o1", "status": "final", "code": coded(code)}
    quantity = {"value": value, "unit": unit, "code": unit, "system": UCUM}
    return resource | {"effectiveDateTime": "2025-09-01", "valueQuantity": quantity} | more


def report_on(*values, site=NO_MAP):
    report = MappingReport(TODAY, site)
    report.add([json.dumps(value).encode() for value in values])
    return report


def row_of(*values, site=NO_MAP, resource_type=None):
    rows = report_on(*values, site=site).rows
    return rows[next(key for key in rows if resource_type in {None, key.resource_type})]


def test_results_of_one_code_and_unit_are_counted_together():
    report = report_on(observation(), observation(value=11.8), observation(value=118, unit="g/L"))
    assert report.rows == {
        Key("Observation", (("loinc", "718-7"),), "g/dL"): Row(2, 2, Counter(hemoglobin=2)),
        Key("Observation", (("loinc", "718-7"),), "g/L"): Row(1, 1, Counter(hemoglobin=1)),
    }
    assert (report.files, report.resources, report.unread) == (1, 3, [])


def test_notes_stand_with_what_was_read_and_are_the_reason_where_nothing_was():
    undated = observation(effectiveDateTime=None)
    wrong = observation(status="preliminary")
    row = row_of(observation(), undated, wrong)
    assert row == Row(3, 2, Counter(hemoglobin=2), Counter({"date-missing": 1}), Counter({"status-not-final": 1}))


def test_what_a_unit_and_its_text_mean_apart_is_shown_side_by_side():
    quantity = {"value": 150000, "unit": "10^9/L", "code": "10*9/uL", "system": UCUM}
    ((key, row),) = report_on(observation((LOINC, "777-3"), valueQuantity=quantity)).rows.items()
    assert key.unit == "10*9/uL | 10^9/L"
    assert row.why_not == {"unit-contradicts-code": 1}


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        (observation((LOINC, "2345-7")), "not-asked-for"),
        (observation((LOINC, "736-9")), "not-asked-for"),
        (observation(("http://lab.example/codes", "HB")), "unknown-code-system"),
        (observation((LOCAL, "HB")), "code-unmapped-local"),
        (observation((LOINC, "18184-2")), "excluded-code"),
        (observation(code=(None, None)), "no-code"),
        ({"resourceType": "Condition", "code": coded((SCT, "240151005")),
          "verificationStatus": coded((None, "refuted"))}, "nothing-said"),
        ({"resourceType": "Condition", "code": coded((SCT, "38341003"))}, "not-asked-for"),
        ({"resourceType": "Condition"}, "code-unreadable"),
        ({"resourceType": "Patient"}, "nothing-said"),
        ({"resourceType": "Appointment", "status": "booked"}, "only-with-an-order"),
        ({"resourceType": "CarePlan"}, "type-not-read"),
        ({"resourceType": "DiagnosticOrder"}, "not-r4"),
        ({"resourceType": "MedicationStatement", "status": "active",
          "medicationReference": {"reference": "Medication/9"}}, "reference-unresolved"),
        ({"resourceType": "Bundle", "entry": [{"fullUrl": "urn:uuid:1"}]}, "not-a-resource"),
    ],
)  # fmt: skip
def test_every_reason_for_not_reading_is_told(resource, why):
    row = row_of(resource)
    assert (row.count, row.read, row.why_not) == (1, 0, {why: 1})


def test_more_than_laboratory_results_is_told():
    medication = {"resourceType": "Medication", "id": "m1", "code": coded((ATC, "M05BA08"))}
    report = report_on(
        {"resourceType": "Condition", "code": coded((SCT, "240151005")), "bodySite": [coded((SCT, "12611008"))]},
        {"resourceType": "Bundle", "entry": [
            {"resource": medication, "fullUrl": "urn:uuid:m"},
            {"resource": {"resourceType": "MedicationAdministration", "status": "completed",
                          "effectiveDateTime": "2025-01-01", "medicationReference": {"reference": "urn:uuid:m"}}},
        ]},
        {"resourceType": "ImagingStudy", "status": "available", "procedureCode": [coded((SCT, "426252008"))],
         "series": [{"bodySite": {"system": SCT, "code": "38266002"}}]},
        {"resourceType": "DiagnosticReport", "status": "final", "code": coded((LOINC, "18748-4")),
         "conclusionCode": [coded((SCT, "203522001"))]},
        {"resourceType": "BodyStructure", "morphology": coded((SCT, "203522001")),
         "location": coded((SCT, "12611008")), "locationQualifier": [coded((SCT, "7771000"))]},
        {"resourceType": "Procedure", "status": "completed", "code": coded((SCT, "13861005")),
         "bodySite": [coded((SCT, "22943007"))]},
        {"resourceType": "ServiceRequest", "status": "draft", "intent": "order", "code": coded((LOINC, "62292-8"))},
        {"resourceType": "Patient", "id": "p1", "birthDate": "2015-04-10"},
        {"resourceType": "AllergyIntolerance", "code": coded((ATC, "N02BE01"))},
        {"resourceType": "Encounter", "status": "finished", "period": {"start": "2025-01-01"}},
    )  # fmt: skip
    told = {key.resource_type: set(row.concepts) for key, row in report.rows.items()}
    assert told == {
        "AllergyIntolerance": {"allergy:drug:paracetamol"},
        "BodyStructure": {"tibia", "finding:lytic_possible"},
        "BodyStructure.location": {"tibia"},
        "BodyStructure.locationQualifier": {"left"},
        "Condition": {"cno", "tibia"},
        "Condition.bodySite": {"tibia"},
        "DiagnosticReport": {"finding:lytic_possible"},
        "Encounter": {"visit"},
        "ImagingStudy": {"img:wbmri"},
        "ImagingStudy.series.bodySite": {"whole-body"},
        "Medication": {"drug:zoledronic_acid"},
        "MedicationAdministration": {"drug:zoledronic_acid"},
        "Patient": {"birth_date"},
        "Procedure": {"biopsy:procedure"},
        "Procedure.bodySite": set(),
        "ServiceRequest": {"order:lab:vitd25"},
    }
    codes = {key.resource_type: key.codings for key in report.rows}
    assert codes["MedicationAdministration"] == (("atc", "M05BA08"),)


def test_components_are_counted_on_their_own_and_not_twice():
    pressure = {"value": 110, "code": "mm[Hg]", "system": UCUM}
    parts = [{"code": coded((LOINC, code)), "valueQuantity": pressure} for code in ("8480-6", "8462-4")]
    panel = observation((LOINC, "85354-9"), valueQuantity=None, component=parts)
    report = report_on(panel)
    assert report.resources == 1
    assert {
        (key.resource_type, key.codings[0][1]): (row.read, dict(row.why_not)) for key, row in report.rows.items()
    } == {
        ("Observation", "85354-9"): (0, {"read-in-its-components": 1}),
        ("Observation.component", "8462-4"): (1, {}),
        ("Observation.component", "8480-6"): (1, {}),
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [({"valueString": "<5"}, "(text)"), ({"valueInteger": 5}, "(integer)"), ({"valueBoolean": True}, "(coded)"),
     ({"valueRange": {"low": {"value": 5, "unit": "mg/L"}}}, "mg/L"), ({"valueRange": {}}, "–"), ({}, "–")],
)  # fmt: skip
def test_a_result_without_a_quantity_is_told_by_its_kind(value, shown):
    ((key, _),) = report_on(observation((NLK, "NPU19748"), valueQuantity=None, **value)).rows.items()
    assert key.unit == shown


def test_a_sites_map_shows_what_its_codes_are_read_as():
    ((key, row),) = report_on(observation((LOCAL, "B-HB")), site=EXAMPLE).rows.items()
    assert (key.codings, dict(row.concepts)) == ((("local_lab", "B-HB"),), {"hemoglobin": 1})
    refuted = {"resourceType": "Condition", "code": coded(("http://hospital.example/codes/diagnoses", "CNO1")),
               "verificationStatus": coded((None, "refuted"))}  # fmt: skip
    assert row_of(refuted, site=EXAMPLE).why_not == {"nothing-said": 1}


def test_a_bad_line_is_told_by_its_number_and_costs_itself():
    report = MappingReport(TODAY, NO_MAP)
    report.add(
        [
            json.dumps(observation()).encode(),
            b"{",
            b'{"lab": "Hb", "obs": {}}',
            b"3",
            json.dumps(observation()).encode(),
        ]
    )
    report.add([b"no json\n"])
    assert report.unread == [
        Unread(1, 2, "not-json"), Unread(1, 3, "not-a-resource"), Unread(1, 4, "not-a-resource"),
        Unread(2, None, "not-json"),
    ]  # fmt: skip
    assert (report.files, report.resources) == (2, 2)


@pytest.mark.parametrize("depth", [*range(300, 1100, 20), 100_000])
def test_a_document_that_is_nested_without_end_costs_no_more_than_itself(depth):
    report = MappingReport(TODAY, NO_MAP)
    report.add([json.dumps(observation()).encode(), b"[" * depth + b"]" * depth, json.dumps(observation()).encode()])
    assert report.resources == 2
    assert report.unread in ([], [Unread(1, 2, "not-json")])
    assert report.unread or depth < 1000


@pytest.mark.parametrize("text", [b"\\ud800", b"\\uZZZZ", b"\xff", b"\x00"])
def test_a_line_with_text_that_is_none_is_told(text):
    report = MappingReport(TODAY, NO_MAP)
    report.add([b'{"resourceType": "Patient", "id": "' + text + b'"}', json.dumps(observation()).encode()])
    assert (report.resources, report.unread) == (1, [Unread(1, 1, "not-json")])


def test_a_file_that_fails_while_it_is_read_is_told():
    def failing():
        yield json.dumps(observation()).encode()
        raise OSError

    report = MappingReport(TODAY, NO_MAP)
    report.add(failing())
    assert (report.resources, report.unread) == (1, [Unread(1, None, "not-a-file")])


MARK = "Nordmann"
PERSON = "01010112345"


@pytest.mark.parametrize(
    ("system", "code", "shown"),
    [
        ("http://loinc.org/", "718-7", ("loinc", "718-7")),
        (LOCAL, "B-HB", ("local_lab", "B-HB")),
        ("urn:oid:2.16.578.1.34.10.3", "12", ("urn:oid:2.16.578.1.34.10.3", "12")),
        ("https://Lab.Example.no:8443/codes/Kari", "12", ("lab.example.no", "12")),
        (None, "12", ("–", "12")),
        (LOINC, None, ("loinc", "–")),
        (LOINC, "Kari Nordmann", ("loinc", "…")),
        (LOINC, "x" * 21, ("loinc", "…")),
        ("http://lab.example", PERSON, ("lab.example", "…")),
        ("http://lab.example", "010101-12345", ("lab.example", "…")),
        (f"urn:oid:1.2.{PERSON}", "12", ("…", "12")),
        ("Kari Nordmann", "12", ("…", "12")),
        ("urn:uuid:6c2c0d2e-3a4f-4a9f-9f3b-1f1d5f0f9a11", "12", ("…", "12")),
    ],
)
def test_codes_and_systems_are_shown_only_where_they_are_such(system, code, shown):
    ((key, _),) = report_on(observation((system, code))).rows.items()
    assert key.codings == (shown,)


@pytest.mark.parametrize(
    ("quantity", "shown"),
    [
        ({"unit": "10^9 /L"}, "10^9 /L"),
        ({"unit": "gram per deciliter", "code": "g/dL", "system": UCUM}, "g/dL"),
        ({"unit": "mmol/L", "code": "g/dL", "system": UCUM}, "g/dL | mmol/L"),
        ({"unit": "g/dL", "code": "g/dL", "system": UCUM}, "g/dL"),
        ({"code": "fL", "system": UCUM}, "fL"),
        ({"unit": "mg/foo"}, "mg/foo"),
        ({"unit": "Kari Nordmann"}, "…"),
        ({"unit": "Nordmann"}, "…"),
        ({"unit": "tlf/41234567"}, "…"),
        ({"unit": "10*9/L{Kari Nordmann}"}, "10*9/L{…}"),
        ({"unit": "g/dL", "code": PERSON}, "… | g/dL"),
        ({}, "–"),
    ],
)
def test_a_unit_is_shown_only_where_it_is_one(quantity, shown):
    ((key, _),) = report_on(observation(valueQuantity={"value": 12, **quantity})).rows.items()
    assert key.unit == shown


def test_nothing_of_a_patient_is_in_the_report():
    patient = {"resourceType": "Patient", "id": MARK, "birthDate": "2015-04-10", "name": [{"text": MARK}],
               "identifier": [{"value": PERSON}]}  # fmt: skip
    result = observation(
        id=MARK, subject={"reference": f"Patient/{MARK}", "display": MARK}, effectiveDateTime="2025-08-13",
        code={"coding": [{"system": LOINC, "code": "718-7", "display": MARK}, {"system": MARK, "code": f"{MARK} K"}],
              "text": MARK},
        valueQuantity={"value": 11.73, "unit": MARK}, note=[{"text": MARK}], specimen={"display": MARK},
        bodySite={"text": MARK}, component=[{"code": {"text": MARK}, "valueString": MARK}],
    )  # fmt: skip
    broken = {"resourceType": MARK, "id": MARK}
    report = report_on(patient, result, broken, {"resourceType": "Observation", "id": MARK, "subject": MARK})
    told = repr((report.sorted_rows(), report.unread))
    assert report.resources == 4
    for secret in (MARK, PERSON, "11.73", "2015-04-10", "2025-08-13"):
        assert secret not in told


resources = st.sampled_from(
    [
        observation(), observation(status="preliminary"), observation(unit="mg/dL"), observation((LOCAL, "B-HB")),
        {"resourceType": "Patient", "birthDate": "2015-04-10"}, {"resourceType": "CarePlan"},
        {"resourceType": "Condition", "code": coded((SCT, "240151005"))},
    ]
)  # fmt: skip


@given(st.lists(resources, max_size=8).flatmap(lambda sent: st.tuples(st.just(sent), st.permutations(sent))))
def test_every_resource_is_counted_once_whatever_the_order(sent_and_shuffled):
    sent, shuffled = sent_and_shuffled
    report = report_on(*sent)
    assert report.rows == report_on(*shuffled).rows
    assert report.resources == len(sent) == sum(row.count for row in report.rows.values())
    for row in report.rows.values():
        assert row.read + sum(row.why_not.values()) >= row.count
        assert bool(row.concepts) is bool(row.read)


def test_the_words_for_silence_are_no_reasons_of_notes():
    from cds_service.hooks.wording import wording  # noqa: PLC0415  the other tests need no wording

    assert not {f"notes.{word}" for word in SILENT} & wording("en").texts.keys()
