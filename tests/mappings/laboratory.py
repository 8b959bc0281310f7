"""Builds laboratory Observations and reads them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from cds_service.guideline.facts import Coded, Measurement, Note
from cds_service.guideline.interval import Interval
from cds_service.mappings.fhir import Observation
from cds_service.mappings.observations import Laboratory

TODAY = date(2025, 9, 15)
SOURCE = "Observation/o1"
NLK = "urn:oid:2.16.578.1.12.4.1.1.7280"
NPU = "urn:oid:1.2.208.176.2.1"
LOCAL = "urn:oid:2.16.578.1.12.4.1.1.8212"
LOINC = "http://loinc.org"
SCT = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
V3 = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
LABORATORY = [{"coding": [{"code": "laboratory"}]}]


@dataclass(frozen=True)
class Reading:
    """What one Observation came to."""

    measurements: tuple[Measurement, ...]
    coded: tuple[Coded, ...]
    notes: tuple[Note, ...]


NOTHING_READ = Reading((), (), ())


def coded(*codings: tuple[str | None, str | None] | tuple[str | None, str | None, str], text: str | None = None):
    return {"coding": [dict(zip(("system", "code", "display"), one, strict=False)) for one in codings], "text": text}


def amount(value: Any, unit: str | None = None, code: str | None = None, comparator: str | None = None):
    return {"value": value, "unit": unit, "code": code, "system": UCUM if code else None, "comparator": comparator}


def reading_of(**fields: Any) -> Reading:
    """Read a final haemoglobin of 1 September unless the fields say otherwise; None takes a field away."""
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "code": coded((NLK, "NOR05172")),
        "effectiveDateTime": "2025-09-01",
        "valueQuantity": amount(12.4, "g/dL"),
    } | fields
    laboratory = Laboratory(TODAY)
    laboratory.read(msgspec.json.decode(json.dumps(resource), type=Observation), SOURCE)
    measurements = tuple(one for found in laboratory.measurements.values() for one in found)
    return Reading(measurements, tuple(laboratory.coded), tuple(dict.fromkeys(laboratory.notes)))


def measured(**fields: Any):
    reading = reading_of(**fields)
    assert reading.notes == ()
    (measurement,) = reading.measurements
    return measurement


def refusals(**fields: Any) -> set[tuple[str, str | None]]:
    reading = reading_of(**fields)
    assert reading.measurements == ()
    assert {note.source for note in reading.notes} <= {SOURCE}
    return {(note.reason, note.concept) for note in reading.notes}


def exactly(number: str) -> Interval:
    return Interval.exactly(Decimal(number))
