"""What the readiness card warns of beside the nine checks, and what it leaves out."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from cds_service.guideline.dates import When
from cds_service.guideline.facts import Condition, Dose, Drug, Order, Planned
from cds_service.hooks.card_draft import Scope
from cds_service.hooks.language import LANGUAGES
from cds_service.hooks.wording import wording
from tests.hooks.children import (
    AT_ORDER,
    PLANNED,
    STRANGER,
    TODAY,
    draw,
    infusion_facts,
    measured,
    order,
    readiness,
)

PARACETAMOL = Order("drug:paracetamol", "MedicationRequest/p1")


def labels(card):
    return [one["label"] for one in card.get("suggestions", ())]


def on(day, told_by="timing"):
    return replace(order(), planned=Planned(When.on(day), told_by))


@pytest.fixture
def infant():
    born = When.on(date(2023, 12, 1))
    return replace(infusion_facts(without=("vitd25",), orders=(order(),)), born=born, form=None)


def test_under_two_years_no_amount_is_printed_and_no_drug_is_suggested(infant):
    card = readiness(draw(infant, AT_ORDER))
    assert "the recommendation has no dosing under 2 years" in card["detail"]
    assert "mg/kg" not in card["detail"]
    assert "mL/" not in card["detail"]
    in_order = next(line for line in card["detail"].split("\n") if line.startswith("- In order"))
    assert "dose" not in in_order
    assert labels(card) == ["Order 25-OH vitamin D"]


def test_under_two_years_a_dose_above_the_maximum_is_still_told(infant):
    much = replace(infant, orders=(order(dose=Dose(Decimal(3), per_kg=False)),))
    assert "dose 0.125 mg/kg (at most 0.05)" in readiness(draw(much, AT_ORDER))["summary"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nb", "Ikke oppgitt: hastighet. Ikke forordnet: paracetamol."),
        ("nn", "Ikkje oppgitt: fart. Ikkje ordinert: paracetamol."),
        ("en", "Not given: rate. Not ordered: paracetamol."),
    ],
)
def test_ready_says_first_what_nobody_told(language, words):
    card = readiness(draw(infusion_facts(orders=(order(rate=None),)), AT_ORDER, language))
    assert card["detail"].startswith(words)
    assert card["summary"].endswith(words)
    assert len(card["summary"]) <= 105
    assert card["indicator"] == "info"


def test_what_is_simply_not_told_is_not_repeated_while_something_else_stands_against():
    card = readiness(draw(infusion_facts(without=("vitd25",), orders=(order(rate=None),)), AT_ORDER))
    assert "Not given" not in card["detail"] + card["summary"]


@pytest.mark.parametrize(("scope", "first"), [(AT_ORDER, "Infusion day not given."), (STRANGER, "No CNO diagnosis")])
def test_an_infusion_day_that_is_only_assumed_is_said_in_the_first_line(scope, first):
    record = infusion_facts(without=("calcium_free",), orders=(replace(order(), planned=None), PARACETAMOL))
    card = readiness(draw(replace(record, form=None), scope))
    line = card["detail"].split("\n")[0]
    assert line.startswith(first)
    assert "Infusion day not given." in line
    assert len(card["summary"]) <= 105


def test_a_planned_day_that_has_passed_is_told_and_nothing_is_suggested_before_today():
    record = infusion_facts(without=("vitd25", "calcium_free"), orders=(on(date(2025, 9, 1)),))
    card = readiness(draw(record, AT_ORDER))
    assert "the planned date 01 Sep 2025 has passed (from the dosage)" in card["detail"]
    resources = [one["actions"][0]["resource"] for one in card["suggestions"]]
    assert len(resources) == 4
    assert all(one.get("occurrenceDateTime", "9999") >= TODAY.isoformat() for one in resources)
    assert not any("Sep 2025" in one["actions"][0]["description"] for one in card["suggestions"][2:])


def test_paracetamol_is_never_suggested_for_a_day_before_today():
    weight = measured("body_weight", "24", "kg", date(2025, 8, 30))
    card = readiness(draw(infusion_facts(weight, orders=(on(date(2025, 9, 1)),)), AT_ORDER))
    resource = next(one for one in card["suggestions"] if "paracetamol" in one["label"])["actions"][0]["resource"]
    assert resource["dosageInstruction"][0]["timing"]["event"] == [TODAY.isoformat()]


def test_the_date_of_an_order_is_no_planned_date_that_has_passed():
    detail = readiness(draw(infusion_facts(orders=(on(date(2025, 9, 14), "authored-on"),)), AT_ORDER))["detail"]
    assert "planned 14 Sep 2025 (date of the order, infusion day not given)" in detail
    assert "passed" not in detail


def test_too_low_a_vitamin_d_asks_for_a_new_sample_after_supplements_without_a_window():
    card = readiness(draw(infusion_facts(measured("vitd25", "30", "nmol/L", date(2025, 6, 1))), AT_ORDER))
    assert card["detail"].count("itamin D 30") == 1
    assert "sample" not in card["summary"] + card["detail"]
    again = next(one for one in card["suggestions"] if "vitamin D" in one["label"])["actions"][0]
    assert again["description"] == "Order 25-OH vitamin D again after supplementation, before zoledronic acid."
    assert "occurrenceDateTime" not in again["resource"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_paracetamol_that_is_ordered_despite_an_allergy_is_a_warning(language):
    record = replace(infusion_facts(), allergies=frozenset({"drug:paracetamol"}))
    card = readiness(draw(record, AT_ORDER, language))
    words = {
        "nb": "Paracetamol er forordnet, men allergi/intoleranse er registrert",
        "nn": "Paracetamol er ordinert, men allergi/intoleranse er registrert",
        "en": "Paracetamol is ordered, but allergy/intolerance is recorded",
    }
    assert card["indicator"] == "warning"
    assert card["detail"].startswith(f"- {words[language]}\n")
    assert "15" not in card["summary"]
    assert "mg/kg før" not in card["detail"]


def test_paracetamol_that_is_taken_already_counts_in_the_daily_dose():
    active = Drug("drug:paracetamol", "statement", "active", "MedicationStatement/p", When.on(date(2025, 9, 10)))
    detail = readiness(draw(infusion_facts(orders=(order(),), drugs=(active,)), AT_ORDER))["detail"]
    assert "- Already on paracetamol: count it in the daily dose" in detail
    assert "Already on" not in readiness(draw(infusion_facts(), AT_ORDER))["detail"]


def test_allergies_that_did_not_come_must_be_checked_before_paracetamol():
    record = replace(infusion_facts(orders=(order(),)), not_received=frozenset({"AllergyIntolerance"}))
    card = readiness(draw(record, AT_ORDER))
    assert "- Allergies were not received or not read: check before paracetamol" in card["detail"]
    suggestion = next(one for one in card["suggestions"] if "paracetamol" in one["label"])
    assert suggestion["actions"][0]["description"].endswith(
        "Allergies were not received or not read, and must be checked first."
    )


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nb", "to forordninger på zoledronsyre"),
        ("nn", "to ordinasjonar på zoledronsyre"),
        ("en", "two zoledronic acid orders"),
    ],
)
def test_two_orders_of_the_same_drug_are_a_warning_in_the_summary(language, words):
    second = replace(order(), source="MedicationRequest/z2")
    card = readiness(draw(infusion_facts(orders=(order(), second, PARACETAMOL)), AT_ORDER, language))
    assert words in card["summary"]
    assert card["indicator"] == "warning"


@pytest.mark.parametrize(
    ("concept", "disease"),
    [
        ("mimic_leukemia", "Leukaemia"),
        ("mimic_infectious_osteomyelitis", "Infectious osteomyelitis"),
        ("mimic_hypophosphatasia_possible", "Possible hypophosphatasia"),
    ],
)
def test_a_recorded_mimicker_is_named_before_a_bisphosphonate(concept, disease):
    condition = Condition(concept, "Condition/m", recorded=When.on(date(2025, 9, 10)))
    card = readiness(draw(infusion_facts(conditions=(condition,)), AT_ORDER))
    assert card["summary"] == f"Zoledronic acid: {disease.lower()} on record."
    assert f"- {disease} on record: assess before a bisphosphonate" in card["detail"]
    assert card["indicator"] == "warning"


def test_a_mimicker_that_only_the_form_tells_has_no_name_to_print():
    card = readiness(draw(infusion_facts(answers={"mimicker": {"present"}}), AT_ORDER, "nb"))
    assert "Registrert annen sykdom som ligner CNO: vurder før bisfosfonat" in card["detail"]


def test_zoledronic_acid_on_record_without_a_sure_date_is_asked_about():
    given = Drug("drug:zoledronic_acid", "administration", "completed", "MedicationAdministration/m")
    card = readiness(draw(infusion_facts(drugs=(given,)), AT_ORDER, "nb"))
    assert "uklart når siste dose ble gitt" in card["summary"]
    assert (
        "Zoledronsyre står i journalen uten sikker dato eller status: avklar når siste dose ble gitt" in card["detail"]
    )


def test_a_calcium_flagged_outside_the_range_that_it_lies_in_crosses_no_limit():
    flagged = measured("calcium_free", "1.24", "mmol/L", date(2025, 10, 15), ("1.15", "1.33"), flag="low")
    card = readiness(draw(infusion_facts(flagged), AT_ORDER))
    assert card["summary"] == "Zoledronic acid: ionised calcium 1.24 mmol/L outside its range."
    assert "1.15" not in card["detail"]


def test_an_old_calcium_that_was_outside_its_range_says_so():
    old = measured("calcium_free", "1.02", "mmol/L", date(2025, 9, 1), ("1.15", "1.33"))
    card = readiness(draw(infusion_facts(old), AT_ORDER))
    assert card["summary"] == "Zoledronic acid: calcium too old and outside its range."
    normal = measured("calcium_free", "1.20", "mmol/L", date(2025, 9, 1), ("1.15", "1.33"))
    assert readiness(draw(infusion_facts(normal), AT_ORDER))["summary"] == "Zoledronic acid: calcium too old."


def test_contradictory_calcium_results_are_both_shown():
    low = measured("calcium_total", "2.05", "mmol/L", date(2025, 10, 12), ("2.15", "2.55"))
    detail = readiness(draw(infusion_facts(low), AT_ORDER))["detail"]
    both = "Total calcium 2.05 mmol/L (12 Oct 2025), ionised calcium 1.2 mmol/L (15 Oct 2025)"
    assert f"- {both}: contradictory, clarify" in detail


def test_an_adult_with_cno_is_told_that_the_limits_are_those_for_children():
    scope = Scope("order-sign", suspicion=True, age_group="adult")
    record = replace(infusion_facts(), born=When.on(date(2005, 1, 1)))
    assert readiness(draw(record, scope))["detail"].startswith("The patient is now an adult; limits")


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_not_all_fits_the_order_paracetamol_and_controls_stay(language):
    record = infusion_facts(
        measured("vitd25", "38", "nmol/L", date(2025, 8, 1)),
        measured("calcium_free", "1.05", "mmol/L", date(2025, 9, 1), ("1.15", "1.33")),
        measured("alp", "61", "U/L", date(2025, 9, 1), ("120", "400")),
        orders=(order(dose=Dose(Decimal("1.3"), per_kg=False)), replace(order(), source="MedicationRequest/z2")),
        not_received=frozenset({"AllergyIntolerance", "MedicationStatement"}),
    )
    detail = readiness(draw(replace(record, form=None), STRANGER, language))["detail"]
    assert len(detail) <= 900
    lines = detail.split("\n")
    assert any(line.startswith("+ ") for line in lines)
    assert [line for line in lines if "360" in line]
    assert [line for line in lines if "48" in line]
    assert [line for line in lines if wording(language).day(PLANNED) in line]
