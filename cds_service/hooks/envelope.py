"""The envelope of a hook request: one typed pass, and a tolerant one, entry by entry, where that stumbles."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import DecodeError, Raw, Struct, ValidationError

from cds_service.guideline.facts import Note
from cds_service.hooks.services import ORDER_HOOKS
from cds_service.mappings.datatypes import Failed
from cds_service.mappings.fhir import Bundle, Resource, Slot
from cds_service.mappings.prefetch import path_of
from cds_service.mappings.tolerant import read_resource
from cds_service.operations.errors import RequestError

_T = TypeVar("_T")
NULL = Raw(b"null")


class Context(Struct, gc=False, rename="camel"):
    """The members of `context` that are read."""

    user_id: str | None = None
    patient_id: str | None = None
    draft_orders: Bundle | None = None
    selections: list[str] | None = None


class Envelope(Struct, gc=False, rename="camel"):
    """The members of a request that are read; each may be missing."""

    hook: str | None = None
    hook_instance: str | None = None
    context: Context | None = None
    fhir_server: Raw = NULL
    fhir_authorization: Raw = NULL
    prefetch: dict[str, Slot] | None = None


_ENVELOPE = msgspec.json.Decoder(Envelope)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_TEXT = msgspec.json.Decoder(str)
_TEXTS = msgspec.json.Decoder(list[str])


def read_envelope(body: bytes, notes: list[Note]) -> Envelope:
    """The envelope; what was lost in the second pass is added to the notes.

    Raises:
        RequestError: 400.
    """
    try:
        return _ENVELOPE.decode(body)
    except ValidationError:
        return _tolerant(decoded(_OBJECT, body), notes)
    except DecodeError:
        raise _malformed() from None
    except RecursionError:
        raise _too_deep() from None


def _tolerant(fields: dict[str, Raw], notes: list[Note]) -> Envelope:
    """The second pass: the envelope must be sound, resources may lose what cannot be read."""
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
    try:
        fields = _OBJECT.decode(raw)
    except ValidationError:
        raise RequestError(400, "structure", "The field context is not an object.") from None
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


def _prefetch(raw: Raw, notes: list[Note]) -> dict[str, Slot] | None:
    if is_null(raw):
        return None
    try:
        values = _OBJECT.decode(raw)
    except ValidationError:
        notes.append(Note("prefetch", "prefetch-failed"))
        return None
    prefetch: dict[str, Slot] = {}
    for key, value in values.items():
        prefetch[key], found = tolerantly(value, path_of(key))
        notes += found
    return prefetch


def tolerantly(raw: bytes | Raw, path: str) -> tuple[Resource | Failed | None, list[Note]]:
    """One resource, read as far as it goes, and the notes on it.

    Raises:
        RequestError: 400, nested too deeply.
    """
    try:
        return read_resource(raw, path)
    except RecursionError:
        raise _too_deep() from None


def _selections(raw: Raw) -> list[str] | None:
    """Unreadable selections select nothing, so that all orders are judged."""
    try:
        return None if is_null(raw) else _TEXTS.decode(raw)
    except ValidationError:
        return None


def _member(fields: dict[str, Raw], name: str, path: str) -> str | None:
    raw = fields.get(name, NULL)
    if is_null(raw):
        return None
    text = text_of(raw)
    if text is None:
        raise RequestError(400, "structure", f"The field {path} is not a string.")
    return text


def text_of(raw: Raw) -> str | None:
    """A JSON string, None of anything else."""
    try:
        return _TEXT.decode(raw)
    except ValidationError:
        return None


def is_null(raw: Raw) -> bool:
    """Whether it is a JSON null, or stands for a missing member."""
    return bytes(raw) == b"null"


def require_utf8(body: bytes) -> None:
    """Refuse what is not UTF-8: the decoder checks only the text that it reads.

    Raises:
        RequestError: 400.
    """
    if body.isascii():
        return
    try:
        body.decode()
    except UnicodeDecodeError:
        raise RequestError(400, "structure", "The body is not UTF-8.") from None


def decoded(decoder: msgspec.json.Decoder[_T], body: bytes) -> _T:
    """A body that must be a JSON object.

    Raises:
        RequestError: 400.
    """
    try:
        return decoder.decode(body)
    except ValidationError:
        raise RequestError(400, "structure", "The body is not a JSON object.") from None
    except DecodeError:
        raise _malformed() from None
    except RecursionError:
        raise _too_deep() from None


def _no_bundle() -> RequestError:
    return RequestError(400, "structure", "The field context.draftOrders is not a Bundle.")


def _malformed() -> RequestError:
    return RequestError(400, "structure", "The body is not well-formed JSON.")


def _too_deep() -> RequestError:
    return RequestError(400, "too-long", "The body is nested too deeply.")
