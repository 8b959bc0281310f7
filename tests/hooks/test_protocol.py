import json

import pytest

from cds_service.hooks.protocol import read_evaluation_body, read_hook
from cds_service.mappings.datatypes import Failed
from cds_service.mappings.fhir import Bundle, MedicationRequest, Observation, OperationOutcome, Patient
from cds_service.operations.errors import RequestError
from tests.hooks.asked import BY_HOOK, INSTANCE, ORDERS, SELECT, SIGN, VIEW, body


def read(request, **members):
    return read_hook(body(request, **members), request["hook"])


def in_context(request, **members):
    return read(request, context={**request["context"], **members})


def without(request, name):
    return {key: value for key, value in request.items() if key != name}


def refusal(raw, hook="patient-view"):
    with pytest.raises(RequestError) as caught:
        read_hook(raw, hook)
    return caught.value


@pytest.mark.parametrize("hook", BY_HOOK)
def test_a_sound_request_is_read_without_a_note(hook):
    request = read(BY_HOOK[hook])
    assert (request.hook, request.patient_id, request.user_id, request.notes) == (hook, "kari", "Practitioner/p", ())
    assert isinstance(request.prefetch["patient"], Patient)


def test_selections_stand_only_where_orders_are_selected():
    assert read(SELECT).selections == ("MedicationRequest/z1",)
    assert read(SIGN).selections is None
    assert read(VIEW, context={**VIEW["context"], "selections": ["MedicationRequest/z1"]}).selections is None


@pytest.mark.parametrize("selections", [None, [], "MedicationRequest/z1", [1], {}])
def test_selections_that_select_nothing_leave_all_orders_to_be_judged(selections):
    request = in_context(SELECT, selections=selections)
    assert request.selections == ()
    assert request.draft_orders is not None


@pytest.mark.parametrize("orders", [ORDERS, "text", 7, [ORDERS]])
def test_drafts_are_not_read_at_patient_view(orders):
    request = in_context(VIEW, draftOrders=orders)
    assert (request.draft_orders, request.notes) == (None, ())


@pytest.mark.parametrize("hook", BY_HOOK)
@pytest.mark.parametrize("name", ["hook", "hookInstance", "context"])
@pytest.mark.parametrize("value", ["absent", None, "", "  ", 7, ["x"], False])
def test_a_request_without_a_member_it_must_have_is_refused_by_name(hook, name, value):
    request = BY_HOOK[hook]
    fault = refusal(
        json.dumps(without(request, name) if value == "absent" else {**request, name: value}).encode(), hook
    )
    assert fault.status == 400
    assert name in fault.diagnostics


@pytest.mark.parametrize("hook", BY_HOOK)
@pytest.mark.parametrize("name", ["userId", "patientId"])
@pytest.mark.parametrize("value", ["absent", None, "", 7, {"reference": "Patient/kari"}])
def test_a_context_without_user_or_patient_is_refused_by_name(hook, name, value):
    request = BY_HOOK[hook]
    context = without(request["context"], name) if value == "absent" else {**request["context"], name: value}
    fault = refusal(body(request, context=context), hook)
    assert fault.status == 400
    assert f"context.{name}" in fault.diagnostics


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
@pytest.mark.parametrize(
    "orders", ["absent", None, "text", [ORDERS], 3, {"resourceType": "MedicationRequest"}, {"entry": "none"}]
)
def test_orders_that_are_no_bundle_are_refused_by_name(hook, orders):
    request = BY_HOOK[hook]
    context = request["context"]
    context = without(context, "draftOrders") if orders == "absent" else {**context, "draftOrders": orders}
    fault = refusal(body(request, context=context), hook)
    assert fault.status == 400
    assert "context.draftOrders" in fault.diagnostics


@pytest.mark.parametrize("served", BY_HOOK)
@pytest.mark.parametrize(
    "sent", ["patient-view", "order-sign", "order-select", "encounter-start", "PATIENT-VIEW", "<b>"]
)
def test_the_hook_of_another_service_is_refused_and_not_repeated(served, sent):
    if sent == served:
        return
    fault = refusal(body(BY_HOOK[served], hook=sent), served)
    assert fault.status == 400
    assert "hook" in fault.diagnostics
    assert "<b>" not in fault.diagnostics


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b'{"hook": "patient-view",}',
        b"{'hook': 1}",
        b'{"hook": NaN}',
        b'{"anything": NaN}',
        b'{"anything": -Infinity}',
        b'{"anything": 01}',
        b'{"anything": "\\ud800"}',
        b"{} {}",
        b"\xef\xbb\xbf{}",
        '{"hook": "patient-view"}'.encode("utf-16"),
        b"[]",
        b"null",
        b'"patient-view"',
        b"17",
        b'{"anything":' * 20_000,
        b"[" * 200_000,
        b'{"hook":"patient-view","prefetch":{"a":' + b"[" * 5000 + b"]" * 5000 + b"}}",
    ],
)
def test_what_is_not_a_json_object_is_refused(raw):
    for reading in (lambda: read_hook(raw, "patient-view"), lambda: read_evaluation_body(raw)):
        with pytest.raises(RequestError) as caught:
            reading()
        assert caught.value.status == 400


@pytest.mark.parametrize("sent", ["Patient/kari", "https://ehr.example.no/fhir/R4/Patient/kari"])
def test_a_patient_reference_in_the_place_of_an_id_is_normalised_with_a_note(sent):
    request = in_context(VIEW, patientId=sent)
    assert request.patient_id == "kari"
    assert [(note.source, note.reason) for note in request.notes] == [("context.patientId", "patient-id-normalised")]


@pytest.mark.parametrize("sent", ["Group/kari", "Patient/", "Patient/kari/extra"])
def test_a_reference_that_names_no_patient_is_refused(sent):
    fault = refusal(body(VIEW, context={**VIEW["context"], "patientId": sent}))
    assert (fault.status, "kari" in fault.diagnostics) == (400, False)


@pytest.mark.parametrize(
    ("instance", "noted"), [("1", True), (INSTANCE.upper(), False), ("urn:uuid:" + INSTANCE, False)]
)
def test_an_instance_that_is_no_uuid_is_answered_with_a_note(instance, noted):
    assert [note.reason for note in read(VIEW, hookInstance=instance).notes] == ["hook-instance-not-uuid"] * noted


@pytest.mark.parametrize(
    "more",
    [
        {"prefetch": None},
        {"fhirAuthorization": None, "fhirServer": None},
        {
            "fhirServer": "https://ehr.example.org/fhir",
            "fhirAuthorization": {"access_token": "t", "expires_in": "300", "scope": "user/Observation.rs"},
        },
        {"extension": {"com.example.button": "18"}, "anything": [1, {"deep": None}]},
    ],
)
def test_optional_and_unknown_members_never_stand_in_the_way(more):
    assert read(VIEW, **more).notes == ()


@pytest.mark.parametrize("context", [{"encounterId": None}, {"encounterId": 4711}, {"unheardOf": {"x": 1}}])
def test_optional_and_unknown_context_never_stands_in_the_way(context):
    assert in_context(VIEW, **context).notes == ()


@pytest.mark.parametrize("prefetch", [[], "none", 3, True])
def test_a_prefetch_that_is_no_object_counts_as_failed_not_as_empty(prefetch):
    request = read(VIEW, prefetch=prefetch)
    assert request.prefetch == {}
    assert [(note.source, note.reason) for note in request.notes] == [("prefetch", "prefetch-failed")]


def test_a_bad_prefetch_value_costs_itself_and_leaves_a_note():
    good = VIEW["prefetch"]["patient"]
    request = read(VIEW, prefetch={"patient": good, "min liste": "<html>500</html>", "labs": None})
    assert isinstance(request.prefetch["patient"], Patient)
    assert isinstance(request.prefetch["min liste"], Failed)
    assert request.prefetch["labs"] is None
    assert [(note.source, note.reason) for note in request.notes] == [("prefetch.min_liste", "not-a-resource")]


def test_a_bad_entry_costs_itself_and_leaves_a_note():
    crp = {"resourceType": "Observation", "id": "crp", "valueQuantity": {"value": 4, "unit": "mg/L"}}
    bad = {"resourceType": "Observation", "id": "sr", "valueQuantity": "high"}
    labs = {"resourceType": "Bundle", "entry": [{"resource": bad}, {"resource": crp}, {}, "x"]}
    request = read(VIEW, prefetch={"labs": labs})
    labs_read = request.prefetch["labs"]
    assert isinstance(labs_read, Bundle)
    assert isinstance(labs_read.entry[1].resource, Observation)
    assert ("Observation/sr", "value-wrong-type") in [(note.source, note.reason) for note in request.notes]
    assert ("prefetch.labs.entry[3]", "not-a-resource") in [(note.source, note.reason) for note in request.notes]


def test_orders_are_read_without_bundle_type_and_even_without_a_resource_type():
    for orders in (ORDERS, {"entry": ORDERS["entry"]}, {"entry": [*ORDERS["entry"], {"resource": 5}]}):
        request = in_context(SIGN, draftOrders=orders)
        assert isinstance(request.draft_orders.entry[0].resource, MedicationRequest)


def test_a_category_written_as_an_object_does_not_cost_the_order():
    order = {"resourceType": "MedicationRequest", "id": "z1", "category": {"coding": []}, "dosageInstruction": {}}
    request = in_context(SIGN, draftOrders={"resourceType": "Bundle", "entry": [{"resource": order}]})
    assert isinstance(request.draft_orders.entry[0].resource, MedicationRequest)


def test_a_resource_of_an_older_release_is_told_as_such():
    old = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "MedicationOrder", "id": "m1"}}]}
    request = in_context(SIGN, draftOrders=old)
    assert [(note.source, note.reason) for note in request.notes] == [("MedicationOrder/m1", "not-r4")]


@pytest.mark.parametrize(
    ("user", "is_patient"),
    [
        ("Practitioner/1", False),
        ("PractitionerRole/Patient", False),
        ("Patient/kari", True),
        ("RelatedPerson/mor", True),
        ("https://ehr.example.no/fhir/Patient/kari", True),
        ("123", False),
    ],
)
def test_patients_and_relatives_are_told_from_clinicians(user, is_patient):
    assert in_context(VIEW, userId=user).by_patient is is_patient


@pytest.mark.parametrize(
    ("prefetch", "received"),
    [
        (VIEW["prefetch"], True),
        ({"record": {"resourceType": "Bundle", "entry": [{"resource": VIEW["prefetch"]["patient"]}]}}, True),
        ({"record": {"resourceType": "Bundle", "entry": [{}]}}, False),
        ({"patient": None}, False),
        ({"patient": {"resourceType": "OperationOutcome"}}, False),
        ({}, False),
    ],
)
def test_whether_the_patient_was_received_is_told_from_the_resources(prefetch, received):
    assert read(VIEW, prefetch=prefetch).has_patient is received


def test_a_failed_prefetch_stands_as_the_outcome_that_came():
    request = read(VIEW, prefetch={"conditions": {"resourceType": "OperationOutcome", "issue": [{"code": "timeout"}]}})
    assert isinstance(request.prefetch["conditions"], OperationOutcome)


def test_no_refusal_repeats_what_was_sent():
    private = "Olav-Nordmann-01010012345"
    sent = [
        {**VIEW, "hook": private},
        {**VIEW, "context": private},
        {**VIEW, "context": {**VIEW["context"], "patientId": f"{private}/{private}"}},
        {**SIGN, "hook": "patient-view", "context": {"userId": private}},
        {"resourceType": private},
    ]
    for request in sent:
        with pytest.raises(RequestError) as caught:
            read_evaluation_body(body(request))
        assert private not in caught.value.diagnostics
