"""Who may come in: the clients that are served, and how a request is known to be theirs."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeAlias

from cds_service.operations.access_log import line_of
from cds_service.operations.bodies import read_body
from cds_service.operations.errors import RequestError
from cds_service.operations.gates import Turns
from cds_service.trust.authentication import NotTrustedError
from cds_service.trust.replay import ReplayUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from cds_service.hooks.answer import Answers
    from cds_service.operations.gates import Gate
    from cds_service.trust.authentication import Authentication, Caller

    Message: TypeAlias = MutableMapping[str, Any]
    Scope: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Network: TypeAlias = IPv4Network | IPv6Network

ANY_ORIGIN = "*"
_SOON = {"retry-after": "5"}
_CHALLENGE = {"www-authenticate": "Bearer"}


@dataclass(frozen=True, slots=True)
class CdsClient:
    """An EHR that is served, and what is decided for it."""

    name: str
    answers: Answers
    gate: Gate
    feedback_gate: Gate
    """Feedback has room of its own, which no number of hooks takes."""
    turns: Turns = field(default_factory=Turns)
    origins: frozenset[str] = frozenset()
    """Origins of pages that may call in its name."""
    keep_comments: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """A request let in: whose it is, and what its token proved; None where none was asked for."""

    client: CdsClient
    caller: Caller | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """Lets requests in. `base_url` is the public address, without a slash at its end; None where it is not told."""

    clients: Mapping[str, CdsClient]
    authentication: Authentication
    base_url: str | None
    gate: Gate
    """For all requests that are answered at the same time: of it each client has an equal share, full or not."""
    feedback_gate: Gate
    open_to: Sequence[Network] = ()
    """From where a request without a token comes in as the anonymous client."""
    anonymous: CdsClient | None = None
    """Serves requests without a token, where that is allowed: in development."""

    @asynccontextmanager
    async def visit(
        self, scope: Scope, receive: Receive, paths: Iterable[str], *, feedback: bool = False
    ) -> AsyncIterator[tuple[CdsClient, bytes]]:
        """Let a request in for as long as it is answered: whose it is, and its body.

        Raises:
            RequestError: 401; 429 and 503 where too many are answered; what the body is refused for.
        """
        admission = await self.admit(scope, paths)
        client = admission.client
        mine, of_all = (client.feedback_gate, self.feedback_gate) if feedback else (client.gate, self.gate)
        with mine.pass_(), of_all.pass_(owed=mine.inside * len(self.clients) <= of_all.most):
            body = await read_body(scope["headers"], receive)
            await self.once(admission, scope, body)
            if mine.inside > 1:
                await client.turns.mine()
            yield client, body

    async def admit(self, scope: Scope, paths: Iterable[str]) -> Admission:
        """Let in who holds a token for one of the paths, or needs none.

        Raises:
            RequestError: 401, the same whatever is wrong.
        """
        headers = [value for name, value in scope["headers"] if name == b"authorization"]
        if not headers and self.anonymous is not None and self._is_near(scope):
            return Admission(self.anonymous)
        try:
            caller = await self.authentication.verify(b", ".join(headers) or None, self._addresses(scope, paths))
        except NotTrustedError as error:
            raise _refusal(scope, error) from None
        line_of(scope).tenant = caller.registration.name
        return Admission(self.clients[caller.registration.name], caller)

    async def once(self, admission: Admission, scope: Scope, body: bytes) -> None:
        """Refuse a token that was used before.

        Raises:
            RequestError: 401; 503 where nobody can tell.
        """
        if admission.caller is None:
            return
        try:
            parts = (scope["method"].encode(), scope["path"].encode(), scope["query_string"], body)
            await self.authentication.once(admission.caller, parts)
        except NotTrustedError as error:
            raise _refusal(scope, error) from None
        except ReplayUnavailableError:
            raise RequestError(503, "no-store", "The store of used tokens does not answer.", _SOON) from None

    async def aclose(self) -> None:
        """Close the connections to FHIR servers and key sets, and the store of used tokens."""
        for client in filter(None, (*self.clients.values(), self.anonymous)):
            await client.answers.access.aclose()
        await self.authentication.aclose()

    def allowed_origin(self, origin: str | None, client: CdsClient | None) -> str | None:
        """Of which origin a page may read the answer; as long as the client is not known, that of any."""
        known = [client] if client is not None else [*self.clients.values(), *filter(None, [self.anonymous])]
        if any(ANY_ORIGIN in each.origins for each in known):
            return ANY_ORIGIN
        return origin if any(origin in each.origins for each in known) else None

    def _addresses(self, scope: Scope, paths: Iterable[str]) -> set[str]:
        """The URLs by which what is called may be named; in development also as the caller named this host."""
        bases = [] if self.base_url is None else [self.base_url]
        if self.anonymous is not None:
            hosts = (value.decode("latin-1") for name, value in scope["headers"] if name == b"host")
            bases += [f"{scope['scheme']}://{host}" for host in hosts]
        return {f"{base}{path}" for base in bases for path in (*paths, scope["path"])}

    def _is_near(self, scope: Scope) -> bool:
        """Whether the caller's address is one that is open.

        A caller without an address is in this machine, or in this process; one of whom a proxy says what cannot be read
        is not.
        """
        address = (scope.get("client") or ("",))[0]
        try:
            caller = ip_address(address)
        except ValueError:
            return all(name != b"x-forwarded-for" for name, _ in scope["headers"])
        return any(caller in network for network in self.open_to)


def _refusal(scope: Scope, error: NotTrustedError) -> RequestError:
    """The same for whatever is wrong; why stands in the log."""
    line = line_of(scope)
    line.refusal = error.reason
    if error.name is not None:
        line.tenant = error.name
    return RequestError(401, "login", "The caller was not authenticated.", _CHALLENGE)
