"""Who is calling: a JWT of a registered client, for this endpoint, now, and not used before."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from cds_service.trust.claims import expiry, require_audience, token_id
from cds_service.trust.jwk import Keys, PublicKey, read_agreed_key_set
from cds_service.trust.key_sets import KeyTimes, RemoteKeySet
from cds_service.trust.registration import Registration, require_distinct
from cds_service.trust.replay import Replays, ReplayUnavailableError, Use
from cds_service.trust.tokens import NotTrustedError, Reason, Token, bearer, read_token, require_signature
from cds_service.trust.vendors import KNOWN_PUBLIC

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

__all__ = ["Authentication", "Caller", "NotTrustedError", "Reason", "ReplayUnavailableError"]

RETRY_SECONDS = 60
_SLACK_SECONDS = 300
"""Records of used tokens outlive them by this: bodies that come slowly, clocks of workers that differ."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What a verified token proves."""

    registration: Registration
    token_id: str
    expires: int = field(repr=False)
    """Seconds of the epoch."""


@dataclass(frozen=True, slots=True)
class _Client:
    registration: Registration
    agreed: Keys
    remote: Mapping[str, RemoteKeySet]

    def may_have_sent(self, token: Token) -> bool:
        """Whether what the token shows fits this client."""
        pinned = self.registration
        return (
            (token.jku is None or token.jku in self.remote)
            and (pinned.subject is None or token.claims.get("sub") == pinned.subject)
            and (not pinned.claimed_tenants or _text(token.claims.get("tenant")) in pinned.claimed_tenants)
        )


class Authentication:
    """Verifies tokens for an installation. Registrations are usable ones (`require_usable`).

    `clock` tells the time of day. `refused_keys` are RFC 7638 thumbprints: of all keys that anybody can sign with,
    unless in development the CDS Hooks Sandbox is to be served.

    Raises:
        RegistrationError: a token could be of two registrations.
    """

    def __init__(
        self,
        registrations: Iterable[Registration],
        replays: Replays,
        clock: Callable[[], datetime],
        *,
        key_times: KeyTimes | None = None,
        refused_keys: frozenset[str] = KNOWN_PUBLIC,
    ) -> None:
        listed = tuple(registrations)
        require_distinct(listed)
        times = key_times or KeyTimes()
        places = {(url, each.keys.ca_file) for each in listed for url in each.keys.urls}
        self._remote = {place: RemoteKeySet(*place, times) for place in places}
        self._clients: dict[str, list[_Client]] = {}
        for each in listed:
            self._clients.setdefault(each.issuer, []).append(self._client(each))
        self._replays = replays
        self._clock = clock
        self._refused_keys = refused_keys

    def _client(self, registration: Registration) -> _Client:
        keys = registration.keys
        agreed = {} if keys.document is None else read_agreed_key_set(keys.document)
        return _Client(registration, agreed, {url: self._remote[url, keys.ca_file] for url in keys.urls})

    async def prefetch(self) -> None:
        """Fetch all key sets, so that the first calls need not wait; one that cannot be had is asked for later."""
        await asyncio.gather(*(remote.fetch() for remote in self._remote.values()))

    def key_set_faults(self) -> list[tuple[str, str, str]]:
        """Of each key set that could not be used when it was last fetched: tenant, address, and what is wrong."""
        clients = (client for listed in self._clients.values() for client in listed)
        faults = (
            (client.registration.name, url, remote.fault(client.registration.algorithms))
            for client in clients
            for url, remote in client.remote.items()
        )
        return sorted((name, url, fault) for name, url, fault in faults if fault is not None)

    async def verify(self, header: bytes | str | None, endpoint: str | Collection[str]) -> Caller:
        """Who sent the value of this Authorization header to an endpoint with this address, or these.

        Raises:
            NotTrustedError: nobody who may.
        """
        token = read_token(bearer(header))
        client = self._sender(token)
        try:
            return await self._verified(client, token, endpoint)
        except NotTrustedError as fault:
            fault.name = client.registration.name
            raise

    async def _verified(self, client: _Client, token: Token, endpoint: str | Collection[str]) -> Caller:
        registration = client.registration
        if token.algorithm not in registration.algorithms:
            raise NotTrustedError("algorithm")
        require_signature(token.compact, await self._key(client, token), token.algorithm)
        require_audience(token.claims, {*_endpoints(endpoint), *registration.audiences})
        expires = expiry(token.claims, registration, self._clock().timestamp())
        return Caller(registration, token_id(token.claims), expires)

    async def once(self, caller: Caller, request: bytes | Iterable[bytes]) -> None:
        """Note that the caller's token was used for this request: its method, path and body.

        Raises:
            NotTrustedError: it was used before, and this is no retry that the registration allows.
            ReplayUnavailableError: that cannot be told now.
        """
        registration = caller.registration
        if registration.replay == "off":
            return
        now = int(self._clock().timestamp())
        until = caller.expires + registration.leeway_seconds + _SLACK_SECONDS
        token = _digest(part.encode() for part in (registration.name, registration.issuer, caller.token_id))
        parts = [request] if isinstance(request, bytes) else request
        digest = _digest(parts) if registration.replay == "retry" else b""
        earlier = await self._replays.record(Use(token, digest, now, until))
        if earlier is None:
            return
        if not digest or earlier.request != digest or abs(now - earlier.at) > RETRY_SECONDS:
            raise NotTrustedError("replay", registration.name)

    async def aclose(self) -> None:
        """End what is under way, and leave the store of used tokens."""
        await asyncio.gather(*(remote.aclose() for remote in self._remote.values()))
        await self._replays.aclose()

    def _sender(self, token: Token) -> _Client:
        """The one client that may have sent the token.

        Raises:
            NotTrustedError: there is none, or it cannot be told which.
        """
        clients = self._clients.get(_text(token.claims.get("iss")))
        if clients is None:
            raise NotTrustedError("issuer")
        if token.jku is not None and not any(token.jku in client.remote for client in clients):
            raise NotTrustedError("jku")
        fitting = [client for client in clients if client.may_have_sent(token)]
        if len(fitting) != 1:
            raise NotTrustedError("tenant")
        return fitting[0]

    async def _key(self, client: _Client, token: Token) -> PublicKey:
        """The key of the client that the token names.

        Raises:
            NotTrustedError: it has none of that name, or one that is refused.
        """
        remote = list(client.remote.values()) if token.jku is None else [client.remote[token.jku]]
        key = client.agreed.get(token.kid) or next(filter(None, (each.known(token.kid) for each in remote)), None)
        if key is None:
            key = next(filter(None, await asyncio.gather(*(each.find(token.kid) for each in remote))), None)
        if key is None or key.thumbprint in self._refused_keys:
            raise NotTrustedError("key")
        return key


def _text(value: object) -> str:
    """A claim that is a text; the empty text, which is no one's name, where it is not."""
    return value if isinstance(value, str) else ""


def _endpoints(endpoint: str | Collection[str]) -> Collection[str]:
    return (endpoint,) if isinstance(endpoint, str) else endpoint


def _digest(parts: Iterable[bytes]) -> bytes:
    """SHA256 over the parts, each after its length: no two lists of parts are one text."""
    digest = sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()
