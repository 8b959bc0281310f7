"""Each kind of answer, and what is to be said of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cds_service.simulate.action_checks import action_remarks
from cds_service.simulate.address import HOOKS
from cds_service.simulate.card_checks import card_remarks, objects, uuids
from cds_service.simulate.discovery_checks import discovery_remarks
from cds_service.simulate.findings import Seen
from cds_service.simulate.http_checks import body_of, error_remarks, is_success, is_told
from cds_service.simulate.schema_checks import violations

if TYPE_CHECKING:
    from collections.abc import Collection

    from cds_service.simulate.client import Answer
    from cds_service.simulate.vendor import Json

_OK, _NO_CONTENT, _NOT_FOUND, _NOT_ALLOWED, _PRECONDITION = 200, 204, 404, 405, 412
_REFUSALS = range(400, 500)
_ANSWERED = frozenset({200, 401, 403})
_ID = re.compile(r"(?!\.+$)[A-Za-z0-9\-._~]+")


@dataclass(slots=True)
class Outcome:
    """What was seen in an answer, and what of it is of use later."""

    seen: list[Seen] = field(default_factory=list)
    cards: list[Json] | None = None
    services: list[Json] | None = None
    is_offered: bool = True
    excused: frozenset[str] = frozenset()
    """Checks of every answer that do not matter here."""


def discovery(answer: Answer, *, is_optional: bool) -> Outcome:
    """The list of services."""
    outcome = Outcome()
    if answer.status == _NOT_FOUND and is_optional:
        outcome.is_offered = False
    elif answer.status != _OK:
        outcome.seen += _unless_told(answer, "no-discovery")
    elif (document := body_of(answer, outcome.seen, "D2")) is not None:
        outcome.seen += [*violations(document, "DiscoveryResponse"), *discovery_remarks(document)]
        outcome.services = [service for _, service in objects(document, "services") if _is_callable(service)]
        if not any(service["hook"] in HOOKS for service in outcome.services):
            outcome.seen.append(Seen("nothing-to-play", ("services",), slots={"hooks": ", ".join(HOOKS)}))
    return outcome


def _is_callable(service: Json) -> bool:
    hook, name = service.get("hook"), service.get("id")
    return isinstance(hook, str) and isinstance(name, str) and _ID.fullmatch(name) is not None


def discovery_with_slash(answer: Answer) -> Outcome:
    """The list of services, asked for with a slash at the end."""
    seen = [] if answer.status in _ANSWERED else [Seen("slash", slots={"status": answer.status})]
    return Outcome(seen, excused=frozenset({"redirect"}))


def hook(answer: Answer, request: Json, stood: Collection[str], *, may_lack_data: bool = False) -> Outcome:
    """The cards. `stood` are the uuids of earlier answers; a request without data may be answered with 412."""
    outcome = Outcome()
    if answer.status != _OK:
        refusal = _refusal(answer)
        outcome.seen += [seen for seen in refusal if not (may_lack_data and seen.check == "precondition")]
        return outcome
    document = body_of(answer, outcome.seen)
    if document is not None:
        outcome.seen += [*violations(document, "Response"), *card_remarks(document), *action_remarks(document, request)]
        outcome.seen += [Seen("uuid-again", place) for place, uuid in uuids(document) if uuid in stood]
        outcome.cards = [card for _, card in objects(document, "cards")]
    return outcome


def _refusal(answer: Answer) -> list[Seen]:
    if answer.status == _PRECONDITION:
        return [Seen("precondition"), *error_remarks(answer, "no-outcome")]
    own = {_NO_CONTENT: "no-content", _NOT_FOUND: "no-such-service", _NOT_ALLOWED: "not-posted-to"}
    return _unless_told(answer, own.get(answer.status, "status" if is_success(answer) else "refused"))


def feedback(answer: Answer) -> Outcome:
    """The reply to feedback: any success, with JSON or without a body; 404 where there is no such route."""
    outcome = Outcome(is_offered=answer.status != _NOT_FOUND)
    if is_success(answer):
        if answer.body.strip():
            body_of(answer, outcome.seen)
            outcome.seen = [seen for seen in outcome.seen if seen.check != "not-an-object"]
    elif outcome.is_offered:
        outcome.seen += _unless_told(answer, "feedback-refused")
    return outcome


def mistake(answer: Answer, rule: str) -> Outcome:
    """The reply to a request that breaks a rule: 4xx with an OperationOutcome."""
    if answer.status in _REFUSALS:
        return Outcome([] if is_told(answer) else list(error_remarks(answer, "no-outcome")))
    seen = Seen("mistake-accepted", rule=rule, slots={"status": answer.status})
    return Outcome([seen], excused=frozenset({"server-error", "redirect"}))


def unknown_service(answer: Answer) -> Outcome:
    """The reply to a hook request for a service that there is not."""
    if answer.status == _NOT_FOUND:
        return Outcome(list(error_remarks(answer, "no-outcome-here")))
    return Outcome(_unless_told(answer, "unknown-service"))


def get_on_service(answer: Answer) -> Outcome:
    """The reply to GET on a service, which is to be posted to."""
    if answer.status != _NOT_ALLOWED:
        return Outcome(_unless_told(answer, "get-on-service"))
    remarks = list(error_remarks(answer, "no-outcome-here"))
    return Outcome(remarks if "allow" in answer.headers else [Seen("no-allow"), *remarks])


def _unless_told(answer: Answer, check: str) -> list[Seen]:
    return [] if is_told(answer) else [Seen(check, slots={"status": answer.status})]
