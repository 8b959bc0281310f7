"""create_app(): the one place where the parts meet. Plain ASGI for the hooks, FastAPI for everything else."""

from __future__ import annotations

import gc
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware

from cds_service.fhir_access.access import FhirAccess
from cds_service.guideline.provenance import guideline_edition, rules_digest, rules_version
from cds_service.hooks.answer import Answers, HookSettings, encoded, read_day
from cds_service.hooks.cards import CardStyle
from cds_service.hooks.landing import landing_page
from cds_service.hooks.language import Language
from cds_service.hooks.services import Hook
from cds_service.hooks.transport import ROOT, HookEndpoints, outcome, unexpected
from cds_service.mappings.outgoing import check_templates, questionnaire
from cds_service.operations.bodies import read_body
from cds_service.operations.errors import RequestError
from cds_service.settings import Settings, SettingsError, read_settings
from cds_service.tenants import fhir_servers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

SAMPLES = Path(__file__).parent.parent / "fhir_samples"
_JSON = "application/json"
_RARER_COLLECTIONS = (50_000, 20, 50)
_ISSUES = {404: "not-found", 405: "not-supported"}


class Application:
    """Sends hook requests the short way, and all others to the pages."""

    def __init__(self, hooks: ASGIApp, pages: ASGIApp, access: FhirAccess) -> None:
        self._hooks = hooks
        self._pages = pages
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or start and stop."""
        to_hooks = scope["type"] == "http" and scope["path"].startswith(ROOT)
        await (self._hooks if to_hooks else self._pages)(scope, receive, send)

    async def aclose(self) -> None:
        """Close the connections to FHIR servers; a server that runs the lifespan does so at its end."""
        await self._access.aclose()


def system_clock() -> datetime:
    """The moment that it is."""
    return datetime.now(UTC)  # noqa: TID251  the one clock, handed to whoever needs it


def random_uuid() -> str:
    """A fresh version 4 uuid."""
    return str(uuid4())


def make_answers(settings: Settings, clock: Callable[[], datetime], new_uuid: Callable[[], str]) -> Answers:
    """What answers requests, over HTTP or on the command line.

    Raises:
        SettingsError: a tenant file or the map of local codes is not valid.
    """
    style = CardStyle(
        canonical_base=settings.canonical_base,
        extension_prefix=settings.extension_prefix,
        max_cards=settings.max_cards,
    )
    mine = HookSettings(
        language=settings.language,
        topics=settings.topics,
        quiet_when_ready=settings.quiet_when_ready,
        style=style,
        today=settings.today,
        whole_body_mri=settings.whole_body_mri,
        site=settings.site_map,
    )
    access = FhirAccess(fhir_servers(settings.tenants.values()), settings.fetch_deadline_ms / 1000)
    return Answers(mine, clock, new_uuid, access)


def create_app(
    settings: Settings, *, clock: Callable[[], datetime] = system_clock, new_uuid: Callable[[], str] = random_uuid
) -> Application:
    """The whole service as one ASGI application."""
    answers = make_answers(settings, clock, new_uuid)
    hooks = HookEndpoints(answers, for_browsers=settings.in_development)
    return Application(ServerErrorMiddleware(hooks, handler=_on_fault), _pages(settings, answers), answers.access)


def from_environment() -> Application:
    """For an ASGI server that starts the service itself.

    Raises:
        SettingsError: a variable is wrong, or no profile is set, for which address is served is not known here.
    """
    settings = read_settings()
    if settings.profile is None:
        raise SettingsError("CNO_CDS_PROFILE must be set to production or development.")
    return create_app(settings)


def _pages(settings: Settings, answers: Answers) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        check_templates()
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_RARER_COLLECTIONS)
        yield
        await answers.access.aclose()

    pages = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    _operations(pages)
    _evaluation(pages, answers)
    form = encoded(questionnaire(settings.canonical_base))
    _get(pages, "/fhir/Questionnaire/cno-assessment", lambda: Response(form, media_type="application/fhir+json"))
    page = landing_page(SAMPLES, settings.base_url or "http://127.0.0.1:8000")
    _get(pages, "/", lambda: HTMLResponse(page))
    _failures(pages)
    return pages


def _operations(pages: FastAPI) -> None:
    release = {
        "service": "cno-cds",
        "version": version("cno-cds"),
        "rules": {"version": rules_version(), "digest": rules_digest(), "edition": guideline_edition()},
    }
    _get(pages, "/livez", lambda: {"status": "alive"})
    _get(pages, "/readyz", lambda: {"status": "ready"})
    _get(pages, "/version", lambda: release)


def _get(pages: FastAPI, path: str, answer: Callable[[], Any]) -> None:
    async def respond() -> Any:  # noqa: ANN401  whatever FastAPI can send
        return answer()

    pages.add_api_route(path, respond, methods=["GET", "HEAD"], response_model=None)


def _evaluation(pages: FastAPI, answers: Answers) -> None:
    @pages.post("/evaluate")
    async def evaluate(
        request: Request,
        hook: Hook = "patient-view",
        today: Annotated[str | None, Query()] = None,
        lang: Language | None = None,
    ) -> Response:
        day = None if today is None else read_day(today)
        body = await read_body(request.scope["headers"], request.receive)
        return Response(encoded(answers.to_evaluation(body, hook=hook, today=day, language=lang)), media_type=_JSON)


def _failures(pages: FastAPI) -> None:
    """Every failure is an OperationOutcome, whatever raised it."""

    @pages.exception_handler(RequestError)
    async def refused(_: Request, error: RequestError) -> Response:
        return _outcome(error)

    @pages.exception_handler(HTTPException)
    async def not_served(_: Request, error: HTTPException) -> Response:
        phrase = HTTPStatus(error.status_code).phrase
        issue = RequestError(error.status_code, _ISSUES.get(error.status_code, "processing"), f"{phrase}.")
        return _outcome(issue, error.headers)

    @pages.exception_handler(RequestValidationError)
    async def bad_query(_: Request, error: RequestValidationError) -> Response:
        names = ", ".join(sorted({str(fault["loc"][-1]) for fault in error.errors()}))
        return _outcome(RequestError(422, "value", f"Not a valid value of the query parameter: {names}."))

    pages.add_exception_handler(Exception, _on_fault)


def _outcome(error: RequestError, headers: Mapping[str, str] | None = None) -> Response:
    return Response(outcome(error), error.status, headers, media_type=_JSON)


async def _on_fault(_: Request, __: Exception) -> Response:
    return Response(unexpected(), 500, media_type=_JSON)
