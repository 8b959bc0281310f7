"""What is known of a vendor's EHR: how it calls a service, and what it makes of the answers. From vendors/*.toml."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

Vendor: TypeAlias = Literal["epic", "oracle", "sandbox"]
Level: TypeAlias = Literal["fault", "remark"]
Json: TypeAlias = dict[str, Any]
DATA: Traversable = files("cds_service.simulate")


class Play(BaseModel):
    """One hook request of a visit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str
    hook: str
    orders: str | None = None
    """The name of the draft orders that it carries."""
    prefetch: bool = True
    extension: dict[str, str] = {}


class Profile(BaseModel):
    """A vendor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vendor: Vendor
    discovery: Literal["none", "optional", "required"]
    origin: str | None = None
    """Of the page, where the EHR is one in a browser."""
    headers: dict[str, str]
    fhir_server: str
    authorization: dict[str, str | int] | None = None
    patient: str
    user: str
    encounter: str | None = None
    draft: str
    """The id of the order being drafted."""
    draft_bundle_type: str | None = None
    absolute_references: bool
    nothing_found: Literal["null", "bundle", "outcome"]
    """What stands for an empty search."""
    services: dict[str, str] = {}
    """Hook → path, where no discovery tells it."""
    keys: dict[str, str] = {}
    """Prefetch key → part of the chart, where no template tells it."""
    extension: dict[str, str] = {}
    plays: tuple[Play, ...]
    levels: dict[str, Level] = {}
    """How grave it is for this vendor, where that differs from checks.toml."""
    orders: dict[str, list[Json]] = Field(repr=False)
    feedback: list[list[Json]] = Field(repr=False)
    """Each a request, as the items that it reports."""


@cache
def profile(vendor: Vendor) -> Profile:
    """The profile of a vendor."""
    folder = DATA / "vendors"
    calls = tomllib.loads((folder / f"{vendor}.toml").read_text("utf-8"))
    return Profile(vendor=vendor, **calls, **json.loads((folder / f"{vendor}.json").read_text("utf-8")))


@cache
def table(name: str) -> Json:
    """A table of this package, to be read only."""
    return tomllib.loads((DATA / f"{name}.toml").read_text("utf-8"))
