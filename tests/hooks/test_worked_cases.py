"""The worked cases of the guideline, from the facts to the cards: every card that the case names, and no other."""

from dataclasses import replace
from datetime import date

import pytest

from cds_service.guideline.evaluation import evaluate
from cds_service.hooks import policy
from cds_service.hooks.card_draft import TOPIC_CODES
from cds_service.hooks.language import LANGUAGES
from tests.guideline.vignette import load
from tests.hooks.children import draw, measured, of_topic, topics

V03 = "V03 girl with collapsed vertebra"
V04 = "V04 boy with leukaemia that looks like CNO"
V11 = "V11 girl with palmoplantar pustulosis and sacroiliitis"
V12 = "V12 man with onset at 23"
V15 = "V15 girl of seven with all in order"
AFTER = "V15 girl of seven 28 hours after her infusion"


def cards(name, hook="patient-view", language="en", **changes):
    """The cards of a vignette, with what is different about it."""
    case = load()[name]
    result = evaluate(replace(case.facts, **changes), case.today, moment=case.moment)
    if policy.silence(result, hook, by_patient=False):
        return []
    scope = policy.scope(result, hook, TOPIC_CODES, quiet_when_ready=False)
    return draw(result, scope, language)


def test_v03_names_the_bisphosphonate_not_the_more_general_advice_and_folds_the_prognosis():
    built = cards(V03)
    assert topics(built) == ["next-steps", "biopsy", "classification"]
    steps = built[0]
    assert steps["indicator"] == "warning"
    assert steps["summary"].startswith("Vertebral collapse or fracture risk: a bisphosphonate is first choice")
    assert "already at diagnosis" not in steps["detail"]
    assert steps["detail"].index("bisphosphonate") < steps["detail"].index("NSAID")
    assert "Against: near-normal blood tests" in built[1]["detail"]
    assert "For:" not in built[1]["detail"]
    assert "CNO criteria fulfilled: 65 of 100" in built[2]["summary"]
    assert "- Follow-up: Linked to a poorer prognosis: several bones, spine." in built[2]["detail"]


def test_v04_warns_of_leukaemia_once_and_suggests_no_treatment():
    built = cards(V04)
    assert topics(built) == ["red-flag", "classification", "biopsy"]
    assert [card["indicator"] for card in built] == ["critical", "critical", "warning"]
    red = built[0]["detail"]
    for told in ("platelets 82", "Hb 8.9", "neutrophils 0.7", "LDH 690", "urate 420", "hepatosplenomegaly", "pallor"):
        assert told in red
    assert "CNO criteria do not apply" in built[1]["summary"]
    assert "4 for, 1 against" in built[2]["summary"]
    for word in ("NSAID", "bisphosphonate", "TNF", "methotrexate", "prognosis"):
        assert all(word not in card["detail"] for card in built), word


def test_v11_speaks_of_the_spine_of_what_accompanies_and_of_the_prognosis():
    built = cards(V11)
    assert topics(built) == ["next-steps", "biopsy", "classification"]
    steps = built[0]
    assert steps["indicator"] == "warning"
    assert "Spine lesion: consider a TNF inhibitor or a bisphosphonate at diagnosis." in steps["summary"]
    assert "affects the choice of treatment: palmoplantar pustulosis" in steps["detail"]
    assert "82 of 100" in built[2]["summary"]
    assert "several bones, spine, coexisting skin, joint or bowel disease" in built[2]["detail"]


def test_v12_gets_one_card_that_refers_to_adults_and_shows_no_score():
    built = cards(V12)
    assert topics(built) == ["classification"]
    assert built[0]["indicator"] == "info"
    assert "82" not in built[0]["summary"] + built[0]["detail"]
    assert [one.id for one in evaluate(load()[V12].facts, load()[V12].today).findings] == ["BGR-02"]


def test_v12_without_a_form_or_a_diagnosis_is_silent():
    assert cards(V12, form=None) == []


def test_v15_is_one_readiness_card_with_both_controls_to_order():
    built = cards(V15, "order-sign")
    assert topics(built) == ["infusion"]
    labels = [one["label"] for one in built[0]["suggestions"]]
    assert labels[-2:] == ["Order ionised calcium 24 hours after", "Order ionised calcium 48 hours after, at the GP"]


@pytest.mark.parametrize(
    ("calcium", "indicator", "told"),
    [
        ("1.05", "warning", "Ask about symptoms now; ionised calcium after the infusion is low"),
        ("0.85", "critical", "below 0.9 mmol/L (usual laboratory alarm limit, not from the guideline)"),
    ],
)
def test_v15_after_the_infusion_low_calcium_is_told_with_its_limit_and_both_ways_to_act(calcium, indicator, told):
    low = measured("calcium_free", calcium, "mmol/L", date(2025, 10, 21), ("1.15", "1.33"))
    card = of_topic(cards(AFTER, measurements={"calcium_free": (low,)}), "follow-up")
    assert card["indicator"] == indicator
    assert told in card["detail"]
    assert f"ionised calcium {calcium} mmol/L" in card["detail"]
    assert "lower limit 1.15" in card["detail"]
    assert "consider doubling vitamin D until the next infusion" in card["detail"]
    assert "see the paediatric guide" in card["detail"]
    assert card["links"][0]["url"].startswith("https://www.helsebiblioteket.no/")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [V03, V04, V11, V12])
def test_no_word_of_another_language_or_mild_is_written(name, language):
    for card in cards(name, language=language):
        assert " lett " not in card["detail"]
        assert card["detail"].count("\n") <= 20
