"""Medication resources → drugs. What cannot be read is `drug:unreadable`: it may be any drug."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from cds_service.guideline.course import ZOLEDRONIC_ACID
from cds_service.guideline.facts import Drug
from cds_service.guideline.infusion import OTHER_BISPHOSPHONATES
from cds_service.mappings import datatypes, fhir, terminology
from cds_service.mappings.drug_names import CLASS, LONGEST_TEXT, named_in
from cds_service.mappings.reading import code_words, codings, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cds_service.guideline.dates import When
    from cds_service.mappings.reading import Reader

UNREADABLE = "drug:unreadable"
Given: TypeAlias = fhir.MedicationRequest | fhir.MedicationAdministration | fhir.MedicationStatement
Kind: TypeAlias = Literal["administration", "request", "statement"]
_KINDS: dict[type, Kind] = {
    fhir.MedicationRequest: "request",
    fhir.MedicationAdministration: "administration",
    fhir.MedicationStatement: "statement",
}
_BISPHOSPHONATE = "drug:bisphosphonate"
_BISPHOSPHONATES = frozenset({ZOLEDRONIC_ACID, "drug:pamidronate"})
"""Those that have a concept of their own."""
_ALL_BISPHOSPHONATES = OTHER_BISPHOSPHONATES | {ZOLEDRONIC_ACID}
_SUPPLEMENTED = {_BISPHOSPHONATE, ZOLEDRONIC_ACID}
_YIELDS_TO = {
    "drug:paracetamol": {"drug:paracetamol_comb"},
    "drug:calcium": {"drug:calcium_vitamin_d"},
    "drug:vitamin_d": {"drug:calcium_vitamin_d", *_SUPPLEMENTED},
    "drug:calcium_vitamin_d": _SUPPLEMENTED,
}
"""A part of a combination yields to the whole, and what a bisphosphonate is combined with to that."""
_MOST_PARTS = 50
"""Ingredients of a medication, or resources inside one; none has more, and each is looked up for each use of it."""
_PROPOSED = frozenset({"proposal", "option"})
_REFUTED = frozenset({"refuted", "entered-in-error"})
_NOT_DONE = frozenset({"preparation", "not-done", "entered-in-error"})
_NOT_ACTIVE = frozenset({"inactive", "resolved"})


class Pool:
    """The Medications of a record, found by any way in which they are referred to."""

    def __init__(self, medications: Iterable[tuple[str, fhir.Medication]], urls: Mapping[str, str]) -> None:
        self._known: dict[str, fhir.Medication] = {}
        self.named: dict[int, Named] = {}
        for source, medication in medications:
            self._known[source] = medication
            names = [*_names_of(urls.get(source, "")), f"Medication/{medication.id}"]
            for name in names if medication.id else names[:-1]:
                self._known.setdefault(name, medication)

    def find(self, reference: str | None, contained: Sequence[fhir.Resource] | None) -> fhir.Medication | None:
        """A contained Medication (`#id`, or the id alone), or one of the record."""
        if not reference:
            return None
        _, mark, inside = reference.rpartition("#")
        within = (each for each in (contained or ())[:_MOST_PARTS] if each.id == inside)
        found = next((each for each in within if isinstance(each, fhir.Medication)), None)
        if mark or found is not None:
            return found
        return next((self._known[name] for name in _names_of(reference) if name in self._known), None)


def _names_of(reference: str) -> tuple[str, ...]:
    """The reference without its version, `Medication/id` at its end, and that of a `urn:`."""
    plain = reference.partition("/_history/")[0]
    return plain, "/".join(plain.split("/")[-2:]), f"Medication/{plain.rpartition(':')[2]}"


@dataclass(frozen=True, slots=True)
class Named:
    """Which drugs a medication is (none of ours: empty), and the note to make of how it was read."""

    concepts: tuple[str, ...]
    reason: str | None = None
    among: frozenset[str] = field(default=frozenset(), compare=False)
    """All that were named, where they are unlike and nobody can say which is meant."""

    @property
    def may_be_infused(self) -> bool:
        """Whether zoledronic acid is among them, and no other bisphosphonate that the limits are not for."""
        return ZOLEDRONIC_ACID in self.among and self.among.isdisjoint(OTHER_BISPHOSPHONATES)


def name(resource: Given, pool: Pool) -> Named:
    """The drugs of a medication: by code, by ingredient, last by name. What many refer to is read once."""
    concept, reference = _told(resource)
    medication = pool.find(reference.reference if reference else None, resource.contained)
    if concept is not None or medication is None or resource.contained or (reference and reference.display):
        return _name(resource, concept, reference, medication, pool)
    known = pool.named.get(id(medication))
    if known is None:
        known = pool.named[id(medication)] = _name(resource, None, reference, medication, pool)
    return known


def _name(
    resource: Given,
    concept: datatypes.CodeableConcept | None,
    reference: datatypes.Reference | None,
    medication: fhir.Medication | None,
    pool: Pool,
) -> Named:
    if medication and len(medication.ingredient or ()) > _MOST_PARTS:
        return Named((UNREADABLE,), "medication-unreadable")
    whole = [concept, medication.code if medication else None]
    parts = list(_ingredients(medication, pool, resource.contained))
    display = [reference.display] if reference and reference.display else []
    names = [*texts([*whole, *parts]), *display]
    by_code = _drugs(whole) or _drugs(parts)
    if by_code:
        return _by_code(by_code, names)
    by_name = _named(names)
    if by_name:
        agreed = _agreed(by_name, "medication-unreadable")
        return agreed if agreed.reason else Named(agreed.concepts, "read-by-name")
    is_another = any(coding.code and terminology.key_of(coding.system) == "atc" for coding in codings(*whole, *parts))
    if (names or is_another) and not any(len(text) > LONGEST_TEXT for text in names):
        return Named(())
    unresolved = reference is not None and bool(reference.reference) and medication is None
    return Named((UNREADABLE,), "reference-unresolved" if unresolved else "medication-unreadable")


def read(resource: Given, source: str, pool: Pool, reader: Reader) -> list[Drug]:
    """Read one request, administration or statement that is no draft order."""
    if resource.status == "entered-in-error" or _is_not_meant(resource):
        return []
    found = name(resource, pool)
    concept = found.concepts[0] if found.concepts else None
    if found.reason:
        reader.note(source, found.reason, concept)
    if concept is None:
        return []
    start, end = _dates(resource, source, concept, reader)
    if not reader.has_happened(source, concept, start):
        return []
    if not resource.status:
        reader.note(source, "status-missing", concept)
    kind = _KINDS[type(resource)]
    return [Drug(each, kind, resource.status or "unknown", source, start, end) for each in found.concepts]


def unreadable(kind: Kind, source: str) -> Drug:
    """What stands for a resource that could not be read at all."""
    return Drug(UNREADABLE, kind, "unknown", source)


def read_allergy(allergy: fhir.AllergyIntolerance, source: str, reader: Reader) -> frozenset[str]:
    """The drugs of an allergy or intolerance that is not refuted and not over."""
    refuted = _REFUTED.intersection(code_words(allergy.verificationStatus))
    if refuted or _NOT_ACTIVE.intersection(code_words(allergy.clinicalStatus)):
        return frozenset()
    by_code = _drugs([allergy.code])
    if by_code:
        return by_code
    names = list(texts([allergy.code]))
    by_name = _named(names)
    if by_name:
        reader.note(source, "read-by-name", min(by_name))
    elif not names and not any(terminology.key_of(coding.system) for coding in codings(allergy.code) if coding.code):
        has_code = any(coding.code for coding in codings(allergy.code))
        reader.note(source, "code-unmapped-local" if has_code else "code-unreadable", "allergy")
    return by_name


def read_procedure(procedure: fhir.Procedure, source: str, reader: Reader) -> list[Drug]:
    """An infusion of zoledronic acid that is recorded as a procedure: that it was given, not how much."""
    if procedure.status in _NOT_DONE:
        return []
    told = (procedure.code, *(procedure.usedCode or ()))
    by_code = ZOLEDRONIC_ACID in _drugs(told)
    if not by_code and ZOLEDRONIC_ACID not in _named(texts(told)):
        return []
    if not by_code:
        reader.note(source, "read-by-name", ZOLEDRONIC_ACID)
    when = reader.when(source, ZOLEDRONIC_ACID, procedure.performedDateTime, procedure.performedPeriod)
    return [Drug(ZOLEDRONIC_ACID, "statement", procedure.status or "unknown", source, when)]


def reference_of(resource: Given) -> datatypes.Reference | None:
    """The Medication that a resource refers to."""
    return _told(resource)[1]


def _told(resource: Given) -> tuple[datatypes.CodeableConcept | None, datatypes.Reference | None]:
    """The medication as a concept and as a reference, also in the one element that R5 has for both."""
    newer = resource.medication if isinstance(resource, fhir.MedicationRequest) else None
    concept, reference = resource.medicationCodeableConcept, resource.medicationReference
    return concept or (newer.concept if newer else None), reference or (newer.reference if newer else None)


def _is_not_meant(resource: Given) -> bool:
    if not isinstance(resource, fhir.MedicationRequest):
        return False
    return bool(resource.doNotPerform) or resource.intent in _PROPOSED


def _dates(resource: Given, source: str, concept: str, reader: Reader) -> tuple[When | None, When | None]:
    if isinstance(resource, fhir.MedicationRequest):
        return reader.when(source, concept, resource.authoredOn), None
    period = resource.effectivePeriod
    start = reader.when(source, concept, resource.effectiveDateTime, period)
    if start is None and isinstance(resource, fhir.MedicationAdministration):
        reader.note(source, "date-missing", concept)
    return start, reader.when(source, concept, period.end) if period else None


def _ingredients(
    medication: fhir.Medication | None, pool: Pool, contained: Sequence[fhir.Resource] | None
) -> Iterator[datatypes.CodeableConcept | None]:
    for ingredient in (medication.ingredient if medication else None) or ():
        yield ingredient.itemCodeableConcept
        reference = ingredient.itemReference
        inner = pool.find(reference.reference if reference else None, contained)
        if inner is not None:
            yield inner.code


def _drugs(concepts: Iterable[datatypes.CodeableConcept | None]) -> frozenset[str]:
    rows = (terminology.drug(coding.system, coding.code) for coding in codings(*concepts))
    return frozenset(row.concept for row in rows if row is not None)


def _by_code(by_code: frozenset[str], names: Iterable[str]) -> Named:
    """What the codes agree on; the class of bisphosphonates yields to one of them, told by code or (last) by name.

    Where a text names another bisphosphonate than the code, what may be zoledronic acid is held against its limits.
    """
    names = tuple(names)
    if by_code == {_BISPHOSPHONATE} and _named(names) == {ZOLEDRONIC_ACID}:
        return Named((ZOLEDRONIC_ACID,), "read-by-name")
    if not by_code.isdisjoint(_BISPHOSPHONATES):
        by_code -= {_BISPHOSPHONATE}
    told = [_ALL_BISPHOSPHONATES.intersection(named_in(text)) for text in names]
    if by_code == {ZOLEDRONIC_ACID} and any(one and ZOLEDRONIC_ACID not in one for one in told):
        return Named((ZOLEDRONIC_ACID,), "coding-contradiction")
    if by_code & OTHER_BISPHOSPHONATES and ZOLEDRONIC_ACID not in by_code and {ZOLEDRONIC_ACID} in told:
        return Named((UNREADABLE,), "coding-contradiction", frozenset({ZOLEDRONIC_ACID}))
    return _agreed(by_code, "coding-contradiction")


def _named(names: Iterable[str]) -> frozenset[str]:
    """All drugs that stand in some texts; the name of the class only where no other name stands there."""
    found = frozenset(concept for text in names for concept in named_in(text))
    if CLASS not in found:
        return found
    return (found - {CLASS}) or frozenset({_BISPHOSPHONATE})


def _agreed(concepts: frozenset[str], otherwise: str) -> Named:
    """The one drug that all names mean; several unlike ones cannot be read."""
    if {"drug:calcium", "drug:vitamin_d"} <= concepts:
        concepts |= {"drug:calcium_vitamin_d"}
    left = frozenset(concept for concept in concepts if not _YIELDS_TO.get(concept, frozenset()) & concepts)
    return Named(tuple(left)) if len(left) == 1 else Named((UNREADABLE,), otherwise, left)
