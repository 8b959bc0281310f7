"""One line per request, whatever answers it, in place of the server's own: that one would hold paths and queries."""

from __future__ import annotations

import logging
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeAlias

from cds_service.operations.log import RequestLine, event, request_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message: TypeAlias = MutableMapping[str, Any]
    Scope: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]
    Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_LINE = "cno-cds.line"


class AccessLog:
    """The outermost ASGI application: times each request, and writes its line when it is over."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or start and stop; what is raised goes on to the server."""
        if scope["type"] != "http":
            await self._start_and_stop(scope, receive, send)
            return
        line = RequestLine(route=scope["path"], method=scope["method"])
        scope[_LINE] = line

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                line.status = message["status"]
            await send(message)

        started = monotonic()
        try:
            await self._application(scope, receive, noting)
        except BaseException as fault:
            line.fault = fault
            raise
        finally:
            line.ms = (monotonic() - started) * 1000
            request_line(line)
            line.fault = None

    async def _start_and_stop(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._application(scope, receive, send)
        except Exception as fault:
            event("fault", logging.CRITICAL, exc_info=fault)
            raise


def line_of(scope: Scope) -> RequestLine:
    """The line of a request, for whoever answers it to fill; outside of an AccessLog one that is nowhere written."""
    line = scope.get(_LINE)
    return line if isinstance(line, RequestLine) else RequestLine()
