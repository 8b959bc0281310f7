"""Ordering sessions: a girl of eight for whom all is in order, and draft orders in the dialects of EHRs."""

import json
from copy import deepcopy

INSTANCE = "4f8a2d10-93b1-4c02-8a55-0d3b7a6f9e21"
ATC, RXNORM = "http://www.whocc.no/atc", "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC, SCT, UCUM = "http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org"
EPIC_TYPES = "http://epic.com/CodeSystem/dose-rate-type"
HL7_TYPES = "http://terminology.hl7.org/CodeSystem/dose-rate-type"
GIRL = "eXoGxqgBaJuNkuahMYmiDhg3"
MINE = {"reference": f"Patient/{GIRL}"}
OTHER = {"reference": "Patient/another"}
PLANNED = "2025-09-15"
HOOKS = ("order-select", "order-sign")


def coding(system, code, **members):
    return {"system": system, "code": code, **members}


def coded(system, code, **members):
    return {"coding": [coding(system, code, **members)]}


def quantity(value, code, **members):
    return {"value": value, "unit": code, "system": UCUM, "code": code, **members}


def bundle(*resources, **members):
    return {"resourceType": "Bundle", **members, "entry": [{"resource": one} for one in resources]}


ZOLEDRONIC_ACID = coded(ATC, "M05BA08")
DOSE = {"doseQuantity": quantity(0.5, "mg")}


def drug_order(identifier="z1", /, **members):
    """A draft of zoledronic acid, 0.5 mg for 20 kg, unless the members say otherwise; None takes a member away."""
    whole = {
        "resourceType": "MedicationRequest",
        "id": identifier,
        "status": "draft",
        "intent": "order",
        "subject": MINE,
        "medicationCodeableConcept": ZOLEDRONIC_ACID,
        "dosageInstruction": [{"timing": {"event": [PLANNED]}, "doseAndRate": [DOSE]}],
        **members,
    }
    return {name: value for name, value in whole.items() if value is not None}


def service_order(text=None, *codings, identifier="s1", **members):
    code = {"text": text, "coding": list(codings)}
    return {
        "resourceType": "ServiceRequest",
        "id": identifier,
        "status": "draft",
        "intent": "order",
        "subject": MINE,
        "code": {name: value for name, value in code.items() if value},
        **members,
    }


def _result(identifier, code, amount, on, **members):
    about = {"resourceType": "Observation", "id": identifier, "status": "final", "subject": MINE}
    return {**about, "code": coded(LOINC, code), "valueQuantity": amount, "effectiveDateTime": on, **members}


_FREE_CALCIUM = {"referenceRange": [{"low": quantity(1.15, "mmol/L"), "high": quantity(1.33, "mmol/L")}]}
_CNO = {
    "resourceType": "Condition",
    "id": "cno",
    "subject": MINE,
    "clinicalStatus": coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
    "verificationStatus": coded("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed"),
    "code": coded("urn:oid:2.16.578.1.12.4.1.1.7110", "M86.3"),
    "recordedDate": "2024-11-20",
}
_NSAID = {
    "resourceType": "MedicationStatement",
    "id": "nsaid",
    "subject": MINE,
    "status": "active",
    "effectivePeriod": {"start": "2024-11-20"},
    "medicationCodeableConcept": coded(ATC, "M01AE02"),
}
_RECORD = {
    "patient": {"resourceType": "Patient", "id": GIRL, "birthDate": "2017-03-04"},
    "conditions": bundle(_CNO),
    "labs": bundle(
        _result("d", "68438-1", quantity(72, "nmol/L"), "2025-09-03"),
        _result("ca", "1995-0", quantity(1.24, "mmol/L"), "2025-09-12", **_FREE_CALCIUM),
    ),
    "vitals": bundle(_result("kg", "29463-7", quantity(20, "kg"), "2025-09-12")),
    "medicationStatements": bundle(_NSAID),
    **{key: bundle() for key in ("medicationRequests", "medicationAdministrations")},
    **{key: bundle() for key in ("allergies", "imagingStudies", "reports", "serviceRequests", "procedures")},
}


def record(*, suspicion=True, **changed):
    """What was prefetched; without suspicion no diagnosis is on record."""
    return deepcopy({**_RECORD, **({} if suspicion else {"conditions": bundle()}), **changed})


def session(*resources, hook="order-sign", selections=None, drafts=None, prefetch=None, **context):
    """A request of an order hook; `drafts` is the whole Bundle where it is not plain."""
    told = {"userId": "PractitionerRole/d", "patientId": GIRL, **context}
    told["draftOrders"] = bundle(*resources, type="collection") if drafts is None else drafts
    if hook == "order-select":
        told["selections"] = [] if selections is None else selections
    return {"hook": hook, "hookInstance": INSTANCE, "context": told, "prefetch": prefetch or record()}


def answered(client, request):
    """The cards of the service and the Evaluation of the same request, which must not differ in their cards."""
    body = json.dumps(request)
    told = client.post(f"/cds-services/cno-{request['hook']}", content=body, headers={"Accept-Language": "en"})
    assert told.status_code == 200, told.text
    evaluation = client.post("/evaluate?lang=en", content=body).json()
    cards = told.json()["cards"]
    assert [plain(card) for card in cards] == [plain(card) for card in evaluation["cards"]]
    return cards, evaluation


def plain(card):
    """A card without its uuids."""
    suggestions = [{**one, "uuid": ""} for one in card.get("suggestions", ())]
    return {**card, "uuid": "", "suggestions": suggestions}


def topics(cards):
    return [card["source"]["topic"]["code"] for card in cards]


def reasons(evaluation):
    return {note["reason"] for note in evaluation["notes"]}


def noted(evaluation):
    return {(note["source"], note["reason"], note.get("concept")) for note in evaluation["notes"]}


def checks(evaluation):
    return {check["id"]: check for check in evaluation["infusion"]["checks"]}
