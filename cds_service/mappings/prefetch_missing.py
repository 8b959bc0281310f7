"""What a request left out: queries without an answer, lists with a further page, Medications only referred to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cds_service.mappings.datatypes import Failed, is_next, self_urls
from cds_service.mappings.fhir import (
    Bundle,
    Medication,
    MedicationAdministration,
    MedicationRequest,
    MedicationStatement,
    Observation,
    OperationOutcome,
    Patient,
)
from cds_service.mappings.medications import reference_of
from cds_service.mappings.prefetch import types_of
from cds_service.mappings.prefetch_keys import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cds_service.mappings.fhir import Resource, Slot

_OF_A_DRUG = (MedicationRequest, MedicationAdministration, MedicationStatement)
_CATEGORY = re.compile(r"[?&]category=([a-z\-]+)")
_NARROWED = re.compile(r"[?&](?:category|code)(?:[:.][\w\-]+)?=", re.IGNORECASE)
_NOT_NARROWING = frozenset(
    {"", "patient", "subject", "questionnaire", "_count", "_sort", "_include", "_revinclude", "_format"}
    | {"_total", "_summary", "_elements", "_pretty", "_security"}
)
"""Parameters of a search that leave nothing of the patient's list out; the category is looked at by itself."""
_BELOW = re.compile(r"/(?:Encounter|EpisodeOfCare)/[^/]+/")
_QUALIFIERS = frozenset(
    {"resolved", "inactive", "active", "past", "current", "recent", "latest", "newest", "primary", "main", "chronic"}
)
"""Words of a key that say that it asked for a part of the list."""
_MEDICATION = re.compile(r"(?:^|/)Medication/((?!\.{1,2}(?:/|$))[A-Za-z0-9.\-]{1,256})(?:/_history/[^/]*)?$")


def unanswered(prefetch: Mapping[str, Slot], queries: Mapping[str, str]) -> list[str]:
    """The keys of our queries that no value answers.

    Null, an empty Bundle and an OperationOutcome are answers, under whatever key; what could not be read is none.
    """
    return [key for key, query in queries.items() if not _is_answered(key, query, prefetch)]


def _is_answered(key: str, query: str, prefetch: Mapping[str, Slot]) -> bool:
    if key in prefetch:
        return not isinstance(prefetch[key], Failed)
    kind = query.partition("?")[0].partition("/")[0]
    if kind == Patient.__name__:
        return any(isinstance(resource, Patient) for resource in resources(prefetch.values()))
    category = _CATEGORY.search(query)
    return any(
        kind in types_of(own, value, {})
        and not _is_narrowed(own, value)
        and (category is None or _is_whole(own, value, key, category[1]))
        for own, value in prefetch.items()
        if not isinstance(value, Failed)
    )


def _is_narrowed(own: str, value: Slot) -> bool:
    """Whether a list under a key of the caller's own was asked for with more than whose it is: it is not the whole."""
    if not _QUALIFIERS.isdisjoint(words_of(own)):
        return True
    if value is None or isinstance(value, OperationOutcome):
        return False
    if not isinstance(value, Bundle):
        return True
    return any(_narrows(url) for url in self_urls(value.link))


def _narrows(url: str) -> bool:
    path, _, query = url.partition("?")
    names = {part.partition("=")[0].partition(":")[0].casefold() for part in query.split("&") if part}
    if path.endswith(Observation.__name__):
        names.discard("category")
    return bool(names - _NOT_NARROWING) or _BELOW.search(path) is not None


def _is_whole(own: str, value: Slot, key: str, category: str) -> bool:
    """Whether a list of Observations under another key answers our query for a category."""
    if set(words_of(key)) <= set(words_of(own)):
        return True
    if not isinstance(value, Bundle):
        return False
    urls = self_urls(value.link)
    if urls:
        return any(category in url or _NARROWED.search(url) is None for url in urls)
    mark = f'"{category}"'.encode()
    return any(isinstance(each, Observation) and mark in bytes(each.category) for each in resources([value]))


def further_pages(prefetch: Mapping[str, Slot]) -> dict[str, str]:
    """Key → the link to the next page of its list, where nothing in the list says that it failed."""
    return {
        key: link
        for key, value in prefetch.items()
        if isinstance(value, Bundle) and (link := next_link(value)) is not None and not _has_failed(value)
    }


def next_link(bundle: Bundle) -> str | None:
    """The link to the next page."""
    return next((link.url for link in bundle.link or () if is_next(link) and link.url), None)


def _has_failed(bundle: Bundle) -> bool:
    return any(isinstance(each, OperationOutcome) and each.is_failure for each in resources([bundle]))


def resources(values: Iterable[Slot]) -> Iterator[Resource]:
    """Every resource that was read, in Bundles too."""
    for value in values:
        if isinstance(value, Bundle):
            yield from resources(entry.resource for entry in value.entry or ())
        elif value is not None and not isinstance(value, Failed):
            yield value


def unresolved_medications(values: Iterable[Slot]) -> dict[str, set[str]]:
    """Id → references, of each Medication that a drug is told by and that is not among the values."""
    known: set[str | None] = set()
    wanted: dict[str, set[str]] = {}
    for resource in resources(values):
        if isinstance(resource, Medication):
            known.add(resource.id)
        elif isinstance(resource, _OF_A_DRUG) and resource.medicationCodeableConcept is None:
            reference = reference_of(resource)
            found = _MEDICATION.search((reference.reference if reference else None) or "")
            if found is not None:
                wanted.setdefault(found[1], set()).add(found.string)
    return {identifier: references for identifier, references in wanted.items() if identifier not in known}
