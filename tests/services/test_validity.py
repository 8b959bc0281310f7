"""Whatever we emit, and every sample, is valid FHIR R4 before a real judge: HAPI's $validate.

Units, HL7's own codes and the answers to our form are judged. Codes of LOINC, SNOMED CT, ATC, ICD-10 and NLK cannot be:
their code systems are not in HAPI.
"""

import json
from pathlib import Path

import pytest

from cds_service.mappings import outgoing

pytestmark = pytest.mark.services

SAMPLES = Path(__file__).parent.parent.parent / "fhir_samples"
FORM = "/fhir/Questionnaire/cno-assessment"
WRONG = ("error", "fatal")


@pytest.fixture
def judge(fhir_server, client):
    """The FHIR server with our form on it: answers are judged by the form that they name."""
    fhir_server.load([client.get(FORM).json()])
    return fhir_server


def outermost(value, place):
    """Every resource that stands in no other, with its place; a Bundle is judged with all that it holds."""
    if isinstance(value, dict) and "resourceType" in value:
        yield place, value
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from outermost(inner, f"{place} {key}")


def faults(judge, found):
    """What is wrong with resources, a line each; equal resources are judged once."""
    first = {}
    for place, resource in found:
        first.setdefault(json.dumps(resource, default=float, sort_keys=True), (place, resource))
    assert first
    return [
        f"{place}: {complaint}" for place, resource in first.values() for complaint in judge.judged(resource, *WRONG)
    ]


def sampled(pattern):
    return [
        found
        for file in sorted(SAMPLES.glob(pattern))
        for found in outermost(json.loads(file.read_bytes()), file.relative_to(SAMPLES))
    ]


@pytest.mark.parametrize("pattern", ["*/bundle*.json", "*/request*.json", "*/response*.json"])
def test_the_samples_and_their_answers_are_valid(judge, pattern):
    found = faults(judge, sampled(pattern))
    assert not found, "\n".join(found)


def test_the_form_is_valid(judge, client):
    found = judge.judged(client.get(FORM).json(), *WRONG)
    assert not found, "\n".join(found)


def test_every_template_is_valid(judge):
    templates = [(f"template {each.get('code', {}).get('text')}", each) for each in outgoing._examples()]
    found = faults(judge, templates)
    assert not found, "\n".join(found)


HL7 = "http://terminology.hl7.org/CodeSystem"
UCUM = "http://unitsofmeasure.org"
CODES = "https://example.org/cno-cds/CodeSystem/cno-assessment"
PATIENT = {"resourceType": "Patient", "id": "judged", "gender": "female", "birthDate": "2015-04-10"}
RESULT = {
    "resourceType": "Observation",
    "id": "judged",
    "status": "final",
    "category": [{"coding": [{"system": f"{HL7}/observation-category", "code": "laboratory"}]}],
    "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
    "subject": {"reference": "Patient/judged"},
    "effectiveDateTime": "2025-09-01",
    "valueQuantity": {"value": 12.4, "unit": "g/dL", "system": UCUM, "code": "g/dL"},
    "referenceRange": [{"text": "11,0 - 15,5"}],
}
CONDITION = {
    "resourceType": "Condition",
    "id": "judged",
    "clinicalStatus": {"coding": [{"system": f"{HL7}/condition-clinical", "code": "active"}]},
    "verificationStatus": {"coding": [{"system": f"{HL7}/condition-ver-status", "code": "confirmed"}]},
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "240151005"}]},
    "subject": {"reference": "Patient/judged"},
}
ORDER = {
    "resourceType": "MedicationRequest",
    "id": "judged",
    "status": "draft",
    "intent": "order",
    "subject": {"reference": "Patient/judged"},
    "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "N02BE01"}]},
    "dosageInstruction": [{"timing": {"repeat": {"frequency": 1, "period": 6, "periodUnit": "h"}}}],
}
ANSWERS = {
    "resourceType": "QuestionnaireResponse",
    "id": "judged",
    "questionnaire": "https://example.org/cno-cds/Questionnaire/cno-assessment",
    "status": "completed",
    "item": [
        {"linkId": "symptom-onset", "answer": [{"valueDate": "2025-03-01"}]},
        {"linkId": "fever", "answer": [{"valueCoding": {"system": CODES, "code": "absent"}}]},
    ],
}


def changed(resource, *path, to):
    """A copy with another value at a path; `to=None` takes the member out."""
    copy = json.loads(json.dumps(resource))
    *outer, last = path
    inner = copy
    for step in outer:
        inner = inner[step]
    if to is None:
        del inner[last]
    else:
        inner[last] = to
    return copy


def bundle(*resources):
    """The resources, each under an address of its own."""
    entries = [
        {"fullUrl": f"https://ehr.example.org/fhir/{each['resourceType']}/{each['id']}", "resource": each}
        for each in resources
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


BAD = {
    "text for a boolean": (changed(PATIENT, "active", to="perhaps"), "boolean"),
    "text for a number": (changed(RESULT, "valueQuantity", "value", to="12,4"), "decimal"),
    "one for a list": (changed(RESULT, "category", to=RESULT["category"][0]), "Array"),
    "an empty list": (changed(PATIENT, "name", to=[]), "Array cannot be empty"),
    "an empty object": (changed(PATIENT, "name", to=[{}]), "must have some content"),
    "an unknown member": (changed(PATIENT, "colour", to="red"), "Unrecognized property 'colour'"),
    "two values": (changed(RESULT, "valueString", to="high"), "valueString"),
    "no status": (changed(RESULT, "status", to=None), "Observation.status: minimum required"),
    "no code": (changed(RESULT, "code", to=None), "Observation.code: minimum required"),
    "no subject": (changed(CONDITION, "subject", to=None), "Condition.subject: minimum required"),
    "no drug": (changed(ORDER, "medicationCodeableConcept", to=None), "MedicationRequest.medication[x]: minimum"),
    "a wrong gender": (changed(PATIENT, "gender", to="girl"), "AdministrativeGender"),
    "a wrong status": (changed(RESULT, "status", to="done"), "ObservationStatus"),
    "a wrong intent": (changed(ORDER, "intent", to="wish"), "MedicationRequestIntent"),
    "a wrong unit of time": (
        changed(ORDER, "dosageInstruction", 0, "timing", "repeat", "periodUnit", to="hour"),
        "UnitsOfTime",
    ),
    "a wrong category": (changed(RESULT, "category", 0, "coding", 0, "code", to="lab"), "observation-category#lab"),
    "a wrong clinical status": (
        changed(CONDITION, "clinicalStatus", "coding", 0, "code", to="ill"),
        "condition-clinical",
    ),
    "a clinical status of another code system": (
        changed(CONDITION, "clinicalStatus", "coding", 0, "system", to="https://example.org/status"),
        "condition-clinical",
    ),
    "a status that cannot be": (
        changed(CONDITION, "verificationStatus", "coding", 0, "code", to="entered-in-error"),
        "con-5",
    ),
    "no such month": (changed(PATIENT, "birthDate", to="2015-13-01"), "2015-13-01"),
    "no such day": (changed(RESULT, "effectiveDateTime", to="2025-02-30"), "2025-02-30"),
    "a day as it is written": (changed(RESULT, "effectiveDateTime", to="1.9.2025"), "1.9.2025"),
    "a unit that UCUM does not have": (changed(RESULT, "valueQuantity", "code", to="mg/Q"), "The unit 'Q' is unknown"),
    "a range of nothing": (changed(RESULT, "referenceRange", 0, to={"appliesTo": [{"text": "girls"}]}), "obs-3"),
    "a reference to another type": (
        changed(RESULT, "subject", "reference", to="Questionnaire/cno-assessment"),
        "Found Questionnaire",
    ),
    "a reference to what is not contained": (
        changed(RESULT, "subject", "reference", to="#child"),
        "Unable to resolve resource with reference '#child'",
    ),
    "an id that is none": (changed(PATIENT, "id", to="a b"), "Invalid Resource id"),
    "an extension without a value": (changed(PATIENT, "extension", to=[{"url": "https://example.org/x"}]), "ext-1"),
    "an answer that is not offered": (
        changed(ANSWERS, "item", 1, "answer", 0, "valueCoding", "code", to="perhaps"),
        "perhaps is not in the set of permitted values",
    ),
    "an answer of another code system": (
        changed(ANSWERS, "item", 1, "answer", 0, "valueCoding", "system", to="https://example.org/other"),
        "absent is not in the set of permitted values",
    ),
    "a question that is not asked": (changed(ANSWERS, "item", 1, "linkId", to="cough"), "cough"),
    "an answer of no code system": (
        changed(ANSWERS, "item", 1, "answer", 0, "valueCoding", "system", to=None),
        "absent is not in the set of permitted values",
    ),
    "answers out of order": (changed(ANSWERS, "item", to=ANSWERS["item"][::-1]), "out of order"),
    "a bad resource in a Bundle": (
        bundle(changed(RESULT, "category", 0, "coding", 0, "code", to="lab")),
        "observation-category#lab",
    ),
    "a bad answer in a Bundle": (
        bundle(PATIENT, changed(ANSWERS, "item", 1, "answer", 0, "valueCoding", "code", to="perhaps")),
        "perhaps is not in the set of permitted values",
    ),
    "an entry without its address": (
        {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": PATIENT}]},
        "fullUrl",
    ),
}
"""What is done to a good resource → the bad one, and what must be said of it."""

GOOD = [PATIENT, RESULT, CONDITION, ORDER, ANSWERS, bundle(PATIENT, RESULT, CONDITION, ORDER, ANSWERS)]
UNKNOWN_TO_THE_JUDGE = (
    "http://loinc.org",
    "http://www.whocc.no/atc",
    "urn:oid:2.16.578.1.12.4.1.1.7110",
    "urn:oid:2.16.578.1.12.4.1.1.7280",
)


@pytest.mark.parametrize("resource", GOOD, ids=lambda resource: resource["resourceType"])
def test_the_judge_lets_a_good_resource_pass(judge, resource):
    assert judge.judged(resource, *WRONG) == []


@pytest.mark.parametrize(("resource", "complaint"), BAD.values(), ids=BAD)
def test_the_judge_refuses_a_bad_resource_and_says_why(judge, resource, complaint):
    assert complaint in "\n".join(judge.judged(resource, *WRONG))


@pytest.mark.parametrize("system", [*UNKNOWN_TO_THE_JUDGE, "http://snomed.info/sct"])
def test_a_code_that_cannot_be_judged_here_is_not_wrong(judge, system):
    resource = changed(RESULT, "code", "coding", 0, to={"system": system, "code": "not-a-code"})
    assert judge.judged(resource, *WRONG) == []


@pytest.mark.parametrize("system", UNKNOWN_TO_THE_JUDGE)
def test_a_code_of_an_unknown_system_is_warned_of(judge, system):
    resource = changed(RESULT, "code", "coding", 0, to={"system": system, "code": "not-a-code"})
    assert f"{system}#not-a-code" in "\n".join(judge.judged(resource, "warning"))
