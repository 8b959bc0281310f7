from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from cds_service.guideline.dates import When
from cds_service.guideline.evaluation import evaluate
from cds_service.guideline.facts import Dose, Note, Order, Planned
from cds_service.guideline.results import Finding
from cds_service.hooks.card_draft import Scope
from tests.hooks.children import (
    AT_ORDER,
    STRANGER,
    TODAY,
    draw,
    facts,
    infusion_facts,
    measured,
    order,
    readiness,
    topics,
)


def test_of_several_orders_the_one_that_is_judged_is_told_by_its_dose():
    second = replace(order(), source="MedicationRequest/z2", dose=Dose(Decimal(2), per_kg=False))
    detail = readiness(draw(infusion_facts(orders=(order(), second)), AT_ORDER))["detail"]
    assert "Concerns 2 mg, planned" in detail
    assert "- Two zoledronic acid orders: each checked on its own" in detail


@pytest.mark.parametrize("source", ["MedicationRequest/z1", "MedicationRequest/01010012345"])
def test_the_id_of_an_order_is_never_printed(source):
    card = readiness(draw(infusion_facts(orders=(replace(order(), source=source),)), AT_ORDER))
    assert source.partition("/")[2] not in card["detail"] + card["summary"]


def test_paracetamol_is_suggested_with_the_dose_in_words_too():
    card = readiness(draw(infusion_facts(orders=(order(),)), AT_ORDER))
    suggestion = next(one for one in card["suggestions"] if "paracetamol" in one["label"])
    assert suggestion["label"] == "Order paracetamol 360 mg"
    action = suggestion["actions"][0]
    assert action["description"].startswith("Order paracetamol 360 mg (15 mg/kg) before zoledronic acid")
    assert (action["resource"]["status"], action["resource"]["intent"]) == ("draft", "order")
    assert "360" in str(action["resource"]["dosageInstruction"])


def test_above_the_largest_single_dose_paracetamol_stands_as_text_alone():
    heavy = measured("body_weight", "80", "kg", date(2025, 10, 14))
    card = readiness(draw(infusion_facts(heavy, orders=(order(),)), AT_ORDER))
    assert "- Paracetamol at most 1000 mg per dose (outside the guideline; 15 mg/kg = 1200 mg) before" in card["detail"]
    assert not [one for one in card["suggestions"] if "paracetamol" in one["label"]]


def test_an_allergy_to_paracetamol_is_told_and_nothing_is_suggested():
    record = replace(infusion_facts(orders=(order(),)), allergies=frozenset({"drug:paracetamol"}))
    card = readiness(draw(record, AT_ORDER))
    assert "allergy or intolerance recorded, not suggested" in card["detail"]
    assert "15 mg/kg" not in card["detail"]
    assert not [one for one in card["suggestions"] if "paracetamol" in one["label"]]


def test_controls_of_free_calcium_are_suggested_for_the_days_after_the_planned_one():
    card = readiness(draw(infusion_facts(), AT_ORDER))
    due = {one["label"]: one["actions"][0]["resource"]["occurrenceDateTime"] for one in card["suggestions"]}
    assert due == {
        "Order ionised calcium 24 hours after": "2025-10-21",
        "Order ionised calcium 48 hours after, at the GP": "2025-10-22",
    }
    assert card["selectionBehavior"] == "any"
    assert len({one["uuid"] for one in card["suggestions"]} | {card["uuid"]}) == 3


def test_missing_blood_tests_are_suggested_inside_their_windows():
    record = infusion_facts(without=("vitd25", "calcium_free"))
    by_label = {one["label"]: one["actions"][0] for one in readiness(draw(record, AT_ORDER))["suggestions"]}
    assert "taken 06 Oct 2025–10 Oct 2025" in by_label["Order 25-OH vitamin D"]["description"]
    assert by_label["Order 25-OH vitamin D"]["resource"]["occurrenceDateTime"] == "2025-10-06"
    assert "taken 06 Oct 2025–20 Oct 2025" in by_label["Order calcium"]["description"]


def ordered(concept, when=None, told_by="occurrence"):
    planned = None if when is None else Planned(When.on(when), told_by)
    return Order(concept, f"ServiceRequest/{concept[4:]}", planned)


def labels(*orders):
    record = infusion_facts(without=("vitd25", "calcium_free"), orders=(order(), *orders))
    return [one["label"] for one in readiness(draw(record, AT_ORDER)).get("suggestions", ())]


@pytest.mark.parametrize(
    ("orders", "gone"),
    [
        ([ordered("lab:vitd25", date(2025, 10, 7))], {"Order 25-OH vitamin D"}),
        ([ordered("lab:vitd25")], {"Order 25-OH vitamin D"}),
        ([ordered("lab:vitd25", date(2025, 10, 21))], set()),
        ([ordered("lab:calcium_total", TODAY, "authored-on")], {"Order calcium"}),
        ([ordered("lab:calcium_free", date(2025, 10, 20))], {"Order calcium"}),
        ([ordered("lab:calcium_free", date(2025, 10, 21))], {"Order ionised calcium 24 hours after"}),
        ([ordered("lab:calcium_free", date(2025, 10, 22))], {"Order ionised calcium 48 hours after, at the GP"}),
        ([ordered("lab:calcium_total", date(2025, 10, 21))], set()),
    ],
)
def test_what_is_ordered_for_its_day_is_not_suggested_again(orders, gone):
    assert set(labels()) - set(labels(*orders)) == gone


def test_no_blood_test_is_suggested_for_a_day_that_has_passed():
    soon = replace(order(), planned=Planned(When.on(date(2025, 9, 18)), "timing"))
    by_label = {
        one["label"]: one["actions"][0]["description"]
        for one in readiness(draw(infusion_facts(without=("vitd25",), orders=(soon,)), AT_ORDER))["suggestions"]
    }
    assert "taken 15 Sep 2025, before" in by_label["Order 25-OH vitamin D"]


def test_nothing_is_suggested_for_a_patient_whose_id_is_none():
    assert "suggestions" not in readiness(draw(replace(infusion_facts(), patient_id="a b"), AT_ORDER))


def test_notes_on_what_the_readiness_does_not_read_stay_off_its_card():
    notes = (Note("Observation/a", "unit-missing", "crp"), Note("Observation/b", "unit-missing", "vitd25"))
    card = readiness(draw(replace(infusion_facts(), notes=notes), AT_ORDER))
    assert "- Could not be read: vitamin D\n" in card["detail"]
    assert [note["concept"] for note in card["extension"]["example.cno-cds.result"]["notes"]] == ["vitd25"]


def test_the_readiness_card_is_never_folded():
    biopsy = Finding("BIO-20", "warning", about="order")
    result = evaluate(infusion_facts(), TODAY)
    built = draw(replace(result, findings=(biopsy, *result.findings)), AT_ORDER, max_cards=1)
    assert topics(built) == ["infusion"]
    assert "- Bone biopsy: Bone biopsy: both histology and culture with PCR should be ordered." in built[0]["detail"]


def test_an_adult_who_is_owed_no_readiness_card_gets_none_beside_another_order():
    scope = Scope("order-sign", suspicion=True, age_group="adult", readiness_due=False)
    assert draw(infusion_facts(), scope) == []


def test_an_order_whose_drug_cannot_be_read_is_told_in_a_child_with_suspicion():
    record = facts(orders=(Order("order:unreadable", "MedicationRequest/x"),))
    built = draw(record, AT_ORDER)
    assert topics(built) == ["treatment-order"]
    assert built[0]["indicator"] == "info"
    assert "not checked" in built[0]["summary"]
    assert draw(record, STRANGER) == []


def test_another_bisphosphonate_is_told_once_there_is_suspicion():
    record = facts(orders=(Order("drug:pamidronate", "MedicationRequest/x"),))
    assert topics(draw(record, AT_ORDER)) == ["treatment-order"]
    assert draw(record, STRANGER) == []


def test_red_flags_stay_off_the_order_hooks():
    few = measured("platelets", "60", "10*9/L", date(2025, 9, 1), ("150", "450"))
    assert topics(draw(infusion_facts(few), AT_ORDER)) == ["infusion"]
