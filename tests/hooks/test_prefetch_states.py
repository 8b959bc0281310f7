"""F10, PD1 to PD12: what each state of each prefetch key means, without any access to a FHIR server."""

import json
from pathlib import Path

import pytest

CHILD = "girl-9-multifocal-symmetric"
SAMPLES = Path(__file__).parent.parent.parent / "fhir_samples"
REQUEST = json.loads((SAMPLES / CHILD / "request.json").read_text("utf-8"))
PREFETCH = REQUEST["prefetch"]
LISTS = sorted(set(PREFETCH) - {"patient", "labs", "vitals", "imagingFindings", "assessment"})
"""Keys whose resource type no other key asks for; without its form this child shows no sign of CNO."""
FAILURE = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}
NO_RESULTS = {
    "resourceType": "Bundle", "type": "searchset", "total": 0,
    "link": [{"relation": "self", "url": "https://ehr.example.org/api/FHIR/R4/Observation?x"}],
    "entry": [
        {
            "resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "processing"}]},
            "search": {"mode": "outcome"},
        }
    ],
}  # fmt: skip
EMPTY = [
    None,
    {"resourceType": "Bundle", "type": "searchset", "total": 0},
    {"resourceType": "Bundle", "type": "searchset", "entry": []},
    {"resourceType": "Bundle", "entry": None},
    NO_RESULTS,
]
GARBAGE = ["<html><body>500</body></html>", 7, True, [], {}, {"resource": None}, {"resourceType": "Observations"}]


def post(client, prefetch, **members):
    return client.post(
        "/cds-services/cno-patient-view",
        json={**REQUEST, "prefetch": prefetch, **members},
        headers={"Accept-Language": "en"},
    )


def told(client, prefetch):
    """The text of all cards, and source and reason of their notes."""
    response = post(client, prefetch)
    assert response.status_code == 200, response.text
    cards = response.json()["cards"]
    found = [card["extension"]["example.cno-cds.result"].get("notes", []) for card in cards]
    notes = {(note["source"], note["reason"]) for notes in found for note in notes}
    return [card["detail"] for card in cards], notes


def without(key):
    return {name: value for name, value in PREFETCH.items() if name != key}


@pytest.mark.parametrize("key", LISTS)
def test_missing_and_failed_are_not_received_and_null_and_empty_are_known(key, client):
    missing, _ = told(client, without(key))
    failed, notes = told(client, PREFETCH | {key: FAILURE})
    assert failed == missing
    assert (f"prefetch.{key}", "prefetch-failed") in notes
    empty = [told(client, PREFETCH | {key: value}) for value in EMPTY]
    assert empty == [empty[0]] * len(EMPTY)
    assert not {source for source, _ in empty[0][1]} & {f"prefetch.{key}"}


READY = json.loads((SAMPLES / "girl-7-zoledronic-acid-ready" / "request.json").read_text("utf-8"))


def readiness(client, key, value):
    """The readiness card's text, where a key is sent with that value or (MISSING) not at all."""
    prefetch = {name: sent for name, sent in READY["prefetch"].items() if name != key}
    prefetch |= {} if value is MISSING else {key: value}
    body = {**READY, "prefetch": prefetch}
    (card, *_) = client.post("/cds-services/cno-order-sign", json=body, headers={"Accept-Language": "en"}).json()[
        "cards"
    ]
    return card["detail"]


MISSING = object()


@pytest.mark.parametrize(
    ("key", "label", "others"),
    [("labs", "results and measurements", "vital signs"), ("vitals", "vital signs", "results and measurements")],
)
@pytest.mark.parametrize("value", [MISSING, FAILURE])
def test_of_the_lists_of_observations_the_one_that_did_not_come_is_named(key, label, others, value, client):
    """Weight and vitamin D stand in different lists: one of them says nothing of the other."""
    (line,) = [line for line in readiness(client, key, value).splitlines() if line.startswith("- Not received")]
    assert label in line
    assert others not in line


@pytest.mark.parametrize("key", ["labs", "vitals"])
@pytest.mark.parametrize("value", EMPTY)
def test_an_empty_list_of_observations_was_received(key, value, client):
    assert "Not received" not in readiness(client, key, value)


@pytest.mark.parametrize(
    "unread",
    [
        None,
        {"resourceType": "AllergyIntolerance", "id": "a", "patient": 7},
        {
            "resourceType": "AllergyIntolerance",
            "id": "a",
            "code": {"coding": [{"system": "https://x.example", "code": "7"}]},
        },
    ],
)
def test_an_allergy_that_cannot_be_read_is_told_before_paracetamol(unread, client):
    said = "not received or not read: check before paracetamol"
    assert said not in readiness(client, "allergies", EMPTY[1])
    sent = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": unread}]}
    assert said in readiness(client, "allergies", sent)


def test_one_list_of_all_observations_is_all_three(client):
    lists = [READY["prefetch"][key].get("entry", []) for key in ("labs", "vitals", "imagingFindings")]
    prefetch = {key: value for key, value in READY["prefetch"].items() if key not in {"labs", "vitals"}}
    prefetch |= {
        "observations": {"resourceType": "Bundle", "type": "searchset", "entry": [*lists[0], *lists[1], *lists[2]]}
    }
    del prefetch["imagingFindings"]
    body = {**READY, "prefetch": prefetch}
    (card, *_) = client.post("/cds-services/cno-order-sign", json=body, headers={"Accept-Language": "en"}).json()[
        "cards"
    ]
    assert card["detail"] == readiness(client, "labs", READY["prefetch"]["labs"])


@pytest.mark.parametrize(
    ("total", "is_cut"),
    [
        (None, False),
        (0, False),
        (1, False),
        ("1", False),
        (1.0, False),
        (7, True),
        (7.0, True),
        ("7", True),
        ("x", True),
        ("1-1", True),
        (True, True),
        (-1, True),
        (10**40, True),
        ({}, True),
    ],
)
def test_a_list_that_says_to_hold_more_than_came_is_cut(total, is_cut, client):
    """Some servers hand out a page without a link to the next."""
    cut = {**PREFETCH["assessment"], "total": total}
    assert len(cut["entry"]) == 1
    _, notes = told(client, PREFETCH | {"assessment": cut})
    assert (("prefetch.assessment", "incomplete-page") in notes) == is_cut


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("key", ["conditions", "labs", "medicationAdministrations"])
def test_garbage_is_failed_and_never_a_fault_of_ours(key, garbage, client):
    details, notes = told(client, PREFETCH | {key: garbage})
    assert {source for source, _ in notes} == {f"prefetch.{key}"}
    assert "Not received" in "\n".join(details)


def test_the_old_form_is_the_new_one(client):
    old = {key: {"resource": value, "response": {"status": "200 OK"}} for key, value in PREFETCH.items()}
    assert told(client, old) == told(client, PREFETCH)


def test_a_read_answered_with_a_bundle_and_a_search_with_a_bare_resource_are_taken(client):
    (observation,) = [entry["resource"] for entry in PREFETCH["labs"]["entry"] if entry["resource"]["id"] == "o1"]
    one = PREFETCH | {"labs": {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": observation}]}}
    bare = one | {
        "patient": {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": PREFETCH["patient"]}]},
        "labs": observation,
    }
    assert told(client, bare) == told(client, one)


def test_an_unrequested_key_changes_nothing(client):
    more = {"unrequested": {"resourceType": "Basic"}, "__x__": {"resourceType": "Practitioner", "id": "p"}}
    assert told(client, PREFETCH | more) == told(client, PREFETCH)


def test_a_next_page_makes_the_list_incomplete(client):
    page = {**PREFETCH["conditions"], "link": [{"relation": "next", "url": "https://ehr.example.org/x?page=2"}]}
    details, notes = told(client, PREFETCH | {"conditions": page})
    assert notes == {("prefetch.conditions", "incomplete-page")}
    assert "diagnoses" in "\n".join(details)


@pytest.mark.parametrize("prefetch", [{}, None, "x", {"conditions": None}, {"patient": FAILURE}, {"patient": None}])
def test_without_the_patient_the_answer_is_412_with_an_outcome(prefetch, client):
    response = post(client, prefetch)
    assert (response.status_code, response.json()["resourceType"]) == (412, "OperationOutcome")


def test_a_stripped_request_is_refused_with_the_name_of_the_field(client):
    """An EHR that does not know the endpoint by its exact address leaves out what is the patient's."""
    response = client.post(
        "/cds-services/cno-patient-view", json={"hook": "patient-view", "hookInstance": REQUEST["hookInstance"]}
    )
    assert response.status_code == 400
    assert "context" in response.json()["issue"][0]["diagnostics"]
