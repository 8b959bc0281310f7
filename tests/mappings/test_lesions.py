"""Imaging findings and body structures: what is a lesion, where it is, and what is none."""

from datetime import date

import msgspec
import pytest

from cds_service.guideline.dates import When
from cds_service.guideline.facts import BiopsyRecord, Coded, Lesion, Note
from cds_service.mappings import fhir
from cds_service.mappings.lesions import Imaged, read_observation, read_procedure, read_report, read_structure
from cds_service.mappings.reading import Reader

SCT = "http://snomed.info/sct"
NLK = "urn:oid:2.16.578.1.12.4.1.1.7280"
TODAY = date(2025, 9, 15)
TIBIA, LEFT, RIGHT, METAPHYSIS = "12611008", "7771000", "24028007", "304581004"
SCLEROTIC, HYPEROSTOSIS, LYTIC_POSSIBLE = "49347007", "203514008", "203522001"
PRESENT, ABSENT, INDETERMINATE, NOT_DETECTED = "52101004", "2667000", "82334004", "260415000"


def concept(*codes, system=SCT):
    return {"coding": [{"system": system, "code": code} for code in codes]}


def observed(**fields):
    reader, found = Reader(TODAY), Imaged()
    members = {"resourceType": "Observation", "status": "final", "effectiveDateTime": "2025-08-01", **fields}
    ours = read_observation(msgspec.convert(members, fhir.Observation), "Observation/o", reader, found)
    return found, reader.notes, ours


def structured(**fields):
    reader, found = Reader(TODAY), Imaged()
    read_structure(
        msgspec.convert({"resourceType": "BodyStructure", **fields}, fhir.BodyStructure),
        "BodyStructure/b",
        reader,
        found,
    )
    return found, reader.notes


def reported(**fields):
    reader, found = Reader(TODAY), Imaged()
    members = {"resourceType": "DiagnosticReport", "status": "final", "effectiveDateTime": "2025-08-01", **fields}
    read_report(msgspec.convert(members, fhir.DiagnosticReport), "DiagnosticReport/d", reader, found)
    return found, reader.notes


def test_a_finding_in_the_code_with_a_bone_is_a_lesion():
    found, notes, _ = observed(code=concept(SCLEROTIC), bodySite=concept(TIBIA, LEFT, METAPHYSIS))
    when = When.on(date(2025, 8, 1))
    assert found.lesions == [Lesion("tibia", "Observation/o", "left", "metaphysis", frozenset({"sclerotic"}), when)]
    assert not notes


def test_a_finding_in_the_value_is_one_too():
    found, _, _ = observed(code={"text": "MR"}, valueCodeableConcept=concept(HYPEROSTOSIS), bodySite=concept(TIBIA))
    assert found.lesions[0].features == {"hyperostosis"}


def test_findings_in_components_join():
    parts = [{"code": concept(SCLEROTIC), "valueBoolean": True}, {"code": concept(HYPEROSTOSIS), "valueBoolean": False}]
    found, _, _ = observed(code={"text": "MR"}, component=parts, bodySite=concept(TIBIA))
    assert found.lesions[0].features == {"sclerotic"}


@pytest.mark.parametrize("value", [{"valueBoolean": False}, {"valueCodeableConcept": concept(ABSENT)}])
def test_what_is_absent_is_no_lesion(value):
    found, notes, ours = observed(code=concept(SCLEROTIC), bodySite=concept(TIBIA), **value)
    assert (found, notes, ours) == (Imaged(), [], True)


def test_what_is_present_is_a_lesion():
    found, _, _ = observed(code=concept(SCLEROTIC), bodySite=concept(TIBIA), valueCodeableConcept=concept(PRESENT))
    assert found.lesions


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"valueCodeableConcept": concept(INDETERMINATE)}, "data-absent"),
        ({"valueCodeableConcept": concept(NOT_DETECTED)}, "code-unreadable"),
        ({"valueString": "ingen"}, "value-wrong-type"),
        ({"dataAbsentReason": {"text": "unknown"}}, "data-absent"),
    ],
)
def test_a_value_that_may_deny_the_finding_is_a_note(value, reason):
    found, notes, _ = observed(code=concept(SCLEROTIC), bodySite=concept(TIBIA), **value)
    assert not found.lesions
    assert notes == [Note("Observation/o", reason, "lesion")]


def test_a_finding_without_a_site_stands_alone():
    found, _, _ = observed(code=concept(SCLEROTIC))
    assert found.findings == [
        Coded("finding:sclerotic", value=True, source="Observation/o", when=When.on(date(2025, 8, 1)))
    ]
    assert not found.lesions


def test_a_lytic_lesion_that_may_be_a_metastasis_is_a_lesion_without_the_feature_and_a_finding():
    found, _, _ = observed(code=concept(LYTIC_POSSIBLE), bodySite=concept(TIBIA))
    assert found.lesions[0].features == frozenset()
    assert [finding.name for finding in found.findings] == ["finding:lytic_possible"]


def test_a_site_that_is_no_known_bone_is_noted_and_counts():
    found, notes, _ = observed(code=concept(SCLEROTIC), bodySite=concept("123456"))
    assert found.lesions[0].bone is None
    assert notes == [Note("Observation/o", "bone-unmapped", "lesion")]


def test_left_and_right_contradict_each_other():
    found, notes, _ = observed(code=concept(SCLEROTIC), bodySite=concept(TIBIA, LEFT, RIGHT))
    assert (found.lesions[0].bone, found.lesions[0].side) == ("tibia", None)
    assert notes == [Note("Observation/o", "side-contradiction", "lesion")]


def test_two_bones_in_one_site_cannot_be_read():
    found, notes, _ = observed(code=concept(SCLEROTIC), bodySite=concept(TIBIA, "71341001"))
    assert found.lesions[0].bone is None
    assert Note("Observation/o", "coding-contradiction", "lesion") in notes


@pytest.mark.parametrize(("status", "reason"), [("preliminary", "status-not-final"), (None, "status-missing")])
def test_only_final_findings_count(status, reason):
    found, notes, ours = observed(code=concept(SCLEROTIC), bodySite=concept(TIBIA), status=status)
    assert not found.lesions
    assert (notes, ours) == ([Note("Observation/o", reason, "lesion")], True)


def test_a_finding_after_today_is_noted():
    found, notes, _ = observed(code=concept(SCLEROTIC), bodySite=concept(TIBIA), effectiveDateTime="2025-09-16")
    assert not found.lesions
    assert notes == [Note("Observation/o", "date-in-future", "lesion")]


def test_an_observation_of_something_else_is_not_ours():
    found, notes, ours = observed(code=concept("8310-5", system="http://loinc.org"), bodySite=concept(TIBIA))
    assert (found, notes, ours) == (Imaged(), [], False)


def test_a_qualifier_alone_is_not_ours():
    assert observed(code={"text": "x"}, valueCodeableConcept=concept(ABSENT))[2] is False


def test_a_body_structure_with_a_finding_is_a_lesion():
    found, _ = structured(
        location=concept("52687003"), locationQualifier=[concept(RIGHT)], morphology=concept(SCLEROTIC)
    )
    assert found.lesions == [Lesion("tibia", "BodyStructure/b", "right", "diaphysis", frozenset({"sclerotic"}))]


def test_a_body_structure_that_only_says_where_is_a_lesion_without_features():
    found, notes = structured(location=concept(TIBIA))
    assert found.lesions == [Lesion("tibia", "BodyStructure/b")]
    assert not notes


def test_a_body_structure_of_something_else_is_none():
    assert structured(location=concept(TIBIA), morphology=concept("108369006"))[0] == Imaged()
    assert structured(location=concept("39937001"))[0] == Imaged()
    assert structured(active=False, location=concept(TIBIA), morphology=concept(SCLEROTIC))[0] == Imaged()


def test_a_lesion_of_an_unknown_place_is_noted():
    found, notes = structured(location=concept("39937001"), morphology=concept(SCLEROTIC))
    assert found.lesions[0].bone is None
    assert notes == [Note("BodyStructure/b", "bone-unmapped", "lesion")]


def test_a_coded_conclusion_is_a_finding():
    found, _ = reported(code={"text": "MR kne"}, conclusionCode=[concept(SCLEROTIC)])
    assert [finding.name for finding in found.findings] == ["finding:sclerotic"]


def test_a_conclusion_of_absence_is_none():
    assert reported(conclusionCode=[concept(SCLEROTIC, ABSENT)])[0] == Imaged()


def test_a_final_histology_report_is_a_biopsy():
    found, _ = reported(code=concept("NOR25048", system=NLK), status="appended")
    assert found.biopsies == [BiopsyRecord("histology", "DiagnosticReport/d", When.on(date(2025, 8, 1)))]


def test_a_preliminary_histology_report_is_noted():
    found, notes = reported(code=concept("NOR25048", system=NLK), status="preliminary")
    assert not found.biopsies
    assert notes == [Note("DiagnosticReport/d", "status-not-final", "biopsy")]


def test_inflammation_on_an_mri_is_no_histology():
    report = {"code": concept("113091000"), "conclusionCode": [concept("23583003")]}
    assert not reported(**report)[0].biopsies
    assert reported(code={"text": "Biopsi"}, conclusionCode=[concept("23583003")])[0].biopsies


def test_histology_of_another_organ_is_none():
    found, _, ours = observed(code=concept("NOR25048", system=NLK), bodySite=concept("39937001"))
    assert (found.biopsies, ours) == ([], True)


def test_histology_of_bone_is_a_biopsy():
    assert observed(code=concept("NOR25048", system=NLK))[0].biopsies
    assert observed(code={"text": "x"}, valueCodeableConcept=concept("112674009"), bodySite=concept(TIBIA))[0].biopsies
    assert not observed(code={"text": "x"}, valueCodeableConcept=concept("112674009"))[0].biopsies


@pytest.mark.parametrize(("status", "count"), [("completed", 1), ("not-done", 0), ("in-progress", 0)])
def test_a_bone_biopsy_counts_when_done(status, count):
    reader, found = Reader(TODAY), Imaged()
    members = {"resourceType": "Procedure", "status": status, "code": concept("13861005"), "performedDateTime": "2025"}
    read_procedure(msgspec.convert(members, fhir.Procedure), "Procedure/p", reader, found)
    assert len(found.biopsies) == count
    assert len(reader.notes) == 1 - count


@pytest.mark.parametrize(("code", "site"), [("13861005", None), ("NOPE", None)])
def test_a_procedure_that_is_no_bone_biopsy_or_no_result_is_none(code, site):
    found, _, ours = observed(code=concept(code), bodySite=site)
    assert (found, ours) == (Imaged(), False)


def test_a_report_or_a_biopsy_after_today_is_noted():
    found, notes = reported(code=concept("NOR25048", system=NLK), effectiveDateTime="2025-10-01")
    assert (found.biopsies, notes) == ([], [Note("DiagnosticReport/d", "date-in-future", "biopsy")])
    reader, into = Reader(TODAY), Imaged()
    members = {"resourceType": "Procedure", "status": "completed", "performedDateTime": "2025-10-01"}
    read_procedure(
        msgspec.convert({**members, "code": concept("13861005")}, fhir.Procedure), "Procedure/p", reader, into
    )
    read_procedure(
        msgspec.convert({**members, "code": concept("73761001")}, fhir.Procedure), "Procedure/q", reader, into
    )
    assert (into.biopsies, reader.notes) == ([], [Note("Procedure/p", "date-in-future", "biopsy")])


def test_histology_that_is_not_final_or_not_yet_is_noted():
    result = {"code": concept("NOR25048", system=NLK)}
    assert observed(**result, status="preliminary")[1] == [Note("Observation/o", "status-not-final", "biopsy")]
    assert observed(**result, effectiveDateTime="2025-10-01")[1] == [Note("Observation/o", "date-in-future", "biopsy")]


@pytest.mark.parametrize(
    ("name", "count"), [("Bein-biopsi tibia", 1), ("Bone biopsy", 1), ("Benbiopsi", 1), ("Leverbiopsi", 0)]
)
def test_a_biopsy_by_name_is_noted(name, count):
    reader, into = Reader(TODAY), Imaged()
    members = {"resourceType": "Procedure", "status": "completed", "code": {"text": name}}
    read_procedure(msgspec.convert(members, fhir.Procedure), "Procedure/p", reader, into)
    assert len(into.biopsies) == len(reader.notes) == count


BONE_BIOPSIES = [
    "Biopsi av tibia", "Åpen biopsi klavikula", "CT-veiledet biopsi av lesjon i ilium", "Kneppebiopsi femur",
    "Biopsi bekken", "Biopsi av beinlesjon", "UL-veiledet biopsi benlesjon", "Knokkelbiopsi", "Biopsi, bein",
    "Biopsi ben", "Benbiopsi hø. femur", "Skjelettbiopsi", "Beinvevsbiopsi", "Histologisk us. beinbiopsi",
    "Rebiopsi tibia", "Biopsi ribbein", "Biopsi av beinmargsødem i tibia", "Biopsi av lårbeinet", "Biopsi ryggvirvel",
    "Biopsi frå kragebeinet", "Knokkelbiopsi frå skinnebein", "Open biopsi, underkjeve",
    "Biopsi av kneskåla",
    "Bone biopsy", "Biopsy of the left tibia", "CT guided biopsy of vertebra L3", "Biopsy, mandible", "Rib biopsy",
    "Biopsi Th8", "Biopsi L3",
    "Femoral head biopsy", "Skelettbiopsi", "BIOPSI FEMUR", "Beinmargsbiopsi og beinbiopsi",
]  # fmt: skip
OTHER_BIOPSIES = [
    "Beinmargsbiopsi", "Benmargsbiopsi crista iliaca", "Beinmergsbiopsi", "Bone marrow biopsy, ilium",
    "Muskelbiopsi lår", "Hudbiopsi legg", "Hudbiopsi venstre bein", "Muscle biopsy, femur",
    "Biopsi av tibialis anterior",
    "Leverbiopsi", "Nyrebiopsi", "Renal pelvis biopsy", "Tynntarmsbiopsi", "Biopsi av brystvev",
    "Biopsi av sår på bein",
    "Synovialbiopsi kne", "Biopsi benign svulst", "Biopsi", "Rebiopsi", "Henvisning ortopedi: vurder biopsi",
    "Ikke biopsi av tibia", "MR etter biopsi av tibia", "No biopsy of femur", "MR tibia", "Beinbrudd",
]  # fmt: skip


def biopsied(name, **members):
    reader, into = Reader(TODAY), Imaged()
    told = {"resourceType": "Procedure", "status": "completed", "code": {"text": name}, **members}
    read_procedure(msgspec.convert(told, fhir.Procedure), "Procedure/p", reader, into)
    return len(into.biopsies), [(note.reason, note.concept) for note in reader.notes]


@pytest.mark.parametrize("name", BONE_BIOPSIES)
def test_a_biopsy_that_names_a_bone_is_one_of_bone(name):
    assert biopsied(name) == (1, [("read-by-name", "proc:bone_biopsy")])


@pytest.mark.parametrize("name", OTHER_BIOPSIES)
def test_a_biopsy_of_another_tissue_or_of_an_untold_one_is_none_of_bone(name):
    assert biopsied(name) == (0, [])


ANY_BIOPSY, OF_TIBIA, OF_SKIN = concept("86273004"), concept("12611008"), concept("39937001")


@pytest.mark.parametrize(
    ("code", "sites", "count", "is_noted"),
    [
        (ANY_BIOPSY, [OF_TIBIA], 1, False),
        (ANY_BIOPSY, [{"text": "Venstre tibia"}], 1, True),
        ({"text": "Biopsi"}, [OF_TIBIA], 1, True),
        ({"text": "Biopsi"}, [{"text": "Femur"}], 1, True),
        ({**ANY_BIOPSY, "text": "Biopsi av femur"}, [], 1, True),
        (ANY_BIOPSY, [OF_SKIN], 0, False),
        (ANY_BIOPSY, [], 0, False),
        (ANY_BIOPSY, [{"text": "Hud over tibia"}], 0, False),
        ({**ANY_BIOPSY, "text": "Beinmargsbiopsi"}, [concept("22356005")], 0, False),
        ({"text": "Rtg"}, [OF_TIBIA], 0, False),
    ],
)
def test_a_biopsy_with_a_bone_as_body_site_is_one_of_bone(code, sites, count, is_noted):
    notes = [("read-by-name", "proc:bone_biopsy")] if is_noted else []
    assert biopsied(None, code=code, bodySite=sites) == (count, notes)
