"""How findings become lines: told together, told instead of another, with what there is to order."""

from dataclasses import replace
from datetime import date

import pytest

from cds_service.guideline.dates import When
from cds_service.guideline.evaluation import evaluate
from cds_service.guideline.facts import Coded, Condition, Facts, Lesion, Order
from cds_service.guideline.results import Finding
from cds_service.hooks.language import LANGUAGES
from tests.hooks.children import (
    AT_ORDER,
    BLOOD,
    BORN,
    CHILD,
    SPACE,
    TIBIAE,
    TODAY,
    draw,
    facts,
    infusion_facts,
    measured,
    of_topic,
    readiness,
    topics,
)

CNO = Condition("cno", "Condition/cno", recorded=When.on(date(2025, 6, 1)))
INFUSED = Coded("drug:zoledronic_acid", "completed", "MedicationAdministration/z", When.on(TODAY))
SPINE = (Lesion("vertebra_T6", "QuestionnaireResponse/q1#t6", features=frozenset({"marrow-oedema"})),)


def of(*findings, scope=CHILD, language="en", record=None):
    """The cards of an evaluation with these findings and no others."""
    return draw(replace(evaluate(record or facts(*BLOOD), TODAY), findings=findings), scope, language)


def ordered(card):
    return [one["label"].removeprefix("Order: ") for one in card.get("suggestions", [])]


def test_missing_tests_are_one_line_and_one_suggestion_for_each_order():
    steps = of_topic(
        of(Finding("LAB-05", "info", reason="alt+ast"), Finding("LAB-09", "info", reason="phosphate")), "next-steps"
    )
    assert "- Tests not found in the last 90 days: ALT, AST, phosphate\n" in steps["detail"]
    assert steps["summary"] == "Tests missing: ALT, AST, phosphate."
    assert ordered(steps) == ["ALT", "AST", "Phosphate"]
    for suggestion in steps["suggestions"]:
        (action,) = suggestion["actions"]
        assert action["description"] == f"Order {action['resource']['code']['text']}."
        assert action["resource"]["subject"] == {"reference": "Patient/p1"}


def test_a_test_that_is_awaited_is_still_missing_but_not_suggested_again():
    record = facts(*BLOOD, orders=(Order("lab:alt", "ServiceRequest/alt"),))
    steps = of_topic(of(Finding("LAB-05", "info", reason="alt+ast"), record=record), "next-steps")
    assert "ALT, AST" in steps["detail"]
    assert ordered(steps) == ["AST"]


def test_nothing_is_suggested_for_a_patient_whose_id_is_not_known():
    record = replace(facts(*BLOOD), patient_id=None)
    assert "suggestions" not in of_topic(of(Finding("LAB-20", "info"), record=record), "next-steps")


@pytest.mark.parametrize(
    ("finding", "kind", "name"),
    [
        (Finding("UTR-01", "warning"), "ServiceRequest", "Referral to a paediatric department"),
        (Finding("IMG-03", "info"), "ServiceRequest", "MRI of the painful area"),
        (Finding("IMG-03", "info", reason="requested"), None, None),
        (Finding("IMG-11", "info", reason="diaphysis"), None, None),
        (Finding("BEH-11", "info", reason="waiting"), None, None),
        (Finding("BEH-04", "info"), None, None),
    ],
)
def test_a_finding_suggests_what_it_asks_for_and_never_a_drug(finding, kind, name):
    card = of_topic(of(finding), "next-steps")
    told = [(one["actions"][0]["resource"]["resourceType"], one["label"]) for one in card.get("suggestions", [])]
    assert [(where, label.removeprefix("Order: ")) for where, label in told] == ([(kind, name)] if kind else [])


def test_what_is_more_specific_is_told_instead_and_both_stand_in_the_extension():
    both = (Finding("BEH-07", "warning", SPINE), Finding("BEH-08", "warning", SPINE))
    card = of_topic(of(*both), "next-steps")
    assert "first choice" in card["detail"]
    assert "at diagnosis" not in card["detail"]
    section = card["extension"]["example.cno-cds.result"]["findings"]
    assert [one["id"] for one in section] == ["BEH-07", "BEH-08"]


def test_advice_that_waits_says_for_what_and_its_summary_too():
    record = Facts(patient_id="p1", born=BORN, conditions=(CNO,))
    card = of_topic(draw(record), "next-steps")
    line = next(line for line in card["detail"].splitlines() if "No NSAID was found" in line)
    assert "– only once infection and malignancy are ruled out (not verified: " in line
    assert line.endswith("platelets, LDH, antimicrobial response).")
    waiting = of_topic(of(Finding("BEH-04", "info", reason="waiting"), record=record), "next-steps")
    assert "only once infection and malignancy are ruled out" in waiting["summary"]


def test_advice_on_an_order_is_told_at_orders_and_advice_on_the_chart_at_the_chart():
    found = (
        Finding("IMG-12", "warning", about="order"),
        Finding("IMG-03", "info"),
        Finding("BEH-08", "info", SPINE, "tnf-alone", "both"),
    )
    assert topics(of(*found, scope=AT_ORDER)) == ["imaging-order", "treatment-order"]
    chart = of_topic(of(*found), "next-steps")
    assert "TNF inhibitor without bisphosphonate" in chart["detail"]
    assert "Bone scans" not in chart["detail"]


def test_imaging_and_treatment_advice_needs_suspicion():
    scope = replace(AT_ORDER, suspicion=False)
    assert of(Finding("IMG-12", "warning", about="order"), Finding("BEH-14", "info", about="order"), scope=scope) == []


def test_numbers_and_units_are_written_in_the_way_of_the_language():
    low = measured("calcium_free", "1.05", "mmol/L", TODAY, ("1.15", "1.33"))
    finding = Finding("ZOL-13", "warning", (low, INFUSED), "ask")
    assert (
        f"fritt kalsium 1,05{SPACE}mmol/L (15.09.2025, nedre grense 1,15)"
        in of_topic(of(finding, language="nb"), "follow-up")["detail"]
    )
    assert "ionised calcium 1.05 mmol/L (15 Sep 2025, lower limit 1.15)" in of_topic(of(finding), "follow-up")["detail"]


def test_a_control_after_an_infusion_is_suggested_for_its_day_as_long_as_that_lies_ahead():
    due = of_topic(of(Finding("ZOL-12", "info", (INFUSED,), "due")), "follow-up")
    assert due["suggestions"][0]["actions"][0]["resource"]["occurrenceDateTime"] == "2025-09-17"
    assert "(17 Sep 2025)" in due["suggestions"][0]["actions"][0]["description"]
    long_ago = INFUSED._replace(when=When.on(date(2025, 9, 1)))
    late = of_topic(of(Finding("ZOL-12", "warning", (long_ago,), "overdue")), "follow-up")
    assert "occurrenceDateTime" not in late["suggestions"][0]["actions"][0]["resource"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_treatment_advice_ends_with_goals_evidence_and_shared_decision(language):
    card = of_topic(of(Finding("BEH-08", "warning", SPINE), language=language), "next-steps")
    assert len([line for line in card["detail"].split("\n\n")[0].splitlines() if not line.startswith("- ")]) == 3


def test_an_adult_reads_that_limits_and_treatment_are_those_for_children():
    adult = replace(CHILD, age_group="adult")
    assert "The patient is now an adult" in of_topic(of(Finding("BEH-10", "info"), scope=adult), "next-steps")["detail"]


def test_all_factors_of_a_poorer_prognosis_stand_on_one_line():
    found = [Finding("OPP-09", "info", TIBIAE), Finding("OPP-10", "info", TIBIAE, "leg"), Finding("OPP-12", "info")]
    card = of_topic(of(*found), "follow-up")
    assert (
        "- Linked to a poorer prognosis: several bones, lower limb, coexisting skin, joint or bowel disease"
        in card["detail"]
    )


LEUKAEMIA = Condition("mimic_leukemia", "Condition/l", recorded=When.on(date(2025, 9, 1)))
BLASTS = measured("blasts", "0.3", "10*9/L", date(2025, 9, 10))


@pytest.mark.parametrize("drug", ["drug:tnf_inhibitor", "drug:jak_inhibitor", "drug:glucocorticoid"])
def test_a_drug_ordered_beside_leukaemia_or_blasts_brings_the_warning_not_praise_of_the_drug(drug):
    record = facts(*BLOOD, BLASTS, conditions=(CNO, LEUKAEMIA), orders=(Order(drug, "MedicationRequest/d"),))
    card = of_topic(draw(record, AT_ORDER), "treatment-order")
    assert card["indicator"] == "critical"
    assert card["summary"].startswith("Blasts in blood")
    assert "An exclusion is present: clarify it before treatment changes: leukaemia" in card["detail"]
    assert "best described" not in card["detail"]
    assert "may work better" not in card["detail"]


def test_a_nsaid_ordered_beside_low_counts_brings_the_warning_too():
    few = measured("platelets", "62", "10*9/L", date(2025, 9, 10), ("150", "450"))
    record = facts(*BLOOD[:3], few, conditions=(CNO,), orders=(Order("drug:nsaid", "MedicationRequest/n"),))
    assert of_topic(draw(record, AT_ORDER), "treatment-order")["indicator"] == "critical"


def test_a_child_without_cno_code_or_form_is_treated_for_leukaemia_without_our_warning():
    few = measured("platelets", "62", "10*9/L", date(2025, 9, 10), ("150", "450"))
    pain = Condition("sym_bone_pain", "Condition/p")
    record = replace(facts(few, conditions=(LEUKAEMIA, pain), orders=(Order("drug:methotrexate", "M/m"),)), form=None)
    assert draw(record, AT_ORDER) == []


def test_zoledronic_acid_beside_blasts_is_critical_and_says_so_first():
    record = infusion_facts(BLASTS, conditions=(CNO,))
    card = readiness(draw(record, AT_ORDER))
    assert card["indicator"] == "critical"
    assert "possible signs of leukaemia" in card["summary"]
    assert "Blasts in blood" in card["detail"]


def test_tests_that_nobody_received_are_not_ordered_again():
    record = facts(not_received=frozenset({"Observation"}))
    card = of_topic(of(Finding("LAB-05", "info", reason="alt+ast"), record=record), "next-steps")
    assert "Tests were not received: which were taken is not known" in card["detail"]
    assert ordered(card) == []


def test_a_test_that_could_not_be_read_is_not_ordered_again():
    record = facts(*BLOOD, unreadable=frozenset({"alt"}))
    assert ordered(of_topic(of(Finding("LAB-05", "info", reason="alt+ast"), record=record), "next-steps")) == ["AST"]


ADULT = Facts(patient_id="p1", born=When.on(date(2001, 1, 1)), conditions=(Condition("cno_possible", "Condition/c"),))


@pytest.mark.parametrize("record", [facts(*BLOOD, conditions=(CNO,)), ADULT], ids=["diagnosed", "adult"])
def test_a_known_diagnosis_and_an_adult_get_no_list_of_tests_to_order(record):
    card = of_topic(of(Finding("LAB-05", "info", reason="alt"), record=record), "next-steps")
    assert "ALT" in card["detail"]
    assert ordered(card) == []


def test_several_orders_are_named():
    orders = (Order("drug:methotrexate", "MedicationRequest/m"), Order("drug:tnf_inhibitor", "MedicationRequest/t"))
    record = facts(*BLOOD, orders=orders)
    card = of_topic(of(Finding("BEH-14", "info", about="order"), scope=AT_ORDER, record=record), "treatment-order")
    assert card["detail"].startswith("- Concerns: methotrexate, TNF inhibitor\n")


def test_what_is_bad_about_a_lesion_is_told_with_it():
    lesion = replace(SPINE[0], features=frozenset({"cortical-destruction", "marrow-oedema"}))
    assert "T6 (cortical destruction)" in of_topic(of(Finding("DDX-04", "warning", (lesion,))), "red-flag")["detail"]


def test_an_x_ray_that_is_asked_about_does_not_hide_that_mri_is_missing():
    asked = of_topic(of(Finding("IMG-02", "info", reason="ask"), Finding("IMG-03", "info")), "next-steps")["detail"]
    assert "No MRI was found" in asked
    normal = of_topic(of(Finding("IMG-02", "info"), Finding("IMG-03", "info")), "next-steps")["detail"]
    assert "No MRI was found" not in normal


@pytest.mark.parametrize(
    ("beside", "left"),
    [
        ((), ["Histology of the bone biopsy", "Culture of the bone biopsy with PCR"]),
        (("report:histology",), ["Culture of the bone biopsy with PCR"]),
        (("lab:tissue_culture",), ["Histology of the bone biopsy"]),
    ],
)
def test_a_bone_biopsy_asks_for_what_is_not_ordered_beside_it(beside, left):
    orders = tuple(Order(concept, f"ServiceRequest/{concept[:3]}") for concept in ("proc:bone_biopsy", *beside))
    assert ordered(of_topic(draw(facts(*BLOOD, orders=orders), AT_ORDER), "biopsy")) == left


SUSPECTED = {"malignancy-suspected": {"yes"}}


@pytest.mark.parametrize("drug", ["drug:tnf_inhibitor", "drug:glucocorticoid", "drug:pamidronate", "drug:nsaid"])
def test_a_drug_ordered_while_malignancy_is_suspected_says_what_to_clarify_first(drug):
    record = facts(*BLOOD, answers=SUSPECTED, orders=(Order(drug, "MedicationRequest/d"),))
    card = of_topic(draw(record, AT_ORDER), "treatment-order")
    assert card["indicator"] == "warning"
    assert card["summary"].startswith("Infection or malignancy is suspected: clarify before this treatment.")
    assert "suspected malignancy" in card["detail"]
    for praise in ("best described", "may work better", "recommended"):
        assert praise not in card["detail"]


def test_zoledronic_acid_while_infection_is_suspected_is_never_simply_in_order():
    record = infusion_facts(answers={"infection-suspected": {"yes"}}, conditions=(CNO,))
    card = of_topic(draw(record, AT_ORDER), "infusion")
    assert card["indicator"] == "warning"
    assert "infection or malignancy is suspected" in card["summary"]


def test_advice_that_waits_for_an_answer_names_no_empty_list():
    card = of_topic(draw(facts(*BLOOD, answers=SUSPECTED)), "next-steps")
    assert "only once infection and malignancy are ruled out" in card["detail"]
    assert "()" not in card["detail"]
    assert ": )" not in card["detail"]
