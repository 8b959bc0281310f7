"""A small third-party CDS Hooks service on loopback: correct by itself, and as faulty as a test makes it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import uuid4

SERVICES = {"patient-view": "acme-greeter", "order-select": "acme-chooser", "order-sign": "acme-checker"}
LINES = tuple(f"{hook}={name}" for hook, name in SERVICES.items())
JSON = "application/json"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
}
HOOK_OF = {f"/cds-services/{name}": hook for hook, name in SERVICES.items()}


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_hook(self) -> bool:
        return self.method == "POST" and self.path in HOOK_OF


@dataclass(frozen=True)
class Reply:
    """An answer; `body` is bytes, or what is to be sent as JSON."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)

    def but(self, **changes: Any) -> "Reply":
        return replace(self, **changes)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Twist = Callable[[Asked, Reply], Reply | None]


def outcome(status: int, text: str, **headers: str) -> Reply:
    issue = {"severity": "error", "code": "processing", "diagnostics": text}
    return Reply(status, {"resourceType": "OperationOutcome", "issue": [issue]}, {"Content-Type": JSON, **headers})


def card(request: dict[str, Any]) -> dict[str, Any]:
    """A card with everything that a card may have."""
    resource = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": f"Patient/{request['context']['patientId']}"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "2000-8"}], "text": "Calcium"},
    }
    return {
        "uuid": str(uuid4()),
        "summary": "Measure calcium before the infusion.",
        "detail": "- **Calcium**: not measured this week\n- Then: https://acme.example/why",
        "indicator": "warning",
        "source": {
            "label": "Acme",
            "url": "https://acme.example",
            "topic": {"system": "https://acme.example/topics", "code": "Calcium1"},
        },
        "suggestions": [
            {
                "label": "Measure",
                "uuid": str(uuid4()),
                "actions": [{"type": "create", "description": "Order calcium.", "resource": resource}],
            }
        ],
        "selectionBehavior": "any",
        "overrideReasons": [{"system": "https://acme.example/reasons", "code": "done", "display": "Done"}],
        "links": [
            {"label": "Guideline", "url": "https://acme.example/guideline", "type": "absolute"},
            {"label": "App", "url": "http://127.0.0.1:8000/launch", "type": "smart"},
        ],
        "extension": {"example.acme.note": {"version": "1"}},
    }


def discovery() -> dict[str, Any]:
    templates = {
        "patient": "Patient/{{context.patientId}}",
        "user": "{{context.userId}}",
        "labs": "Observation?patient={{context.patientId}}&category=laboratory&_sort=-date&_count=50",
        "problems": "Condition?patient={{ context.patientId }}",
        "allergies": "AllergyIntolerance?patient={{context.patientId}}",
    }
    return {
        "services": [
            {"hook": hook, "id": name, "title": "Acme", "description": "Reminds of calcium.", "prefetch": templates}
            for hook, name in SERVICES.items()
        ]
    }


def correct(asked: Asked) -> Reply:
    """The answer of the correct service."""
    if asked.method == "OPTIONS":
        return Reply(204)
    path = asked.path.removesuffix("/")
    if path == "/cds-services":
        return Reply(200, discovery(), {"Content-Type": JSON})
    if path.endswith("/feedback") and path.removesuffix("/feedback") in HOOK_OF:
        return Reply(200) if asked.json["feedback"] else outcome(400, "feedback")
    if path not in HOOK_OF:
        return outcome(404, "There is no such service.")
    return _cards(asked) if asked.method == "POST" else outcome(405, "Use POST.", Allow="POST, OPTIONS")


def _cards(asked: Asked) -> Reply:
    hook = HOOK_OF[asked.path]
    needed = ("userId", "patientId", *(() if hook == "patient-view" else ("draftOrders",)))
    try:
        request = asked.json
    except ValueError:
        return outcome(400, "The body is not JSON.")
    if request.get("hook") != hook or "hookInstance" not in request:
        return outcome(400, "hook or hookInstance")
    if not all(name in request.get("context", {}) for name in needed):
        return outcome(400, "context")
    if not any(one and one["resourceType"] == "Patient" for one in request.get("prefetch", {}).values()):
        return outcome(412, "The Patient is missing.")
    return Reply(200, {"cards": [card(request)]}, {"Content-Type": f"{JSON}; charset=utf-8"})


@dataclass
class Running:
    """A service that runs, and what it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def serving(twist: Twist = lambda _, reply: reply, answer: Callable[[Asked], Reply] = correct) -> Iterator[Running]:
    """Run the service with a twist to its answers; a twist that gives None hangs up."""
    running = Running("")

    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, body)
            running.asked.append(asked)
            given = answer(asked)
            reply = twist(asked, given.but(headers={**CORS, **given.headers}))
            if reply is None:
                return
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.content)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.content)

        do_GET = do_POST = do_OPTIONS = reply  # noqa: N815  names of the standard library

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
