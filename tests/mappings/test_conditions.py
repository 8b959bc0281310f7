"""Conditions become diagnoses: statuses, the longest code row, names as a last resort."""

from datetime import date

import msgspec
import pytest

from cds_service.guideline.dates import When
from cds_service.guideline.facts import Note
from cds_service.guideline.interval import Truth
from cds_service.mappings import fhir
from cds_service.mappings.conditions import Diagnoses, read
from cds_service.mappings.reading import Reader

ICD = "urn:oid:2.16.578.1.12.4.1.1.7110"
SCT = "http://snomed.info/sct"
TODAY = date(2025, 9, 15)
BORN = When.on(date(2015, 4, 10))


def coded(*codes, **more):
    return {"code": {"coding": [{"system": system, "code": code} for system, code in codes]}, **more}


def status(code):
    return {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": code}]}


def reading(born=BORN, **fields):
    reader, found = Reader(TODAY), Diagnoses()
    resource = msgspec.convert({"resourceType": "Condition", **fields}, fhir.Condition)
    read(resource, "Condition/c", born, reader, found)
    return found, reader.notes


def one(born=BORN, **fields):
    found, notes = reading(born, **fields)
    assert len(found.conditions) == 1
    return found.conditions[0], notes


@pytest.mark.parametrize(
    ("code", "concept"),
    [
        ("M863", "cno"),
        ("M86.31", "cno"),
        ("C910", "mimic_leukemia"),
        ("K50.9", "coexist_ibd"),
        ("C40.2†", "mimic_primary_bone_malignancy"),
    ],
)
def test_icd_codes_match_by_prefix(code, concept):
    condition, notes = one(**coded((ICD, code)))
    assert condition.concept == concept
    assert not notes


def test_the_longest_row_wins():
    assert one(**coded((ICD, "M0810")))[0].concept == "coexist_axial_arthritis_possible"
    assert one(**coded((ICD, "M08.0")))[0].concept == "ddx_arthritis"


def test_missing_statuses_count_as_confirmed_and_active_but_are_told():
    condition, _ = one(**coded((ICD, "C91.0")))
    assert (condition.confirmed, condition.active, condition.status_given) == (Truth.YES, Truth.YES, False)


def test_given_statuses_are_told_as_given():
    condition, _ = one(
        **coded((SCT, "12584003")), clinicalStatus=status("active"), verificationStatus=status("confirmed")
    )
    assert (condition.concept, condition.status_given) == ("sym_bone_pain", True)


@pytest.mark.parametrize(
    ("clinical", "active"),
    [
        ("recurrence", Truth.YES),
        ("relapse", Truth.YES),
        ("remission", Truth.NO),
        ("resolved", Truth.NO),
        ("inactive", Truth.NO),
    ],
)
def test_clinical_statuses(clinical, active):
    assert one(**coded((ICD, "M863")), clinicalStatus=status(clinical))[0].active is active


@pytest.mark.parametrize("verification", ["provisional", "differential", "unconfirmed"])
def test_what_is_not_confirmed_is_unknown(verification):
    assert one(**coded((ICD, "C91")), verificationStatus=status(verification))[0].confirmed is Truth.UNKNOWN


@pytest.mark.parametrize("verification", ["refuted", "entered-in-error"])
def test_what_is_refuted_says_nothing(verification):
    found, notes = reading(**coded((ICD, "C91")), verificationStatus=status(verification))
    assert not found.conditions
    assert not notes


def test_a_status_that_nobody_knows_is_unknown_and_noted():
    condition, notes = one(**coded((ICD, "C91")), clinicalStatus=status("dormant"))
    assert condition.active is Truth.UNKNOWN
    assert notes == [Note("Condition/c", "code-unreadable", "condition")]


def test_a_status_as_mere_text_is_read():
    assert one(**coded((ICD, "C91")), clinicalStatus={"text": "Resolved"})[0].active is Truth.NO


def test_an_unspecific_coding_yields_to_a_specific_one():
    found, notes = reading(**coded((ICD, "M86.6"), (SCT, "240151005")))
    assert [condition.concept for condition in found.conditions] == ["cno"]
    assert not notes


def test_a_mimicker_beside_cno_in_one_condition_is_both_and_noted():
    found, notes = reading(**coded((ICD, "M86.0"), (SCT, "240151005")))
    assert {condition.concept for condition in found.conditions} == {"cno", "mimic_infectious_osteomyelitis"}
    assert Note("Condition/c", "coding-contradiction", "condition") in notes


def test_rows_tell_what_rules_must_tell_apart():
    assert one(**coded((ICD, "L40.3")))[0].value == "palmoplantar-pustulosis"
    assert one(**coded((ICD, "M861")))[0].early_infection
    assert one(**coded((ICD, "D69.6")))[0].cell_lines == {"platelets"}


def test_a_condition_without_any_code_is_unreadable():
    condition, notes = one(code={"text": "uklart"})
    assert condition.concept == "unreadable"
    assert notes == [Note("Condition/c", "code-unreadable", "condition")]


def test_a_condition_without_code_element_is_unreadable():
    assert one()[0].concept == "unreadable"


def test_the_name_of_the_disease_is_a_suspicion():
    condition, notes = one(code={"text": "Obs. CRMO?"})
    assert (condition.concept, condition.read_from) == ("cno_possible", "text")
    assert notes == [Note("Condition/c", "read-by-name", "cno_possible")]


def test_the_letters_inside_a_word_are_no_name():
    assert one(code={"text": "CNOX"})[0].concept == "unreadable"


@pytest.mark.parametrize("system", ["https://local.example.org/codes", None, "urn:oid:1.2.3", "http://snomed.example"])
def test_a_code_of_a_system_that_we_do_not_know_may_be_any_disease(system):
    condition, notes = one(**coded((system, "C91.0")))
    assert condition.concept == "unreadable"
    assert [(note.reason, note.concept) for note in notes] == [("code-unmapped-local", "condition")]


def test_beside_a_code_of_a_known_system_another_one_costs_nothing():
    found, notes = reading(
        **coded(("http://hl7.org/fhir/sid/icd-10", "J45.9"), ("https://local.example.org/codes", "123"))
    )
    assert not found.conditions
    assert not notes


@pytest.mark.parametrize(
    "text",
    [
        "Chronic nonbacterial osteomyelitis",
        "Chronic non-bacterial osteomyelitis (disorder)",
        "Chronic recurrent multifocal osteomyelitis of tibia",
        "Kronisk ikke-bakteriell osteomyelitt",
        "Kronisk residiverende multifokal osteomyelitt",
        "Kronisk ikkje-bakteriell osteomyelitt",
        "Kronisk icke-bakteriell osteomyelit",
        "Chronische nichtbakterielle Osteomyelitis",
        "Chronisch rekurrente multifokale Osteomyelitis",
    ],
)
def test_the_disease_is_read_by_its_names_too(text):
    condition, notes = one(code={"text": text})
    assert condition.concept == "cno_possible"
    assert notes == [Note("Condition/c", "read-by-name", "cno_possible")]


@pytest.mark.parametrize("text", ["Chronic osteomyelitis", "Chronic bacterial osteomyelitis", "Nonbacterial cystitis"])
def test_other_diseases_are_not_read_by_name(text):
    assert one(code={"text": text})[0].concept == "unreadable"


def test_dates():
    condition, _ = one(**coded((ICD, "M863")), onsetDateTime="2024-05", recordedDate="2025-01-03")
    assert condition.onset == When(date(2024, 5, 1), date(2024, 5, 31))
    assert condition.recorded == When.on(date(2025, 1, 3))
    assert condition.when == condition.onset


def test_the_end_of_a_period_is_no_onset():
    assert one(**coded((ICD, "M863")), onsetPeriod={"end": "2024-05-01"})[0].onset is None
    assert one(**coded((ICD, "M863")), onsetPeriod={"start": "2024-05-01"})[0].onset == When.on(date(2024, 5, 1))


def test_an_onset_after_today_is_noted_and_the_diagnosis_stays():
    condition, notes = one(**coded((ICD, "C91")), onsetDateTime="2026-01-01")
    assert condition.onset is None
    assert notes == [Note("Condition/c", "date-in-future", "condition")]


def test_an_unreadable_date_is_noted_and_the_diagnosis_stays():
    condition, notes = one(**coded((ICD, "C91")), recordedDate="nylig")
    assert condition.recorded is None
    assert notes == [Note("Condition/c", "date-unreadable", "condition")]


def age(value, unit):
    return {"value": msgspec.Raw(value), "code": unit, "system": "http://unitsofmeasure.org"}


def test_an_age_at_onset_is_an_interval_of_dates():
    condition, _ = one(**coded((SCT, "12584003")), onsetAge=age(b"8", "a"))
    assert condition.onset == When(date(2023, 4, 10), date(2024, 4, 9))
    condition, _ = one(**coded((SCT, "12584003")), onsetAge=age(b"30", "mo"))
    assert condition.onset == When(date(2017, 10, 10), date(2017, 11, 9))


@pytest.mark.parametrize(("value", "unit"), [(b"8.5", "a"), (b'"8"', "a"), (b"8", "wk"), (b"-1", "a"), (b"1e25", "a")])
def test_an_age_that_cannot_be_read_is_no_onset(value, unit):
    assert one(**coded((SCT, "12584003")), onsetAge=age(value, unit))[0].onset is None


def test_an_age_needs_a_birth_date():
    assert one(None, **coded((SCT, "12584003")), onsetAge=age(b"8", "a"))[0].onset is None


def test_the_bone_of_a_cno_diagnosis_is_a_lesion_without_features():
    site = {"coding": [{"system": SCT, "code": "51299004"}, {"system": SCT, "code": "7771000"}]}
    found, _ = reading(**coded((ICD, "M863")), bodySite=[site])
    assert [(lesion.bone, lesion.side, lesion.features) for lesion in found.lesions] == [
        ("clavicle", "left", frozenset())
    ]


def test_the_bone_of_a_provisional_diagnosis_is_none():
    site = {"coding": [{"system": SCT, "code": "51299004"}]}
    found, _ = reading(**coded((ICD, "M863")), bodySite=[site], verificationStatus=status("provisional"))
    assert not found.lesions


def test_the_bone_of_another_disease_is_no_lesion():
    site = {"coding": [{"system": SCT, "code": "51299004"}]}
    assert not reading(**coded((ICD, "K50")), bodySite=[site])[0].lesions


def test_a_collapsed_vertebra_is_a_feature_where_the_bone_is_told_else_a_finding():
    site = {"coding": [{"system": SCT, "code": "82687006"}]}
    found, _ = reading(**coded((ICD, "M48.5")), bodySite=[site])
    assert [(lesion.bone, lesion.features) for lesion in found.lesions] == [("vertebra_T9", {"vertebral-collapse"})]
    assert not found.findings
    found, _ = reading(**coded((ICD, "M48.5")))
    assert [finding.name for finding in found.findings] == ["finding:vertebral_collapse"]
    assert not found.lesions


def test_a_pathological_fracture_is_a_finding_only():
    site = {"coding": [{"system": SCT, "code": "12611008"}]}
    found, _ = reading(**coded((ICD, "M844")), bodySite=[site])
    assert [finding.name for finding in found.findings] == ["finding:pathological_fracture"]
    assert not found.lesions
