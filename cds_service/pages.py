"""Everything but the hooks, by FastAPI: operations, /evaluate, the form, the landing page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from cds_service.guideline.provenance import guideline_edition, rules_digest, rules_version
from cds_service.hooks.answer import encoded, read_day
from cds_service.hooks.landing import HEADERS, landing_page
from cds_service.hooks.language import Language
from cds_service.hooks.openapi import openapi
from cds_service.hooks.services import Hook
from cds_service.hooks.transport import outcome, unexpected
from cds_service.mappings.outgoing import questionnaire
from cds_service.operations.access_log import line_of
from cds_service.operations.errors import RequestError

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from cds_service.hooks.door import Door
    from cds_service.settings import Settings

SAMPLES = Path(__file__).parent.parent / "fhir_samples"
PAGES = frozenset(
    {"/", "/evaluate", "/fhir/Questionnaire/cno-assessment", "/livez", "/openapi.json", "/readyz", "/version"}
)
"""The addresses that are answered here."""
_JSON = "application/json"
_ISSUES = {404: "not-found", 405: "not-supported"}


def make_pages(
    settings: Settings, door: Door, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]
) -> FastAPI:
    """The application that answers what is below no service."""
    pages = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    _operations(pages)
    _evaluation(pages, door)
    form = encoded(questionnaire(settings.canonical_base))
    _get(pages, "/fhir/Questionnaire/cno-assessment", lambda: Response(form, media_type="application/fhir+json"))
    address = settings.base_url or "http://127.0.0.1:8000"
    if settings.in_development:
        described = openapi(address, settings.canonical_base, SAMPLES)
        _get(pages, "/openapi.json", lambda: Response(described, media_type=_JSON))
    page = landing_page(SAMPLES, address)
    _get(pages, "/", lambda: HTMLResponse(page, headers=HEADERS))
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


def _evaluation(pages: FastAPI, door: Door) -> None:
    @pages.post("/evaluate")
    async def evaluate(
        request: Request,
        hook: Hook = "patient-view",
        today: Annotated[str | None, Query()] = None,
        lang: Language | None = None,
    ) -> Response:
        day = None if today is None else read_day(today)
        async with door.visit(request.scope, request.receive, ("/evaluate",)) as (client, body):
            members = client.answers.to_evaluation(body, hook=hook, today=day, language=lang)
            return Response(encoded(members), media_type=_JSON)


def _failures(pages: FastAPI) -> None:
    """Every failure is an OperationOutcome, whatever raised it."""

    @pages.exception_handler(RequestError)
    async def refused(request: Request, error: RequestError) -> Response:
        return _outcome(request, error, error.headers)

    @pages.exception_handler(HTTPException)
    async def not_served(request: Request, error: HTTPException) -> Response:
        phrase = HTTPStatus(error.status_code).phrase
        issue = RequestError(error.status_code, _ISSUES.get(error.status_code, "processing"), f"{phrase}.")
        return _outcome(request, issue, error.headers)

    @pages.exception_handler(RequestValidationError)
    async def bad_query(request: Request, error: RequestValidationError) -> Response:
        names = ", ".join(sorted({str(fault["loc"][-1]) for fault in error.errors()}))
        return _outcome(request, RequestError(422, "value", f"Not a valid value of the query parameter: {names}."))

    pages.add_exception_handler(Exception, on_fault)


def _outcome(request: Request, error: RequestError, headers: Mapping[str, str] | None = None) -> Response:
    line_of(request.scope).code = error.code
    return Response(outcome(error), error.status, headers, media_type=_JSON)


async def on_fault(_: Request, __: Exception) -> Response:
    """The answer to a request that a fault of ours kept from being answered."""
    return Response(unexpected(), 500, media_type=_JSON)
