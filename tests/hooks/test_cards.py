import re
from dataclasses import replace
from datetime import date

from cds_service.guideline.evaluation import evaluate
from cds_service.guideline.facts import Note
from cds_service.guideline.results import Finding
from cds_service.hooks.card_draft import TOPICS
from tests.hooks.children import (
    AT_ORDER,
    BLOOD,
    CHILD,
    TODAY,
    draw,
    facts,
    infusion_facts,
    measured,
    of_topic,
    order,
    topics,
)


def test_a_low_alp_is_a_red_flag_with_its_value():
    low = measured("alp", "61", "U/L", date(2025, 9, 1), ("120", "400"))
    card = of_topic(draw(facts(*BLOOD, low)), "red-flag")
    assert card["indicator"] == "warning"
    assert "ALP 61 U/L (01 Sep 2025, lower limit 120)" in card["detail"]


def test_the_most_pressing_of_several_red_flags_gives_the_summary():
    record = facts(
        measured("platelets", "60", "10*9/L", date(2025, 9, 1), ("150", "450")),
        measured("ldh", "700", "U/L", date(2025, 9, 1), ("105", "305")),
        answers={"ldh-concern": None},
    )
    card = of_topic(draw(record), "red-flag")
    assert card["indicator"] == "critical"
    assert card["summary"].startswith("Low blood counts: consider leukaemia")
    assert card["summary"].endswith("Further findings: 1.")


def test_the_most_severe_card_comes_first_and_equals_follow_the_fixed_order():
    low = measured("alp", "61", "U/L", date(2025, 9, 1), ("120", "400"))
    referred = {"requested": frozenset({"referral:paediatrics"})}
    assert topics(draw(facts(*BLOOD, **referred))) == ["biopsy", "classification", "next-steps"]
    assert topics(draw(facts(*BLOOD, low, **referred))) == ["red-flag", "biopsy", "classification"]
    assert topics(draw(facts(*BLOOD))) == ["next-steps", "biopsy", "classification"]


def test_topics_beyond_the_number_of_cards_are_folded_into_the_last():
    low = measured("alp", "61", "U/L", date(2025, 9, 1), ("120", "400"))
    built = draw(facts(*BLOOD, low), max_cards=1)
    assert topics(built) == ["red-flag"]
    bullets = [line for line in built[0]["detail"].split("\n") if line.startswith("- ")]
    assert [bullet.partition(":")[0] for bullet in bullets[-4:]] == [
        "- Next steps", "- Bone biopsy", "- Classification", "- Follow-up"
    ]  # fmt: skip
    assert "Bone biopsy: Bone biopsy: no recorded reasons for, 2 against" in bullets[-3]


def test_a_topic_that_the_site_has_switched_off_is_neither_shown_nor_folded():
    scope = replace(CHILD, topics=frozenset({TOPICS["classification"]}))
    built = draw(facts(*BLOOD), scope)
    assert topics(built) == ["classification"]
    assert "biopsy:" not in built[0]["detail"]


def test_a_finding_without_words_of_its_own_is_still_told():
    result = evaluate(facts(*BLOOD), TODAY)
    card = of_topic(draw(replace(result, findings=(Finding("KLN-02", "info"),))), "next-steps")
    assert card["summary"] == "Rule KLN-02 fired. See the recommendations."


def test_every_card_ends_with_version_digest_and_day():
    for card in draw(facts(*BLOOD)):
        assert re.search(r"\n\nRules \d+\.\d+\.\d+ · [0-9a-f]{8} · 15 Sep 2025$", card["detail"])


def test_the_extension_carries_its_topic_and_the_facts_it_used():
    record = replace(facts(*BLOOD), notes=(Note("Observation/x", "unit-missing", "crp"),))
    for card in draw(record, extension_prefix="org.example.site"):
        result = card["extension"]["org.example.site.result"]
        code = card["source"]["topic"]["code"]
        topic = {"CNObiopsy": "biopsy", "CNOclassification": "classification"}.get(code, "findings")
        assert set(result) == {"evaluatedOn", "rules", "facts", "notes", topic}
        if topic != "findings":
            assert "crp" in [fact["name"] for fact in result["facts"]]
        assert result.get(topic)
        assert result["notes"][0]["detail"] == "The unit is missing."


def test_an_id_with_characters_that_fhir_does_not_allow_stays_out_of_the_extension():
    odd = measured("crp", "6", "mg/L", date(2025, 9, 1), source="Observation/name_of_a_child")
    note = Note("Observation/name_of_a_child", "unit-missing", "crp")
    record = replace(facts(odd), notes=(note, Note("prefetch.lab_results.entry[3]", "not-a-resource")))
    told = str([card["extension"] for card in draw(record)])
    assert "name_of_a_child" not in told
    assert "prefetch.lab_results.entry[3]" in told
    assert "QuestionnaireResponse/q1#fever" in told


def test_an_order_with_such_an_id_stays_out_of_the_extension_too():
    odd = tuple(replace(order(), source=f"MedicationRequest/of_a_child{n}") for n in (1, 2, 3))
    section = draw(infusion_facts(orders=odd), AT_ORDER)[0]["extension"]["example.cno-cds.result"]["infusion"]
    assert section["readiness"] == "ready"
    assert "order" not in section
    assert "alsoOrdered" not in section


def test_the_topic_is_a_coding_of_the_installation():
    card = draw(facts(*BLOOD), canonical_base="https://cds.example.no")[0]
    assert card["source"]["topic"]["system"] == "https://cds.example.no/CodeSystem/card-topic"


SOFT = "Fever, malaise and severe pain can also be due to CNO, but must be assessed."


def test_signs_that_also_occur_in_cno_are_told_as_such_unless_the_card_is_critical():
    low = measured("hemoglobin", "9.9", "g/dL", date(2025, 9, 1), ("11", "15"))
    few = measured("platelets", "60", "10*9/L", date(2025, 9, 1), ("150", "450"))
    painful = {"red-flag": {"night-pain"}}
    assert SOFT in of_topic(draw(facts(*BLOOD[1:], low, answers=painful)), "red-flag")["detail"]
    assert SOFT not in of_topic(draw(facts(*BLOOD[1:], low)), "red-flag")["detail"]
    assert SOFT not in of_topic(draw(facts(*BLOOD[1:3], low, few, answers=painful)), "red-flag")["detail"]
