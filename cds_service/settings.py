"""The environment, checked at start. `Settings()` reads the CNO_CDS_ variables; arguments go before them."""

from __future__ import annotations

import os
import re
from datetime import date
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from cds_service.hooks.card_draft import TOPIC_CODES
from cds_service.hooks.language import Language
from cds_service.mappings.site_map import NO_MAP, SiteMap, SiteMapError
from cds_service.tenant_files import TenantError, read_tenants
from cds_service.tenants import Tenant, site_map_of

PREFIX = "CNO_CDS_"
_Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+[^\s?#@]*$")]
LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
_SENTENCES = {
    "profile": "must be development or production",
    "base_url": "must be an http or https URL, that to which /cds-services is added",
    "canonical_base": "must be an http or https URL",
    "language": "must be nb, nn or en",
    "topics": f"must be a comma list of topic codes: {', '.join(sorted(TOPIC_CODES))}",
    "max_cards": "must be a whole number from 1 to 3",
    "quiet_when_ready": "must be true or false",
    "whole_body_mri": "must be true or false",
    "extension_prefix": "must be letters, digits, dots and hyphens",
    "tenants_dir": "must be a folder with one TOML file per EHR",
    "concept_map": "must be the path of a file",
    "open_to": "must be a comma list of networks, such as 127.0.0.0/8, and only in the development profile",
    "trusted_hosts": "must be a comma list of host names",
    "database_url": "must be a sqlite or postgresql URL",
    "fetch_deadline_ms": "must be a whole number from 50 to 5000",
    "today": "must be a date (YYYY-MM-DD), and only in the development profile",
}


class SettingsError(Exception):
    """The environment does not allow a start: one sentence for each fault that is known."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences


def _database(url: SecretStr) -> SecretStr:
    """A database that can be used here."""
    if urlsplit(url.get_secret_value()).scheme.partition("+")[0] not in {"sqlite", "postgresql", "postgres"}:
        raise ValueError("no database")
    return url


class Settings(BaseModel):
    """What a hospital may set. Names of the environment: CNO_CDS_ and the field in upper case."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    profile: Literal["development", "production"] | None = None
    base_url: _Url | None = None
    language: Language | None = None
    topics: frozenset[str] = TOPIC_CODES
    max_cards: Annotated[int, Field(ge=1, le=3)] = 3
    quiet_when_ready: bool = False
    extension_prefix: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.\-]*$")] = "example.cno-cds"
    canonical_base: _Url = "https://example.org/cno-cds"
    whole_body_mri: bool = True
    tenants_dir: Path | None = None
    concept_map: Path | None = None
    """A FHIR ConceptMap of local codes to codes of our tables."""
    fetch_deadline_ms: Annotated[int, Field(ge=50, le=5000)] = 400
    """What a hook may wait for its FHIR server, all requests together."""
    open_to: tuple[IPv4Network | IPv6Network, ...] = LOOPBACK
    """From where calls need no token, in development."""
    trusted_hosts: frozenset[Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.\-]*$")]] = frozenset()
    """Names under which the service is called, beside that of the base URL; any in development."""
    database_url: Annotated[SecretStr, AfterValidator(_database)] = SecretStr("sqlite:///var/cno-cds.db")
    """Where feedback, and which tokens were used, is kept."""
    today: date | None = None

    @model_validator(mode="before")
    @classmethod
    def _environment(cls, values: dict[str, Any]) -> dict[str, Any]:
        found = {
            name.removeprefix(PREFIX).lower(): text
            for name, text in os.environ.items()
            if name.startswith(PREFIX) and text
        }
        return found | values

    @field_validator("topics", "open_to", "trusted_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return re.findall(r"[^,\s]+", value) if isinstance(value, str) else value

    @field_validator("topics")
    @classmethod
    def _known(cls, value: frozenset[str]) -> frozenset[str]:
        if not value or not value <= TOPIC_CODES:
            raise ValueError("unknown topic")
        return value

    @field_validator("base_url", "canonical_base")
    @classmethod
    def _no_slash(cls, value: str | None) -> str | None:
        base = value.rstrip("/") if value else value
        if base and base.endswith("/cds-services"):
            raise ValueError("not the base")
        return base

    @model_validator(mode="after")
    def _only_in_development(self) -> Self:
        if self.profile == "production":
            for name in ("today", "open_to"):
                if getattr(self, name) != type(self).model_fields[name].default:
                    raise ValueError(name)
        return self

    @field_validator("tenants_dir")
    @classmethod
    def _folder(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError("no folder")
        return value

    @cached_property
    def tenants(self) -> dict[str, Tenant]:
        """The EHRs served, by the name of their file.

        Raises:
            SettingsError: a tenant file is not valid.
        """
        if self.tenants_dir is None:
            return {}
        try:
            return read_tenants(self.tenants_dir, in_development=self.in_development)
        except TenantError as fault:
            raise SettingsError(*fault.sentences) from None

    @cached_property
    def site_map(self) -> SiteMap:
        """What the local codes of this site mean.

        Raises:
            SettingsError: the file is no map that can be used.
        """
        if self.concept_map is None:
            return NO_MAP
        try:
            return site_map_of(self.concept_map)
        except SiteMapError as fault:
            raise SettingsError(f"{PREFIX}CONCEPT_MAP {fault}.") from None

    @property
    def in_development(self) -> bool:
        """Whether this is not the care of real patients."""
        return self.profile != "production"


def read_settings(host: str | None = None) -> Settings:
    """The settings of this process, to be served on that host.

    Raises:
        SettingsError: one sentence that names the variable, or the tenant file and field.
    """
    try:
        settings = Settings()
    except ValidationError as fault:
        raise SettingsError(*_sentences(fault)) from None
    require_startable(settings)
    if host is not None and settings.profile is None and not _is_loopback(host):
        raise SettingsError(
            f"{PREFIX}PROFILE must be set to production or development before the service listens off loopback."
        )
    return settings


def require_startable(settings: Settings) -> None:
    """Refuse what no request can be answered with, and in production what is not safe.

    Raises:
        SettingsError: a file is not valid; or in production the base URL is not https, or there is no tenant.
    """
    faults: list[str] = []
    for read in (lambda: settings.tenants, lambda: settings.site_map):
        try:
            read()
        except SettingsError as error:
            faults += error.sentences
    if not settings.in_development:
        if urlsplit(settings.base_url or "").scheme != "https":
            faults.append(f"{PREFIX}BASE_URL must be set to an https URL in production: tokens and links name it.")
        if not faults and not settings.tenants:
            faults.append(f"{PREFIX}TENANTS_DIR must hold a tenant in production: nobody could call.")
    if faults:
        raise SettingsError(*faults)


def _sentences(fault: ValidationError) -> list[str]:
    faults = fault.errors(include_input=False, include_url=False)
    names = dict.fromkeys(str(each["loc"][0] if each["loc"] else each["ctx"]["error"]) for each in faults)
    return [f"{PREFIX}{name.upper()} {_SENTENCES.get(name, 'is not a variable of this service')}." for name in names]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
