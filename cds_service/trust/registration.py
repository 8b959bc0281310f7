"""CDS clients that may call, as an installation lists them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from cds_service.trust.jwk import ALGORITHMS, KeySetError, read_agreed_key_set

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_LIFE = 24 * 3600
LONGEST_LEEWAY = 300
_ADDRESS = re.compile(r"[!-\[\]-~]{1,1024}")
"""Visible ASCII without the backslash, which some parsers take for a slash."""


class RegistrationError(Exception):
    """Registrations do not allow a start; the message is one sentence without any value but the tenant's name."""


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where the keys of a client stand: at least one of the two."""

    urls: tuple[str, ...] = ()
    """Addresses of JWK Sets. A token's `jku` must be one of them, character by character."""
    document: bytes | None = field(default=None, repr=False)
    """A JWK Set exchanged out of band; its keys are asked first, whether a token has a `jku` or not."""
    ca_file: Path | None = None
    """Certificates that those of the addresses must be signed by; those of the system if none is given."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A CDS client that may call. Times are seconds."""

    name: str
    """Of the tenant."""
    issuer: str
    keys: KeySource
    subject: str | None = None
    """What `sub` must be, where set."""
    claimed_tenants: frozenset[str] = frozenset()
    """What the claim `tenant` must be one of, where set."""
    audiences: frozenset[str] = frozenset()
    """Accepted in `aud` besides the address of what is called: at Epic it is typed by hand."""
    algorithms: frozenset[str] = frozenset({"ES384", "RS384"})
    longest_seconds: int = 3600
    """From `iat` to `exp` at most, and from `iat` to now."""
    leeway_seconds: int = 60
    """By how much clocks may differ."""
    replay: Literal["strict", "retry", "off"] = "strict"
    """`retry`: the identical request may come again with the same token within 60 seconds."""


def require_usable(registration: Registration, *, plain_http: bool = False) -> Registration:
    """The registration itself, when a token could be verified by it. `plain_http` allows key sets without TLS.

    Raises:
        RegistrationError: what is wrong with it.
    """
    fault = next(filter(None, (_fault(registration), _fault_of_keys(registration, plain_http=plain_http))), None)
    if fault is not None:
        raise RegistrationError(f"Tenant {registration.name}: {fault}.")
    return registration


def require_distinct(registrations: Iterable[Registration]) -> None:
    """Registrations of one issuer must differ in what a token can show: `tenant`, `sub` or `jku`.

    Raises:
        RegistrationError: a token could be of two of them, so that it would always be refused.
    """
    for one, other in combinations(registrations, 2):
        if one.issuer == other.issuer and not _differ(one, other):
            raise RegistrationError(
                f"Tenants {one.name} and {other.name}: the issuer is the same, and neither subject, claimed tenants "
                "nor key set addresses tell them apart."
            )


def _differ(one: Registration, other: Registration) -> bool:
    return (
        (one.subject is not None and other.subject is not None and one.subject != other.subject)
        or _apart(one.claimed_tenants, other.claimed_tenants)
        or _apart(frozenset(one.keys.urls), frozenset(other.keys.urls))
    )


def _apart(ones: frozenset[str], others: frozenset[str]) -> bool:
    return bool(ones) and bool(others) and ones.isdisjoint(others)


def _fault(registration: Registration) -> str | None:
    texts = (registration.subject, *registration.claimed_tenants, *registration.audiences)
    rules = (
        (bool(registration.issuer.strip()), "the issuer is empty"),
        (all(text is None or text.strip() for text in texts), "a subject, claimed tenant or audience is empty"),
        (bool(registration.algorithms), "no algorithm is given"),
        (registration.algorithms <= ALGORITHMS, f"algorithms must be among {', '.join(sorted(ALGORITHMS))}"),
        (0 < registration.longest_seconds <= LONGEST_LIFE, f"longest_seconds must be from 1 to {LONGEST_LIFE}"),
        (0 <= registration.leeway_seconds <= LONGEST_LEEWAY, f"leeway_seconds must be from 0 to {LONGEST_LEEWAY}"),
        (registration.replay in {"strict", "retry", "off"}, "replay must be strict, retry or off"),
    )
    return next((sentence for holds, sentence in rules if not holds), None)


def _fault_of_keys(registration: Registration, *, plain_http: bool) -> str | None:
    keys = registration.keys
    if not keys.urls and keys.document is None:
        return "neither a key set address nor a key set is given"
    if not all(_is_address(url, plain_http=plain_http) for url in keys.urls):
        return "a key set address (key_set_urls) is not an https address without user, password and fragment"
    if keys.document is None:
        return None
    try:
        agreed = read_agreed_key_set(keys.document)
    except KeySetError as fault:
        return f"the key set {fault}"
    fitting = any(key.fits(registration.algorithms) for key in agreed.values())
    return None if fitting or keys.urls else "the key set holds no key for the algorithms listed"


def _is_address(url: str, *, plain_http: bool) -> bool:
    if _ADDRESS.fullmatch(url) is None:
        return False
    try:
        parts = urlsplit(url)
        plain = parts.scheme == "https" or (plain_http and parts.scheme == "http")
        return plain and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc and "#" not in url
    except ValueError:
        return False
