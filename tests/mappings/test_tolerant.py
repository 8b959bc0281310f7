import json

import msgspec
import pytest

from cds_service.mappings import datatypes, fhir
from cds_service.mappings.tolerant import read_resource

DRAFT = "context.draftOrders.entry[0]"


def read(resource, path="Bundle.entry[0]"):
    found, notes = read_resource(json.dumps(resource).encode(), path)
    return found, [(note.source, note.reason) for note in notes]


def observation(**fields):
    return {"resourceType": "Observation", "id": "a", "status": "final", **fields}


def test_a_sound_resource_is_read_without_a_note():
    found, notes = read(observation(valueString="<5"))
    assert isinstance(found, fhir.Observation)
    assert found.valueString == "<5"
    assert notes == []


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("valueQuantity", {"value": 5, "comparator": 7}, "value-wrong-type"),
        ("valueQuantity", "5 mg/L", "value-wrong-type"),
        ("code", "crp", "code-unreadable"),
        ("effectiveDateTime", 20250901, "date-unreadable"),
        ("status", 1, "status-missing"),
        ("component", "none", "value-wrong-type"),
        ("bodySite", "tibia", "bone-unmapped"),
        ("method", 5, "resource-unreadable"),
    ],
)
def test_a_field_of_the_wrong_type_costs_itself_and_a_note(field, value, reason):
    found, notes = read(observation(**{field: value}))
    assert isinstance(found, fhir.Observation)
    assert getattr(found, field) is None
    assert notes == [("Observation/a", reason)]


def test_several_bad_fields_cost_a_note_each():
    found, notes = read(observation(code=1, effectiveDateTime=2, valueQuantity=3))
    assert isinstance(found, fhir.Observation)
    assert sorted(reason for _, reason in notes) == ["code-unreadable", "date-unreadable", "value-wrong-type"]


@pytest.mark.parametrize("field", ["subject", "patient"])
def test_a_resource_whose_patient_cannot_be_read_is_not_used(field):
    kind = "BodyStructure" if field == "patient" else "Condition"
    found, notes = read({"resourceType": kind, "id": "c", field: "Patient/x"})
    assert found == datatypes.Failed(kind, f"{kind}/c")
    assert notes == [(f"{kind}/c", "resource-unreadable")]


def test_a_diagnosis_whose_verification_cannot_be_read_may_be_refuted_and_is_not_used():
    found, _ = read({"resourceType": "Condition", "id": "c", "verificationStatus": 5})
    assert found == datatypes.Failed("Condition", "Condition/c")


@pytest.mark.parametrize("field", ["clinicalStatus", "verificationStatus"])
def test_a_bare_status_word_is_read_as_its_text(field):
    found, notes = read({"resourceType": "Condition", "id": "c", field: "resolved"})
    assert isinstance(found, fhir.Condition)
    assert getattr(found, field) == datatypes.CodeableConcept(text="resolved")
    assert notes == []


def test_a_lone_object_in_a_lists_place_is_a_list_of_one():
    found, notes = read(
        {"resourceType": "MedicationRequest", "dosageInstruction": {"timing": {"event": ["2025-09-01"]}}}
    )
    assert isinstance(found, fhir.MedicationRequest)
    assert found.dosageInstruction is not None
    assert found.dosageInstruction[0].timing == datatypes.Timing(event=["2025-09-01"])
    assert notes == []


def test_the_old_prefetch_form_is_unwrapped():
    found, notes = read({"resource": observation(), "response": {"status": "200 OK"}})
    assert isinstance(found, fhir.Observation)
    assert notes == []


@pytest.mark.parametrize(
    ("value", "coding"),
    [
        ({"coding": {"code": "x"}}, [datatypes.Coding(code="x")]),
        ([{"coding": [{"code": "x"}]}], None),
        ({"coding": "x"}, None),
        ({"coding": [["x"]]}, None),
    ],
)
def test_a_lone_object_in_a_lists_place_is_a_list_of_one_further_down_too(value, coding):
    found, notes = read({"resourceType": "MedicationRequest", "id": "m", "medicationCodeableConcept": value})
    assert isinstance(found, fhir.MedicationRequest)
    concept = found.medicationCodeableConcept
    assert (concept and concept.coding) == coding
    assert notes == ([] if coding else [("MedicationRequest/m", "medication-unreadable")])


def test_of_the_resources_inside_another_only_those_that_cannot_be_read_are_lost():
    inside = [{"resourceType": "Spaceship", "id": "a"}, 5, {"resourceType": "Medication", "id": "b"}]
    found, notes = read({"resourceType": "MedicationRequest", "id": "m", "contained": inside})
    assert isinstance(found, fhir.MedicationRequest)
    assert [each.id for each in found.contained or ()] == [None, None, "b"]
    assert notes == []


def test_a_resource_that_holds_nothing_but_odd_ones_is_given_up():
    found, notes = read({"resourceType": "MedicationRequest", "id": "m", "contained": [5] * 1000})
    assert found == datatypes.Failed("MedicationRequest", "MedicationRequest/m")
    assert notes == [("MedicationRequest/m", "resource-unreadable")]


def test_resources_inside_another_that_are_no_list_are_lost_and_noted():
    found, notes = read({"resourceType": "MedicationRequest", "id": "m", "contained": "x"})
    assert isinstance(found, fhir.MedicationRequest)
    assert (found.contained, notes) == (None, [("MedicationRequest/m", "medication-unreadable")])


def test_a_drug_order_of_dstu2_is_read_under_its_newer_names():
    order = {"resourceType": "MedicationOrder", "id": "m", "patient": {"reference": "Patient/p"}, "status": "active"}
    found, notes = read({**order, "dateWritten": "2025-09-01", "prescriber": {"reference": "Practitioner/d"}}, DRAFT)
    assert found == fhir.MedicationRequest(
        id="m", status="active", subject=datatypes.Reference("Patient/p"), authoredOn="2025-09-01"
    )
    assert notes == [("MedicationOrder/m", "not-r4")]


@pytest.mark.parametrize("patient", ["Patient/p", 5, []])
def test_a_drug_order_of_dstu2_whose_patient_cannot_be_read_is_not_used(patient):
    found, notes = read({"resourceType": "MedicationOrder", "id": "m", "patient": patient}, DRAFT)
    assert found == datatypes.Failed("MedicationRequest", "MedicationOrder/m")
    assert notes == [("MedicationOrder/m", "not-r4"), ("MedicationOrder/m", "resource-unreadable")]


def test_a_procedure_request_of_an_older_release_is_a_service_request():
    old = {"resourceType": "ProcedureRequest", "orderedOn": "2025-09-01", "scheduledDateTime": "2025-09-20"}
    found, notes = read(old, DRAFT)
    assert found == fhir.ServiceRequest(authoredOn="2025-09-01", occurrenceDateTime="2025-09-20")
    assert notes == [(DRAFT, "not-r4")]


@pytest.mark.parametrize("kind", ["DiagnosticOrder", "ReferralRequest", "DeviceUseRequest"])
def test_other_orders_of_older_releases_are_none_of_ours(kind):
    found, notes = read({"resourceType": kind, "id": "x"}, DRAFT)
    assert found == datatypes.Failed(kind, f"{kind}/x")
    assert notes == [(f"{kind}/x", "not-r4")]


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        ({"resourceType": "MedicationOrder", "id": "m"}, "not-r4"),
        ({"resourceType": "ProcedureRequest"}, "not-r4"),
        ({"resourceType": "patient"}, "unknown-resource-type"),
        ({"resourceType": "Spaceship"}, "unknown-resource-type"),
        ({"resourceType": 7}, "not-a-resource"),
        ({}, "not-a-resource"),
        ([], "not-a-resource"),
        ("<html>", "not-a-resource"),
        (5, "not-a-resource"),
    ],
)
def test_what_is_no_r4_resource_is_said_to_be_none(resource, reason):
    found, notes = read(resource)
    assert isinstance(found, datatypes.Failed)
    assert [told for _, told in notes] == [reason]


def test_null_is_no_resource_and_no_fault():
    assert read(None) == (None, [])


def test_every_r4_type_is_known_and_an_unread_one_is_no_stumble():
    for kind in sorted(fhir.R4_TYPES):
        found, notes = read({"resourceType": kind})
        assert found is not None
        assert notes == []


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_entry_of_a_bundle_costs_itself(place):
    entries = [{"resource": observation()} | {"fullUrl": f"urn:{number}"} for number in range(3)]
    entries[place] = {"resource": {"resourceType": "Observation", "id": "bad", "subject": 4}}
    found, notes = read({"resourceType": "Bundle", "entry": entries}, "prefetch.labs")
    assert isinstance(found, fhir.Bundle)
    assert found.entry is not None
    kinds = [type(entry.resource) for entry in found.entry]
    assert kinds == [datatypes.Failed if number == place else fhir.Observation for number in range(3)]
    assert notes == [("Observation/bad", "resource-unreadable")]


@pytest.mark.parametrize("entry", [5, "x", [], None])
def test_an_entry_that_is_none_is_named_by_its_place(entry):
    found, notes = read({"resourceType": "Bundle", "entry": [entry, {"resource": observation()}]}, "prefetch.labs")
    assert isinstance(found, fhir.Bundle)
    assert notes == [("prefetch.labs.entry[0]", "not-a-resource")]


def test_a_bundle_whose_entries_are_no_list_is_unreadable():
    assert read({"resourceType": "Bundle", "entry": "x"})[1] == [("Bundle.entry[0]", "resource-unreadable")]


def test_unreadable_links_may_hide_a_page():
    assert read({"resourceType": "Bundle", "link": "next", "entry": []})[1] == [("Bundle.entry[0]", "incomplete-page")]


def test_one_unreadable_answer_of_a_form_costs_only_itself_and_stays_an_answer():
    items = [
        {"linkId": "symptom-onset", "answer": [{"valueDate": 2025}]},
        {"linkId": "coexisting", "answer": [{"valueCoding": {"code": "ibd"}}, {"valueCoding": 5}]},
        {"linkId": "fever", "answer": [{"valueCoding": {"code": "absent"}}]},
    ]
    form = {"resourceType": "QuestionnaireResponse", "id": "q", "status": "completed", "item": items}
    found, notes = read(form)
    assert isinstance(found, fhir.QuestionnaireResponse)
    assert found.item is not None
    answers = {item.linkId: item.answer for item in found.item}
    assert answers["fever"] == [fhir.Answer(valueCoding=datatypes.Coding(code="absent"))]
    assert len(answers["coexisting"] or []) == 2
    assert (answers["symptom-onset"] or [])[0].valueString
    assert set(notes) == {("QuestionnaireResponse/q", "answer-wrong-type")}


def test_bytes_that_are_no_json_are_the_callers_fault():
    with pytest.raises(msgspec.DecodeError):
        read_resource(b'{"resourceType": "Observation", ', "x")


@pytest.mark.parametrize(
    "quoted", ["x at `$.foo`", "x at `$.contained[99]`", "x at `$.id`", "Expected `array` at `$.id`"]
)
def test_a_value_that_looks_like_the_decoders_own_message_leads_nowhere(quoted):
    sent = {"resourceType": "MedicationRequest", "id": "1", "contained": [{"resourceType": quoted}]}
    found, _ = read_resource(json.dumps(sent).encode(), "prefetch.x")
    assert (type(found), found.id) == (fhir.MedicationRequest, "1")


TWICE = {
    "a list": b'"item":[{"linkId":"a","item":[{"linkId":"b","answer":[{"valueCoding":55}],"answer":%s}]}]',
    "an object": b'"item":[{"linkId":"a","answer":[{"valueCoding":{"code":5},"valueCoding":%s}]}]',
}


@pytest.mark.parametrize("form", TWICE)
@pytest.mark.parametrize("last", [b"-1", b'"x"', b"{}", b"[]", b"null", b'[{"valueCoding":{"code":"yes"}}]'])
def test_a_form_with_a_member_twice_of_which_the_first_cannot_be_read_keeps_its_other_fields(form, last):
    raw = b'{"resourceType":"QuestionnaireResponse","id":"q","status":"completed",' + TWICE[form] % last + b"}"
    found, notes = read_resource(raw, "prefetch.assessment")
    assert isinstance(found, fhir.QuestionnaireResponse)
    assert found.status == "completed"
    assert {(note.source, note.reason) for note in notes} == {("QuestionnaireResponse/q", "answer-wrong-type")}


@pytest.mark.parametrize("last", [b'["x"]', b"5", b"null", b'{"coding":[]}'])
def test_a_drug_with_its_code_twice_costs_no_more_than_itself(last):
    drug = b'{"resourceType":"Medication","id":"d","code":{"coding":0.1},"code":%s}' % last
    raw = b'{"resourceType":"MedicationRequest","id":"m","status":"draft","contained":[' + drug + b"]}"
    found, notes = read_resource(raw, "prefetch.x")
    assert isinstance(found, fhir.MedicationRequest)
    assert found.status == "draft"
    assert {note.source for note in notes} <= {"MedicationRequest/m"}
