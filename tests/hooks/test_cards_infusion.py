from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from cds_service.guideline.dates import When
from cds_service.guideline.facts import Dose, Drug, Facts, Order
from cds_service.guideline.interval import Interval
from tests.hooks.children import AT_ORDER, SPACE, STRANGER, draw, infusion_facts, measured, order, readiness, topics


def test_when_all_is_in_order_the_card_says_so_and_what_comes_in_addition():
    card = readiness(draw(infusion_facts(), AT_ORDER))
    assert card["summary"] == "Zoledronic acid: the recommendation's points are in order."
    assert card["indicator"] == "info"
    assert "Renal function, teeth and the product's own cautions are assessed in addition." in card["detail"]
    assert "vitamin D 72 nmol/L (08 Oct 2025)" in card["detail"]
    assert "safe" not in card["detail"]


def test_a_site_that_wants_no_card_when_all_is_in_order_gets_none():
    quiet = replace(AT_ORDER, quiet_when_ready=True)
    assert draw(infusion_facts(), quiet) == []
    assert topics(draw(infusion_facts(without=("vitd25",)), quiet)) == ["infusion"]


def test_the_card_prints_the_numbers_for_this_child():
    detail = readiness(draw(infusion_facts(orders=(order(volume=Decimal(100)),)), AT_ORDER, "nb"))["detail"]
    assert f"Gjelder 0,6{SPACE}mg, planlagt 20.10.2025 (fra doseringen)" in detail
    assert f"Vekt 24{SPACE}kg (14.10.2025): anbefalt 0,6{SPACE}mg" in detail
    assert f"høyst 1,2{SPACE}mg" in detail
    assert f"= 240{SPACE}ml/time, ikke raskere enn 25{SPACE}min; preparatomtalen: minst 15{SPACE}min" in detail
    assert f"Paracetamol 15{SPACE}mg/kg = 360{SPACE}mg før, ny dose 6 timer etter" in detail
    assert "Fritt kalsium 24 timer etter, og 48 timer etter hos fastlege" in detail


def test_amounts_are_rounded_down_never_up():
    weight = measured("body_weight", "25.39", "kg", date(2025, 10, 14))
    detail = readiness(draw(infusion_facts(weight), AT_ORDER))["detail"]
    assert "recommended 0.63 mg" in detail
    assert "at most 1.26 mg" in detail
    assert "= 253.9 mL/h" in detail
    assert "= 380 mg before" in detail


@pytest.mark.parametrize(
    ("value", "shown"),
    [("38", "38"), ("50", "50"), ("49.96", "49.96"), ("49.99999999", "49.99999999")],
)
def test_vitamin_d_that_is_too_low_is_critical_and_printed_on_its_own_side_of_the_limit(value, shown):
    card = readiness(draw(infusion_facts(measured("vitd25", value, "nmol/L", date(2025, 10, 8))), AT_ORDER))
    assert card["indicator"] == "critical"
    assert card["summary"] == f"Zoledronic acid: vitamin D {shown} nmol/L (must be >50)."
    assert (
        f"- Vitamin D {shown} nmol/L (08 Oct 2025): do not start, supplement and retest (must be above 50)"
        in card["detail"]
    )


def test_vitamin_d_known_only_to_be_under_some_number_is_printed_so():
    under = measured("vitd25", Interval(Decimal(0), Decimal(25), high_open=True), "nmol/L", date(2025, 10, 8))
    assert "vitamin D <25 nmol/L (must be >50)" in readiness(draw(infusion_facts(under), AT_ORDER))["summary"]


def test_calcium_outside_its_range_names_the_end_it_crossed():
    low = measured("calcium_free", "1.149", "mmol/L", date(2025, 10, 15), ("1.15", "1.33"))
    card = readiness(draw(infusion_facts(low), AT_ORDER))
    assert card["indicator"] == "critical"
    assert "ionised calcium 1.149 mmol/L (limit 1.15)" in card["summary"]


def test_calcium_flagged_outside_without_a_range_has_no_limit_to_print():
    flagged = measured("calcium_total", "2.0", "mmol/L", date(2025, 10, 15), flag="low")
    card = readiness(draw(infusion_facts(flagged, without=("calcium_free",)), AT_ORDER))
    assert "total calcium 2 mmol/L outside its range" in card["summary"]
    assert "limit" not in card["summary"]


def test_a_dose_above_the_maximum_is_critical_and_not_told_twice():
    card = readiness(draw(infusion_facts(orders=(order(dose=Dose(Decimal("1.201"), per_kg=False)),)), AT_ORDER))
    assert card["indicator"] == "critical"
    assert card["summary"] == "Zoledronic acid: dose 0.05004 mg/kg (at most 0.05)."
    assert card["detail"].count("0.05004") == 1


def test_what_is_missing_is_a_warning_and_named():
    record = infusion_facts(without=("vitd25", "calcium_free", "body_weight"))
    card = readiness(draw(record, AT_ORDER))
    assert card["indicator"] == "warning"
    assert card["summary"] == "Zoledronic acid: vitamin D missing, calcium missing, weight missing."
    assert card["detail"].count("- Missing: vitamin D") == 1
    assert card["detail"].count("- Weight missing") == 1


def test_nothing_known_at_all_still_gives_a_card():
    bare = Facts(orders=(Order("drug:zoledronic_acid", "context.draftOrders.entry[0]"),))
    card = readiness(draw(bare, replace(AT_ORDER, age_group="unknown")))
    assert card["indicator"] == "warning"
    assert "Concerns zoledronic acid, planned 15 Sep 2025 (today, infusion day not given)" in card["detail"]
    assert "suggestions" not in card


def test_a_dose_too_soon_tells_the_earliest_day():
    given = Drug(
        "drug:zoledronic_acid", "administration", "completed", "MedicationAdministration/m", When.on(date(2025, 5, 5))
    )
    card = readiness(draw(infusion_facts(drugs=(given,)), AT_ORDER))
    assert card["indicator"] == "warning"
    assert "earliest 05 Nov 2025 after the last dose" in card["summary"]


def test_a_child_under_two_is_critical():
    card = readiness(draw(replace(infusion_facts(), born=When.on(date(2023, 12, 1)), form=None), AT_ORDER))
    assert card["indicator"] == "critical"
    assert "under 2 years on the day of infusion" in card["summary"]


def test_a_low_alp_is_named_even_when_every_check_is_in_order():
    low = measured("alp", "61", "U/L", date(2025, 9, 1), ("120", "400"))
    card = readiness(draw(infusion_facts(low), AT_ORDER))
    assert card["indicator"] == "warning"
    assert card["summary"] == "Zoledronic acid: low ALP."
    assert "ALP 61 U/L (01 Sep 2025, lower limit 120)" in card["detail"]
    assert "are in order. Renal" not in card["detail"]


@pytest.mark.parametrize(
    ("language", "summary", "words"),
    [
        (
            "nb",
            "Uten CNO-diagnose (grenser for CNO hos barn)",
            "Ingen CNO-diagnose funnet; grensene gjelder CNO hos barn.",
        ),
        ("nn", "Utan CNO-diagnose (grenser for CNO hos barn)", "Fann ingen CNO-diagnose; grensene gjeld CNO hos barn."),
        (
            "en",
            "No CNO diagnosis (limits for CNO in children)",
            "No CNO diagnosis found; the limits are those for CNO in children.",
        ),
    ],
)
def test_a_child_without_any_sign_of_cno_gets_at_most_a_warning_that_begins_so(language, summary, words):
    low = measured("vitd25", "20", "nmol/L", date(2025, 10, 8))
    card = readiness(draw(replace(infusion_facts(low), form=None), STRANGER, language))
    assert card["indicator"] == "warning"
    assert card["summary"].startswith(summary)
    assert len(card["summary"]) <= 105
    assert card["detail"].startswith(words)
    assert "20" in card["summary"]
