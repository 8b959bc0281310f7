"""The body of a request: read whole, and refused before it is parsed where it is not what we take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from cds_service.operations.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    Message: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Headers: TypeAlias = Iterable[tuple[bytes, bytes]]

LONGEST_BODY = 2 * 1024 * 1024
_JSON_TYPES = frozenset({b"application/json", b"application/fhir+json", b""})


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
