"""What each vendor's EHR sends: sound requests in its own dialect, about one child, on any day."""

import json
from copy import deepcopy
from datetime import UTC, date, datetime

import pytest

from cds_service.simulate.address import UsageError
from cds_service.simulate.bodies import Bodies
from cds_service.simulate.schema_checks import validator
from cds_service.simulate.vendor import profile
from tests.simulate.served import card, discovery, serving
from tests.simulate.twists import NOW, visit

VENDORS = ("epic", "oracle", "sandbox")
TEMPLATES = discovery()["services"][0]["prefetch"]


def requests_of(vendor, now=NOW, templates=None):
    bodies = Bodies(profile(vendor), now)
    return {play.step: bodies.hook_request(play, templates) for play in profile(vendor).plays}


def sent(vendor, **options):
    with serving() as service:
        visit(vendor, service.url, **options)
    return service.asked


def orders(request):
    return [entry["resource"] for entry in request["context"]["draftOrders"]["entry"]]


def of_type(resources, wanted):
    return [one for one in resources if one["resourceType"] == wanted]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("templates", [None, TEMPLATES])
def test_each_request_is_valid_cds_hooks(vendor, templates):
    requests = requests_of(vendor, templates=templates)
    assert {request["hook"] for request in requests.values()} == {"patient-view", "order-select", "order-sign"}
    for request in requests.values():
        validator("Request").validate(request)


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_call_has_a_hook_instance_of_its_own(vendor):
    instances = [request.json["hookInstance"] for request in sent(vendor) if b"hookInstance" in request.body]
    assert len(set(instances)) == len(instances)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("day", [date(2024, 2, 29), date(2026, 12, 31), date(2041, 6, 1)])
def test_the_child_and_the_order_do_not_age(vendor, day):
    request = requests_of(vendor, datetime(day.year, day.month, day.day, 23, 59, tzinfo=UTC), TEMPLATES)["order-sign"]
    born = date.fromisoformat(request["prefetch"]["patient"]["birthDate"])
    results = [entry["resource"] for entry in request["prefetch"]["labs"]["entry"]]
    taken = date.fromisoformat(results[0]["effectiveDateTime"][:10])
    repeat = orders(request)[0]["dosageInstruction"][0]["timing"]["repeat"]
    planned = date.fromisoformat(repeat["boundsPeriod"]["start"][:10])
    assert 7 <= (day - born).days // 365.25 < 8
    assert (day - taken).days == 3
    assert (planned - day).days == 1


def test_epic_asks_for_no_list_of_services():
    asked = sent("epic")
    assert all(one.method == "POST" or one.path.endswith("acme-greeter") for one in asked)
    assert not any("origin" in one.headers for one in asked)


def test_epic_uses_the_sites_own_keys_and_its_own_extension():
    requests = requests_of("epic")
    trigger = "com.epic.cdshooks.request.bpa-trigger-action"
    assert [request["extension"][trigger] for request in requests.values()] == ["60", "18", "23"]
    for request in requests.values():
        assert request["prefetch"]["-user"]["resourceType"] == "PractitionerRole"
        assert {"labResults-user", "problems-user"} <= set(request["prefetch"])
        assert isinstance(request["fhirAuthorization"]["expires_in"], int)
        assert " (R4)" in request["fhirAuthorization"]["scope"]


def test_epic_says_in_a_bundle_that_a_search_found_nothing():
    nothing = requests_of("epic")["patient-view"]["prefetch"]["allergies-user"]
    (entry,) = nothing["entry"]
    assert (nothing["total"], entry["search"]["mode"]) == (0, "outcome")
    assert entry["resource"]["issue"][0]["details"]["coding"][0]["code"] == "4101"


def test_epic_sends_a_drug_beside_the_order_and_three_doses_of_it():
    order, drug = orders(requests_of("epic")["order-sign"])
    assert len(order["id"]) == 194
    assert order["medicationReference"]["reference"] == f"{drug['resourceType']}/{drug['id']}"
    kinds = [dose["type"]["text"] for dose in order["dosageInstruction"][0]["doseAndRate"]]
    assert kinds == ["calculated", "admin-amount", "ordered"]


def test_epic_refers_from_the_chart_with_whole_addresses():
    request = requests_of("epic")["patient-view"]
    condition = request["prefetch"]["problems-user"]["entry"][0]["resource"]
    assert condition["subject"]["reference"] == f"{request['fhirServer']}/Patient/{request['context']['patientId']}"


def test_oracle_fills_the_templates_and_sends_null_where_nothing_was_found():
    prefetch = requests_of("oracle", templates=TEMPLATES)["order-sign"]["prefetch"]
    assert prefetch["allergies"] is None
    assert prefetch["user"]["resourceType"] == "Practitioner"
    assert [entry["resource"]["category"][0]["coding"][0]["code"] for entry in prefetch["labs"]["entry"]] == [
        "laboratory"
    ] * 4


def test_oracle_opens_the_chart_once_without_any_data():
    assert [step for step, request in requests_of("oracle").items() if "prefetch" not in request] == [
        "patient-view, no prefetch"
    ]


def test_the_sandbox_reads_the_list_first_as_a_page_does():
    asked = sent("sandbox", bearer="abc.def")
    assert [(one.method, one.path) for one in asked[:2]] == [("OPTIONS", "/cds-services"), ("GET", "/cds-services")]
    assert {one.headers["origin"] for one in asked} == {"https://sandbox.cds-hooks.org"}
    assert all(("authorization" in one.headers) == (one.method != "OPTIONS") for one in asked)
    assert {one.headers.get("authorization") for one in asked} == {"Bearer abc.def", None}


def test_the_sandbox_begins_an_order_without_drug_and_has_its_own_shapes():
    requests = requests_of("sandbox", templates=TEMPLATES)
    (begun,) = orders(requests["order-select, no drug yet"])
    (chosen,) = orders(requests["order-select"])
    assert "medicationCodeableConcept" not in begun
    assert "intent" not in begun
    assert isinstance(chosen["category"], dict)
    assert "type" not in requests["order-sign"]["context"]["draftOrders"]
    assert requests["order-select"]["context"]["selections"] == ["MedicationRequest/request-123"]
    assert "entry" not in requests["order-sign"]["prefetch"]["allergies"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_cannot_be_filled_or_found_is_left_out(vendor):
    templates = {
        "missing": "Patient/someone-else",
        "open": "Encounter/{{context.nothing}}",
        "odd": 5,
        "coded": "Observation?patient={{context.patientId}}&code=http://loinc.org|718-7,http://loinc.org|1-8",
        "status": "Observation?patient={{context.patientId}}&status=preliminary",
    }
    prefetch = requests_of(vendor, templates=templates)["patient-view"]["prefetch"]
    assert set(prefetch) == {"coded", "status"}
    assert len(prefetch["coded"]["entry"]) == 1
    assert not of_type([entry["resource"] for entry in (prefetch["status"] or {}).get("entry", [])], "Observation")


@pytest.mark.parametrize(
    ("vendor", "member", "posts"),
    [("epic", "overrideReasons", 1), ("oracle", "overrideReason", 2), ("sandbox", "overrideReason", 2)],
)
def test_feedback_is_told_in_the_vendors_own_shape(vendor, member, posts):
    asked = [one for one in sent(vendor) if one.method == "POST" and one.path.endswith("acme-checker/feedback")]
    items = [item for one in asked for item in one.json["feedback"]]
    assert len(asked) == posts
    assert {item["outcome"] for item in items} == {"accepted", "overridden"}
    assert all(item["outcomeTimestamp"] == "2026-03-02T09:30:00Z" for item in items)
    reasons = [item[member]["reason"] for item in items if "reason" in item.get(member, {})]
    assert reasons
    assert all({"code", "system"} <= set(reason) for reason in reasons)
    assert ("display" in reasons[0]) is (vendor == "epic")


def test_epic_reports_a_reason_of_its_own_in_an_extension_alone():
    (batch,) = Bodies(profile("epic"), NOW).feedback([card(requests_of("epic")["order-sign"])])
    assert ["reason" in item.get("overrideReasons", {}) for item in batch["feedback"]] == [True, False, False]


@pytest.mark.parametrize("vendor", VENDORS)
def test_feedback_needs_a_uuid_and_says_what_the_card_allows(vendor):
    bodies, whole = Bodies(profile(vendor), NOW), card(requests_of(vendor)["order-sign"])
    bare = deepcopy(whole)
    for name in ("suggestions", "selectionBehavior", "overrideReasons"):
        del bare[name]
    assert list(bodies.feedback([{**whole, "uuid": None}])) == []
    told = [item["outcome"] for body in bodies.feedback([bare]) for item in body["feedback"]]
    assert told == (["overridden"] if vendor == "epic" else [])
    assert json.dumps([*bodies.feedback([bare, whole])]).count(whole["uuid"]) >= 2


def test_a_token_that_no_header_can_hold_is_refused_before_anything_is_sent():
    with serving() as service, pytest.raises(UsageError, match="--bearer"):
        visit("epic", service.url, bearer="a\r\nHost: b")
    assert service.asked == []
