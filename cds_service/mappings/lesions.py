"""Imaging findings and body structures → lesions, findings and histology. What is absent or unclear is no lesion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cds_service.guideline.facts import BiopsyRecord, Coded, Lesion, Side, Zone
from cds_service.mappings import biopsy_names, terminology
from cds_service.mappings.reading import FINAL, REPORTED, codings, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cds_service.guideline.dates import When
    from cds_service.mappings import datatypes, fhir
    from cds_service.mappings.reading import Reader

FEATURES = {
    "finding:lytic": "lytic",
    "finding:sclerotic": "sclerotic",
    "finding:periosteal_reaction": "periosteal-reaction",
    "finding:hyperostosis": "hyperostosis",
    "finding:marrow_oedema": "marrow-oedema",
    "finding:cortical_destruction": "cortical-destruction",
    "finding:vertebral_collapse": "vertebral-collapse",
}
"""Findings that are a feature of a lesion. The others stand for themselves."""
ZONES: tuple[Zone, ...] = ("metaphysis", "diaphysis", "epiphysis", "other")
NO_LESION = "finding:pathological_fracture"
BIOPSY = "proc:bone_biopsy"
_REPORTS = frozenset({"report:histology", "specimen:bone_biopsy"})
_ABSENT = frozenset({"qualifier:absent", "qualifier:unknown"})
_UNCLEAR = frozenset({"qualifier:indeterminate", "qualifier:unclear"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the skeleton."""

    bone: str | None = None
    side: Side | None = None
    zone: Zone | None = None


@dataclass(slots=True)
class Imaged:
    """What imaging findings and histology of a record say."""

    lesions: list[Lesion] = field(default_factory=list)
    findings: list[Coded] = field(default_factory=list)
    biopsies: list[BiopsyRecord] = field(default_factory=list)


def place(sites: Iterable[datatypes.CodeableConcept | None], source: str, reader: Reader) -> Place:
    """Bone, side and zone from all codings of a site and its qualifiers; two sides or two bones are noted."""
    rows = [terminology.body_site(coding.system, coding.code) for coding in codings(*sites)]
    known = [row for row in rows if row is not None]
    bones = {row.bone for row in known if row.bone}
    sides = {row.side for row in known if row.side}
    zones = {row.zone for row in known if row.zone}
    if len(bones) > 1:
        reader.note(source, "coding-contradiction", "lesion")
    if len(sides) > 1:
        reader.note(source, "side-contradiction", "lesion")
    return Place(
        bones.pop() if len(bones) == 1 else None,
        sides.pop() if len(sides) == 1 else None,
        zones.pop() if len(zones) == 1 else None,
    )


def read_observation(observation: fhir.Observation, source: str, reader: Reader, into: Imaged) -> bool:
    """Read an imaging finding or a histology result; False if the Observation is neither."""
    rows = _findings(observation)
    if not rows:
        return _is_histology(observation, source, reader, into)
    if not reader.has_status(source, "lesion", observation.status, FINAL) or rows & _ABSENT:
        return True
    if (reason := _unclear(observation, rows)) is not None:
        reader.note(source, reason, "lesion")
        return True
    when = _taken(observation, source, "lesion", reader)
    if reader.has_happened(source, "lesion", when):
        _add(rows, _site((observation.bodySite,), source, reader), when, source, into)
    return True


def read_structure(structure: fhir.BodyStructure, source: str, reader: Reader, into: Imaged) -> None:
    """Read a BodyStructure: a lesion if its morphology says so, or if it only says which bone."""
    if structure.active is False:
        return
    rows = _rows((structure.morphology,))
    inflamed = bool(_histology((structure.morphology,)))
    if structure.morphology is not None and not rows and not inflamed:
        return
    sites = (structure.location, *(structure.locationQualifier or ()))
    if rows or inflamed:
        _add(rows, _site(sites, source, reader), None, source, into)
        return
    spot = place(sites, source, reader)
    if spot.bone is not None:
        into.lesions.append(Lesion(spot.bone, source, spot.side, spot.zone))


def read_report(report: fhir.DiagnosticReport, source: str, reader: Reader, into: Imaged) -> None:
    """Read the coded conclusions of a report, and whether it is a final histology report."""
    rows = _rows(report.conclusionCode or ())
    found = sorted(name for name in rows if name.startswith("finding:")) if "qualifier:absent" not in rows else []
    is_histology = _is_histology_report(report)
    if not found and not is_histology:
        return
    concept = "biopsy" if is_histology else "lesion"
    if not reader.has_status(source, concept, report.status, REPORTED):
        return
    when = reader.when(source, concept, report.effectiveDateTime, report.effectivePeriod)
    if not reader.has_happened(source, concept, when):
        return
    into.findings += [Coded(name, value=True, source=source, when=when) for name in found]
    if is_histology:
        into.biopsies.append(BiopsyRecord("histology", source, when))


def read_procedure(procedure: fhir.Procedure, source: str, reader: Reader, into: Imaged) -> None:
    """Read a bone biopsy that was done."""
    code, sites = procedure.code, procedure.bodySite or ()
    if BIOPSY not in _histology((code,)) and not is_bone_biopsy(code, sites, source, reader):
        return
    if not reader.has_status(source, "biopsy", procedure.status, frozenset({"completed"})):
        return
    when = reader.when(source, "biopsy", procedure.performedDateTime, procedure.performedPeriod)
    if reader.has_happened(source, "biopsy", when):
        into.biopsies.append(BiopsyRecord("procedure", source, when))


def is_bone_biopsy(
    code: datatypes.CodeableConcept | None,
    sites: Sequence[datatypes.CodeableConcept],
    source: str,
    reader: Reader,
) -> bool:
    """Whether a procedure without a code for it is a bone biopsy: by body site, or by name, which is noted."""
    names = list(texts((code,)))
    by_name = any(map(biopsy_names.names_bone_biopsy, names))
    if not by_name:
        is_coded = any(biopsy_names.is_biopsy_code(coding.system, coding.code) for coding in codings(code))
        told = [*names, *texts(sites)]
        if not (is_coded or any(map(biopsy_names.names_biopsy, names))) or any(
            map(biopsy_names.names_other_tissue, told)
        ):
            return False
        rows = (terminology.body_site(coding.system, coding.code) for coding in codings(*sites))
        has_bone = any(row is not None and row.bone for row in rows)
        if is_coded and has_bone:
            return True
        by_name = has_bone or any(map(biopsy_names.names_bone, told))
    if by_name:
        reader.note(source, "read-by-name", BIOPSY)
    return by_name


def _findings(observation: fhir.Observation) -> frozenset[str]:
    """Finding, zone and qualifier concepts of code, value and components; none if no finding is among them."""
    rows = _of(observation)
    for component in observation.component or ():
        inner = _of(component)
        if not inner & (_ABSENT | _UNCLEAR):
            rows |= inner
    return rows if any(not name.startswith("qualifier:") for name in rows) else frozenset()


def _of(result: fhir.Observation | fhir.Component) -> frozenset[str]:
    """A finding in the code with a coded value that we do not know may be a denial: it is unclear."""
    code, value = _rows((result.code,)), _rows((result.valueCodeableConcept,))
    if code and result.valueCodeableConcept is not None and not value:
        return code | {"qualifier:unclear"}
    return code | value | ({"qualifier:absent"} if result.valueBoolean is False else frozenset())


def _unclear(observation: fhir.Observation, rows: frozenset[str]) -> str | None:
    """Why it cannot be told whether the finding is there."""
    if "qualifier:unclear" in rows:
        return "code-unreadable"
    if observation.valueString:
        return "value-wrong-type"
    return "data-absent" if observation.dataAbsentReason or rows & _UNCLEAR else None


def _rows(concepts: Iterable[datatypes.CodeableConcept | None]) -> frozenset[str]:
    rows = (terminology.finding(coding.system, coding.code) for coding in codings(*concepts))
    return frozenset(row.concept for row in rows if row is not None)


def _taken(observation: fhir.Observation, source: str, concept: str, reader: Reader) -> When | None:
    text = observation.effectiveDateTime or observation.effectiveInstant
    return reader.when(source, concept, text, observation.effectivePeriod)


def _site(sites: Iterable[datatypes.CodeableConcept | None], source: str, reader: Reader) -> Place | None:
    """The place of a finding; None where no site was told, and a note where it is no bone that we know."""
    told = [site for site in sites if site is not None]
    if not told:
        return None
    spot = place(told, source, reader)
    if spot.bone is None:
        reader.note(source, "bone-unmapped", "lesion")
    return spot


def _add(rows: frozenset[str], spot: Place | None, when: When | None, source: str, into: Imaged) -> None:
    """A lesion where a site is told, else findings without a bone. Possible ones stand as findings beside it."""
    found = {name for name in rows if name.startswith("finding:")}
    if spot is not None and found != {NO_LESION}:
        zones = [zone for zone in ZONES if f"zone:{zone}" in rows]
        features = frozenset(FEATURES[name] for name in found if name in FEATURES)
        zone = spot.zone or (zones[0] if len(zones) == 1 else None)
        into.lesions.append(Lesion(spot.bone, source, spot.side, zone, features, when))
        found -= FEATURES.keys()
    into.findings += [Coded(name, value=True, source=source, when=when) for name in sorted(found)]


def _is_histology(observation: fhir.Observation, source: str, reader: Reader, into: Imaged) -> bool:
    """A histology result of bone or of an untold site is one; a morphology alone needs a bone beside it."""
    names = _histology((observation.code, observation.valueCodeableConcept))
    if not names - {BIOPSY}:
        return False
    has_site = observation.bodySite is not None
    is_bone = has_site and place((observation.bodySite,), source, reader).bone is not None
    if not is_bone and (has_site or not names & _REPORTS):
        return bool(names & _REPORTS)
    if reader.has_status(source, "biopsy", observation.status, FINAL):
        when = _taken(observation, source, "biopsy", reader)
        if reader.has_happened(source, "biopsy", when):
            into.biopsies.append(BiopsyRecord("histology", source, when))
    return True


def _is_histology_report(report: fhir.DiagnosticReport) -> bool:
    if _histology((report.code,)) & _REPORTS:
        return True
    is_imaging = any(terminology.imaging(coding.system, coding.code) for coding in codings(report.code))
    return not is_imaging and bool(_histology(report.conclusionCode or ()) - {BIOPSY})


def _histology(concepts: Iterable[datatypes.CodeableConcept | None]) -> frozenset[str]:
    rows = (terminology.histology(coding.system, coding.code) for coding in codings(*concepts))
    return frozenset(row.concept for row in rows if row is not None)
