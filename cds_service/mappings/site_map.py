"""A site's own codes: its FHIR ConceptMap, by which a coding that we do not know gets one that we do beside it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import DecodeError, Raw, Struct

from cds_service.mappings import terminology
from cds_service.mappings.datatypes import Coding, SiteCoding
from cds_service.mappings.fhir import QuestionnaireResponse, Series
from cds_service.mappings.spelling import address_of
from cds_service.mappings.terminology import normal_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, TypeAlias

    from cds_service.mappings.entries import Entries

    _Key: TypeAlias = tuple[str, str]

MOST_BYTES = 20 * 2**20
"""No laboratory has so many codes."""
_SAME = frozenset({"equal", "equivalent"})
_WORDS = frozenset(
    {
        "relatedto", "wider", "subsumes", "narrower", "specializes", "inexact", "unmatched", "disjoint", "related-to",
        "source-is-narrower-than-target", "source-is-broader-than-target", "not-related-to",
    }
)  # fmt: skip
"""What R4 (`equivalence`) and R5 (`relationship`) say of codes that do not mean the same."""
CONDITIONAL = "only under a condition"
UNKNOWN_TARGET = "to a code in none of the tables"
UNTOLD = "without a code or an equivalence"


class SiteMapError(Exception):
    """The file is no map that can be used; the message ends a sentence that begins with the file."""


class _Target(Struct, gc=False):
    code: str | None = None
    equivalence: str | None = None
    relationship: str | None = None
    dependsOn: list[Raw] | None = None  # noqa: N815  FHIR's own name
    product: list[Raw] | None = None


class _Element(Struct, gc=False):
    code: str | None = None
    target: list[_Target] | None = None


class _Group(Struct, gc=False):
    source: str | None = None
    target: str | None = None
    element: list[_Element] | None = None


class _ConceptMap(Struct, gc=False):
    resourceType: Literal["ConceptMap"]  # noqa: N815  FHIR's own name
    group: list[_Group] | None = None


_CONCEPT_MAP = msgspec.json.Decoder(_ConceptMap)


@dataclass(frozen=True, slots=True)
class SiteMap:
    """What a site's codes mean. The empty map changes nothing and costs nothing."""

    codings: Mapping[_Key, tuple[SiteCoding, ...]] = field(default_factory=dict)
    """System (our key of it, else its plain address; empty for none) and code → codings that our tables hold."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Why mappings of the file are not read → how many."""

    def summary(self) -> str:
        """How many codes are read, and how many mappings are not, for which reasons."""
        told = f"codes read: {len(self.codings)}"
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(self.left_out.items()))
        return f"{told}; not read: {why}" if why else told

    def translate(self, *gathered: Entries) -> None:
        """Put beside each coding of the resources what it means; a form has codes of its own."""
        if self.codings:
            for _, resource in chain.from_iterable(each.all() for each in gathered):
                if not isinstance(resource, QuestionnaireResponse):
                    self._within(resource)

    def _within(self, node: object) -> None:
        if isinstance(node, list):
            self._beside(node)
        elif isinstance(node, Struct):
            if isinstance(node, Series):
                self._instead(node)
            for name in node.__struct_fields__:
                self._within(getattr(node, name))

    def _beside(self, items: list[Any]) -> None:
        for item in items.copy():
            if isinstance(item, Coding):
                items += [coding for coding in self.meaning(item.system, item.code) if coding not in items]
            else:
                self._within(item)

    def _instead(self, series: Series) -> None:
        """Modality and body site of a series are one coding each, with no room beside it."""
        modality, site = series.modality, series.bodySite
        if modality is not None:
            series.modality = next(iter(self.meaning(modality.system, modality.code)), modality)
        if site is not None:
            for coding in self.meaning(site.system, site.code)[:1]:
                site.system, site.code = coding.system, coding.code

    def meaning(self, system: str | None, code: str | None) -> tuple[SiteCoding, ...]:
        """What a coding of the site means; nothing where the map does not say."""
        return self.codings.get(_key(system, code), ()) if code else ()


NO_MAP = SiteMap()


def read_site_map(content: bytes) -> SiteMap:
    """The map of a FHIR ConceptMap (R4, or R5 with its `relationship`).

    Raises:
        SiteMapError: it is none, or maps no code to one that our tables hold.
    """
    try:
        groups = _CONCEPT_MAP.decode(content).group or ()
    except DecodeError:
        raise SiteMapError("is not a FHIR ConceptMap in JSON") from None
    found: dict[_Key, dict[_Key, SiteCoding]] = {}
    left_out: Counter[str] = Counter()
    for source, coding, why in _mappings(groups):
        if why is not None:
            left_out[why] += 1
        else:
            found.setdefault(source, {})[_key(coding.system, coding.code)] = coding
    if not found:
        raise SiteMapError("maps no code to one that this service reads")
    codings = {source: tuple(meant.values()) for source, meant in found.items()}
    return SiteMap(MappingProxyType(codings), MappingProxyType(dict(left_out)))


def _mappings(groups: Iterable[_Group]) -> Iterator[tuple[_Key, SiteCoding, str | None]]:
    """Source, target, and the reason why that is not read."""
    for group in groups:
        for element in group.element or ():
            for target in element.target or ():
                meant = SiteCoding(group.target, target.code)
                yield _key(group.source, element.code), meant, _why_not(element, target, meant)


def _why_not(element: _Element, target: _Target, meant: SiteCoding) -> str | None:
    word = target.equivalence or target.relationship
    if word in _WORDS:
        return word
    if word not in _SAME or not element.code or not target.code:
        return UNTOLD
    if target.dependsOn or target.product:
        return CONDITIONAL
    return None if is_in_tables(meant) else UNKNOWN_TARGET


def is_in_tables(coding: Coding) -> bool:
    """Whether one of our tables holds the code, and a rule asks for it."""
    system, code = coding.system, coding.code
    lab = terminology.lab(system, code)
    others = (
        terminology.condition, terminology.drug, terminology.imaging, terminology.body_site, terminology.finding,
        terminology.histology, terminology.outcome,
    )  # fmt: skip
    return (lab is not None and lab.role != "other") or any(look_up(system, code) for look_up in others)


def _key(system: str | None, code: str | None) -> _Key:
    key = terminology.key_of(system)
    return key or address_of(system or ""), normal_code(key, code or "")
