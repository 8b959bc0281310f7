"""Bundles and prefetch become facts: whatever the order, the key, or what else stands beside."""

from datetime import date
from decimal import Decimal
from random import Random
from time import perf_counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.guideline.facts import Note
from cds_service.guideline.interval import Truth
from cds_service.mappings import datatypes, fhir
from cds_service.mappings.record import ForeignPatientError, TwoPatientsError, facts_from_bundle, facts_from_hook
from cds_service.mappings.tolerant import read_resource

ATC = "http://www.whocc.no/atc"
ICD = "urn:oid:2.16.578.1.12.4.1.1.7110"
NLK = "urn:oid:2.16.578.1.12.4.1.1.7280"
SCT = "http://snomed.info/sct"
TODAY = date(2025, 9, 15)
TEMPLATES = {
    "patient": "Patient",
    "conditions": "Condition",
    "labs": "Observation",
    "given": "MedicationAdministration",
}
URN = "urn:uuid:6c2c0d2e-3a4f-4a9f-9f3b-1f1d5f0f9a11"
decode = msgspec.json.Decoder(fhir.Slot).decode
PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "2015-04-10"}
MINE = {"subject": {"reference": "Patient/p1"}}


def read(resource):
    return decode(msgspec.json.encode(resource))


def bundle(*resources, **fields):
    return {"resourceType": "Bundle", "entry": [{"resource": each} for each in resources], **fields}


def facts_of(*resources, notes=(), **fields):
    return facts_from_bundle(read(bundle(*resources, **fields)), notes, today=TODAY)


def hooked(prefetch, drafts=None, *, notes=(), selections=None, patient="p1"):
    received = {key: value if isinstance(value, datatypes.Failed) else read(value) for key, value in prefetch.items()}
    return facts_from_hook(
        received,
        drafts and read(drafts),
        notes,
        patient_id=patient,
        selections=selections,
        today=TODAY,
        templates=TEMPLATES,
    )


def crp(identifier, value=5, day="2025-09-01", **more):
    return {
        "resourceType": "Observation",
        "id": identifier,
        "status": "final",
        "code": {"coding": [{"system": NLK, "code": "NPU19748"}]},
        "effectiveDateTime": day,
        "valueQuantity": {"value": value, "unit": "mg/L"},
        **MINE,
        **more,
    }


def condition(identifier, code="M863", **more):
    return {
        "resourceType": "Condition",
        "id": identifier,
        "code": {"coding": [{"system": ICD, "code": code}]},
        **MINE,
        **more,
    }


def request(identifier, code="M05BA08", status="draft", **more):
    drug = {"coding": [{"system": ATC, "code": code}]}
    return {
        "resourceType": "MedicationRequest",
        "id": identifier,
        "status": status,
        "medicationCodeableConcept": drug,
        **MINE,
        **more,
    }


def given_drug(identifier, day, **more):
    drug = {"coding": [{"system": ATC, "code": "M05BA08"}]}
    members = {"status": "completed", "medicationCodeableConcept": drug, "effectiveDateTime": day, **MINE, **more}
    return {"resourceType": "MedicationAdministration", "id": identifier, **members}


def coded(system, code):
    return {"coding": [{"system": system, "code": code}]}


def sources(facts):
    return [fact.source for fact in facts]


def test_a_bundle_is_the_whole_record():
    facts = facts_of(PATIENT, crp("a"), condition("c"))
    assert (facts.patient_id, facts.born.earliest) == ("p1", date(2015, 4, 10))
    assert facts.of("crp")[0].value.low == 5
    assert facts.conditions[0].concept == "cno"
    assert facts.not_received == frozenset()
    assert facts.notes == ()


def test_the_newest_comes_first_and_undated_last():
    results = [
        crp("b", day="2025-01-01"),
        crp("d", day=None),
        crp("a", day="2025-09-01"),
        crp("c", day="2025-09-01T09:00:00+02:00"),
    ]
    assert sources(facts_of(PATIENT, *results).of("crp")) == [f"Observation/{each}" for each in "cabd"]


RECORD = [
    PATIENT,
    crp("a"),
    crp("b", 40, "2025-08-01"),
    crp("b", 41, "2025-08-01"),
    crp("x", 7, None),
    crp("y", "7"),
    condition("c1"),
    condition("c2", "C910"),
    condition("c3", subject={"reference": "Patient/p1"}, bodySite=[{"coding": [{"system": SCT, "code": "51299004"}]}]),
    request("z1"),
    request("z2"),
    request("n", "N02BE01", "active"),
    given_drug("g1", "2025-01-01"),
    given_drug("g2", "2024-06-01"),
    {
        "resourceType": "ImagingStudy",
        "id": "i",
        "status": "available",
        "modality": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "MR"}],
        **MINE,
    },
]


@given(st.integers())
def test_the_order_of_entries_does_not_matter(seed):
    shuffled = RECORD.copy()
    Random(seed).shuffle(shuffled)  # noqa: S311  not for secrets
    assert facts_of(*shuffled) == facts_of(*RECORD)


def test_the_same_resource_twice_is_read_once():
    facts = facts_of(PATIENT, crp("a"), crp("a"))
    assert len(facts.of("crp")) == 1
    assert facts.notes == ()


def test_of_two_versions_the_newest_counts_and_both_are_told():
    old = crp("a", 5, meta={"lastUpdated": "2025-09-01T10:00:00+02:00"})
    new = crp("a", 50, meta={"lastUpdated": "2025-09-01T09:00:00Z"})
    for pair in ((old, new), (new, old)):
        facts = facts_of(PATIENT, *pair)
        assert facts.of("crp")[0].value.low == 50
        assert facts.notes == (Note("Observation/a", "duplicate"),)


def test_bundles_in_bundles_are_opened():
    assert sources(facts_of(PATIENT, bundle(bundle(crp("a")))).of("crp")) == ["Observation/a"]


@pytest.mark.parametrize("identifier", [None, "", "a b", "æ", "a" * 257, "<b>"])
def test_without_a_usable_id_the_path_is_the_source(identifier):
    assert sources(facts_of(PATIENT, crp(identifier)).of("crp")) == ["Bundle.entry[1]"]


def test_an_outcome_among_the_entries_is_information():
    assert facts_of(PATIENT, {"resourceType": "OperationOutcome"}).notes == ()


def test_an_entry_without_resource_is_noted():
    facts = facts_from_bundle(read({"resourceType": "Bundle", "entry": [{"fullUrl": URN}]}), (), today=TODAY)
    assert facts.notes == (Note("Bundle.entry[0]", "not-a-resource"),)


def test_types_that_no_rule_asks_for_are_passed_over():
    assert facts_of(PATIENT, {"resourceType": "Encounter", "id": "e"}, {"resourceType": "Basic"}).notes == ()


def test_a_bundle_with_more_pages_is_noted():
    assert facts_of(PATIENT, link=[{"relation": "next", "url": "x"}]).notes == (Note("Bundle", "incomplete-page"),)


def test_another_patients_resource_is_dropped_and_noted():
    facts = facts_of(PATIENT, crp("a", subject={"reference": "Patient/p2"}), crp("b", subject=None))
    assert sources(facts.of("crp")) == ["Observation/b"]
    assert facts.notes == (Note("Observation/a", "foreign-patient"),)


def test_subjects_by_the_full_url_of_the_patient():
    entries = [{"fullUrl": URN, "resource": PATIENT}, {"resource": crp("a", subject={"reference": URN})}]
    facts = facts_from_bundle(read({"resourceType": "Bundle", "entry": entries}), (), today=TODAY)
    assert (facts.patient_id, len(facts.of("crp"))) == ("p1", 1)


def test_two_patients_are_refused():
    with pytest.raises(TwoPatientsError):
        facts_of(PATIENT, {**PATIENT, "id": "p2"})


def test_the_same_patient_twice_is_one():
    assert facts_of(PATIENT, PATIENT).patient_id == "p1"


def test_an_id_that_is_none_is_not_told():
    assert facts_of({**PATIENT, "id": "a b"}).patient_id is None


def test_a_birth_date_may_be_partial_unreadable_or_to_come():
    assert facts_of({**PATIENT, "birthDate": "2015"}).born.latest == date(2015, 12, 31)
    assert facts_of({**PATIENT, "birthDate": "12.3.15"}).notes == (Note("Patient/p1", "date-unreadable", "birth_date"),)
    assert facts_of({**PATIENT, "birthDate": "2026-01-01"}).born is None


def test_in_a_bundle_draft_requests_are_the_orders():
    facts = facts_of(PATIENT, request("z1"), request("z2", status="active"))
    assert [(order.concept, order.source, order.reference) for order in facts.orders] == [
        ("drug:zoledronic_acid", "MedicationRequest/z1", "MedicationRequest/z1")
    ]
    assert [(drug.source, drug.status) for drug in facts.drugs] == [("MedicationRequest/z2", "active")]


def test_a_medication_of_the_bundle_names_the_drug():
    medication = {"resourceType": "Medication", "id": "m", "code": {"coding": [{"system": ATC, "code": "M05BA08"}]}}
    order = request("z", medicationCodeableConcept=None, medicationReference={"reference": "Medication/m"})
    assert facts_of(PATIENT, order, medication).orders[0].concept == "drug:zoledronic_acid"


def test_the_notes_of_the_reading_are_kept_and_sorted():
    before = [Note("Observation/z", "value-wrong-type"), Note("Bundle.entry[7]", "not-a-resource")]
    facts = facts_of(PATIENT, crp("a", subject={"reference": "Patient/p2"}), notes=before)
    assert sources(facts.notes) == ["Bundle.entry[7]", "Observation/a", "Observation/z"]


def test_a_concept_with_an_unreadable_entry_is_named():
    assert facts_of(PATIENT, crp("a", status="preliminary"), crp("b")).unreadable == {"crp"}
    assert facts_of(PATIENT, crp("b")).unreadable == frozenset()


def tolerantly_read(*resources):
    raw = msgspec.json.encode(bundle(PATIENT, *resources))
    return facts_from_bundle(*read_resource(raw, "Bundle"), today=TODAY)


@pytest.mark.parametrize(
    ("kind", "concept"),
    [
        ("ImagingStudy", "imaging"),
        ("DiagnosticReport", "imaging"),
        ("Observation", "observation"),
        ("Encounter", "visit"),
        ("ServiceRequest", "service_request"),
    ],
)
def test_what_a_resource_that_could_not_be_read_may_have_been_is_named(kind, concept):
    broken = {"resourceType": kind, "id": "x", "subject": 5}
    assert tolerantly_read(broken).unreadable == {concept}
    failed = datatypes.Failed(kind, f"{kind}/x")
    assert concept in hooked({"list": failed}).unreadable
    drafts = fhir.Bundle(entry=[fhir.Entry(resource=failed)])
    ordered = facts_from_hook({}, drafts, (), patient_id="p1", selections=None, today=TODAY, templates={})
    assert ordered.unreadable == {concept}


@pytest.mark.parametrize("kind", ["Patient", "BodyStructure", "Questionnaire", "Nonsense", None])
def test_other_resources_that_could_not_be_read_name_no_concept(kind):
    assert hooked({"list": datatypes.Failed(kind, "x")}).unreadable == frozenset()


STUDY = {
    "resourceType": "ImagingStudy",
    "id": "i",
    "status": "available",
    "modality": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "MR"}],
    "started": "2025-09-01",
    **MINE,
}
REPORT = {
    "resourceType": "DiagnosticReport",
    "id": "d",
    "status": "final",
    "code": coded(SCT, "113091000"),
    "effectiveDateTime": "2025-09-01",
    **MINE,
}


@pytest.mark.parametrize(
    ("resource", "is_unread"),
    [
        (STUDY, False),
        (STUDY | {"status": None}, True),
        (STUDY | {"status": 5}, True),
        (STUDY | {"status": None, "modality": None}, True),
        (STUDY | {"started": "2025-09-15"}, False),
        (STUDY | {"started": "2025-09-16"}, True),
        (STUDY | {"modality": None}, True),
        (STUDY | {"modality": 5}, True),
        (STUDY | {"modality": [{"system": "x"}]}, True),
        (STUDY | {"modality": None, "procedureCode": [coded(SCT, "113091000")]}, False),
        (STUDY | {"modality": None, "series": [{"modality": STUDY["modality"][0]}]}, False),
        (STUDY | {"modality": [{"system": "x", "code": "SR"}]}, False),
        (REPORT, False),
        (REPORT | {"status": None}, True),
        (REPORT | {"effectiveDateTime": "2025-09-16"}, True),
        (REPORT | {"code": None}, True),
        (REPORT | {"code": 5}, True),
        (REPORT | {"code": {"coding": [{"system": SCT}]}}, True),
        (REPORT | {"code": {"text": "MR kne"}}, False),
        (REPORT | {"code": coded(NLK, "NPU58580")}, False),
    ],
)
def test_imaging_that_could_not_be_read_is_named(resource, is_unread):
    assert tolerantly_read(resource).unreadable == (frozenset({"imaging"}) if is_unread else frozenset())


def test_a_condition_that_could_not_be_read_may_be_any_disease():
    facts = hooked(
        {"conditions": datatypes.Failed("Condition", "Condition/c")}, notes=[Note("Condition/c", "resource-unreadable")]
    )
    assert [(each.concept, each.active) for each in facts.conditions] == [("unreadable", Truth.UNKNOWN)]
    assert "Condition" in facts.not_received


def test_an_entry_that_could_not_be_read_keeps_its_list():
    entries = fhir.Bundle(
        entry=[fhir.Entry(resource=datatypes.Failed("MedicationAdministration", "MedicationAdministration/g"))]
    )
    facts = facts_from_hook(
        {"given": entries}, None, (), patient_id="p1", selections=None, today=TODAY, templates=TEMPLATES
    )
    assert [(drug.concept, drug.kind) for drug in facts.drugs] == [("drug:unreadable", "administration")]
    assert "MedicationAdministration" not in facts.not_received


def test_a_foreign_patient_is_refused():
    with pytest.raises(ForeignPatientError):
        hooked({"patient": PATIENT}, patient="p2")


def test_another_patient_beside_the_right_one_makes_missing_subjects_worth_a_note():
    facts = hooked({"patient": bundle(PATIENT, {**PATIENT, "id": "p2"}), "labs": bundle(crp("a", subject=None))})
    assert facts.notes == (Note("Observation/a", "subject-missing"),)
    assert len(facts.of("crp")) == 1
    assert facts.unreadable == frozenset()


ALL = {
    "Observation",
    "Condition",
    "ImagingStudy",
    "BodyStructure",
    "DiagnosticReport",
    "Procedure",
    "MedicationRequest",
    "MedicationAdministration",
    "MedicationStatement",
    "AllergyIntolerance",
    "ServiceRequest",
    "Encounter",
    "Appointment",
    "QuestionnaireResponse",
}


def test_without_prefetch_nothing_was_received():
    facts = hooked({})
    assert facts.not_received == ALL
    assert (facts.patient_id, facts.born) == ("p1", None)


@pytest.mark.parametrize(
    ("key", "value", "received"),
    [
        ("conditions", None, {"Condition"}),
        ("conditions", bundle(), {"Condition"}),
        ("conditions", {"resourceType": "Bundle", "total": 0}, {"Condition"}),
        ("labs", bundle({"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}), {"Observation"}),
        ("item1", bundle(crp("a")), {"Observation"}),
        ("item1", bundle(link=[{"relation": "self", "url": "https://x/R4/Procedure?patient=p1"}]), {"Procedure"}),
        ("item1", bundle(PATIENT, link=[{"relation": "self", "url": "https://x/Patient/p1/$everything"}]), ALL),
        ("allergyIntolerances", None, {"AllergyIntolerance"}),
        ("medication_requests", bundle(), {"MedicationRequest"}),
        ("visits", None, {"Encounter"}),
        ("encounters", bundle(), {"Encounter"}),
        ("referrals", None, {"ServiceRequest"}),
        ("meds", None, {"MedicationRequest"}),
        ("imagingFindings-user", bundle(), set()),
        ("drugAllergies", bundle(), {"AllergyIntolerance"}),
        ("labDiagnostics", None, set()),
        ("infusionPlan", bundle(), set()),
        ("patientInformation", bundle(), set()),
        ("-user", None, set()),
        ("item1", bundle(), set()),
        ("labs", crp("a"), {"Observation"}),
        ("other", crp("a"), {"Observation"}),
    ],
)
def test_null_and_an_empty_bundle_are_received_lists(key, value, received):
    facts = hooked({key: value})
    assert ALL - facts.not_received == received
    assert facts.notes == ()


def test_a_list_that_failed_was_not_received():
    facts = hooked({"conditions": {"resourceType": "OperationOutcome"}, "labs": None})
    assert "Condition" in facts.not_received
    assert "Observation" not in facts.not_received
    assert facts.notes == (Note("prefetch.conditions", "prefetch-failed"),)


def test_of_a_failed_list_whose_key_leaves_it_open_all_that_it_mentions_is_lost():
    facts = hooked({"problemsAndLabs": {"resourceType": "OperationOutcome"}, "conditions": None, "meds": None})
    assert {"Condition", "Observation"} <= facts.not_received
    assert "MedicationRequest" not in facts.not_received


def test_a_first_page_is_not_the_whole_list():
    facts = hooked({"given": bundle(given_drug("g", "2025-01-01"), link=[{"relation": "next", "url": "x"}])})
    assert "MedicationAdministration" in facts.not_received
    assert sources(facts.drugs) == ["MedicationAdministration/g"]
    assert facts.notes == (Note("prefetch.given", "incomplete-page"),)


def test_odd_keys_make_plain_paths():
    facts = hooked({"lab svar <b>": bundle(crp(None))})
    assert sources(facts.of("crp")) == ["prefetch.lab_svar__b_.entry[0]"]


def test_a_bundle_where_the_patient_was_expected():
    assert hooked({"patient": bundle(PATIENT)}).born.earliest == date(2015, 4, 10)


def test_all_draft_orders_are_judged_whatever_their_status():
    drafts = bundle(request("z1"), request("z2", status="active"), request("z3", status=None))
    assert sources(hooked({}, drafts).orders) == [f"MedicationRequest/z{number}" for number in (1, 2, 3)]


def test_an_order_is_not_its_own_history():
    facts = hooked({"medicationRequests": bundle(request("z1"), request("old"))}, bundle(request("z1")))
    assert sources(facts.orders) == ["MedicationRequest/z1"]
    assert sources(facts.drugs) == ["MedicationRequest/old"]


def test_only_selected_orders_are_judged_but_paracetamol_is_seen():
    drafts = bundle(request("z1"), request("z2"), request("par", "N02BE01"))
    facts = hooked({}, drafts, selections=("MedicationRequest/z2",))
    assert sources(facts.orders) == ["MedicationRequest/par", "MedicationRequest/z2"]
    assert not facts.drugs


@pytest.mark.parametrize("selections", [(), ("MedicationRequest/gone",), None])
def test_without_a_resolvable_selection_all_are_judged(selections):
    assert len(hooked({}, bundle(request("z1"), request("z2")), selections=selections).orders) == 2


def test_what_is_not_selected_makes_no_notes():
    drafts = bundle(request("z1", medicationCodeableConcept=None), request("z2"))
    assert hooked({}, drafts, selections=("MedicationRequest/z2",)).notes == ()


def test_a_medication_beside_the_order_names_its_drug():
    medication = {"resourceType": "Medication", "id": "m", "code": {"coding": [{"system": ATC, "code": "M05BA08"}]}}
    order = request(
        "z", medicationCodeableConcept=None, medicationReference={"reference": "https://ehr.example.org/Medication/m"}
    )
    assert hooked({}, bundle(order, medication)).orders[0].concept == "drug:zoledronic_acid"


@pytest.mark.parametrize(
    ("code", "selections", "concept"),
    [
        ("M05BA08", None, "drug:zoledronic_acid"),
        ("M05BA08", ("MedicationRequest/z",), "drug:zoledronic_acid"),
        ("M05BA08", ("MedicationRequest/own",), None),
        ("M05BA03", None, None),
    ],
)
def test_an_order_of_another_patient_is_dropped_and_noted(code, selections, concept):
    drafts = bundle(request("z", code, subject={"reference": "Patient/p2"}), request("own", "A10BA02"))
    facts = hooked({}, drafts, selections=selections)
    assert not facts.orders
    assert facts.notes == (Note("MedicationRequest/z", "foreign-patient", concept),)
    assert facts.unreadable == frozenset()


def test_what_is_given_to_another_patient_is_no_order_of_today():
    given = {"resourceType": "MedicationAdministration", "id": "g", "subject": {"reference": "Patient/p2"}}
    given["medicationCodeableConcept"] = {"coding": [{"system": ATC, "code": "M05BA08"}]}
    assert hooked({"given": bundle(given)}).notes == (Note("MedicationAdministration/g", "foreign-patient"),)


@pytest.mark.parametrize("kind", ["MedicationRequest", "MedicationOrder"])
def test_an_order_that_could_not_be_read_may_be_any_drug(kind):
    drafts = fhir.Bundle(entry=[fhir.Entry(resource=datatypes.Failed(kind, f"{kind}/7"))])
    facts = facts_from_hook({}, drafts, (), patient_id="p1", selections=None, today=TODAY, templates=TEMPLATES)
    assert [(order.concept, order.reference) for order in facts.orders] == [("order:unreadable", f"{kind}/7")]


def test_an_appointment_in_the_prefetch_tells_the_planned_date():
    appointment = {"resourceType": "Appointment", "id": "a", "status": "booked", "start": "2025-09-30T08:00:00Z"}
    order = hooked({"appointments": bundle(appointment)}, bundle(request("z"))).orders[0]
    assert (order.planned.told_by, order.planned.when.earliest) == ("appointment", date(2025, 9, 30))


def test_many_appointments_for_many_requests_are_read_in_a_moment():
    request_ = {"resourceType": "ServiceRequest", "status": "active", "code": coded(NLK, "NPU10267"), **MINE}
    requests = [{**request_, "id": f"l{number}"} for number in range(2000)]
    appointment = {"resourceType": "Appointment", "status": "booked", "start": "2025-09-30T08:00:00Z"}
    appointments = [
        {**appointment, "id": f"a{number}", "basedOn": [{"reference": f"ServiceRequest/l{number}"}]}
        for number in range(2000)
    ]
    raw = read(bundle(PATIENT, *requests, *appointments))
    began = perf_counter()
    facts = facts_from_bundle(raw, (), today=TODAY)
    assert perf_counter() - began < 1
    assert {order.planned.told_by for order in facts.orders} == {"appointment"}
    assert len(facts.orders) == len(requests)


def test_an_appointment_with_endless_references_is_read_in_a_moment():
    request_ = {"resourceType": "ServiceRequest", "status": "active", "code": coded(NLK, "NPU10267"), **MINE}
    requests = [{**request_, "id": f"l{number}"} for number in range(500)]
    endless = [{"reference": f"ServiceRequest/x{number}"} for number in range(50_000)]
    appointment = {
        "resourceType": "Appointment", "id": "a", "status": "booked", "start": "2025-09-30T08:00:00Z",
        "basedOn": endless,
    }  # fmt: skip
    raw = read(bundle(PATIENT, *requests, appointment))
    began = perf_counter()
    facts = facts_from_bundle(raw, (), today=TODAY)
    assert perf_counter() - began < 1
    assert {order.planned.told_by for order in facts.orders} == {"today"}


def test_amounts_are_exact():
    dosage = [{"doseAndRate": [{"doseQuantity": {"value": 0.025000000000000000001, "unit": "mg/kg"}}]}]
    raw = msgspec.json.encode(bundle(request("z", dosageInstruction=dosage))).replace(
        b"0.025", b"0.025000000000000000001"
    )
    facts = facts_from_hook({}, decode(raw), (), patient_id="p1", selections=None, today=TODAY, templates=TEMPLATES)
    assert facts.orders[0].dose.amount == Decimal("0.025000000000000000001")


def test_imaging_findings_and_laboratory_results_are_told_apart():
    site = {"coding": [{"system": SCT, "code": "12611008"}]}
    finding = {
        "resourceType": "Observation",
        "id": "f",
        "status": "final",
        "code": {"coding": [{"system": SCT, "code": "49347007"}]},
        "bodySite": site,
    }
    size = {**finding, "id": "g", "valueQuantity": {"value": 12, "unit": "mm"}}
    facts = facts_of(PATIENT, finding, size, crp("a", bodySite=site))
    assert sources(facts.lesions) == ["Observation/f", "Observation/g"]
    assert sources(facts.of("crp")) == ["Observation/a"]


def test_every_kind_of_resource_is_read():
    bone = {"coding": [{"system": SCT, "code": "12611008"}]}
    mri = {"coding": [{"system": "http://loinc.org", "code": "46358-8"}]}
    facts = facts_of(
        PATIENT,
        {"resourceType": "DiagnosticReport", "id": "d", "status": "final", "code": mri, **MINE},
        {
            "resourceType": "Procedure",
            "id": "p",
            "status": "completed",
            "code": {"coding": [{"system": SCT, "code": "13861005"}]},
            **MINE,
        },
        {"resourceType": "BodyStructure", "id": "b", "location": bone, "patient": MINE["subject"]},
        {
            "resourceType": "AllergyIntolerance",
            "id": "a",
            "code": {"coding": [{"system": ATC, "code": "N02BE01"}]},
            "patient": MINE["subject"],
        },
        {
            "resourceType": "AllergyIntolerance",
            "id": "f",
            "code": {"coding": [{"system": ATC, "code": "M05BA08"}]},
            "patient": {"reference": "Patient/p2"},
        },
        {
            "resourceType": "MedicationStatement",
            "id": "s",
            "status": "active",
            "medicationCodeableConcept": {"text": "Ibux"},
            **MINE,
        },
        {"resourceType": "Observation", "id": "o", "status": "final", "code": mri, **MINE},
        {
            "resourceType": "ServiceRequest",
            "id": "r",
            "status": "draft",
            "code": {"coding": [{"system": SCT, "code": "13861005"}]},
            **MINE,
        },
        {
            "resourceType": "QuestionnaireResponse",
            "id": "q",
            "status": "completed",
            "questionnaire": "x/Questionnaire/cno-assessment",
            "authored": "2025-09-01",
            **MINE,
        },
    )
    assert sources(facts.studies) == ["DiagnosticReport/d", "Observation/o"]
    assert sources(facts.biopsies) == ["Procedure/p"]
    assert sources(facts.lesions) == ["BodyStructure/b"]
    assert facts.allergies == {"drug:paracetamol"}
    assert [drug.concept for drug in facts.drugs] == ["drug:nsaid"]
    assert [order.concept for order in facts.orders] == ["proc:bone_biopsy"]
    assert facts.form.source == "QuestionnaireResponse/q"
    assert facts.notes == (
        Note("AllergyIntolerance/f", "foreign-patient"),
        Note("MedicationStatement/s", "read-by-name", "drug:nsaid"),
    )


def test_other_coded_results_are_findings():
    blasts = crp(
        "b", 2, code={"coding": [{"system": NLK, "code": "NOR25593"}]}, valueQuantity={"value": 2, "unit": "%"}
    )
    assert [(finding.name, finding.value) for finding in facts_of(PATIENT, blasts).findings] == [
        ("blasts_pct", "present")
    ]


def test_in_a_bundle_a_request_that_could_not_be_read_may_be_a_draft_order_too():
    entries = fhir.Bundle(entry=[fhir.Entry(resource=datatypes.Failed("MedicationRequest", "MedicationRequest/7"))])
    facts = facts_from_bundle(entries, (), today=TODAY)
    assert [order.concept for order in facts.orders] == ["order:unreadable"]
    assert [drug.concept for drug in facts.drugs] == ["drug:unreadable"]


ODD = st.sampled_from(
    [
        None,
        0,
        -1,
        1.5,
        True,
        "",
        "x",
        "2025-13-40",
        "<b>",
        [],
        {},
        [None],
        [[]],
        {"coding": None},
        {"value": "NaN"},
        {"reference": 7},
    ]
)
DRAFT = request(
    "z9",
    dosageInstruction=[
        {
            "timing": {"event": ["2025-10-01"], "repeat": {"duration": 15, "durationUnit": "min"}},
            "doseAndRate": [
                {"doseQuantity": {"value": 1, "unit": "mg"}},
                {"doseQuantity": {"value": 100, "unit": "mL"}},
            ],
        }
    ],
)
RESPONSE = {
    "resourceType": "QuestionnaireResponse",
    "id": "q",
    "status": "completed",
    "questionnaire": "x/Questionnaire/cno-assessment",
    "item": [
        {"linkId": "fever", "answer": [{"valueCoding": {"code": "absent"}}]},
        {"linkId": "lesion", "item": [{"linkId": "lesion-side", "answer": [{"valueCoding": {"code": "left"}}]}]},
    ],
}


def places(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


def with_odd(value, path, odd):
    if not path:
        return odd
    copy = value.copy()
    copy[path[0]] = with_odd(value[path[0]], path[1:], odd)
    return copy


@given(st.data())
def test_whatever_stands_anywhere_the_rest_of_the_record_is_read(data):
    record = [*RECORD[1:], DRAFT, RESPONSE]
    number = data.draw(st.integers(0, len(record) - 1))
    path = data.draw(st.sampled_from(list(places(record[number]))[1:]))
    changed = with_odd(record[number], path, data.draw(ODD))
    raw = msgspec.json.encode(bundle(PATIENT, crp("safe", 3), changed))
    found, notes = read_resource(raw, "Bundle")
    facts = facts_from_bundle(found, notes, today=TODAY)
    assert "Observation/safe" in sources(facts.of("crp"))


def lab_request(identifier, status, code="49054-0", system="http://loinc.org"):
    return {
        "resourceType": "ServiceRequest",
        "id": identifier,
        "status": status,
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "code": {"coding": [{"system": system, "code": code}]},
    }


def test_tests_that_are_ordered_already_are_known_whatever_is_selected():
    record = bundle(lab_request("a", "active"), lab_request("b", "completed"), lab_request("c", "revoked"))
    drafts = bundle(lab_request("d", "draft"), request("z"))
    facts = hooked({"requests": record}, drafts, selections=["MedicationRequest/z"])
    assert [(order.concept, order.source) for order in facts.orders] == [
        ("drug:zoledronic_acid", "MedicationRequest/z"),
        ("lab:vitd25", "ServiceRequest/a"),
        ("lab:vitd25", "ServiceRequest/d"),
    ]


def test_an_active_order_of_the_record_is_no_order_of_this_session():
    record = bundle(lab_request("x", "active", "13861005", "http://snomed.info/sct"))
    assert hooked({"requests": record}, bundle()).orders == ()
