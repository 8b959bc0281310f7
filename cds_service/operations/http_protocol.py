"""HTTP/1.1 as uvicorn reads it, with the bounds that it lacks: on the time and size of headers, and on connections.

What is no HTTP is refused like everything else, with an OperationOutcome.
"""

from __future__ import annotations

import asyncio
import resource
from http import HTTPStatus
from typing import ClassVar

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cds_service.operations.errors import RequestError

HEADER_SECONDS = 5.0
"""For all headers: of the first request since the connection was made, of a later one since its first byte."""
REST_SECONDS = 5.0
"""For the rest of a body that was answered before it was whole, and for a client to take its answer."""
LINGER_SECONDS = 1.0
"""For a refusal to arrive before the connection is closed on a client that still sends."""
LONGEST_HEAD = 16 * 1024
"""Bytes of request line and headers; likewise of what frames or trails a body, between two parts of it."""
MOST_HEADERS = 100
_VERSIONS = frozenset({"1.0", "1.1"})
MOST_CONNECTIONS = 10_000
"""In each worker, where it may open so many files."""
_OTHER_FILES = 100
"""Left to the database, FHIR servers and logs."""

_SLOW = RequestError(408, "timeout", "The headers were not sent in time.")
_LARGE = RequestError(
    431, "too-long", f"The headers are longer than {LONGEST_HEAD} bytes, or more than {MOST_HEADERS}."
)
_MALFORMED = RequestError(400, "structure", "The request is not well-formed HTTP/1.1.")
_CROWDED = RequestError(503, "transient", "Too many connections are open.")


def most_connections() -> int:
    """How many connections a worker holds: fewer where it may not open so many files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        MOST_CONNECTIONS
        if files == resource.RLIM_INFINITY
        else min(MOST_CONNECTIONS, files - min(_OTHER_FILES, files // 2))
    )


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection. A subclass says how a refusal is written; uvicorn takes it as `http`, also by its name."""

    header_seconds: ClassVar[float] = HEADER_SECONDS
    rest_seconds: ClassVar[float] = REST_SECONDS
    most_connections: ClassVar[int] = most_connections()

    _is_between = True
    """No request has begun, or the last one has come whole."""
    _in_headers = False
    _under_way = 0
    """Requests that have begun to be answered, or wait for that behind another."""
    _is_ending = False
    """Whatever comes now is dropped."""
    _head = 0
    """Bytes of the headers so far."""
    _unread = 0
    """Bytes since the last ones that were of use."""
    _fault = _MALFORMED
    _awaited: asyncio.TimerHandle | None = None
    """When a client has been waited for long enough to send."""
    _taken: asyncio.TimerHandle | None = None
    """Likewise, to take what it was sent."""

    @staticmethod
    def refuse(error: RequestError) -> bytes:
        """The JSON that tells of a refusal."""
        raise NotImplementedError

    # --- what the transport tells ---

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Await the first headers; refuse a connection too many."""
        super().connection_made(transport)
        if len(self.connections) > self.most_connections:
            self._end(_CROWDED)
        else:
            self._await(self.header_seconds)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more is awaited."""
        self._stop_awaiting()
        self._stop_writing()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._is_ending:
            return
        if self._is_between:
            self._await(self.header_seconds)
        self._unread += len(data)
        self._unset_keepalive_if_required()
        self._feed(data)
        if self._unread > LONGEST_HEAD:
            self._end(_LARGE)

    @override
    def pause_writing(self) -> None:
        """A client that takes nothing is not waited for."""
        super().pause_writing()
        self._abort_after(self.rest_seconds)

    @override
    def resume_writing(self) -> None:
        """It takes on."""
        super().resume_writing()
        if not self._is_ending and not self.transport.is_closing():
            self._stop_writing()

    # --- what the parser tells ---

    @override
    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._is_between = False
        self._in_headers = True
        self._head = self._unread = 0
        self._await(self.header_seconds)

    @override
    def on_url(self, url: bytes) -> None:
        """A piece of the request line."""
        super().on_url(url)
        self._count(url)

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        """One header. What trails a body is none: the request is under way by then."""
        self._count(name, value, b": \r\n")
        if self._in_headers:
            super().on_header(name, value)

    @override
    def on_headers_complete(self) -> None:
        """The request starts.

        Raises:
            ValueError: it is of another version of HTTP, or for a tunnel; the parser stops.
        """
        if self.parser.get_http_version() not in _VERSIONS or self.parser.get_method() == b"CONNECT":
            raise ValueError
        if self.parser.should_upgrade():
            return
        self._stop_awaiting()
        super().on_headers_complete()
        self._under_way += 1
        self._in_headers = False
        self._unread = 0

    @override
    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._unread = 0
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        """The request is whole."""
        if self.parser.should_upgrade():
            return
        self._is_between = True
        self._unread = 0
        self._stop_awaiting()
        super().on_message_complete()

    # --- what the application tells ---

    @override
    def on_response_complete(self) -> None:
        """Neither the rest of a body nor the taking of an answer is waited for without end."""
        self._under_way -= 1
        super().on_response_complete()
        if self.transport.is_closing():
            self._abort_after(self.rest_seconds)
        elif not self._is_between and not self._in_headers:
            self._await(self.rest_seconds)

    @override
    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection."""
        super().timeout_keep_alive_handler()
        self._abort_after(self.rest_seconds)

    # --- the bounds ---

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as offer:
            (end,) = offer.args
            self._feed(self._declined() + data[end:])
        except HttpParserError:
            self._end(self._fault)

    def _declined(self) -> bytes:
        """The head without its offer to speak another protocol, for a new parser: this one takes no body after it."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        lines = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = HttpRequestParser(self)
        return b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, b"".join(lines))

    def _count(self, *parts: bytes) -> None:
        """Refuse a head that is too large.

        Raises:
            ValueError: it is; the parser stops.
        """
        self._head += sum(map(len, parts))
        if self._head > LONGEST_HEAD or len(self.headers) >= MOST_HEADERS:
            self._fault = _LARGE
            raise ValueError

    def _await(self, seconds: float) -> None:
        """Wait for the client so long, not longer for every byte that it sends."""
        if self._awaited is None:
            self._awaited = self.loop.call_later(seconds, self._waited)

    def _stop_awaiting(self) -> None:
        if self._awaited is not None:
            self._awaited.cancel()
            self._awaited = None

    def _waited(self) -> None:
        """Refuse headers that have begun; whoever said nothing is told nothing."""
        self._awaited = None
        if self._in_headers or self._under_way:
            self._end(_SLOW)
        else:
            self.transport.close()
            self._abort_after(self.rest_seconds)

    def _end(self, error: RequestError) -> None:
        """Take nothing more, and say why, unless that would pass for the answer to an earlier request."""
        if self._is_ending:
            return
        self._stop_awaiting()
        self._is_ending = True
        in_body = not self._is_between and not self._in_headers
        if self._under_way and not in_body:
            self.cycle.keep_alive = False
            return
        if in_body:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if in_body and (self.cycle.response_started or self._under_way > 1):
            self.transport.close()
        else:
            self._write_last(error)
        self._abort_after(LINGER_SECONDS)

    def _abort_after(self, seconds: float) -> None:
        if self._taken is None:
            self._taken = self.loop.call_later(seconds, self.transport.abort)

    def _stop_writing(self) -> None:
        if self._taken is not None:
            self._taken.cancel()
            self._taken = None

    def _write_last(self, error: RequestError) -> None:
        """Answer, and end our side; the other one ends once the client has read that."""
        body = self.refuse(error)
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"connection", b"close"),
        ]
        status = f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\n".encode()
        self.transport.write(status + b"".join(b"%b: %b\r\n" % header for header in headers) + b"\r\n" + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()
