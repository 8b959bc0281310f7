"""Pages that a FHIR server sent, made one prefetch value: other patients' resources never get in.

Servers ignore search parameters that they do not know, so each result is held against what was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.guideline.facts import Note
from cds_service.mappings.datatypes import Failed, Link, Reference
from cds_service.mappings.entries import about, is_short
from cds_service.mappings.fhir import Appointment, Bundle, Medication, OperationOutcome
from cds_service.mappings.patient import Whose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cds_service.mappings.fhir import Entry, Slot

_ALWAYS_KEPT = (Failed, OperationOutcome, Bundle, Medication)
_NOBODYS = Reference()
"""Of resources that are about nobody, or whose own reader asks whom they are about."""
_MORE = Link(relation="next")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for: a list of one patient, of one resource type or (None) of any; notes place it at `path`."""

    kind: str | None
    patient_id: str
    path: str


def joined(pages: Sequence[Bundle], wanted: Wanted, *, whole: bool, room: int) -> tuple[Bundle, list[Note]]:
    """One Bundle of all pages, and the notes on what was left out of it; `room` is the most entries kept.

    Where the pages are not the `whole` answer, there is no room for all, or some were not this patient's (so that the
    server did not answer what was asked), the Bundle has a next page, and its list does not count as received.
    """
    entries = [entry for page in pages for entry in page.entry or () if _is_of(entry.resource, wanted.kind)]
    mine, notes = _of_patient(entries, wanted)
    kept = mine[: max(room, 0)]
    links = None if whole and not notes and len(kept) == len(mine) and not is_short(pages) else [_MORE]
    return Bundle(type="searchset", link=links, entry=kept), notes


def _is_of(resource: Slot, kind: str | None) -> bool:
    """Whether it was asked for; what could not be read, and what says why, stays in."""
    if kind is None or resource is None or isinstance(resource, _ALWAYS_KEPT):
        return True
    return type(resource).__name__ == kind


def _of_patient(entries: Sequence[Entry], wanted: Wanted) -> tuple[list[Entry], list[Note]]:
    """Without those of other patients; beside these, one that names nobody may be another's too."""
    whose = Whose(wanted.patient_id)
    subjects = [_subject(entry.resource) for entry in entries]
    if all(subject is _NOBODYS or whose.is_mine(subject) for subject in subjects):
        return list(entries), []
    kept: list[Entry] = []
    reasons = {"foreign-patient"}
    for entry, subject in zip(entries, subjects, strict=True):
        if subject is _NOBODYS:
            kept.append(entry)
        elif subject is None or not subject.reference:
            reasons.add("subject-missing")
        elif whose.is_mine(subject):
            kept.append(entry)
    return kept, [Note(wanted.path, reason) for reason in sorted(reasons)]


def _subject(resource: Slot) -> Reference | None:
    """Whom a resource is about: None where it does not say so, `_NOBODYS` where it has no such element."""
    if resource is None or isinstance(resource, (*_ALWAYS_KEPT, Appointment)):
        return _NOBODYS
    return about(type(resource))(resource)
