"""A visit of a vendor's EHR: what it asks of a service, in its order."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from cds_service.simulate import answers
from cds_service.simulate.address import HOOKS, ROOT, UsageError, read_address, read_services
from cds_service.simulate.bodies import Bodies
from cds_service.simulate.card_checks import uuids
from cds_service.simulate.client import Client, Limits
from cds_service.simulate.report import Report
from cds_service.simulate.vendor import Json, Play, Profile, Vendor, profile, table
from cds_service.simulate.visit import Request, Visit, VisitOverError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_TOKEN = re.compile(r"[\x21-\x7e]+")
_SHORTEST_TOKEN = 16
"""Characters: a shorter one may stand in an answer by chance."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the service is to be called."""

    services: tuple[str, ...] = ()
    """Lines HOOK=PATH, where the vendor reads no list of services."""
    bearer: str | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Service:
    """A service that is played, and the cards that it gave."""

    hook: str
    path: str
    templates: Mapping[str, object] | None
    """None: it is called under the site's own prefetch keys."""
    cards: list[Json] = field(default_factory=list)


def play(vendor: Vendor, url: str, now: datetime, options: Options) -> Report:
    """Play a vendor's EHR against the CDS Hooks service at a URL.

    Raises:
        UsageError: what was asked for makes no sense.
        UnreachableError: nothing answers.
    """
    played, bearer, limits = profile(vendor), options.bearer, options.limits
    address, told = read_address(url), read_services(options.services)
    if told and played.discovery == "required":
        raise UsageError(f"--service is not for {vendor}, which reads the list of services at /cds-services.")
    if bearer is not None and not _TOKEN.fullmatch(bearer):
        raise UsageError("--bearer must be a token, without spaces.")
    client = Client(address, bearer, limits)
    bodies = Bodies(played, now)
    private = bodies.private
    if bearer is not None and len(bearer) >= _SHORTEST_TOKEN:
        private = replace(private, tokens=(*private.tokens, bearer))
    visit = Visit(played, address, client, limits, private)
    try:
        _Simulation(played, visit, bodies, told).run()
        visit.require_an_answer()
    except VisitOverError:
        pass
    finally:
        client.close()
    return Report(vendor, address.base, tuple(visit.steps))


class _Simulation:
    def __init__(self, vendor: Profile, visit: Visit, bodies: Bodies, told: Mapping[str, str]) -> None:
        self._vendor = vendor
        self._visit = visit
        self._bodies = bodies
        self._told = told
        self._stood: set[str] = set()

    def run(self) -> None:
        """Discovery, hooks, feedback, mistakes."""
        services = self._services()
        for service in services:
            self._visit.preflight(service.path, "POST")
        for play in self._vendor.plays:
            for service in services:
                if service.hook == play.hook:
                    self._fire(play, service)
        for service in services:
            self._give_feedback(service)
        if services:
            self._make_mistakes(services)

    def _services(self) -> list[Service]:
        told = self._told
        if not told and self._vendor.discovery != "none":
            listed = self._discover()
            if listed is not None or self._vendor.discovery == "required":
                return listed or []
        return [Service(hook, path, None) for hook, path in (told or self._vendor.services).items()]

    def _discover(self) -> list[Service] | None:
        is_optional = self._vendor.discovery == "optional"
        visit = self._visit
        visit.preflight(ROOT, "GET")
        outcome = visit.ask(
            Request("discovery", "GET", ROOT), lambda answer: answers.discovery(answer, is_optional=is_optional)
        )
        if outcome is None or outcome.services is None:
            return None
        if self._vendor.origin is not None:
            visit.ask(Request("discovery, with a slash", "GET", f"{ROOT}/"), answers.discovery_with_slash)
        listed = {f"{ROOT}/{service['id']}": service for service in outcome.services if service["hook"] in HOOKS}
        return [Service(one["hook"], path, _templates(one)) for path, one in listed.items()]

    def _fire(self, play: Play, service: Service) -> None:
        request = self._bodies.hook_request(play, service.templates)
        outcome = self._visit.ask(
            Request(play.step, "POST", service.path, _json(request)),
            lambda answer: answers.hook(answer, request, self._stood, may_lack_data=not play.prefetch),
        )
        if outcome is not None and outcome.cards:
            self._stood |= {uuid for _, uuid in uuids({"cards": outcome.cards})}
            service.cards.extend(outcome.cards)

    def _give_feedback(self, service: Service) -> None:
        path = f"{service.path}/feedback"
        for number, body in enumerate(self._bodies.feedback(service.cards)):
            outcome = self._visit.ask(Request("feedback", "POST", path, _json(body)), answers.feedback)
            if outcome is not None and not outcome.is_offered:
                return
            if number == 0:
                self._visit.preflight(path, "POST")

    def _make_mistakes(self, services: Sequence[Service]) -> None:
        """Those of mistakes.toml, once each; then what cannot be called is called."""
        for one in table("mistakes")["mistake"]:
            service = next((each for each in services if each.hook == one.get("hook", each.hook)), None)
            if service is not None:
                body = one["body"].encode() if "body" in one else self._without(service, one["drop"])
                self._visit.ask(
                    Request(one["step"], "POST", service.path, body), partial(answers.mistake, rule=one["rule"])
                )
        service = services[0]
        nowhere = f"{service.path.rpartition('/')[0]}/no-such-service"
        self._visit.ask(Request("unknown service", "POST", nowhere, self._without(service)), answers.unknown_service)
        self._visit.ask(Request("GET on a service", "GET", service.path), answers.get_on_service)

    def _without(self, service: Service, way: Sequence[str] = ()) -> bytes:
        """A sound request but for the member that the way leads to."""
        play = next(play for play in reversed(self._vendor.plays) if play.hook == service.hook and play.prefetch)
        part = request = self._bodies.hook_request(play, service.templates)
        for name in way[:-1]:
            part = part[name]
        for name in way[-1:]:
            del part[name]
        return _json(request)


def _templates(service: Json) -> Mapping[str, object]:
    templates = service.get("prefetch")
    return templates if isinstance(templates, dict) else {}


def _json(body: Json) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
