"""The environment, checked at start. `Settings()` reads the CNO_CDS_ variables; arguments go before them."""

from __future__ import annotations

import ipaddress
import os
import re
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from cds_service.hooks.card_draft import TOPIC_CODES
from cds_service.hooks.language import Language
from cds_service.mappings.site_map import MOST_BYTES, NO_MAP, SiteMap, SiteMapError, read_site_map
from cds_service.tenants import Tenant, TenantError, read_tenants

PREFIX = "CNO_CDS_"
_FOR_LATER = frozenset({"database_url"})
"""Variables of the contract that nothing reads yet."""
_Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+[^\s?#]*$")]
_SENTENCES = {
    "profile": "must be development or production",
    "base_url": "must be an http or https URL",
    "canonical_base": "must be an http or https URL",
    "language": "must be nb, nn or en",
    "topics": f"must be a comma list of topic codes: {', '.join(sorted(TOPIC_CODES))}",
    "max_cards": "must be a whole number from 1 to 3",
    "quiet_when_ready": "must be true or false",
    "whole_body_mri": "must be true or false",
    "extension_prefix": "must be letters, digits, dots and hyphens",
    "tenants_dir": "must be a folder with one TOML file per EHR",
    "concept_map": "must be the path of a file",
    "fetch_deadline_ms": "must be a whole number from 50 to 5000",
    "today": "must be a date (YYYY-MM-DD), and only in the development profile",
}


class SettingsError(Exception):
    """The environment does not allow a start; the message is one sentence."""


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
    today: date | None = None

    @model_validator(mode="before")
    @classmethod
    def _environment(cls, values: dict[str, Any]) -> dict[str, Any]:
        found = {
            name.removeprefix(PREFIX).lower(): text
            for name, text in os.environ.items()
            if name.startswith(PREFIX) and text
        }
        return {name: text for name, text in found.items() if name not in _FOR_LATER} | values

    @field_validator("topics", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return frozenset(re.findall(r"[^,\s]+", value)) if isinstance(value, str) else value

    @field_validator("topics")
    @classmethod
    def _known(cls, value: frozenset[str]) -> frozenset[str]:
        if not value or not value <= TOPIC_CODES:
            raise ValueError("unknown topic")
        return value

    @field_validator("base_url", "canonical_base")
    @classmethod
    def _no_slash(cls, value: str | None) -> str | None:
        return value.rstrip("/") if value else value

    @model_validator(mode="after")
    def _only_in_development(self) -> Self:
        if self.today is not None and self.profile == "production":
            raise ValueError("today")
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
            return read_tenants(self.tenants_dir, plain_http=self.in_development)
        except TenantError as fault:
            raise SettingsError(str(fault)) from None

    @cached_property
    def site_map(self) -> SiteMap:
        """What the local codes of this site mean.

        Raises:
            SettingsError: the file is no map that can be used.
        """
        if self.concept_map is None:
            return NO_MAP
        try:
            return read_site_map(_content(self.concept_map))
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
        raise SettingsError(_sentence(fault)) from None
    _ = settings.tenants, settings.site_map
    if host is not None and settings.profile is None and not _is_loopback(host):
        raise SettingsError(
            f"{PREFIX}PROFILE must be set to production or development before the service listens off loopback."
        )
    return settings


def _sentence(fault: ValidationError) -> str:
    first = fault.errors(include_input=False, include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "today"
    return f"{PREFIX}{name.upper()} {_SENTENCES.get(name, 'is not a variable of this service')}."


def _content(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        SiteMapError: it cannot be read, is no regular file or is too long.
    """
    try:
        if path.is_file() and path.stat().st_size <= MOST_BYTES:
            return path.read_bytes()
    except (OSError, ValueError):
        pass
    raise SiteMapError(f"cannot be read: it must be the path of a file of at most {MOST_BYTES >> 20} MiB")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
