"""Where a service is: its base URL, and the paths of the services below it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = "/cds-services"
HOOKS = ("patient-view", "order-select", "order-sign")
"""Those that are played."""
_PATH = re.compile(r"[A-Za-z0-9\-._~/%!$&'()*+,;=:@]+")


class UsageError(Exception):
    """What was asked for makes no sense; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Address:
    """The base URL of a service, without a slash at its end."""

    base: str
    host: str
    is_loopback: bool

    @property
    def is_open(self) -> bool:
        """Whether others on the way could read what is sent."""
        return not self.is_loopback and self.base.startswith("http:")


def read_address(url: str) -> Address:
    """The address of a service, given as its base URL or the one of its discovery.

    Raises:
        UsageError: it is no such URL.
    """
    parts = _parts(url.strip())
    host = None if parts is None else parts.hostname
    if parts is None or host is None or parts.scheme not in {"http", "https"}:
        raise UsageError("URL must be an http or https URL: the service's base URL, or its /cds-services URL.")
    if parts.username is not None or parts.query or parts.fragment:
        raise UsageError("URL must hold no user name, query or fragment; a token goes into --bearer.")
    path = parts.path.rstrip("/")
    if f"{ROOT}/" in path:
        raise UsageError("URL must be that of all services, not of one: leave out what follows /cds-services.")
    return Address(f"{parts.scheme}://{parts.netloc}{path.removesuffix(ROOT)}", host, is_loopback(host))


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_services(told: Iterable[str]) -> dict[str, str]:
    """Hook → path below the base URL, of lines that read HOOK=PATH; a path without a slash is the id of a service.

    Raises:
        UsageError: one of them does not read so.
    """
    services: dict[str, str] = {}
    for line in told:
        hook, _, path = line.partition("=")
        if hook not in HOOKS or not _PATH.fullmatch(path):
            raise UsageError(f"--service must be HOOK=PATH, and HOOK one of {', '.join(HOOKS)}.")
        services[hook] = f"/{path.lstrip('/')}" if "/" in path else f"{ROOT}/{path}"
    return services
