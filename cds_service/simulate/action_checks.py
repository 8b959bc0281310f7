"""The actions of an answer beyond their schema: held against the request that they answer, and what vendors take."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cds_service.simulate.card_checks import objects
from cds_service.simulate.findings import Place, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cds_service.simulate.vendor import Json

_ORDERS = ("MedicationRequest", "ServiceRequest", "NutritionOrder", "DeviceRequest")
_INTENTS = ("proposal", "plan", "order", "original-order", "instance-order")
_PATIENT = re.compile(r"(?:.*/)?Patient/([^/|]+)(?:/_history/.*)?")


def action_remarks(document: Json, request: Mapping[str, Json]) -> Iterator[Seen]:
    """What is to be said of suggestions and actions; `request` is the hook request that the answer is to."""
    for place, card in objects(document, "cards"):
        for where, suggestion in objects(card, "suggestions", place):
            if not suggestion.get("uuid"):
                yield Seen("suggestion-without-uuid", where)
            actions = list(objects(suggestion, "actions", where))
            if len(actions) > 1:
                yield Seen("several-actions", (*where, "actions"), slots={"count": len(actions)})
            for way, action in actions:
                yield from _action(way, action, request)
    if document.get("systemActions"):
        yield Seen("system-actions", ("systemActions",))
    for place, action in objects(document, "systemActions"):
        yield from _action(place, action, request)


def _action(place: Place, action: Json, request: Mapping[str, Json]) -> Iterator[Seen]:
    resource, kind = action.get("resource"), action.get("type")
    drafts = _drafts(request)
    if kind == "delete":
        if isinstance(resource, str):
            yield Seen("deprecated-delete", (*place, "resource"))
        if drafts is not None and isinstance(action.get("resourceId"), str) and action["resourceId"] not in drafts:
            yield Seen("delete-not-a-draft", (*place, "resourceId"))
    if not isinstance(resource, dict):
        return
    where = (*place, "resource")
    if kind == "update" and drafts is not None and resource.get("id"):
        if (draft := drafts.get(_name(resource))) is None:
            yield Seen("not-a-draft", (*where, "id"))
        elif lacking := sorted(set(draft) - set(resource)):
            yield Seen("update-in-part", where, slots={"names": ", ".join(lacking)})
    if kind == "create":
        yield from _order(where, resource)
    yield from _subject(where, resource, request["context"]["patientId"])


def _drafts(request: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """The draft orders of a request by Type/id; None at a hook without any."""
    orders = request["context"].get("draftOrders")
    return None if orders is None else {_name(entry["resource"]): entry["resource"] for entry in orders["entry"]}


def _name(resource: Json) -> str:
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def _order(place: Place, resource: Json) -> Iterator[Seen]:
    kind = resource.get("resourceType")
    if kind not in _ORDERS:
        return
    if resource.get("status") != "draft" or resource.get("intent") not in _INTENTS:
        yield Seen("order-not-draft", place)
    if kind == "MedicationRequest" and "medicationCodeableConcept" in resource:
        concept = resource["medicationCodeableConcept"]
        coding = next(objects(concept, "coding"), ((), {}))[1] if isinstance(concept, dict) else {}
        if not coding.get("code") or not concept.get("text"):
            yield Seen("order-without-text", (*place, "medicationCodeableConcept"))


def _subject(place: Place, resource: Json, patient: str) -> Iterator[Seen]:
    for name in ("subject", "patient", "for"):
        reference = resource.get(name)
        text = reference.get("reference") if isinstance(reference, dict) else None
        told = _PATIENT.fullmatch(text) if isinstance(text, str) else None
        if told is not None and told[1] != patient:
            yield Seen("other-patient", (*place, name))
