"""cno-cds doctor: whether the service can start here, and whether what it carries is whole, a sentence for each."""

from __future__ import annotations

import asyncio
import sqlite3
from functools import partial
from secrets import token_bytes
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from cds_service.app import make_door, make_replays, random_uuid, system_clock
from cds_service.feedback.errors import NewerSchemaError, cause_of
from cds_service.feedback.migrating import migrate
from cds_service.guideline.provenance import rules_digest, rules_version
from cds_service.hooks.language import LANGUAGES
from cds_service.hooks.wording import wording
from cds_service.mappings.outgoing import check_templates
from cds_service.operations.database import DatabaseError, open_database, why_unusable
from cds_service.settings import PREFIX, Settings, SettingsError, read_settings
from cds_service.trust.replay import ReplayUnavailableError, Use

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FAULTS = (SettingsError, ValueError, LookupError, TypeError, OSError)


def findings() -> Iterator[tuple[bool, str]]:
    """Of each check whether it holds, and what to say of it; the environment is read afresh."""
    carried: dict[str, Callable[[], str]] = {
        "rules": lambda: f"{rules_version()} {rules_digest()}",
        "wording": lambda: ", ".join(f"{language} {len(wording(language).texts)} texts" for language in LANGUAGES),
        "templates": _templates,
    }
    try:
        settings = read_settings()
    except SettingsError as fault:
        yield from ((False, f"settings: {sentence}") for sentence in fault.sentences)
    else:
        named: dict[str, Callable[[Settings], str]] = {
            "settings": _settings,
            "tenants": _tenants,
            "keys": _keys,
            "database": _database,
            "local codes": _local_codes,
        }
        for name, check in named.items():
            yield from _outcome(name, partial(check, settings))
    for name, holds in carried.items():
        yield from _outcome(name, holds)


def _outcome(name: str, check: Callable[[], str]) -> Iterator[tuple[bool, str]]:
    try:
        yield True, f"{name}: {check()}"
    except _FAULTS as fault:
        for sentence in fault.sentences if isinstance(fault, SettingsError) else (type(fault).__name__,):
            yield False, f"{name}: {sentence}"


def _settings(settings: Settings) -> str:
    return ", ".join(f"{name} {_plain(value)}" for name, value in settings.model_dump(exclude_none=True).items())


def _plain(value: object) -> str:
    return "+".join(sorted(map(str, value))) if isinstance(value, frozenset | tuple) else str(value)


def _tenants(settings: Settings) -> str:
    told = [
        f"{name} signs as {tenant.issuer or 'nobody'} and may have asked {' '.join(tenant.fhir_bases) or 'no server'}"
        for name, tenant in settings.tenants.items()
    ]
    if not told:
        return "none: calls without a token are answered on this machine alone"
    return f"{', '.join(told)}; `aud` is {settings.base_url or 'the base URL'}/cds-services/cno-patient-view and so on"


def _keys(settings: Settings) -> str:
    """Whether every key set can be had now."""

    async def faults() -> list[tuple[str, str, str]]:
        door = make_door(settings, system_clock, random_uuid)
        try:
            await door.authentication.prefetch()
            return [fault for fault in door.authentication.key_set_faults() if fault[0] in settings.tenants]
        finally:
            await door.aclose()

    found = asyncio.run(faults())
    if found:
        raise SettingsError(*(f"Tenant {name}: the key set at {url} {fault}." for name, url, fault in found))
    return f"{len(settings.tenants)} tenants have keys" if settings.tenants else "none are needed"


def _database(settings: Settings) -> str:
    """Whether it could be stored now what feedback says, and which tokens were used."""
    url = settings.database_url.get_secret_value()
    try:
        engine = open_database(url)
    except DatabaseError as fault:
        raise SettingsError(f"{PREFIX}DATABASE_URL: {fault}") from None
    try:
        migrate(engine)
    except NewerSchemaError as fault:
        raise SettingsError(f"{PREFIX}DATABASE_URL: {fault}") from None
    except (SQLAlchemyError, sqlite3.Error, OSError) as fault:
        sentence = f"the database cannot be used: {why_unusable(engine)} ({cause_of(fault)})."
        raise SettingsError(f"{PREFIX}DATABASE_URL: {sentence}") from None
    finally:
        engine.dispose()
    try:
        asyncio.run(_record_a_token(settings))
    except ReplayUnavailableError:
        raise SettingsError(f"{PREFIX}DATABASE_URL: it cannot be stored beside it which tokens were used.") from None
    return f"{engine.dialect.name}, schema current"


async def _record_a_token(settings: Settings) -> None:
    now = int(system_clock().timestamp())
    replays = make_replays(settings)
    try:
        await replays.record(Use(token_bytes(32), b"", now, now))
    finally:
        await replays.aclose()


def _local_codes(settings: Settings) -> str:
    site = settings.site_map
    return site.summary() if site.codings else "no ConceptMap"


def _templates() -> str:
    check_templates()
    return "valid FHIR R4"
