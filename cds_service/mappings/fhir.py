"""FHIR R4 as far as it is read: slim msgspec structs for one typed pass (what stumbles goes through tolerant.py).

Numbers stay raw bytes until a rule needs them, so that a string in a number's place is told from a number and no
decimal is lost. Every field may be missing or null.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, TypeAlias, Union

import msgspec
from msgspec import Raw, Struct

from cds_service.mappings.datatypes import (
    NO_VALUE,
    AdministeredDosage,
    CodeableConcept,
    CodeableReference,
    Coding,
    Dosage,
    Failed,
    Link,
    Meta,
    Participant,
    Period,
    Quantity,
    Range,
    Reference,
    Search,
    SeriesBodySite,
)


class Component(Struct, gc=False):
    code: CodeableConcept | None = None
    valueQuantity: Quantity | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueString: str | None = None
    valueInteger: Raw = NO_VALUE
    valueBoolean: bool | None = None
    valueRange: Range | None = None
    dataAbsentReason: CodeableConcept | None = None
    interpretation: Raw = NO_VALUE
    referenceRange: Raw = NO_VALUE


class Resource_(Struct, gc=False, tag_field="resourceType"):  # noqa: N801  `Resource` is the union below
    """What every resource has."""

    id: str | None = None
    meta: Meta | None = None
    patient: Reference | None = None


class Patient(Resource_, gc=False, tag="Patient"):
    birthDate: str | None = None


class Observation(Resource_, gc=False, tag="Observation"):
    status: str | None = None
    category: Raw = NO_VALUE
    code: CodeableConcept | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectiveInstant: str | None = None
    effectivePeriod: Period | None = None
    valueQuantity: Quantity | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueString: str | None = None
    valueInteger: Raw = NO_VALUE
    valueBoolean: bool | None = None
    valueRange: Range | None = None
    dataAbsentReason: CodeableConcept | None = None
    interpretation: Raw = NO_VALUE
    bodySite: CodeableConcept | None = None
    method: CodeableConcept | None = None
    specimen: Reference | None = None
    referenceRange: Raw = NO_VALUE
    hasMember: list[Reference] | None = None
    component: list[Component] | None = None


class Condition(Resource_, gc=False, tag="Condition"):
    clinicalStatus: CodeableConcept | None = None
    verificationStatus: CodeableConcept | None = None
    code: CodeableConcept | None = None
    bodySite: list[CodeableConcept] | None = None
    subject: Reference | None = None
    onsetDateTime: str | None = None
    onsetPeriod: Period | None = None
    onsetAge: Quantity | None = None
    onsetString: str | None = None
    recordedDate: str | None = None


class Series(Struct, gc=False):
    modality: Coding | None = None
    bodySite: SeriesBodySite | None = None
    laterality: Coding | None = None


class ImagingStudy(Resource_, gc=False, tag="ImagingStudy"):
    status: str | None = None
    modality: list[Coding] | None = None
    subject: Reference | None = None
    started: str | None = None
    procedureCode: list[CodeableConcept] | None = None
    series: list[Series] | None = None


class BodyStructure(Resource_, gc=False, tag="BodyStructure"):
    active: bool | None = None
    morphology: CodeableConcept | None = None
    location: CodeableConcept | None = None
    locationQualifier: list[CodeableConcept] | None = None


class DiagnosticReport(Resource_, gc=False, tag="DiagnosticReport"):
    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    issued: str | None = None
    result: list[Reference] | None = None
    imagingStudy: list[Reference] | None = None
    conclusionCode: list[CodeableConcept] | None = None


class Procedure(Resource_, gc=False, tag="Procedure"):
    status: str | None = None
    code: CodeableConcept | None = None
    subject: Reference | None = None
    performedDateTime: str | None = None
    performedPeriod: Period | None = None
    bodySite: list[CodeableConcept] | None = None
    usedCode: list[CodeableConcept] | None = None


class Ingredient(Struct, gc=False):
    itemCodeableConcept: CodeableConcept | None = None
    itemReference: Reference | None = None


class Medication(Resource_, gc=False, tag="Medication"):
    code: CodeableConcept | None = None
    ingredient: list[Ingredient] | None = None


class MedicationRequest(Resource_, gc=False, tag="MedicationRequest"):
    status: str | None = None
    intent: str | None = None
    doNotPerform: bool | None = None
    medication: CodeableReference | None = None
    medicationCodeableConcept: CodeableConcept | None = None
    medicationReference: Reference | None = None
    subject: Reference | None = None
    authoredOn: str | None = None
    dosageInstruction: list[Dosage] | None = None
    contained: list[Resource] | None = None


class MedicationAdministration(Resource_, gc=False, tag="MedicationAdministration"):
    status: str | None = None
    medicationCodeableConcept: CodeableConcept | None = None
    medicationReference: Reference | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    dosage: AdministeredDosage | None = None
    contained: list[Resource] | None = None


class MedicationStatement(Resource_, gc=False, tag="MedicationStatement"):
    status: str | None = None
    medicationCodeableConcept: CodeableConcept | None = None
    medicationReference: Reference | None = None
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    dateAsserted: str | None = None
    contained: list[Resource] | None = None


class AllergyIntolerance(Resource_, gc=False, tag="AllergyIntolerance"):
    clinicalStatus: CodeableConcept | None = None
    verificationStatus: CodeableConcept | None = None
    code: CodeableConcept | None = None


class ServiceRequest(Resource_, gc=False, tag="ServiceRequest"):
    status: str | None = None
    intent: str | None = None
    doNotPerform: bool | None = None
    category: list[CodeableConcept] | None = None
    code: CodeableConcept | None = None
    orderDetail: list[CodeableConcept] | None = None
    bodySite: list[CodeableConcept] | None = None
    subject: Reference | None = None
    occurrenceDateTime: str | None = None
    occurrencePeriod: Period | None = None
    authoredOn: str | None = None
    performerType: CodeableConcept | None = None
    performer: list[Reference] | None = None


class Encounter(Resource_, gc=False, tag="Encounter"):
    status: str | None = None
    subject: Reference | None = None
    period: Period | None = None


class Appointment(Resource_, gc=False, tag="Appointment"):
    status: str | None = None
    start: str | None = None
    basedOn: list[Reference] | None = None
    participant: list[Participant] | None = None


class Answer(Struct, gc=False):
    valueCoding: Coding | None = None
    valueDate: str | None = None
    valueBoolean: bool | None = None
    valueString: str | None = None
    valueDateTime: str | None = None
    valueDecimal: Raw = NO_VALUE
    valueInteger: Raw = NO_VALUE
    item: list[Item] | None = None


class Item(Struct, gc=False):
    linkId: str | None = None
    answer: list[Answer] | None = None
    item: list[Item] | None = None


class QuestionnaireResponse(Resource_, gc=False, tag="QuestionnaireResponse"):
    questionnaire: str | None = None
    status: str | None = None
    subject: Reference | None = None
    authored: str | None = None
    item: list[Item] | None = None


class Issue(Struct, gc=False):
    severity: str | None = None


class OperationOutcome(Resource_, gc=False, tag="OperationOutcome"):
    issue: list[Issue] | None = None

    @property
    def is_failure(self) -> bool:
        """Whether an issue says that something could not be done."""
        return any(issue.severity not in {"information", "warning", "success"} for issue in self.issue or (Issue(),))


class Entry(Struct, gc=False):
    fullUrl: str | None = None
    resource: Slot = None
    search: Search | None = None


class Bundle(Resource_, gc=False, tag="Bundle"):
    type: str | None = None
    total: Raw = NO_VALUE
    link: list[Link] | None = None
    entry: list[Entry] | None = None


class Unread(Resource_, gc=False, tag="Basic"):
    """An R4 resource of a type that no rule asks for."""


_READ = (
    Patient, Observation, Condition, ImagingStudy, BodyStructure, DiagnosticReport, Procedure, Medication,
    MedicationRequest, MedicationAdministration, MedicationStatement, AllergyIntolerance, ServiceRequest, Encounter,
    Appointment, QuestionnaireResponse, OperationOutcome, Bundle, Unread,
)  # fmt: skip
_TYPES = tomllib.loads(files("cds_service.mappings").joinpath("terminology/resource_types.toml").read_text("utf-8"))
_OTHERS = tuple(
    msgspec.defstruct(name, (), bases=(Unread,), tag=name, module=__name__, gc=False) for name in _TYPES["r4"]
)
R4_TYPES = frozenset(_TYPES["r4"]) | {str(struct.__struct_config__.tag) for struct in _READ}
OLDER_TYPES = frozenset(_TYPES["older"])
"""Resource types of DSTU2 and STU3 that R4 no longer has."""

if TYPE_CHECKING:
    Resource: TypeAlias = (
        Patient | Observation | Condition | ImagingStudy | BodyStructure | DiagnosticReport | Procedure | Medication
        | MedicationRequest | MedicationAdministration | MedicationStatement | AllergyIntolerance | ServiceRequest
        | Encounter | Appointment | QuestionnaireResponse | OperationOutcome | Bundle | Unread
    )  # fmt: skip
    Slot: TypeAlias = Resource | Failed | None
else:
    Resource = Union[(*_READ, *_OTHERS)]
    Slot = Union[(*_READ, *_OTHERS, None)]  # only tolerant.py puts a Failed there
