"""What every answer tells browsers, and which names the service answers to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from cds_service.operations.access_log import line_of
from cds_service.operations.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    Message: TypeAlias = MutableMapping[str, Any]
    Scope: TypeAlias = MutableMapping[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]
    App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
    Header: TypeAlias = tuple[bytes, bytes]

CONTENT_SECURITY_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_POLICY = b"content-security-policy"
_HEADERS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),  # asked of requests without CORS alone
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_UNFRAMED: tuple[Header, ...] = ((_POLICY, CONTENT_SECURITY_POLICY.encode()), (b"x-frame-options", b"DENY"))
"""Unless a page brings its own policy, which says who may frame it."""
_HTTPS_ONLY: Header = (b"strict-transport-security", b"max-age=31536000")
_PROBES = frozenset({"/livez", "/readyz"})
"""Asked by address, whatever that is."""
_HOST = re.compile(rb"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


class SecurityHeaders:
    """Adds to every answer what it does not say itself. `https`: whether browsers are told to come by https alone."""

    def __init__(self, app: App, *, https: bool) -> None:
        self._app = app
        self._always = (*_HEADERS, _HTTPS_ONLY) if https else _HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or start and stop."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._with(message.get("headers", ()))
            await send(message)

        await self._app(scope, receive, with_headers)

    def _with(self, headers: Iterable[Header]) -> list[Header]:
        own = list(headers)
        names = {name for name, _ in own}
        more = self._always if _POLICY in names else (*self._always, *_UNFRAMED)
        return own + [header for header in more if header[0] not in names]


class TrustedHosts:
    """Answers requests to these hosts alone; `hosts` without ports, None for any. `refuse`: the body of a refusal."""

    def __init__(self, app: App, hosts: Iterable[str] | None, refuse: Callable[[RequestError], bytes]) -> None:
        self._app = app
        self._hosts = None if hosts is None else frozenset(host.lower().encode() for host in hosts)
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or start and stop."""
        if scope["type"] != "http" or scope["path"] in _PROBES or self._is_trusted(scope["headers"]):
            await self._app(scope, receive, send)
            return
        error = RequestError(400, "value", "The header host does not name a host answered here.")
        line_of(scope).code = error.code
        body = self._refuse(error)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": error.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _is_trusted(self, headers: Iterable[Header]) -> bool:
        """One host, plainly written, and a listed one."""
        named = [value for name, value in headers if name == b"host"]
        found = _HOST.fullmatch(named[0].lower()) if len(named) == 1 else None
        return found is not None and (self._hosts is None or found[1] in self._hosts)
