import json
import re
from importlib.metadata import version
from pathlib import Path

import pytest
import schemathesis
from jsonschema import Draft202012Validator

from cds_service.hooks.openapi import openapi
from cds_service.hooks.services import SERVICES
from cds_service.mappings.outgoing import operation_outcome

ROOT = Path(__file__).parent.parent.parent
BASE, CANONICAL = "https://cds.example.org", "https://example.org/cno-cds"
DOCUMENT = json.loads(openapi(BASE, CANONICAL, ROOT / "fhir_samples"))
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]
PAGES = {(path, method) for path, method in OPERATIONS if not path.startswith("/cds-services")}
FEEDBACK = "/cds-services/{id}/feedback"


def valid(name):
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}})


def references(part):
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    found = {part["$ref"]} if isinstance(part, dict) and isinstance(part.get("$ref"), str) else set()
    return found.union(*(references(value) for value in inner))


def test_the_document_is_valid_openapi_3_1():
    schemathesis.openapi.from_dict(DOCUMENT).validate()
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert DOCUMENT["servers"] == [{"url": BASE}]
    assert DOCUMENT["info"]["version"] == version("cno-cds")


def test_each_schema_is_valid_json_schema_2020_12():
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


def test_each_reference_leads_somewhere_and_nothing_is_carried_that_none_leads_to():
    used = references(DOCUMENT)
    for reference in used:
        part = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]
    assert {f"#/components/schemas/{name}" for name in SCHEMAS} <= used


def test_each_page_of_the_app_is_in_it_and_the_other_way_round(client):
    served = {(route.path, method.lower()) for route in client.app._pages.routes for method in route.methods}
    own = {"/openapi.json"}
    assert {(path, method) for path, method in served if method != "head" and path not in own} == PAGES


def test_each_path_below_the_services_is_answered_and_nothing_else_is(client):
    documented = {path for path, _ in OPERATIONS} - {path for path, _ in PAGES}
    assert documented == {"/cds-services", FEEDBACK, *(f"/cds-services/{service.id}" for service in SERVICES)}
    for path in documented:
        status = client.request("DELETE", path.replace("{id}", SERVICES[0].id)).status_code
        assert status == 405, path


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_each_failure_is_an_operation_outcome(path, method):
    responses = DOCUMENT["paths"][path][method]["responses"]
    assert "200" in responses
    for status in responses.keys() - {"200"}:
        failure = DOCUMENT["components"]["responses"][responses[status]["$ref"].rpartition("/")[2]]
        assert failure["content"]["application/json"]["schema"]["$ref"].endswith("/OperationOutcome")


def test_our_operation_outcomes_are_such():
    valid("OperationOutcome").validate(operation_outcome("structure", "The body is not well-formed JSON."))
    assert not valid("OperationOutcome").is_valid(operation_outcome("odd", "No issue type of R4."))
    assert not valid("OperationOutcome").is_valid({"detail": "Not Found"})


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
def test_each_service_shows_an_example_that_it_answers_as_shown(client, service):
    operation = DOCUMENT["paths"][f"/cds-services/{service.id}"]["post"]
    (request,) = operation["requestBody"]["content"]["application/json"]["examples"].values()
    (answer,) = operation["responses"]["200"]["content"]["application/json"]["examples"].values()
    valid(f"Request.{service.hook}").validate(request["value"])
    valid("Response").validate(answer["value"])
    response = client.post(f"/cds-services/{service.id}", json=request["value"])
    assert [card["summary"] for card in response.json()["cards"]] == [
        card["summary"] for card in answer["value"]["cards"]
    ]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.id)
def test_the_request_of_a_service_names_what_discovery_asks_for(service):
    prefetch = SCHEMAS[f"Request.{service.hook}"]["properties"]["prefetch"]["properties"]
    assert {key: value["description"] for key, value in prefetch.items()} == service.prefetch(CANONICAL)
    other = {"hook": "order-sign" if service.hook == "patient-view" else "patient-view"}
    request = next(iter(example(service).values()))["value"]
    assert not valid(f"Request.{service.hook}").is_valid(request | other)


def example(service):
    operation = DOCUMENT["paths"][f"/cds-services/{service.id}"]["post"]
    return operation["requestBody"]["content"]["application/json"]["examples"]


@pytest.mark.parametrize(
    "path", ["/cds-services", "/livez", "/readyz", "/version", "/fhir/Questionnaire/cno-assessment"]
)
def test_what_is_answered_is_what_is_documented(client, path):
    response = client.get(path)
    ((media, content),) = DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"].items()
    assert response.headers["content-type"] == media
    valid(content["schema"]["$ref"].rpartition("/")[2]).validate(response.json())


@pytest.mark.parametrize("query", ["hook", "today", "lang"])
def test_the_documented_query_of_evaluate_is_the_one_that_is_read(client, query):
    parameters = {each["name"]: each["schema"] for each in DOCUMENT["paths"]["/evaluate"]["post"]["parameters"]}
    bundle = {"resourceType": "Bundle"}
    good = (parameters[query].get("enum") or ["2025-09-15"])[-1]
    assert client.post("/evaluate", params={query: good}, json=bundle).status_code == 200
    assert client.post("/evaluate", params={query: "odd"}, json=bundle).status_code == 422


def test_it_is_served_without_samples_and_always_the_same(tmp_path):
    assert openapi(BASE, CANONICAL, tmp_path) == openapi(BASE, CANONICAL, tmp_path)
    schemathesis.openapi.from_dict(json.loads(openapi(BASE, CANONICAL, tmp_path))).validate()
    assert not re.search(rb'"examples"', openapi(BASE, CANONICAL, tmp_path))


def test_a_refused_token_is_told_where_one_is_asked_for(client):
    """What is open to everybody, as the pages of operations are, knows no 401."""
    wrong = {"Authorization": "Bearer a.b.c", "Content-Type": "application/json"}
    for address, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            path = address.replace("{id}", "cno-patient-view")
            response = client.request(method, path, headers=wrong, content=b"{}" if method == "post" else None)
            assert (response.status_code == 401) == ("401" in operation["responses"]) == ("security" in operation)


def test_the_list_of_services_is_held_back_by_no_limit():
    assert DOCUMENT["paths"]["/cds-services"]["get"]["responses"].keys() == {"200", "400", "401", "405", "500"}
