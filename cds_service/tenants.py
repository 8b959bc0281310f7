"""One TOML file per EHR, checked at start: who it is, which keys sign for it, which FHIR servers may be asked."""

from __future__ import annotations

import ssl
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    StringConstraints,
    field_validator,
    model_validator,
)

from cds_service.fhir_access.addresses import page_of
from cds_service.fhir_access.server import FhirServer
from cds_service.hooks.card_draft import TOPIC_CODES
from cds_service.hooks.language import Language
from cds_service.mappings.site_map import MOST_BYTES, SiteMap, SiteMapError, read_site_map
from cds_service.operations.gates import TENANT_MOST
from cds_service.trust.jwk import ALGORITHMS
from cds_service.trust.registration import (
    KeySource,
    Registration,
    RegistrationError,
    require_usable,
)
from cds_service.trust.vendors import VENDORS, Vendor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_Text = Annotated[str, StringConstraints(min_length=1, max_length=2048, pattern=r"^[!-~]+$")]


def _base(text: str) -> str:
    """An address without a slash at its end."""
    base = text.rstrip("/")
    parts = urlsplit(base)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or page_of(base, base) != base:
        raise ValueError("not a base address")
    return base


def _origin(text: str) -> str:
    """An origin as browsers send it."""
    parts = urlsplit(_base(text))
    if parts.path or text.endswith("/") or text != text.lower():
        raise ValueError("not an origin")
    return text


def _authority(path: Path) -> Path:
    """A file of certificates that TLS can use."""
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        raise ValueError("no certificates") from None
    return path


class Tenant(BaseModel):
    """An EHR that this installation serves. What is left out has the preset of its vendor, else the default."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, ignored_types=(cached_property,))

    vendor: str | None = None
    """Presets for the fields below: `cds_service/trust/vendors.toml`."""
    issuer: _Text | None = None
    """`iss` of its tokens. Without it nobody can call in its name; its FHIR servers may be asked in development."""
    subject: _Text | None = None
    claimed_tenants: list[_Text] = []
    audiences: list[_Text] = []
    """What its tokens may name as `aud` instead of the address that is called."""
    algorithms: Annotated[frozenset[str], Field(min_length=1)] = Vendor().algorithms
    key_set_urls: list[_Text] = []
    """Where its public keys are; the `jku` of a token must be one of these, letter by letter."""
    key_set_file: FilePath | None = None
    """Or a JWK Set that was handed over; a `jku` that its tokens name all the same must be among the URLs."""
    key_set_ca_file: Annotated[FilePath, AfterValidator(_authority)] | None = None
    """PEM file of the authority that signed the certificates of the key sets' servers."""
    replay: Literal["strict", "retry", "off"] = "strict"
    """Whether a token may be used once, again for the identical request within 60 s, or until it expires."""
    fhir_bases: list[Annotated[str, AfterValidator(_base)]] = []
    """Base addresses of its FHIR servers, as they stand in `fhirServer`."""
    fhir_networks: list[IPv4Network | IPv6Network] = []
    """Networks in which these may lie though they are not public."""
    fhir_search: Literal["get", "post"] = "get"
    """`post` where the server takes searches only as `POST {type}/_search`."""
    fhir_needs_token: bool = True
    """False for an open test server: requests without `fhirAuthorization` are completed too."""
    fhir_ca_file: Annotated[FilePath, AfterValidator(_authority)] | None = None
    """PEM file of the authority that signed the servers' certificates, where the system does not know it."""
    origins: list[Annotated[str, AfterValidator(_origin)]] = []
    """Origins of pages that may call from a browser (CORS)."""
    language: Language | None = None
    topics: frozenset[str] | None = None
    concept_map: FilePath | None = None
    """A FHIR ConceptMap of its local codes."""
    most_requests: Annotated[int, Field(ge=1, le=1000)] = TENANT_MOST
    """Answered at the same time by one worker; beyond that 429."""
    keep_comments: bool = False
    """Whether the free text of feedback is stored."""

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, values: dict[str, Any]) -> dict[str, Any]:
        vendor = VENDORS.get(str(values.get("vendor")))
        if vendor is None:
            return values
        preset = {"issuer": vendor.issuer, "key_set_urls": vendor.key_set_urls, "algorithms": vendor.algorithms}
        return {name: value for name, value in preset.items() if value} | values

    @field_validator("vendor")
    @classmethod
    def _is_known(cls, value: str | None) -> str | None:
        if value is not None and value not in VENDORS:
            raise ValueError("unknown vendor")
        return value

    @field_validator("topics")
    @classmethod
    def _are_topics(cls, value: frozenset[str] | None) -> frozenset[str] | None:
        if value is not None and not (value and value <= TOPIC_CODES):
            raise ValueError("unknown topic")
        return value

    @field_validator("algorithms")
    @classmethod
    def _are_algorithms(cls, value: frozenset[str]) -> frozenset[str]:
        if not value <= ALGORITHMS:
            raise ValueError("unknown algorithm")
        return value

    @property
    def servers(self) -> list[FhirServer]:
        """Its servers, as they may be asked."""
        return [
            FhirServer(base, tuple(self.fhir_networks), self.fhir_search, self.fhir_needs_token, self.fhir_ca_file)
            for base in self.fhir_bases
        ]

    @cached_property
    def site_map(self) -> SiteMap | None:
        """What its local codes mean, None where it has no map of its own.

        Raises:
            SiteMapError: the file is no map that can be used.
        """
        return None if self.concept_map is None else site_map_of(self.concept_map)


def fhir_servers(tenants: Iterable[Tenant]) -> list[FhirServer]:
    """All servers that may be asked."""
    return [server for tenant in tenants for server in tenant.servers]


def registrations(tenants: Mapping[str, Tenant], *, in_development: bool) -> list[Registration]:
    """As what the tokens of the tenants are recognised.

    Raises:
        RegistrationError: no token of one could be verified.
    """
    each = (registration(name, tenant, in_development=in_development) for name, tenant in tenants.items())
    return [mine for mine in each if mine is not None]


def registration(name: str, tenant: Tenant, *, in_development: bool) -> Registration | None:
    """As what its tokens are recognised, None where it sends none.

    Raises:
        RegistrationError: no token could be verified.
    """
    if tenant.issuer is None:
        return None
    vendor = VENDORS.get(tenant.vendor or "", Vendor())
    mine = Registration(
        name=name,
        issuer=tenant.issuer,
        keys=KeySource(
            tuple(tenant.key_set_urls),
            _key_set(name, tenant.key_set_file) or vendor.key_set,
            tenant.key_set_ca_file,
        ),
        subject=tenant.subject,
        claimed_tenants=frozenset(tenant.claimed_tenants),
        audiences=frozenset(tenant.audiences),
        algorithms=tenant.algorithms,
        longest_seconds=vendor.longest_seconds,
        replay=tenant.replay,
    )
    return require_usable(mine, plain_http=in_development)


def _key_set(name: str, path: Path | None) -> bytes | None:
    try:
        return None if path is None else path.read_bytes()
    except OSError:
        raise RegistrationError(f"Tenant {name}: key_set_file cannot be read.") from None


def site_map_of(path: Path) -> SiteMap:
    """What the ConceptMap in a file says.

    Raises:
        SiteMapError: it cannot be read, is no regular file, is too long or no map.
    """
    try:
        if path.is_file() and path.stat().st_size <= MOST_BYTES:
            return read_site_map(path.read_bytes())
    except (OSError, ValueError):
        pass
    raise SiteMapError(f"cannot be read: it must be the path of a file of at most {MOST_BYTES >> 20} MiB")
