"""Plain ASGI for /cds-services and below: short paths in, JSON out, every failure an OperationOutcome."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

from cds_service.hooks.answer import Answers, encoded
from cds_service.hooks.errors import RequestError
from cds_service.hooks.services import SERVICES, discovery
from cds_service.mappings.outgoing import operation_outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from cds_service.hooks.services import Service

    Message: TypeAlias = MutableMapping[str, Any]
    Scope: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]
    Headers: TypeAlias = Iterable[tuple[bytes, bytes]]

ROOT = "/cds-services"
LONGEST_BODY = 2 * 1024 * 1024
_JSON_TYPES = frozenset({b"application/json", b"application/fhir+json", b""})
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


async def read_body(headers: Headers, receive: Receive) -> bytes:
    """The whole body of a request that says it is JSON.

    Raises:
        RequestError: 413 above LONGEST_BODY, 415 another content type or an encoded body, 400 cut off.
    """
    _require_json(headers)
    chunks: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestError(400, "incomplete", "The body was cut off.")
        chunk = message.get("body", b"")
        length += len(chunk)
        if length > LONGEST_BODY:
            raise _too_long()
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def outcome(error: RequestError) -> bytes:
    """The OperationOutcome of an error, as JSON."""
    return encoded(operation_outcome(error.code, error.diagnostics))


def unexpected() -> bytes:
    """The OperationOutcome of a fault of ours: it says nothing of the request."""
    return encoded(operation_outcome("exception", f"{HTTPStatus(500).phrase}: the request could not be answered."))


def _require_json(headers: Headers) -> None:
    for name, value in headers:
        if name == b"content-type":
            if value.partition(b";")[0].strip().lower() not in _JSON_TYPES:
                raise RequestError(415, "not-supported", "The body must be application/json or application/fhir+json.")
        elif name == b"content-encoding":
            if value.strip().lower() not in {b"identity", b""}:
                raise RequestError(415, "not-supported", "The body must not be compressed.")
        elif name == b"content-length" and value.isdigit() and _is_too_long(value.lstrip(b"0")):
            raise _too_long()


def _is_too_long(length: bytes) -> bool:
    """Decimal digits as they stand in the header; Python refuses to read very many of them."""
    return len(length) > len(str(LONGEST_BODY)) or int(length or b"0") > LONGEST_BODY


def _too_long() -> RequestError:
    return RequestError(413, "too-long", f"The body is longer than {LONGEST_BODY} bytes.")


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
