"""A FHIR server on raw sockets that holds one record and misbehaves as it is told, and a service that asks it."""

import asyncio
import json
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

from cds_service.app import create_app, random_uuid
from cds_service.hooks.services import BY_HOOK
from cds_service.settings import Settings
from tests.conftest import NOW

TOKEN = "secret-token-of-the-caller"  # noqa: S105  made up
DEADLINE_MS, PATIENCE_MS = 400, 5000
_CATEGORIES = {"labs": "laboratory", "vitals": "vital-signs", "imagingFindings": "imaging"}


def ok(body, more=""):
    """A whole answer with status 200."""
    return answer("200 OK", body, more)


def answer(status, body, more=""):
    """Status line, headers and body as bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/fhir+json\r\nContent-Length: {len(content)}\r\n{more}\r\n"
    return head.encode() + content


def outcome(severity="error", code="exception"):
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code}]}


@dataclass
class Asked:
    """One request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: str

    @property
    def type(self):
        return self.path.rpartition("/fhir/")[2].partition("/")[0]

    @property
    def path(self):
        return urlsplit(self.target).path

    @property
    def parameters(self):
        return parse_qs(self.body or urlsplit(self.target).query)


@dataclass
class FaultyServer:
    """Answers searches and reads from `prefetch` (a complete one, by our keys), unless `script` says otherwise.

    `script` maps a key to what is done with its first, second, … request: bytes to send, a coroutine function of
    (reader, writer) to run, or None to answer rightly. The last one is repeated.
    """

    prefetch: dict
    script: dict = field(default_factory=dict)
    more: dict = field(default_factory=dict)
    """Path below the base → body, of what is found nowhere in the prefetch."""
    asked: list[Asked] = field(default_factory=list)
    open: int = 0
    base: str = ""

    @asynccontextmanager
    async def running(self, tls=None):
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.base = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir"
        async with server:
            yield self

    async def _serve(self, reader, writer):
        self.open += 1
        try:
            while (asked := await _request(reader)) is not None:
                self.asked.append(asked)
                if not await self._respond(self._key(asked), asked, reader, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _respond(self, key, asked, reader, writer):
        """Whether the connection stays open."""
        steps = self.script.get(key, [None])
        step = steps[min(Counter(map(self._key, self.asked))[key], len(steps)) - 1]
        if callable(step):
            await step(reader, writer)
            return False
        writer.write(self._found(key, asked) if step is None else step)
        await writer.drain()
        return True

    def _key(self, asked):
        types = BY_HOOK["order-sign"].prefetched_types
        found = [key for key, kind in types.items() if kind == asked.type]
        if len(found) > 1:
            wanted = asked.parameters.get("category", [""])[0]
            found = [key for key in found if _CATEGORIES[key] == wanted]
        return found[0] if found else asked.path.rpartition("/fhir/")[2]

    def _found(self, key, asked):
        assert asked.headers.get("authorization") == f"Bearer {TOKEN}"
        if asked.type == "Patient":
            return ok(self.prefetch["patient"])
        if key in self.prefetch:
            return ok(self.prefetch[key])
        body = self.more.get(unquote(asked.path.rpartition("/fhir/")[2]))
        return answer("404 Not Found", outcome(code="not-found")) if body is None else ok(body)


async def _request(reader):
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
    method, target, _ = first.split(" ")
    return Asked(method, target, headers, body)


@dataclass
class Answered:
    """What came of one hook request."""

    response: httpx.Response
    seconds: float
    leaked_tasks: int
    leaked_sockets: int

    @property
    def cards(self):
        assert self.response.status_code == 200, self.response.text
        return self.response.json()["cards"]

    def notes(self):
        """Source and reason of every note of the cards."""
        found = [card["extension"]["example.cno-cds.result"].get("notes", []) for card in self.cards]
        return {(note["source"], note["reason"]) for notes in found for note in notes}


def tenant(folder, base, deadline_ms=PATIENCE_MS, **fields):
    """Settings with one tenant, whose server lies at the base; time enough where the deadline is not the question."""
    folder.mkdir(exist_ok=True)
    rows = {"fhir_bases": [base], **fields}
    (folder / "ehr.toml").write_text("\n".join(f"{name} = {json.dumps(value)}" for name, value in rows.items()))
    return Settings(profile="development", language="nb", tenants_dir=folder, fetch_deadline_ms=deadline_ms)


def asking(request, base, prefetch=None, **members):
    """The request with a token for the server, and the prefetch that is given."""
    authorization = {
        "access_token": TOKEN,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "user/*.rs",
        "subject": "s",
    }
    return {**request, "fhirServer": base, "fhirAuthorization": authorization, "prefetch": prefetch or {}, **members}


async def ask(settings, body):
    """Post a hook request to the service; tell what was left open when it had stopped."""
    tasks = asyncio.all_tasks()
    sockets = _sockets()
    app = create_app(settings, clock=lambda: NOW, new_uuid=random_uuid)
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://cds.test") as client:
        started = loop.time()
        response = await client.post(f"/cds-services/cno-{body['hook']}", json=body)
        seconds = loop.time() - started
    left = len(asyncio.all_tasks() - tasks - _of_the_server(asyncio.all_tasks()))
    await app.aclose()
    for _ in range(200):
        if _sockets() <= sockets:
            break
        await asyncio.sleep(0.005)
    return Answered(response, seconds, left, _sockets() - sockets)


def _of_the_server(tasks):
    """The faulty server's own tasks, which live as long as its connections."""
    return {task for task in tasks if "FaultyServer" in repr(task.get_coro())}


def _sockets():
    return sum(_is_socket(name) for name in Path("/proc/self/fd").iterdir())


def _is_socket(descriptor):
    try:
        return descriptor.readlink().name.startswith("socket:")
    except OSError:
        return False


def without_uuids(cards):
    """Cards as they can be compared: without what is fresh in each answer."""
    if isinstance(cards, dict):
        return {name: without_uuids(value) for name, value in cards.items() if name != "uuid"}
    return [without_uuids(each) for each in cards] if isinstance(cards, list) else cards
