import json

import pytest

from cds_service.hooks.services import SERVICES
from tests.hooks.asked import INSTANCE, PRIVATE, gaps, outcome, path

JSON = {"Content-Type": "application/json"}
PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "2014-04-10"}
CNO = {
    "resourceType": "Condition",
    "id": "cno",
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "240151005"}]},
}
CHART = {"resourceType": "Bundle", "entry": [{"resource": PATIENT}, {"resource": CNO}]}


def request(hook="patient-view", **context):
    context = {"userId": "Practitioner/1", "patientId": "p1", "draftOrders": {"resourceType": "Bundle"}, **context}
    prefetch = {"patient": PATIENT, "conditions": CHART}
    return {"hook": hook, "hookInstance": INSTANCE, "context": context, "prefetch": prefetch}


@pytest.mark.parametrize("url", ["/cds-services", "/cds-services/", "/cds-services//"])
@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/fhir+json"])
def test_discovery_is_answered_with_and_without_a_slash_whatever_is_accepted(client, url, accept):
    response = client.get(url, headers={"Accept": accept} if accept else {})
    assert response.status_code == 200
    assert response.content == client.get("/cds-services").content
    assert [service["id"] for service in response.json()["services"]] == [service.id for service in SERVICES]
    assert gaps(response.json()) == []


def test_discovery_answers_head_without_a_body(client):
    response = client.request("HEAD", "/cds-services")
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) == len(client.get("/cds-services").content)


@pytest.mark.parametrize(
    ("method", "url", "allowed"),
    [
        ("POST", "/cds-services", {"GET", "HEAD", "OPTIONS"}),
        ("DELETE", "/cds-services/", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/cds-services/cno-patient-view", {"POST", "OPTIONS"}),
        ("PUT", "/cds-services/cno-order-sign", {"POST", "OPTIONS"}),
        ("GET", "/evaluate", {"POST"}),
        ("POST", "/livez", {"GET", "HEAD"}),
    ],
)
def test_another_method_is_refused_with_those_that_are_allowed(client, method, url, allowed):
    response = client.request(method, url)
    outcome(response, 405)
    assert set(response.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("url", ["/cds-services/other", "/cds-services/cno-patient-view/other", "/cds-servicesx", "/x"])
def test_an_unknown_address_is_not_found(client, method, url):
    outcome(client.request(method, url), 404)


def test_in_development_a_page_of_any_origin_may_call_the_services(client):
    preflight = client.request(
        "OPTIONS",
        path("patient-view"),
        headers={
            "Origin": "https://sandbox.cds-hooks.org",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert preflight.headers["access-control-allow-headers"] == "authorization, content-type"
    for response in (client.get("/cds-services"), client.post(path("patient-view"), content=b"{")):
        assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"hook": None}, "hook"),
        ({"hook": PRIVATE}, "hook"),
        ({"hookInstance": ""}, "hookInstance"),
        ({"context": None}, "context"),
        ({"context": {"userId": "Practitioner/1"}}, "context.patientId"),
        ({"context": {"patientId": PRIVATE}}, "context.userId"),
        ({"context": {"userId": "Practitioner/1", "patientId": f"Group/{PRIVATE}"}}, "context.patientId"),
    ],
)
def test_a_wrong_envelope_is_refused_by_the_name_of_the_field(client, service, change, named):
    response = client.post(path(service.hook), json={**request(service.hook), **change})
    assert named in outcome(response, 400)


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_an_order_hook_without_orders_is_refused(client, hook):
    assert "context.draftOrders" in outcome(client.post(path(hook), json=request(hook, draftOrders=None)), 400)


@pytest.mark.parametrize("url", [path("patient-view"), path("order-sign"), "/evaluate"])
@pytest.mark.parametrize("content", [b"", b"{", b'{"x": NaN}', b"[]", b"null", b"\xef\xbb\xbf{}", b'{"x":"\xff"}'])
def test_what_is_not_a_json_object_is_refused(client, url, content):
    outcome(client.post(url, content=content, headers=JSON), 400)


@pytest.mark.parametrize("url", [path("patient-view"), "/evaluate"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/xml"}, 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
        ({"Content-Type": "application/fhir+json"}, 200),
        ({}, 200),
    ],
)
def test_only_json_is_read(client, url, headers, status):
    response = client.post(url, content=json.dumps(request()).encode(), headers=headers)
    assert response.status_code == status


@pytest.mark.parametrize("url", [path("patient-view"), "/evaluate"])
def test_a_body_above_two_mebibytes_is_refused_whether_it_says_so_or_not(client, url):
    long = json.dumps({**request(), "filler": "x" * 2 * 1024 * 1024}).encode()

    async def chunks():
        for start in range(0, len(long), 65536):
            yield long[start : start + 65536]

    outcome(client.post(url, content=long, headers=JSON), 413)
    outcome(client.post(url, content=chunks(), headers=JSON), 413)
    outcome(client.post(url, content=b"{}", headers={**JSON, "Content-Length": "9" * 5000}), 413)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("hook=encounter-start", "hook"),
        ("today=15.09.2025", "today"),
        ("today=2025-02-29", "today"),
        ("today=20250915", "today"),
        ("today=2025-W38-1", "today"),
        ("today=0001-01-01", "today"),
        ("today=", "today"),
        ("lang=de", "lang"),
        (f"lang={PRIVATE}", "lang"),
    ],
)
def test_a_wrong_query_is_refused_by_name(client, query, named):
    assert named in outcome(client.post(f"/evaluate?{query}", json=CHART), 422)


@pytest.mark.parametrize(
    "body", [{}, {"resourceType": "Patient", "id": PRIVATE}, {"resourceType": "Bundle", "entry": 7}]
)
def test_what_is_neither_bundle_nor_hook_request_cannot_be_evaluated(client, body):
    outcome(client.post("/evaluate", json=body), 422)


def test_a_bundle_of_two_patients_is_nobodys_record(client):
    outcome(
        client.post(
            "/evaluate",
            json={"resourceType": "Bundle", "entry": [{"resource": PATIENT}, {"resource": {**PATIENT, "id": PRIVATE}}]},
        ),
        422,
    )
