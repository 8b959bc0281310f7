"""One TOML file per EHR, checked at start: who it is, which keys sign for it, which FHIR servers may be asked."""

from __future__ import annotations

import ssl
import tomllib
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
    ValidationError,
    field_validator,
    model_validator,
)

from cds_service.fhir_access.addresses import page_of
from cds_service.fhir_access.server import FhirServer
from cds_service.hooks.card_draft import TOPIC_CODES
from cds_service.hooks.language import Language
from cds_service.mappings.site_map import MOST_BYTES, SiteMap, SiteMapError, read_site_map
from cds_service.trust.registration import ALGORITHMS, KeySource, Registration, RegistrationError, checked
from cds_service.trust.vendors import VENDORS, is_known_public

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SENTENCES = {
    "vendor": f"must be one of {', '.join(sorted(VENDORS))}",
    "issuer": "must be a text that is not empty: the `iss` of its tokens",
    "subject": "must be a text that is not empty: the `sub` of its tokens",
    "claimed_tenants": "must be a list of texts: the `tenant` claims of its tokens",
    "audiences": "must be a list of texts, each an `aud` that it sends instead of the address called",
    "algorithms": f"must be a list of {', '.join(sorted(ALGORITHMS))}",
    "key_set_urls": "must be a list of http or https URLs, without a user name, query or fragment",
    "key_set_file": "must be the path of a file with a JWK Set",
    "replay": "must be strict, retry or off",
    "fhir_bases": "must be a list of http or https URLs, without a user name, query or fragment",
    "fhir_networks": "must be a list of networks, such as 10.20.0.0/16",
    "fhir_search": "must be get or post",
    "fhir_needs_token": "must be true or false",
    "fhir_ca_file": "must be the path of a PEM file with the certificate of an authority",
    "origins": "must be a list of origins: scheme and host, and the port if there is one, nothing else",
    "language": "must be nb, nn or en",
    "topics": f"must be a list of topic codes: {', '.join(sorted(TOPIC_CODES))}",
    "concept_map": "must be the path of a file",
    "most_requests": "must be a whole number from 1 to 1000",
    "keep_comments": "must be true or false",
}
_Text = Annotated[str, StringConstraints(min_length=1, max_length=2048, pattern=r"^[!-~]+$")]


class TenantError(Exception):
    """Tenant files do not allow a start: one sentence for each fault, naming file and field, never a value."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences


def _base(text: str) -> str:
    """An address without a slash at its end."""
    base = text.rstrip("/")
    parts = urlsplit(base)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or page_of(base, base) != base:
        raise ValueError("not a base address")
    return base


def _key_set_url(text: str) -> str:
    """An address kept as it stands: a token's `jku` must equal it."""
    _base(text)
    return text


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
    algorithms: Annotated[list[str], Field(min_length=1)] = ["ES384", "RS384"]
    key_set_urls: list[Annotated[str, AfterValidator(_key_set_url)]] = []
    """Where its public keys are; the `jku` of a token must be one of these, letter by letter."""
    key_set_file: FilePath | None = None
    """Or a JWK Set that was handed over."""
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
    most_requests: Annotated[int, Field(ge=1, le=1000)] = 32
    """Answered at the same time by one worker; beyond that 429."""
    keep_comments: bool = False
    """Whether the free text of feedback is stored."""

    @model_validator(mode="before")
    @classmethod
    def _with_preset(cls, values: dict[str, Any]) -> dict[str, Any]:
        vendor = values.get("vendor")
        return {**VENDORS[vendor], **values} if isinstance(vendor, str) and vendor in VENDORS else values

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
    def _are_algorithms(cls, value: list[str]) -> list[str]:
        if not ALGORITHMS.issuperset(value):
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


def read_tenants(folder: Path, *, in_development: bool) -> dict[str, Tenant]:
    """The tenants by name, that of the file. Servers without TLS and public keys are for development only.

    Raises:
        TenantError: everything that is wrong with the files.
    """
    tenants: dict[str, Tenant] = {}
    faults: list[str] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            tenants[path.stem] = _tenant(path)
        except TenantError as error:
            faults += error.sentences
    for name, tenant in tenants.items():
        faults += [f"Tenant {name}: {fault}." for fault in _faults(name, tenant, in_development=in_development)]
    faults += _shared_servers(tenants)
    if faults:
        raise TenantError(*faults)
    return tenants


def fhir_servers(tenants: Iterable[Tenant]) -> list[FhirServer]:
    """All servers that may be asked."""
    return [server for tenant in tenants for server in tenant.servers]


def registration(name: str, tenant: Tenant) -> Registration | None:
    """As what its tokens are recognised, None where it sends none.

    Raises:
        RegistrationError: no key can be used.
        OSError: the file of its keys cannot be read.
    """
    if tenant.issuer is None:
        return None
    document = None if tenant.key_set_file is None else tenant.key_set_file.read_bytes()
    return checked(
        Registration(
            name=name,
            issuer=tenant.issuer,
            keys=KeySource(tuple(tenant.key_set_urls), document),
            subject=tenant.subject,
            claimed_tenants=frozenset(tenant.claimed_tenants),
            audiences=frozenset(tenant.audiences),
            algorithms=frozenset(tenant.algorithms),
            replay=tenant.replay,
        )
    )


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


def _tenant(path: Path) -> Tenant:
    try:
        return Tenant.model_validate(tomllib.loads(path.read_text("utf-8")))
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        fields = dict.fromkeys(str(fault["loc"][0]) for fault in faults)
        raise TenantError(*(f"Tenant {path.stem}: {_sentence(field)}." for field in fields)) from None
    except (OSError, ValueError):
        raise TenantError(f"Tenant {path.stem}: the file cannot be read as TOML.") from None


def _sentence(field: str) -> str:
    known = _SENTENCES.get(field)
    if known is not None:
        return f"{field} {known}"
    return f"{field} is not a field of a tenant" if field.isidentifier() else "it has a field that no tenant has"


def _faults(name: str, tenant: Tenant, *, in_development: bool) -> Iterator[str]:
    """What is wrong with a tenant whose fields are each valid."""
    try:
        mine = registration(name, tenant)
    except RegistrationError as error:
        yield str(error)
    except OSError:
        yield "key_set_file cannot be read"
    else:
        if mine is None and not (in_development and tenant.fhir_bases):
            yield "issuer is missing, so that nobody can call in its name"
        if mine is not None and not in_development and is_known_public(mine):
            yield "its private key is public knowledge: it is for the development profile only"
    try:
        _ = tenant.site_map
    except SiteMapError as error:
        yield f"concept_map {error}"
    for field in ("key_set_urls", "fhir_bases", "origins"):
        if not in_development and any(urlsplit(url).scheme != "https" for url in getattr(tenant, field)):
            yield f"{field} must be https outside of the development profile"


def _shared_servers(tenants: dict[str, Tenant]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for name, base in ((name, base) for name, tenant in tenants.items() for base in tenant.fhir_bases):
        if seen.setdefault(base, name) != name:
            yield f"Tenant {name}: fhir_bases names a server of tenant {seen[base]}."
