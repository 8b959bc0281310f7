"""Hook requests of all three hooks, and what every answer of ours must look like."""

import json

INSTANCE = "4f8a2d10-93b1-4c02-8a55-0d3b7a6f9e21"
PRIVATE = "Olav-Nordmann-01010012345"
ORDERS = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "MedicationRequest", "id": "z1"}}]}
VIEW = {
    "hook": "patient-view",
    "hookInstance": INSTANCE,
    "context": {"userId": "Practitioner/p", "patientId": "kari"},
    "prefetch": {"patient": {"resourceType": "Patient", "id": "kari", "birthDate": "2014-02-28"}},
}
SIGN = {**VIEW, "hook": "order-sign", "context": {**VIEW["context"], "draftOrders": ORDERS}}
SELECT = {**SIGN, "hook": "order-select", "context": {**SIGN["context"], "selections": ["MedicationRequest/z1"]}}
BY_HOOK = {"patient-view": VIEW, "order-sign": SIGN, "order-select": SELECT}


def body(request, **members):
    return json.dumps({**request, **members}).encode()


def path(hook):
    return f"/cds-services/cno-{hook}"


def outcome(response, status):
    """The answer as an OperationOutcome of that status, which repeats nothing that was sent."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    told = response.json()
    assert told["resourceType"] == "OperationOutcome"
    assert told["issue"][0]["severity"] in {"error", "fatal"}
    assert PRIVATE not in response.text
    return told["issue"][0]["diagnostics"]


def gaps(part, where="$"):
    """Members that hold nothing: null, an empty text, list or object."""
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    own = [where] if part in (None, "", [], {}) and part is not False else []
    return own + [gap for name, value in inner for gap in gaps(value, f"{where}.{name}")]
