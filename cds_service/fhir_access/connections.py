"""Connections to one listed server: its name is resolved once per connection, and only allowed addresses are dialled.

No proxy and no certificate path from the environment, no cookies, no redirects, no compressed answers.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import httpcore2
import httpx2
from typing_extensions import override

from cds_service.fhir_access.addresses import may_connect

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cds_service.fhir_access.addresses import Address, Network
    from cds_service.fhir_access.server import FhirServer

MOST_CONNECTIONS = 50
_IDLE_SECONDS = 30.0


class ForbiddenAddressError(httpcore2.ConnectError):
    """The host lies, wholly or in part, where no connection may go."""


class _Dialler(httpcore2.AsyncNetworkBackend):
    """Resolves, judges and connects; the name stays what TLS asks the certificate for."""

    def __init__(self, networks: tuple[Network, ...]) -> None:
        self._networks = networks
        self._network = httpcore2.AnyIOBackend()
        self._lookup: asyncio.Future[list[Address]] | None = None

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        addresses = await self._resolved(host, port)
        if not addresses or not all(may_connect(address, self._networks) for address in addresses):
            raise ForbiddenAddressError
        fault: Exception = httpcore2.ConnectError()
        for address in addresses:
            try:
                stream = await self._network.connect_tcp(str(address), port, timeout, local_address, socket_options)
                return _Closing(stream)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                fault = error
        raise fault

    @override
    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)

    async def _resolved(self, host: str, port: int) -> list[Address]:
        """The addresses of the host, each once. Connections made at once share one lookup.

        Raises:
            httpcore2.ConnectError: there is no such host.
        """
        if self._lookup is None:
            self._lookup = asyncio.get_running_loop().run_in_executor(None, _look_up, host, port)
            self._lookup.add_done_callback(self._forget)
        try:
            return await asyncio.shield(self._lookup)
        except (OSError, UnicodeError):
            raise httpcore2.ConnectError from None

    def _forget(self, lookup: asyncio.Future[list[Address]]) -> None:
        if not lookup.cancelled():
            lookup.exception()
        self._lookup = None


class _Closing(httpcore2.AsyncNetworkStream):
    """A connection that is closed too where a TLS handshake is cut off by the deadline."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream

    @override
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max_bytes, timeout)

    @override
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()

    @override
    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:  # a deadline that cuts the handshake off is one
            with suppress(OSError):
                await self._stream.aclose()
            raise

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _look_up(host: str, port: int) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(where[0]).partition("%")[0]) for *_, where in found))


class Transport(httpx2.AsyncHTTPTransport):
    """HTTP/1.1 to one server. Requests go through it alone: no client adds cookies, redirects or a proxy."""

    def __init__(self, server: FhirServer) -> None:
        context = ssl.create_default_context(cafile=server.ca_file)
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=MOST_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=_Dialler(server.allowed_networks),
        )
