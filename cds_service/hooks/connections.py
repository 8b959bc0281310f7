"""Connections as this service takes them: bounded, and refused with an OperationOutcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from cds_service.hooks.transport import outcome
from cds_service.operations.http_protocol import BoundedHttpProtocol

if TYPE_CHECKING:
    from cds_service.operations.errors import RequestError


class HttpProtocol(BoundedHttpProtocol):
    """One connection."""

    @override
    @staticmethod
    def refuse(error: RequestError) -> bytes:
        return outcome(error)


UVICORN_OPTIONS: dict[str, Any] = {
    "http": HttpProtocol,
    "ws": "none",
    "access_log": False,
    "server_header": False,
    "proxy_headers": True,  # of a proxy on this machine: who comes through it is not near
    "timeout_keep_alive": 5,
    "timeout_worker_healthcheck": 60,  # while a worker starts on a busy machine it says nothing for seconds
    "timeout_graceful_shutdown": 15,
}
"""What `uvicorn.run` is given, with one worker or many. Its own `limit_concurrency` would answer in plain text."""
