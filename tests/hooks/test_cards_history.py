"""What the readiness card says of earlier doses that are not surely known, of old orders, and of lists that lack."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from cds_service.guideline.dates import When
from cds_service.guideline.facts import Dose, Drug, Order, Planned
from cds_service.hooks.language import LANGUAGES
from tests.hooks.children import AT_ORDER, PLANNED, STRANGER, TODAY, draw, infusion_facts, measured, order, readiness

PARACETAMOL = Order("drug:paracetamol", "MedicationRequest/p1")
ADMINISTRATIONS = frozenset({"MedicationAdministration"})
FULL_YEAR = When(date(2025, 1, 1), date(2025, 12, 31))


def given(when, status="completed", kind="administration", concept="drug:zoledronic_acid"):
    return Drug(concept, kind, status, f"Medication/{concept}-{status}", when)


def twice_the_dose(**members):
    return infusion_facts(orders=(order(dose=Dose(Decimal("1.2"), per_kg=False)), PARACETAMOL), **members)


def planned(day, told_by="timing", **members):
    return replace(order(**members), planned=Planned(When.on(day), told_by))


def of_old_order(*results):
    """An order of nine days ago without an infusion day, and samples of before it."""
    before = (
        measured("vitd25", "72", "nmol/L", date(2025, 8, 25)),
        measured("calcium_free", "1.20", "mmol/L", date(2025, 9, 4), ("1.15", "1.33")),
        measured("body_weight", "24", "kg", date(2025, 9, 4)),
    )
    kept = {one.name: one for one in (*before, *results)}
    return infusion_facts(*kept.values(), orders=(planned(date(2025, 9, 6), "authored-on"), PARACETAMOL))


@pytest.mark.parametrize(
    "drug",
    [
        given(When.on(date(2025, 7, 1)), "in-progress"),
        given(When.on(date(2025, 7, 1)), "stopped"),
        given(When.on(date(2025, 7, 1)), kind="statement"),
        given(None),
        given(When.on(date(2025, 2, 1)), "active", "request"),
    ],
)
def test_what_may_have_been_a_dose_is_never_told_as_none_found(drug):
    card = readiness(draw(twice_the_dose(drugs=(drug,)), AT_ORDER))
    told = card["summary"] + card["detail"]
    assert "it is not certain that an earlier dose was given in full" in told
    assert "first dose" not in told
    assert "no earlier dose" not in told


def test_a_history_that_did_not_come_is_never_told_as_none_found():
    card = readiness(draw(twice_the_dose(not_received=ADMINISTRATIONS), AT_ORDER))
    assert "earlier doses were not received, or not all of them" in card["detail"]
    assert "no earlier dose" not in card["detail"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_drug_given_since_the_last_dose_that_was_not_read_is_told_with_that_dose(language):
    drugs = (
        given(When.on(date(2025, 4, 20))),
        given(When.on(date(2025, 7, 1)), concept="drug:unreadable"),
    )
    card = readiness(draw(infusion_facts(drugs=drugs), AT_ORDER, language))
    line = {
        "nb": "Siste kjente zoledronsyre 20.04.2025, men det som kan være gitt senere, er ikke lest",
        "nn": "Siste kjende zoledronsyre 20.04.2025, men det som kan vere gitt seinare, er ikkje lese",
        "en": "Last known zoledronic acid 20 Apr 2025, but what may have been given later was not read",
    }
    assert card["indicator"] == "warning"
    assert line[language] in card["detail"]


def test_administrations_that_did_not_come_are_told_with_the_dose_that_is_known():
    drugs = (given(When.on(date(2025, 2, 10)), kind="request"),)
    card = readiness(draw(infusion_facts(drugs=drugs, not_received=ADMINISTRATIONS), AT_ORDER))
    assert card["summary"] == "Zoledronic acid: later doses not received."
    assert "Last known zoledronic acid 10 Feb 2025, but drugs given were not received, or not all" in card["detail"]


def test_a_dose_known_to_its_year_is_told_as_such():
    drugs = (given(When(date(2024, 1, 1), date(2024, 12, 31))),)
    detail = readiness(draw(infusion_facts(drugs=drugs), AT_ORDER))["detail"]
    assert "Last zoledronic acid 2024: more than 7 months ago" in detail


def test_a_dose_of_this_year_may_be_too_soon_and_is_never_counted_from_after_today():
    card = readiness(draw(infusion_facts(drugs=(given(FULL_YEAR),)), AT_ORDER))
    assert (
        "Last dose 2025, no closer date: may be too soon (6 months), surely in time from 15 Mar 2026" in card["detail"]
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_order_soon_after_another_one_tells_the_earliest_date(language):
    first = planned(date(2025, 10, 18))
    second = replace(planned(PLANNED), source="MedicationRequest/z2")
    card = readiness(draw(infusion_facts(orders=(first, second, PARACETAMOL)), AT_ORDER, language))
    words = {
        "nb": "tidligst 18.04.2026 etter den andre forordningen",
        "nn": "tidlegast 18.04.2026 etter den andre ordinasjonen",
        "en": "earliest 18 Apr 2026 after the other order",
    }
    assert words[language] in card["summary"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nb", "Infusjonsdag ukjent, forordnet 06.09.2025."),
        ("nn", "Infusjonsdag ukjend, ordinert 06.09.2025."),
        ("en", "Infusion day unknown, ordered 06 Sep 2025."),
    ],
)
@pytest.mark.parametrize("scope", [AT_ORDER, STRANGER])
def test_an_old_order_without_an_infusion_day_is_said_in_summary_and_first_line(language, words, scope):
    record = of_old_order() if scope is AT_ORDER else replace(of_old_order(), form=None)
    card = readiness(draw(record, scope, language))
    assert words in card["summary"]
    assert words in card["detail"].split("\n")[0]


def test_an_order_of_today_or_for_a_day_to_come_says_nothing_of_the_kind():
    for one in (planned(TODAY, "authored-on"), planned(PLANNED)):
        assert "Infusion day" not in readiness(draw(infusion_facts(orders=(one, PARACETAMOL)), AT_ORDER))["summary"]


def test_a_stated_day_that_has_passed_is_said_in_summary_and_first_line():
    record = of_old_order()
    card = readiness(draw(replace(record, orders=(planned(date(2025, 9, 6)), PARACETAMOL)), AT_ORDER))
    assert "The day given, 06 Sep 2025, has passed." in card["summary"]
    assert "The day given, 06 Sep 2025, has passed." in card["detail"].split("\n")[0]


def test_a_calcium_newer_than_the_order_is_not_after_an_infusion_and_not_ordered_again():
    newer = measured("calcium_free", "1.24", "mmol/L", date(2025, 9, 14), ("1.15", "1.33"))
    card = readiness(draw(of_old_order(newer), AT_ORDER))
    assert "calcium taken after the order" in card["summary"]
    assert "after the planned" not in card["summary"] + card["detail"]
    assert "Order calcium" not in [one["label"] for one in card["suggestions"]]


@pytest.mark.parametrize("kind", ["MedicationRequest", "MedicationStatement"])
def test_paracetamol_is_not_suggested_as_if_none_were_taken_where_a_drug_list_did_not_come(kind):
    drugs = (given(When.on(date(2025, 4, 20))),)
    record = infusion_facts(orders=(order(),), drugs=drugs, not_received=frozenset({kind}))
    card = readiness(draw(record, AT_ORDER))
    assert "Not known: paracetamol." in card["summary"]
    assert "- Drug lists were not received: whether the child already takes paracetamol is not known" in card["detail"]
    suggestion = next(one for one in card["suggestions"] if "paracetamol" in one["label"])
    assert "already takes paracetamol is not known" in suggestion["actions"][0]["description"]


def test_paracetamol_that_is_known_to_be_taken_needs_no_such_line():
    drugs = (given(When.on(TODAY), "active", "statement", "drug:paracetamol"),)
    record = infusion_facts(orders=(order(),), drugs=drugs, not_received=frozenset({"MedicationRequest"}))
    assert "Drug lists were not received" not in readiness(draw(record, AT_ORDER))["detail"]
