"""Prefetch alone, fetch alone and any mixture lead to the same cards; only what is missing is asked for."""

import asyncio

import pytest

from cds_service.hooks.services import BY_HOOK
from tests.fhir_access.faulty import TOKEN, FaultyServer, answer, ask, asking, outcome, tenant, without_uuids
from tests.fhir_access.samples import SAMPLES, bundle, entries, links, request

CHILD = "girl-9-multifocal-symmetric"
KEYS = list(request(CHILD)["prefetch"])
READY = "girl-7-zoledronic-acid-ready"


def run(folder, server, make, **fields):
    """Ask the service once: `make(base)` is the request. The cards, and everything that came of it."""

    async def scenario():
        async with server.running():
            return await ask(tenant(folder, server.base, **fields), make(server.base))

    return asyncio.run(scenario())


def cards(folder, name, prefetched, **fields):
    """The cards of a sample of which only some keys are prefetched, and which keys were asked for."""
    sample = request(name)
    server = FaultyServer(sample["prefetch"])
    sent = {key: sample["prefetch"][key] for key in prefetched if key in sample["prefetch"]}
    answered = run(folder, server, lambda base: asking(sample, base, sent), **fields)
    return without_uuids(answered.cards), sorted({server._key(asked) for asked in server.asked})


@pytest.mark.parametrize("search", ["get", "post"])
@pytest.mark.parametrize("name", SAMPLES)
def test_fetched_alone_a_sample_gets_the_cards_of_prefetch_alone(name, search, tmp_path):
    fetched, _ = cards(tmp_path, name, [], fhir_search=search)
    assert fetched == cards(tmp_path, name, [*KEYS, "appointments"])[0]


@pytest.mark.parametrize("step", [2, 3, 5])
@pytest.mark.parametrize("name", SAMPLES)
def test_any_mixture_gets_the_same_cards(name, step, tmp_path):
    mixed, asked = cards(tmp_path, name, KEYS[::step])
    assert mixed == cards(tmp_path, name, KEYS)[0]
    assert not set(asked) & set(KEYS[::step])


def test_only_what_is_missing_is_asked_for_with_the_callers_token(tmp_path):
    sample = request(CHILD)
    server = FaultyServer(sample["prefetch"])
    sent = {key: value for key, value in sample["prefetch"].items() if key not in {"labs", "patient"}}
    run(tmp_path, server, lambda base: asking(sample, base, sent))
    assert sorted(server._key(asked) for asked in server.asked) == ["labs", "patient"]
    assert {asked.headers["authorization"] for asked in server.asked} == {f"Bearer {TOKEN}"}


def test_a_server_that_takes_searches_by_post_alone_gets_the_parameters_in_the_body(tmp_path):
    sample = request(CHILD)
    server = FaultyServer(sample["prefetch"])
    run(tmp_path, server, lambda base: asking(sample, base, {}), fhir_search="post")
    searches = [asked for asked in server.asked if asked.type != "Patient"]
    assert {(asked.method, asked.path.endswith(f"/{asked.type}/_search")) for asked in searches} == {("POST", True)}
    assert all(asked.parameters["patient"] == [CHILD] for asked in searches)


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"resourceType": "Bundle", "type": "searchset", "total": 0},
        {"resourceType": "Bundle", "type": "searchset", "entry": []},
        bundle(outcome("warning", "processing")),
    ],
)
def test_what_was_received_empty_is_known_and_not_asked_for_again(value, tmp_path):
    sample = request(CHILD)
    server = FaultyServer(sample["prefetch"])
    run(tmp_path, server, lambda base: asking(sample, base, dict.fromkeys(KEYS, value) | {"patient": PATIENT}))
    assert [server._key(asked) for asked in server.asked] == []


PATIENT = request(CHILD)["prefetch"]["patient"]


def test_what_failed_on_the_other_side_is_not_asked_for_again_and_stays_unknown(tmp_path):
    sample = request(CHILD)
    server = FaultyServer(sample["prefetch"])
    prefetch = sample["prefetch"] | {"conditions": outcome(code="forbidden")}
    answered = run(tmp_path, server, lambda base: asking(sample, base, prefetch))
    assert server.asked == []
    assert ("prefetch.conditions", "prefetch-failed") in answered.notes()
    assert "Ikke mottatt: diagnoser" in str(answered.cards)


@pytest.mark.parametrize("garbage", ["<html>500</html>", 7, ["x"], {"no": "type"}])
def test_garbage_under_a_key_is_fetched_instead(garbage, tmp_path):
    sample = request(CHILD)
    server = FaultyServer(sample["prefetch"])
    answered = run(tmp_path, server, lambda base: asking(sample, base, sample["prefetch"] | {"labs": garbage}))
    assert [server._key(asked) for asked in server.asked] == ["labs"]
    expected = without_uuids(cards(tmp_path, CHILD, KEYS)[0])
    assert [card["detail"] for card in answered.cards] == [card["detail"] for card in expected]


@pytest.mark.parametrize("rename", ["{}-user", "my_{}", "{}2"])
def test_keys_of_the_sites_own_are_understood_and_not_asked_for_again(rename, tmp_path):
    sample = request(CHILD)
    server = FaultyServer(sample["prefetch"])
    base = "https://ehr.example.org/api"
    own = {}
    for key, query in BY_HOOK["patient-view"].prefetch("https://example.org/cno-cds").items():
        value = sample["prefetch"][key]
        if value["resourceType"] == "Bundle":
            value = value | {"link": links(self=f"{base}/{query.replace('{{context.patientId}}', CHILD)}")}
        own[rename.format(key)] = value
    answered = run(tmp_path, server, lambda base: asking(sample, base, own))
    assert [server._key(asked) for asked in server.asked] == []
    assert without_uuids(answered.cards) == cards(tmp_path, CHILD, KEYS)[0]


def paged(resources, base, size):
    """The first page, and the others by path, of a list that is cut into pages."""
    parts = [resources[at : at + size] for at in range(0, len(resources), size)]
    pages = [
        bundle(*part, link=links(next=f"{base}/page/{number + 1}") if number + 1 < len(parts) else [])
        for number, part in enumerate(parts)
    ]
    return pages[0], {f"page/{number}": page for number, page in enumerate(pages)}


@pytest.mark.parametrize("first_by_prefetch", [True, False])
def test_further_pages_are_followed_whoever_sent_the_first(first_by_prefetch, tmp_path):
    sample = request(CHILD)
    server = FaultyServer(dict(sample["prefetch"]))

    def make(base):
        first, server.more = paged(entries(sample["prefetch"]["labs"]), base, 2)
        server.prefetch["labs"] = first
        kept = KEYS if first_by_prefetch else [key for key in KEYS if key != "labs"]
        return asking(sample, base, {key: server.prefetch[key] for key in kept})

    answered = run(tmp_path, server, make)
    assert len(server.more) > 1
    assert sum(asked.type == "page" for asked in server.asked) == len(server.more) - 1
    assert without_uuids(answered.cards) == cards(tmp_path, CHILD, KEYS)[0]


@pytest.mark.parametrize("told_as", ["relative", "absolute", "versioned"])
def test_a_medication_that_is_only_referred_to_is_read(told_as, tmp_path):
    sample = request(READY)
    order = sample["context"]["draftOrders"]["entry"][0]["resource"]
    assert order["resourceType"] == "MedicationRequest"
    server = FaultyServer(sample["prefetch"])
    drug = {"resourceType": "Medication", "id": "zol", "code": order.pop("medicationCodeableConcept")}
    server.more["Medication/zol"] = drug

    def make(base):
        reference = {"relative": "Medication/zol", "absolute": f"{base}/Medication/zol"}
        order["medicationReference"] = {"reference": reference.get(told_as, f"{base}/Medication/zol/_history/3")}
        return asking(sample, base, sample["prefetch"])

    answered = run(tmp_path, server, make)
    assert [asked.path.rpartition("/fhir/")[2] for asked in server.asked] == ["Medication/zol", "Appointment"]
    assert without_uuids(answered.cards) == cards(tmp_path, READY, KEYS)[0]


def test_a_medication_of_another_server_is_not_read_from_this_one(tmp_path):
    sample = request(READY)
    order = sample["context"]["draftOrders"]["entry"][0]["resource"]
    del order["medicationCodeableConcept"]
    order["medicationReference"] = {"reference": "https://elsewhere.example.org/fhir/Medication/zol"}
    server = FaultyServer(sample["prefetch"])
    run(tmp_path, server, lambda base: asking(sample, base, sample["prefetch"] | {"appointments": None}))
    assert server.asked == []


def test_results_of_other_patients_never_get_in_and_are_told(tmp_path):
    """A server that does not know a parameter leaves it out of account."""
    sample = request(CHILD)
    foreign = [
        {**each, "id": f"x{number}", "subject": {"reference": "Patient/other"}}
        for number, each in enumerate(entries(sample["prefetch"]["labs"]))
    ]
    nobodys = {name: value for name, value in foreign[0].items() if name != "subject"} | {"id": "n"}
    condition = {"resourceType": "Condition", "id": "c9", "subject": {"reference": f"Patient/{CHILD}"}}
    mine = entries(sample["prefetch"]["labs"])
    server = FaultyServer(sample["prefetch"] | {"labs": bundle(*foreign, nobodys, condition, *mine)})
    sent = {key: value for key, value in sample["prefetch"].items() if key != "labs"}
    answered = run(tmp_path, server, lambda base: asking(sample, base, sent))
    reasons = {"foreign-patient", "subject-missing", "incomplete-page"}
    assert {("prefetch.labs", reason) for reason in reasons} <= answered.notes()
    assert "Observation/x0" not in answered.response.text
    cut = sample["prefetch"]["labs"] | {"link": links(next="https://elsewhere.example.org/x")}
    alone = run(tmp_path, server, lambda base: asking(sample, base, sample["prefetch"] | {"labs": cut}))
    assert [card["detail"] for card in answered.cards] == [card["detail"] for card in alone.cards]


@pytest.mark.parametrize(
    ("authorization", "noted"),
    [
        ({"access_token": ""}, "fhirAuthorization.access_token"),
        ({"access_token": None}, "fhirAuthorization.access_token"),
        ({"access_token": "a\r\nHost: evil"}, "fhirAuthorization"),
        ({"access_token": "ø"}, "fhirAuthorization"),
        ({"token_type": "DPoP"}, "fhirAuthorization.token_type"),
        ({"expires_in": 0}, "fhirAuthorization.expires_in"),
        ({"expires_in": "-5"}, "fhirAuthorization.expires_in"),
        ({"expires_in": "soon"}, "fhirAuthorization.expires_in"),
        ({"patient": "other"}, "fhirAuthorization.patient"),
    ],
)
def test_a_token_that_does_not_fit_is_never_sent_and_the_card_says_what_was_not_received(
    authorization, noted, tmp_path
):
    sample = request(CHILD)
    server = FaultyServer(sample["prefetch"])
    sent = {key: value for key, value in sample["prefetch"].items() if key != "labs"}

    def make(base):
        asked = asking(sample, base, sent)
        asked["fhirAuthorization"] |= authorization
        return asked

    answered = run(tmp_path, server, make)
    assert server.asked == []
    assert (noted, "not-fetched") in answered.notes()
    assert TOKEN not in answered.response.text


@pytest.mark.parametrize(
    "authorization", [{"token_type": "bearer"}, {"expires_in": "300"}, {"patient": CHILD}, {"scope": None}]
)
def test_a_token_is_used_in_the_spellings_that_occur(authorization, tmp_path):
    sample = request(CHILD)
    server = FaultyServer(sample["prefetch"])
    sent = {key: value for key, value in sample["prefetch"].items() if key != "labs"}
    run(
        tmp_path,
        server,
        lambda base: (
            asking(sample, base, sent)
            | {"fhirAuthorization": asking(sample, base)["fhirAuthorization"] | authorization}
        ),
    )
    assert [server._key(asked) for asked in server.asked] == ["labs"]


@pytest.mark.parametrize(
    "members",
    [
        {"context": {"userId": "Patient/x", "patientId": CHILD}},
        {
            "hook": "order-sign",
            "context": {
                "userId": "Practitioner/x",
                "patientId": CHILD,
                "draftOrders": bundle({"resourceType": "NutritionOrder", "id": "n"}),
            },
        },
    ],
)
def test_nothing_is_fetched_where_no_card_can_come_of_it(members, tmp_path):
    sample = request(CHILD) | members
    server = FaultyServer(request(CHILD)["prefetch"])
    answered = run(tmp_path, server, lambda base: asking(sample, base, {}))
    assert (answered.response.json(), server.asked) == ({"cards": []}, [])


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"fhirServer": None, "fhirAuthorization": None}, "no fhirServer was named"),
        ({"fhirServer": "https://secret.example.org/fhir"}, "fhirServer is not listed in a tenant file"),
        ({"fhirAuthorization": None}, "fhirAuthorization is missing or cannot be used"),
        ({"fhirAuthorization": {"access_token": TOKEN, "expires_in": 0}}, "fhirAuthorization.expires_in is missing"),
        ({"context": {"userId": "Practitioner/x", "patientId": "a b"}}, "context.patientId is no FHIR id"),
        ({}, "prefetch.patient was not answered"),
    ],
)
def test_a_412_says_what_kept_the_record_from_being_fetched(members, why, tmp_path):
    sample = request(CHILD)
    server = FaultyServer(sample["prefetch"], {"patient": [answer("403 Forbidden", outcome())]})
    answered = run(tmp_path, server, lambda base: asking(sample, base, {}) | members)
    assert answered.response.status_code == 412
    told = answered.response.json()["issue"][0]["diagnostics"]
    assert why in told
    assert "secret" not in told


def test_evaluate_never_fetches(client):
    sample = request(CHILD)
    told = client.post("/evaluate", json=asking(sample, "http://127.0.0.1:9/fhir", sample["prefetch"])).json()
    assert told["classification"]["verdict"]


def test_a_token_without_a_server_is_refused_with_the_name_of_the_field(client):
    sample = request(CHILD)
    body = {**asking(sample, "x", sample["prefetch"])}
    del body["fhirServer"]
    response = client.post("/cds-services/cno-patient-view", json=body)
    assert (response.status_code, "fhirServer" in response.text, TOKEN in response.text) == (400, True, False)
