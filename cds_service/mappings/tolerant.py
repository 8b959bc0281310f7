"""The second pass: what stumbled in the typed one is read entry by entry, field by field, with a note for each loss."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, ValidationError

from cds_service.guideline.facts import Note
from cds_service.mappings.datatypes import NO_VALUE, Failed, Link, Search, TooManyError
from cds_service.mappings.entries import MOST_ENTRIES
from cds_service.mappings.fhir import OLDER_TYPES, R4_TYPES, Bundle, Entry, Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_RESOURCE = msgspec.json.Decoder(Resource)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_TEXT = msgspec.json.Decoder(str)
_LINKS = msgspec.json.Decoder(list[Link])
_SEARCH = msgspec.json.Decoder(Search)
_FAULT = re.compile(r"(?:Expected `(?P<wanted>\w+)[^`]*`)?.*at `\$\.(?P<field>\w+)(?P<deeper>[\w.\[\]]*)`", re.DOTALL)
"""The message may quote what was sent: only what stands at its end is the decoder's own."""
_ID = re.compile(r"[A-Za-z0-9.\-_]{1,256}")
_VITAL_FIELDS = frozenset(
    {
        "subject", "patient", "verificationStatus", "questionnaire", "authored", "active", "morphology",
        "doNotPerform", "intent",
    }
)  # fmt: skip
"""Without these a resource may be another patient's, or say the opposite of what it says: it is not used at all."""
_VITAL_STATUSES = frozenset(
    {"MedicationRequest", "MedicationAdministration", "MedicationStatement", "QuestionnaireResponse"}
)
"""Likewise their status: given or not, completed or not."""
_REASONS = (
    ("value", "value-wrong-type"),
    ("component", "value-wrong-type"),
    ("code", "code-unreadable"),
    ("clinicalStatus", "code-unreadable"),
    ("interpretation", "code-unreadable"),
    ("morphology", "code-unreadable"),
    ("conclusionCode", "code-unreadable"),
    ("status", "status-missing"),
    ("referenceRange", "reference-range-unreadable"),
    ("medication", "medication-unreadable"),
    ("contained", "medication-unreadable"),
    ("ingredient", "medication-unreadable"),
    ("dosage", "dose-unreadable"),
    ("bodySite", "bone-unmapped"),
    ("location", "bone-unmapped"),
    ("item", "answer-wrong-type"),
    *((name, "date-unreadable") for name in ("effective", "onset", "recorded", "birth", "authored", "started")),
    *((name, "date-unreadable") for name in ("performed", "occurrence", "start", "period", "dateAsserted")),
)
_READ_AS = {
    "MedicationOrder": ("MedicationRequest", {"patient": "subject", "dateWritten": "authoredOn"}),
    "ProcedureRequest": ("ServiceRequest", {"orderedOn": "authoredOn", "scheduledDateTime": "occurrenceDateTime"}),
}
"""Orders of DSTU2 and STU3 that R4 has under other names: in a session they are read as far as they go, and noted."""
_SESSION = "context.draftOrders"
_MOST_FIELDS = 60
_MOST_WORK = 100
"""Times its own length that a resource is written anew at most, by the depth of what is mended."""
_STATUSES = frozenset({"clinicalStatus", "verificationStatus"})
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_UNREAD_VALUE = Raw(b'{"text":"unread"}')
"""Stands beside a value that could not be read: it may have been a denial."""
_NOTHING = Raw(b'{"resourceType":"Basic"}')
_UNREADABLE_ANSWER = Raw(b'{"valueString":"-"}')
"""No item takes free text: its reader notes it and leaves the item open."""


def read_resource(raw: bytes | Raw, path: str) -> tuple[Resource | Failed | None, list[Note]]:
    """Read one resource as far as it goes: the resource, what stands for it, or None for a JSON null.

    Raises:
        msgspec.DecodeError: the bytes are not JSON.
        TooManyError: a Bundle has more entries than a chart.
    """
    try:
        return _RESOURCE.decode(raw), []
    except ValidationError:
        pass
    if bytes(raw).strip() == b"null":
        return None, []
    try:
        fields = _OBJECT.decode(raw)
    except ValidationError:
        return _failed(None, path, "not-a-resource")
    if "resourceType" not in fields and "resource" in fields:
        found, notes = read_resource(fields["resource"], path)
        return (found, notes) if found is not None else _failed(None, path, "prefetch-failed")
    return _fields(fields, path)


def _fields(fields: dict[str, Raw], path: str) -> tuple[Resource | Failed | None, list[Note]]:
    resource_type = _text(fields.get("resourceType"))
    if resource_type is None:
        return _failed(None, path, "not-a-resource")
    source = _source(resource_type, fields, path)
    if resource_type in _READ_AS and path.startswith(_SESSION):
        newer, renamed = _READ_AS[resource_type]
        fields = {renamed.get(name, name): raw for name, raw in fields.items()}
        found, notes = _by_field(newer, fields | {"resourceType": Raw(msgspec.json.encode(newer))}, source)
        return found, [Note(source, "not-r4"), *notes]
    if resource_type not in R4_TYPES:
        return _failed(resource_type, source, "not-r4" if resource_type in OLDER_TYPES else "unknown-resource-type")
    if resource_type == "Bundle":
        return _bundle(fields, path)
    return _by_field(resource_type, fields, source)


def _by_field(resource_type: str, fields: dict[str, Raw], source: str) -> tuple[Resource | Failed | None, list[Note]]:
    """Mend or drop one unreadable field after the other."""
    notes: list[Note] = []
    work, depth, most = 0, 1, _MOST_WORK * sum(map(len, fields.values()))
    for _ in range(_MOST_FIELDS):
        written = msgspec.json.encode(fields)
        work += len(written) * depth
        try:
            return _RESOURCE.decode(written), notes
        except ValidationError as fault:
            found = _FAULT.fullmatch(str(fault))
        if found is None or found["field"] not in fields or work > most:
            break
        field, depth = found["field"], 1 + len(_STEP.findall(found["deeper"]))
        mended = _mended(fields[field], field, found)
        if mended is not None:
            fields[field] = mended
            if field == "item":
                notes.append(Note(source, _reason(field)))
            continue
        if field in _VITAL_FIELDS or (field == "status" and resource_type in _VITAL_STATUSES):
            break
        del fields[field]
        if field.startswith("value") or field == "dataAbsentReason":
            fields["dataAbsentReason"] = _UNREAD_VALUE
        notes.append(Note(source, _reason(field)))
    failed, unread = _failed(resource_type, source, "resource-unreadable")
    return failed, notes + unread


def _mended(raw: Raw, field: str, fault: re.Match[str]) -> Raw | None:
    """What other servers write otherwise, as R4 has it; a form or an order without its one unreadable part."""
    steps = [int(number) if number else name for name, number in _STEP.findall(fault["deeper"])]
    if fault["wanted"] == "array" and (listed := _replaced(raw, steps, _listed)) is not None:
        return listed
    if field in _STATUSES and not steps:
        return _worded(raw)
    if field == "item":
        return _without_answer(raw, steps)
    return _replaced(raw, steps[:1], _emptied) if field == "contained" and steps else None


def _without_answer(raw: Raw, steps: Sequence[str | int]) -> Raw | None:
    """The items with the answer at that path made unreadable, so that it stays an answer; None where there is none."""
    last = next((place for place in range(len(steps) - 1, 0, -1) if steps[place - 1] == "answer"), None)
    return None if last is None else _replaced(raw, steps[: last + 1], lambda _: _UNREADABLE_ANSWER)


def _replaced(raw: Raw, steps: Sequence[str | int], replace: Callable[[Raw], Raw | None]) -> Raw | None:
    """The value with another one at that path; None where nothing can stand there.

    The path may lead into a member that stands twice, of which only the last is kept here.
    """
    if not steps:
        return replace(raw)
    step, *deeper = steps
    try:
        parts: dict[str, Raw] | list[Raw] = _LIST.decode(raw) if isinstance(step, int) else _OBJECT.decode(raw)
    except ValidationError:
        return None
    if step not in (range(len(parts)) if isinstance(step, int) else parts):
        return None
    part = _replaced(parts[step], deeper, replace)  # type: ignore[index]  # a number for a list
    if part is None:
        return None
    parts[step] = part  # type: ignore[index]
    return Raw(msgspec.json.encode(parts))


def _listed(raw: Raw) -> Raw | None:
    """A lone object as a list of one."""
    return Raw(b"[" + bytes(raw) + b"]") if bytes(raw).lstrip()[:1] == b"{" else None


def _worded(raw: Raw) -> Raw | None:
    """A bare word as the text of a concept."""
    return Raw(b'{"text":' + bytes(raw) + b"}") if bytes(raw).lstrip()[:1] == b'"' else None


def _emptied(raw: Raw) -> Raw | None:
    """A resource in another that could not be read, as one that says nothing."""
    return None if bytes(raw) == bytes(_NOTHING) else _NOTHING


def _bundle(fields: dict[str, Raw], path: str) -> tuple[Resource | Failed | None, list[Note]]:
    """Read a Bundle entry by entry; one bad entry costs itself."""
    notes: list[Note] = []
    entries: list[Entry] = []
    raw_entries = _parts(fields.get("entry"))
    if raw_entries is None:
        return _failed("Bundle", path, "resource-unreadable")
    if len(raw_entries) > MOST_ENTRIES:
        raise TooManyError(f"More than {MOST_ENTRIES} resources.")
    for number, raw in enumerate(raw_entries):
        entry, entry_notes = _entry(raw, f"{path}.entry[{number}]")
        notes += entry_notes
        entries.append(entry)
    links, link_notes = _links(fields.get("link"), path)
    bundle = Bundle(type=_text(fields.get("type")), total=fields.get("total", NO_VALUE), link=links, entry=entries)
    return bundle, notes + link_notes


def _entry(raw: Raw, path: str) -> tuple[Entry, list[Note]]:
    try:
        fields = _OBJECT.decode(raw)
    except ValidationError:
        return Entry(resource=Failed(None, path)), [Note(path, "not-a-resource")]
    entry = Entry(fullUrl=_text(fields.get("fullUrl")), search=_search(fields.get("search")))
    notes: list[Note] = []
    if "resource" in fields:
        entry.resource, notes = read_resource(fields["resource"], path)
    return entry, notes


def _failed(resource_type: str | None, source: str, reason: str) -> tuple[Failed, list[Note]]:
    return Failed(resource_type, source), [Note(source, reason)]


def _reason(field: str) -> str:
    return next((reason for start, reason in _REASONS if field.startswith(start)), "resource-unreadable")


def _source(resource_type: str | None, fields: dict[str, Raw], path: str) -> str:
    identifier = _text(fields.get("id"))
    known = resource_type in R4_TYPES or resource_type in OLDER_TYPES
    return f"{resource_type}/{identifier}" if known and identifier and _ID.fullmatch(identifier) else path


def _text(raw: Raw | None) -> str | None:
    try:
        return None if raw is None else _TEXT.decode(raw)
    except ValidationError:
        return None


def _parts(raw: Raw | None) -> list[Raw] | None:
    """The items of a list; none where it is missing or null; None where it is no list at all."""
    if raw is None or bytes(raw) == b"null":
        return []
    try:
        return _LIST.decode(raw)
    except ValidationError:
        return None


def _links(raw: Raw | None, path: str) -> tuple[list[Link] | None, list[Note]]:
    """Links tell whether more pages exist: unreadable ones may hide a page."""
    if raw is None or bytes(raw) == b"null":
        return None, []
    try:
        return _LINKS.decode(raw), []
    except ValidationError:
        return None, [Note(path, "incomplete-page")]


def _search(raw: Raw | None) -> Search | None:
    try:
        return None if raw is None else _SEARCH.decode(raw)
    except ValidationError:
        return None
