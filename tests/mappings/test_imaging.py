"""What was examined, and whether the whole body was."""

from datetime import date

import msgspec
import pytest

from cds_service.guideline.dates import When
from cds_service.guideline.facts import Note, Study
from cds_service.guideline.interval import Truth
from cds_service.mappings import fhir
from cds_service.mappings.imaging import read_observation, read_procedure, read_report, read_study
from cds_service.mappings.reading import Reader

DCM = "http://dicom.nema.org/resources/ontology/DCM"
NCRP = "urn:oid:2.16.578.1.12.4.1.1.7270"
LOINC = "http://loinc.org"
SCT = "http://snomed.info/sct"
TODAY = date(2025, 9, 15)
ON = When.on(date(2025, 3, 2))


def concept(system, code, display=None):
    return {"coding": [{"system": system, "code": code, "display": display}]}


def study(**fields):
    reader = Reader(TODAY)
    members = {"resourceType": "ImagingStudy", "status": "available", "started": "2025-03-02", **fields}
    return read_study(msgspec.convert(members, fhir.ImagingStudy), "ImagingStudy/i", reader), reader.notes


def kinds(**fields):
    return {each.kind: each.whole_body for each in study(**fields)[0]}


def modality(*codes):
    return [{"system": DCM, "code": code} for code in codes]


def test_a_modality_tells_the_kind():
    assert study(modality=modality("MR"))[0] == [Study("img:mr", "ImagingStudy/i", Truth.NO, ON)]


def test_digital_and_computed_radiography_are_one_kind():
    assert kinds(modality=modality("DX", "CR")) == {"img:xray": Truth.NO}


def test_pet_with_ct_is_pet_ct_whose_coverage_must_be_asked():
    assert kinds(modality=modality("PT", "CT")) == {"img:petct": Truth.UNKNOWN}


def test_the_procedure_is_believed_before_the_modality():
    found = kinds(modality=modality("MR"), procedureCode=[concept(SCT, "426252008")])
    assert found == {"img:wbmri": Truth.YES}


@pytest.mark.parametrize(
    ("system", "code", "kind", "whole"),
    [
        (LOINC, "46358-8", "img:wbmri", Truth.YES),
        (LOINC, "44139-4", "img:pet", Truth.YES),
        (LOINC, "39816-4", "img:bone_scan", Truth.YES),
        (LOINC, "46305-9", "img:ct", Truth.NO),
        (LOINC, "42175-0", "img:nm", Truth.UNKNOWN),
        (LOINC, "25031-6", "img:bone_scan", Truth.UNKNOWN),
        (SCT, "82918005", "img:pet", Truth.UNKNOWN),
        (SCT, "443271005", "img:petct", Truth.YES),
        (NCRP, "SNA0KG", "img:mr_total_spine", Truth.NO),
        (NCRP, "SNX9ZG", "img:mr", Truth.NO),
    ],
)
def test_procedures_tell_whether_the_whole_body_was_examined(system, code, kind, whole):
    assert kinds(procedureCode=[concept(system, code)]) == {kind: whole}


def whole_body_series(code):
    body = {"system": SCT, "code": "38266002"}
    return [{"modality": {"system": DCM, "code": code}, "bodySite": body}]


@pytest.mark.parametrize(
    ("code", "kind", "whole"),
    [
        ("MR", "img:mr", Truth.YES),
        ("PT", "img:pet", Truth.YES),
        ("NM", "img:nm", Truth.UNKNOWN),
        ("CT", "img:ct", Truth.NO),
    ],
)
def test_a_series_of_the_whole_body_counts_except_ct(code, kind, whole):
    assert kinds(series=whole_body_series(code)) == {kind: whole}


def test_a_norwegian_name_suggests_a_whole_body_mri_and_is_noted():
    found, notes = study(procedureCode=[concept(NCRP, "SZZ0AG", "MR helkropp")])
    assert [(each.kind, each.whole_body) for each in found] == [("img:wbmri", Truth.UNKNOWN)]
    assert notes == [Note("ImagingStudy/i", "read-by-name", "img:wbmri")]


def test_an_add_on_code_is_no_examination():
    assert study(procedureCode=[concept(NCRP, "ZTX0XA")]) == ([], [])


@pytest.mark.parametrize(("status", "reason"), [("registered", "status-not-final"), (None, "status-missing")])
def test_a_study_counts_when_it_is_available(status, reason):
    assert study(modality=modality("MR"), status=status) == ([], [Note("ImagingStudy/i", reason, "imaging")])


def test_a_study_after_today_is_noted():
    found, notes = study(modality=modality("MR"), started="2025-12-24T10:00:00Z")
    assert (found, notes) == ([], [Note("ImagingStudy/i", "date-in-future", "imaging")])


def test_what_we_cannot_name_is_nothing():
    assert study(modality=modality("XC")) == ([], [])


def test_reports_procedures_and_observations_tell_what_was_examined():
    reader = Reader(TODAY)
    code = concept(LOINC, "46358-8")
    report = {"resourceType": "DiagnosticReport", "status": "final", "code": code, "effectiveDateTime": "2025-03-02"}
    procedure = {"resourceType": "Procedure", "status": "completed", "code": code, "performedDateTime": "2025-03-02"}
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": code,
        "effectiveInstant": "2025-03-02T09:00:00Z",
    }
    found = [
        *read_report(msgspec.convert(report, fhir.DiagnosticReport), "DiagnosticReport/d", reader),
        *read_procedure(msgspec.convert(procedure, fhir.Procedure), "Procedure/p", reader),
        *(read_observation(msgspec.convert(observation, fhir.Observation), "Observation/o", reader) or ()),
    ]
    assert [(each.kind, each.whole_body, each.when and each.when.earliest) for each in found] == [
        ("img:wbmri", Truth.YES, date(2025, 3, 2))
    ] * 3
    assert not reader.notes


def test_only_final_reports_and_completed_procedures_count():
    reader = Reader(TODAY)
    code = concept(LOINC, "46358-8")
    report = msgspec.convert(
        {"resourceType": "DiagnosticReport", "status": "partial", "code": code}, fhir.DiagnosticReport
    )
    procedure = msgspec.convert({"resourceType": "Procedure", "status": "preparation", "code": code}, fhir.Procedure)
    assert not read_report(report, "DiagnosticReport/d", reader)
    assert not read_procedure(procedure, "Procedure/p", reader)
    assert [note.reason for note in reader.notes] == ["status-not-final"] * 2


def test_an_observation_that_is_no_imaging_is_not_ours():
    observation = msgspec.convert({"resourceType": "Observation", "code": concept(LOINC, "718-7")}, fhir.Observation)
    assert read_observation(observation, "Observation/o", Reader(TODAY)) is None


def test_a_series_of_a_part_is_not_the_whole_body():
    part = [{"modality": {"system": DCM, "code": "MR"}, "bodySite": {"system": SCT, "code": "12611008"}}]
    assert kinds(series=part) == {"img:mr": Truth.NO}
    assert kinds(series=[{"modality": {"system": DCM, "code": "PT"}}]) == {"img:pet": Truth.UNKNOWN}


def test_an_imaging_observation_that_is_not_final_is_ours_and_noted():
    members = {"resourceType": "Observation", "status": "preliminary", "code": concept(LOINC, "46358-8")}
    reader = Reader(TODAY)
    assert read_observation(msgspec.convert(members, fhir.Observation), "Observation/o", reader) == []
    assert reader.notes == [Note("Observation/o", "status-not-final", "imaging")]


CONTRAST = {"system": NCRP, "code": "ZTX0EA"}


def told(**codes):
    """Kind and contrast of an MRI of the spine, as each kind of resource tells it."""
    reader = Reader(TODAY)
    observation = {"resourceType": "Observation", "status": "final", "code": concept(NCRP, "SNA0KG")} | codes
    found = read_observation(msgspec.convert(observation, fhir.Observation), "Observation/o", reader)
    return [(each.kind, each.contrast) for each in found or ()]


def test_contrast_is_told_by_the_code_that_stands_beside_the_examination():
    spine = {"system": NCRP, "code": "SNA0KG"}
    assert told() == [("img:mr_total_spine", False)]
    assert told(method={"coding": [CONTRAST]}) == [("img:mr_total_spine", True)]
    assert told(code={"coding": [spine, CONTRAST]}) == [("img:mr_total_spine", True)]
    assert told(component=[{"code": {"coding": [CONTRAST]}}]) == [("img:mr_total_spine", True)]
    assert told(method={"coding": [{"system": NCRP, "code": "ZTX0XA"}]}) == [("img:mr_total_spine", False)]


def test_a_study_a_report_and_a_procedure_tell_contrast():
    reader, both = Reader(TODAY), {"coding": [{"system": NCRP, "code": "SNE0BG"}, CONTRAST]}
    report = {"resourceType": "DiagnosticReport", "status": "final", "code": both}
    procedure = {"resourceType": "Procedure", "status": "completed", "code": both}
    found = [
        *study(procedureCode=[both])[0],
        *study(modality=modality("MR"), procedureCode=[{"coding": [CONTRAST]}])[0],
        *read_report(msgspec.convert(report, fhir.DiagnosticReport), "DiagnosticReport/d", reader),
        *read_procedure(msgspec.convert(procedure, fhir.Procedure), "Procedure/p", reader),
    ]
    assert [(each.kind, each.contrast) for each in found] == [
        ("img:mr_si_joint", True),
        ("img:mr", True),
        ("img:mr_si_joint", True),
        ("img:mr_si_joint", True),
    ]


@pytest.mark.parametrize(("code", "kind"), [("42299-8", "img:mr_contrast"), ("30855-1", "img:mr_total_spine")])
def test_some_examinations_are_with_contrast_by_their_own_code(code, kind):
    found = study(procedureCode=[concept(LOINC, code)])[0]
    assert [(each.kind, each.contrast) for each in found] == [(kind, True)]


def test_contrast_beside_two_modalities_belongs_to_neither():
    found = study(procedureCode=[concept(SCT, "113091000"), concept(SCT, "77477000"), {"coding": [CONTRAST]}])[0]
    assert [(each.kind, each.contrast) for each in found] == [("img:ct", False), ("img:mr", False)]
    spine = [concept(SCT, "113091000"), concept(NCRP, "SNA0KG"), {"coding": [CONTRAST]}]
    assert all(each.contrast for each in study(procedureCode=spine)[0])
