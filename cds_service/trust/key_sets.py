"""A key set behind an address: fetched once for all who wait, kept, renewed, and never asked more often than allowed.

The answer of the address counts as a failure when it is late, long, not JSON, or holds no usable key; so does an
empty set, which is far more often a fault of the server than a wish. After a failure the keys of the last good answer
serve for a day. A good answer replaces all keys: one that it no longer holds is no longer trusted. Who must withdraw
the only key of a client at once takes its registration away.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

import httpx2

from cds_service.trust.jwk import Keys, KeySetError, PublicKey, read_key_set

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

Seconds: TypeAlias = float
LONGEST_KEY_SET = 64 * 1024
_OK = 200
_HEADERS = {
    "accept": "application/jwk-set+json, application/json",
    "accept-encoding": "identity",
    "user-agent": "cno-cds",
}
_MOST_WAITING = 64
"""Callers at a time: what they send is not proven, and the next one is refused at once."""
_SHARE_TO_CONNECT = 0.75
"""Of the deadline, so that a TLS handshake that hangs is given up in order."""


@dataclass(frozen=True, slots=True)
class KeyTimes:
    """How long things last, in seconds."""

    deadline: Seconds = 2.0
    """One fetch as a whole, from the look-up of the name to the last byte."""
    fresh: Seconds = 3600.0
    """Keys of this age are renewed, behind the back of who asks."""
    stale: Seconds = 24 * 3600.0
    """Keys of this age are no longer used."""
    pause: Seconds = 30.0
    """From the beginning of one fetch to that of the next, whatever came of it."""
    clock: Callable[[], Seconds] = monotonic
    """Never goes back."""


class RemoteKeySet:
    """The key set behind one address."""

    def __init__(self, url: str, ca_file: Path | None, times: KeyTimes) -> None:
        self._url = url
        self._ca_file = ca_file
        self._times = times
        self._keys: Keys = {}
        self._failure: str | None = None
        self._fetched_at = self._tried_at = float("-inf")
        self._flight: asyncio.Task[None] | None = None
        self._waiting = 0

    def known(self, kid: str) -> PublicKey | None:
        """The key that is at hand; begins a fetch, and does not wait for it, where the keys have aged."""
        age = self._times.clock() - self._fetched_at
        key = self._keys.get(kid) if age < self._times.stale else None
        if key is not None and age >= self._times.fresh:
            self._begin()
        return key

    def fault(self, algorithms: Collection[str]) -> str | None:
        """Why it cannot be used for these, as the rest of a sentence; None where it can."""
        if self._failure is not None or not self._keys:
            return self._failure or "was not fetched"
        return None if any(key.fits(algorithms) for key in self._keys.values()) else "holds no key for these algorithms"

    async def find(self, kid: str) -> PublicKey | None:
        """The key of that name, after a fetch when it is not at hand and one may be made or is under way."""
        key = self.known(kid)
        if key is None:
            await self.fetch()
            key = self.known(kid)
        return key

    async def fetch(self) -> None:
        """Fetch, unless that was tried just now; wait for one under way, if few do. A failure changes nothing.

        Who is cancelled while waiting does not end the fetch for the others.
        """
        self._begin()
        if self._flight is None or self._flight.done() or self._waiting >= _MOST_WAITING:
            return
        self._waiting += 1
        try:
            await asyncio.wait([self._flight])
        finally:
            self._waiting -= 1

    def _begin(self) -> None:
        """Begin a fetch in a task of its own, if none is under way and one may be made."""
        now = self._times.clock()
        if (self._flight is None or self._flight.done()) and now - self._tried_at >= self._times.pause:
            self._tried_at = now
            self._flight = asyncio.get_running_loop().create_task(self._renew())

    async def aclose(self) -> None:
        """End a fetch that is under way."""
        if self._flight is not None and not self._flight.done():
            self._flight.cancel()
            await asyncio.wait([self._flight])

    async def _renew(self) -> None:
        try:
            async with asyncio.timeout(self._times.deadline):
                document = await self._document()
            self._keys = read_key_set(document)
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError, KeySetError) as fault:
            self._failure = _why(fault)  # TimeoutError and ssl.SSLError are OSErrors
            return
        self._failure = None
        self._fetched_at = self._times.clock()

    async def _document(self) -> bytes:
        """The body of a 200, through a connection of its own; no proxy, no cookies, no redirects.

        Raises:
            KeySetError: the answer is not a body of the allowed length.
        """
        limits = httpx2.Timeout(self._times.deadline, connect=self._times.deadline * _SHARE_TO_CONNECT)
        request = httpx2.Request("GET", self._url, headers=_HEADERS, extensions={"timeout": limits.as_dict()})
        async with httpx2.AsyncHTTPTransport(verify=_tls(self._ca_file), trust_env=False) as transport:
            response = await transport.handle_async_request(request)
            encoding = response.headers.get("content-encoding", "identity").strip().lower()
            if response.status_code != _OK or encoding not in {"identity", ""}:
                raise KeySetError("is not at its address")
            document = bytearray()
            async with aclosing(response.aiter_raw()) as stream:
                async for chunk in stream:
                    document += chunk
                    if len(document) > LONGEST_KEY_SET:
                        raise KeySetError("is too long")
            return bytes(document)


def _why(fault: Exception) -> str:
    match fault:
        case KeySetError():
            return str(fault)
        case TimeoutError() | httpx2.TimeoutException():
            return "does not answer in time"
        case _ if "certificate" in str(fault).lower():
            return "is at a server whose certificate is not trusted"
        case _:
            return "cannot be reached"


@cache
def _tls(ca_file: Path | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)
