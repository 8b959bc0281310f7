from dataclasses import replace
from datetime import date

import pytest

from cds_service.guideline.dates import When
from cds_service.guideline.evaluation import evaluate
from cds_service.guideline.facts import Condition, Facts, Lesion, Order
from tests.hooks.children import (
    AT_ORDER,
    BLOOD,
    BORN,
    SPACE,
    TIBIAE,
    TODAY,
    draw,
    facts,
    measured,
    of_topic,
    topics,
)


def test_the_biopsy_card_counts_and_names_and_never_decides():
    record = facts(
        *BLOOD, answers={"classic-presentation": {"yes"}, "general-condition": {"good"}, "atypical-mri": {"yes"}}
    )
    card = of_topic(draw(record), "biopsy")
    lists = evaluate(record, TODAY).biopsy
    assert lists.consider
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
    assert "biopsy" not in topics(draw(record))


def test_blasts_make_the_biopsy_card_critical_and_only_abnormal_counts_stand_behind_the_reason():
    blasts = measured("blasts", "0.2", "10*9/L", date(2025, 9, 1))
    card = of_topic(draw(facts(*BLOOD, blasts)), "biopsy")
    assert card["indicator"] == "critical"
    assert "- For: blasts in blood – blasts 0.2 ×10⁹/L (01 Sep 2025)\n" in card["detail"]


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"malignancy-suspected": {"yes"}, "infection-suspected": {"no"}}, "mistanke om malignitet"),
        ({"infection-suspected": {"yes"}}, "mistanke om infeksjon"),
        (
            {"imaging-inconclusive": {"yes"}, "infection-suspected": {"yes"}},
            "inkonklusive bilder, mistanke om infeksjon",
        ),
    ],
)
def test_a_suspicion_says_which_answer_led_to_it(answers, told):
    detail = of_topic(draw(facts(*BLOOD, answers=answers), language="nb"), "biopsy")["detail"]
    assert f"- For: {told} (besvart 15.09.2025)\n" in detail


def test_a_sign_of_malignancy_is_named_with_its_facts():
    few = measured("platelets", "82", "10*9/L", date(2025, 9, 1))
    urate = measured("urate", "420", "umol/L", date(2025, 9, 1), ("120", "350"))
    detail = of_topic(draw(facts(*BLOOD[:3], few, urate), language="nb"), "biopsy")["detail"]
    assert (
        f"- For: tegn på mulig malignitet – trombocytter 82{SPACE}×10⁹/L (01.09.2025), "
        f"urat 420{SPACE}µmol/L (01.09.2025, øvre grense 350)"
    ) in detail


def test_a_raised_ldh_that_was_judged_is_told_as_judged_among_the_signs():
    raised = measured("ldh", "700", "U/L", date(2025, 9, 1), ("105", "305"))
    detail = of_topic(draw(facts(*BLOOD[:4], raised), language="nb"), "biopsy")["detail"]
    assert f"LD 700{SPACE}U/L (01.09.2025, øvre grense 305, vurdert av kliniker)" in detail


def test_a_single_bone_is_told_as_provisional_while_the_whole_body_was_not_imaged():
    def reason(answer):
        record = facts(*BLOOD, answers={"whole-body-imaging": answer}, lesions=TIBIAE[:1])
        return of_topic(draw(record, language="nb"), "biopsy")["detail"]

    assert "- For: solitær på foreløpig bildegrunnlag\n" in reason({"not-done"})
    assert "- For: solitær på foreløpig bildegrunnlag\n" in reason(None)
    assert "- For: solitær lesjon\n" in reason({"done"})


def test_an_associated_disease_is_named_once():
    crohn = Condition("coexist_ibd", "Condition/c", recorded=When.on(date(2025, 1, 10)))
    record = facts(*BLOOD, answers={"coexisting": {"ibd"}}, conditions=(crohn,))
    assert "- Mot: assosiert sykdom – IBD (10.01.2025)\n" in of_topic(draw(record, language="nb"), "biopsy")["detail"]


def test_without_any_reason_for_biopsy_the_summary_says_that_none_is_recorded():
    card = of_topic(draw(facts(*BLOOD), language="nb"), "biopsy")
    assert card["summary"].startswith("Beinbiopsi: ingen registrerte grunner for, 2 mot, ")
    assert "kan trengs" not in card["detail"]


def test_a_reason_to_consider_biopsy_says_what_it_would_be_for():
    detail = of_topic(draw(facts(*BLOOD, answers={"atypical-mri": {"yes"}})), "biopsy")["detail"]
    assert detail.startswith("A biopsy may be needed to tell CNO from infection and malignancy")


def test_malignancy_without_an_answer_is_told_as_an_open_question():
    record = facts(*BLOOD, answers={"malignancy-excluded": None, "atypical-mri": {"yes"}})
    assert "- For: ikke besvart om malignitet er utelukket" in of_topic(draw(record, language="nb"), "biopsy")["detail"]


def test_a_bone_biopsy_ordered_alone_asks_for_histology_and_culture():
    record = facts(*BLOOD, orders=(Order("proc:bone_biopsy", "ServiceRequest/b"),))
    card = of_topic(draw(record, AT_ORDER), "biopsy")
    assert card["indicator"] == "warning"
    assert card["summary"] == "Bone biopsy: both histology and culture with PCR should be ordered."
