"""Random draft orders: none breaks the service, and no order of entries or amounts changes what is told."""

import asyncio
import json
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cds_service.app import make_answers, random_uuid
from cds_service.hooks.answer import encoded
from cds_service.hooks.services import BY_HOOK
from cds_service.mappings.terminology import table
from cds_service.operations.errors import RequestError
from cds_service.settings import Settings
from cds_service.simulate.schema_checks import validator
from tests.hooks.sessions import (
    ATC,
    EPIC_TYPES,
    HOOKS,
    MINE,
    OTHER,
    PLANNED,
    RXNORM,
    SCT,
    bundle,
    coded,
    coding,
    drug_order,
    plain,
    quantity,
    record,
    service_order,
    session,
)

SCHEMAS = files("cds_service") / "schemas"
EVALUATION = Draft202012Validator(json.loads((SCHEMAS / "evaluation.schema.json").read_text("utf-8")))
RESPONSE = validator("Response")
ANSWERS = make_answers(Settings(profile="development"), lambda: datetime(2025, 9, 15, 8, tzinfo=UTC), random_uuid)
PRIVATE = "Olav Nordmann"
SYSTEMS = {"atc": ATC, "rxnorm": RXNORM}
BOTH = pytest.mark.parametrize("hook", HOOKS)
MANY = settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])

NAMES = [
    "resourceType", "id", "status", "intent", "doNotPerform", "subject", "patient", "medication", "reference",
    "medicationCodeableConcept", "medicationReference", "coding", "system", "code", "display", "text", "contained",
    "dosageInstruction", "extension", "url", "valueQuantity", "doseAndRate", "doseQuantity", "doseRange",
    "rateQuantity", "rateRatio", "rateRange", "low", "high", "numerator", "denominator", "value", "unit",
    "comparator", "type", "timing", "event", "repeat", "boundsPeriod", "start", "duration", "durationUnit",
    "category", "orderDetail", "authoredOn", "dateWritten", "occurrenceDateTime", "occurrencePeriod", "entry",
    "resource", "fullUrl", "ingredient", "itemCodeableConcept", "itemReference", "concept",
]  # fmt: skip
WORDS = [
    "MedicationRequest", "MedicationOrder", "ServiceRequest", "ProcedureRequest", "Medication", "Bundle", "Patient",
    "z1", "#m", "draft", "cancelled", "Patient/another", MINE["reference"], ATC, "M05BA08", "N02BE01", RXNORM, "77655",
    "mg", "mg/kg", "mL", "mL/h", "ordered", "calculated", "min", PLANNED, "2025-02-30", "Zometa 4 mg/5 mL", "MRI",
    "zoledronic acid", "Ikke MR", "https://open.epic.com/fhir/extensions/ordered-dose", PRIVATE, "",
]  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 10**12), st.floats(-1e6, 1e6), st.sampled_from(WORDS), st.text(max_size=8)
)
SHAPES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=24,
)
RESOURCES = st.dictionaries(st.sampled_from(NAMES), SHAPES, max_size=12).flatmap(
    lambda members: st.sampled_from([members, {**drug_order(), **members}, {**service_order("MR"), **members}])
)


def told(request):
    """The answer of the service and the Evaluation."""
    body = json.dumps(request).encode()
    answer = json.loads(asyncio.run(ANSWERS.to_hook(BY_HOOK[request["hook"]], body, "en")).body)
    return answer["cards"], json.loads(encoded(ANSWERS.to_evaluation(body, language="en")))


@BOTH
@given(resources=st.lists(RESOURCES, max_size=3), whole=st.none() | SHAPES, selections=st.none() | SHAPES)
@MANY
def test_no_shape_of_a_draft_order_breaks_the_service(hook, resources, whole, selections):
    request = session(*resources, hook=hook)
    if isinstance(whole, dict):
        request["context"]["draftOrders"] |= whole
    request["context"]["selections"] = selections
    fault = None
    try:
        cards, evaluation = told(request)
    except RequestError as error:
        fault = error
    if fault is not None:
        assert fault.status in {400, 412}
        assert PRIVATE not in fault.diagnostics
        return
    RESPONSE.validate({"cards": cards})
    EVALUATION.validate(evaluation)
    assert PRIVATE not in json.dumps([cards, evaluation["notes"], evaluation["facts"]])


@BOTH
@given(order=st.permutations(range(5)), amounts=st.permutations(range(4)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_entries_and_of_amounts_changes_nothing(hook, order, amounts):
    candidates = [
        {"type": coded(EPIC_TYPES, "calculated"), "doseQuantity": quantity(0.5, "mg")},
        {"type": coded(EPIC_TYPES, "admin-amount"), "doseQuantity": quantity(10, "mL")},
        {"type": coded(EPIC_TYPES, "ordered"), "doseQuantity": quantity(0.06, "mg/kg")},
        {"rateQuantity": quantity(100, "mL/h")},
    ]
    reference = {"medicationCodeableConcept": None, "medicationReference": {"reference": "Medication/m"}}
    resources = [
        drug_order(dosageInstruction=[{"doseAndRate": [candidates[place] for place in amounts]}], **reference),
        {"resourceType": "Medication", "id": "m", "code": coded(ATC, "M05BA08")},
        drug_order("z2"),
        drug_order("f", subject=OTHER),
        service_order("Skjelettscintigrafi"),
    ]
    selections = ["MedicationRequest/z1", "MedicationRequest/z2", "MedicationRequest/f", "ServiceRequest/s1"]

    def answer(numbers):
        cards, evaluation = told(session(*(resources[n] for n in numbers), hook=hook, selections=selections))
        return [plain(card) for card in cards], {**evaluation, "cards": None}

    assert answer(order) == answer(range(5))
    assert answer(order)[1]["infusion"]["order"] == "MedicationRequest/z1"


@given(values=st.lists(st.sampled_from(["0.5", "0.6", "0.05"]), min_size=2, max_size=4), order=st.randoms())
def test_of_doses_without_a_type_none_is_picked_and_none_is_added(values, order):
    parts = [{"doseQuantity": quantity(json.loads(value), "mg")} for value in values]
    shuffled = order.sample(parts, len(parts))
    for doses in (parts, shuffled):
        _, evaluation = told(session(drug_order(dosageInstruction=[{"doseAndRate": doses}])))
        check = next(one for one in evaluation["infusion"]["checks"] if one["id"] == "ZOL-07")
        assert ("value" in check) is (len(set(values)) == 1)
        assert check.get("value") == (json.loads(values[0]) / 20 if len(set(values)) == 1 else None)


def ways(system, code):
    """One drug by its code, in every way in which an order may name it."""
    concept = {"coding": [coding("http://local.example.org", "17"), coding(SYSTEMS[system], code)]}
    inside = {"resourceType": "Medication", "id": "m", "code": concept}
    part = {"resourceType": "Medication", "id": "m", "ingredient": [{"itemCodeableConcept": concept}]}
    nameless = {"resourceType": "Medication", "code": concept}
    url = "urn:uuid:9b1f1a52-0d5b-4b1e-8a5f-1f2f3a4b5c6d"

    def by(reference, *beside, **members):
        order = drug_order(medicationCodeableConcept=None, medicationReference={"reference": reference}, **members)
        return [{"resource": order}, *beside]

    return {
        "concept": [{"resource": drug_order(medicationCodeableConcept=concept)}],
        "contained": by("#m", contained=[inside]),
        "ingredient": by("#m", contained=[part]),
        "entry": by("Medication/m", {"resource": inside}),
        "versioned": by("https://ehr.example.org/fhir/Medication/m/_history/3", {"resource": inside}),
        "urn": by(url, {"fullUrl": url, "resource": nameless}),
        "R5": [{"resource": drug_order(medicationCodeableConcept=None, medication={"concept": concept})}],
        "DSTU2": [
            {
                "resource": {
                    **drug_order(subject=None, medicationCodeableConcept=concept, patient=MINE),
                    "resourceType": "MedicationOrder",
                }
            }
        ],
    }


@BOTH
@pytest.mark.parametrize(
    ("system", "code", "concept"), [(row["system"], row["code"], row["concept"]) for row in table("drugs.csv")]
)
def test_a_code_means_the_same_drug_in_every_way_in(hook, system, code, concept):
    seen = []
    for entries in ways(system, code).values():
        drafts = {"resourceType": "Bundle", "entry": entries}
        cards, evaluation = told(session(drafts=drafts, hook=hook, selections=["MedicationRequest/z1"]))
        findings = [finding["id"] for finding in evaluation["findings"]]
        seen.append(([plain(card)["summary"] for card in cards], evaluation["infusion"], findings))
        assert {note["reason"] for note in evaluation["notes"]} <= {"not-r4"}
    assert all(one == seen[0] for one in seen)
    assert (seen[0][1] is not None) is (concept == "drug:zoledronic_acid")


@BOTH
def test_drug_codes_in_prefetch_and_in_the_session_lead_to_the_same(hook):
    medication = {"resourceType": "Medication", "id": "m", "code": coded(ATC, "M05BA08")}
    order = drug_order(medicationCodeableConcept=None, medicationReference={"reference": "Medication/m"})
    here = told(session(order, medication, hook=hook))
    there = told(session(order, hook=hook, prefetch=record(medications=bundle(medication))))
    single = told(session(order, hook=hook, prefetch=record(medication=medication)))
    assert here[1]["infusion"] is not None
    assert here[1]["infusion"] == there[1]["infusion"] == single[1]["infusion"]


@BOTH
@pytest.mark.parametrize("system", [SCT, RXNORM, "http://dmp.no/fhir/NamingSystem/festLegemiddelMerkevare", None])
def test_a_code_that_no_table_holds_is_read_by_its_display_or_may_be_any_drug(hook, system):
    unknown = {name: value for name, value in coding(system, "395740005").items() if value}
    for display, infusion in (("Zoledronic acid 4 mg", True), (None, False)):
        named = [{**unknown, "display": display}] if display else [unknown]
        order = drug_order(medicationCodeableConcept={"coding": named})
        cards, evaluation = told(session(order, hook=hook))
        assert (evaluation["infusion"] is not None) is infusion
        assert len(cards) == 1
        reason = "read-by-name" if infusion else "medication-unreadable"
        assert {note["reason"] for note in evaluation["notes"]} == {reason}
