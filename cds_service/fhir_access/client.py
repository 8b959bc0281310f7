"""One hook's access to one FHIR server: reads and searches with the caller's token, all inside one deadline."""

from __future__ import annotations

import asyncio
import random
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlsplit

import httpx2
import msgspec
from msgspec import Raw, Struct

from cds_service.fhir_access.addresses import page_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

    from cds_service.fhir_access.connections import Transport
    from cds_service.fhir_access.server import FhirServer

Failure: TypeAlias = Literal["unreachable", "timeout", "unauthorised", "not-found", "status", "not-fhir", "truncated"]
MOST_PAGES = 10
MOST_ENTRIES = 2000
LONGEST_ANSWER = 2 * 1024 * 1024
_OK = 200
_WORTH_A_RETRY = frozenset({502, 503, 504})
_FAILURES: Mapping[int, Failure] = {401: "unauthorised", 403: "unauthorised", 404: "not-found", 410: "not-found"}
_LONGEST_PAUSE = _GRACE = 0.05
_HEADERS = {"accept": "application/fhir+json", "accept-encoding": "identity", "user-agent": "cno-cds"}
_FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answers of a server, page by page as bytes, and why they are not the whole answer (None: they are)."""

    pages: tuple[bytes, ...] = ()
    failure: Failure | None = None


_NONE = Raw(b"null")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class _Link(Struct, gc=False):
    relation: str | None = None
    url: str | None = None


class _Page(Struct, gc=False):
    resourceType: str | None = None  # noqa: N815  FHIR's own name
    link: Raw = _NONE
    entry: list[Raw] | None = None

    def next_link(self) -> str | None:
        """The link to the next page; empty where links cannot be read, so that one may be there."""
        try:
            links = _LINKS.decode(self.link) or ()
        except msgspec.ValidationError:
            return ""
        return next((link.url or "" for link in links if (link.relation or "").strip().casefold() == "next"), None)


_PAGE = msgspec.json.Decoder(_Page)
_LINKS = msgspec.json.Decoder(list[_Link] | None)


class _FailedError(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


class _RetryError(_FailedError):
    """The server did not answer, or asks to come again: once more may help."""


@dataclass(frozen=True, slots=True)
class _Asked:
    method: str
    url: str
    form: bytes | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """Reads and searches for one hook. `deadline` is a time of the event loop, in seconds."""

    server: FhirServer
    transport: Transport
    deadline: float
    token: SecretStr | None

    @property
    def is_over(self) -> bool:
        """Whether it is too late even to read what came in time."""
        return asyncio.get_running_loop().time() > self.deadline + _GRACE

    def holds(self, reference: str) -> bool:
        """Whether a reference, relative or absolute, is to a resource of this server."""
        return page_of(self.server.base, reference) is not None

    async def read(self, reference: str) -> Fetched:
        """One resource: `Type/id`, both already checked."""
        try:
            return Fetched((await self._answer(_Asked("GET", f"{self.server.base}/{reference}")),))
        except _FailedError as error:
            return Fetched(failure=error.failure)

    async def search(self, query: str) -> Fetched:
        """All pages of a search, `Type?parameters`."""
        return await self._pages(self._as_search(f"{self.server.base}/{query}"))

    async def follow(self, link: str) -> Fetched:
        """The further pages of a search that was answered elsewhere; a link that leads off the server is not asked."""
        address = page_of(self.server.base, link)
        return Fetched(failure="truncated") if address is None else await self._pages(self._as_search(address))

    def _as_search(self, url: str) -> _Asked:
        """As the server takes it: some take POST alone, further pages too."""
        if self.server.search == "get":
            return _Asked("GET", url)
        path, _, parameters = url.removesuffix("?").partition("?")
        path = path.removesuffix("/_search")
        if not urlsplit(path).path.rpartition("/")[2].isalpha() or path == self.server.base:
            return _Asked("GET", url)
        return _Asked("POST", f"{path}/_search", parameters.encode())

    async def _pages(self, asked: _Asked) -> Fetched:
        pages: list[bytes] = []
        seen: set[_Asked] = set()
        entries = 0
        while True:
            seen.add(asked)
            try:
                body = await self._answer(asked)
                page = _decoded(body)
            except _FailedError as error:
                return Fetched(tuple(pages), error.failure)
            pages.append(body)
            entries += len(page.entry or ())
            link = page.next_link()
            if link is None:
                return Fetched(tuple(pages))
            address = page_of(self.server.base, link)
            if address is None or len(pages) == MOST_PAGES or entries >= MOST_ENTRIES:
                return Fetched(tuple(pages), "truncated")
            asked = self._as_search(address)
            if asked in seen:
                return Fetched(tuple(pages), "truncated")

    async def _answer(self, asked: _Asked) -> bytes:
        """The body of a 200, after at most one retry, before the deadline.

        Raises:
            _FailedError: there is none.
        """
        try:
            async with asyncio.timeout_at(self.deadline):
                try:
                    return await self._send(asked)
                except _RetryError:
                    await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311  spreads load, keeps no secret
                    return await self._send(asked)
        except TimeoutError:
            raise _FailedError("timeout") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError):
            raise _FailedError("not-fhir") from None

    async def _send(self, asked: _Asked) -> bytes:
        try:
            response = await self.transport.handle_async_request(self._request(asked))
        except httpx2.TransportError as error:
            raise _RetryError("unreachable") from error
        try:
            _require_ok(response)
            return await _body(response)
        finally:
            await response.aclose()

    def _request(self, asked: _Asked) -> httpx2.Request:
        headers = {**_HEADERS, **(_FORM if asked.form is not None else {})}
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token.get_secret_value()}"
        return httpx2.Request(asked.method, asked.url, headers=headers, content=asked.form)


def _require_ok(response: httpx2.Response) -> None:
    status = response.status_code
    if status in _WORTH_A_RETRY and "retry-after" not in response.headers:
        raise _RetryError("status")
    if status != _OK:
        raise _FailedError(_FAILURES.get(status, "status"))
    if response.headers.get("content-encoding", "identity").strip().lower() not in {"identity", ""}:
        raise _FailedError("not-fhir")


async def _body(response: httpx2.Response) -> bytes:
    chunks: list[bytes] = []
    length = 0
    async with aclosing(response.aiter_raw()) as stream:
        async for chunk in stream:
            length += len(chunk)
            if length > LONGEST_ANSWER:
                raise _FailedError("not-fhir")
            chunks.append(chunk)
    return b"".join(chunks).removeprefix(_BYTE_ORDER_MARK)


def _decoded(body: bytes) -> _Page:
    """The frame of a page.

    Raises:
        _FailedError: it is not a Bundle.
    """
    try:
        page = _PAGE.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise _FailedError("not-fhir") from None
    if page.resourceType != "Bundle":
        raise _FailedError("not-fhir")
    return page
