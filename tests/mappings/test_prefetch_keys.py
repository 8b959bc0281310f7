"""Which list a prefetch key is named after: whole words, the last of them decides, and what is open is none."""

from time import perf_counter

import pytest

from cds_service.mappings.prefetch_keys import LISTS, asked_for, mentioned


@pytest.mark.parametrize("kind", sorted(LISTS))
def test_the_name_of_a_type_holds_wherever_it_stands(kind):
    start = kind[0].lower() + kind[1:]
    plural = f"{start[:-1]}ies" if start.endswith("y") else f"{start}s"
    keys = (
        kind,
        start,
        plural,
        kind.lower(),
        plural.upper(),
        f"my{kind}",
        f"{plural}-user",
        f"{plural}2",
        f"x_{start}",
    )
    assert {key: asked_for(key) for key in keys} == {key: {kind} for key in keys}


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("problems", "Condition"),
        ("problemList", "Condition"),
        ("problemlist", "Condition"),
        ("diagnoses", "Condition"),
        ("diagnosis", "Condition"),
        ("encounterDiagnosis", "Condition"),
        ("dx", "Condition"),
        ("diagnoser", "Condition"),
        ("labs", "Observation"),
        ("lab", "Observation"),
        ("LABS", "Observation"),
        ("labResults", "Observation"),
        ("lab_results_2024", "Observation"),
        ("EHRLabs", "Observation"),
        ("labs-user", "Observation"),
        ("vitals", "Observation"),
        ("vitalSigns", "Observation"),
        ("bodyWeight", "Observation"),
        ("imagingFindings", "Observation"),
        ("imagingFindings-user", "Observation"),
        ("prøvesvar", "Observation"),
        ("meds", "MedicationRequest"),
        ("myMeds", "MedicationRequest"),
        ("medications", "MedicationRequest"),
        ("medisiner", "MedicationRequest"),
        ("resepter", "MedicationRequest"),
        ("legemidler", "MedicationRequest"),
        ("medication_requests", "MedicationRequest"),
        ("infusions", "MedicationAdministration"),
        ("drugAdministrations", "MedicationAdministration"),
        ("allergies", "AllergyIntolerance"),
        ("drugAllergies", "AllergyIntolerance"),
        ("medicationAllergies", "AllergyIntolerance"),
        ("imaging", "ImagingStudy"),
        ("diagnosticImaging", "ImagingStudy"),
        ("imagingReports", "DiagnosticReport"),
        ("labReports", "DiagnosticReport"),
        ("assessment", "QuestionnaireResponse"),
        ("forms", "QuestionnaireResponse"),
        ("visits", "Encounter"),
        ("referrals", "ServiceRequest"),
        ("patientConditions", "Condition"),
        ("conditionsPatient", "Condition"),
    ],
)
def test_common_words_name_the_list_of_their_type(key, kind):
    assert asked_for(key) == {kind}


@pytest.mark.parametrize(
    "key",
    [
        "",
        "2",
        "-user",
        "item1",
        "list7",
        "patient",
        "patientInformation",
        "diagnostics",
        "labDiagnostics",
        "infusionPlan",
        "labOrders",
        "labsWithoutCrp",
        "collaboration",
        "performance",
        "medicationDispenses",
        "riskAssessment",
        "familyMemberHistory",
        "carePlans",
        "problemsAndLabs",
        "conditions_and_observations",
        "problemer-og-resepter",
    ],
)
def test_what_is_not_surely_the_name_of_one_list_is_none(key):
    assert asked_for(key) == set()


def test_a_key_that_is_open_may_still_tell_what_was_lost():
    assert mentioned("problemsAndLabs") == {"Condition", "Observation"}
    assert mentioned("infusionPlan") == {"MedicationAdministration"}
    assert mentioned("patientInformation2") == set()


@pytest.mark.parametrize("part", ["a", "lab", "Lab", "1", "_", "medicationRequest"])
def test_an_endless_key_is_read_in_a_moment(part):
    began = perf_counter()
    asked_for(part * 100_000)
    assert perf_counter() - began < 1
