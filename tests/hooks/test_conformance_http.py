"""What CDS Hooks 2.0 asks of addresses, statuses and content types, held against the service as it is discovered."""

import json

import pytest

from tests.hooks.asked import BY_HOOK, ORDERS, SIGN, VIEW, outcome

NULL_LIST = {"conditions": None}
DSTU2 = {"resourceType": "MedicationOrder", "id": "m1", "status": "draft", "patient": {"reference": "Patient/kari"}}


def discovered(client):
    response = client.get("/cds-services")
    assert response.status_code == 200
    return response.json()["services"]


def test_discovery_is_a_json_object_with_a_list_of_services(client):
    response = client.get("/cds-services")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert list(response.json()) == ["services"]
    assert len(response.json()["services"]) == 3


def test_each_service_has_the_members_it_must_have_as_text(client):
    for service in discovered(client):
        assert set(service) == {"hook", "title", "description", "id", "prefetch"}
        for name in ("hook", "title", "description", "id"):
            assert isinstance(service[name], str)
            assert service[name].strip()
        assert service["hook"] in BY_HOOK


def test_each_service_is_served_under_the_address_that_its_id_makes(client):
    for service in discovered(client):
        asked = {**BY_HOOK[service["hook"]], "prefetch": {**VIEW["prefetch"], **NULL_LIST}}
        response = client.post(f"/cds-services/{service['id']}", json=asked)
        assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
        assert isinstance(response.json()["cards"], list)


def test_prefetch_is_an_object_of_keys_and_queries(client):
    for service in discovered(client):
        assert service["prefetch"]
        assert all(isinstance(query, str) and query for query in service["prefetch"].values())


def test_statuses_are_those_of_http_and_every_failure_is_an_outcome(client):
    url = "/cds-services/cno-patient-view"
    headers = {"Content-Type": "application/json"}
    outcome(client.post(url, content=b"{", headers=headers), 400)
    outcome(client.post("/cds-services/none", json=VIEW), 404)
    outcome(client.get(url), 405)
    outcome(client.post(url, json={**VIEW, "prefetch": {}}), 412)
    outcome(client.post(url, content=b" " * (2 * 1024 * 1024 + 1), headers=headers), 413)
    outcome(client.post(url, content=b"<a/>", headers={"Content-Type": "application/xml"}), 415)
    outcome(client.post("/evaluate?today=x", json=VIEW), 422)


def test_a_call_that_comes_twice_under_one_hook_instance_is_answered_twice(client):
    asked = {**VIEW, "prefetch": {**VIEW["prefetch"], **NULL_LIST}}
    answers = [client.post("/cds-services/cno-patient-view", json=asked) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/fhir+json", "text/html"])
def test_a_service_answers_json_whatever_is_accepted(client, accept):
    response = client.post("/cds-services/cno-patient-view", json={"hook": "patient-view"}, headers={"Accept": accept})
    outcome(response, 400)


@pytest.mark.parametrize(
    "orders",
    [
        {**ORDERS, "entry": [{"resource": DSTU2}]},
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "entry": []},
        {**ORDERS, "entry": [{"resource": {"resourceType": "NutritionOrder", "id": "n"}}]},
    ],
)
def test_orders_of_an_older_release_or_of_another_kind_are_answered(client, orders):
    asked = {
        **SIGN,
        "context": {**SIGN["context"], "draftOrders": orders},
        "prefetch": {**VIEW["prefetch"], **NULL_LIST},
    }
    response = client.post("/cds-services/cno-order-sign", content=json.dumps(asked))
    assert response.status_code == 200
    assert isinstance(response.json()["cards"], list)


@pytest.mark.parametrize("url", ["/docs", "/redoc", "/docs/oauth2-redirect"])
def test_no_page_describes_the_addresses_to_strangers(client, url):
    outcome(client.get(url), 404)
