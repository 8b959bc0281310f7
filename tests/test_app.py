import asyncio
import gc
import json
from uuid import UUID

import pytest

from cds_service.app import from_environment, random_uuid, system_clock
from cds_service.guideline.provenance import rules_digest, rules_version
from cds_service.settings import SettingsError

PRIVATE = "Olav-Nordmann-01010012345"
VIEW = "/cds-services/cno-patient-view"
PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "2014-04-10"}
CNO = {
    "resourceType": "Condition",
    "id": "cno",
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "240151005"}]},
}
CHART = {"resourceType": "Bundle", "entry": [{"resource": PATIENT}, {"resource": CNO}]}
REQUEST = {
    "hook": "patient-view",
    "hookInstance": "4f8a2d10-93b1-4c02-8a55-0d3b7a6f9e21",
    "context": {"userId": "Practitioner/1", "patientId": "p1"},
    "prefetch": {"patient": PATIENT, "conditions": CHART},
}


@pytest.mark.parametrize(
    ("header", "setting", "language"),
    [("en-GB,en;q=0.9", None, "en"), ("no", None, "nb"), (None, None, "nb"), ("en", "nn", "nn")],
)
def test_the_language_is_the_settings_else_the_callers_else_bokmal(make_client, header, setting, language):
    one = make_client(**({"LANGUAGE": setting} if setting else {}))
    headers = {"Accept-Language": header} if header else {}
    cards = one.post(VIEW, json=REQUEST, headers=headers).json()["cards"]
    same = make_client().post("/evaluate", params={"lang": language}, json=REQUEST).json()["cards"]
    assert [card["summary"] for card in cards] == [card["summary"] for card in same]


def test_topics_that_are_switched_off_are_not_shown(make_client):
    cards = make_client(TOPICS="CNOinfusion").post(VIEW, json=REQUEST).json()["cards"]
    assert cards == []


def test_the_settings_of_an_installation_frame_its_cards(make_client):
    one = make_client(EXTENSION_PREFIX="no.sykehus.cno", CANONICAL_BASE="https://cds.example.no/cno", MAX_CARDS="1")
    (card,) = one.post(VIEW, json=REQUEST).json()["cards"]
    assert list(card["extension"]) == ["no.sykehus.cno.result"]
    assert card["source"]["topic"]["system"] == "https://cds.example.no/cno/CodeSystem/card-topic"


def test_operations_answer_with_what_runs_here(client):
    assert client.get("/livez").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}
    release = client.get("/version").json()
    assert (release["service"], release["rules"]["version"]) == ("cno-cds", rules_version())
    assert release["rules"]["digest"] == rules_digest()
    assert release["rules"]["edition"]


def test_the_form_is_served_under_the_canonical_of_the_installation(make_client):
    response = make_client(CANONICAL_BASE="https://cds.example.no/cno").get("/fhir/Questionnaire/cno-assessment")
    assert response.headers["content-type"] == "application/fhir+json"
    assert response.json()["resourceType"] == "Questionnaire"
    assert response.json()["url"] == "https://cds.example.no/cno/Questionnaire/cno-assessment"


def test_the_landing_page_is_plain_html(client):
    response = client.get("/")
    assert response.headers["content-type"].startswith("text/html")
    assert "<h1>cno-cds</h1>" in response.text


@pytest.mark.parametrize("url", [VIEW, "/evaluate"])
def test_a_fault_of_ours_is_told_without_a_value_and_never_as_silence(client, url, monkeypatch):
    def break_down(*_, **__):
        raise ZeroDivisionError(PRIVATE)

    monkeypatch.setattr("cds_service.hooks.answer.evaluate", break_down)
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": json.dumps(REQUEST).encode()}

    scope = {
        "type": "http",
        "method": "POST",
        "path": url,
        "headers": [(b"host", b"cds.test")],
        "query_string": b"",
        "asgi": {"version": "3.0"},
    }
    with pytest.raises(ZeroDivisionError):
        asyncio.run(client.app(scope, receive, send))
    assert sent[0]["status"] == 500
    assert json.loads(sent[1]["body"])["resourceType"] == "OperationOutcome"
    assert PRIVATE.encode() not in sent[1]["body"]


def test_a_caller_that_hangs_up_is_not_answered_with_cards(client):
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "POST", "path": VIEW, "headers": []}
    asyncio.run(client.app(scope, receive, send))
    assert sent[0]["status"] == 400


def test_start_checks_what_is_sent_out_and_settles_the_memory(client):
    thresholds, frozen = gc.get_threshold(), gc.get_freeze_count()
    messages = iter(({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}))
    sent = []

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message["type"])

    try:
        asyncio.run(client.app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send))
        assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
        assert gc.get_freeze_count() > frozen
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)


def test_a_server_that_starts_the_app_itself_must_choose_a_profile(make_client, monkeypatch):
    make_client()
    with pytest.raises(SettingsError, match="CNO_CDS_PROFILE"):
        from_environment()
    monkeypatch.setenv("CNO_CDS_PROFILE", "development")
    assert callable(from_environment())


def test_the_clock_is_zoned_and_uuids_are_of_version_four():
    assert system_clock().tzinfo is not None
    assert UUID(random_uuid()).version == 4
    assert random_uuid() != random_uuid()
