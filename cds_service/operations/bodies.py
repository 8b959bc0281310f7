"""The body of a request: read whole, and refused before it is parsed where it is not what we take."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias

from cds_service.operations.errors import CLOSE, DisconnectedError, RequestError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    Message: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Headers: TypeAlias = Iterable[tuple[bytes, bytes]]

LONGEST_BODY = 2 * 1024 * 1024
MOST_NODES = 200_000
"""Brackets that open and commas, of which a JSON text has at least as many as values less one.

The densest charts known, answered forms without white space, have 0.066 of them per byte: 138,000 in LONGEST_BODY.
200,000 of the values that take us longest, doses of one order, are answered in 0.7 s.
"""
SECONDS = 5.0
"""In which the whole body must be in."""
_JSON_TYPES = frozenset({b"application/json", b"application/fhir+json", b""})


async def read_body(headers: Headers, receive: Receive, *, seconds: float = SECONDS) -> bytes:
    """The whole body of a request that says it is JSON; a text of UTF-8 with no more than MOST_NODES.

    Raises:
        RequestError: 413 above LONGEST_BODY or MOST_NODES, 415 another content type or an encoded body, 400 no text,
            408 not in within `seconds`.
        DisconnectedError: the client went away.
    """
    _require_json(headers)
    try:
        async with asyncio.timeout(seconds):
            body = await _whole(receive)
    except TimeoutError:
        raise RequestError(408, "timeout", "The body was not sent in time.", CLOSE) from None
    require_text(body)
    _require_few_nodes(body)
    return body


def require_text(body: bytes) -> None:
    """Refuse what is not UTF-8: the decoder checks only the text that it reads.

    Raises:
        RequestError: 400.
    """
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError:
            raise RequestError(400, "structure", "The body is not UTF-8.") from None


async def _whole(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        chunk = message.get("body", b"")
        length += len(chunk)
        if length > LONGEST_BODY:
            raise _too_long()
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _require_few_nodes(body: bytes) -> None:
    """Counts those in texts too; a body of fewer bytes needs no counting."""
    if len(body) > MOST_NODES and len(body) - len(body.translate(None, b"[{,")) > MOST_NODES:
        raise RequestError(413, "too-costly", f"The body holds more than {MOST_NODES} values.")


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
