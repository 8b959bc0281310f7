"""Which addresses may be asked: pages of the listed base, on public hosts or in listed networks; all others never."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urljoin, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from urllib.parse import SplitResult

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
_PLAIN = re.compile(r"[!-\[\]-~]{1,4096}")
"""Visible ASCII without the backslash, which some parsers take for a slash."""
_CLIMBING = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")
_HIDDEN = re.compile(r"%(?:2e|2f|5c|25|00)", re.IGNORECASE)
"""Dots, slashes, backslashes, percent signs and zeros written so that not every server reads the same path."""
_PORTS = {"http": 80, "https": 443}
_NAT64 = IPv6Network("64:ff9b::/96")
_V4_BITS = 0xFFFFFFFF


def page_of(base: str, link: str) -> str | None:
    """The absolute address of a link to a page of the same server, None of any that leads elsewhere.

    `base` is the listed address of the server without a slash at its end; `link` may be relative to it.
    """
    if _PLAIN.fullmatch(link) is None:
        return None
    ours = urlsplit(base)
    try:
        bare = urlsplit(link)
        asked = urlsplit(urljoin(f"{base}/", link))
        same_host = _host(asked) == _host(ours) and bool(bare.netloc or not bare.scheme)
    except ValueError:
        return None
    if not same_host or asked.username is not None or asked.password is not None or asked.fragment:
        return None
    path = asked.path
    if _CLIMBING.search(path) or _HIDDEN.search(path) or not f"{path}/".startswith(f"{ours.path}/"):
        return None
    return urlunsplit((ours.scheme, ours.netloc, path, asked.query, ""))


def _host(url: SplitResult) -> tuple[str, str, int | None]:
    return url.scheme, (url.hostname or "").casefold(), url.port or _PORTS.get(url.scheme)


def host_of(base: str) -> str:
    """The host of a listed base, as it is resolved."""
    return urlsplit(base).hostname or ""


def literal(host: str) -> Address | None:
    """The address that a host is, where it is written as one."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def may_connect(address: Address, listed: Sequence[Network]) -> bool:
    """Whether an address is public, or lies in a listed network; one that carries another is judged by both."""
    inner = _carried(address)
    if inner is not None and not may_connect(inner, listed):
        return False
    if inner is not None and isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return True
    if any(address in network for network in listed):
        return True
    return address.is_global and not address.is_multicast and not address.is_reserved


def _carried(address: Address) -> IPv4Address | None:
    """The IPv4 address inside an IPv6 one: mapped, 6to4, Teredo or NAT64."""
    if isinstance(address, IPv4Address):
        return None
    teredo = address.teredo
    if address in _NAT64:
        return IPv4Address(int(address) & _V4_BITS)
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
