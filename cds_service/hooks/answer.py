"""From the bytes of a request to the members of an answer: read, evaluate, decide whether to speak, draw the cards."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from cds_service.guideline.evaluation import evaluate
from cds_service.guideline.facts import Note
from cds_service.hooks import policy
from cds_service.hooks.cards import CardStyle, build_cards
from cds_service.hooks.fetching import completed, why_not_fetched
from cds_service.hooks.language import Language, choose
from cds_service.hooks.protocol import HookRequest, read_evaluation_body, read_hook
from cds_service.hooks.report import report, sections
from cds_service.hooks.services import BY_HOOK, ORDER_HOOKS, Hook
from cds_service.hooks.wording import wording
from cds_service.mappings.datatypes import TooManyError
from cds_service.mappings.patient import ForeignPatientError, TwoPatientsError
from cds_service.mappings.record import facts_from_bundle, facts_from_hook
from cds_service.mappings.site_map import NO_MAP, SiteMap
from cds_service.operations.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from cds_service.fhir_access.access import FhirAccess
    from cds_service.guideline.results import Evaluation
    from cds_service.hooks.services import Service
    from cds_service.mappings.fhir import Bundle

OSLO = ZoneInfo("Europe/Oslo")
_YEARS = range(1900, 2200)
_TO_JSON = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class HookSettings:
    """What an installation decides about its cards."""

    language: Language | None
    topics: frozenset[str]
    quiet_when_ready: bool
    style: CardStyle
    today: date | None
    """Fixed in the development profile only."""
    whole_body_mri: bool = True
    """Whether whole-body MRI can be had here (IMG-08)."""
    site: SiteMap = NO_MAP
    """What the local codes of this site mean."""


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """The CDS Hooks response as JSON, and what of it may be logged."""

    body: bytes
    instance: str
    """The request's `hookInstance`."""
    cards: int = 0
    fetch_ms: float | None = None
    """How long the FHIR server was waited for; None where it was not asked."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers requests. The clock gives zoned moments; `new_uuid` gives version 4 uuids."""

    settings: HookSettings
    clock: Callable[[], datetime]
    new_uuid: Callable[[], str]
    access: FhirAccess

    async def to_hook(self, service: Service, body: bytes, accept_language: str | None) -> HookAnswer:
        """The CDS Hooks response of a service; what prefetch left out is fetched first.

        Raises:
            RequestError: 400, 403, 412 or 413.
        """
        with _no_more_than_a_chart():
            request = read_hook(body, service.hook)
        if request.grant is not None and self.access.is_anothers(request.grant.server):
            raise RequestError(403, "forbidden", "The fhirServer is one of another caller.")
        language = choose(self.settings.language, accept_language)
        evaluation = self._evaluate_request(request, None)
        waited = None
        if request.grant is not None and _may_depend_on_more(evaluation, request):
            queries = service.prefetch(self.settings.style.canonical_base)
            started = monotonic()
            more = await completed(request, queries, self.access)
            if more is not request:
                waited = (monotonic() - started) * 1000
                request, evaluation = self._completed(request, more)
        if _silence(evaluation, request) is not None:
            return HookAnswer(_NO_CARDS, request.instance, fetch_ms=waited)
        cards = self._cards(evaluation, request.hook, language)
        return HookAnswer(encoded({"cards": cards}), request.instance, len(cards), waited)

    def _completed(self, request: HookRequest, more: HookRequest) -> tuple[HookRequest, Evaluation]:
        """The request with what was fetched, and its evaluation; without it where that is more than a chart holds."""
        try:
            return more, self._evaluate_request(more, None)
        except RequestError as error:
            if error.status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                raise
        alone = replace(request, notes=(*request.notes, Note("fhirServer", "not-fetched")))
        return alone, self._evaluate_request(alone, None)

    def to_evaluation(
        self, body: bytes, *, hook: Hook = "patient-view", today: date | None = None, language: Language | None = None
    ) -> dict[str, object]:
        """The Evaluation of a Bundle or of a whole hook request, with the cards that the hook would get.

        Raises:
            RequestError: 400, 412, 413 or 422.
        """
        with _no_more_than_a_chart():
            request = read_evaluation_body(body)
        if isinstance(request, HookRequest):
            hook = request.hook
            evaluation = self._evaluate_request(request, today)
            silence = _silence(evaluation, request)
        else:
            evaluation = self._evaluate_bundle(*request, today)
            silence = policy.silence(evaluation, hook, by_patient=False)
        return self._told(evaluation, hook, silence, language or choose(self.settings.language, None))

    def _told(
        self, evaluation: Evaluation, hook: Hook, silence: policy.SilenceWord | None, language: Language
    ) -> dict[str, object]:
        members = report(evaluation, wording(language).note)
        cards = [] if silence else self._cards(evaluation, hook, language)
        word = silence or (None if cards else policy.nothing_to_say(evaluation, hook))
        return {**members, **({"silence": word} if word else {}), "cards": cards}

    def _cards(self, evaluation: Evaluation, hook: Hook, language: Language) -> list[dict[str, object]]:
        settings = self.settings
        scope = policy.scope(evaluation, hook, settings.topics, quiet_when_ready=settings.quiet_when_ready)
        return build_cards(evaluation, scope, wording(language), settings.style, self.new_uuid, sections(evaluation))

    def _evaluate_request(self, request: HookRequest, today: date | None) -> Evaluation:
        day, moment = self._now(today)
        try:
            with _no_more_than_a_chart():
                facts = facts_from_hook(
                    request.prefetch,
                    request.draft_orders,
                    request.notes,
                    patient_id=request.patient_id,
                    selections=request.selections,
                    today=day,
                    templates=BY_HOOK[request.hook].prefetched_types,
                    site=self.settings.site,
                )
        except ForeignPatientError:
            raise RequestError(412, "conflict", "The Patient received is not that of context.patientId.") from None
        return evaluate(facts, day, moment=moment, whole_body_mri=self.settings.whole_body_mri)

    def _evaluate_bundle(self, bundle: Bundle, notes: tuple[Note, ...], today: date | None) -> Evaluation:
        day, moment = self._now(today)
        try:
            with _no_more_than_a_chart():
                facts = facts_from_bundle(bundle, notes, today=day, site=self.settings.site)
        except TwoPatientsError:
            raise RequestError(422, "multiple-matches", "The Bundle holds more than one Patient.") from None
        return evaluate(facts, day, moment=moment, whole_body_mri=self.settings.whole_body_mri)

    def _now(self, today: date | None) -> tuple[date, datetime | None]:
        """The day in Oslo, and the moment, where no day was given to stand in for now."""
        fixed = today or self.settings.today
        if fixed is not None:
            return fixed, None
        moment = self.clock().astimezone(OSLO)
        return moment.date(), moment


def read_day(text: str) -> date:
    """A calendar date written YYYY-MM-DD.

    Raises:
        RequestError: 422.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if day.year not in _YEARS or day.isoformat() != text:
        raise RequestError(422, "value", "Not a valid value of the query parameter: today.")
    return day


def encoded(members: object) -> bytes:
    """JSON; decimals print as they stand."""
    return _TO_JSON.encode(members)


@contextmanager
def _no_more_than_a_chart() -> Iterator[None]:
    """Refuse what holds more than a chart, whether that is seen while it is read or while it is evaluated."""
    try:
        yield
    except TooManyError as error:
        raise RequestError(413, "too-costly", str(error)) from None


def _may_depend_on_more(evaluation: Evaluation, request: HookRequest) -> bool:
    """Whether what could be fetched may lead to a card: not for patients, nor where nothing of ours is ordered."""
    if request.by_patient:
        return False
    return request.hook not in ORDER_HOOKS or policy.has_order_of_ours(evaluation)


def _silence(evaluation: Evaluation, request: HookRequest) -> policy.SilenceWord | None:
    silence = policy.silence(evaluation, request.hook, by_patient=request.by_patient)
    if request.hook == "patient-view" and silence != "patient-user":
        policy.require_record(evaluation, patient_received=request.has_patient, why=why_not_fetched(request))
    return silence


_NO_CARDS = encoded({"cards": []})
