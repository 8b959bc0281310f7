"""Under which codes and unit a resource is counted, and why one is passed over without a note."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cds_service.mappings import fhir, shown, terminology
from cds_service.mappings.datatypes import CodeableConcept, Coding, Quantity, Reference
from cds_service.mappings.entries import READ_TYPES
from cds_service.mappings.numbers import is_sent
from cds_service.mappings.reading import codings
from cds_service.mappings.site_map import is_in_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cds_service.mappings.medications import Pool
    from cds_service.mappings.site_map import SiteMap

Concepts: TypeAlias = "list[CodeableConcept | None]"
_Result: TypeAlias = fhir.Observation | fhir.Component
GIVEN = (fhir.MedicationRequest, fhir.MedicationAdministration, fhir.MedicationStatement)
_CODED = (fhir.Observation, fhir.Condition, fhir.Procedure, fhir.ServiceRequest, fhir.AllergyIntolerance)
_UNCODED = (fhir.Patient, fhir.Encounter, fhir.QuestionnaireResponse)
TYPE_NOT_READ = "type-not-read"
WITH_AN_ORDER = "only-with-an-order"
NO_CODE = "no-code"
NOTHING_SAID = "nothing-said"
UNKNOWN_SYSTEM = "unknown-code-system"
NOT_ASKED_FOR = "not-asked-for"
NO_BONE = "no-bone"
IN_PARTS = "read-in-its-components"
SILENT = (TYPE_NOT_READ, WITH_AN_ORDER, NO_CODE, NOTHING_SAID, UNKNOWN_SYSTEM, NOT_ASKED_FOR, NO_BONE, IN_PARTS)
"""Why nothing was read, where the service itself makes no note."""


class Key(NamedTuple):
    """What is counted together, as it may be shown."""

    resource_type: str
    codings: tuple[tuple[str, str], ...] = ()
    """System and code."""
    unit: str = shown.NONE


def key_of(resource: fhir.Resource, pool: Pool) -> Key:
    """The key of a resource; `pool` holds the Medications that it may refer to."""
    unit = _unit(resource) if isinstance(resource, fhir.Observation) else shown.NONE
    return Key(type(resource).__name__, _shown(concepts_of(resource, pool)), unit)


def concepts_of(resource: fhir.Resource, pool: Pool) -> Concepts:
    """Where the resource says what it is."""
    if isinstance(resource, _CODED):
        return [resource.code]
    if isinstance(resource, GIVEN):
        return [resource.medicationCodeableConcept, *_of_medication(referred(resource, pool))]
    if isinstance(resource, fhir.Medication):
        return _of_medication(resource)
    return _of_imaging(resource)


def referred(resource: fhir.Resource, pool: Pool) -> fhir.Medication | None:
    """The Medication that a request, administration or statement refers to."""
    if not isinstance(resource, GIVEN) or resource.medicationReference is None:
        return None
    return pool.find(resource.medicationReference.reference, resource.contained)


def silence_of(resource: fhir.Resource, pool: Pool, site: SiteMap) -> str:
    """Why nothing was read from a resource on which no note was made."""
    if not isinstance(resource, READ_TYPES):
        return TYPE_NOT_READ
    if isinstance(resource, fhir.Appointment):
        return WITH_AN_ORDER
    return NOTHING_SAID if isinstance(resource, _UNCODED) else silence(concepts_of(resource, pool), site)


def silence(concepts: Concepts, site: SiteMap) -> str:
    """Why nothing was read from these codes where no note was made."""
    sent = [coding for coding in codings(*concepts) if coding.code]
    if not sent:
        return NO_CODE
    if any(is_in_tables(coding) or site.meaning(coding.system, coding.code) for coding in sent):
        return NOTHING_SAID
    return NOT_ASKED_FOR if any(terminology.key_of(coding.system) for coding in sent) else UNKNOWN_SYSTEM


def sites_of(resource: fhir.Resource) -> Iterator[tuple[Key, CodeableConcept]]:
    """The body sites of a resource, each with its key."""
    name = type(resource).__name__
    for element, site in _sites(resource):
        if site is not None:
            yield Key(f"{name}.{element}", _shown([site])), site


def place_of(site: CodeableConcept) -> str:
    """What the codings of a site say: bone, side, zone, the whole body; empty where they say nothing of ours."""
    rows = [terminology.body_site(coding.system, coding.code) for coding in codings(site)]
    told = {part for row in rows if row for part in (row.bone, row.side, row.zone, row.whole_body and "whole-body")}
    return " ".join(sorted(str(part) for part in told if part))


def readable(resource: fhir.Resource) -> fhir.Resource:
    """A Medication as somebody takes it, for it is read with a statement or a request only; others as they are."""
    if not isinstance(resource, fhir.Medication):
        return resource
    contained = fhir.Medication("m", code=resource.code, ingredient=resource.ingredient)
    return fhir.MedicationStatement(
        status="active", medicationReference=Reference("#m"), dateAsserted=None, contained=[contained]
    )


def parts_of(resource: fhir.Resource) -> Iterator[tuple[Key, fhir.Observation, CodeableConcept | None]]:
    """Key and code of each component, as the only part of an Observation that says nothing of its own."""
    if not isinstance(resource, fhir.Observation):
        return
    for part in resource.component or ():
        alone = fhir.Observation(
            status=resource.status,
            category=resource.category,
            effectiveDateTime=resource.effectiveDateTime,
            effectiveInstant=resource.effectiveInstant,
            effectivePeriod=resource.effectivePeriod,
            bodySite=resource.bodySite,
            specimen=resource.specimen,
            component=[part],
        )
        yield Key("Observation.component", _shown([part.code]), _unit(part)), alone, part.code


def _of_medication(medication: fhir.Medication | None) -> Concepts:
    if medication is None:
        return []
    return [medication.code, *(part.itemCodeableConcept for part in medication.ingredient or ())]


def _of_imaging(resource: fhir.Resource) -> Concepts:
    if isinstance(resource, fhir.DiagnosticReport):
        return [resource.code, *(resource.conclusionCode or ())]
    if isinstance(resource, fhir.BodyStructure):
        return [resource.morphology]
    if isinstance(resource, fhir.ImagingStudy):
        modalities = [*(resource.modality or ()), *(one.modality for one in resource.series or () if one.modality)]
        return [*(resource.procedureCode or ()), CodeableConcept(modalities)]
    return []


def _sites(resource: fhir.Resource) -> Iterator[tuple[str, CodeableConcept | None]]:
    if isinstance(resource, fhir.Observation):
        yield "bodySite", resource.bodySite
    elif isinstance(resource, fhir.Condition | fhir.Procedure):
        yield from (("bodySite", site) for site in resource.bodySite or ())
    elif isinstance(resource, fhir.BodyStructure):
        yield "location", resource.location
        yield from (("locationQualifier", site) for site in resource.locationQualifier or ())
    elif isinstance(resource, fhir.ImagingStudy):
        sites = [one.bodySite for one in resource.series or () if one.bodySite]
        yield from (("series.bodySite", CodeableConcept([Coding(site.system, site.code)])) for site in sites)


def _shown(concepts: Iterable[CodeableConcept | None]) -> tuple[tuple[str, str], ...]:
    told = {(shown.system(coding.system), shown.code(coding.system, coding.code)) for coding in codings(*concepts)}
    return tuple(sorted(told))


def _unit(result: _Result) -> str:
    """The unit of a quantity, or the kind of value that has none."""
    if result.valueQuantity is not None:
        return shown.unit(result.valueQuantity)
    if result.valueRange is not None:
        return shown.unit(result.valueRange.low or result.valueRange.high or Quantity())
    if result.valueString:
        return "(text)"
    if is_sent(result.valueInteger):
        return "(integer)"
    is_coded = result.valueCodeableConcept is not None or result.valueBoolean is not None
    return "(coded)" if is_coded else shown.NONE
