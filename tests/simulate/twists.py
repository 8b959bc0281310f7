"""A visit to the small service with a twist to its answers, and what came of it."""

from copy import deepcopy
from datetime import UTC, datetime

from cds_service.simulate.client import Limits
from cds_service.simulate.simulation import Options, play
from tests.simulate.served import LINES, outcome, serving

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NO_HURRY = Limits(remark_ms=5000)
"""No remark on the time that a busy machine takes."""


def judged(vendor, twist, *, bearer=None, limits=NO_HURRY):
    """The report of a visit to the small service with that twist."""
    with serving(twist) as service:
        return visit(vendor, service.url, bearer=bearer, limits=limits)


def visit(vendor, url, *, bearer=None, limits=NO_HURRY):
    return play(vendor, url, NOW, Options(LINES if vendor == "epic" else (), bearer, limits))


def rules(report, level="fault"):
    return {finding.rule for step in report.steps for finding in step.findings if finding.level == level}


def paths(report):
    return {finding.path for step in report.steps for finding in step.findings}


def put(document, way, value):
    *outer, last = way
    for name in outer:
        document = document[name]
    document[last] = value


def drop(document, way):
    *outer, last = way
    for name in outer:
        document = document[name]
    del document[last]


def on_answer(change):
    """Change the JSON of every answer with cards."""

    def twist(asked, reply):
        if not asked.is_hook or reply.status != 200:
            return reply
        document = deepcopy(reply.body)
        change(document)
        return reply.but(body=document)

    return twist


def cards(*way, value):
    return on_answer(lambda document: put(document["cards"][0], way, value))


def without(*way):
    return on_answer(lambda document: drop(document["cards"][0], way))


def on_hooks(**changes):
    """Change the reply to every sound hook request."""
    return lambda asked, reply: reply.but(**changes) if asked.is_hook and reply.status == 200 else reply


def on_errors(**changes):
    return lambda asked, reply: reply.but(**changes) if asked.is_hook and reply.status == 400 else reply


def on_discovery(change):
    def twist(asked, reply):
        if asked.method != "GET" or asked.path != "/cds-services":
            return reply
        document = deepcopy(reply.body)
        change(document["services"])
        return reply.but(body=document)

    return twist


def templates(**more):
    return on_discovery(lambda services: services[0]["prefetch"].update(more))


def on_path(end, method, *, headers=None, **changes):
    def twist(asked, reply):
        if not asked.path.endswith(end) or asked.method != method:
            return reply
        return reply.but(headers={**reply.headers, **(headers or {})}, **changes)

    return twist


def no_cors(_, reply):
    return reply.but(headers={name: value for name, value in reply.headers.items() if "Origin" not in name})


def accepts_without(name):
    """Answer a request that lacks a member as if nothing were amiss."""

    def twist(asked, reply):
        is_lacking = asked.is_hook and reply.status == 400 and asked.body[-1:] == b"}" and name not in asked.json
        return reply.but(status=200, body={"cards": []}) if is_lacking else reply

    return twist


def tells(text):
    """An error that repeats something of the request."""
    return on_errors(body=outcome(400, text).body)
