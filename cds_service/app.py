"""create_app(): the one place where the parts meet. Plain ASGI for the hooks, FastAPI for everything else."""

from __future__ import annotations

import asyncio
import gc
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args
from urllib.parse import urlsplit
from uuid import uuid4

from cds_service.feedback.store import FeedbackStore
from cds_service.fhir_access.access import FhirAccess
from cds_service.guideline.provenance import rules_version
from cds_service.hooks.answer import Answers, HookSettings
from cds_service.hooks.cards import CardStyle
from cds_service.hooks.door import ANY_ORIGIN, CdsClient, Door
from cds_service.hooks.feedback_desk import FeedbackDesk
from cds_service.hooks.transport import ROOT, ROUTES, HookEndpoints, outcome
from cds_service.mappings.outgoing import check_templates
from cds_service.operations.access_log import AccessLog
from cds_service.operations.database import DatabaseError, open_database
from cds_service.operations.gates import SERVICE_MOST, TENANT_MOST, Gate
from cds_service.operations.log import configure
from cds_service.operations.log_keys import ANONYMOUS, Words
from cds_service.operations.security_headers import SecurityHeaders, TrustedHosts
from cds_service.pages import PAGES, make_pages
from cds_service.settings import PREFIX, Settings, SettingsError, read_settings, require_startable
from cds_service.tenants import Tenant, fhir_servers, registrations
from cds_service.trust.authentication import Authentication, Reason
from cds_service.trust.database_replay import DatabaseReplays
from cds_service.trust.replay import Replays, SqliteReplays
from cds_service.trust.vendors import KNOWN_PUBLIC

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fastapi import FastAPI
    from sqlalchemy import Engine
    from starlette.types import Receive, Scope, Send

_RARER_COLLECTIONS = (50_000, 20, 50)
SANDBOX = "cds-hooks-sandbox"
"""Who calls with the public key of the CDS Hooks Sandbox, in development."""


class Application:
    """Sends hook requests the short way, and all others to the pages; around both what holds for every answer."""

    def __init__(self, settings: Settings, hooks: HookEndpoints, door: Door, store: FeedbackStore) -> None:
        self._hooks = hooks
        self.door = door
        self._store = store
        self._pages = make_pages(settings, door, self._lifespan)
        base = urlsplit(settings.base_url or "")
        own = f"[{base.hostname}]" if ":" in (base.hostname or "") else str(base.hostname)
        hosts = None if settings.in_development else {own, *settings.trusted_hosts}
        self._guarded = AccessLog(
            SecurityHeaders(TrustedHosts(self._route, hosts, outcome), https=base.scheme == "https")
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or start and stop."""
        await self._guarded(scope, receive, send)

    async def aclose(self) -> None:
        """Close all connections to other servers; a server that runs the lifespan does so at its end."""
        await self.door.aclose()
        await asyncio.to_thread(self._store.close)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        to_hooks = scope["type"] == "http" and scope["path"].startswith(ROOT)
        await (self._hooks if to_hooks else self._pages)(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        check_templates()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_RARER_COLLECTIONS)
        fetching = asyncio.create_task(self.door.authentication.prefetch())
        yield
        fetching.cancel()
        await self.aclose()


def system_clock() -> datetime:
    """The moment that it is."""
    return datetime.now(UTC)  # noqa: TID251  the one clock, handed to whoever needs it


def random_uuid() -> str:
    """A fresh version 4 uuid."""
    return str(uuid4())


def create_app(
    settings: Settings, *, clock: Callable[[], datetime] = system_clock, new_uuid: Callable[[], str] = random_uuid
) -> Application:
    """The whole service as one ASGI application.

    Raises:
        SettingsError: the settings do not allow a start.
    """
    require_startable(settings)
    door = make_door(settings, clock, new_uuid)
    store = FeedbackStore(_database(settings))
    hooks = HookEndpoints(door, FeedbackDesk(store, clock), settings.canonical_base)
    return Application(settings, hooks, door, store)


def from_environment() -> Application:
    """For an ASGI server that starts the service itself.

    Raises:
        SettingsError: a variable is wrong, or no profile is set, for which address is served is not known here.
    """
    configure(Words(), system_clock, production=True)
    settings = read_settings()
    if settings.profile is None:
        raise SettingsError("CNO_CDS_PROFILE must be set to production or development.")
    start_log(settings)
    return create_app(settings)


def start_log(settings: Settings) -> None:
    """Let this process log, and nothing else of it write."""
    words = Words(
        routes=ROUTES | PAGES,
        tenants=frozenset({*settings.tenants, SANDBOX}),
        refusals=frozenset(get_args(Reason)),
        rules=rules_version(),
    )
    configure(words, system_clock, production=not settings.in_development)


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
    installed = fhir_servers(settings.tenants.values())
    servers = installed if tenant is None else tenant.servers
    return Answers(mine, clock, new_uuid, FhirAccess(servers, settings.fetch_deadline_ms / 1000, installed))


def make_door(settings: Settings, clock: Callable[[], datetime], new_uuid: Callable[[], str]) -> Door:
    """Who may come in: the tenants; in development also who is near, and the CDS Hooks Sandbox.

    Raises:
        SettingsError: a tenant file or the database URL is not valid.
    """
    tenants = dict(settings.tenants)
    clients = {
        name: CdsClient(
            name,
            make_answers(settings, clock, new_uuid, tenant),
            Gate(tenant.most_requests),
            Gate(TENANT_MOST),
            origins=frozenset(tenant.origins),
            keep_comments=tenant.keep_comments,
        )
        for name, tenant in tenants.items()
    }
    anonymous = None
    if settings.in_development:
        near = make_answers(settings, clock, new_uuid)
        anonymous = CdsClient(ANONYMOUS, near, Gate(SERVICE_MOST), Gate(SERVICE_MOST), origins=frozenset({ANY_ORIGIN}))
        sandbox = Tenant.model_validate({"vendor": "sandbox"})
        if SANDBOX not in tenants and all(tenant.issuer != sandbox.issuer for tenant in tenants.values()):
            tenants[SANDBOX] = sandbox
            clients[SANDBOX] = replace(anonymous, name=SANDBOX)
    known = registrations(tenants, in_development=settings.in_development)
    refused = frozenset[str]() if settings.in_development else KNOWN_PUBLIC
    return Door(
        clients,
        Authentication(known, make_replays(settings), clock, refused_keys=refused),
        settings.base_url,
        Gate(SERVICE_MOST, of_service=True),
        Gate(SERVICE_MOST, of_service=True),
        settings.open_to,
        anonymous,
    )


def _database(settings: Settings) -> Engine:
    try:
        return open_database(settings.database_url.get_secret_value())
    except DatabaseError as fault:
        raise SettingsError(f"{PREFIX}DATABASE_URL: {fault}") from None


def make_replays(settings: Settings) -> Replays:
    """Where used tokens are stored: beside an SQLite file in another one, so that none need wait for the disk.

    Raises:
        SettingsError: the database URL is not valid.
    """
    engine = _database(settings)
    if engine.dialect.name != "sqlite":
        return DatabaseReplays(engine)
    file = Path(str(engine.url.database))
    return SqliteReplays(file.with_name(f"{file.stem}-tokens.db"))
