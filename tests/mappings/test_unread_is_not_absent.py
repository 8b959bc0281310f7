"""Breaking one input never makes the answer more reassuring: what cannot be read is not read as not there."""

import json
from datetime import date
from pathlib import Path

import msgspec
import pytest

from cds_service.guideline.evaluation import evaluate
from cds_service.guideline.interval import Truth
from cds_service.mappings import fhir
from cds_service.mappings.record import facts_from_bundle, facts_from_hook
from cds_service.mappings.tolerant import read_resource

SAMPLES = Path(__file__).parent.parent.parent / "fhir_samples"
TODAY = date(2025, 9, 15)
ATC = "http://www.whocc.no/atc"


def sample(name):
    return json.loads((SAMPLES / name / "bundle.json").read_text("utf-8"))


def judged(bundle):
    found, notes = read_resource(json.dumps(bundle).encode(), "Bundle")
    assert isinstance(found, fhir.Bundle)
    return evaluate(facts_from_bundle(found, notes, today=TODAY), TODAY)


def resource(bundle, kind, number=0):
    return [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind][number]


def interval_check(evaluation):
    return next(check for check in evaluation.infusion.checks if check.id == "ZOL-09")


def recent_dose(**fields):
    bundle = sample("girl-7-zoledronic-acid-ready")
    dose = resource(bundle, "MedicationAdministration")
    dose["effectiveDateTime"] = "2025-08-01T10:00:00+02:00"
    for field, value in fields.items():
        if value is None:
            del dose[field]
        else:
            dose[field] = value
    return bundle


def test_a_recent_dose_is_too_soon():
    assert interval_check(judged(recent_dose())).reason == "too-soon"


@pytest.mark.parametrize(
    "broken",
    [
        {"effectiveDateTime": "01.08.2025"},
        {"effectiveDateTime": 20250801},
        {"effectiveDateTime": None},
        {"effectiveDateTime": "2031-08-01"},
        {"status": 5},
        {"status": None},
        {"status": "zz"},
        {"status": "unknown"},
        {"status": "in-progress"},
        {"medicationCodeableConcept": None},
        {"medicationCodeableConcept": "zoledronsyre"},
        {"medicationCodeableConcept": {"coding": [{"system": ATC}]}},
        {"medicationCodeableConcept": {"coding": [{"system": ATC, "code": 5}]}},
        {"subject": 5},
    ],
)
def test_a_recent_dose_that_cannot_be_read_never_becomes_none_found(broken):
    evaluation = judged(recent_dose(**broken))
    assert interval_check(evaluation).status in {"attention", "unreadable", "missing"}
    assert evaluation.infusion.readiness != "ready"


@pytest.mark.parametrize(
    "fields",
    [
        {"code": {"text": "Infusjon av zoledronsyre"}},
        {"code": {"coding": [{"system": ATC, "code": "M05BA08"}]}},
        {"code": {"text": "Infusion"}, "usedCode": [{"coding": [{"system": ATC, "code": "M05BA08"}]}]},
    ],
)
def test_an_infusion_recorded_as_a_procedure_never_becomes_none_found(fields):
    bundle = sample("girl-7-zoledronic-acid-ready")
    bundle["entry"] = [e for e in bundle["entry"] if e["resource"]["resourceType"] != "MedicationAdministration"]
    subject = resource(bundle, "MedicationRequest")["subject"]
    given = {"resourceType": "Procedure", "id": "i1", "status": "completed", "subject": subject, **fields}
    bundle["entry"].append({"resource": given | {"performedDateTime": "2025-07-01"}})
    assert interval_check(judged(bundle)).status == "attention"
    bundle["entry"][-1]["resource"]["status"] = "not-done"
    assert interval_check(judged(bundle)).reason == "none-found"


def test_an_amount_that_cannot_be_read_on_the_order_itself_says_nothing_of_earlier_doses():
    bundle = sample("girl-7-zoledronic-acid-ready")
    bundle["entry"] = [e for e in bundle["entry"] if e["resource"]["resourceType"] != "MedicationAdministration"]
    order = resource(bundle, "MedicationRequest")
    assert order["status"] == "draft"
    order["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"] = {"value": 1, "unit": "{pill}"}
    evaluation = judged(bundle)
    assert {check.id: check.status for check in evaluation.infusion.checks}["ZOL-07"] == "unreadable"
    assert interval_check(evaluation).reason == "none-found"


def test_a_completed_dose_is_history_even_under_the_id_of_the_draft():
    bundle = sample("girl-7-zoledronic-acid-ready")
    draft = resource(bundle, "MedicationRequest")
    done = {**draft, "status": "completed", "authoredOn": "2025-07-01", "dosageInstruction": None}
    decode = msgspec.json.Decoder(fhir.Resource).decode
    drafts = decode(json.dumps({"resourceType": "Bundle", "entry": [{"resource": draft}]}).encode())
    prefetch = {"medicationRequests": decode(json.dumps(done).encode())}
    patient = draft["subject"]["reference"].removeprefix("Patient/")
    facts = facts_from_hook(prefetch, drafts, (), patient_id=patient, selections=None, today=TODAY, templates={})
    assert interval_check(evaluate(facts, TODAY)).reason == "too-soon"


def platelets(value, status="final", **more):
    return {
        "resourceType": "Observation", "id": "1", "status": status, "effectiveDateTime": "2025-09-01",
        "code": {"coding": [{"system": "http://loinc.org", "code": "777-3"}]},
        "valueQuantity": {"value": value, "unit": "10*9/L"}, **more,
    }  # fmt: skip


def excluded(*observations):
    patient = {"resourceType": "Patient", "id": "p", "birthDate": "2015-01-01"}
    entries = [{"resource": one} for one in (patient, *observations)]
    return judged({"resourceType": "Bundle", "entry": entries}).classification.exclusion_criteria[1].truth


MINE, OTHERS = {"subject": {"reference": "Patient/p"}}, {"subject": {"reference": "Patient/other"}}


@pytest.mark.parametrize(
    "second",
    [
        platelets(310, **OTHERS, meta={"lastUpdated": "2030-01-01T00:00:00Z"}),
        platelets(310, **MINE),
        platelets(99, "preliminary", **MINE),
        platelets(310, **MINE, meta={"lastUpdated": "2020-01-01T00:00:00Z"}),
    ],
)
def test_another_resource_of_the_same_id_does_not_erase_a_low_count(second):
    low = platelets(50, **MINE)
    assert excluded(low, second) is excluded(second, low) is Truth.YES


def test_of_two_dated_versions_the_newer_counts():
    old = platelets(50, **MINE, meta={"lastUpdated": "2025-09-01T10:00:00Z"})
    new = platelets(250, **MINE, meta={"lastUpdated": "2025-09-02T10:00:00Z"})
    assert excluded(old, new) is excluded(new, old) is Truth.NO


def form(identifier, authored, mimicker, **more):
    return {
        "resourceType": "QuestionnaireResponse", "id": identifier, "status": "completed", "authored": authored,
        "questionnaire": "https://x/Questionnaire/cno-assessment",
        "item": [{"linkId": "mimicker", "answer": [{"valueCoding": {"code": mimicker}}]}], **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    [
        {"authored": 5},
        {"authored": "x"},
        {"status": 5},
        {"subject": 5},
        {"questionnaire": 5},
        {"authored": "2031-01-01"},
    ],
)
def test_a_newer_form_that_cannot_be_read_holds_the_older_answers_open(broken):
    forms = (form("old", "2025-01-01", "excluded"), form("new", "2025-09-01", "present") | broken)
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in forms]}
    assert judged(bundle).classification.exclusion_criteria[0].truth is not Truth.NO


TIBIA = {"coding": [{"system": "http://snomed.info/sct", "code": "12611008"}]}
SCLEROSIS = {"coding": [{"system": "http://snomed.info/sct", "code": "49347007"}]}


@pytest.mark.parametrize(
    "denial",
    [
        {"valueCodeableConcept": "absent"},
        {"valueCodeableConcept": {"coding": {"code": "2667000"}}},
        {"valueBoolean": "false"},
        {"dataAbsentReason": "unknown"},
        {"valueString": 5},
    ],
)
def test_a_finding_whose_denial_cannot_be_read_is_no_lesion(denial):
    finding = {"resourceType": "Observation", "id": "f", "status": "final", "code": SCLEROSIS, "bodySite": TIBIA}
    evaluation = judged({"resourceType": "Bundle", "entry": [{"resource": finding | denial}]})
    assert evaluation.facts.lesions == ()
    assert evaluation.notes


@pytest.mark.parametrize("broken", [{"active": "false"}, {"morphology": 5}])
def test_a_body_structure_that_cannot_be_read_is_no_lesion(broken):
    structure = {"resourceType": "BodyStructure", "id": "b", "morphology": SCLEROSIS, "location": TIBIA} | broken
    evaluation = judged({"resourceType": "Bundle", "entry": [{"resource": structure}]})
    assert evaluation.facts.lesions == ()
    assert evaluation.notes


def test_two_birth_dates_of_one_patient_are_none():
    twins = [{"resourceType": "Patient", "id": "p", "birthDate": day} for day in ("2015-01-01", "1980-01-01")]
    for order in (twins, twins[::-1]):
        evaluation = judged({"resourceType": "Bundle", "entry": [{"resource": one} for one in order]})
        assert evaluation.facts.born is None
        assert evaluation.notes


def test_a_lesion_outside_of_its_group_leaves_the_list_open():
    bundle = sample("girl-9-multifocal-symmetric")
    items = resource(bundle, "QuestionnaireResponse")["item"]
    next(item for item in items if item["linkId"] == "lesion")["linkId"] = "zz"
    evaluation = judged(bundle)
    distribution = evaluation.classification.domains[3]
    assert not distribution.known
    assert "BIO-06" not in {reason.id for reason in evaluation.biopsy.refrain}
