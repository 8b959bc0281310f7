"""The services, one per hook, what each asks the EHR to prefetch, and the discovery document."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

Hook: TypeAlias = Literal["patient-view", "order-select", "order-sign"]
_BASE = "{canonical}"
_MINE = "patient={{context.patientId}}"
_RECORD = {
    "patient": "Patient/{{context.patientId}}",
    "conditions": f"Condition?{_MINE}&_sort=-recorded-date&_count=200",
    "labs": f"Observation?{_MINE}&category=laboratory&_sort=-date&_count=200",
    "vitals": f"Observation?{_MINE}&category=vital-signs&_sort=-date&_count=50",
    "imagingFindings": f"Observation?{_MINE}&category=imaging&_sort=-date&_count=50",
    "imagingStudies": f"ImagingStudy?{_MINE}&_sort=-started&_count=50",
    "reports": f"DiagnosticReport?{_MINE}&_sort=-date&_count=50",
    "bodyStructures": f"BodyStructure?{_MINE}&_sort=-_lastUpdated&_count=50",
    "procedures": f"Procedure?{_MINE}&_sort=-date&_count=100",
    "medicationRequests": f"MedicationRequest?{_MINE}&_sort=-authoredon&_count=100",
    "medicationAdministrations": f"MedicationAdministration?{_MINE}&_sort=-effective-time&_count=100",
    "medicationStatements": f"MedicationStatement?{_MINE}&_sort=-effective&_count=100",
    "allergies": f"AllergyIntolerance?{_MINE}&_sort=-date&_count=50",
    "serviceRequests": f"ServiceRequest?{_MINE}&_sort=-authored&_count=50",
    "encounters": f"Encounter?{_MINE}&_sort=-date&_count=10",
    "assessment": (
        f"QuestionnaireResponse?{_MINE}&questionnaire={_BASE}/Questionnaire/cno-assessment&_sort=-authored&_count=5"
    ),
}
_RECORD_AND_PLAN = {
    **_RECORD,
    "appointments": f"Appointment?{_MINE}&_sort=-date&_count=20",
}


@dataclass(frozen=True, slots=True)
class Service:
    """One CDS Service: POST to `/cds-services/{id}`, fired by `hook`."""

    id: str
    hook: Hook
    title: str
    description: str
    templates: Mapping[str, str]
    """Prefetch key → query; `{canonical}` stands for the canonical base of this installation."""
    prefetched_types: Mapping[str, str] = field(init=False)
    """Prefetch key → the resource type that it asks for."""

    def __post_init__(self) -> None:
        types = {key: query.partition("?")[0].partition("/")[0] for key, query in self.templates.items()}
        object.__setattr__(self, "prefetched_types", MappingProxyType(types))

    def prefetch(self, canonical_base: str) -> dict[str, str]:
        """The prefetch templates of an installation, within the simple queries of CDS Hooks 2.0."""
        return {key: query.replace(_BASE, canonical_base) for key, query in self.templates.items()}


SERVICES = (
    Service(
        id="cno-patient-view",
        hook="patient-view",
        title="CNO: classification and biopsy",
        description=(
            "Children with chronic non-bacterial osteomyelitis, or suspicion of it: classification criteria, reasons "
            "for and against biopsy, red flags. Silent for everyone else. Classification, not diagnosis."
        ),
        templates=MappingProxyType(_RECORD),
    ),
    Service(
        id="cno-order-select",
        hook="order-select",
        title="CNO: orders being chosen",
        description="Readiness for zoledronic acid, and what belongs to a bone biopsy, for the chosen orders.",
        templates=MappingProxyType(_RECORD_AND_PLAN),
    ),
    Service(
        id="cno-order-sign",
        hook="order-sign",
        title="CNO: orders being signed",
        description="Readiness for zoledronic acid, and what belongs to a bone biopsy, before signing.",
        templates=MappingProxyType(_RECORD_AND_PLAN),
    ),
)
BY_HOOK: Mapping[str, Service] = MappingProxyType({service.hook: service for service in SERVICES})
ORDER_HOOKS = frozenset({"order-select", "order-sign"})


def discovery(canonical_base: str) -> bytes:
    """The discovery document as JSON, the same bytes each time."""
    services = [
        {
            "hook": service.hook,
            "title": service.title,
            "description": service.description,
            "id": service.id,
            "prefetch": service.prefetch(canonical_base),
        }
        for service in SERVICES
    ]
    return msgspec.json.encode({"services": services})
