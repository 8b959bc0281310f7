"""POST /cds-services/{id}/feedback: what is stored, what is told, and what nobody can find out by asking."""

import json
import sqlite3

import pytest

from cds_service.settings import Settings
from tests.hooks.asked import PRIVATE, outcome, path
from tests.hospital import NORTH, Ehr, environment, installation

AT = "2025-09-15T08:00:00Z"
CARD = "4e0a3a1e-3283-4575-ab82-028d55fe2719"
ACCEPTED = {"card": CARD, "outcome": "accepted", "acceptedSuggestions": [{"id": "s1"}], "outcomeTimestamp": AT}
OVERRIDDEN = {"card": CARD, "outcome": "overridden", "outcomeTimestamp": AT}
REASON = {"reason": {"code": "patient-refuses", "system": "http://terminology.hl7.org/CodeSystem/x"}}


def url(hook="order-sign"):
    return f"{path(hook)}/feedback"


@pytest.fixture
def rows(tmp_path):
    """What stands in a table of the store."""

    def read(table):
        with sqlite3.connect(tmp_path / "cno-cds.db") as store:
            store.row_factory = sqlite3.Row
            return [dict(row) for row in store.execute(f"SELECT * FROM {table}")]  # noqa: S608  our own name

    return read


def sent(*items):
    return {"feedback": list(items)}


@pytest.mark.parametrize("hook", ["patient-view", "order-select", "order-sign"])
@pytest.mark.parametrize(
    "item",
    [
        ACCEPTED,
        OVERRIDDEN,
        OVERRIDDEN | {"overrideReason": REASON},
        OVERRIDDEN | {"overrideReasons": {"extension": {"com.epic.x": "45"}, "userComment": PRIVATE}},
        OVERRIDDEN | {"card": "card-of-an-ehr-1", "overrideReason": {"userComment": PRIVATE}},
        OVERRIDDEN | {"outcomeTimestamp": "2025-09-15T10:00:00.123+02:00", "extension": {"x": 1}},
    ],
)
def test_feedback_of_every_form_is_stored_and_said_to_be(client, rows, hook, item):
    response = client.post(url(hook), json=sent(item))
    assert (response.status_code, response.json()) == (200, {"stored": 1, "repeated": 0, "quarantined": 0})
    (row,) = rows("feedback")
    assert (row["outcome"], row["service"]) == (item["outcome"], f"cno-{hook}")
    assert (row["card"] == item["card"]) is (item["card"] == CARD)  # an id that is no uuid may say who it is about
    assert PRIVATE not in json.dumps([{name: str(value) for name, value in row.items()}])


def test_the_address_may_end_in_a_slash_and_have_one_too_many(client):
    for address in (f"{url()}/", url().replace("services/", "services//")):
        assert client.post(address, json=sent(ACCEPTED)).status_code == 200


def test_a_batch_is_stored_once_however_often_it_comes(client, rows):
    batch = sent(ACCEPTED, OVERRIDDEN, OVERRIDDEN | {"overrideReason": REASON})
    first, second = (client.post(url(), json=batch).json() for _ in range(2))
    assert (first["stored"], second["stored"], second["repeated"]) == (3, 0, 3)
    assert len(rows("feedback")) == 3


def test_a_bad_item_is_put_aside_without_its_content_and_the_rest_is_kept(client, rows):
    bad = {**ACCEPTED, "outcome": PRIVATE, "userComment": PRIVATE}
    response = client.post(url(), json=sent(ACCEPTED, bad, 7))
    assert (response.status_code, response.json()) == (200, {"stored": 1, "repeated": 0, "quarantined": 2})
    assert PRIVATE not in str(rows("feedback_quarantine"))


@pytest.mark.parametrize("body", [{}, [], {"feedback": {}}, {"feedback": None}, {"feedback": PRIVATE}])
def test_what_is_no_feedback_is_refused_by_the_name_of_the_field(client, body):
    assert "feedback" in outcome(client.post(url(), json=body), 400)


def test_a_known_and_an_unknown_card_cannot_be_told_apart(client):
    known = client.post(path("patient-view"), json={}).status_code
    assert known == 400
    answers = {
        client.post(url(), json=sent({**ACCEPTED, "card": card})).content for card in (CARD, "unknown", "x" * 36)
    }
    assert len(answers) == 1


def test_comments_are_kept_only_where_the_tenant_says_so(tmp_path, monkeypatch, rows):
    curious = Ehr("curious", more="keep_comments = true")
    for name, value in environment(tmp_path, NORTH, curious).items():
        monkeypatch.setenv(f"CNO_CDS_{name}", value)
    one = installation(Settings())
    for ehr in (NORTH, curious):
        comment = OVERRIDDEN | {"overrideReason": {"userComment": f"by {ehr.name}"}}
        assert one.post(url(), sent(comment), ehr=ehr).status_code == 200
    assert [row["comment"] for row in rows("feedback_comment")] == ["by curious"]
    assert [row["tenant"] for row in rows("feedback")] == ["north", "curious"]


def test_what_cannot_be_stored_is_not_acknowledged(make_client, tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    one = make_client(DATABASE_URL=f"sqlite:///{tmp_path / 'file' / 'x.db'}")
    refused = one.post(url(), json=sent(ACCEPTED))
    outcome(refused, 503)
    assert int(refused.headers["retry-after"]) > 0
    assert one.post(path("order-sign"), json={}).status_code == 400


def test_an_unknown_service_takes_no_feedback(client):
    outcome(client.post("/cds-services/other/feedback", json=sent(ACCEPTED)), 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_feedback_is_posted(client, method):
    response = client.request(method, url())
    outcome(response, 405)
    assert response.headers["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({**ACCEPTED, "card": ""}, "card"),
        ({**ACCEPTED, "outcome": PRIVATE}, "outcome"),
        ({**ACCEPTED, "outcomeTimestamp": PRIVATE}, "outcomeTimestamp"),
        ({**ACCEPTED, "acceptedSuggestions": []}, "acceptedSuggestions"),
        (PRIVATE, "item"),
    ],
)
def test_where_no_item_can_be_read_that_is_told_by_the_field(client, item, field):
    assert field in outcome(client.post(url(), json=sent(item)), 400)


def test_a_batch_has_bounds(client):
    outcome(client.post(url(), json=sent(*[OVERRIDDEN] * 2000)), 413)
    assert client.post(url(), json=sent(*[OVERRIDDEN] * 500)).json()["repeated"] == 499
