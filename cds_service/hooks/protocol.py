"""Bytes to a hook request, or to the Bundle that /evaluate takes.

What is wrong with the request itself is a RequestError naming the field. What is wrong inside a resource is a note.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from msgspec import ValidationError

from cds_service.guideline.facts import Note
from cds_service.hooks.authorization import Grant, read_grant
from cds_service.hooks.envelope import read_envelope, tolerantly
from cds_service.hooks.members import NULL, is_null, members, text_of, too_deep
from cds_service.hooks.services import BY_HOOK, ORDER_HOOKS, Hook
from cds_service.mappings.datatypes import Failed
from cds_service.mappings.fhir import Bundle, Patient, Resource
from cds_service.mappings.prefetch_missing import resources
from cds_service.operations.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec import Raw

_PATIENT_USERS = frozenset({"Patient", "RelatedPerson"})
_UUID = re.compile(r"(?:urn:uuid:)?[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")


_BUNDLE = msgspec.json.Decoder(Bundle)


@dataclass(frozen=True, slots=True)
class HookRequest:
    """What a service reads of a request. `selections` is None at hooks that have none."""

    hook: Hook
    instance: str
    user_id: str
    patient_id: str
    draft_orders: Bundle | None
    selections: tuple[str, ...] | None
    prefetch: Mapping[str, Resource | Failed | None]
    notes: tuple[Note, ...]
    grant: Grant | None = None
    """Where the request may be completed."""

    @property
    def by_patient(self) -> bool:
        """Whether the user is the patient or a relative, to whom no clinician's card is shown."""
        return not _PATIENT_USERS.isdisjoint(self.user_id.split("/")[:-1])

    @property
    def has_patient(self) -> bool:
        """Whether a Patient was received, alone or in a Bundle."""
        return any(isinstance(resource, Patient) for resource in resources(self.prefetch.values()))


def read_hook(body: bytes, hook: Hook | None) -> HookRequest:
    """Read a CDS Hooks request, for one hook or (None) for any that a service answers.

    Raises:
        RequestError: 400, naming the field.
    """
    return _hook_request(_fields(body), hook)


def _hook_request(fields: Mapping[str, Raw], hook: Hook | None) -> HookRequest:
    notes: list[Note] = []
    envelope = read_envelope(fields, notes)
    named = _require_hook(envelope.hook, hook)
    instance = _require(envelope.hook_instance, "hookInstance")
    if _UUID.fullmatch(instance) is None:
        notes.append(Note("context.hookInstance", "hook-instance-not-uuid"))
    context = envelope.context
    if context is None:
        raise _missing("context")
    user = _require(context.user_id, "context.userId")
    patient = _patient_id(_require(context.patient_id, "context.patientId"), notes)
    if named in ORDER_HOOKS and context.draft_orders is None:
        raise _missing("context.draftOrders")
    return HookRequest(
        hook=named,
        instance=instance,
        user_id=user,
        patient_id=patient,
        draft_orders=context.draft_orders if named in ORDER_HOOKS else None,
        selections=tuple(context.selections or ()) if named == "order-select" else None,
        prefetch=envelope.prefetch or {},
        notes=tuple(notes),
        grant=read_grant(envelope.fhir_server, envelope.fhir_authorization, patient),
    )


def read_evaluation_body(body: bytes) -> HookRequest | tuple[Bundle, tuple[Note, ...]]:
    """Read what /evaluate takes: a hook request (told by its `hook` member), or a Bundle with the notes on it.

    Raises:
        RequestError: 400 malformed, 422 neither of the two.
    """
    fields = _fields(body)
    if not is_null(fields.get("hook", NULL)):
        return _hook_request(fields, None)
    if text_of(fields.get("resourceType", NULL)) != "Bundle":
        raise RequestError(422, "structure", "The body is neither a Bundle nor a CDS Hooks request.")
    try:
        return _BUNDLE.decode(body), ()
    except ValidationError:
        bundle, notes = tolerantly(body, "Bundle")
    except RecursionError:
        raise too_deep() from None
    if not isinstance(bundle, Bundle):
        raise RequestError(422, "structure", "The Bundle cannot be read: its entry is not a list.")
    return bundle, tuple(notes)


def _fields(body: bytes) -> dict[str, Raw]:
    fields = members(body)
    if fields is None:
        raise RequestError(400, "structure", "The body is not a JSON object.")
    return fields


def _require(text: str | None, path: str) -> str:
    if not text or text.isspace():
        raise _missing(path)
    return text


def _require_hook(found: str | None, expected: Hook | None) -> Hook:
    service = BY_HOOK.get(_require(found, "hook"))
    if service is None or expected not in {None, service.hook}:
        wanted = expected or ", ".join(BY_HOOK)
        raise RequestError(400, "value", f"The field hook does not name a hook answered here: {wanted}.")
    return service.hook


def _patient_id(text: str, notes: list[Note]) -> str:
    """The id itself, also of `Patient/x` or of an absolute URL that ends so."""
    if "/" not in text:
        return text
    identifier = text.rpartition("Patient/")[2]
    if not identifier or "/" in identifier:
        raise RequestError(400, "value", "The field context.patientId is not the id of a Patient.")
    notes.append(Note("context.patientId", "patient-id-normalised"))
    return identifier


def _missing(path: str) -> RequestError:
    return RequestError(400, "required", f"The field {path} is missing or empty.")
