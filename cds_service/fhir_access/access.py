"""The listed servers of an installation, their connections, and who may use them for one hook."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from cds_service.fhir_access.client import Session
from cds_service.fhir_access.connections import Transport
from cds_service.fhir_access.server import FhirServer, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

DEADLINE_SECONDS = 0.4
_TOKEN = re.compile(r"[!-~]{1,8192}")


class FhirAccess:
    """Opens sessions. `seconds` is what a hook may wait for its servers, all requests together."""

    def __init__(self, servers: Iterable[FhirServer], seconds: float = DEADLINE_SECONDS) -> None:
        self._servers = tuple(servers)
        self._seconds = seconds
        self._transports: dict[str, Transport] = {}

    def session(self, address: str, token: str | None) -> Session | None:
        """A session on the listed server of that address, beginning now; None where nothing may be asked."""
        server = listed(self._servers, address)
        if server is None or (token is None and server.needs_token):
            return None
        if token is not None and _TOKEN.fullmatch(token) is None:
            return None
        deadline = asyncio.get_running_loop().time() + self._seconds
        return Session(server, self._transport(server), deadline, token)

    def _transport(self, server: FhirServer) -> Transport:
        known = self._transports.get(server.base)
        if known is None:
            known = self._transports[server.base] = Transport(server)
        return known

    async def aclose(self) -> None:
        """Close all connections."""
        while self._transports:
            _, transport = self._transports.popitem()
            await transport.aclose()
