"""Whatever stands in whatever field: an answer or a clear refusal, never a fault of ours, never the value back."""

import asyncio
import json
from copy import deepcopy
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cds_service.app import make_answers, random_uuid
from cds_service.hooks.answer import encoded
from cds_service.hooks.services import BY_HOOK
from cds_service.operations.errors import RequestError
from cds_service.settings import Settings
from cds_service.simulate.schema_checks import validator

SCHEMAS = files("cds_service") / "schemas"
EVALUATION = Draft202012Validator(json.loads((SCHEMAS / "evaluation.schema.json").read_text("utf-8")))
RESPONSE = validator("Response")
ANSWERS = make_answers(Settings(profile="development"), lambda: datetime(2025, 9, 15, 8, tzinfo=UTC), random_uuid)
PRIVATE = "Olav Nordmann"
SUBJECT = {"reference": "Patient/p1"}
SNOMED, ATC, UCUM = "http://snomed.info/sct", "http://www.whocc.no/atc", "http://unitsofmeasure.org"


def coded(system, code):
    return {"coding": [{"system": system, "code": code, "display": PRIVATE}], "text": PRIVATE}


def quantity(value, unit):
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def a_list(*resources):
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources]}


LAB = {
    "resourceType": "Observation",
    "id": "crp",
    "status": "final",
    "category": [coded("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory")],
    "code": coded("http://loinc.org", "1988-5"),
    "subject": SUBJECT,
    "effectiveDateTime": "2025-09-01T08:00:00+02:00",
    "valueQuantity": {**quantity(4.2, "mg/L"), "comparator": "<"},
    "interpretation": [coded("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "N")],
    "referenceRange": [{"low": quantity(0, "mg/L"), "high": quantity(5, "mg/L"), "text": "< 5"}],
    "component": [{"code": coded("http://loinc.org", "718-7"), "valueQuantity": quantity(11.8, "g/dL")}],
}
ORDER = {
    "resourceType": "MedicationRequest",
    "id": "z1",
    "status": "draft",
    "intent": "order",
    "category": [coded("http://terminology.hl7.org/CodeSystem/medicationrequest-category", "inpatient")],
    "subject": SUBJECT,
    "authoredOn": "2025-09-15",
    "medicationCodeableConcept": coded(ATC, "M05BA08"),
    "contained": [{"resourceType": "Medication", "id": "m", "code": coded(ATC, "M05BA08")}],
    "dosageInstruction": [
        {
            "timing": {"event": ["2025-09-25"], "repeat": {"duration": 30, "durationUnit": "min"}},
            "doseAndRate": [{"doseQuantity": quantity(0.75, "mg"), "rateQuantity": quantity(100, "mL/h")}],
        }
    ],
}
RECORD = {
    "patient": {"resourceType": "Patient", "id": "p1", "birthDate": "2014-04-10", "name": [{"text": PRIVATE}]},
    "conditions": a_list(
        {
            "resourceType": "Condition",
            "id": "cno",
            "clinicalStatus": coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
            "verificationStatus": coded("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed"),
            "code": coded(SNOMED, "240151005"),
            "bodySite": [coded(SNOMED, "12611008")],
            "subject": SUBJECT,
            "onsetDateTime": "2024-05",
            "recordedDate": "2024-09-01",
        }
    ),
    "labs": a_list(LAB, {**LAB, "id": "crp-2", "effectiveDateTime": "2025-06-01"}),
    "imagingStudies": a_list(
        {
            "resourceType": "ImagingStudy",
            "id": "mr",
            "status": "available",
            "subject": SUBJECT,
            "started": "2025-08-01",
            "modality": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "MR"}],
            "series": [{"bodySite": {"system": SNOMED, "code": "38266002"}}],
        }
    ),
    "bodyStructures": a_list(
        {
            "resourceType": "BodyStructure",
            "id": "b",
            "location": coded(SNOMED, "12611008"),
            "locationQualifier": [coded(SNOMED, "7771000")],
            "morphology": coded(SNOMED, "59708000"),
            "patient": SUBJECT,
        }
    ),
    "medicationAdministrations": a_list(
        {
            "resourceType": "MedicationAdministration",
            "id": "a",
            "status": "completed",
            "medicationCodeableConcept": coded(ATC, "M05BA08"),
            "subject": SUBJECT,
            "effectivePeriod": {"start": "2025-01-01"},
            "dosage": {"dose": quantity(0.7, "mg")},
        }
    ),
    "allergies": a_list(
        {"resourceType": "AllergyIntolerance", "id": "al", "code": coded(ATC, "N02BE01"), "patient": SUBJECT}
    ),
    "appointments": a_list(
        {"resourceType": "Appointment", "id": "ap", "status": "booked", "start": "2025-09-25T08:00Z"}
    ),
    "assessment": a_list(
        {
            "resourceType": "QuestionnaireResponse",
            "id": "q",
            "questionnaire": "https://example.org/cno-cds/Questionnaire/cno-assessment|1.0",
            "status": "completed",
            "subject": SUBJECT,
            "authored": "2025-09-10T10:00:00+02:00",
            "item": [
                {"linkId": "symptom-onset", "answer": [{"valueDate": "2025-03"}]},
                {"linkId": "fever", "answer": [{"valueCoding": {"code": "absent"}}]},
                {
                    "linkId": "lesion",
                    "item": [
                        {"linkId": "lesion-bone", "answer": [{"valueCoding": {"system": SNOMED, "code": "12611008"}}]},
                        {"linkId": "lesion-feature", "answer": [{"valueCoding": {"code": "marrow-oedema"}}]},
                    ],
                },
            ],
        }
    ),
}


def request(hook):
    context = {"userId": "Practitioner/1", "patientId": "p1"}
    if hook != "patient-view":
        context |= {"draftOrders": a_list(ORDER), "selections": ["MedicationRequest/z1"]}
    instance = "4f8a2d10-93b1-4c02-8a55-0d3b7a6f9e21"
    return deepcopy({"hook": hook, "hookInstance": instance, "context": context, "prefetch": RECORD})


def places(part, found=()):
    """The path of every member and item below."""
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for name, value in inner:
        yield (*found, name)
        yield from places(value, (*found, name))


def put(whole, place, value):
    *way, last = place
    for name in way:
        whole = whole[name]
    whole[last] = value


PLACES = {hook: list(places(request(hook))) for hook in BY_HOOK}
ODD = st.one_of(
    st.sampled_from(
        [
            None, True, False, 0, -1, 7, 1e30, 0.1, 10**40, "", " ", PRIVATE, "<img src=x>", "2025-02-30", "9999-12-31",
            "0001-01-01", "NaN", "-", "#", "Patient/other", "1,5", ">", [], {}, [[]], [None], [{}], [PRIVATE],
            {"a": PRIVATE},
            {"resourceType": "Patient"}, {"resourceType": "Bundle", "entry": [{"resource": None}]},
            {"resourceType": "MedicationOrder", "id": PRIVATE}, {"coding": {}}, {"reference": 5}, {"value": "5"},
        ]
    ),
    st.text(max_size=12),
    st.integers(-(10**12), 10**12),
)  # fmt: skip


def answers(body, hook):
    """The answers of service and evaluation that are none of a clear refusal."""
    for answer in (
        lambda: asyncio.run(ANSWERS.to_hook(BY_HOOK[hook], body, "en")).body,
        lambda: encoded(ANSWERS.to_evaluation(body, language="nn")),
    ):
        fault = None
        try:
            text = answer().decode()
        except RequestError as error:
            fault = error
        if fault is None:
            assert PRIVATE not in json.dumps(json.loads(text)["cards"])
            yield json.loads(text)
        else:
            assert fault.status in {400, 412, 422}
            assert PRIVATE not in fault.diagnostics


@pytest.mark.parametrize("hook", BY_HOOK)
def test_the_whole_request_is_read_without_a_note(hook):
    evaluation = ANSWERS.to_evaluation(json.dumps(request(hook)).encode())
    assert {note["reason"] for note in evaluation["notes"]} <= {"date-missing"}
    assert evaluation["cards"] != []


@pytest.mark.parametrize("hook", ["patient-view", "order-select"])
@pytest.mark.parametrize("value", [None, 7, PRIVATE, [], {"x": {"y": PRIVATE}}], ids=repr)
def test_a_wrong_type_in_any_single_field_never_breaks_the_service(hook, value):
    whole = request(hook)
    for place in PLACES[hook]:
        changed = deepcopy(whole)
        put(changed, place, value)
        seen = [members["cards"] for members in answers(json.dumps(changed).encode(), hook)]
        assert seen[1:] == [] or bool(seen[0]) is bool(seen[1])


@pytest.mark.parametrize("hook", BY_HOOK)
@given(data=st.data())
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_several_odd_values_anywhere_never_break_the_service(hook, data):
    whole = request(hook)
    for place in sorted(
        data.draw(st.lists(st.sampled_from(PLACES[hook]), min_size=1, max_size=6)), key=len, reverse=True
    ):
        put(whole, place, data.draw(ODD))
    for members in answers(json.dumps(whole).encode(), hook):
        RESPONSE.validate({"cards": members["cards"]})
        if "evaluatedOn" in members:
            EVALUATION.validate(members)
            assert PRIVATE not in json.dumps(members["facts"] + members["findings"] + members["notes"])
