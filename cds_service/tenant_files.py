"""The folder of tenant files: read at start, and all that is wrong with them told in sentences."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import ValidationError

from cds_service.hooks.card_draft import TOPIC_CODES
from cds_service.mappings.site_map import SiteMapError
from cds_service.tenants import Tenant, registration, registrations
from cds_service.trust.jwk import ALGORITHMS
from cds_service.trust.registration import Registration, RegistrationError, require_distinct
from cds_service.trust.vendors import PUBLIC_ISSUERS, VENDORS, holds_known_public

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SENTENCES = {
    "vendor": f"must be one of {', '.join(sorted(VENDORS))}",
    "issuer": "must be a text that is not empty, without blanks: the `iss` of its tokens",
    "subject": "must be a text that is not empty, without blanks: the `sub` of its tokens",
    "claimed_tenants": "must be a list of texts: the `tenant` claims of its tokens",
    "audiences": "must be a list of texts, each an `aud` that it sends instead of the address called",
    "algorithms": f"must be a list of {', '.join(sorted(ALGORITHMS))}",
    "key_set_urls": "must be a list of http or https URLs, without a user name, query or fragment",
    "key_set_file": "must be the path of a file with a JWK Set",
    "key_set_ca_file": "must be the path of a PEM file with the certificate of an authority",
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


_PLACE = re.compile(r"\(at (line \d+, column \d+|end of document)\)$")
"""How tomllib ends its sentences; what stands before it may quote the file."""


class TenantError(Exception):
    """Tenant files do not allow a start: one sentence for each fault, naming file and field, never a value."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences


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
        faults += _faults(name, tenant, in_development=in_development)
    faults += _shared_servers(tenants)
    if not faults:
        faults += _undistinguished(tenants, in_development=in_development)
    if faults:
        raise TenantError(*faults)
    return tenants


def _tenant(path: Path) -> Tenant:
    if not path.is_file():
        raise TenantError(f"Tenant {path.stem}: the file cannot be read.")
    try:
        return Tenant.model_validate(tomllib.loads(path.read_text("utf-8-sig")))
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        fields = dict.fromkeys(str(fault["loc"][0]) for fault in faults)
        raise TenantError(*(f"Tenant {path.stem}: {_sentence(field)}." for field in fields)) from None
    except (OSError, ValueError) as error:
        raise TenantError(f"Tenant {path.stem}: {_unread(error)}.") from None


def _unread(error: Exception) -> str:
    """Why there is no TOML; where the fault lies, but nothing of what stands there."""
    if isinstance(error, OSError):
        return "the file cannot be read"
    if isinstance(error, UnicodeDecodeError):
        return "the file is not UTF-8"
    place = _PLACE.search(str(error))
    return "the file cannot be read as TOML" + (f" ({place[1]})" if place else "")


def _sentence(field: str) -> str:
    known = _SENTENCES.get(field)
    if known is not None:
        return f"{field} {known}"
    return f"{field} is not a field of a tenant" if field.isidentifier() else "it has a field that no tenant has"


def _faults(name: str, tenant: Tenant, *, in_development: bool) -> Iterator[str]:
    """What is wrong with a tenant whose fields are each valid."""
    try:
        mine = registration(name, tenant, in_development=in_development)
    except RegistrationError as error:
        yield str(error)
        return
    if mine is None and not (in_development and tenant.fhir_bases):
        yield f"Tenant {name}: issuer is missing, so that nobody can call in its name."
    if mine is not None and not in_development and _is_known_public(mine):
        yield f"Tenant {name}: its private key is public knowledge: it is for the development profile only."
    try:
        _ = tenant.site_map
    except SiteMapError as error:
        yield f"Tenant {name}: concept_map {error}."
    for field in ("fhir_bases", "origins"):
        if not in_development and any(urlsplit(url).scheme != "https" for url in getattr(tenant, field)):
            yield f"Tenant {name}: {field} must be https outside of the development profile."


def _is_known_public(mine: Registration) -> bool:
    """Whether anybody can sign as this client: by its issuer, or by a key that was handed over."""
    document = mine.keys.document
    return mine.issuer in PUBLIC_ISSUERS or (document is not None and holds_known_public(document))


def _undistinguished(tenants: dict[str, Tenant], *, in_development: bool) -> Iterator[str]:
    """Tenants of which a token could be of two."""
    try:
        require_distinct(registrations(tenants, in_development=in_development))
    except RegistrationError as error:
        yield str(error)


def _shared_servers(tenants: dict[str, Tenant]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for name, base in ((name, base) for name, tenant in tenants.items() for base in tenant.fhir_bases):
        if seen.setdefault(base, name) != name:
            yield f"Tenant {name}: fhir_bases names a server of tenant {seen[base]}."
