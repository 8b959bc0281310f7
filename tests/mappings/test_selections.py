"""Which draft orders a selection names, however it is written."""

import msgspec
import pytest

from cds_service.mappings import datatypes, fhir
from cds_service.mappings.selections import chosen

URN = "urn:uuid:0c3e0f1c-5c1e-4f0e-9b57-2c1b6a0f6a11"
ODD = "context.draftOrders.entry[3]"


def draft(kind, identifier, url=None):
    return {"fullUrl": url, "resource": {"resourceType": kind, "id": identifier}}


def bundle(*entries):
    return msgspec.convert({"resourceType": "Bundle", "entry": list(entries)}, fhir.Bundle)


def sources(drafts):
    """As the reading of the Bundle names them: an id with a colon is none, its place stands for it."""
    return {id(entry.resource): ODD for entry in drafts.entry if entry.resource.id in {"a:1", None}}


@pytest.mark.parametrize(
    ("selections", "expected"),
    [
        (("MedicationRequest/a",), {"MedicationRequest/a"}),
        (("MedicationRequest/a/_history/3",), {"MedicationRequest/a"}),
        (("https://ehr.example.org/fhir/MedicationRequest/a",), {"MedicationRequest/a"}),
        (("a",), {"MedicationRequest/a"}),
        (("MedicationOrder/a",), {"MedicationRequest/a"}),
        ((URN,), {"ServiceRequest/b"}),
        (("ServiceRequest/0c3e0f1c-5c1e-4f0e-9b57-2c1b6a0f6a11",), {"ServiceRequest/b"}),
        (("MedicationRequest/a:1",), {ODD}),
        (("MedicationRequest/same",), {"MedicationRequest/same"}),
        (("same",), {"MedicationRequest/same", "ServiceRequest/same"}),
        (("MedicationRequest/a", "MedicationRequest/gone"), {"MedicationRequest/a"}),
        (("NutritionOrder/n",), {"NutritionOrder/n"}),
        (("MedicationRequest/gone",), None),
        (("",), None),
        ((), None),
        (None, None),
    ],
)
def test_selections(selections, expected):
    drafts = bundle(
        draft("MedicationRequest", "a"), draft("ServiceRequest", "b", URN), draft("NutritionOrder", "n"),
        draft("MedicationRequest", "a:1"), draft("MedicationRequest", "same"), draft("ServiceRequest", "same"),
    )  # fmt: skip
    assert chosen(drafts, selections, sources(drafts)) == expected


@pytest.mark.parametrize(
    ("selections", "expected"),
    [
        (("MedicationRequest/a",), {"MedicationRequest/a"}),
        (("MedicationRequest/a", "MedicationRequest/gone"), {"MedicationRequest/a", ODD}),
        (("MedicationRequest/gone",), None),
    ],
)
def test_an_order_without_a_name_is_meant_where_a_selection_is_not_found(selections, expected):
    drafts = bundle(draft("MedicationRequest", "a"), draft("MedicationRequest", None))
    assert chosen(drafts, selections, sources(drafts)) == expected


def test_an_order_without_id_is_found_by_its_address():
    drafts = bundle(draft("MedicationRequest", None, "https://ehr.example.org/fhir/MedicationRequest/x/_history/1"))
    for selection in ("MedicationRequest/x", "https://ehr.example.org/fhir/MedicationRequest/x"):
        assert chosen(drafts, (selection,), sources(drafts)) == {ODD}


def test_an_order_in_a_bundle_within_the_bundle_is_found():
    inner = {"resource": {"resourceType": "Bundle", "entry": [draft("MedicationRequest", "a")]}}
    assert chosen(bundle(inner), ("MedicationRequest/a",), {}) == {"MedicationRequest/a"}


def test_orders_without_drafts_have_no_selection():
    assert chosen(None, ("MedicationRequest/a",), {}) is None


def test_an_order_that_could_not_be_read_can_be_selected():
    failed = datatypes.Failed("MedicationOrder", "MedicationOrder/7")
    drafts = fhir.Bundle(entry=[fhir.Entry(resource=failed), fhir.Entry()])
    assert chosen(drafts, ("MedicationOrder/7",), {}) == {"MedicationOrder/7"}
