"""ImagingStudy, imaging reports and procedures → what was examined, and whether the whole body was; never a lesion."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cds_service.guideline.facts import Study
from cds_service.guideline.interval import Truth
from cds_service.mappings import service_names, terminology
from cds_service.mappings.reading import FINAL, REPORTED, codings, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cds_service.guideline.dates import When
    from cds_service.mappings import datatypes, fhir
    from cds_service.mappings.reading import Reader

_AVAILABLE = frozenset({"available"})
_COMPLETED = frozenset({"completed"})
_LABORATORY = frozenset({"nlk", "npu"})
"""Systems whose codes never mean imaging."""
_COVERAGE_UNTOLD = frozenset({"img:pet", "img:petct", "img:bone_scan"})
"""Often of the whole body, but only a code can say so: ask (AMB-15)."""
_COVERS_IF_WHOLE = {"img:mr": Truth.YES, "img:pet": Truth.YES, "img:petct": Truth.YES, "img:nm": Truth.UNKNOWN}
"""What a study counts for whose series are of the whole body. CT of the whole body never counts."""
_WHOLE_BODY_NAME = re.compile(r"\bhelkropp|\bheilkropp|whole.?body", re.IGNORECASE).search
_BONE_SCAN_NAME = re.compile(r"skjelett-?scinti|bone scan|bein-?scinti", re.IGNORECASE).search


def kinds(concepts: Iterable[datatypes.CodeableConcept | None], source: str, reader: Reader) -> dict[str, Truth]:
    """Kinds of imaging that codes name, each with whether it covers the whole body."""
    found: dict[str, Truth] = {}
    for coding in codings(*concepts):
        row = terminology.imaging(coding.system, coding.code)
        if row is None or not row.kind.startswith("img:"):
            continue
        kind, whole = _by_name(row.kind, coding, source, reader)
        found[kind] = found.get(kind, Truth.NO) | row.whole_body | whole
    return found


def requested(request: fhir.ServiceRequest, source: str, reader: Reader) -> tuple[frozenset[str], bool]:
    """Kinds of imaging that a request asks for, and whether with contrast: by code, last by name."""
    by_code = frozenset(kinds((request.code,), source, reader))
    if not by_code:
        return named(request, source, reader)
    return by_code, with_contrast(by_code, (request.code, *(request.orderDetail or ())))


def named(request: fhir.ServiceRequest, source: str, reader: Reader) -> tuple[frozenset[str], bool]:
    """The same by what is written beside codes that no table holds, noted, also where it says what is not wanted."""
    if any(terminology.key_of(coding.system) in _LABORATORY for coding in codings(request.code)):
        return frozenset(), False
    asked = [service_names.asked(text) for text in texts((request.code,))]
    found = frozenset(kind for each in asked for kind in each.kinds)
    for kind in sorted(found):
        reader.note(source, "read-by-name", kind)
    if not found and any(each.denied for each in asked):
        reader.note(source, "code-unreadable", "service_request")
    by_name = _is_one(found) and any(each.contrast for each in asked if each.kinds)
    return found, by_name or with_contrast(found, request.orderDetail or ())


def read_study(study: fhir.ImagingStudy, source: str, reader: Reader) -> list[Study]:
    """Read an ImagingStudy that is available; one that does not say what was examined may be any, which is noted."""
    procedures = study.procedureCode or ()
    found = kinds(procedures, source, reader) or _by_modality(study)
    is_open = not found and not any(coding.code for coding in (*codings(*procedures), *_modalities(study)))
    if not (found or is_open) or not reader.has_status(source, "imaging", study.status, _AVAILABLE):
        return []
    if is_open:
        reader.note(source, "code-unreadable", "imaging")
        return []
    contrast = with_contrast(found, procedures)
    return _studies(found, reader.when(source, "imaging", study.started), source, reader, contrast=contrast)


def read_report(report: fhir.DiagnosticReport, source: str, reader: Reader) -> list[Study]:
    """Read what a final imaging report says was examined; one that does not say what it is may be one: it is noted."""
    if report.code is None or not (report.code.text or any(coding.code for coding in codings(report.code))):
        reader.note(source, "code-unreadable", "imaging")
    found = kinds((report.code,), source, reader)
    if not found or not reader.has_status(source, "imaging", report.status, REPORTED):
        return []
    when = reader.when(source, "imaging", report.effectiveDateTime, report.effectivePeriod)
    return _studies(found, when, source, reader, contrast=with_contrast(found, (report.code,)))


def read_procedure(procedure: fhir.Procedure, source: str, reader: Reader) -> list[Study]:
    """Read an imaging procedure that was completed."""
    found = kinds((procedure.code,), source, reader)
    if not found or not reader.has_status(source, "imaging", procedure.status, _COMPLETED):
        return []
    when = reader.when(source, "imaging", procedure.performedDateTime, procedure.performedPeriod)
    return _studies(found, when, source, reader, contrast=with_contrast(found, (procedure.code,)))


def read_observation(observation: fhir.Observation, source: str, reader: Reader) -> list[Study] | None:
    """Read an imaging result that is sent as an Observation, its text unread; None if its code is no imaging code."""
    found = kinds((observation.code,), source, reader)
    if not found:
        return None
    if not reader.has_status(source, "imaging", observation.status, FINAL):
        return []
    date = observation.effectiveDateTime or observation.effectiveInstant
    when = reader.when(source, "imaging", date, observation.effectivePeriod)
    parts = (component.code for component in observation.component or ())
    contrast = with_contrast(found, (observation.code, observation.method, *parts))
    return _studies(found, when, source, reader, contrast=contrast)


def is_mri(kind: str) -> bool:
    """Whether the kind is magnetic resonance imaging, of a part or of the whole body."""
    return kind.startswith(("img:mr", "img:wbmri"))


def with_contrast(kinds: Iterable[str], concepts: Iterable[datatypes.CodeableConcept | None]) -> bool:
    """Whether a code says that contrast is given. Of two modalities nobody can say which of them it belongs to."""
    if not _is_one(kinds):
        return False
    rows = (terminology.imaging(coding.system, coding.code) for coding in codings(*concepts))
    return any(row is not None and row.contrast for row in rows)


def _is_one(kinds: Iterable[str]) -> bool:
    """Whether the kinds are of one modality."""
    return len({"img:mr" if is_mri(kind) else kind for kind in kinds}) == 1


def _studies(
    found: Mapping[str, Truth], when: When | None, source: str, reader: Reader, *, contrast: bool
) -> list[Study]:
    if not reader.has_happened(source, "imaging", when):
        return []
    return [Study(kind, source, whole, when, contrast) for kind, whole in sorted(found.items())]


def _by_name(kind: str, coding: datatypes.Coding, source: str, reader: Reader) -> tuple[str, Truth]:
    """Norwegian whole-body codes are not known by code: a name may suggest one, the clinician confirms."""
    named = {"img:mr": (_WHOLE_BODY_NAME, "img:wbmri"), "img:nm": (_BONE_SCAN_NAME, "img:bone_scan")}.get(kind)
    if named is None or not named[0](coding.display or ""):
        return kind, _untold(kind)
    reader.note(source, "read-by-name", named[1])
    return named[1], Truth.UNKNOWN


def _by_modality(study: fhir.ImagingStudy) -> dict[str, Truth]:
    """The kind by modality; PET and CT together are PET/CT."""
    rows = [terminology.imaging(coding.system, coding.code) for coding in _modalities(study)]
    found = {row.kind for row in rows if row is not None and row.kind.startswith("img:")}
    if {"img:pet", "img:ct"} <= found:
        found = found - {"img:pet", "img:ct"} | {"img:petct"}
    whole = any(_is_whole_body(series) for series in study.series or ())
    return {kind: _COVERS_IF_WHOLE.get(kind, Truth.NO) if whole else _untold(kind) for kind in found}


def _modalities(study: fhir.ImagingStudy) -> list[datatypes.Coding]:
    return [*(study.modality or ()), *(series.modality for series in study.series or () if series.modality)]


def _untold(kind: str) -> Truth:
    return Truth.UNKNOWN if kind in _COVERAGE_UNTOLD else Truth.NO


def _is_whole_body(series: fhir.Series) -> bool:
    if series.bodySite is None:
        return False
    row = terminology.body_site(series.bodySite.system, series.bodySite.code)
    return row is not None and bool(row.whole_body)
