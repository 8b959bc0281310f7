"""Draft orders in the dialects of real EHRs, from the request to the cards."""

import pytest

from tests.hooks.sessions import (
    ATC,
    DOSE,
    EPIC_TYPES,
    GIRL,
    HL7_TYPES,
    HOOKS,
    MINE,
    OTHER,
    PLANNED,
    RXNORM,
    SCT,
    ZOLEDRONIC_ACID,
    answered,
    bundle,
    checks,
    coded,
    coding,
    drug_order,
    noted,
    quantity,
    reasons,
    record,
    service_order,
    session,
    topics,
)

LONG = "ez067mnwOAKP5z1.YJwRAsd9gCwdOzQ8wSrsM04QFoz882hxQZKBulF4smVj2SxHWfesiTZ1qsgBez8Rdeb2GpbWYuU."
INFUSION, TREATMENT, IMAGING = ["CNOinfusion"], ["CNOtreatmentorder"], ["CNOimagingorder"]
ZOLEDRONIC = "drug:zoledronic_acid"
TIMING = {"timing": {"event": [PLANNED]}}


def both_hooks(selection="MedicationRequest/z1"):
    return [("order-sign", None), ("order-select", [selection])]


def judged(client, *resources, **members):
    """The one readiness card and the Evaluation."""
    cards, evaluation = answered(client, session(*resources, **members))
    assert topics(cards) == INFUSION
    assert evaluation["infusion"] is not None
    return cards[0], evaluation


def test_the_plain_order_is_in_order(client):
    card, evaluation = judged(client, drug_order())
    assert (evaluation["infusion"]["readiness"], card["indicator"]) == ("ready", "info")
    assert evaluation["notes"] == []


# Ids


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(
    "identifier", [(LONG * 3)[:194], (LONG * 3)[:256], (LONG * 4)[:320], "draft‑rx‑1", "a b", "a:1"]
)
def test_an_id_of_any_length_and_of_odd_characters_is_judged_and_can_be_selected(client, hook, identifier):
    order, other = drug_order(identifier), drug_order("other", medicationCodeableConcept={"text": "Metformin"})
    _, evaluation = judged(client, other, order, hook=hook, selections=[f"MedicationRequest/{identifier}"])
    assert evaluation["infusion"]["readiness"] == "ready"


@pytest.mark.parametrize(
    "selection",
    [
        "MedicationRequest/z1",
        "MedicationRequest/z1/_history/2",
        "https://ehr.example.org/fhir/MedicationRequest/z1",
        "https://ehr.example.org/fhir/MedicationRequest/z1/_history/2",
        "urn:uuid:0c3e0f1c-5c1e-4f0e-9b57-2c1b6a0f6a11",
        "MedicationOrder/z1",
        "z1",
    ],
)
def test_a_selection_is_found_however_it_is_written(client, selection):
    paired = bundle(drug_order(), drug_order("pamidronate", medicationCodeableConcept=coded(ATC, "M05BA03")))
    paired["entry"][0]["fullUrl"] = "urn:uuid:0c3e0f1c-5c1e-4f0e-9b57-2c1b6a0f6a11"
    cards, evaluation = answered(client, session(hook="order-select", drafts=paired, selections=[selection]))
    assert topics(cards) == INFUSION
    assert "ZOL-15" not in {finding["id"] for finding in evaluation["findings"]}


def test_an_order_without_id_is_judged_where_a_selection_is_not_found(client):
    nameless, other = drug_order(None), drug_order("other", medicationCodeableConcept={"text": "Metformin"})
    for selections in (["MedicationRequest/other", "MedicationRequest/gone"], ["MedicationRequest/gone"]):
        judged(client, other, nameless, hook="order-select", selections=selections)
    cards, _ = answered(client, session(other, nameless, hook="order-select", selections=["MedicationRequest/other"]))
    assert cards == []


def test_an_order_in_a_bundle_within_the_bundle_can_be_selected(client):
    inner = bundle(drug_order())
    other = drug_order("other", medicationCodeableConcept={"text": "Metformin"})
    for selection in ("MedicationRequest/z1", "MedicationRequest/other"):
        cards, _ = answered(client, session(other, inner, hook="order-select", selections=[selection]))
        assert topics(cards) == (INFUSION if selection.endswith("z1") else [])


# The Medication


def by_reference(reference, display=None, **members):
    told = {"reference": reference, "display": display}
    return drug_order(
        medicationCodeableConcept=None,
        medicationReference={name: value for name, value in told.items() if value},
        **members,
    )


def medication(identifier="m1", code=ZOLEDRONIC_ACID, **members):
    return {"resourceType": "Medication", "id": identifier, "code": code, **members}


@pytest.mark.parametrize(("hook", "selections"), both_hooks())
@pytest.mark.parametrize(
    "order",
    [
        by_reference("#m1", contained=[medication()]),
        by_reference("m1", contained=[medication()]),
        by_reference("https://ehr.example.org/fhir/MedicationRequest/z1#m1", contained=[medication()]),
        by_reference("#m1", contained=[{"resourceType": "Spaceship"}, {"resourceType": 5}, medication()]),
        by_reference("#m1", contained=[medication("x", code="zoledronic"), medication()]),
        by_reference("#m1", contained=medication()),
        drug_order(medicationCodeableConcept=None, medication={"concept": ZOLEDRONIC_ACID}),
        drug_order(
            medicationCodeableConcept=None,
            medication={"reference": {"reference": "#m1"}},
            contained=[medication()],
        ),
    ],
)
def test_a_medication_inside_the_order(client, order, hook, selections):
    _, evaluation = judged(client, order, hook=hook, selections=selections)
    assert evaluation["infusion"]["readiness"] == "ready"
    assert "read-by-name" not in reasons(evaluation)


@pytest.mark.parametrize(("hook", "selections"), both_hooks())
@pytest.mark.parametrize(
    ("reference", "url", "identifier"),
    [
        ("Medication/m1", None, "m1"),
        ("Medication/m1/_history/2", None, "m1"),
        ("https://ehr.example.org/fhir/Medication/m1", None, "m1"),
        ("https://ehr.example.org/fhir/Medication/m1/_history/2", None, "m1"),
        ("https://ehr.example.org/fhir/Medication/m1", "https://ehr.example.org/fhir/Medication/m1", None),
        ("Medication/m1", "https://ehr.example.org/fhir/Medication/m1", None),
        ("Medication/m1", "https://ehr.example.org/fhir/Medication/m1/_history/2", None),
        ("urn:uuid:9b1f1a52-0d5b-4b1e-8a5f-1f2f3a4b5c6d", "urn:uuid:9b1f1a52-0d5b-4b1e-8a5f-1f2f3a4b5c6d", None),
        ("urn:uuid:9b1f1a52-0d5b-4b1e-8a5f-1f2f3a4b5c6d", None, "9b1f1a52-0d5b-4b1e-8a5f-1f2f3a4b5c6d"),
        (f"Medication/{LONG * 3}", None, LONG * 3),
    ],
)
def test_a_medication_beside_the_order(client, reference, url, identifier, hook, selections):  # noqa: PLR0913, PLR0917  a case's parts
    beside = {name: value for name, value in medication(identifier).items() if value}
    entries = [{"resource": by_reference(reference)}, {"fullUrl": url, "resource": beside}]
    if url is None:
        del entries[1]["fullUrl"]
    for order in (entries, entries[::-1]):
        drafts = {"resourceType": "Bundle", "type": "collection", "entry": order}
        _, evaluation = judged(client, drafts=drafts, hook=hook, selections=selections)
        assert evaluation["infusion"]["readiness"] == "ready"
        assert evaluation["notes"] == []


def test_a_medication_that_is_not_in_the_request_is_read_by_its_display(client):
    order = by_reference("Medication/eVBXvKwrWZIkPmaGwY.s1hQ3", "ZOLEDRONIC ACID 5 MG/100ML IV SOLN")
    _, evaluation = judged(client, order)
    assert noted(evaluation) == {("MedicationRequest/z1", "read-by-name", ZOLEDRONIC)}


@pytest.mark.parametrize(("hook", "selections"), both_hooks())
def test_a_reference_and_nothing_else_is_told_where_cno_is_suspected(client, hook, selections):
    order = by_reference("Medication/gone")
    cards, evaluation = answered(client, session(order, hook=hook, selections=selections))
    assert [(card["source"]["topic"]["code"], card["indicator"]) for card in cards] == [("CNOtreatmentorder", "info")]
    assert noted(evaluation) == {("MedicationRequest/z1", "reference-unresolved", "order:unreadable")}
    stranger = session(order, hook=hook, selections=selections, prefetch=record(suspicion=False))
    cards, evaluation = answered(client, stranger)
    assert (cards, evaluation["silence"]) == ([], "no-suspicion")
    assert "reference-unresolved" in reasons(evaluation)


# Doses and rates


def typed(system, kind, **amount):
    return {"type": {"coding": [{"system": system, "code": kind, "display": kind}], "text": kind}, **amount}


def of_types(system):
    return [
        typed(system, "calculated", doseQuantity=quantity(0.5, "mg"), rateQuantity=quantity(100, "mL/h")),
        typed(system, "admin-amount", doseQuantity=quantity(10, "mL")),
        typed(system, "ordered", doseQuantity=quantity(0.025, "mg/kg"), rateQuantity=quantity(5, "mL/kg/h")),
    ]


@pytest.mark.parametrize("system", [EPIC_TYPES, HL7_TYPES])
def test_of_several_typed_amounts_the_ordered_ones_count(client, system):
    _, evaluation = judged(client, drug_order(dosageInstruction=[{**TIMING, "doseAndRate": of_types(system)}]))
    assert evaluation["infusion"]["readiness"] == "ready"
    assert (checks(evaluation)["ZOL-07"]["value"], checks(evaluation)["ZOL-10"]["value"]) == (0.025, 5)
    assert evaluation["notes"] == []


def test_several_doses_of_which_none_is_ordered_are_told_and_never_summed(client):
    amounts = [{"doseQuantity": quantity(0.5, "mg")}, {"doseQuantity": quantity(0.4, "mg")}]
    card, evaluation = judged(client, drug_order(dosageInstruction=[{**TIMING, "doseAndRate": amounts}]))
    assert noted(evaluation) == {("MedicationRequest/z1", "dose-ambiguous", ZOLEDRONIC)}
    assert (checks(evaluation)["ZOL-07"]["status"], evaluation["infusion"]["readiness"]) == ("unreadable", "incomplete")
    assert "dose" in card["summary"]


def between(low, high, unit):
    return {"low": quantity(low, unit), "high": quantity(high, unit)}


def dosed(client, *parts, **members):
    """The readiness card and the Evaluation of an order with these parts of a dosage."""
    return judged(client, drug_order(dosageInstruction=[{**TIMING, "doseAndRate": list(parts)}]), **members)


def dose_part(kind, value, unit):
    return typed(HL7_TYPES, kind, doseQuantity=quantity(value, unit))


@pytest.mark.parametrize(
    ("ordered", "others", "shown", "notes"),
    [
        ((0.5, "mg"), [(5, "mg")], ["0.5 mg", "5 mg"], {"dose-ambiguous"}),
        ((0.5, "mg"), [(0.05, "mg")], ["0.5 mg", "0.05 mg"], {"dose-ambiguous"}),
        ((0.025, "mg/kg"), [(5, "mg")], ["0.025 mg/kg", "5 mg"], set()),
        ((0.5, "mg"), [(0.25, "mg/kg")], ["0.5 mg", "0.25 mg/kg"], set()),
        ((0.5, "mg"), [(0.5, "mg"), (5000, "ug")], ["0.5 mg", "5 mg"], {"dose-ambiguous"}),
        ((0.5, "mg"), [(0.5255, "mg")], ["0.5 mg", "0.5255 mg"], {"dose-ambiguous"}),
        ((0.025, "mg/kg"), [(0.25, "mg/kg")], ["0.025 mg/kg", "0.25 mg/kg"], {"dose-ambiguous"}),
    ],
)
@pytest.mark.parametrize("kind", ["calculated", "admin-amount"])
def test_a_dose_that_differs_from_the_ordered_one_is_told(client, ordered, others, shown, notes, kind):  # noqa: PLR0913, PLR0917  a case's parts
    card, evaluation = dosed(client, dose_part("ordered", *ordered), *(dose_part(kind, *other) for other in others))
    check = checks(evaluation)["ZOL-07"]
    assert (check["status"], check["reason"], check["indicator"]) == ("attention", "doses-differ", "warning")
    assert check["value"] == 0.025  # the ordered one is judged
    assert (evaluation["infusion"]["readiness"], card["indicator"]) == ("attention", "warning")
    assert reasons(evaluation) == notes
    assert "body_weight" in {fact["name"] for fact in evaluation["facts"]}
    plain_text = card["detail"].replace("\u00a0", " ")
    assert all(amount in plain_text for amount in shown)
    assert "could not be read" not in plain_text.lower()


@pytest.mark.parametrize(
    "other", [(0.5, "mg"), (0.525, "mg"), (0.475, "mg"), (500, "ug"), (0.025, "mg/kg"), (10, "mL")]
)
@pytest.mark.parametrize("ordered", [(0.5, "mg"), (0.025, "mg/kg")])
def test_the_same_dose_in_another_form_or_rounded_changes_nothing(client, ordered, other):
    _, evaluation = dosed(client, dose_part("ordered", *ordered), dose_part("calculated", *other))
    assert (evaluation["infusion"]["readiness"], evaluation["notes"]) == ("ready", [])
    assert "reason" not in checks(evaluation)["ZOL-07"]


def test_no_rounding_takes_a_dose_above_the_maximum(client):
    for amount, reason in ((1, "above-recommended"), (1.01, "doses-differ")):
        _, evaluation = dosed(client, dose_part("ordered", 0.05, "mg/kg"), dose_part("calculated", amount, "mg"))
        assert checks(evaluation)["ZOL-07"]["reason"] == reason


def test_a_range_beside_the_ordered_dose_is_held_against_it_at_both_ends(client):
    for high, status in ((0.5, "ok"), (5, "attention")):
        wide = typed(HL7_TYPES, "calculated", doseRange=between(0.5, high, "mg"))
        assert checks(dosed(client, dose_part("ordered", 0.5, "mg"), wide)[1])["ZOL-07"]["status"] == status


def test_a_breach_of_the_ordered_dose_stands_beside_another_one(client):
    card, evaluation = dosed(client, dose_part("ordered", 5, "mg"), dose_part("calculated", 0.5, "mg"))
    assert (checks(evaluation)["ZOL-08"]["status"], checks(evaluation)["ZOL-07"]["reason"]) == (
        "breach",
        "doses-differ",
    )
    assert (evaluation["infusion"]["readiness"], card["indicator"]) == ("not-ready", "critical")


def test_without_a_weight_doses_are_compared_as_far_as_they_can_be(client):
    weightless = record(vitals=bundle())
    for unit, reason in (("mg", "doses-differ"), ("mg/kg", "weight")):
        parts = dose_part("ordered", 0.5, "mg"), dose_part("calculated", 5, unit)
        _, evaluation = dosed(client, *parts, prefetch=weightless)
        assert checks(evaluation)["ZOL-07"]["reason"] == reason
        assert evaluation["infusion"]["readiness"] == "incomplete"


@pytest.mark.parametrize(
    ("other", "status"),
    [((1000, "mL/h"), "attention"), ((50, "mL/kg/h"), "attention"), ((104, "mL/h"), "ok"), ((5, "mL/kg/h"), "ok")],
)
def test_a_rate_that_differs_from_the_ordered_one_is_told(client, other, status):
    parts = [
        typed(HL7_TYPES, "ordered", doseQuantity=quantity(0.5, "mg"), rateQuantity=quantity(100, "mL/h")),
        typed(HL7_TYPES, "calculated", rateQuantity=quantity(*other)),
    ]
    card, evaluation = dosed(client, *parts)
    check = checks(evaluation)["ZOL-10"]
    assert (check["status"], check.get("reason")) == (status, "rates-differ" if status == "attention" else None)
    assert ("100 mL/h" in card["detail"].replace("\u00a0", " ")) == (status == "attention")


def test_a_rate_that_is_too_fast_stays_so_beside_another_one(client):
    fast, slow = (
        typed(HL7_TYPES, kind, rateQuantity=quantity(amount, "mL/h"))
        for kind, amount in (("ordered", 1000), ("calculated", 100))
    )
    assert checks(dosed(client, DOSE, fast, slow)[1])["ZOL-10"]["reason"] == "too-fast"


@pytest.mark.parametrize(
    "parts",
    [
        [{"doseRange": between(0.5, 1.2, "mg")}],
        [{"doseQuantity": quantity(0.5, "mg")}, {"doseQuantity": quantity(1.4, "mg")}],
    ],
)
def test_several_doses_are_told_as_such_not_as_unreadable(client, parts):
    card, evaluation = dosed(client, *parts)
    for rule in ("ZOL-07", "ZOL-08"):
        assert (checks(evaluation)[rule]["status"], checks(evaluation)[rule]["reason"]) == (
            "unreadable",
            "dose-ambiguous",
        )
    assert "several doses" in card["summary"]
    assert reasons(evaluation) == {"dose-ambiguous"}


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"doseQuantity": quantity(10, "mL")}, "dose of zoledronic acid"),
        ({**DOSE, "rateQuantity": quantity(4, "mg/h")}, "rate of zoledronic acid"),
    ],
)
def test_the_card_says_what_of_an_order_cannot_be_read(client, part, told):
    assert told in dosed(client, part)[0]["detail"]


def extension(name, amount):
    return {"url": f"https://open.epic.com/fhir/extensions/{name}", "valueQuantity": amount}


@pytest.mark.parametrize(
    "beside", [{}, {"doseQuantity": quantity(10, "mL")}, {"doseQuantity": quantity(500, "ug")}, {"doseAndRate": [DOSE]}]
)
def test_the_dose_as_ordered_may_stand_in_an_extension(client, beside):
    told = [extension("admin-amount", quantity(10, "mL")), extension("ordered-dose", quantity(0.5, "mg"))]
    _, evaluation = judged(client, drug_order(dosageInstruction=[{**TIMING, "extension": told, **beside}]))
    assert checks(evaluation)["ZOL-07"]["value"] == 0.025
    assert evaluation["notes"] == []


@pytest.mark.parametrize(
    ("dosage", "check", "status", "note"),
    [
        ({"doseQuantity": quantity(0.5, "mg")}, "ZOL-07", "ok", None),
        ({"doseRange": between(0.5, 1, "mg")}, "ZOL-07", "unreadable", "dose-ambiguous"),
        ({"rateQuantity": quantity(100, "mL/h")}, "ZOL-10", "ok", None),
        ({"rateRatio": {"numerator": quantity(50, "mL"), "denominator": quantity(30, "min")}}, "ZOL-10", "ok", None),
        ({"rateRange": between(50, 100, "mL/h")}, "ZOL-10", "unreadable", "rate-unreadable"),
    ],
)
def test_amounts_in_the_place_that_older_releases_gave_them(client, dosage, check, status, note):
    _, evaluation = judged(client, drug_order(dosageInstruction=[{**TIMING, **dosage}]))
    assert checks(evaluation)[check]["status"] == status
    assert reasons(evaluation) == ({note} if note else set())


@pytest.mark.parametrize("dosage", [{"text": "4 mg = 1 EA, IV, Once"}, {"text": "0,5 mg i.v."}, {"text": "25 µg/kg"}])
def test_a_dose_that_stands_in_text_alone_is_unreadable_not_missing(client, dosage):
    _, evaluation = judged(client, drug_order(dosageInstruction=[{**TIMING, **dosage}]))
    assert checks(evaluation)["ZOL-07"]["status"] == "unreadable"
    assert noted(evaluation) == {("MedicationRequest/z1", "dose-unreadable", ZOLEDRONIC)}


def test_a_rate_that_stands_in_text_alone_is_unreadable(client):
    dosage = {**TIMING, "doseAndRate": [DOSE], "text": "0.5 mg = 10 mL, IV, 100 mL/hr"}
    _, evaluation = judged(client, drug_order(dosageInstruction=[dosage]))
    assert (checks(evaluation)["ZOL-07"]["status"], checks(evaluation)["ZOL-10"]["status"]) == ("ok", "unreadable")
    assert reasons(evaluation) == {"rate-unreadable"}


@pytest.mark.parametrize("text", ["Gis intravenøst", "Once, 30 min after paracetamol", "", 5, None])
def test_a_text_that_tells_no_amount_changes_nothing(client, text):
    _, evaluation = judged(client, drug_order(dosageInstruction=[{**TIMING, "doseAndRate": [DOSE], "text": text}]))
    assert evaluation["infusion"]["readiness"] == "ready"
    assert "rate-unreadable" not in reasons(evaluation)


def test_the_dose_of_an_order_says_nothing_of_earlier_doses(client):
    amounts = [{"doseQuantity": quantity(0.5, "mg")}, {"doseQuantity": quantity(0.4, "mg")}]
    _, evaluation = judged(client, drug_order(dosageInstruction=[{**TIMING, "doseAndRate": amounts}]))
    assert (checks(evaluation)["ZOL-09"]["status"], checks(evaluation)["ZOL-09"]["reason"]) == ("ok", "none-found")


# Epic's elements outside FHIR


def test_elements_that_are_not_as_r4_has_them_cost_nothing(client):
    order = drug_order(
        category={"coding": [{"code": "outpatient"}]},
        identifier=[{"use": "usual", "system": "urn:oid:2.16.578.1.12.4.1.4.1"}],
        requester={"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason"}]},
        subject={"reference": f"https://ehr.example.org/api/FHIR/R4/Patient/{GIRL}"},
        dosageInstruction={**TIMING, "doseAndRate": DOSE},
        medicationCodeableConcept={"coding": coding(ATC, "M05BA08")},
    )
    _, evaluation = judged(client, order)
    assert evaluation["infusion"]["readiness"] == "ready"
    assert evaluation["notes"] == []


@pytest.mark.parametrize("members", [{}, {"type": "collection"}, {"type": "batch"}, {"type": 5}])
def test_a_bundle_of_any_type_and_of_none(client, members):
    drafts = {"resourceType": "Bundle", "entry": [{"resource": drug_order()}], **members}
    assert judged(client, drafts=drafts)[1]["infusion"]["readiness"] == "ready"


# Oracle Health

CERNER = "https://fhir.cerner.com/ec2458f2-1e24-41c8-b71b-0e701af7583d"


def test_an_order_of_oracle_health(client):
    name = "zoledronic acid 0.5 mg + Sodium Chloride 0.9% intravenous solution 50 mL"
    synonym = coding(f"{CERNER}/synonym", "2756466", display="zoledronic acid", userSelected=True)
    parts = [
        {"itemCodeableConcept": {"coding": [coding(RXNORM, "77655", display="zoledronic acid"), synonym]}},
        {"itemCodeableConcept": {"coding": [coding(f"{CERNER}/synonym", "2", display="Sodium Chloride 0.9%")]}},
    ]
    inside = {"resourceType": "Medication", "id": "212", "code": {"text": name}, "ingredient": parts}
    dosage = {
        "extension": [{"url": f"{CERNER}/clinical-instruction", "valueString": "50 mL, IV, 100 mL/hr"}],
        "text": "100 mL/hr, IV",
        "timing": {"repeat": {"boundsPeriod": {"start": "2025-09-15T08:00:00.000-05:00"}}, "code": {"text": "Once"}},
        "doseAndRate": [
            {"doseQuantity": quantity(50, "mL"), "rateQuantity": quantity(100, "mL/h", unit="mL/hr")},
        ],
    }
    order = by_reference("#212", name, contained=[inside], status="active", dosageInstruction=[dosage])
    _, evaluation = judged(client, order)
    assert noted(evaluation) == {("MedicationRequest/z1", "dose-unreadable", ZOLEDRONIC)}
    assert (checks(evaluation)["ZOL-07"]["status"], checks(evaluation)["ZOL-10"]["value"]) == ("unreadable", 5)
    assert evaluation["infusion"]["planned"]["from"] == "timing"


@pytest.mark.parametrize(
    "codings",
    [
        [coding(f"{CERNER}/synonym", "27", display="zoledronic acid 4 mg/5 mL intravenous solution")],
        [coding("http://cerner.com/bedrock/multum", "d04441", display="zoledronic acid")],
        [coding("urn:oid:2.16.840.1.113883.6.314", "d04441")],
    ],
)
def test_a_local_code_is_read_by_what_is_written_beside_it(client, codings):
    text = "zoledronic acid (zoledronic acid 4 mg/5 mL intravenous solution)"
    _, evaluation = judged(client, drug_order(medicationCodeableConcept={"coding": codings, "text": text}))
    assert noted(evaluation) == {("MedicationRequest/z1", "read-by-name", ZOLEDRONIC)}


# The CDS Hooks Sandbox

UNCHOSEN = drug_order("request-123", intent=None, medicationCodeableConcept=None, dosageInstruction=None)
PILL = {"value": 1, "system": "http://unitsofmeasure.org", "code": "{pill}"}
RECLAST = {
    "text": "zoledronic acid 0.05 MG/ML [Reclast]",
    "coding": [coding(RXNORM, "828579", display="zoledronic acid 0.05 MG/ML [Reclast]")],
}
COMMUNITY = coded("http://terminology.hl7.org/CodeSystem/medicationrequest-category", "community")
REPEAT = {"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d", "boundsPeriod": {"start": PLANNED}}}}


@pytest.mark.parametrize(("hook", "selections"), both_hooks("MedicationRequest/request-123"))
def test_before_a_drug_is_chosen_nothing_can_be_checked(client, hook, selections):
    drafts = {"resourceType": "Bundle", "entry": [{"resource": UNCHOSEN}]}
    cards, evaluation = answered(client, session(drafts=drafts, hook=hook, selections=selections))
    assert topics(cards) == TREATMENT
    assert evaluation["infusion"] is None
    stranger = session(drafts=drafts, hook=hook, selections=selections, prefetch=record(suspicion=False))
    assert answered(client, stranger)[0] == []


@pytest.mark.parametrize(("hook", "selections"), both_hooks("MedicationRequest/request-123"))
def test_an_order_of_the_sandbox(client, hook, selections):
    order = {
        **UNCHOSEN,
        "intent": "order",
        "category": COMMUNITY,
        "medicationCodeableConcept": RECLAST,
        "dosageInstruction": [{**REPEAT, "doseAndRate": [{"doseQuantity": PILL}]}],
    }
    drafts = {"resourceType": "Bundle", "entry": [{"resource": order}]}
    _, evaluation = judged(client, drafts=drafts, hook=hook, selections=selections)
    assert reasons(evaluation) == {"read-by-name", "dose-unreadable"}
    assert evaluation["infusion"]["planned"]["date"] == PLANNED


@pytest.mark.parametrize("selections", [["MedicationRequest/gone"], ["NutritionOrder/1", "x"], [], None, "z1", [5]])
def test_selections_that_lead_nowhere_leave_all_orders_to_judge(client, selections):
    request = session(drug_order(), hook="order-select")
    request["context"]["selections"] = selections
    assert topics(answered(client, request)[0]) == INFUSION


def test_an_imaging_order_without_a_study_is_noted(client):
    order = {**service_order(), "intent": "plan", "code": {"coding": [{}]}}
    cards, evaluation = answered(client, session(order, hook="order-select", selections=["ServiceRequest/s1"]))
    assert (cards, evaluation["silence"]) == ([], "order-outside")
    assert noted(evaluation) == {("ServiceRequest/s1", "code-unreadable", "service_request")}


# Older releases

OLDER = {
    "resourceType": "MedicationOrder",
    "id": "order-123",
    "status": "draft",
    "patient": {"reference": f"Patient/{GIRL}"},
    "dateWritten": "2025-09-14",
    "medicationCodeableConcept": RECLAST,
    "dosageInstruction": [{**REPEAT, "doseQuantity": quantity(0.5, "mg")}],
}


@pytest.mark.parametrize(("hook", "selections"), both_hooks("MedicationOrder/order-123"))
@pytest.mark.parametrize("suspicion", [True, False])
def test_a_drug_order_of_dstu2_is_read_as_far_as_it_goes(client, hook, selections, suspicion):
    request = session(OLDER, hook=hook, selections=selections, prefetch=record(suspicion=suspicion))
    cards, evaluation = answered(client, request)
    assert topics(cards) == INFUSION
    assert checks(evaluation)["ZOL-07"]["value"] == 0.025
    assert ("MedicationOrder/order-123", "not-r4", None) in noted(evaluation)


def test_a_drug_order_of_dstu2_for_another_patient_is_not_taken_for_this_one(client):
    _, evaluation = answered(client, session({**OLDER, "patient": OTHER}))
    assert evaluation["infusion"] is None
    assert {"not-r4", "foreign-patient"} <= reasons(evaluation)


def test_a_drug_order_of_dstu2_whose_patient_cannot_be_read_may_be_any_drug(client):
    cards, evaluation = answered(client, session({**OLDER, "patient": "Patient/1"}))
    assert (topics(cards), evaluation["infusion"]) == (TREATMENT, None)


def test_an_order_of_stu3_is_read(client):
    order = drug_order(
        definition=[{"reference": "x"}],
        requester={"agent": {"reference": "Practitioner/1"}, "onBehalfOf": {"reference": "Organization/1"}},
        context={"reference": "Encounter/1"},
        dosageInstruction=[{**REPEAT, "doseQuantity": quantity(0.5, "mg"), "rateQuantity": quantity(100, "mL/h")}],
    )
    _, evaluation = judged(client, order)
    assert evaluation["infusion"]["readiness"] == "ready"


@pytest.mark.parametrize("when", [{"authoredOn": PLANNED}, {"orderedOn": PLANNED, "scheduledDateTime": PLANNED}])
def test_a_procedure_request_of_an_older_release_is_read_as_a_service_request(client, when):
    order = {**service_order(None, coding("http://loinc.org", "25031-6")), "resourceType": "ProcedureRequest", **when}
    cards, evaluation = answered(client, session(order))
    assert topics(cards) == IMAGING
    assert noted(evaluation) == {("ProcedureRequest/s1", "not-r4", None)}


# Statuses


@pytest.mark.parametrize("status", ["draft", "active", "on-hold", "completed", "unknown", "stopped", "sent", None])
@pytest.mark.parametrize(("hook", "selections"), both_hooks())
def test_an_order_is_judged_whatever_its_status(client, status, hook, selections):
    cards, evaluation = answered(client, session(drug_order(status=status), hook=hook, selections=selections))
    assert topics(cards).count("CNOinfusion") == 1
    assert evaluation["infusion"]["readiness"] == "ready"


WITHDRAWN = ["cancelled", "entered-in-error"]


@pytest.mark.parametrize("status", WITHDRAWN)
def test_a_withdrawn_order_stands_beside_none_that_is_to_be_given(client, status):
    wrong = [{**TIMING, "doseAndRate": [{"doseQuantity": quantity(5, "mg")}]}]
    card, evaluation = judged(client, drug_order("a", status=status, dosageInstruction=wrong), drug_order())
    assert (evaluation["infusion"]["order"], evaluation["infusion"]["readiness"]) == ("MedicationRequest/z1", "ready")
    assert "alsoOrdered" not in evaluation["infusion"]
    assert card["indicator"] == "info"


@pytest.mark.parametrize("status", WITHDRAWN)
def test_a_withdrawn_order_that_stands_alone_is_still_judged(client, status):
    assert judged(client, drug_order(status=status))[1]["infusion"]["readiness"] == "ready"


@pytest.mark.parametrize(
    ("status", "given"), [("draft", "ok"), ("active", "ok"), *((one, "missing") for one in WITHDRAWN)]
)
def test_withdrawn_paracetamol_is_not_given(client, status, given):
    paracetamol = drug_order(
        "p", status=status, medicationCodeableConcept=coded(ATC, "N02BE01"), dosageInstruction=None
    )
    assert checks(judged(client, drug_order(), paracetamol)[1])["ZOL-04"]["status"] == given


@pytest.mark.parametrize("status", [*WITHDRAWN, "revoked"])
def test_other_orders_that_are_withdrawn_are_none(client, status):
    orders = [
        drug_order("i", status=status, medicationCodeableConcept=coded(ATC, "M05BA03")),
        service_order(None, coding("http://loinc.org", "25031-6"), status=status),
    ]
    cards, evaluation = answered(client, session(*orders))
    assert (cards, evaluation["silence"]) == ([], "order-outside")


# Other patients


def test_an_order_for_another_patient_is_not_judged_and_not_passed_over(client):
    cards, evaluation = answered(client, session(drug_order(subject=OTHER)))
    assert (topics(cards), cards[0]["indicator"]) == (INFUSION, "warning")
    assert "another patient" in cards[0]["summary"]
    assert "suggestions" not in cards[0]
    assert evaluation["infusion"] is None
    assert noted(evaluation) == {("MedicationRequest/z1", "foreign-patient", ZOLEDRONIC)}


def test_an_order_for_another_patient_is_told_beside_the_own_one(client):
    foreign = drug_order("f", subject=OTHER, dosageInstruction=None)
    card, evaluation = judged(client, drug_order(), foreign)
    assert (evaluation["infusion"]["order"], evaluation["infusion"]["readiness"]) == ("MedicationRequest/z1", "ready")
    assert card["indicator"] == "warning"
    assert "another patient" in card["summary"]
    assert "another patient" in card["detail"]
    assert "alsoOrdered" not in evaluation["infusion"]


@pytest.mark.parametrize(
    "order",
    [
        by_reference("Medication/x", "Zometa 4 mg", subject=OTHER),
        service_order("Infusjon zoledronsyre", subject=OTHER),
        service_order(None, coding(ATC, "M05BA08"), subject=OTHER),
    ],
)
def test_any_order_of_zoledronic_acid_for_another_patient_is_told(client, order):
    cards, _ = answered(client, session(order, prefetch=record(suspicion=False)))
    assert (topics(cards), cards[0]["indicator"]) == (INFUSION, "warning")


@pytest.mark.parametrize(
    "order",
    [
        drug_order(subject=OTHER, medicationCodeableConcept=coded(ATC, "M05BA03")),
        service_order(None, coding("http://loinc.org", "25031-6"), subject=OTHER),
    ],
)
def test_other_orders_for_another_patient_are_only_noted(client, order):
    cards, evaluation = answered(client, session(order))
    assert (cards, evaluation["silence"]) == ([], "order-outside")
    assert reasons(evaluation) == {"foreign-patient"}


def test_an_order_for_another_patient_that_was_not_selected_is_only_noted(client):
    metformin = drug_order("m", medicationCodeableConcept={"text": "Metformin"})
    request = session(metformin, drug_order(subject=OTHER), hook="order-select", selections=["MedicationRequest/m"])
    cards, evaluation = answered(client, request)
    assert cards == []
    assert noted(evaluation) == {("MedicationRequest/z1", "foreign-patient", None)}


def test_an_adult_without_cno_is_told_of_no_other_patient(client):
    adult = {"resourceType": "Patient", "id": GIRL, "birthDate": "1960-01-01"}
    request = session(drug_order(subject=OTHER), prefetch=record(suspicion=False, patient=adult))
    cards, evaluation = answered(client, request)
    assert (cards, evaluation["silence"]) == ([], "order-outside")


# Drugs by code and by name


@pytest.mark.parametrize(
    "drug",
    [
        {"coding": [coding(ATC, "M05BA08"), coding(ATC, "N02BE01")]},
        {"text": "zoledronic acid 4 mg, premed paracetamol"},
        {"text": "Zoledronsyre, deretter ibuprofen"},
        {"coding": [coding(ATC, "M05BA08"), coding(RXNORM, "161")], "text": "Zometa"},
        {"coding": [coding(ATC, "M05BA")], "text": "Zometa 4 mg"},
    ],
)
@pytest.mark.parametrize("suspicion", [True, False])
def test_what_may_be_zoledronic_acid_is_checked_as_such(client, drug, suspicion):
    order = drug_order(medicationCodeableConcept=drug)
    _, evaluation = judged(client, order, prefetch=record(suspicion=suspicion))
    assert reasons(evaluation) & {"coding-contradiction", "medication-unreadable", "read-by-name"}
    assert checks(evaluation)["ZOL-09"]["reason"] == "none-found"


def test_a_text_too_long_to_be_searched_may_name_any_drug(client):
    order = drug_order(medicationCodeableConcept={"text": "x" * 500 + " zoledronic acid"})
    cards, evaluation = answered(client, session(order))
    assert (topics(cards), evaluation["infusion"]) == (TREATMENT, None)
    assert noted(evaluation) == {("MedicationRequest/z1", "medication-unreadable", "order:unreadable")}


@pytest.mark.parametrize("code", ["M05BA01", "M05BA02", "M05BA03", "M05BA04", "M05BA06", "M05BA07", "M05BA", "M05BB03"])
def test_other_bisphosphonates_get_no_readiness_card(client, code):
    cards, evaluation = answered(client, session(drug_order(medicationCodeableConcept=coded(ATC, code))))
    assert (topics(cards), evaluation["infusion"]) == (TREATMENT, None)
    assert "ZOL-15" in {finding["id"] for finding in evaluation["findings"]}


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(
    "name",
    [
        "Pamidronate disodium 30 mg/10 mL IV", "pamidronsyre", "Pamidronat", "Pamidronatdinatrium", "Aredia",
        "Alendronate", "Alendronsyre 70 mg", "Alendronat", "alendronsyra", "FOSAMAX", "Risedronat", "Actonel",
        "Ibandronsyre", "Ibandronic acid 3 mg/3 mL", "Bondronat", "Boniva", "Etidronate", "Didronate", "Klodronsyre",
        "Clodronate", "Bonefos", "Neridronic acid", "Tiludronsyra", "bisphosphonate",
    ],
)  # fmt: skip
def test_other_bisphosphonates_by_name_get_no_readiness_card(client, name, hook):
    cards, evaluation = answered(client, session(drug_order(medicationCodeableConcept={"text": name}), hook=hook))
    assert (topics(cards), evaluation["infusion"]) == (TREATMENT, None)
    assert "read-by-name" in reasons(evaluation)


@pytest.mark.parametrize(
    "drug",
    [
        {**coded(ATC, "M05BA03"), "text": "Zoledronsyre"},
        {**coded(ATC, "M05BA03", display="Pamidronate"), "text": "Zometa 4 mg/5 mL"},
        {**coded(ATC, "M05BA04", display="Alendronic acid"), "text": "Zoledronic acid"},
        {**coded(ATC, "M05BA08"), "text": "Pamidronatdinatrium"},
        {**coded(ATC, "M05BA08", display="Zoledronic acid"), "text": "Aredia"},
        {**coded(ATC, "M05BA08"), "text": "Alendronat"},
    ],
)
def test_where_code_and_text_contradict_what_may_be_zoledronic_acid_is_checked(client, drug):
    dosage = {**TIMING, "doseAndRate": [{"doseQuantity": quantity(5, "mg")}]}
    card, evaluation = judged(client, drug_order(medicationCodeableConcept=drug, dosageInstruction=[dosage]))
    assert checks(evaluation)["ZOL-08"]["status"] == "breach"
    assert reasons(evaluation) == {"coding-contradiction"}
    assert "different drugs" in card["detail"]
    ready, _ = judged(client, drug_order(medicationCodeableConcept=drug))
    assert ready["indicator"] == "warning"
    assert "code and text contradict" in ready["summary"]


@pytest.mark.parametrize(
    "drug",
    [
        {**coded(ATC, "M05BA08"), "text": "Bisfosfonat"},
        {**coded(ATC, "M05BA08"), "text": "Zoledronic acid, not pamidronate"},
        {**coded(ATC, "M05BA08"), "text": "Zometa"},
    ],
)
def test_a_text_that_agrees_with_the_code_is_no_contradiction(client, drug):
    card, evaluation = judged(client, drug_order(medicationCodeableConcept=drug))
    assert (card["indicator"], evaluation["notes"]) == ("info", [])


def test_what_was_given_as_another_bisphosphonate_by_code_and_zoledronic_acid_by_text_may_be_either(client):
    given = {
        "resourceType": "MedicationAdministration", "id": "a1", "status": "completed", "subject": MINE,
        "medicationCodeableConcept": {**coded(ATC, "M05BA03"), "text": "Zoledronsyre"},
        "effectiveDateTime": "2025-09-01",
    }  # fmt: skip
    prefetch = record(medicationAdministrations=bundle(given))
    _, evaluation = judged(client, drug_order(), prefetch=prefetch)
    assert (checks(evaluation)["ZOL-09"]["status"], checks(evaluation)["ZOL-09"]["reason"]) == ("unreadable", "history")


def test_two_bisphosphonates_by_name_are_neither(client):
    drug = {"text": "Pamidronate (not zoledronic acid)"}
    cards, evaluation = answered(client, session(drug_order(medicationCodeableConcept=drug)))
    assert (topics(cards), evaluation["infusion"]) == (TREATMENT, None)
    assert "medication-unreadable" in reasons(evaluation)


# Services by name


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("Skjelettscintigrafi", {"IMG-12"}),
        ("NM BONE SCAN WHOLE BODY", {"IMG-12"}),
        ("Helkropps-MR", {"IMG-04", "IMG-07"}),
        ("MR WHOLE BODY W/WO CONTRAST", {"IMG-04", "IMG-07"}),
        ("CT bekken", {"IMG-10"}),
        ("PET-CT", {"IMG-13"}),
    ],
)
@pytest.mark.parametrize("hook", HOOKS)
def test_imaging_is_read_by_name_where_no_code_tells_it(client, text, rules, hook):
    local = coding("urn:oid:1.2.840.114350.1.13.0.1.7.2.696580", "IMG123", display=text)
    for order in (service_order(text), service_order(None, local), service_order(text, coding(SCT, "1", display="x"))):
        cards, evaluation = answered(client, session(order, hook=hook, selections=["ServiceRequest/s1"]))
        assert topics(cards) == IMAGING
        assert rules <= {finding["id"] for finding in evaluation["findings"]}
        assert reasons(evaluation) == {"read-by-name"}


def test_pet_with_mri_is_not_told_as_pet_with_ct(client):
    cards, evaluation = answered(client, session(service_order("PET/MR")))
    assert "IMG-13" in {finding["id"] for finding in evaluation["findings"]}
    assert "PET" in cards[0]["detail"]
    assert "CT" not in cards[0]["detail"] + cards[0]["summary"]


def test_imaging_by_name_needs_suspicion_like_any_other(client):
    cards, evaluation = answered(client, session(service_order("Bone scan"), prefetch=record(suspicion=False)))
    assert (cards, evaluation["silence"]) == ([], "no-suspicion")


def test_an_examination_that_is_denied_is_noted_and_not_judged(client):
    cards, evaluation = answered(client, session(service_order("Ingen skjelettscintigrafi")))
    assert cards == []
    assert noted(evaluation) == {("ServiceRequest/s1", "code-unreadable", "service_request")}


@pytest.mark.parametrize(
    "text", ["Infusjon zoledronsyre", "Zometa", "IV infusion, zoledronic acid 4 mg", "ZOL infusjon"]
)
@pytest.mark.parametrize("suspicion", [True, False])
def test_an_infusion_ordered_as_a_service_by_name(client, text, suspicion):
    _, evaluation = judged(client, service_order(text), prefetch=record(suspicion=suspicion))
    assert noted(evaluation) == {("ServiceRequest/s1", "read-by-name", ZOLEDRONIC)}


@pytest.mark.parametrize(
    "text", ["Kalsium etter infusjon av zoledronsyre", "Calcium 24 h after zoledronic acid", "Tannlege før Zometa"]
)
def test_a_control_after_an_infusion_is_no_infusion(client, text):
    cards, evaluation = answered(client, session(service_order(text)))
    assert (cards, evaluation["infusion"]) == ([], None)
