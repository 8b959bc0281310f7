"""The listed servers of an installation, their connections, and who may use them for one hook."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from cds_service.fhir_access.client import Session
from cds_service.fhir_access.connections import Transport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import SecretStr

    from cds_service.fhir_access.server import FhirServer

Refusal: TypeAlias = Literal["fhirServer", "fhirAuthorization"]
_TOKEN = re.compile(r"[!-~]{1,8192}")


class FhirAccess:
    """Opens sessions. `seconds` is what a hook may wait for its servers, all requests together.

    `installed` names all servers of the installation: those that are not among `servers` are another client's.
    """

    def __init__(self, servers: Iterable[FhirServer], seconds: float, installed: Iterable[FhirServer] = ()) -> None:
        self._servers = {server.base: (server, Transport(server)) for server in servers}
        self._seconds = seconds
        self._others = {server.base for server in installed} - self._servers.keys()

    def is_anothers(self, address: str) -> bool:
        """Whether that is a server of another client of this installation."""
        return address.rstrip("/") in self._others

    def session(self, address: str, token: SecretStr | None) -> Session | Refusal:
        """A session on the listed server of that very address, beginning now; else the field that forbids it.

        A slash at the end of the address makes no difference, anything else does.
        """
        known = self._servers.get(address.rstrip("/"))
        if known is None:
            return "fhirServer"
        server, transport = known
        if server.needs_token if token is None else _TOKEN.fullmatch(token.get_secret_value()) is None:
            return "fhirAuthorization"
        deadline = asyncio.get_running_loop().time() + self._seconds
        return Session(server, transport, deadline, token)

    async def aclose(self) -> None:
        """Close all connections."""
        for _, transport in self._servers.values():
            await transport.aclose()
