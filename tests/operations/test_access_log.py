"""One line for each request, whatever became of it."""

import asyncio

import pytest

from cds_service.operations.access_log import AccessLog, line_of
from tests.operations.logs import VIEW

PRIVATE = "Olav-Nordmann-01010012345"


def call(application, scope, messages=None):
    sent = [] if messages is None else messages

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.disconnect"}

    asyncio.run(AccessLog(application)(scope, receive, send))
    return sent


def request(path=VIEW, method="POST"):
    return {"type": "http", "path": path, "method": method, "query_string": PRIVATE.encode(), "headers": []}


async def answering(scope, _, send):
    line_of(scope).tenant = "hospital"
    line_of(scope).cards = 1
    await asyncio.sleep(0.01)
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"{}"})


async def failing(_, __, send):
    await send({"type": "http.response.start", "status": 200})
    raise KeyError(PRIVATE)


async def silent(*_):
    pass


def test_who_answers_fills_the_line_and_time_and_status_come_by_themselves(log):
    sent = call(answering, request())
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    (line,) = log.lines
    assert (line["route"], line["method"], line["status"]) == (VIEW, "POST", 200)
    assert (line["tenant"], line["cards"]) == ("hospital", 1)
    assert 9 < line["ms"] < 5000


def test_an_unknown_path_and_a_query_are_not_told(log):
    call(answering, request(f"/{PRIVATE}", PRIVATE))
    assert (log.lines[0]["route"], log.lines[0]["method"]) == ("other", "other")
    assert b"Nordmann" not in log.content


def test_a_fault_while_answering_is_in_the_line_and_goes_on_to_the_server(log):
    with pytest.raises(KeyError):
        call(failing, request())
    (line,) = log.lines
    assert (line["status"], line["faults"][0]["type"]) == (200, "KeyError")
    assert b"Nordmann" not in log.content


def test_a_request_without_an_answer_has_no_status(log):
    call(silent, request())
    assert "status" not in log.lines[0]
    assert log.lines[0]["level"] == "error"


def test_a_start_that_fails_is_told_and_other_connections_are_let_through(log):
    async def lifespan(scope, *_):
        if scope["type"] == "lifespan":
            raise ValueError(PRIVATE)

    with pytest.raises(ValueError, match=PRIVATE):
        call(lifespan, {"type": "lifespan"})
    call(lifespan, {"type": "websocket"})
    (line,) = log.lines
    assert (line["event"], line["level"], line["faults"][0]["type"]) == ("fault", "critical", "ValueError")
    assert b"Nordmann" not in log.content


def test_outside_of_a_log_a_line_can_be_filled_and_is_not_written(log):
    line_of({"type": "http"}).tenant = "hospital"
    assert log.content == b""
