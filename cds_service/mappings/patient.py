"""Who the patient is, and whether a subject is this patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.mappings.fhir import R4_TYPES, Patient

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cds_service.guideline.dates import When
    from cds_service.mappings.datatypes import Reference
    from cds_service.mappings.reading import Reader


class TwoPatientsError(Exception):
    """The Bundle speaks of more than one patient: nobody can say whose record it is."""


class ForeignPatientError(Exception):
    """The Patient that was sent is not the patient of the request's context."""


@dataclass(frozen=True, slots=True)
class Whose:
    """Tells this patient's resources from others'. `urls` are other names of the patient, such as `urn:uuid:…`."""

    id: str | None
    urls: frozenset[str] = frozenset()

    def is_mine(self, subject: Reference | None) -> bool:
        """Whether the subject is this patient. No subject, or one with an identifier only, counts as this patient."""
        if subject is None or not subject.reference:
            return True
        return self._is_me(subject.reference)

    def is_patient(self, patient: Patient, url: str | None) -> bool:
        """Whether a Patient resource (with its fullUrl) is this patient."""
        return self.id in {patient.id, person(url) if url else None} or (url is not None and url in self.urls)

    def _is_me(self, reference: str) -> bool:
        if reference.startswith("#") or reference in self.urls:
            return True
        return self.id is not None and person(reference) == self.id


def person(reference: str) -> str | None:
    """The id of the Patient meant by `Patient/x`, `urn:uuid:x` or a URL ending in x; None for a Group and its like."""
    plain = reference.strip().partition("/_history/")[0].rstrip("/")
    if "?" in plain or "#" in plain:
        return None
    if "/" not in plain:
        return plain.rpartition(":")[2]
    *_, kind, identifier = plain.split("/")
    if kind == Patient.__name__ or ("://" in plain and kind not in R4_TYPES):
        return identifier
    return None


def whose_bundle(patients: Iterable[tuple[Patient, str | None]], subjects: Iterable[Reference | None]) -> Whose:
    """The one patient of a bare Bundle: `patients` with their fullUrl, else the one whom all subjects name.

    Raises:
        TwoPatientsError: two Patients, or subjects that name two without any Patient.
    """
    found = list(patients)
    if found:
        names = {patient.id or (person(url) if url else None) for patient, url in found}
        if len(names) > 1:
            raise TwoPatientsError
        return Whose(names.pop(), frozenset(url for _, url in found if url))
    named = {subject.reference for subject in subjects if subject is not None and subject.reference}
    people = {person(reference) for reference in named if not reference.startswith("#")} - {None}
    if len(people) > 1:
        raise TwoPatientsError
    return Whose(people.pop() if people else None, frozenset(named))


def whose_request(patients: Iterable[tuple[Patient, str | None]], patient_id: str) -> tuple[Whose, bool]:
    """The patient of a hook's context, and whether others' Patients were sent beside theirs.

    Raises:
        ForeignPatientError: Patients were sent, and none of them is the context's.
    """
    found = list(patients)
    mine = [url for patient, url in found if patient_id in {patient.id, person(url) if url else None}]
    if found and not mine:
        raise ForeignPatientError
    return Whose(patient_id, frozenset(url for url in mine if url)), len(mine) < len(found)


def birth_date(
    patients: Iterable[tuple[str, Patient]], urls: Mapping[str, str], whose: Whose, reader: Reader
) -> When | None:
    """The date of birth; None where the Patients sent (source and resource) do not agree on it."""
    found: set[When | None] = set()
    for source, patient in patients:
        if not whose.is_patient(patient, urls.get(source)):
            continue
        born = reader.when(source, "birth_date", patient.birthDate)
        found.add(born if reader.has_happened(source, "birth_date", born) else None)
        if len(found) > 1:
            reader.note(source, "coding-contradiction", "birth_date")
    return found.pop() if len(found) == 1 else None
