"""A twentieth of the cohort: few of the others get a card, and no planted child goes without its topics."""

import json
from collections import Counter

import pytest

from benchmarks.cohort import (
    EXPECTED,
    MOST_CARDS,
    OTHERS,
    PLANTED,
    Outcome,
    complaints,
    folded_into,
    run,
    share_of_others,
    table,
)
from benchmarks.synthetic import LIKE_CNO, VARIANTS, children
from cds_service.hooks.card_draft import TOPICS
from cds_service.hooks.services import BY_HOOK
from cds_service.hooks.wording import sentence, wording

A_TWENTIETH, OF_EACH = 485, 3
TYPES = BY_HOOK["patient-view"].prefetched_types


@pytest.fixture(scope="module")
def outcomes():
    return run(A_TWENTIETH, OF_EACH, seed=1)


def other(number=0, *shown):
    return Outcome(f"child-{number}", None, shown, frozenset())


def planted(variant, shown, folded=()):
    return Outcome("child-x", variant, tuple(shown), frozenset(folded))


def test_a_twentieth_of_the_cohort_is_as_it_should_be(outcomes):
    assert complaints(outcomes) == []
    assert len(outcomes) == (OTHERS + PLANTED * len(VARIANTS)) // 20
    assert Counter(one.variant for one in outcomes if one.variant) == dict.fromkeys(VARIANTS, OF_EACH)


def test_some_of_the_others_have_cards_and_all_of_those_have_a_code_that_may_be_cno(outcomes):
    like_cno = {
        child.id for child in children(A_TWENTIETH, OF_EACH, 1) if LIKE_CNO in json.dumps(child.resources, default=str)
    }
    assert like_cno
    assert {one.chart for one in outcomes if one.variant is None and one.shown} == like_cno


def test_the_same_seed_makes_the_same_children_and_another_makes_others():
    first, again, different = ([child.request(TYPES) for child in children(8, 1, seed)] for seed in (1, 1, 2))
    assert first == again
    assert first != different


def test_a_chart_is_a_request_that_holds_every_list_that_the_service_asks_for():
    for child in children(20, 1):
        body = json.loads(child.request(TYPES))
        assert set(body["prefetch"]) == set(TYPES)
        sent = [
            entry["resource"] for key, one in body["prefetch"].items() if key != "patient" for entry in one["entry"]
        ]
        assert sorted(one["id"] for one in sent) == sorted(one["id"] for one in child.resources)


def test_the_others_have_results_outside_their_range_drugs_and_unspecific_osteomyelitis():
    text = json.dumps([child.resources for child in children(400, 0)], default=str)
    for word in ("M86.9", "S52.5", "H66.9", "M08.3", "M25.5", "R10.4", "M01AE01", '"comparator"', "refuted"):
        assert word in text
    assert "M05BA08" not in text


def test_a_fourth_card_is_complained_of():
    crowded = planted("coded", ["classification", "next-steps", "biopsy", "red-flag"])
    assert complaints([crowded]) == [f"child-x has more than {MOST_CARDS} cards"]


def test_more_than_two_in_a_hundred_are_complained_of_and_two_are_not():
    fine = planted("coded", ["classification", "next-steps"])
    two = [other(number, *(["classification"] if number < 2 else [])) for number in range(100)]
    three = [*two[:-1], other(99, "classification")]
    assert share_of_others([fine, *two]) == pytest.approx(0.02)
    assert complaints([fine, *two]) == []
    assert complaints([fine, *three]) == ["more than 2% of the others get a card"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_planted_child_without_one_of_its_topics_is_complained_of(variant):
    for topic in EXPECTED[variant]:
        (said,) = complaints([planted(variant, EXPECTED[variant] - {topic})])
        assert said == f"child-x ({variant}) lacks {topic}"
        assert complaints([planted(variant, EXPECTED[variant] - {topic}, {topic})]) == []


def test_a_cohort_without_a_planted_child_proves_nothing():
    assert complaints([other(), other()]) == ["no child with CNO was among them"]


def test_the_table_tells_of_each_kind_of_child_with_its_topics():
    lines = table([planted("coded", ["classification"], ["next-steps"]), other(1, "classification"), other(2)])
    assert lines[0].split() == ["children", "classification", "next-steps"]
    assert {line.split()[0]: line.split()[1:] for line in lines[1:]} == {
        "coded": ["1", "1", "0", "+1"],
        **{variant: ["0", "0", "0"] for variant in VARIANTS[1:]},
        "others": ["2", "1", "0"],
    }


def test_a_topic_folded_into_the_last_card_is_told_of_and_red_flags_not_assessed_are_none():
    words = wording("nb")
    line = words.text("frame.folded", topic=sentence(words.text("topics.biopsy")), summary="x")
    open_flags = words.text("classification.exclusion.red_flags_open")
    assert folded_into(f"{open_flags}\n- Feber: 8 p\n{line}") == {"biopsy"}
    flagged = words.text("frame.folded", topic=sentence(words.text("topics.red-flag")), summary="x")
    assert folded_into(f"{open_flags}\n{flagged}") == {"red-flag"}


def test_the_topics_expected_are_topics_of_the_service():
    assert set().union(*EXPECTED.values()) <= set(TOPICS)
    assert set(EXPECTED) == set(VARIANTS)
