"""What CDS Hooks 2.0 asks of each member of a card, held against every answer to the samples."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from cds_service.hooks.language import LANGUAGES
from tests.hooks.asked import path

SAMPLES = sorted((Path(__file__).parent.parent.parent / "fhir_samples").glob("*/request.json"))
MEMBERS = {
    "uuid", "summary", "indicator", "detail", "source", "suggestions", "selectionBehavior", "links", "overrideReasons",
    "extension",
}  # fmt: skip
MORE_THAN_SIDE_BAR_TEXT = re.compile(r"<[a-z/!]|!\[|\]\(|^#|^\s*\|.*\||^(=|-){3,}$", re.MULTILINE | re.IGNORECASE)
REVERSE_DNS = re.compile(r"[a-z][a-z0-9-]*(\.[A-Za-z0-9-]+)+")


@pytest.fixture(params=LANGUAGES)
def answers(request, client):
    """The answers to all samples in one language."""
    return [ask(client, sample, request.param) for sample in SAMPLES]


def ask(client, sample, language):
    asked = json.loads(sample.read_bytes())
    response = client.post(path(asked["hook"]), json=asked, headers={"Accept-Language": language})
    assert response.status_code == 200
    return response.json()


def cards(answers):
    found = [card for answer in answers for card in answer["cards"]]
    assert len(found) > len(SAMPLES)
    return found


def suggestions(answers):
    found = [one for card in cards(answers) for one in card.get("suggestions", ())]
    assert found
    return found


def is_text(value):
    return isinstance(value, str) and bool(value.strip())


def test_an_answer_holds_cards_and_never_an_action_that_nobody_looks_at(answers):
    assert {tuple(answer) for answer in answers} == {("cards",)}


def test_a_card_has_no_member_that_cds_hooks_does_not_name(answers):
    assert {name for card in cards(answers) for name in card} == MEMBERS


def test_each_card_and_suggestion_has_a_version_4_uuid_of_its_own(answers):
    uuids = [one["uuid"] for one in (*cards(answers), *suggestions(answers))]
    assert {UUID(uuid).version for uuid in uuids} == {4}
    assert [str(UUID(uuid)) for uuid in uuids] == uuids
    assert len(set(uuids)) == len(uuids)


def test_the_summary_is_one_line_of_fewer_than_140_characters(answers):
    for card in cards(answers):
        assert is_text(card["summary"])
        assert len(card["summary"]) < 140
        assert card["summary"].splitlines() == [card["summary"]]


def test_the_indicator_is_one_of_three_and_all_three_occur(answers):
    assert {card["indicator"] for card in cards(answers)} == {"info", "warning", "critical"}


def test_the_detail_is_markdown_that_reads_as_plain_text(answers):
    details = [card["detail"] for card in cards(answers)]
    assert all(map(is_text, details))
    assert [detail for detail in details if MORE_THAN_SIDE_BAR_TEXT.search(detail)] == []


def test_the_source_is_a_label_and_a_topic_with_nothing_to_load(answers):
    for card in cards(answers):
        assert set(card["source"]) == {"label", "topic"}
        assert is_text(card["source"]["label"])
        assert set(card["source"]["topic"]) == {"system", "code", "display"}
        assert all(map(is_text, card["source"]["topic"].values()))
        assert re.fullmatch(r"[A-Za-z0-9]{1,100}", card["source"]["topic"]["code"])


def test_selection_behavior_is_there_exactly_where_suggestions_are(answers):
    assert {("suggestions" in card, card.get("selectionBehavior")) for card in cards(answers)} == {
        (True, "any"),
        (False, None),
    }


def test_a_suggestion_is_a_label_a_uuid_and_one_action_and_none_is_recommended_over_others(answers):
    for suggestion in suggestions(answers):
        assert set(suggestion) == {"label", "uuid", "actions"}
        assert is_text(suggestion["label"])
        assert len(suggestion["actions"]) == 1


def test_an_action_creates_a_new_draft_and_says_all_of_it(answers):
    for suggestion in suggestions(answers):
        (action,) = suggestion["actions"]
        assert set(action) == {"type", "description", "resource"}
        assert action["type"] == "create"
        assert is_text(action["description"])
        assert "id" not in action["resource"]
        assert (action["resource"]["status"], action["resource"]["intent"]) == ("draft", "order")


def test_each_override_reason_has_code_system_and_display(answers):
    for card in cards(answers):
        assert len(card["overrideReasons"]) == 6
        for reason in card["overrideReasons"]:
            assert set(reason) == {"code", "system", "display"}
            assert all(map(is_text, reason.values()))


def test_a_link_has_a_label_and_an_absolute_https_address_and_no_context(answers):
    links = [link for card in cards(answers) for link in card.get("links", ())]
    assert links
    for link in links:
        assert set(link) == {"label", "url", "type"}
        assert is_text(link["label"])
        assert link["type"] == "absolute"
        assert (urlsplit(link["url"]).scheme, bool(urlsplit(link["url"]).hostname)) == ("https", True)
        assert not urlsplit(link["url"]).query


def test_an_extension_is_an_object_under_a_reverse_domain_name(answers):
    for card in cards(answers):
        assert [name for name in card["extension"] if not REVERSE_DNS.fullmatch(name)] == []
        assert all(isinstance(value, dict) for value in card["extension"].values())


def test_the_same_call_twice_is_answered_twice_alike_but_for_the_uuids(client):
    asked = [sample for sample in SAMPLES if sample.parent.name == "girl-7-zoledronic-acid-incomplete"]
    first, second = (ask(client, *asked, "en") for _ in range(2))

    def uuids(answer):
        return set(re.findall(r'"uuid": "([^"]*)"', json.dumps(answer)))

    def others(answer):
        return re.sub(r'"uuid": "[^"]*"', "", json.dumps(answer))

    assert uuids(first).isdisjoint(uuids(second))
    assert others(first) == others(second)
