"""Plain ASGI for /cds-services and below: short paths in, JSON out, every failure an OperationOutcome."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

from cds_service.hooks.answer import Answers, encoded
from cds_service.hooks.services import SERVICES, discovery
from cds_service.mappings.outgoing import operation_outcome
from cds_service.operations.bodies import read_body
from cds_service.operations.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from cds_service.hooks.services import Service

    Message: TypeAlias = MutableMapping[str, Any]
    Scope: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]
    Headers: TypeAlias = Iterable[tuple[bytes, bytes]]

ROOT = "/cds-services"
_JSON = (b"content-type", b"application/json")
_FROM_ANYWHERE = (b"access-control-allow-origin", b"*")
_PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type"),
    (b"access-control-max-age", b"600"),
)
_READING = (b"GET", b"HEAD", b"OPTIONS")
_POSTING = (b"POST", b"OPTIONS")


class HookEndpoints:
    """The ASGI application of discovery and the services. `for_browsers` lets pages of any origin call it."""

    def __init__(self, answers: Answers, *, for_browsers: bool) -> None:
        self._answers = answers
        self._discovery = discovery(answers.settings.style.canonical_base)
        self._services = _paths(SERVICES)
        self._headers = (_JSON, _FROM_ANYWHERE) if for_browsers else (_JSON,)
        self._preflight = (_FROM_ANYWHERE, *_PREFLIGHT) if for_browsers else ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            await self._answer(scope, receive, send)
        except RequestError as error:
            await self._send(send, error.status, outcome(error))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        service = self._services.get(path)
        if service is None and path.rstrip("/") != ROOT:
            raise RequestError(404, "not-found", "There is no such service.")
        if service is not None and method == "POST":
            body = await read_body(scope["headers"], receive)
            answer = await self._answers.to_hook(service, body, _accept_language(scope["headers"]))
            await self._send(send, 200, answer)
        elif service is None and method in {"GET", "HEAD"}:
            await self._send(send, 200, self._discovery, empty=method == "HEAD")
        elif method == "OPTIONS":
            await _respond(send, 204, (_allow(service), *self._preflight), b"")
        else:
            refusal = RequestError(405, "not-supported", "This address does not answer that method.")
            await self._send(send, 405, outcome(refusal), (_allow(service),))

    async def _send(self, send: Send, status: int, body: bytes, more: Headers = (), *, empty: bool = False) -> None:
        length = (b"content-length", b"%d" % len(body))
        await _respond(send, status, (*self._headers, length, *more), b"" if empty else body)


def outcome(error: RequestError) -> bytes:
    """The OperationOutcome of an error, as JSON."""
    return encoded(operation_outcome(error.code, error.diagnostics))


def unexpected() -> bytes:
    """The OperationOutcome of a fault of ours: it says nothing of the request."""
    return encoded(operation_outcome("exception", f"{HTTPStatus(500).phrase}: the request could not be answered."))


def _accept_language(headers: Headers) -> str | None:
    return next((value.decode("latin-1") for name, value in headers if name == b"accept-language"), None)


def _allow(service: Service | None) -> tuple[bytes, bytes]:
    return b"allow", b", ".join(_READING if service is None else _POSTING)


def _paths(services: Iterable[Service]) -> dict[str, Service]:
    """Each service under its path, also where a client joined the parts with one slash too many."""
    return {
        f"{ROOT}{joint}{service.id}{end}": service for service in services for joint in ("/", "//") for end in ("", "/")
    }


async def _respond(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})
