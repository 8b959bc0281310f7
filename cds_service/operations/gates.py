"""How many requests are under way at a time: of one tenant, so that it cannot take the room of others, and of all."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cds_service.operations.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator

TENANT_MOST = 64
"""Under way at a time of one tenant, in each worker. Waiting for a FHIR server, they are some 150 a second."""
SERVICE_MOST = 192
"""Of all tenants together, in each worker; beyond it only a tenant that has less than its share."""
RETRY_AFTER = 1
"""Seconds. A request takes far less."""
_ROUNDS = 64
"""Of the event loop, before one of several requests of a tenant goes to work: it may accept one connection in each."""


class Gate:
    """Lets so many through at a time and refuses the next one at once.

    None waits: a queue would hold bodies and make everyone late, and an EHR does not show a card that comes late.
    """

    def __init__(self, most: int, *, of_service: bool = False) -> None:
        self._most = most
        self._inside = 0
        self._of_service = of_service

    @property
    def inside(self) -> int:
        """How many are under way."""
        return self._inside

    @property
    def most(self) -> int:
        """How many there is room for."""
        return self._most

    @contextmanager
    def pass_(self, *, owed: bool = False) -> Iterator[None]:
        """Count one request until the block is left, however that happens. `owed`: also where there is no room.

        Raises:
            RequestError: 429, or 503 at the gate of the whole service, with `retry-after`.
        """
        if self._inside >= self._most and not owed:
            raise self._full()
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    def _full(self) -> RequestError:
        headers = {"retry-after": str(RETRY_AFTER)}
        if self._of_service:
            return RequestError(503, "transient", "Too many requests are under way.", headers)
        return RequestError(429, "throttled", "Too many requests of this client are under way.", headers)


class Turns:
    """Lets the requests of one tenant go to work one after the other: between two of them those of others are heard.

    All work in one thread, so that otherwise the costly requests of one would be answered before anyone else's.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def mine(self) -> None:
        """Wait until it is this request's turn. Who then waits for somebody else keeps nobody from his."""
        async with self._turn:
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
