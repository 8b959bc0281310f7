"""FHIR data types as far as they are read. Numbers stay raw bytes until a rule needs them.

So a string in a number's place is told from a number, and no decimal is lost. Every field may be missing or null.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Raw, Struct

NO_VALUE = Raw(b"")
"""A number that was not sent."""


class UnusableError(Exception):
    """A value was sent that cannot be used; `reason` is a word of the contract's note list."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooManyError(Exception):
    """More than one patient's chart, or one ordering session, can hold; the message says of what and how many."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Stands where a resource could not be read at all. Its note has been written."""

    resource_type: str | None = None
    source: str = ""


class Coding(Struct, gc=False):
    system: str | None = None
    code: str | None = None
    display: str | None = None


class SiteCoding(Coding, gc=False):
    """What a site's map put beside a coding of its own: the same concept, in whatever unit the site measures it."""


class CodeableConcept(Struct, gc=False):
    coding: list[Coding] | None = None
    text: str | None = None


class Quantity(Struct, gc=False):
    value: Raw = NO_VALUE
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Range(Struct, gc=False):
    low: Quantity | None = None
    high: Quantity | None = None


class ReferenceRange(Struct, gc=False):
    low: Quantity | None = None
    high: Quantity | None = None
    type: CodeableConcept | None = None
    appliesTo: list[CodeableConcept] | None = None
    text: str | None = None


class Ratio(Struct, gc=False):
    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Period(Struct, gc=False):
    start: str | None = None
    end: str | None = None


class Reference(Struct, gc=False):
    reference: str | None = None
    display: str | None = None


class CodeableReference(Struct, gc=False):
    """What R5 has for a concept or a reference."""

    concept: CodeableConcept | None = None
    reference: Reference | None = None


class Meta(Struct, gc=False):
    lastUpdated: str | None = None


class SeriesBodySite(Struct, gc=False):
    system: str | None = None
    code: str | None = None


class Repeat(Struct, gc=False):
    boundsPeriod: Period | None = None
    duration: Raw = NO_VALUE
    durationUnit: str | None = None


class Timing(Struct, gc=False):
    event: list[str] | None = None
    repeat: Repeat | None = None


class DoseAndRate(Struct, gc=False):
    type: CodeableConcept | None = None
    doseQuantity: Quantity | None = None
    doseRange: Range | None = None
    rateQuantity: Quantity | None = None
    rateRatio: Ratio | None = None
    rateRange: Range | None = None


class Extension(Struct, gc=False):
    url: str | None = None
    valueQuantity: Quantity | None = None


class Dosage(Struct, gc=False):
    """Dose and rate stand in `doseAndRate`; before R4, and with EHRs that keep to that, beside it."""

    extension: list[Extension] | None = None
    text: Raw = NO_VALUE
    timing: Timing | None = None
    doseAndRate: list[DoseAndRate] | None = None
    doseQuantity: Quantity | None = None
    doseRange: Range | None = None
    rateQuantity: Quantity | None = None
    rateRatio: Ratio | None = None
    rateRange: Range | None = None


class AdministeredDosage(Struct, gc=False):
    dose: Quantity | None = None


class Participant(Struct, gc=False):
    actor: Reference | None = None


class Search(Struct, gc=False):
    mode: str | None = None


class Link(Struct, gc=False):
    relation: str | None = None
    url: str | None = None


def is_next(link: Link) -> bool:
    """Whether a link leads to the next page."""
    return (link.relation or "").strip().casefold() == "next"


def self_urls(links: list[Link] | None) -> list[str]:
    """What a list says that it was asked for with."""
    return [link.url for link in links or () if link.relation == "self" and link.url]
