"""Plain ASGI for /cds-services and below: short paths in, JSON out, every failure an OperationOutcome."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

from cds_service.hooks.answer import encoded
from cds_service.hooks.services import SERVICES, discovery
from cds_service.mappings.outgoing import operation_outcome
from cds_service.operations.access_log import line_of
from cds_service.operations.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping

    from cds_service.hooks.door import CdsClient, Door
    from cds_service.hooks.feedback_desk import FeedbackDesk
    from cds_service.hooks.services import Service

    Message: TypeAlias = MutableMapping[str, Any]
    Scope: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]
    Headers: TypeAlias = Iterable[tuple[bytes, bytes]]

ROOT = "/cds-services"
_FEEDBACK = "feedback"
ROUTES = frozenset({ROOT, *(f"{ROOT}/{service.id}{end}" for service in SERVICES for end in ("", f"/{_FEEDBACK}"))})
"""The addresses that are answered here, as they are written."""
_JSON = (b"content-type", b"application/json")
_READABLE = (b"access-control-expose-headers", b"retry-after, www-authenticate")
_PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type"),
    (b"access-control-max-age", b"600"),
)
_VARY = (b"vary", b"origin")
_READING = ("GET", "HEAD", "OPTIONS")
_POSTING = ("POST", "OPTIONS")


@dataclass(frozen=True, slots=True)
class _Reply:
    """What goes out with a status: the body, and the client whose answer it is."""

    status: int
    body: bytes
    headers: Headers = ()
    client: CdsClient | None = None


@dataclass(frozen=True, slots=True)
class _Route:
    """An address: what answers there, and to which methods."""

    answer: Callable[[Scope, Receive], Awaitable[_Reply]]
    methods: tuple[str, ...]


class HookEndpoints:
    """The ASGI application of discovery, the services and their feedback."""

    def __init__(self, door: Door, desk: FeedbackDesk, canonical_base: str) -> None:
        self._door = door
        self._desk = desk
        self._discovery = discovery(canonical_base)
        self._routes = dict(self._addresses())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            reply = await self._answer(scope, receive)
        except RequestError as error:
            line_of(scope).code = error.code
            headers = tuple((name.encode(), value.encode()) for name, value in error.headers.items())
            reply = _Reply(error.status, outcome(error), headers)
        except Exception:
            await self._send(scope, send, _Reply(500, unexpected()))
            raise
        await self._send(scope, send, reply)

    async def _send(self, scope: Scope, send: Send, reply: _Reply) -> None:
        cors = self._cors(scope, reply.client)
        length = (b"content-length", b"%d" % len(reply.body))
        headers = [*((_JSON, length) if reply.body else ()), *reply.headers, *cors]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else reply.body})

    async def _answer(self, scope: Scope, receive: Receive) -> _Reply:
        path = scope["path"]
        route = self._routes.get(ROOT if path.rstrip("/") == ROOT else path)
        if route is None:
            raise RequestError(404, "not-found", "There is no such service.")
        if scope["method"] == "OPTIONS":
            return _Reply(204, b"", ((b"allow", ", ".join(route.methods).encode()),))
        if scope["method"] not in route.methods:
            allow = {"allow": ", ".join(route.methods)}
            raise RequestError(405, "not-supported", "This address does not answer that method.", allow)
        return await route.answer(scope, receive)

    async def _discover(self, scope: Scope, _: Receive) -> _Reply:
        """The list of services is public; a token that comes with the request must be valid all the same."""
        if any(name == b"authorization" for name, _ in scope["headers"]):
            await self._door.admit(scope, (ROOT,))
        return _Reply(200, self._discovery)

    def _serve(self, service: Service) -> Callable[[Scope, Receive], Awaitable[_Reply]]:
        async def serve(scope: Scope, receive: Receive) -> _Reply:
            async with self._door.visit(scope, receive, (f"{ROOT}/{service.id}",)) as (client, body):
                answer = await client.answers.to_hook(service, body, _header(scope, b"accept-language"))
                line = line_of(scope)
                line.hook_instance, line.cards, line.fetch_ms = answer.instance, answer.cards, answer.fetch_ms
                return _Reply(200, answer.body, client=client)

        return serve

    def _take(self, service: Service) -> Callable[[Scope, Receive], Awaitable[_Reply]]:
        """Feedback; some EHRs sign it for the service that it is about."""
        mine = f"{ROOT}/{service.id}"

        async def take(scope: Scope, receive: Receive) -> _Reply:
            paths = (f"{mine}/{_FEEDBACK}", mine)
            async with self._door.visit(scope, receive, paths, feedback=True) as (client, body):
                receipt = await self._desk.take(client, service, body)
                return _Reply(200, encoded(receipt), client=client)

        return take

    def _cors(self, scope: Scope, client: CdsClient | None) -> Headers:
        """What lets a page of a listed origin read the answer."""
        allowed = self._door.allowed_origin(_header(scope, b"origin"), client)
        if allowed is None:
            return (_VARY,)
        named = (b"access-control-allow-origin", allowed.encode("latin-1"))
        return (named, _VARY, *(_PREFLIGHT if scope["method"] == "OPTIONS" else (_READABLE,)))

    def _addresses(self) -> Iterator[tuple[str, _Route]]:
        """Each route under its path, also where a client joined the parts with one slash too many."""
        discovery_route = _Route(self._discover, _READING)
        yield ROOT, discovery_route
        for service in SERVICES:
            serve, take = _Route(self._serve(service), _POSTING), _Route(self._take(service), _POSTING)
            for joint in ("/", "//"):
                for end in ("", "/"):
                    yield f"{ROOT}{joint}{service.id}{end}", serve
                    yield f"{ROOT}{joint}{service.id}/{_FEEDBACK}{end}", take


def outcome(error: RequestError) -> bytes:
    """The OperationOutcome of an error, as JSON."""
    return encoded(operation_outcome(error.code, error.diagnostics))


def unexpected() -> bytes:
    """The OperationOutcome of a fault of ours: it says nothing of the request."""
    return encoded(operation_outcome("exception", f"{HTTPStatus(500).phrase}: the request could not be answered."))


def _header(scope: Scope, wanted: bytes) -> str | None:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), None)
