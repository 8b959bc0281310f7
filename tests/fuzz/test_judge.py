"""The judge sees each kind of fault, and finds none in a good answer."""

import asyncio
import json
import logging
import sys

import pytest

from tests.fuzz import driver, judge, runner
from tests.fuzz.apps import document
from tests.fuzz.inputs import CANARY, Input, from_text, post

JUDGE = judge.Judge(json.loads(document()))
JSON = (b"content-type", b"application/json")
SERVICE = "/cds-services/cno-patient-view"
ONE = post(SERVICE, f'{{"hook":"{CANARY}","x":123456}}'.encode())


def outcome(diagnostics="The body is not a JSON object.", code="structure"):
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "diagnostics": diagnostics}],
    }


def answering(status, members, *headers, raw=None):
    body = json.dumps(members, ensure_ascii=False).encode() if raw is None else raw

    async def app(_, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": status, "headers": [*(headers or (JSON,))]})
        await send({"type": "http.response.body", "body": body})

    return app


def faults(app, one=ONE):
    return JUDGE.faults(one, asyncio.run(driver.ask(app, one)))


GOOD = {"hook": "patient-view", "description": "d", "id": "x"}


@pytest.mark.parametrize(
    ("app", "one"),
    [
        (answering(400, outcome()), ONE),
        (answering(200, {"cards": []}), ONE),
        (answering(200, {"cards": []}), post("/cds-services//cno-patient-view/", b"{}")),
        (answering(200, {"services": [GOOD]}), Input("GET", "/cds-services/")),
        (answering(404, outcome()), post("/cds-services/cno-patient-view//", b"{}")),
        (answering(200, {"openapi": "3.1.0"}), Input("GET", "/openapi.json")),
        (answering(405, outcome(), JSON, (b"allow", b"GET")), Input("PUT", "/livez")),
        (answering(404, outcome("Not Found.", "not-found")), Input("GET", "/x")),
        (answering(413, outcome("The body is longer than 2097152 bytes.", "too-long")), ONE),
    ],
)
def test_a_good_answer_has_no_fault(app, one):
    assert faults(app, one) == []


@pytest.mark.parametrize(
    ("app", "told"),
    [
        (answering(500, outcome()), "the status is 500"),
        (answering(302, outcome()), "the status is 302"),
        (answering(418, outcome()), "not documented"),
        (answering(400, outcome(), (b"content-type", b"text/plain")), "not application/json"),
        (answering(400, {"detail": "no"}), "no OperationOutcome"),
        (answering(400, outcome(code="odd")), "no OperationOutcome"),
        (answering(400, None, raw=b"{"), "not JSON"),
        (answering(400, outcome("The field hook is Tordis.")), "not ours"),
        (answering(400, outcome("The field 123456 is missing.")), "quotes a number"),
        (answering(400, outcome(CANARY)), "free text"),
        (answering(200, {"cards": []}, JSON, (b"x-sent", CANARY.encode())), "free text"),
        (answering(200, {"cards": [{"summary": CANARY}]}), "free text"),
        (answering(200, {"cards": [{"summary": "s"}]}), "not valid"),
        (answering(200, {"cards": [], "x": 1}), "not valid"),
        (answering(200, None, raw=b'{"cards": [NaN]}'), "not JSON"),
        (answering(201, {"cards": []}), "no such answer"),
        (answering(200, {"cards": []}, (b"content-type", b"text/csv")), "media type"),
        (answering(200, {"cards": []}, JSON, (b"content-length", b"5")), "content-length"),
        (answering(200, {"cards": []}, JSON, (b"x\n", b"5")), "cannot be sent"),
        (answering(405, outcome()), "Allow"),
    ],
)
def test_each_fault_is_seen(app, told):
    assert any(told in fault for fault in faults(app)), faults(app)


async def silent(*_):
    pass


async def twice(*channel):
    for _ in range(2):
        await answering(200, {"cards": []})(*channel)


async def unfinished(*channel):
    await channel[2]({"type": "http.response.start", "status": 200, "headers": [JSON]})
    await channel[2]({"type": "http.response.body", "body": b"", "more_body": True})


async def raising(*_):
    raise KeyError(CANARY)


async def waiting(_, receive, __):
    await receive()
    await receive()


async def computing(*_):
    while True:
        pass


@pytest.mark.parametrize("app", [silent, unfinished, raising])
def test_what_is_no_whole_answer_is_a_fault(app):
    assert faults(app) != []


def test_two_answers_to_one_request_are_a_fault():
    assert any("events" in fault for fault in faults(twice, post(SERVICE, b"{}", chunks=2)))


@pytest.mark.parametrize(("app", "told"), [(waiting, "TimeoutError"), (computing, "HungError")])
def test_what_hangs_is_ended_and_a_fault(monkeypatch, app, told):
    monkeypatch.setattr(driver, "SECONDS_TO_HANG", 0)
    assert any(told in fault for fault in faults(app))


def asked(app, said=None):
    tally = runner.Tally()
    _, found = asyncio.run(runner.judged(app, JUDGE, ONE, said or runner.Overheard(), tally))
    return found, tally


def test_an_answer_that_is_slow_twice_is_a_fault(monkeypatch):
    monkeypatch.setattr(judge, "MOST_SECONDS", -1)
    found, tally = asked(answering(200, {"cards": []}))
    assert any("of CPU" in fault for fault in found)
    assert tally.stutters == 0


def test_an_answer_that_is_slow_once_is_none(monkeypatch):
    times = iter([9.0, 0.0])
    monkeypatch.setattr(runner, "is_slow", lambda answer: answer.waited > 5)
    ask = runner.ask

    async def slow_at_first(app, one):
        answer = await ask(app, one)
        answer.waited = next(times)
        return answer

    monkeypatch.setattr(runner, "ask", slow_at_first)
    found, tally = asked(answering(200, {"cards": []}))
    assert (found, tally.stutters) == ([], 1)


def logging_app(say):
    async def app(scope, receive, send):
        say()
        await answering(200, {"cards": []})(scope, receive, send)

    return app


@pytest.mark.parametrize(
    ("say", "told"),
    [
        (lambda: sys.stdout.write(f"got {CANARY}\n"), "free text"),
        (lambda: logging.getLogger("x").info("got %s", CANARY), "free text"),
        (lambda: sys.stderr.write("Traceback (most recent call last)\n"), "traceback"),
        (lambda: logging.getLogger("x").error("a fault"), "traceback"),
    ],
)
def test_what_is_printed_or_logged_is_heard(say, told):
    with runner.overheard() as said:
        found, _ = asked(logging_app(say), said)
    assert any(told in fault for fault in found)


def test_a_line_of_the_log_without_a_value_is_no_fault():
    with runner.overheard() as said:
        found, _ = asked(logging_app(lambda: logging.getLogger("x").info("answered")), said)
    assert found == []


def test_an_input_is_the_same_after_it_was_written():
    one = Input("POST", "/x?y=%ff", bytes(range(256)), ((b"a", b"\xff"),), chunks=3, is_cut_off=True)
    assert from_text(one.to_text()) == one
