"""The one entrance: a Bundle or a hook's prefetch → Facts. Whatever the order of entries, the facts are the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, cast

from cds_service.guideline.course import ZOLEDRONIC_ACID
from cds_service.guideline.facts import Facts, Note
from cds_service.mappings import (
    conditions,
    datatypes,
    fhir,
    imaging,
    lesions,
    medications,
    observations,
    orders,
    presence,
    questionnaire,
    referrals,
)
from cds_service.mappings.datatypes import TooManyError
from cds_service.mappings.entries import Entries, about
from cds_service.mappings.outgoing import is_sound_id
from cds_service.mappings.patient import (
    ForeignPatientError,
    TwoPatientsError,
    Whose,
    birth_date,
    whose_bundle,
    whose_request,
)
from cds_service.mappings.prefetch import gather
from cds_service.mappings.reading import Reader, newest_first
from cds_service.mappings.selections import chosen as selected
from cds_service.mappings.site_map import NO_MAP, SiteMap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from cds_service.guideline.dates import When
    from cds_service.guideline.facts import Drug, Order, Study
    from cds_service.mappings.entries import R

__all__ = ["ForeignPatientError", "TwoPatientsError", "facts_from_bundle", "facts_from_hook"]
_DRUG_TYPES: dict[str, medications.Kind] = {
    "MedicationRequest": "request", "MedicationAdministration": "administration", "MedicationStatement": "statement",
}  # fmt: skip
_MAY_BE = {
    "ImagingStudy": "imaging", "DiagnosticReport": "imaging", "Observation": "observation", "Encounter": "visit",
    "ServiceRequest": "service_request", "AllergyIntolerance": "allergy",
}  # fmt: skip
"""What a resource that could not be read at all may have been. Conditions, drugs and forms have a stand-in instead."""
MOST_DRAFTS = 200
_STILL_USED = frozenset(
    {
        "read-by-name", "reference-range-unreadable", "date-missing", "date-unreadable", "side-contradiction",
        "excluded-code", "duplicate", "questionnaire-superseded", "subject-missing", "reference-unresolved",
        orders.FOREIGN, "dose-ambiguous", "dose-unreadable", "rate-unreadable",
    }
)  # fmt: skip
"""Reasons of notes on entries that were used all the same, or never were of the concept."""


def facts_from_bundle(bundle: fhir.Bundle, notes: Iterable[Note], *, today: date, site: SiteMap = NO_MAP) -> Facts:
    """Read a bare Bundle: the whole record, in which requests with status `draft` are the draft orders.

    Raises:
        TwoPatientsError: it speaks of more than one patient.
        TooManyError: more resources or draft orders than one chart or session holds.
    """
    entries, drafts = Entries(list(notes)), Entries()
    entries.add_bundle(bundle, "Bundle")
    if any(datatypes.is_next(link) for link in bundle.link or ()):
        entries.notes.append(Note("Bundle", "incomplete-page"))
    whose = whose_bundle(_patients(entries), entries.subjects())
    for source, resource in list(entries.all()):
        if isinstance(resource, orders.ORDERS) and resource.status == "draft":
            entries.drop(resource, source)
            drafts.keep(resource, source)
    _require_session(drafts)
    site.translate(entries, drafts)
    drafts.failed += [failed for failed in entries.failed if failed.resource_type in orders.DRUG_ORDERS]
    return _Record(entries, drafts, whose, Reader(today, entries.notes)).facts(frozenset())


def facts_from_hook(  # noqa: PLR0913  what a hook request consists of
    prefetch: Mapping[str, fhir.Slot],
    draft_orders: fhir.Bundle | None,
    notes: Iterable[Note],
    *,
    patient_id: str,
    selections: tuple[str, ...] | None,
    today: date,
    templates: Mapping[str, str],
    site: SiteMap = NO_MAP,
) -> Facts:
    """Read a hook's prefetch and draft orders. `templates` maps our prefetch keys to the type that they ask for.

    Raises:
        ForeignPatientError: the Patient that was sent is not the context's.
        TooManyError: more resources or draft orders than one chart or session holds.
    """
    entries, not_received = gather(prefetch, notes, templates)
    drafts = Entries()
    if draft_orders is not None:
        drafts.add_bundle(draft_orders, "context.draftOrders")
    _require_session(drafts)
    for source, resource in list(drafts.all()):
        if isinstance(resource, orders.ORDERS):
            entries.drop(resource, source)
        else:
            entries.keep(resource, source, drafts.urls.get(source))
    entries.notes += drafts.notes
    chosen = selected(draft_orders, selections, {id(resource): source for source, resource in drafts.all()})
    site.translate(entries, drafts)
    whose, are_others = whose_request(_patients(entries), patient_id)
    return _Record(entries, drafts, whose, Reader(today, entries.notes), are_others, chosen).facts(not_received)


def _require_session(drafts: Entries) -> None:
    """No ordering session holds more."""
    if sum(1 for _ in drafts.all()) > MOST_DRAFTS:
        raise TooManyError(f"More than {MOST_DRAFTS} draft orders.")


def _patients(entries: Entries) -> Iterator[tuple[fhir.Patient, str | None]]:
    for source, patient in entries.of(fhir.Patient):
        yield patient, entries.urls.get(source)


@dataclass(slots=True)
class _Record:
    """One pass over the resources of one patient, gathering what they say."""

    entries: Entries
    drafts: Entries
    whose: Whose
    reader: Reader
    are_others: bool = False
    chosen: orders.Chosen = None
    pool: medications.Pool = field(init=False)
    imaged: lesions.Imaged = field(default_factory=lesions.Imaged)
    diagnoses: conditions.Diagnoses = field(default_factory=conditions.Diagnoses)
    studies: list[Study] = field(default_factory=list)
    infused: list[Drug] = field(default_factory=list)
    """Infusions that are recorded as procedures."""
    laboratory: observations.Laboratory = field(init=False)

    def __post_init__(self) -> None:
        self.laboratory = observations.Laboratory(self.reader.today)
        self.pool = medications.Pool(self.entries.of(fhir.Medication), self.entries.urls)

    def facts(self, not_received: frozenset[str]) -> Facts:
        """Read everything, sort it, and name what could not be read."""
        born = birth_date(self.entries.of(fhir.Patient), self.entries.urls, self.whose, self.reader)
        self._observations()
        self._imaging()
        self._conditions(born)
        drugs, allergies, ordered = self._drugs(), self._allergies(), self._orders()
        requested = self._requested()
        form = questionnaire.newest(
            self._mine(self.entries, fhir.QuestionnaireResponse),
            self.reader,
            others_unread=bool(self._failed("QuestionnaireResponse")),
        )
        notes = self.reader.sorted_notes()
        return Facts(
            patient_id=self.whose.id if is_sound_id(self.whose.id) else None,
            born=born,
            measurements={name: newest_first(found) for name, found in self.laboratory.measurements.items()},
            conditions=newest_first(self.diagnoses.conditions),
            lesions=newest_first([*self.imaged.lesions, *self.diagnoses.lesions]),
            findings=newest_first([*self.imaged.findings, *self.diagnoses.findings]),
            studies=newest_first(self.studies),
            biopsies=newest_first(self.imaged.biopsies),
            drugs=newest_first(drugs),
            allergies=allergies,
            orders=ordered,
            requested=requested,
            form=form,
            not_received=not_received,
            unreadable=self._unreadable(notes),
            notes=notes,
        )

    def _mine(self, entries: Entries, kind: type[R]) -> Iterator[tuple[str, R]]:
        """The patient's resources of one type; those of others are noted."""
        whom, is_mine = about(kind), self.whose.is_mine
        mine: dict[str | None, bool] = {}
        for source, resource in entries.of(kind):
            subject = whom(resource)
            named = subject.reference if subject else None
            if named not in mine:
                mine[named] = is_mine(subject)
            if not mine[named]:
                meant = None
                if entries is self.drafts and orders.is_chosen(source, self.chosen):
                    order = cast("orders.Request", resource)
                    meant = orders.foreign(order, source, self.pool, self.reader.today)
                self.reader.note(source, orders.FOREIGN, meant)
                continue
            if self.are_others and not named:
                self.reader.note(source, "subject-missing")
            yield source, resource

    def _failed(self, name: str) -> list[datatypes.Failed]:
        return [failed for failed in self.entries.failed if failed.resource_type == name]

    def _unreadable(self, notes: Iterable[Note]) -> frozenset[str]:
        """The concepts of which something could not be used, and what resources that failed may have been."""
        failed = {failed.resource_type or "" for failed in (*self.entries.failed, *self.drafts.failed)}
        named = {note.concept for note in notes if note.concept and note.reason not in _STILL_USED}
        return frozenset(named | {_MAY_BE[kind] for kind in failed & _MAY_BE.keys()})

    def _observations(self) -> None:
        laboratory = self.laboratory
        for source, observation in self._mine(self.entries, fhir.Observation):
            is_plain = observation.valueQuantity is not None and observation.bodySite is None
            if is_plain or not self._is_imaging(observation, source):
                laboratory.read(observation, source)
        self.imaged.findings += laboratory.coded
        self.reader.notes += laboratory.notes

    def _is_imaging(self, observation: fhir.Observation, source: str) -> bool:
        if lesions.read_observation(observation, source, self.reader, self.imaged):
            return True
        studies = imaging.read_observation(observation, source, self.reader)
        self.studies += studies or ()
        return studies is not None

    def _imaging(self) -> None:
        entries, reader = self.entries, self.reader
        for source, study in self._mine(entries, fhir.ImagingStudy):
            self.studies += imaging.read_study(study, source, reader)
        for source, report in self._mine(entries, fhir.DiagnosticReport):
            lesions.read_report(report, source, reader, self.imaged)
            self.imaged.findings += presence.read_report(report, source, reader)
            self.studies += imaging.read_report(report, source, reader)
        for source, procedure in self._mine(entries, fhir.Procedure):
            lesions.read_procedure(procedure, source, reader, self.imaged)
            self.infused += medications.read_procedure(procedure, source, reader)
            self.studies += imaging.read_procedure(procedure, source, reader)
        for source, structure in self._mine(entries, fhir.BodyStructure):
            lesions.read_structure(structure, source, reader, self.imaged)
        for source, encounter in self._mine(entries, fhir.Encounter):
            self.imaged.findings += presence.read_encounter(encounter, source, reader)

    def _conditions(self, born: When | None) -> None:
        for source, condition in self._mine(self.entries, fhir.Condition):
            conditions.read(condition, source, born, self.reader, self.diagnoses)
        self.diagnoses.conditions += [conditions.unreadable(failed.source) for failed in self._failed("Condition")]

    def _drugs(self) -> list[Drug]:
        found = list(self.infused)
        given: list[Iterator[tuple[str, medications.Given]]] = [
            self._mine(self.entries, fhir.MedicationRequest),
            self._mine(self.entries, fhir.MedicationAdministration),
            self._mine(self.entries, fhir.MedicationStatement),
        ]
        for source, resource in chain.from_iterable(given):
            found += medications.read(resource, source, self.pool, self.reader)
        for name, told_as in _DRUG_TYPES.items():
            found += [medications.unreadable(told_as, failed.source) for failed in self._failed(name)]
        for source, request in self._mine(self.drafts, fhir.MedicationRequest):
            if orders.ends(request):
                read = medications.read(request, source, self.pool, Reader(self.reader.today))
                found += [drug for drug in read if drug.concept != ZOLEDRONIC_ACID]
        return found

    def _allergies(self) -> frozenset[str]:
        found: set[str] = set()
        for source, allergy in self._mine(self.entries, fhir.AllergyIntolerance):
            found |= medications.read_allergy(allergy, source, self.reader)
        return frozenset(found)

    def _requested(self) -> frozenset[str]:
        """Imaging still to come and referrals, of the record; what is being ordered now are orders."""
        found: set[str] = set()
        for source, request in self._mine(self.entries, fhir.ServiceRequest):
            found |= referrals.requested(request, source, self.reader)
        return frozenset(found)

    def _orders(self) -> tuple[Order, ...]:
        """The orders to judge, what stands beside them, and the examinations that the record still waits for."""
        coming = orders.visits(self.entries.of(fhir.Appointment), self.whose, self.reader)
        drafts: list[tuple[str, orders.Request]] = [
            *self._mine(self.drafts, fhir.MedicationRequest), *self._mine(self.drafts, fhir.ServiceRequest)
        ]  # fmt: skip
        found = orders.read_session(drafts, self.chosen, self.pool, coming, self.reader)
        for source, service in self._mine(self.entries, fhir.ServiceRequest):
            if service.status in orders.AWAITED:
                read = orders.read_service(service, source, coming, Reader(self.reader.today))
                found += [order for order in read if orders.is_examination(order)]
        found += orders.unread(self.drafts.failed, self.chosen)
        return tuple(sorted(found, key=lambda order: (order.source, order.concept)))
