"""Medication resources → drugs. What cannot be read is `drug:unreadable`: it may be any drug."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from cds_service.guideline.facts import Drug
from cds_service.mappings import datatypes, fhir, terminology
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
_YIELDS_TO = {
    "drug:bisphosphonate": {"drug:zoledronic_acid", "drug:pamidronate"},
    "drug:paracetamol": {"drug:paracetamol_comb"},
    "drug:calcium": {"drug:calcium_vitamin_d"},
    "drug:vitamin_d": {"drug:calcium_vitamin_d"},
}
"""A class, or a part of a combination, yields to what says more."""
_MOST_PARTS = 50
"""Ingredients of a medication, or resources inside one; none has more, and each is looked up for each use of it."""
_PROPOSED = frozenset({"proposal", "option"})
_REFUTED = frozenset({"refuted", "entered-in-error"})
_NOT_ACTIVE = frozenset({"inactive", "resolved"})


class Pool:
    """The Medications of a record, found by any way in which they are referred to."""

    def __init__(self, medications: Iterable[tuple[str, fhir.Medication]], urls: Mapping[str, str]) -> None:
        self._known: dict[str, fhir.Medication] = {}
        for source, medication in medications:
            self._known[source] = medication
            if (url := urls.get(source)) is not None:
                self._known[url] = medication

    def find(self, reference: str | None, contained: Sequence[fhir.Resource] | None) -> fhir.Medication | None:
        """A contained Medication (`#id`), or one of the record."""
        if not reference:
            return None
        if reference.startswith("#"):
            inside = (each for each in (contained or ())[:_MOST_PARTS] if each.id == reference[1:])
            return next((each for each in inside if isinstance(each, fhir.Medication)), None)
        plain = reference.partition("/_history/")[0]
        return self._known.get(plain) or self._known.get("/".join(plain.split("/")[-2:]))


@dataclass(frozen=True, slots=True)
class Named:
    """Which drugs a medication is (none of ours: empty), and the note to make of how it was read."""

    concepts: tuple[str, ...]
    reason: str | None = None


def name(resource: Given, pool: Pool) -> Named:
    """The drugs of a medication: by code, by ingredient, last by name."""
    reference = resource.medicationReference
    medication = pool.find(reference.reference if reference else None, resource.contained)
    if medication and len(medication.ingredient or ()) > _MOST_PARTS:
        return Named((UNREADABLE,), "medication-unreadable")
    whole = [resource.medicationCodeableConcept, medication.code if medication else None]
    parts = list(_ingredients(medication, pool, resource.contained))
    by_code = _drugs(whole) or _drugs(parts)
    if by_code:
        return _agreed(by_code, "coding-contradiction")
    display = [reference.display] if reference and reference.display else []
    names = [*texts([*whole, *parts]), *display]
    by_name = frozenset(concept for text in names for concept in named_in(text))
    if by_name:
        agreed = _agreed(by_name, "medication-unreadable")
        return Named(agreed.concepts, agreed.reason or "read-by-name")
    is_another = any(coding.code and terminology.key_of(coding.system) == "atc" for coding in codings(*whole, *parts))
    if names or is_another:
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
    by_name = frozenset(concept for text in names for concept in named_in(text))
    if by_name:
        reader.note(source, "read-by-name", min(by_name))
    elif not names and not any(coding.code for coding in codings(allergy.code)):
        reader.note(source, "code-unreadable", "allergy")
    return by_name


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


def _agreed(concepts: frozenset[str], otherwise: str) -> Named:
    """The one drug that all names mean; several unlike ones cannot be read."""
    if {"drug:calcium", "drug:vitamin_d"} <= concepts:
        concepts |= {"drug:calcium_vitamin_d"}
    left = tuple(concept for concept in concepts if not _YIELDS_TO.get(concept, frozenset()) & concepts)
    return Named(left) if len(left) == 1 else Named((UNREADABLE,), otherwise)


def _names() -> tuple[dict[str, str], tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Whole names, beginnings and endings, each with its concept; the words of a name are joined by `_`."""
    whole: dict[str, str] = {}
    begin: list[tuple[str, str]] = []
    end: list[tuple[str, str]] = []
    for row in terminology.table("drug_names.csv"):
        for word in row["names"].split():
            if word.endswith("*"):
                begin.append((word[:-1], row["concept"]))
            elif word.startswith("*"):
                end.append((word[1:], row["concept"]))
            else:
                whole[word] = row["concept"]
    return whole, tuple(begin), tuple(end)


_WHOLE, _BEGIN, _END = _names()
_LONGEST_NAME = max(name.count("_") for name in _WHOLE) + 1
_LONGEST_TEXT = 400
_WORDS = re.compile(r"[^\W_]+").findall


def named_in(text: str) -> Iterator[str]:
    """The drugs whose names stand in a text as whole words; of names that begin alike, the longest."""
    words: list[str] = _WORDS(text[:_LONGEST_TEXT].casefold())
    place = 0
    while place < len(words):
        length, concept = _name_at(words, place)
        if concept is not None:
            yield concept
        place += length


def _name_at(words: list[str], place: int) -> tuple[int, str | None]:
    for length in range(min(_LONGEST_NAME, len(words) - place), 0, -1):
        concept = _WHOLE.get("_".join(words[place : place + length]))
        if concept is not None:
            return length, concept
    word = words[place]
    by_beginning = (concept for beginning, concept in _BEGIN if word.startswith(beginning))
    by_ending = (concept for ending, concept in _END if word.endswith(ending))
    return 1, next(by_beginning, None) or next(by_ending, None)
