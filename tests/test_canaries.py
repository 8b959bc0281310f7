"""Nothing of a request comes out: not in logs, errors or files, nor in the cards what the contract keeps out of them.

The canaries stand in every place of a request, through every status. A new route or refusal is a row of SCENARIOS.
"""

import asyncio
import base64
import json
import logging
import re
from collections.abc import Callable
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from itertools import cycle
from urllib.parse import quote

import pytest

from cds_service.app import create_app, random_uuid
from cds_service.operations.bodies import LONGEST_BODY
from cds_service.settings import Settings
from tests.canaries import ALL, CANARIES, NOT_FOR_IDS, Spill
from tests.conftest import NOW
from tests.fhir_access.faulty import TOKEN, FaultyServer, answer, asking, ok, outcome, tenant
from tests.fhir_access.samples import SAMPLES
from tests.fhir_access.samples import request as sample
from tests.hooks.test_bad_input import PLACES, put
from tests.hooks.test_bad_input import request as whole_request
from tests.operations.logs import logged
from tests.served import Answer, exchange, message, served
from tests.trust.tokens import signed, signer

HOOKS = ("patient-view", "order-select", "order-sign")
TEXTS = {"display", "text", "title", "description", "family", "div", "comment", "conclusion", "valueString", "scope"}
HEADERS = {
    name: " ".join(CANARIES[number::12]).encode().decode("latin-1")
    for number, name in enumerate(
        [
            *("Cookie", "User-Agent", "Via", "X-Api-Key", "Referer", "Accept-Language", "Origin"),
            *("X-Forwarded-Host", "Forwarded", "X-Request-Id", "traceparent", "Accept"),
        ]
    )
}
CREDENTIALS = " ".join(CANARIES[::7]).encode().decode("latin-1")
UUID = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
AT = "2025-09-15T08:00:00Z"
QUERY = quote(" ".join(CANARIES[::9]))
TRAFFIC = ("httpcore2", "httpx2", "uvicorn", "asyncio")
"""Loggers whose own records hold requests, answers and exceptions as they are; what is written of them is ours."""


def path(hook):
    return f"/cds-services/cno-{hook}"


def post(target, body, **headers):
    return message("POST", f"{target}?{QUERY}", {**HEADERS, **headers}, body)


def salted(part, canaries, within=None):
    """The same with a canary in every text that people read, and under a name and in an extension that nobody knows.

    Names of prefetch keys are the caller's own: the contract tells them in a note as the path of what was not read.
    """
    if isinstance(part, list):
        return [salted(each, canaries) for each in part]
    if not isinstance(part, dict):
        return part
    salt = {name: next(canaries) if name in TEXTS else salted(value, canaries, name) for name, value in part.items()}
    if within == "prefetch":
        return salt
    more = {next(canaries): next(canaries), "display": next(canaries), "text": next(canaries)}
    if "resourceType" in part:
        names = [{"family": next(canaries), "given": [next(canaries)], "text": next(canaries)}]
        more |= {"name": names, "identifier": [{"system": next(canaries), "value": next(canaries)}]}
        more |= {"note": [{"text": next(canaries)}], "extension": [{"url": next(canaries), "valueString": ALL}]}
        more |= {"telecom": [{"value": next(canaries)}], "address": [{"line": [next(canaries)], "text": ALL}]}
    return {**more, **salt}


def renamed(request):
    """The same with canaries for the ids of all resources and of the user, wherever they are referred to."""
    text = json.dumps(request)
    canaries = cycle(NOT_FOR_IDS)
    for identifier in sorted(ids(request), key=len, reverse=True):
        new = json.dumps(next(canaries).removeprefix("Patient/"))[1:-1]
        text = text.replace(f'"{identifier}"', f'"{new}"').replace(f'/{identifier}"', f'/{new}"')
    return json.loads(text)


def ids(part):
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    own = [part["id"]] if isinstance(part, dict) and isinstance(part.get("id"), str) else []
    return {*own, *(found for each in inner for found in ids(each))}


@dataclass(frozen=True)
class Watched:
    """The service, and all that comes out of it."""

    port: int
    spill: Spill

    async def ask(self, sent) -> Answer:
        got = await exchange(self.port, sent)
        self.spill.add("headers", got.head)
        if got.status >= 300:
            self.spill.add(f"body of {got.status}", got.body)
        return got


@pytest.fixture
def watching(tmp_path, monkeypatch, caplog, capfd):
    """Serve with these settings, every logger at DEBUG; at the end nothing has come out, and something was logged."""

    @contextmanager
    def watch(settings=None, leaking=None):
        monkeypatch.chdir(tmp_path)
        spill = Spill()
        settings = settings or Settings(profile="development", language="nb")
        app = create_app(settings, clock=lambda: NOW, new_uuid=random_uuid)
        with logged(tmp_path / "log") as log:
            loggers = [logging.getLogger(name) for name in (None, *logging.root.manager.loggerDict)]
            for logger in loggers:
                logger.setLevel(logging.DEBUG)
            assert [own for each in loggers for own in each.handlers if is_ours(own)] == [logging.root.handlers[0]]
            logging.root.addHandler(leaking or caplog.handler)
            with served(app) as port:
                yield Watched(port, spill)
            spill.add("standard output and error", "".join(capfd.readouterr()))
            raw = [each for each in caplog.records if not each.name.startswith(TRAFFIC)]
            spill.add("records", "\n".join(map(caplog.handler.format, raw)))
            spill.add_folder(tmp_path)
            assert {line["event"] for line in log.lines} & {"request", "foreign"}

    return watch


def is_ours(handler):
    return not type(handler).__module__.startswith("_pytest")


def requests_with_cards():
    """Complete requests of all hooks with canaries in all texts; once more with canaries for ids."""
    canaries = cycle(CANARIES)
    for request in [*map(sample, SAMPLES), *map(whole_request, HOOKS)]:
        yield salted(request, canaries)
        yield salted(renamed(request), canaries)


def test_answers_with_cards_hold_no_free_text_of_the_record_and_no_id_that_is_none(watching):
    async def scenario(service):
        cards = 0
        for request in requests_with_cards():
            for target in (path(request["hook"]), "/evaluate"):
                got = await service.ask(post(target, request) if target != "/evaluate" else evaluation(request))
                assert got.status == 200, got
                service.spill.add(f"body of {target}", got.body)
                cards += len(json.loads(got.body)["cards"])
        return cards

    with watching() as service:
        cards = asyncio.run(scenario(service))
    assert cards > len(SAMPLES)
    assert service.spill.found() == set()


def evaluation(request):
    return message("POST", "/evaluate?lang=nb", HEADERS, request)


@pytest.mark.parametrize("hook", HOOKS[:2])
def test_a_canary_in_any_single_place_comes_out_nowhere(hook, watching):
    """As the value, and as the name of the member; whatever the answer is."""
    canaries = cycle(NOT_FOR_IDS)

    async def scenario(service):
        statuses, cards = set(), set()
        whole = whole_request(hook)
        for place in PLACES[hook]:
            for change in (put, rename):
                changed = deepcopy(whole)
                change(changed, place, next(canaries))
                got = await service.ask(message("POST", path(hook), body=changed))
                statuses.add(got.status)
                if got.status == 200:
                    cards.add(UUID.sub(b"", got.body))
        service.spill.add("cards", b"\n".join(cards))
        return statuses

    with watching() as service:
        assert asyncio.run(scenario(service)) == {200, 400, 412}
    assert service.spill.found() == set()


def rename(whole, place, name):
    *way, last = place
    for step in way:
        whole = whole[step]
    if isinstance(whole, dict):
        whole[name] = whole.pop(last)


@dataclass(frozen=True)
class Scenario:
    """A request full of canaries, and the status that it gets."""

    name: str
    status: int
    sent: Callable[[], bytes]


VIEW = whole_request("patient-view")
BUNDLE = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": ALL[:40]}}]}
CHUNKED = {"Transfer-Encoding": "chunked", "Content-Length": None}
CHUNK = b"%x\r\n" % (LONGEST_BODY + 1) + (ALL.encode() * 500)[: LONGEST_BODY + 1]
"""Just too long, and without an end: all of it is read before it is refused."""
NESTED = b"[" * 100_000
SCENARIOS = [
    Scenario("no HTTP", 400, f"{ALL}\r\n\r\n".encode),
    Scenario("a header that is none", 400, f"GET / HTTP/1.1\r\n{ALL}\r\n\r\n".encode),
    Scenario("no JSON", 400, lambda: post(path("patient-view"), f'{{"hook": {ALL}'.encode())),
    Scenario("no UTF-8", 400, lambda: post(path("patient-view"), b'{"hook": "\xff' + ALL.encode() + b'"}')),
    Scenario("too deep", 400, lambda: post(path("patient-view"), b'{"' + ALL.encode() + b'":' + NESTED)),
    Scenario("not a number", 400, lambda: post("/evaluate", f'{{"{ALL}": NaN}}'.encode())),
    Scenario("another hook", 400, lambda: post(path("patient-view"), {**salted(VIEW, cycle(CANARIES)), "hook": ALL})),
    Scenario("no user", 400, lambda: post(path("patient-view"), {**VIEW, "context": {ALL: ALL, "patientId": ALL}})),
    Scenario("a token without a server", 400, lambda: post(path("patient-view"), {**VIEW, "fhirAuthorization": ALL})),
    *(
        Scenario(f"{scheme} of another", 401, lambda scheme=scheme: authorized(f"{scheme} {CREDENTIALS}"))
        for scheme in ("Basic", "Bearer", "")
    ),
    Scenario("a sender that tells", 401, lambda: post("/evaluate", VIEW, **{"X-Forwarded-For": CREDENTIALS})),
    Scenario("a token that tells", 401, lambda: authorized(f"Bearer {telling()}")),
    Scenario("feedback", 200, lambda: feedback(card="c", outcomeTimestamp=AT, outcome="overridden")),
    Scenario("feedback that cannot be read", 400, lambda: feedback(card=ALL, outcome=ALL, outcomeTimestamp=ALL)),
    Scenario("no feedback", 400, lambda: post(f"{path('order-sign')}/feedback", {ALL: ALL, "feedback": ALL})),
    Scenario("no such service", 404, lambda: post(f"/cds-services/{quote(ALL)}", VIEW)),
    Scenario("no such page", 404, lambda: post(f"/{quote(ALL)}", VIEW)),
    Scenario("another method", 405, lambda: message("PURGE", f"{path('patient-view')}?{QUERY}", HEADERS)),
    Scenario("another method for a page", 405, lambda: message("DELETE", f"/evaluate?{QUERY}", HEADERS)),
    Scenario("a foreign patient", 412, lambda: post(path("patient-view"), {**VIEW, "context": foreign()})),
    Scenario("no patient", 412, lambda: post(path("patient-view"), {**VIEW, "prefetch": {ALL: None, **unread()}})),
    Scenario("too long", 413, lambda: message("POST", path("order-sign"), {**HEADERS, **CHUNKED}, CHUNK)),
    Scenario("said to be too long", 413, lambda: post("/evaluate", b"{}", **{"Content-Length": "9" * 9})),
    Scenario("said to be longer than can be", 400, lambda: post("/evaluate", VIEW, **{"Content-Length": "9" * 30})),
    Scenario("another type", 415, lambda: post("/evaluate", VIEW, **{"Content-Type": HEADERS["Cookie"]})),
    Scenario("compressed", 415, lambda: post(path("order-sign"), VIEW, **{"Content-Encoding": HEADERS["Cookie"]})),
    Scenario("two patients", 422, lambda: evaluation({**BUNDLE, "entry": [*BUNDLE["entry"], *other_patient()]})),
    Scenario("neither Bundle nor request", 422, lambda: evaluation({ALL: ALL})),
    Scenario("another language", 422, lambda: message("POST", f"/evaluate?lang={QUERY}", HEADERS, VIEW)),
    Scenario("another day", 422, lambda: message("POST", f"/evaluate?today={QUERY}", HEADERS, VIEW)),
    *(
        Scenario(f"GET {page}", status, lambda page=page: message("GET", f"{page}?{QUERY}", HEADERS))
        for page, status in {"/livez": 200, "/readyz": 200, "/version": 200, "/": 200, "/metrics": 404}.items()
    ),
    Scenario("discovery", 200, lambda: message("GET", f"/cds-services?{QUERY}", HEADERS)),
    Scenario("preflight", 204, lambda: message("OPTIONS", f"{path('order-sign')}?{QUERY}", HEADERS)),
]


def authorized(credentials):
    return post(path("order-sign"), VIEW, Authorization=credentials)


def telling():
    """A token of an issuer that nobody knows, canaries in every member."""
    head = {"alg": "ES384", "typ": "JWT", "kid": CANARIES[5], "jku": f"https://{CANARIES[6]}"}
    claims = {"iss": CANARIES[7], "sub": CANARIES[8], "aud": CANARIES[9], "jti": CANARIES[10], "iat": 1, "exp": 2}
    return signed(signer("ES384"), head, claims)


def feedback(**members):
    """Feedback on one card, with canaries in everything that people write."""
    reason = {"reason": {"code": ALL, "system": ALL, "display": ALL}, "userComment": ALL, "extension": {ALL: ALL}}
    item = {**members, "overrideReason": reason, "note": ALL}
    return post(f"{path('order-sign')}/feedback", {"feedback": [item], ALL: ALL})


def foreign():
    return {**VIEW["context"], "patientId": ALL}


def unread():
    return {"patient": {"resourceType": "OperationOutcome", "issue": [{"diagnostics": ALL}]}}


def other_patient():
    return [{"resource": {"resourceType": "Patient", "id": CANARIES[0], "name": [{"text": ALL}]}}]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_refusal_and_page_says_nothing_of_what_was_sent(scenario, watching):
    with watching() as service:
        got = asyncio.run(service.ask(scenario.sent()))
    service.spill.add("body", got.body)
    assert got.status == scenario.status, got
    assert service.spill.found() == set()


class Telling(Exception):  # noqa: N818  what it is called may not matter
    """An exception whose every text is a canary."""

    def __repr__(self):
        return ALL

    __str__ = __repr__


def chained():
    fault = LookupError(ALL)
    fault.__cause__ = OSError(2, ALL, ALL)
    fault.add_note(ALL)
    return fault


FAULTS = {
    "KeyError": lambda: KeyError(ALL),
    "ValueError": lambda: ValueError(f"invalid literal: {ALL!r}"),
    "group": lambda: ExceptionGroup(ALL, [KeyError(ALL), ExceptionGroup(ALL, [Telling()])]),
    "of a telling text": Telling,
    "of coding": lambda: UnicodeEncodeError("utf-8", ALL, 0, 1, ALL),
    "of a telling name": lambda: type(CANARIES[0].split()[1], (Exception,), {"__module__": CANARIES[1]})(ALL),
    "chained": chained,
}
"""What may be raised deep inside, all of it full of canaries."""
BREAKABLE = [
    (path("patient-view"), "cds_service.hooks.answer.evaluate"),
    (path("patient-view"), "cds_service.hooks.answer.encoded"),
    ("/evaluate", "cds_service.hooks.answer.evaluate"),
    ("/evaluate", "cds_service.pages.encoded"),
]


def breaking(monkeypatch, place, fault):
    def break_down(*_, **__):
        raise fault

    monkeypatch.setattr(place, break_down)


@pytest.mark.parametrize(("target", "place"), BREAKABLE)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_ours_tells_its_type_and_place_alone(fault, target, place, watching, monkeypatch):
    with watching() as service:
        breaking(monkeypatch, place, FAULTS[fault]())
        got = asyncio.run(service.ask(evaluation(VIEW) if target == "/evaluate" else post(target, VIEW)))
    assert got.status == 500
    assert service.spill.found() == set()
    assert any(b'"faults"' in part for part in service.spill.content["file log"])


def test_a_fault_in_the_middle_of_an_answer_tells_its_type_and_place_alone(watching, monkeypatch):
    async def half(_, __, send, reply):
        await send({"type": "http.response.start", "status": reply.status, "headers": []})
        raise KeyError(ALL)

    with watching() as service:
        monkeypatch.setattr("cds_service.hooks.transport.HookEndpoints._send", half)
        got = asyncio.run(service.ask(post(path("patient-view"), VIEW)))
    assert got.body == b""
    assert service.spill.found() == set()


async def silence(*_):
    await asyncio.sleep(2)


REDIRECT = answer("302 Found", outcome(), f"Location: http://127.0.0.1:1/{quote(ALL[:500])}\r\n")
TELLING = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "x", "diagnostics": ALL}]}
NEXT = {"resourceType": "Bundle", "link": [{"relation": "next", "url": f"http://127.0.0.1:1/{quote(ALL[:500])}"}]}
SERVER_FAULTS = {
    "never answers": silence,
    "is redirected": REDIRECT,
    "answers a page": answer("500 Internal Server Error", f"<html>{ALL}</html>".encode()),
    "refuses": answer(
        "401 Unauthorized", TELLING, f"WWW-Authenticate: Bearer {ALL[:300].encode('ascii', 'replace').decode()}\r\n"
    ),
    "answers an outcome": ok(TELLING),
    "leads elsewhere": ok(NEXT),
    "answers no JSON": ok(ALL.encode()),
    "answers no HTTP": f"{ALL}\r\n\r\n".encode(),
}


@pytest.mark.parametrize("fault", SERVER_FAULTS)
def test_a_fhir_server_that_fails_says_nothing_through_us_nor_do_we_of_the_token(fault, tmp_path, watching):
    record = VIEW["prefetch"]

    async def scenario():
        server = FaultyServer(record, {"conditions": [SERVER_FAULTS[fault]], "labs": [SERVER_FAULTS[fault]]})
        async with server.running():
            with watching(tenant(tmp_path / "tenants", server.base, 400)) as service:
                body = asking(salted(VIEW, cycle(CANARIES)), server.base, {"patient": record["patient"]}, extra=ALL)
                got = await service.ask(post(path("patient-view"), body))
                service.spill.add("cards", got.body)
        assert {asked.headers["authorization"] for asked in server.asked} == {f"Bearer {TOKEN}"}
        return service, got

    service, got = asyncio.run(scenario())
    assert got.status == 200
    assert service.spill.found() == set()
    assert TOKEN.encode() not in b"".join(part for parts in service.spill.content.values() for part in parts)


def test_a_formatter_that_leaks_is_caught(tmp_path, watching, monkeypatch):
    with closing(logging.FileHandler(tmp_path / "leaking.log")) as leaking, watching(leaking=leaking) as service:
        breaking(monkeypatch, "cds_service.hooks.answer.evaluate", KeyError(ALL))
        asyncio.run(service.ask(post(path("patient-view"), VIEW)))
    assert {canary for place, canary in service.spill.found() if place == "file leaking.log"} == set(CANARIES)


WAYS = {
    "as it is": lambda text: text.encode(),
    "in upper case": lambda text: text.upper().encode(),
    "in an address": lambda text: quote(text).encode(),
    "in JSON": lambda text: json.dumps({"a": text}).encode(),
    "in JSON in JSON": lambda text: json.dumps(json.dumps(text)).encode(),
    "as Python prints it": lambda text: repr(text.encode()).encode(),
    "in Latin 1": lambda text: text.encode("latin-1"),
    "in UTF-16": lambda text: text.encode("utf-16"),
    "reversed in UTF-16": lambda text: text[::-1].encode("utf-16"),
    "as digits": lambda text: text.encode().hex().encode(),
    **{
        f"in base64 after {before}": lambda text, before=before: base64.b64encode(
            b"x" * before + text.encode() + b"tail"
        )
        for before in range(3)
    },
}


@pytest.mark.parametrize("way", WAYS)
def test_each_canary_is_found_in_each_way_it_may_be_written(way):
    missed = []
    for canary in CANARIES:
        spill = Spill()
        spill.add("log", b"before " + WAYS[way](canary) + b" after")
        if ("log", canary) not in spill.found():
            missed.append(canary)
    assert missed == []


def test_there_are_two_hundred_canaries_and_no_text_of_ours_holds_one():
    assert len(CANARIES) == len(set(CANARIES)) == 200
    spill = Spill()
    spill.add("request", json.dumps(VIEW))
    assert spill.found() == set()
