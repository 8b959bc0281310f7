"""The chart that bench.py opens: a girl of ten with suspected CNO, 120 laboratory results and an answered form."""

import csv
import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

NLK = "urn:oid:2.16.578.1.12.4.1.1.7280"
UCUM = "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
PATIENT = {"reference": "Patient/bench-1"}
TAKINGS = 6
NEWEST = date(2025, 9, 10)
ANSWERS = {
    "symptom-type": ["bone-pain"],
    "imaging-typical": ["yes"],
    "whole-body-imaging": ["done"],
    "fever": ["absent"],
    "mimicker": ["excluded"],
    "antimicrobial-response": ["none-given"],
    "biopsy-status": ["not-done"],
    "coexisting": ["none"],
    "general-condition": ["good"],
    "malignancy-suspected": ["no"],
    "infection-suspected": ["no"],
}
LESIONS = [("12611008", "left"), ("12611008", "right"), ("71341001", "left")]


def patient_view_request() -> bytes:
    """The body of a patient-view request, as an EHR sends it."""
    lists = {
        "conditions": [condition()],
        "labs": [lab(row, taking) for taking in range(TAKINGS) for row in lab_rows()],
        "forms": [form()],
        **{key: [] for key in ("imaging", "procedures", "drugs", "allergies")},
    }
    patient = {"resourceType": "Patient", "id": "bench-1", "birthDate": "2015-04-10", "gender": "female"}
    request = {
        "hook": "patient-view",
        "hookInstance": "6f1d0e52-5b3c-4c1e-9f0a-3f6f0d8f6a01",
        "context": {"userId": "Practitioner/bench", "patientId": "bench-1", "encounterId": "bench-e1"},
        "prefetch": {"patient": patient} | {key: bundle(resources) for key, resources in lists.items()},
    }
    return json.dumps(request, ensure_ascii=False, separators=(",", ":"), default=float).encode()


def bundle(resources: list[Json]) -> Json:
    entries = [
        {"fullUrl": f"https://ehr.example.org/fhir/{each['resourceType']}/{each['id']}", "resource": each}
        for each in resources
    ]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}


def lab_rows() -> list[dict[str, str]]:
    with (Path(__file__).parent / "labs.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def lab(row: dict[str, str], taking: int) -> Json:
    """One result; each taking is eighteen days before the one that follows it."""
    value = Decimal(row["value"]) + taking % 5 * Decimal(row["step"])
    flag = "H" if row["high"] and value > Decimal(row["high"]) else "N"
    return {
        "resourceType": "Observation",
        "id": f"{row['code'].lower()}-{taking}",
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": "laboratory"}]}],
        "code": {"coding": [{"system": NLK, "code": row["code"], "display": row["display"]}], "text": row["display"]},
        "subject": PATIENT,
        "effectiveDateTime": f"{NEWEST - timedelta(days=18 * taking)}T08:15:00+02:00",
        "valueQuantity": quantity(value, row["unit"]),
        "interpretation": [{"coding": [{"system": INTERPRETATION, "code": flag}]}],
        "referenceRange": [{end: quantity(Decimal(row[end]), row["unit"]) for end in ("low", "high") if row[end]}],
    }


def quantity(value: Decimal, unit: str) -> Json:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def condition() -> Json:
    icd10 = {"system": "urn:oid:2.16.578.1.12.4.1.1.7110", "code": "M86.3"}
    return {
        "resourceType": "Condition",
        "id": "c1",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "verificationStatus": {"coding": [{"code": "provisional"}]},
        "code": {"coding": [icd10]},
        "subject": PATIENT,
        "recordedDate": "2025-08-01",
    }


def form() -> Json:
    answered = [
        {"linkId": link_id, "answer": [{"valueCoding": {"code": code}} for code in codes]}
        for link_id, codes in ANSWERS.items()
    ]
    onset = {"linkId": "symptom-onset", "answer": [{"valueDate": "2025-03-01"}]}
    return {
        "resourceType": "QuestionnaireResponse",
        "id": "q1",
        "questionnaire": "https://example.org/cno-cds/Questionnaire/cno-assessment",
        "status": "completed",
        "subject": PATIENT,
        "authored": "2025-09-12",
        "item": [*answered, onset, *(lesion(bone, side) for bone, side in LESIONS)],
    }


def lesion(bone: str, side: str) -> Json:
    codes = {
        "lesion-bone": {"system": "http://snomed.info/sct", "code": bone},
        "lesion-side": {"code": side},
        "lesion-zone": {"code": "metaphysis"},
        "lesion-feature": {"code": "marrow-oedema"},
    }
    items = [{"linkId": key, "answer": [{"valueCoding": coding}]} for key, coding in codes.items()]
    return {"linkId": "lesion", "item": items}
