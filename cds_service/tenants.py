"""One TOML file per EHR, checked at start: which FHIR servers may be asked for what prefetch left out."""

from __future__ import annotations

import ssl
import tomllib
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FilePath, ValidationError

from cds_service.fhir_access.addresses import page_of
from cds_service.fhir_access.server import FhirServer

if TYPE_CHECKING:
    from collections.abc import Iterable


class TenantError(Exception):
    """A tenant file does not allow a start; the message is one sentence that names file and field, never a value."""


def _base(text: str) -> str:
    """The base address of a FHIR server, without a slash at its end."""
    base = text.rstrip("/")
    parts = urlsplit(base)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or page_of(base, base) != base:
        raise ValueError("not a base address")
    return base


def _authority(path: Path) -> Path:
    """A file of certificates that TLS can use."""
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        raise ValueError("no certificates") from None
    return path


class Tenant(BaseModel):
    """An EHR that this installation serves."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    fhir_bases: Annotated[list[Annotated[str, AfterValidator(_base)]], Field(min_length=1)]
    """Base addresses of its FHIR servers, as they stand in `fhirServer`."""
    fhir_networks: list[IPv4Network | IPv6Network] = []
    """Networks in which these may lie though they are not public."""
    fhir_search: Literal["get", "post"] = "get"
    """`post` where the server takes searches only as `POST {type}/_search`."""
    fhir_needs_token: bool = True
    """False for an open test server: requests without `fhirAuthorization` are completed too."""
    fhir_ca_file: Annotated[FilePath, AfterValidator(_authority)] | None = None
    """PEM file of the authority that signed the servers' certificates, where the system does not know it."""

    @property
    def servers(self) -> list[FhirServer]:
        """Its servers, as they may be asked."""
        return [
            FhirServer(base, tuple(self.fhir_networks), self.fhir_search, self.fhir_needs_token, self.fhir_ca_file)
            for base in self.fhir_bases
        ]


def read_tenants(folder: Path, *, plain_http: bool) -> dict[str, Tenant]:
    """The tenants by name, that of the file. `plain_http` allows servers without TLS.

    Raises:
        TenantError: a file cannot be read, names an unknown field, or two files name one server.
    """
    tenants = {path.stem: _tenant(path) for path in sorted(folder.glob("*.toml"))}
    seen: dict[str, str] = {}
    for name, base in ((name, base) for name, tenant in tenants.items() for base in tenant.fhir_bases):
        if not plain_http and urlsplit(base).scheme != "https":
            raise TenantError(f"Tenant {name}: fhir_bases must be https outside of the development profile.")
        if seen.setdefault(base, name) != name:
            raise TenantError(f"Tenant {name}: fhir_bases names a server of tenant {seen[base]}.")
    return tenants


def fhir_servers(tenants: Iterable[Tenant]) -> list[FhirServer]:
    """All servers that may be asked."""
    return [server for tenant in tenants for server in tenant.servers]


def _tenant(path: Path) -> Tenant:
    try:
        return Tenant.model_validate(tomllib.loads(path.read_text("utf-8")))
    except ValidationError as fault:
        first = fault.errors(include_input=False, include_url=False)[0]
        field = str(first["loc"][0]) if first["loc"] else "file"
        raise TenantError(f"Tenant {path.stem}: {field} is not valid.") from None
    except (OSError, ValueError):
        raise TenantError(f"Tenant {path.stem}: the file cannot be read as TOML.") from None
