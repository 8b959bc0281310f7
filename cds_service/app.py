"""create_app(): the one place where the parts meet. Plain ASGI for the hooks, FastAPI for everything else."""

from __future__ import annotations

import gc
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from starlette.middleware.errors import ServerErrorMiddleware

from cds_service.fhir_access.access import FhirAccess
from cds_service.hooks.answer import Answers, HookSettings
from cds_service.hooks.cards import CardStyle
from cds_service.hooks.transport import ROOT, HookEndpoints
from cds_service.mappings.outgoing import check_templates
from cds_service.pages import make_pages, on_fault
from cds_service.settings import Settings, SettingsError, read_settings, require_startable
from cds_service.tenants import Tenant, fhir_servers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fastapi import FastAPI
    from starlette.types import ASGIApp, Receive, Scope, Send

_RARER_COLLECTIONS = (50_000, 20, 50)
_MOST_REQUESTS = 256
"""Answered at the same time by one worker, whoever asks."""
ANONYMOUS = "anonymous"
"""Who calls without a token, in development."""


class Application:
    """Sends hook requests the short way, and all others to the pages."""

    def __init__(self, hooks: ASGIApp, pages: ASGIApp, door: Door, store: FeedbackStore) -> None:
        self._hooks = hooks
        self._pages = pages
        self._door = door
        self._store = store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or start and stop."""
        to_hooks = scope["type"] == "http" and scope["path"].startswith(ROOT)
        await (self._hooks if to_hooks else self._pages)(scope, receive, send)

    async def aclose(self) -> None:
        """Close all connections to other servers; a server that runs the lifespan does so at its end."""
        await self._door.aclose()
        self._store.close()


def system_clock() -> datetime:
    """The moment that it is."""
    return datetime.now(UTC)  # noqa: TID251  the one clock, handed to whoever needs it


def random_uuid() -> str:
    """A fresh version 4 uuid."""
    return str(uuid4())


def make_answers(
    settings: Settings, clock: Callable[[], datetime], new_uuid: Callable[[], str], tenant: Tenant | None = None
) -> Answers:
    """What answers requests of a tenant, or of anyone: over HTTP or on the command line.

    Raises:
        SettingsError: a tenant file or the map of local codes is not valid.
    """
    style = CardStyle(
        canonical_base=settings.canonical_base,
        extension_prefix=settings.extension_prefix,
        max_cards=settings.max_cards,
    )
    mine = HookSettings(
        language=(tenant and tenant.language) or settings.language,
        topics=(tenant and tenant.topics) or settings.topics,
        quiet_when_ready=settings.quiet_when_ready,
        style=style,
        today=settings.today,
        whole_body_mri=settings.whole_body_mri,
        site=(tenant and tenant.site_map) or settings.site_map,
    )
    all_servers = fhir_servers(settings.tenants.values())
    servers = all_servers if tenant is None else tenant.servers
    access = FhirAccess(servers, settings.fetch_deadline_ms / 1000, closed=all_servers)
    return Answers(mine, clock, new_uuid, access)


def make_door(settings: Settings, clock: Callable[[], datetime], new_uuid: Callable[[], str]) -> Door:
    """Who may come in.

    Raises:
        SettingsError: a tenant file is not valid.
    """
    clients = {
        name: CdsClient(
            name,
            make_answers(settings, clock, new_uuid, tenant),
            Gate(tenant.most_requests),
            frozenset(tenant.origins),
            keep_comments=tenant.keep_comments,
        )
        for name, tenant in settings.tenants.items()
    }
    known = [registration(name, tenant) for name, tenant in settings.tenants.items()]
    anonymous = None
    if settings.in_development:
        answers = make_answers(settings, clock, new_uuid)
        anonymous = CdsClient(ANONYMOUS, answers, Gate(_MOST_REQUESTS), frozenset({ANY_ORIGIN}))
