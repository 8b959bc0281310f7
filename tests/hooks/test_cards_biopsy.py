from dataclasses import replace
from datetime import date

from cds_service.guideline.evaluation import evaluate
from cds_service.guideline.facts import Condition, Facts, Lesion
from tests.hooks.children import BLOOD, BORN, TIBIAE, TODAY, draw, facts, measured, of_topic, topics


def test_the_biopsy_card_counts_and_names_and_never_decides():
    card = of_topic(draw(facts(*BLOOD, answers={"classic-presentation": {"yes"}})), "biopsy")
    lists = evaluate(facts(*BLOOD, answers={"classic-presentation": {"yes"}}), TODAY).biopsy
    assert card["summary"] == (
        f"Reasons for and against bone biopsy: {len(lists.consider)} for, {len(lists.refrain)} against, "
        f"{len(lists.not_assessed)} not assessed. The decision is clinical."
    )
    assert "- Against: classic picture in a well child" in card["detail"]
    assert "- Against: several symmetric, typical lesions" in card["detail"]
    assert "- Not assessed: " in card["detail"]
    assert card["indicator"] == "info"


def test_a_fast_growing_lesion_is_a_warning_that_the_summary_names():
    growing = replace(TIBIAE[0], features=frozenset({"marrow-oedema", "rapid-growth"}))
    card = of_topic(draw(facts(lesions=(growing, TIBIAE[1]))), "biopsy")
    assert card["indicator"] == "warning"
    assert card["summary"].endswith("Note: fast-growing lesion.")
    assert "- For: fast-growing lesion – left tibia (metaphysis)" in card["detail"]


def test_a_clavicle_alone_is_told_in_softer_words():
    clavicle = Lesion("clavicle", "QuestionnaireResponse/q1", "right", None, frozenset({"sclerotic"}))
    detail = of_topic(draw(facts(lesions=(clavicle,)), language="nb"), "biopsy")["detail"]
    assert "- For: solitær, men klavikula alene" in detail
    assert "- Mot: bare klavikula – høyre klavikula" in detail


def test_malignancy_that_is_merely_unanswered_makes_no_biopsy_card():
    record = Facts(born=BORN, conditions=(Condition("cno", "Condition/c"),))
    assert [reason.id for reason in evaluate(record, TODAY).biopsy.consider] == ["BIO-19"]
    assert topics(draw(record)) == ["classification"]


def test_blasts_make_the_biopsy_card_critical_and_only_abnormal_counts_stand_behind_the_reason():
    blasts = measured("blasts", "0.2", "10*9/L", date(2025, 9, 1))
    card = of_topic(draw(facts(*BLOOD, blasts)), "biopsy")
    assert card["indicator"] == "critical"
    assert "- For: blasts in blood – blasts 0.2 ×10⁹/L (01 Sep 2025)\n" in card["detail"]
