"""What is known of the tokens of EHRs by vendor, and which keys are no secret (vendors.toml)."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec

from cds_service.trust.jwk import thumbprint, thumbprints

if TYPE_CHECKING:
    from collections.abc import Mapping


class Vendor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all installations of a vendor share. A field that is empty is for the tenant's file to give."""

    issuer: str | None = None
    key_set_urls: tuple[str, ...] = ()
    algorithms: frozenset[str] = frozenset({"ES384", "RS384"})
    longest_seconds: int = 3600
    keys: tuple[dict[str, str], ...] = ()
    """Public JWKs that need not be fetched."""
    public: bool = False
    """Whether anybody can sign as this issuer: for development alone."""
    public_thumbprints: frozenset[str] = frozenset()
    """RFC 7638 thumbprints of keys whose private half is public knowledge."""

    @property
    def key_set(self) -> bytes | None:
        """Its keys as a JWK Set, None where it has none here."""
        return msgspec.json.encode({"keys": self.keys}) if self.keys else None


VENDORS: Mapping[str, Vendor] = msgspec.convert(
    tomllib.loads((files("cds_service.trust") / "vendors.toml").read_text("utf-8")), dict[str, Vendor]
)
KNOWN_PUBLIC = frozenset(each for vendor in VENDORS.values() for each in vendor.public_thumbprints)
PUBLIC_ISSUERS = frozenset(vendor.issuer for vendor in VENDORS.values() if vendor.public and vendor.issuer)


def known_public(key: Mapping[str, Any]) -> bool:
    """Whether anybody can sign with this JWK, however its members are written."""
    return thumbprint(key) in KNOWN_PUBLIC


def holds_known_public(document: bytes) -> bool:
    """Whether a JWK Set holds such a key.

    Raises:
        KeySetError: it is no JWK Set.
    """
    return not KNOWN_PUBLIC.isdisjoint(thumbprints(document))
