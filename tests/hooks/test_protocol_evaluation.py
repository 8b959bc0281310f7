import pytest

from cds_service.hooks.protocol import HookRequest, read_evaluation_body, read_hook
from cds_service.mappings.fhir import Patient
from cds_service.operations.errors import RequestError
from tests.hooks.asked import BY_HOOK, ORDERS, SELECT, SIGN, VIEW, body


@pytest.mark.parametrize("hook", BY_HOOK)
def test_evaluation_takes_a_hook_request_told_by_its_hook_member(hook):
    request = read_evaluation_body(body(BY_HOOK[hook]))
    assert isinstance(request, HookRequest)
    assert request.hook == hook


@pytest.mark.parametrize("bundle_type", ["searchset", "collection", "transaction", "history", None])
def test_evaluation_takes_a_bundle_of_any_type(bundle_type):
    bundle, notes = read_evaluation_body(body({"resourceType": "Bundle", "type": bundle_type, "entry": [{}]}))
    assert (len(bundle.entry), notes) == (1, ())


def test_evaluation_reads_a_bundle_entry_by_entry_where_one_stumbles():
    patient = VIEW["prefetch"]["patient"]
    bundle, notes = read_evaluation_body(
        body({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Zebra"}}, {"resource": patient}]})
    )
    assert isinstance(bundle.entry[1].resource, Patient)
    assert [(note.source, note.reason) for note in notes] == [("Bundle.entry[0]", "unknown-resource-type")]


@pytest.mark.parametrize(
    "sent", [{}, {"resourceType": "Patient"}, {"resourceType": 4}, {"resourceType": "Bundle", "entry": 7}, {"x": 1}]
)
def test_evaluation_refuses_what_is_neither_bundle_nor_hook_request(sent):
    with pytest.raises(RequestError) as caught:
        read_evaluation_body(body(sent))
    assert caught.value.status == 422


@pytest.mark.parametrize("hook", ["encounter-start", 4, "", None])
def test_evaluation_refuses_a_hook_that_no_service_answers(hook):
    with pytest.raises(RequestError) as caught:
        read_evaluation_body(body(VIEW, hook=hook))
    assert caught.value.status in {400, 422}


STUMBLES = {"labs": "<html>"}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"context": None}, "context"),
        ({"hook": None}, "hook"),
        ({"hookInstance": None}, "hookInstance"),
        ({"context": {"userId": "Practitioner/p", "patientId": "kari"}}, "context.draftOrders"),
        ({"context": {"userId": "Practitioner/p", "patientId": "kari", "draftOrders": None}}, "context.draftOrders"),
        ({"context": {"userId": "Practitioner/p", "draftOrders": ORDERS}}, "context.patientId"),
    ],
)
def test_a_prefetch_that_stumbles_hides_no_fault_of_the_envelope(change, named):
    with pytest.raises(RequestError) as caught:
        read_hook(body(SIGN, prefetch=STUMBLES, **change), "order-sign")
    assert caught.value.status == 400
    assert named in caught.value.diagnostics


def test_a_prefetch_that_stumbles_leaves_selections_and_orders_as_they_were():
    request = read_hook(body(SELECT, prefetch=STUMBLES), "order-select")
    assert request.selections == ("MedicationRequest/z1",)
    assert len(request.draft_orders.entry) == 1


@pytest.mark.parametrize("depth", [150, 240, 320, 900])
def test_bundles_within_bundles_are_read_or_refused_whatever_their_depth(depth):
    raw = b'{"hook":"patient-view","hookInstance":"1","context":{"userId":"u/1","patientId":"p"},"prefetch":{"a":%s}}'
    text = b'{"resourceType":"Bundle","entry":[{"resource":' * depth + b'"x"' + b"}]}" * depth
    for reading in (lambda: read_hook(raw % text, "patient-view"), lambda: read_evaluation_body(text)):
        try:
            reading()
        except RequestError as error:
            refused = error
        else:
            continue
        assert refused.status == 400
