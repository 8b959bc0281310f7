"""cno-cds doctor: whether the service can start here, and whether what it carries is whole, a sentence for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.guideline.provenance import rules_digest, rules_version
from cds_service.hooks.language import LANGUAGES
from cds_service.hooks.wording import wording
from cds_service.mappings.outgoing import check_templates
from cds_service.settings import SettingsError, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FAULTS = (SettingsError, ValueError, LookupError, TypeError, OSError)


def findings() -> Iterator[tuple[bool, str]]:
    """Of each check whether it holds, and what to say of it; the environment is read afresh."""
    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("settings", _settings),
        ("tenants", _tenants),
        ("rules", lambda: f"{rules_version()} {rules_digest()}"),
        ("wording", lambda: ", ".join(f"{language} {len(wording(language).texts)} texts" for language in LANGUAGES)),
        ("local codes", _local_codes),
        ("templates", _templates),
    )
    for name, check in checks:
        try:
            yield True, f"{name}: {check()}"
        except _FAULTS as fault:
            yield False, f"{name}: {fault if isinstance(fault, SettingsError) else type(fault).__name__}"


def _settings() -> str:
    settings = read_settings()
    return ", ".join(f"{name} {_plain(value)}" for name, value in settings.model_dump(exclude_none=True).items())


def _plain(value: object) -> str:
    return "+".join(sorted(value)) if isinstance(value, frozenset) else str(value)


def _tenants() -> str:
    told = [f"{name} asks {' '.join(tenant.fhir_bases)}" for name, tenant in read_settings().tenants.items()]
    return ", ".join(told) or "none: nothing is fetched"


def _local_codes() -> str:
    site = read_settings().site_map
    return site.summary() if site.codings else "no ConceptMap"


def _templates() -> str:
    check_templates()
    return "valid FHIR R4"
