"""What exactly is asked of a server: our own prefetch templates, filled in, over HTTPS, with the caller's token."""

import asyncio
from urllib.parse import parse_qs

import httpx
import pytest

from cds_service.hooks.services import BY_HOOK
from tests.fhir_access.faulty import TOKEN, ask, asking, tenant
from tests.fhir_access.samples import request

CHILD = "girl-9-multifocal-symmetric"
BASE = "https://fhir.example.org/r4"
EMPTY = {"resourceType": "Bundle", "type": "searchset", "total": 0}


def opened(folder, sample=CHILD, **fields):
    body = asking(request(sample), BASE, {"patient": request(sample)["prefetch"]["patient"]})
    return asyncio.run(ask(tenant(folder, BASE, **fields), body))


@pytest.mark.parametrize("sample", [CHILD, "girl-7-zoledronic-acid-ready"])
def test_the_queries_are_the_prefetch_templates_of_the_service(sample, fhir, tmp_path):
    route = fhir.route(host="fhir.example.org").mock(return_value=httpx.Response(200, json=EMPTY))
    opened(tmp_path, sample)
    hook = request(sample)["hook"]
    templates = BY_HOOK[hook].prefetch("https://example.org/cno-cds")
    wanted = {f"{BASE}/{query.replace('{{context.patientId}}', sample)}" for query in templates.values()}
    found = {str(call.request.url) for call in route.calls}
    assert {url.replace("%3A", ":").replace("%2F", "/") for url in found} == wanted - {f"{BASE}/Patient/{sample}"}


def test_each_request_carries_the_token_once_and_takes_no_compressed_answer(fhir, tmp_path):
    route = fhir.route(host="fhir.example.org").mock(return_value=httpx.Response(200, json=EMPTY))
    opened(tmp_path)
    for call in route.calls:
        assert call.request.headers.get_list("authorization") == [f"Bearer {TOKEN}"]
        assert call.request.headers["accept-encoding"] == "identity"
        assert call.request.headers["accept"] == "application/fhir+json"
        assert TOKEN not in str(call.request.url)


def test_a_search_by_post_carries_the_same_parameters_as_a_form(fhir, tmp_path):
    route = fhir.post(host="fhir.example.org").mock(return_value=httpx.Response(200, json=EMPTY))
    opened(tmp_path, fhir_search="post")
    asked = {call.request.url.path: parse_qs(call.request.content.decode()) for call in route.calls}
    assert asked["/r4/Condition/_search"] == {"patient": [CHILD], "_sort": ["-recorded-date"], "_count": ["200"]}
    assert {call.request.headers["content-type"] for call in route.calls} == {"application/x-www-form-urlencoded"}


def test_further_pages_of_a_search_by_post_are_asked_for_by_post(fhir, tmp_path):
    """The national laboratory API takes nothing else, and pages with a parameter of its own."""
    more = {**EMPTY, "link": [{"relation": "next", "url": f"{BASE}/Condition/_search?patient={CHILD}&_skip=50"}]}
    pages = fhir.post(f"{BASE}/Condition/_search").mock(
        side_effect=[httpx.Response(200, json=more), httpx.Response(200, json=EMPTY)]
    )
    fhir.post(host="fhir.example.org").mock(return_value=httpx.Response(200, json=EMPTY))
    opened(tmp_path, fhir_search="post")
    assert [parse_qs(call.request.content.decode()).get("_skip") for call in pages.calls] == [None, ["50"]]


@pytest.mark.parametrize("identifier", ["a/b", "a?b=c", "..", "a&patient=b", "a b", "a%2fb", "å", "a" * 300])
def test_an_id_that_could_change_the_query_is_never_put_into_one(identifier, fhir, tmp_path):
    route = fhir.route(host="fhir.example.org").mock(return_value=httpx.Response(200, json=EMPTY))
    body = asking(request(CHILD), BASE, {})
    body["context"] = {**body["context"], "patientId": identifier}
    answered = asyncio.run(ask(tenant(tmp_path, BASE), body))
    assert answered.response.status_code in {400, 412}
    assert route.call_count == 0


def test_without_a_token_only_a_server_that_is_listed_as_open_is_asked(fhir, tmp_path):
    route = fhir.route(host="fhir.example.org").mock(return_value=httpx.Response(200, json=EMPTY))
    sample = request(CHILD)
    body = {**sample, "fhirServer": BASE, "prefetch": {"patient": sample["prefetch"]["patient"]}}
    closed = asyncio.run(ask(tenant(tmp_path, BASE), body))
    assert route.call_count == 0
    assert closed.response.status_code == 412
    asyncio.run(ask(tenant(tmp_path, BASE, fhir_needs_token=False), body))
    assert route.call_count == len(sample["prefetch"]) - 1
    assert not any("authorization" in call.request.headers for call in route.calls)
