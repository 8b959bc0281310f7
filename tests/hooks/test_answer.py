import json
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from cds_service.hooks.services import SERVICES
from cds_service.simulate.schema_checks import validator
from tests.hooks.asked import INSTANCE, PRIVATE, gaps, outcome, path

SCHEMAS = files("cds_service") / "schemas"
EVALUATION = Draft202012Validator(json.loads((SCHEMAS / "evaluation.schema.json").read_text("utf-8")))
RESPONSE = validator("Response")
PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "2014-04-10"}
CNO = {
    "resourceType": "Condition",
    "id": "cno",
    "subject": {"reference": "Patient/p1"},
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "240151005"}]},
}
FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
ZOLEDRONIC_ACID = {
    "resourceType": "MedicationRequest",
    "id": "z1",
    "status": "draft",
    "intent": "order",
    "subject": {"reference": "Patient/p1"},
    "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "M05BA08"}]},
    "dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": 3, "unit": "mg"}}]}],
}


def bundle(*resources, **members):
    return {
        "resourceType": "Bundle",
        "type": "collection",
        **members,
        "entry": [{"resource": one} for one in resources],
    }


def request(hook="patient-view", *, orders=(), prefetch=None, **members):
    context = {"userId": "Practitioner/1", "patientId": "p1"}
    if hook != "patient-view":
        context["draftOrders"] = bundle(*orders)
    return {
        "hook": hook,
        "hookInstance": INSTANCE,
        "context": {**context, **members},
        "prefetch": {"patient": PATIENT, "conditions": bundle(CNO)} if prefetch is None else prefetch,
    }


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
def test_each_service_answers_a_child_with_cno_with_valid_cards(client, service):
    orders = () if service.hook == "patient-view" else (ZOLEDRONIC_ACID,)
    response = client.post(path(service.hook), json=request(service.hook, orders=orders))
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    RESPONSE.validate(response.json())
    assert response.json()["cards"] != []
    assert gaps(response.json()) == []


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
def test_each_service_is_silent_about_a_child_without_a_sign_of_cno(client, service):
    prefetch = {"patient": PATIENT, "conditions": None}
    response = client.post(path(service.hook), json=request(service.hook, prefetch=prefetch))
    assert (response.status_code, response.json()) == (200, {"cards": []})


@pytest.mark.parametrize("slashed", ["/cds-services//cno-patient-view", "/cds-services/cno-patient-view/"])
def test_a_slash_too_many_does_not_lose_the_request(client, slashed):
    assert client.post(slashed, json=request()).json()["cards"] != []


def test_a_hook_is_judged_by_the_date_in_oslo_and_a_fixed_day_only_replaces_it(client, make_client):
    def day(one):
        return one.post("/evaluate", json=bundle(PATIENT)).json()["evaluatedOn"]

    assert day(client) == "2025-09-15"
    assert day(make_client(TODAY="2024-02-29")) == "2024-02-29"


@pytest.mark.parametrize("hook", ["patient-view", "order-sign"])
def test_the_patient_of_another_context_is_refused(client, hook):
    other = {"patient": {**PATIENT, "id": PRIVATE}, "conditions": None}
    outcome(client.post(path(hook), json=request(hook, prefetch=other)), 412)


def test_without_a_patient_the_chart_cannot_be_judged_but_an_order_can(client):
    outcome(client.post(path("patient-view"), json=request(prefetch={"conditions": bundle(CNO)})), 412)
    response = client.post(path("order-sign"), json=request("order-sign", orders=(ZOLEDRONIC_ACID,), prefetch={}))
    assert [card["source"]["topic"]["code"] for card in response.json()["cards"]] == ["CNOinfusion"]


@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        ({}, 412),
        ({"conditions": {"resourceType": "OperationOutcome"}}, 412),
        ({"conditions": "<html>"}, 412),
        ({"conditions": {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": FAILED}]}}, 412),
        ({"conditions": None}, 200),
        ({"conditions": bundle()}, 200),
        ({"conditions": {"resourceType": "Bundle", "total": 0}}, 200),
    ],
)
def test_a_list_of_conditions_that_did_not_come_is_not_an_empty_one(client, conditions, status):
    response = client.post(path("patient-view"), json=request(prefetch={"patient": PATIENT, **conditions}))
    assert response.status_code == status
    if status == 412:
        outcome(response, 412)


def test_an_adult_is_silent_without_a_list_of_conditions(client):
    adult = {"patient": {**PATIENT, "birthDate": "1980-01-01"}}
    assert client.post(path("patient-view"), json=request(prefetch=adult)).json() == {"cards": []}


@pytest.mark.parametrize("bundle_type", ["collection", "searchset", "document", None])
@pytest.mark.parametrize("hook", [None, "patient-view", "order-select", "order-sign"])
@pytest.mark.parametrize("lang", ["nb", "nn", "en"])
def test_a_bundle_of_any_type_is_evaluated_as_any_hook_in_any_language(client, bundle_type, hook, lang):
    body = bundle(PATIENT, CNO, ZOLEDRONIC_ACID, type=bundle_type)
    params = {"lang": lang, **({"hook": hook} if hook else {})}
    response = client.post("/evaluate", params=params, json=body)
    assert response.status_code == 200
    EVALUATION.validate(response.json())
    RESPONSE.validate({"cards": response.json()["cards"]})
    assert response.json()["infusion"]["order"] == "MedicationRequest/z1"
    assert "silence" not in response.json()


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (bundle(PATIENT), "no-suspicion"),
        (bundle(), "no-suspicion"),
        (request(userId="Patient/p1"), "patient-user"),
        (request("order-sign"), "order-outside"),
    ],
)
def test_silence_is_named_and_the_evaluation_is_whole_all_the_same(client, body, word):
    evaluation = client.post("/evaluate", json=body).json()
    EVALUATION.validate(evaluation)
    assert (evaluation["silence"], evaluation["cards"]) == (word, [])
    assert len(evaluation["classification"]["domains"]) == 9


def test_the_evaluation_of_a_request_holds_the_cards_that_the_hook_gets(client):
    def without_uuids(cards):
        return [{name: value for name, value in card.items() if name not in {"uuid", "suggestions"}} for card in cards]

    for hook, orders in (("patient-view", ()), ("order-sign", (ZOLEDRONIC_ACID,))):
        told = client.post("/evaluate", json=request(hook, orders=orders)).json()["cards"]
        shown = client.post(path(hook), json=request(hook, orders=orders)).json()["cards"]
        assert without_uuids(told) == without_uuids(shown)


def test_a_day_in_the_query_is_the_day_of_the_evaluation(client):
    assert client.post("/evaluate?today=2031-01-31", json=bundle(PATIENT)).json()["evaluatedOn"] == "2031-01-31"


def test_a_draft_that_cannot_be_read_is_told_for_it_may_be_the_drug(client):
    broken = {"resourceType": "MedicationRequest", "id": "z1", "status": "draft", "dosageInstruction": PRIVATE}
    lost = bundle(broken)
    cards = client.post(path("order-sign"), json=request("order-sign", draftOrders=lost)).json()["cards"]
    assert [(card["indicator"], card["source"]["topic"]["code"]) for card in cards] == [("info", "CNOtreatmentorder")]
    assert PRIVATE not in json.dumps(cards)


@pytest.mark.parametrize(
    ("resources", "limit"),
    [
        ([{**CNO, "id": f"c{n}"} for n in range(5001)], "5000"),
        ([{**ZOLEDRONIC_ACID, "id": f"z{n}"} for n in range(201)], "200"),
    ],
    ids=["resources", "drafts"],
)
def test_more_than_one_chart_or_one_session_can_hold_is_refused_by_name(client, resources, limit):
    assert limit in outcome(client.post("/evaluate", json=bundle(PATIENT, *resources)), 413)
    by_hook = request("order-sign", draftOrders=bundle(*resources), prefetch={"patient": PATIENT})
    assert limit in outcome(client.post(path("order-sign"), json=by_hook), 413)


def test_as_much_as_the_limits_allow_is_answered(client):
    orders = [{**ZOLEDRONIC_ACID, "id": f"z{n}"} for n in range(200)]
    filled = bundle(PATIENT, *orders, *({**CNO, "id": f"c{n}"} for n in range(4799)))
    assert client.post("/evaluate", json=filled).json()["infusion"]["readiness"] == "incomplete"
