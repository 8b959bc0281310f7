"""The envelope of a hook request: member by member, typed, and tolerantly, entry by entry, where that stumbles."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import Raw, Struct, ValidationError

from cds_service.guideline.facts import Note
from cds_service.hooks.members import NULL, Name, apart, by_name, is_null, members, members_by_name, text_of, too_deep
from cds_service.hooks.services import ORDER_HOOKS
from cds_service.mappings.fhir import Bundle, Resource, Slot
from cds_service.mappings.prefetch import path_of, require_few_keys
from cds_service.mappings.tolerant import read_resource
from cds_service.operations.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cds_service.mappings.datatypes import Failed


_T = TypeVar("_T")


class Context(Struct, gc=False, rename="camel"):
    """The members of `context` that are read."""

    user_id: str | None = None
    patient_id: str | None = None
    draft_orders: Bundle | None = None
    selections: list[str] | None = None


class Envelope(Struct, gc=False):
    """The members of a request that are read; each may be missing."""

    hook: str | None
    hook_instance: str | None
    context: Context | None
    fhir_server: Raw
    fhir_authorization: Raw
    prefetch: Mapping[str, Resource | Failed | None] | None


_CONTEXT = msgspec.json.Decoder(Context)
_PREFETCH = by_name(Slot)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_TEXTS = msgspec.json.Decoder(list[str])


def read_envelope(fields: Mapping[str, Raw], notes: list[Note]) -> Envelope:
    """The envelope of a body with these members; what was lost in a second pass is added to the notes.

    Raises:
        RequestError: 400.
        TooManyError: more prefetch keys, or resources of one, than a chart holds.
    """
    hook = _member(fields, "hook", "hook")
    return Envelope(
        hook=hook,
        hook_instance=_member(fields, "hookInstance", "hookInstance"),
        context=_context(fields.get("context", NULL), hook, notes),
        fhir_server=fields.get("fhirServer", NULL),
        fhir_authorization=fields.get("fhirAuthorization", NULL),
        prefetch=_prefetch(fields.get("prefetch", NULL), notes),
    )


def _context(raw: Raw, hook: str | None, notes: list[Note]) -> Context | None:
    if is_null(raw):
        return None
    fields = members(raw, "context")
    if fields is None:
        raise RequestError(400, "structure", "The field context is not an object.")
    try:
        return _CONTEXT.decode(raw)
    except ValidationError:
        pass
    except RecursionError:
        raise too_deep() from None
    return Context(
        user_id=_member(fields, "userId", "context.userId"),
        patient_id=_member(fields, "patientId", "context.patientId"),
        draft_orders=_draft_orders(fields.get("draftOrders", NULL), notes) if hook in ORDER_HOOKS else None,
        selections=_selections(fields.get("selections", NULL)),
    )


def _draft_orders(raw: Raw, notes: list[Note]) -> Bundle | None:
    if is_null(raw):
        return None
    try:
        fields = _OBJECT.decode(raw)
    except ValidationError:
        raise _no_bundle() from None
    fields.setdefault("resourceType", Raw(b'"Bundle"'))
    bundle, found = tolerantly(msgspec.json.encode(fields), "context.draftOrders")
    if not isinstance(bundle, Bundle):
        raise _no_bundle()
    notes += found
    return bundle


def _prefetch(raw: Raw, notes: list[Note]) -> Mapping[str, Resource | Failed | None] | None:
    if is_null(raw):
        return None
    try:
        return _lists(_PREFETCH.decode(raw), notes)
    except ValidationError:
        pass
    except RecursionError:
        raise too_deep() from None
    found = members_by_name(raw)
    if found is None:
        notes.append(Note("prefetch", "prefetch-failed"))
        return None
    prefetch: dict[str, Resource | Failed | None] = {}
    for key, value in _lists(found, notes).items():
        prefetch[key], lost = tolerantly(value, path_of(key))
        notes += lost
    return prefetch


def _lists(found: Mapping[Name, _T], notes: list[Note]) -> Mapping[str, _T]:
    """All that was sent: of a key that occurs twice both values are read, so that neither is lost.

    Raises:
        TooManyError: there are more than any EHR sends.
    """
    require_few_keys(found)
    lists = apart(found)
    own = {name.text for name in found}
    if len(own) < len(lists):
        notes += [Note(path_of(key), "duplicate") for key in lists if key not in own]
    return lists


def tolerantly(raw: bytes | Raw, path: str) -> tuple[Resource | Failed | None, list[Note]]:
    """One resource, read as far as it goes, and the notes on it.

    Raises:
        RequestError: 400, nested too deeply.
    """
    try:
        return read_resource(raw, path)
    except RecursionError:
        raise too_deep() from None


def _selections(raw: Raw) -> list[str] | None:
    """Unreadable selections select nothing, so that all orders are judged."""
    try:
        return None if is_null(raw) else _TEXTS.decode(raw)
    except ValidationError:
        return None


def _member(fields: Mapping[str, Raw], name: str, path: str) -> str | None:
    raw = fields.get(name, NULL)
    if is_null(raw):
        return None
    text = text_of(raw)
    if text is None:
        raise RequestError(400, "structure", f"The field {path} is not a string.")
    return text


def _no_bundle() -> RequestError:
    return RequestError(400, "structure", "The field context.draftOrders is not a Bundle.")
