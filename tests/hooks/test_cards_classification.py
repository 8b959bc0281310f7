import re
from dataclasses import replace
from datetime import date

import pytest

from cds_service.guideline.dates import When
from cds_service.guideline.facts import Condition, Facts, Note
from cds_service.hooks.card_draft import Scope
from cds_service.hooks.language import LANGUAGES
from tests.hooks.children import BLOOD, BORN, SPACE, TIBIAE, draw, facts, form, measured, of_topic, topics


def test_fulfilled_criteria_are_told_as_classification_and_rule_nothing_out():
    card = of_topic(draw(facts(*BLOOD)), "classification")
    assert card["summary"] == (
        "CNO criteria fulfilled: 67 of 100 (threshold 55). Does not rule out infection or malignancy."
    )
    assert card["indicator"] == "info"
    assert card["detail"].startswith("Classification, not diagnosis. Does not rule out infection or malignancy.\n")
    assert "- Entry: 3 of 3 met" in card["detail"]
    assert "- Exclusions: verified absent" in card["detail"]


def test_each_domain_has_a_bullet_with_value_unit_date_and_points():
    detail = of_topic(draw(facts(*BLOOD), language="nb"), "classification")["detail"]
    assert f"- Hb 12,4{SPACE}g/dL (01.09.2025): 8{SPACE}p" in detail
    assert f"- SR 24{SPACE}mm/t (01.09.2025): 8{SPACE}p" in detail
    assert f"- Alder ved debut – 9 år, debut 03.2025: 17{SPACE}p" in detail
    assert f"- Utbredelse – flere bein, symmetrisk: 9{SPACE}p" in detail
    assert f"- Feber – ingen (besvart 15.09.2025): 8{SPACE}p" in detail
    assert detail.count(f"{SPACE}p\n") == 9


def test_an_unknown_domain_is_named_as_not_assessed_with_its_possible_points():
    card = of_topic(draw(facts(answers={"fever": None, "coexisting": None})), "classification")
    assert "- Fever: not assessed (0 or 8)" in card["detail"]
    assert "- Coexisting disease: not assessed (0–9)" in card["detail"]
    assert "- ESR: not assessed (0 or 8)" in card["detail"]


def test_an_open_score_is_a_range_and_names_what_would_settle_it_first():
    card = of_topic(draw(facts(*BLOOD[1:3], answers={"fever": None, "coexisting": None})), "classification")
    assert (
        card["summary"] == "CNO criteria: 51–76 of 100 points (threshold 55). Unsettled: fever, coexisting disease, Hb."
    )
    bullets = [line for line in card["detail"].split("\n") if "not assessed (" in line]
    assert bullets[0].startswith("- Fever")


def test_results_on_both_sides_of_a_limit_are_both_shown_and_stay_open():
    later = measured("crp", "45.6", "mg/L", date(2025, 9, 10), source="Observation/crp2")
    detail = of_topic(draw(facts(*BLOOD, later)), "classification")["detail"]
    assert "- CRP 6 mg/L (01 Sep 2025), CRP 45.6 mg/L (10 Sep 2025): unsettled (0 or 8)" in detail


def test_an_unknown_biopsy_status_is_told_as_assumed():
    detail = of_topic(draw(facts(*BLOOD, answers={"biopsy-status": None})), "classification")["detail"]
    assert "- Bone biopsy, assumed not done: 0 p" in detail


def test_provisional_says_what_is_not_verified():
    record = facts(*BLOOD, answers={"mimicker": None, "antimicrobial-response": None})
    card = of_topic(draw(record), "classification")
    assert (
        card["summary"] == "55 points reached (67 of 100), but not verified: mimicking disease, antimicrobial response."
    )
    assert "- Exclusions: not verified (mimicking disease, antimicrobial response)" in card["detail"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_not_fulfilled_says_in_every_language_that_cno_is_not_ruled_out(language):
    low = (
        measured("hemoglobin", "9.1", "g/dL", date(2025, 9, 1)),
        measured("crp", "80", "mg/L", date(2025, 9, 1)),
        measured("esr", "88", "mm/h", date(2025, 9, 1)),
    )
    card = of_topic(draw(facts(*low, lesions=TIBIAE[:1]), language=language), "classification")
    assert "82" in card["summary"]
    assert "82" in card["detail"]
    assert "CNO" in card["summary"]


def test_low_platelets_are_told_with_their_number_and_are_critical():
    few = measured("platelets", "86", "10*9/L", date(2025, 9, 1))
    card = of_topic(draw(facts(*BLOOD[:3], few), language="nb"), "classification")
    assert card["indicator"] == "critical"
    assert card["summary"] == (
        f"CNO-kriteriene kan ikke brukes: eksklusjonsfunn, trombocytter 86{SPACE}×10⁹/L. Vurder malignitet."
    )


def test_a_platelet_count_just_below_the_limit_is_not_printed_as_the_limit():
    few = measured("platelets", "99.6", "10*9/L", date(2025, 9, 1))
    assert "platelets 99.6 ×10⁹/L" in of_topic(draw(facts(*BLOOD[:3], few)), "classification")["summary"]


def test_a_mimicker_is_told_by_our_own_name_for_it():
    leukaemia = Condition("mimic_leukemia", "Condition/c1", recorded=When.on(date(2025, 9, 2)))
    card = of_topic(draw(facts(*BLOOD, conditions=(leukaemia,))), "classification")
    assert card["summary"] == "CNO criteria do not apply: exclusion found, leukaemia."
    assert card["indicator"] == "critical"
    assert "- Leukaemia (02 Sep 2025)" in card["detail"]


def test_a_raised_ldh_that_the_clinician_has_judged_stays_on_the_card_as_a_warning():
    raised = measured("ldh", "340", "U/L", date(2025, 9, 1), ("105", "305"))
    card = of_topic(draw(facts(*BLOOD[:4], raised)), "classification")
    assert card["indicator"] == "warning"
    assert "LDH 340 U/L (01 Sep 2025, upper limit 305): raised, judged by a clinician as no concern." in card["detail"]
    assert "Exclusions: verified absent" in card["detail"]


def test_a_raised_ldh_without_an_answer_is_a_warning_that_nobody_has_judged_it():
    raised = measured("ldh", "340", "U/L", date(2025, 9, 1), ("105", "305"))
    card = of_topic(draw(facts(*BLOOD[:4], raised, answers={"ldh-concern": None})), "classification")
    assert card["indicator"] == "warning"
    assert "raised, not judged by a clinician" in card["detail"]


def test_symptoms_that_are_still_too_short_name_the_day_to_look_again():
    record = facts(*BLOOD)
    recent = replace(record, form=form(onset=When.on(date(2025, 9, 1))))
    card = of_topic(draw(recent), "classification")
    assert card["summary"] == "CNO criteria do not apply yet: symptoms too short. Reassess on 13 Oct 2025."
    assert "points" not in card["summary"]
    assert " p\n" not in card["detail"]


def test_without_any_typical_finding_no_points_are_shown():
    card = of_topic(draw(facts(*BLOOD, answers={"imaging-typical": {"no"}}, lesions=())), "classification")
    assert card["summary"] == "CNO criteria do not apply: entry criterion not met (imaging finding)."
    assert "- Entry: not met (imaging finding)" in card["detail"]


def test_an_onset_in_adult_age_gives_one_card_that_refers_to_adults():
    record = replace(facts(*BLOOD), born=When.on(date(2001, 1, 15)))
    built = draw(record, Scope("patient-view", suspicion=True, age_group="adult"))
    assert topics(built) == ["classification"]
    assert built[0]["summary"].startswith("Onset in adult age")
    assert not re.search(r"\b\d+ p\b|points", built[0]["detail"])


def test_an_onset_from_the_problem_list_is_shown_as_such():
    pain = Condition("sym_bone_pain", "Condition/pain", onset=When.on(date(2025, 3, 4)))
    record = Facts(patient_id="p1", born=BORN, conditions=(pain,))
    assert "9 years, onset 04 Mar 2025 from the problem list" in of_topic(draw(record), "classification")["detail"]


def test_what_could_not_be_read_is_counted_by_concept_and_never_quoted():
    notes = (
        Note("Observation/a", "unit-missing", "crp"),
        Note("Observation/b", "value-not-a-number", "crp"),
        Note("Observation/c", "status-not-final", "esr"),
        Note("Bundle.entry[7]", "not-a-resource"),
        Note("Observation/d", "read-by-name", "hemoglobin"),
    )
    record = replace(facts(), notes=notes, not_received=frozenset({"Condition", "Appointment"}))
    detail = of_topic(draw(record), "classification")["detail"]
    assert "- Could not be read: CRP (2), ESR, other" in detail
    assert "- Not received: diagnoses\n" in detail


def test_a_list_of_which_only_a_page_came_is_told():
    record = replace(facts(), notes=(Note("prefetch.labs", "incomplete-page"),))
    assert "- At least one list was received in part only." in of_topic(draw(record), "classification")["detail"]


def test_a_possible_mimicker_is_named_and_to_be_clarified():
    maybe = Condition("mimic_infectious_osteomyelitis_possible", "Condition/c1", recorded=When.on(date(2025, 8, 2)))
    record = facts(*BLOOD, answers={"mimicker": None}, conditions=(maybe,))
    assert (
        "- Possible infectious osteomyelitis (02 Aug 2025): to be clarified."
        in (of_topic(draw(record), "classification")["detail"])
    )
