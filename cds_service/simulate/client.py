"""Sends one request as an EHR would: with a deadline, following no redirect, without cookies or a netrc's password.

On loopback the environment's proxies are left aside.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from time import perf_counter
from typing import TYPE_CHECKING

import requests
from urllib3.exceptions import HTTPError, MaxRetryError, NameResolutionError, ReadTimeoutError

from cds_service.simulate.address import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cds_service.simulate.address import Address

LONGEST_ANSWER = 2 * 2**20
"""Bytes."""
_CHUNK = 2**16
_CONNECT_SECONDS = 5
_A_THOUSAND = 1000


class UnreachableError(Exception):
    """Nothing answers at the address; the message is one sentence."""


class UnansweredError(Exception):
    """Someone listens, but no answer came; `check` is the one of checks.toml."""

    def __init__(self, check: str) -> None:
        super().__init__(check)
        self.check = check


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an answer may take."""

    seconds: float = 10
    """After which EHRs have given up."""
    remark_ms: int = 500
    """Above which clinicians notice."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and after how many milliseconds; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    ms: int
    trouble: str | None = None
    """The check of checks.toml that it fails if not the whole body came."""


class Client:
    """Calls one service; to be closed, as by `with`."""

    def __init__(self, address: Address, bearer: str | None, limits: Limits) -> None:
        self._address = address
        self._bearer = bearer
        self._limits = limits
        self._session = session = requests.Session()
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.auth = _as_it_is
        if address.is_loopback:
            session.trust_env = False
            session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """The answer to one request. A preflight carries no token, as browsers send it.

        Raises:
            UnansweredError: no answer came in time.
            UnreachableError: there is no connection.
            UsageError: there can be no such address.
        """
        url = f"{self._address.base}{path}"
        token = {} if self._bearer is None or method == "OPTIONS" else {"Authorization": f"Bearer {self._bearer}"}
        try:
            return self._exchange(method, url, {**headers, **token}, body)
        except requests.RequestException as fault:
            raise self._named(fault) from None

    def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        start = perf_counter()
        timeouts = (_CONNECT_SECONDS, self._limits.seconds)
        with self._session.request(
            method, url, headers=headers, data=body, timeout=timeouts, allow_redirects=False, stream=True
        ) as response:
            body, trouble = self._content(response, start)
            took = round((perf_counter() - start) * _A_THOUSAND)
            lowered = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, lowered, body, took, trouble)

    def _content(self, response: requests.Response, start: float) -> tuple[bytes, str | None]:
        """The body, as far as it came, and the check that it fails if that was not the whole."""
        content = bytearray()
        try:
            while chunk := response.raw.read1(_CHUNK, decode_content=True):
                content += chunk
                if len(content) > LONGEST_ANSWER:
                    return bytes(content), "too-much"
                if perf_counter() - start > self._limits.seconds:
                    return bytes(content), "too-slow"
        except ReadTimeoutError:
            return bytes(content), "too-slow"
        except HTTPError:
            return bytes(content), "cut-off"
        return bytes(content), None

    def _named(self, fault: requests.RequestException) -> Exception:
        if isinstance(fault, requests.ReadTimeout):
            return UnansweredError("too-slow")
        why = _unreachable(fault)
        if why is not None:
            return UnreachableError(f"{self._address.host} cannot be reached: {why}.")
        if isinstance(fault, ValueError):
            return UsageError("URL must be one that can be called.")
        return UnansweredError("cut-off")


def _unreachable(fault: requests.RequestException) -> str | None:
    """Why no connection came about; None of a fault of another kind."""
    if isinstance(fault, requests.exceptions.SSLError):
        return "its certificate or TLS is wrong"
    if isinstance(fault, requests.exceptions.ProxyError):
        return "the proxy that the environment names does not lead there"
    if isinstance(fault, requests.ConnectTimeout):
        return f"it accepts no connection within {_CONNECT_SECONDS} seconds"
    cause = fault.args[0] if fault.args else None
    if not isinstance(cause, MaxRetryError):
        return None
    return "its name cannot be resolved" if isinstance(cause.reason, NameResolutionError) else "nothing listens there"


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An authentication that adds nothing, so that none is looked up in a netrc."""
    return request
