"""What every answer tells browsers, and to which hosts there is one."""

import asyncio
import json

import pytest

from cds_service.hooks.transport import outcome
from cds_service.operations.security_headers import SecurityHeaders, TrustedHosts

PRIVATE = b"olav.nordmann.example"


def app_that_answers(*headers):
    async def app(scope, _, send):
        if scope["type"] == "lifespan":
            await send({"type": "lifespan.startup.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
        await send({"type": "http.response.body", "body": b"{}"})

    return app


def ask(app, *headers, path="/x", kind="http"):
    """The messages that an app sends."""
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(app({"type": kind, "path": path, "method": "GET", "headers": list(headers)}, None, send))
    return sent


def told(*headers, https=False):
    start, body = ask(SecurityHeaders(app_that_answers(*headers), https=https))
    assert body["body"] == b"{}"
    names = [name for name, _ in start["headers"]]
    assert len(names) == len(set(names))
    return dict(start["headers"])


def test_every_answer_tells_browsers_to_load_frame_keep_and_guess_nothing():
    headers = told((b"content-type", b"application/json"))
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"x-frame-options"] == b"DENY"
    assert headers[b"cross-origin-resource-policy"] == b"same-origin"
    assert b"geolocation=()" in headers[b"permissions-policy"]
    policy = set(headers[b"content-security-policy"].split(b"; "))
    assert policy == {b"default-src 'none'", b"frame-ancestors 'none'", b"base-uri 'none'", b"form-action 'none'"}
    assert b"server" not in headers


def test_https_is_demanded_only_where_it_is_served():
    assert b"strict-transport-security" not in told()
    assert told(https=True)[b"strict-transport-security"].startswith(b"max-age=31536000")


def test_what_an_answer_says_itself_stands():
    assert told((b"cache-control", b"public, max-age=60"))[b"cache-control"] == b"public, max-age=60"
    framed = told((b"content-security-policy", b"default-src 'self'; frame-ancestors https://ehr.example.org"))
    assert framed[b"content-security-policy"].endswith(b"https://ehr.example.org")
    assert b"x-frame-options" not in framed


def test_what_is_no_request_passes_as_it_is():
    app = TrustedHosts(SecurityHeaders(app_that_answers(), https=True), ["a"], outcome)
    assert ask(app, kind="lifespan") == [{"type": "lifespan.startup.complete"}]


def status(hosts, *values, path="/x"):
    app = TrustedHosts(app_that_answers(), hosts, outcome)
    start, body = ask(app, *((b"host", value) for value in values), path=path)
    if start["status"] != 200:
        headers = dict(start["headers"])
        assert headers[b"content-type"] == b"application/json"
        assert int(headers[b"content-length"]) == len(body["body"])
        assert json.loads(body["body"])["resourceType"] == "OperationOutcome"
        assert b"host" in body["body"]
        assert PRIVATE not in body["body"]
    return start["status"]


LISTED = ["CDS.example.org", "10.0.0.7", "[::1]"]


@pytest.mark.parametrize("host", [b"cds.example.org", b"CDS.Example.ORG:8443", b"10.0.0.7:8000", b"[::1]:80", b"[::1]"])
def test_a_listed_host_is_answered_with_or_without_a_port(host):
    assert status(LISTED, host) == 200


HOST = b"cds.example.org"
ODD = [
    (), (b"",), (b" ",), (HOST, HOST), (HOST, PRIVATE), (b"a@" + HOST,), (HOST + b"@" + PRIVATE,), (HOST + b":80:80",),
    (HOST + b":",), (HOST + b":x",), (HOST + b"/",), (HOST + b"/../x",), (HOST + b"?",), (HOST + b"#",),
    (HOST + b"\\x",), (HOST + b", " + PRIVATE,), (HOST + b" " + PRIVATE,), (HOST + b"\x00",), (HOST + b"\n",),
    (b"cds%2eexample.org",), ("cds.exåmple.org".encode(),), (b"[::1",), (b"::1",), (b"<script>",),
]  # fmt: skip


@pytest.mark.parametrize("values", ODD)
@pytest.mark.parametrize("hosts", [LISTED, None])
def test_a_host_that_is_none_is_refused_also_where_any_is_answered(hosts, values):
    assert status(hosts, *values) == 400


@pytest.mark.parametrize("host", [PRIVATE, b"example.org", b"evil.cds.example.org", b"cds.example.org.", b"127.0.0.1"])
def test_another_host_is_refused_unless_any_is_answered(host):
    assert status(LISTED, host) == 400
    assert status([], host) == 400
    assert status(None, host) == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
@pytest.mark.parametrize("values", [(b"10.1.2.3:8000",), (), (PRIVATE,)])
def test_probes_may_call_by_any_name(path, values):
    assert status(LISTED, *values, path=path) == 200
    assert status(LISTED, *values, path=f"{path}/") == 400
