"""The bodies that an EHR sends: hook requests in the vendor's dialect, feedback on cards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from cds_service.simulate.card_checks import objects
from cds_service.simulate.chart import Chart, UnknownSlotError, fill
from cds_service.simulate.http_checks import Private

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cds_service.simulate.vendor import Json, Play, Profile


class Bodies:
    """What one vendor's EHR sends about the simulated child on a day."""

    def __init__(self, vendor: Profile, now: datetime) -> None:
        self._vendor = vendor
        self._now = now.astimezone(UTC)
        self._chart = Chart(vendor, self._now.date())

    @property
    def private(self) -> Private:
        """What of the requests must not come back."""
        vendor = self._vendor
        token = (vendor.authorization or {}).get("access_token")
        ids = [vendor.patient, *([vendor.encounter] if vendor.encounter else [])]
        return Private((token,) if isinstance(token, str) else (), (*ids, *self._chart.names))

    def hook_request(self, play: Play, templates: Mapping[str, object] | None) -> Json:
        """A hook request. Prefetch is made by the service's templates, or under the site's keys if none are known."""
        vendor = self._vendor
        context = self._context(play)
        request: Json = {"hookInstance": str(uuid4()), "hook": play.hook, "fhirServer": vendor.fhir_server}
        if vendor.authorization is not None:
            request["fhirAuthorization"] = dict(vendor.authorization)
        request["context"] = context
        if play.prefetch:
            by_keys = templates is None
            chart = self._chart
            prefetch = chart.by_keys(vendor.keys) if by_keys else chart.by_templates(templates or {}, context)
            request |= {"prefetch": prefetch} if prefetch else {}
        if vendor.extension:
            request["extension"] = {**vendor.extension, **play.extension}
        return request

    def _context(self, play: Play) -> Json:
        vendor = self._vendor
        context: Json = {"patientId": vendor.patient, "userId": vendor.user}
        if vendor.encounter is not None:
            context["encounterId"] = vendor.encounter
        if play.orders is None:
            return context
        orders: list[Json] = fill(vendor.orders[play.orders], self._chart.slots, self._now.date())
        bundle: Json = {"resourceType": "Bundle"}
        if vendor.draft_bundle_type is not None:
            bundle["type"] = vendor.draft_bundle_type
        if play.hook == "order-select":
            chosen = orders[0]
            context["selections"] = [f"{chosen['resourceType']}/{chosen['id']}"]
        context["draftOrders"] = {**bundle, "entry": [{"resource": order} for order in orders]}
        return context

    def feedback(self, cards: Sequence[Json]) -> Iterator[Json]:
        """What the EHR reports of these cards: nothing without a uuid, and only what they make possible."""
        slots = _feedback_slots(cards)
        if slots is None:
            return
        slots["now"] = self._now.strftime("%Y-%m-%dT%H:%M:%SZ")
        for items in self._vendor.feedback:
            told = [one for item in items if (one := self._item(item, slots)) is not None]
            if told:
                yield {"feedback": told}

    def _item(self, item: Json, slots: Mapping[str, str]) -> Json | None:
        try:
            filled: Json = fill(item, slots, self._now.date())
        except UnknownSlotError:
            return None
        return filled


def _feedback_slots(cards: Sequence[Json]) -> dict[str, str] | None:
    """The ids and codes of the first card with a uuid; one with a suggestion goes before."""
    known = [slots for card in cards if (slots := _slots(card))]
    return max(known, key=len, default=None)


def _slots(card: Json) -> dict[str, str]:
    if not isinstance(card.get("uuid"), str):
        return {}
    _, suggestion = next(objects(card, "suggestions"), ((), {}))
    _, reason = next(objects(card, "overrideReasons"), ((), {}))
    told = {
        "card": card["uuid"],
        "suggestion": suggestion.get("uuid"),
        "reasonCode": reason.get("code"),
        "reasonSystem": reason.get("system"),
    }
    return {name: value for name, value in told.items() if isinstance(value, str)}
