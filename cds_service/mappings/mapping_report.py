"""Which codes the service reads as what, and which not and why: counted over files, without anything of a patient.

Each resource is read alone by the same reader as a request; components of an Observation also on their own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from cds_service.mappings import fhir, report_codes, shown, tolerant
from cds_service.mappings.datatypes import Failed
from cds_service.mappings.documents import documents, resources
from cds_service.mappings.medications import Pool
from cds_service.mappings.record import facts_from_bundle
from cds_service.mappings.report_codes import Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from msgspec import Raw

    from cds_service.guideline.facts import Facts, Note
    from cds_service.mappings.documents import Document
    from cds_service.mappings.site_map import SiteMap

_UNREADABLE = frozenset({"unreadable", "drug:unreadable", "order:order:unreadable"})
NO_RESOURCE = "not-a-resource"
NOT_JSON = "not-json"
NO_FILE = "not-a-file"


class Unread(NamedTuple):
    """A file (from 1), or a line of it, that could not be read."""

    file: int
    line: int | None
    reason: str


@dataclass(slots=True)
class Row:
    """What came of all resources with the same codes and unit."""

    count: int = 0
    read: int = 0
    """How many of them gave a fact."""
    concepts: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    """Reasons of notes on those that were read all the same."""
    why_not: Counter[str] = field(default_factory=Counter)
    """Why the others were not read: reasons of notes, else a word of `report_codes.SILENT`."""


class _Outcome(NamedTuple):
    concepts: Counter[str]
    notes: Counter[str]

    def without(self, part: _Outcome) -> _Outcome:
        return _Outcome(self.concepts - part.concepts, self.notes - part.notes)


_NOTHING = _Outcome(Counter(), Counter())


@dataclass(slots=True)
class MappingReport:
    """Counts while it reads. `today` is the date in Europe/Oslo."""

    today: date
    site: SiteMap
    files: int = 0
    resources: int = 0
    unread: list[Unread] = field(default_factory=list)
    rows: dict[Key, Row] = field(default_factory=dict)

    def add(self, lines: Iterable[bytes]) -> None:
        """Read one file; where reading it fails, that is told."""
        self.files += 1
        try:
            for document in documents(lines):
                self._document(document)
        except OSError:
            self.unread.append(Unread(self.files, None, NO_FILE))

    def sorted_rows(self) -> list[tuple[Key, Row]]:
        """By resource type, codes and unit."""
        return sorted(self.rows.items())

    def _document(self, document: Document) -> None:
        if document.content is None:
            self.unread.append(Unread(self.files, document.line, NOT_JSON))
            return
        try:
            sent = list(resources(document.content))
        except RecursionError:
            self.unread.append(Unread(self.files, document.line, NOT_JSON))
            return
        read = [(one, *_typed(one.resource)) for one in sent]
        pool = _pool((one.url, resource) for one, resource, _ in read if isinstance(resource, fhir.Medication))
        for one, resource, notes in read:
            is_none = resource is None or (isinstance(resource, Failed) and resource.resource_type is None)
            if is_none and one.resource is not None:
                self.unread.append(Unread(self.files, document.line, NO_RESOURCE))
            else:
                self.resources += 1
                self._sent(resource, pool, notes)

    def _sent(self, resource: fhir.Resource | Failed | None, pool: Pool, notes: list[Note]) -> None:
        if resource is None:
            self._count(Key("Bundle.entry"), _NOTHING, NO_RESOURCE)
        elif isinstance(resource, Failed):
            self._count(Key(shown.resource_type(resource.resource_type)), _Outcome(Counter(), _reasons(notes)))
        else:
            self._resource(resource, pool, notes)

    def _resource(self, resource: fhir.Resource, pool: Pool, notes: Iterable[Note]) -> None:
        """Count it with its parts. Keys come first: reading puts a site's codings beside those that were sent."""
        key, silence = report_codes.key_of(resource, pool), report_codes.silence_of(resource, pool, self.site)
        parts = list(report_codes.parts_of(resource))
        sites = list(report_codes.sites_of(resource))
        whole = self._read(resource, pool, notes)
        for part_key, part, code in parts:
            outcome = self._read(part, pool, ())
            whole, silence = whole.without(outcome), report_codes.IN_PARTS if outcome.concepts else silence
            self._count(part_key, outcome, report_codes.silence([code], self.site))
        for site_key, site in sites:
            place = report_codes.place_of(site)
            self._count(site_key, _Outcome(Counter([place]), Counter()) if place else _NOTHING, report_codes.NO_BONE)
        self._count(key, whole, silence)

    def _read(self, resource: fhir.Resource, pool: Pool, notes: Iterable[Note]) -> _Outcome:
        """What the service makes of the resource alone, with the Medication that it refers to."""
        entries = [fhir.Entry(resource=report_codes.readable(resource))]
        medication = report_codes.referred(resource, pool)
        if medication is not None and isinstance(resource, report_codes.GIVEN) and resource.medicationReference:
            entries.append(fhir.Entry(resource.medicationReference.reference, medication))
        facts = facts_from_bundle(fhir.Bundle(entry=entries), notes, today=self.today, site=self.site)
        return _Outcome(Counter(_concepts(facts)), _reasons(facts.notes))

    def _count(self, key: Key, outcome: _Outcome, silence: str = "") -> None:
        row = self.rows.setdefault(key, Row())
        row.count += 1
        if outcome.concepts:
            row.read += 1
            row.concepts.update(outcome.concepts)
            row.notes.update(outcome.notes)
        else:
            row.why_not.update(outcome.notes or [silence])


def _pool(medications: Iterable[tuple[str | None, fhir.Medication]]) -> Pool:
    named = [(f"Medication/{medication.id}", medication, url) for url, medication in medications]
    return Pool(((source, one) for source, one, _ in named), {source: url for source, _, url in named if url})


def _typed(sent: Raw | None) -> tuple[fhir.Resource | Failed | None, list[Note]]:
    return (None, []) if sent is None else tolerant.read_resource(sent, "")


def _reasons(notes: Iterable[Note]) -> Counter[str]:
    return Counter(note.reason for note in notes)


def _concepts(facts: Facts) -> Iterator[str]:
    """The concepts of all facts; what only stands for something unreadable is none."""
    named = [name for name, found in facts.measurements.items() for _ in found]
    named += [condition.concept for condition in facts.conditions]
    named += [lesion.bone or "lesion" for lesion in facts.lesions]
    named += [finding.name for finding in facts.findings]
    named += [study.kind for study in facts.studies]
    named += [f"biopsy:{biopsy.kind}" for biopsy in facts.biopsies]
    named += [drug.concept for drug in facts.drugs]
    named += [f"allergy:{concept}" for concept in facts.allergies]
    named += [f"order:{order.concept}" for order in facts.orders]
    named += sorted(facts.requested)
    named += ["birth_date"] if facts.born else []
    named += ["cno-assessment"] if facts.form else []
    yield from (name for name in named if name not in _UNREADABLE)
