"""Bundles and prefetch values taken apart: every resource once, under the id or path by which notes name it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Raw

from cds_service.guideline.facts import Note
from cds_service.mappings.datatypes import Failed, TooManyError, UnusableError
from cds_service.mappings.fhir import (
    AllergyIntolerance,
    Appointment,
    BodyStructure,
    Bundle,
    Condition,
    DiagnosticReport,
    Encounter,
    ImagingStudy,
    Medication,
    MedicationAdministration,
    MedicationRequest,
    MedicationStatement,
    Observation,
    OperationOutcome,
    Patient,
    Procedure,
    QuestionnaireResponse,
    ServiceRequest,
)
from cds_service.mappings.numbers import decimal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cds_service.mappings.datatypes import Reference
    from cds_service.mappings.fhir import Entry, Resource, Resource_

MOST_ENTRIES = 5000
"""No chart that a hook asks for is so full; what looks at pairs of them stays quick."""
R = TypeVar("R", bound="Resource_")
READ_TYPES: tuple[type[Resource_], ...] = (
    Patient, Observation, Condition, ImagingStudy, BodyStructure, DiagnosticReport, Procedure, Medication,
    MedicationRequest, MedicationAdministration, MedicationStatement, AllergyIntolerance, ServiceRequest, Encounter,
    Appointment, QuestionnaireResponse,
)  # fmt: skip
_NAMES: dict[type, str] = {kind: kind.__name__ for kind in READ_TYPES}
_WITH_SUBJECT = frozenset(kind for kind in READ_TYPES if hasattr(kind, "subject"))
_ID = re.compile(r"[A-Za-z0-9.\-_]{1,256}").fullmatch


@dataclass(slots=True)
class Entries:
    """The resources that are read, by type and source, with the notes on entries that are none."""

    notes: list[Note] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    count: int = 0
    urls: dict[str, str] = field(default_factory=dict)
    """Source → fullUrl, of Patients and Medications."""
    _by_type: dict[type[Resource_], dict[str, Resource_]] = field(
        default_factory=lambda: {kind: {} for kind in READ_TYPES}
    )

    _versions: dict[type[Resource_], dict[str, list[Resource_]]] = field(default_factory=dict)
    """Further versions under a source that differ from the first."""

    def of(self, kind: type[R]) -> Iterable[tuple[str, R]]:
        """Source and resource, of one type; of versions that differ, those of which none is surely the newest."""
        found = self._by_type[kind].items()
        if kind in self._versions:
            more = self._versions[kind]
            found = [(at, one) for at, first in found for one in _standing([first, *more.get(at, ())])]  # type: ignore[assignment]
        return found  # type: ignore[return-value]  # the table is keyed by the type itself

    def add_bundle(self, bundle: Bundle, path: str) -> None:
        """Take a Bundle apart, Bundles within it too; an OperationOutcome in it is information.

        Raises:
            TooManyError: there are more than MOST_ENTRIES by now.
        """
        self.count += len(bundle.entry or ())
        if self.count > MOST_ENTRIES:
            raise TooManyError(f"More than {MOST_ENTRIES} resources.")
        for number, entry in enumerate(bundle.entry or ()):
            resource = entry.resource
            if resource is None:
                self.notes.append(Note(f"{path}.entry[{number}]", "not-a-resource"))
                self.failed.append(Failed(None, f"{path}.entry[{number}]"))
            elif type(resource) is Bundle:
                self.add_bundle(resource, f"{path}.entry[{number}]")
            else:
                self.add(resource, path, number, entry.fullUrl)

    def add(self, resource: Resource | Failed, path: str, number: int | None = None, url: str | None = None) -> None:
        """Keep one resource, or remember one that could not be read; types that no rule asks for are passed over."""
        if isinstance(resource, Failed):
            self.failed.append(resource)
            return
        name = _NAMES.get(type(resource))
        if name is None:
            return
        identifier = resource.id
        if identifier and _ID(identifier):
            source = f"{name}/{identifier}"
        else:
            source = path if number is None else f"{path}.entry[{number}]"
        self.keep(resource, source, url)

    def keep(self, resource: Resource_, source: str, url: str | None = None) -> None:
        """Keep a resource under its source, beside others that differ; the same twice is kept once."""
        kind = type(resource)
        if url and (kind is Patient or kind is Medication):
            self.urls[source] = url
        kept = self._by_type[kind].setdefault(source, resource)
        if kept is not resource and kept != resource:
            self.notes.append(Note(source, "duplicate"))
            self._versions.setdefault(kind, {}).setdefault(source, []).append(resource)

    def subjects(self) -> Iterator[Reference | None]:
        """The subject of every resource kept."""
        for kind in self._by_type:
            yield from (about(kind)(resource) for _, resource in self.of(kind))

    def all(self) -> Iterator[tuple[str, Resource_]]:
        """Source and resource, of all types."""
        for kind in self._by_type:
            yield from self.of(kind)

    def drop(self, resource: Resource_, source: str) -> None:
        """Forget what is still to come under the source; what was completed stays history, whatever its id."""
        kind = type(resource)
        first = self._by_type[kind].pop(source, None)
        versions = [first] if first is not None else []
        versions += self._versions.get(kind, {}).pop(source, [])
        for version in versions:
            if getattr(version, "status", None) == "completed":
                self.keep(version, source)


def _standing(versions: list[Resource_]) -> Iterator[Resource_]:
    """Of each subject the version that is surely the newest, else all: the worst of them decides."""
    whom = about(type(versions[0]))
    by_subject: dict[str | None, list[Resource_]] = {}
    for version in versions:
        subject = whom(version)
        by_subject.setdefault(subject.reference if subject else None, []).append(version)
    for same in by_subject.values():
        written = [_written(version) for version in same]
        latest = max((moment for moment in written if moment is not None), default=None)
        if None in written or written.count(latest) > 1:
            yield from sorted(same, key=msgspec.json.encode)
        else:
            yield same[written.index(latest)]


def is_short(pages: Sequence[Bundle]) -> bool:
    """Whether fewer results came than the first page of a search says there are, as of servers that do not link on.

    A number that cannot be read, or is none of results, is not that of those that came.
    """
    raw = pages[0].total
    digits = bytes(raw).strip(b'"')
    if digits in {b"", b"null"}:
        return False
    try:
        total = decimal_of(Raw(digits) if digits.isdigit() else raw)
    except UnusableError:
        return True
    return total < 0 or sum(_is_match(entry) for page in pages for entry in page.entry or ()) < total


def _is_match(entry: Entry) -> bool:
    return not isinstance(entry.resource, OperationOutcome) and (entry.search is None or entry.search.mode != "include")


def about(kind: type[Resource_]) -> Callable[[Resource_], Reference | None]:
    """How to ask a resource of this type whom it is about; FHIR has two names for it, some types had both in turn."""
    return _subject if kind in _WITH_SUBJECT else attrgetter("patient")


def _subject(resource: Any) -> Reference | None:  # noqa: ANN401  of one of the types that have the element
    subject: Reference | None = resource.subject
    return resource.patient if subject is None else subject


def _written(resource: Resource_) -> datetime | None:
    """When this version was written, where it says so."""
    text = resource.meta.lastUpdated if resource.meta else None
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
