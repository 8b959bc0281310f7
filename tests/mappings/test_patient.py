"""Who the patient is, and whose a resource is."""

import pytest

from cds_service.mappings.datatypes import Reference
from cds_service.mappings.fhir import Patient
from cds_service.mappings.patient import ForeignPatientError, TwoPatientsError, Whose, whose_bundle, whose_request

URN = "urn:uuid:0f2b4f3a-7c1c-4c51-9d0d-2f3f0b1a5e77"


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/p1",
        "p1",
        "https://ehr.example.org/fhir/R4/Patient/p1",
        "https://ehr.example.org/fhir/R4/Patient/p1/_history/3",
        "https://register.example.org/pasient/p1",
        "urn:uuid:p1",
        "#inside",
    ],
)
def test_a_subject_that_ends_in_the_id_is_this_patient(reference):
    assert Whose("p1").is_mine(Reference(reference=reference))


@pytest.mark.parametrize(
    "reference",
    ["Patient/p2", "Patient/p11", "Group/p1", "https://ehr.example.org/fhir/Device/p1", "Patient/P1", URN, "Patient/"],
)
def test_another_subject_is_not(reference):
    assert not Whose("p1").is_mine(Reference(reference=reference))


def test_no_subject_and_an_identifier_only_count_as_this_patient():
    assert Whose("p1").is_mine(None)
    assert Whose("p1").is_mine(Reference(display="hidden"))


def test_the_full_url_of_the_patient_entry_is_a_name_of_the_patient():
    whose = whose_bundle([(Patient(id="p1"), URN)], [])
    assert whose.id == "p1"
    assert whose.is_mine(Reference(reference=URN))


def test_a_patient_without_id_is_known_by_its_full_url():
    whose = whose_bundle([(Patient(), URN)], [])
    assert whose.id == URN.removeprefix("urn:uuid:")
    assert whose.is_mine(Reference(reference=URN))


def test_two_patients_in_a_bundle_are_refused():
    with pytest.raises(TwoPatientsError):
        whose_bundle([(Patient(id="p1"), None), (Patient(id="p2"), None)], [])


def test_without_a_patient_the_subjects_tell_who_it_is():
    subjects = [Reference(reference="Patient/p7"), None, Reference(reference="https://x.example.org/Patient/p7")]
    assert whose_bundle([], subjects).id == "p7"


def test_without_a_patient_two_subjects_are_refused():
    with pytest.raises(TwoPatientsError):
        whose_bundle([], [Reference(reference="Patient/p7"), Reference(reference="Patient/p8")])


def test_an_empty_bundle_is_nobodys():
    assert whose_bundle([], []).id is None


def test_a_foreign_patient_in_a_hook_is_refused():
    with pytest.raises(ForeignPatientError):
        whose_request([(Patient(id="p2"), None)], "p1")


def test_others_beside_the_patient_of_the_hook_are_told():
    whose, others = whose_request([(Patient(id="p2"), None), (Patient(id="p1"), None)], "p1")
    assert (whose.id, others) == ("p1", True)


def test_a_hook_without_a_patient_resource_keeps_the_context_s_id():
    assert whose_request([], "p1") == (Whose("p1"), False)
