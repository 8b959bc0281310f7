"""Cards of random evaluations: valid, short, in order, and without a word of the record."""

import json
import random
import re
from collections.abc import Mapping
from functools import cache
from uuid import UUID

import jsonschema
import pytest

from cds_service.hooks.card_draft import TOPIC_CODES
from cds_service.hooks.cards import CardStyle, build_cards
from cds_service.hooks.language import LANGUAGES
from cds_service.hooks.report import sections
from cds_service.hooks.wording import Wording, wording
from cds_service.mappings.orders import names_another
from tests.hooks.random_evaluations import ORDER_HOOKS, REASONS, SCHEMA, Maker

CARD = jsonschema.Draft202012Validator({**SCHEMA["$defs"]["Card"], "$defs": SCHEMA["$defs"]})


class Recording(Mapping):
    """The texts of a language, and which of them were read."""

    def __init__(self, texts):
        self.texts, self.read = texts, set()

    def __getitem__(self, key):
        text = self.texts[key]
        self.read.add(key)
        return text

    def __contains__(self, key):
        return key in self.texts

    def __iter__(self):
        return iter(self.texts)

    def __len__(self):
        return len(self.texts)


def made(seed, words):
    """The cards of one random evaluation."""
    maker = Maker(seed)
    evaluation, scope = maker.evaluation(), maker.scope()
    style = CardStyle(max_cards=maker.random.choice((1, 2, 3, 3)))
    uuids = random.Random(seed)  # noqa: S311  the same uuids each time
    built = build_cards(
        evaluation, scope, words, style, lambda: str(UUID(int=uuids.getrandbits(128), version=4)), sections(evaluation)
    )
    return evaluation, scope, style, built


@pytest.fixture(params=LANGUAGES)
def words(request):
    return wording(request.param)


@cache
def all_made(language):
    return [made(seed, wording(language)) for seed in range(200)]


def test_every_card_is_valid_short_enough_and_framed(words):
    for evaluation, _, style, built in all_made(words.language):
        assert len(built) <= style.max_cards
        for card in built:
            CARD.validate(json.loads(json.dumps(card, default=float)))
            assert len(card["summary"]) < 140
            assert "\n" not in card["summary"]
            assert "!" not in card["summary"] + card["detail"]
            version = card["detail"].rpartition("\n\n")[2]
            assert words.day(evaluation.today) in version
            assert card["source"]["topic"]["code"] in TOPIC_CODES


def test_no_text_or_id_of_the_record_reaches_the_words_of_a_card(words):
    for *_, built in all_made(words.language):
        for card in built:
            told = card["summary"] + card["detail"] + json.dumps(card.get("suggestions", []), default=str)
            assert "Nordmann" not in told
            assert "12057012345" not in told
            assert "xxxx" not in told
            assert words.language == "en" or "None" not in told
            assert not re.search(r"\{|\}", card["summary"] + card["detail"])


def test_the_most_severe_card_stands_first_and_each_topic_once(words):
    order = {"critical": 0, "warning": 1, "info": 2}
    for *_, built in all_made(words.language):
        severities = [order[card["indicator"]] for card in built]
        assert severities == sorted(severities)
        codes = [card["source"]["topic"]["code"] for card in built]
        assert len(set(codes)) == len(codes)


def test_a_readiness_card_is_there_whenever_an_order_is_judged_or_names_another_patient(words):
    for evaluation, scope, _, built in all_made(words.language):
        codes = [card["source"]["topic"]["code"] for card in built]
        ordered = evaluation.infusion is not None or names_another(evaluation.facts)
        due = scope.hook in ORDER_HOOKS and ordered
        if not (due and scope.quiet_when_ready):
            assert ("CNOinfusion" in codes) == due


def test_the_classification_is_told_at_every_chart_opening_on_a_card_or_folded(words):
    for _, scope, _, built in all_made(words.language):
        if scope.hook == "patient-view":
            codes = [card["source"]["topic"]["code"] for card in built]
            folded = f"- {words.text('topics.classification').capitalize()}: "
            assert "CNOclassification" in codes or folded in built[-1]["detail"]


def test_critical_is_never_shown_for_a_child_without_any_sign_of_cno(words):
    for evaluation, scope, _, built in all_made(words.language):
        if scope.hook in ORDER_HOOKS and not scope.suspicion and scope.age_group == "child":
            for card in built:
                if card["source"]["topic"]["code"] == "CNOinfusion":
                    opening = "infusion.stranger.line" if evaluation.infusion else "infusion.foreign.alone"
                    assert card["indicator"] != "critical"
                    assert card["detail"].startswith(words.text(opening))


def test_every_text_is_used_somewhere():
    recording = Recording(wording("nb").texts)
    words = Wording("nb", recording)
    for reason in REASONS:
        words.note(reason)
    for seed in range(20000):
        made(seed, words)
        if recording.read.issuperset(recording):
            break
    assert sorted(set(recording) - recording.read) == []
