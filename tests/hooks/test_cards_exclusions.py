"""How the cards tell of exclusion criteria: which value, which answer, and what an answer no longer covers."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from cds_service.guideline.dates import When
from cds_service.guideline.facts import Coded, Condition, Form
from cds_service.guideline.interval import Truth
from cds_service.hooks.card_draft import TOPICS, Scope
from tests.hooks.children import ANSWERS, BLOOD, CHILD, ONSET, SPACE, TIBIAE, draw, facts, measured, of_topic, topics

ADULT = Scope("patient-view", suspicion=True, age_group="adult")
LATER = date(2025, 9, 10)
ANSWERED = When.on(date(2025, 9, 2))


def asked_earlier(*results, answers=None, **members):
    """A child whose form is older than some of the record."""
    choices = {link: frozenset(codes) for link, codes in {**ANSWERS, **(answers or {})}.items() if codes}
    form = Form("QuestionnaireResponse/q1", ANSWERED, choices, dates={"symptom-onset": ONSET}, lesions=TIBIAE)
    return replace(facts(*results, **members), form=form)


def detail_of(record, language="en", scope=CHILD):
    alone = replace(scope, topics=frozenset({TOPICS["classification"]}))
    return of_topic(draw(record, alone, language), "classification")["detail"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nb", "Leukemi (10.09.2025): må avklares; svaret «utelukket» (02.09.2025) gjelder ikke lenger."),
        ("nn", "Leukemi (10.09.2025): må avklarast; svaret «utelukka» (02.09.2025) gjeld ikkje lenger."),
        (
            "en",
            "Leukaemia (10 Sep 2025): to be clarified; the answer 'excluded' (02 Sep 2025) no longer holds.",
        ),
    ],
)
def test_a_diagnosis_newer_than_the_answer_says_that_the_answer_no_longer_holds(language, words):
    unsure = Condition("mimic_leukemia", "Condition/c", confirmed=Truth.UNKNOWN, recorded=When.on(LATER))
    assert f"- {words}" in detail_of(asked_earlier(*BLOOD, conditions=(unsure,)), language)


def test_a_low_alp_newer_than_the_answer_is_shown_with_its_lower_limit():
    low = measured("alp", "61", "U/L", LATER, ("120", "400"))
    assert "- ALP 61 U/L (10 Sep 2025, lower limit 120): to be clarified; the answer" in detail_of(
        asked_earlier(*BLOOD, low)
    )


def test_a_list_of_diagnoses_that_did_not_come_leaves_the_answer_unconfirmed():
    record = asked_earlier(*BLOOD, not_received=frozenset({"Condition"}))
    assert "- Diagnoselisten er ikke mottatt: svaret «utelukket» (02.09.2025) er ikke bekreftet." in detail_of(
        record, "nb"
    )


def test_an_answer_that_a_confirmed_disease_contradicts_is_shown_as_an_answer():
    leukaemia = Condition("mimic_leukemia", "Condition/c", recorded=When.on(date(2025, 9, 1)))
    detail = detail_of(facts(*BLOOD, conditions=(leukaemia,)), "nb")
    assert "- Leukemi (01.09.2025), skjemaet svarer «utelukket» (15.09.2025): utelukker" in detail


def test_a_recorded_disease_that_the_form_denies_is_shown_once_beside_its_answer():
    crohn = Condition("coexist_ibd", "Condition/c", recorded=When.on(date(2025, 1, 10)))
    again = replace(crohn, source="Condition/d", recorded=When.on(date(2025, 2, 10)))
    detail = detail_of(facts(*BLOOD, conditions=(crohn, again)))
    assert "- Coexisting disease – IBD (10 Jan 2025), the form says 'none' (15 Sep 2025): 9 p" in detail


def test_an_ldh_that_is_judged_worrying_is_told_as_a_judgement_not_as_a_value():
    card = of_topic(draw(asked_earlier(*BLOOD, answers={"ldh-concern": {"yes"}}), language="nb"), "classification")
    assert "LD vurdert som bekymringsfull. Vurder malignitet." in card["summary"]
    assert "215" not in card["summary"]
    assert "LD vurdert som bekymringsfull (besvart 02.09.2025): vurder malignitet." in card["detail"]


def test_an_ldh_without_a_limit_is_told_by_its_flag():
    flagged = measured("ldh", "900", "U/L", date(2025, 9, 1), flag="high")
    record = facts(*BLOOD, flagged, answers={"ldh-concern": None})
    assert f"LD 900{SPACE}U/L (01.09.2025, flagget høy): forhøyet, ikke vurdert" in detail_of(record, "nb")


@pytest.mark.parametrize(("value", "shown"), [("610", "610"), ("610.1", "610.1"), ("610.04", "610.04")])
def test_an_ldh_just_above_twice_its_limit_is_not_printed_as_twice_the_limit(value, shown):
    very_high = measured("ldh", value, "U/L", date(2025, 9, 1), ("105", "305"))
    detail = detail_of(facts(*BLOOD[:4], very_high, answers={"ldh-concern": None}))
    assert f"LDH {shown} U/L (01 Sep 2025, upper limit 305)" in detail


def test_the_count_that_leaves_platelets_open_is_shown_not_the_normal_one():
    undated = measured("platelets", "82", "10*9/L", None, source="Observation/plt2")
    assert f"- Trombocytter 82{SPACE}×10⁹/L (uten dato): må avklares." in detail_of(facts(*BLOOD, undated), "nb")


def test_without_an_answer_on_red_flags_the_card_says_that_they_were_not_assessed():
    words = {
        "nb": "- Røde flagg: ikke vurdert",
        "nn": "- Raude flagg: ikkje vurderte",
        "en": "- Red flags: not assessed",
    }
    for language, line in words.items():
        assert line in detail_of(facts(*BLOOD), language)
        assert line not in detail_of(facts(*BLOOD, answers={"red-flag": {"none"}}), language)


def test_an_exclusion_that_is_there_drops_that_cno_is_not_ruled_out():
    few = measured("platelets", "82", "10*9/L", date(2025, 9, 1))
    excluded = detail_of(facts(*BLOOD[:3], few, answers={"imaging-typical": {"no"}}, lesions=()))
    assert excluded.startswith("No score. Classification, not diagnosis.\n")
    open_still = detail_of(facts(*BLOOD, answers={"imaging-typical": {"no"}}, lesions=()))
    assert "Does not rule out CNO" in open_still


@pytest.mark.parametrize(
    ("members", "headline"),
    [
        (
            {"conditions": (Condition("mimic_leukemia", "Condition/c", recorded=ANSWERED),)},
            "exclusion found, leukaemia",
        ),
        ({"findings": (Coded("blasts_pct", "present", "Observation/b", ANSWERED),)}, "Blasts in blood"),
    ],
)
def test_an_onset_in_adult_age_names_what_is_pressing_before_it_refers_to_adults(members, headline):
    record = replace(facts(*BLOOD, **members), born=When.on(date(2001, 1, 15)))
    built = draw(record, ADULT)
    assert topics(built) == ["classification"]
    assert headline in built[0]["summary"]
    assert built[0]["indicator"] == "critical"
    assert "CNO in adults" in built[0]["detail"]


def test_a_grown_up_with_onset_in_childhood_is_told_that_limits_are_those_for_children():
    assert "Pasienten er nå voksen; grenser og behandling gjelder barn." in detail_of(facts(*BLOOD), "nb", ADULT)
    assert "voksen" not in detail_of(facts(*BLOOD), "nb")


def test_results_that_all_came_after_the_diagnosis_are_told_as_such():
    diagnosis = Condition("cno", "Condition/cno", recorded=When.on(date(2025, 6, 1)))
    detail = detail_of(facts(*BLOOD, conditions=(diagnosis,)), "nb")
    assert "- CRP, ingen prøve før CNO-diagnosen (01.06.2025): ikke vurdert (0 eller 8)" in detail
    early = measured("crp", Decimal(6), "mg/L", date(2025, 5, 1), source="Observation/early")
    assert "CRP, ingen" not in detail_of(facts(*BLOOD, early, conditions=(diagnosis,)), "nb")


def test_listed_lesions_without_a_side_leave_the_distribution_open_for_that_reason():
    sideless = tuple(
        replace(lesion, side=None, zone=zone) for lesion, zone in zip(TIBIAE, ("metaphysis", "diaphysis"), strict=True)
    )
    assert "- Distribution: unsettled (0–9), side not given" in detail_of(facts(*BLOOD, lesions=sideless))
    assert "- Distribution: not assessed (0–9)" in detail_of(facts(*BLOOD, lesions=()))
