import csv
import json
import re
from datetime import date
from decimal import Decimal
from importlib.resources import files
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.guideline.dates import When
from cds_service.guideline.facts import Lesion
from cds_service.guideline.interval import Interval
from cds_service.hooks.card_draft import LONGEST_DETAIL, brief, fitted
from cds_service.hooks.card_facts import lesion
from cds_service.hooks.language import LANGUAGES
from cds_service.hooks.wording import wording
from cds_service.mappings.form import FORM

SCHEMA = json.loads((files("cds_service") / "schemas" / "evaluation.schema.json").read_text("utf-8"))
REASONS = SCHEMA["properties"]["notes"]["items"]["properties"]["reason"]["enum"]
SPACE = "\N{NO-BREAK SPACE}"
NB, NN, EN = (wording(language) for language in LANGUAGES)
everywhere = pytest.mark.parametrize("words", [NB, NN, EN], ids=LANGUAGES)


def slots(text):
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def rows(table):
    text = (files("cds_service.mappings") / "terminology" / table).read_text("utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


@pytest.mark.parametrize("words", [NN, EN], ids=["nn", "en"])
def test_all_languages_have_the_same_keys_with_the_same_slots(words):
    assert list(words.texts) == list(NB.texts)
    assert {key: slots(text) for key, text in words.texts.items()} == {
        key: slots(text) for key, text in NB.texts.items()
    }


@everywhere
def test_no_text_is_empty_shouts_or_carries_markup(words):
    for key, text in words.texts.items():
        assert text.strip() == text, key
        assert text, key
        assert not re.search(r"[!#|<\[\]`]|\balert\b|\bsafe\b|\bklar for\b", text), key


@everywhere
def test_every_reason_of_a_note_has_a_sentence_of_at_most_200_characters(words):
    for reason in REASONS:
        assert len(words.note(reason)) <= 200
        assert words.note(reason).endswith(".")
    assert sorted(key for key in words.texts if key.startswith("notes.")) == sorted(f"notes.{word}" for word in REASONS)


@everywhere
def test_six_override_reasons_have_codes_and_displays(words):
    codes = {reason["code"] for reason in words.override_reasons}
    assert codes == {
        "action-completed",
        "patient-ineligible",
        "need-more-info",
        "expert-contradicts",
        "patient-contraindication",
        "patient-refuses",
    }
    assert all(
        reason["display"] and reason["system"].endswith("non-adherence-reason-codes")
        for reason in words.override_reasons
    )


@everywhere
def test_every_bone_that_can_be_read_has_a_name_of_its_own(words):
    bones = {row["bone"] for row in rows("bodysites.csv")} - {""}
    names = {bone: lesion(Lesion(bone, "Observation/l"), words) for bone in bones}
    assert words.texts["bones.unreadable"] not in names.values()
    assert len(set(names.values())) == len(bones)


@everywhere
def test_every_diagnosis_that_excludes_or_scores_has_a_name(words):
    concepts = {row["concept"] for row in rows("conditions.csv") if row["concept"].startswith(("mimic_", "coexist_"))}
    assert [concept for concept in sorted(concepts) if words.label(concept) is None] == []


def test_vertebrae_are_named_as_each_language_names_them():
    thoracic = Lesion("vertebra_T12", "Observation/l")
    assert [lesion(thoracic, words) for words in (NB, NN, EN)] == ["Th12", "Th12", "T12"]


def test_a_lesion_is_told_with_side_and_zone_and_a_bone_we_do_not_know_is_told_as_such():
    assert lesion(Lesion("tibia", "x", "left", "metaphysis"), NB) == "venstre tibia (metafyse)"
    assert lesion(Lesion("femur", "x", "bilateral"), EN) == "femur on both sides"
    assert lesion(Lesion(None, "x"), NN) == "uleseleg lokalisasjon"
    assert lesion(Lesion("wing", "x"), EN) == "unreadable site"


@pytest.mark.parametrize(
    ("value", "places", "limits", "shown"),
    [
        ("11.8", 1, (), "11,8"),
        ("12.0", 1, (), "12"),
        ("400", 0, (), "400"),
        ("49.96", 0, ("50",), "49,96"),
        ("50.04", 0, ("50",), "50,04"),
        ("50", 0, ("50",), "50"),
        ("9.9995", 1, ("10",), "9,9995"),
        ("0.0275", 2, ("0.0275",), "0,0275"),
        ("0.05004", 3, ("0.05",), "0,05004"),
        ("1.149", 2, ("1.15", "1.33"), "1,149"),
        ("0.0004", 2, (), "0,0004"),
        ("49.99999999999", 0, ("50",), "49,99999999999"),
        ("50.00000000001", 0, ("20", "50"), "50,00000000001"),
        ("1E+30", 1, ("0.05",), "1×10^30"),
        ("1E-9", 1, ("0.05",), "0,000000001"),
    ],
)
def test_a_number_stays_on_its_own_side_of_every_limit(value, places, limits, shown):
    assert NB.number(Decimal(value), places, tuple(map(Decimal, limits))) == shown


@given(
    st.decimals(min_value=0, max_value=10**6, places=6),
    st.decimals(min_value=0, max_value=100, places=4),
    st.integers(0, 3),
)
def test_no_printed_number_crosses_its_limit(value, limit, places):
    shown = Decimal(EN.number(value, places, (limit,)).replace("×10^", "E"))
    assert (shown > limit) == (value > limit)
    assert (shown < limit) == (value < limit)


@given(st.decimals(min_value=0, max_value=10**6, places=6), st.integers(0, 3))
def test_a_maximum_is_never_rounded_up(value, places):
    assert Decimal(EN.number(value, places, down=True)) <= value


@pytest.mark.parametrize(
    ("low", "high", "low_open", "high_open", "shown"),
    [
        ("6", "6", False, False, "6"),
        ("0", "5", False, True, "<5"),
        (None, "5", False, False, "≤5"),
        ("160", None, True, False, ">160"),
        ("60", None, False, False, "≥60"),
        ("5", "8", False, False, "5–8"),
    ],
)
def test_an_uncertain_number_is_printed_as_such(low, high, low_open, high_open, shown):
    ends = [None if end is None else Decimal(end) for end in (low, high)]
    assert EN.interval(Interval(*ends, low_open, high_open), 1) == shown


def test_dates_are_printed_as_each_language_writes_them():
    day = When.on(date(2026, 11, 12))
    assert [words.when(day) for words in (NB, NN, EN)] == ["12.11.2026", "12.11.2026", "12 Nov 2026"]


def test_an_imprecise_date_is_printed_as_imprecise_as_it_is():
    assert NB.when(When(date(2025, 2, 1), date(2025, 2, 28))) == "02.2025"
    assert EN.when(When(date(2024, 2, 1), date(2024, 2, 29))) == "Feb 2024"
    assert EN.when(When(date(2025, 1, 1), date(2025, 12, 31))) == "2025"
    assert EN.when(When(date(2025, 1, 5), date(2025, 1, 31))) == "05 Jan 2025–31 Jan 2025"


def test_a_no_break_space_stands_before_a_norwegian_unit():
    assert NB.quantity("22", "mm/h") == f"22{SPACE}mm/t"
    assert NN.quantity("240", "mL/kg/h") == f"240{SPACE}ml/kg/time"
    assert EN.quantity("22", "mm/h") == "22 mm/h"
    assert NB.quantity("82", "10*9/L") == f"82{SPACE}×10⁹/L"


def test_a_list_tells_how_many_it_leaves_out():
    assert NB.listed(["a", "b"]) == "a, b"
    assert NB.listed(["a", "b", "c", "d", "e"]) == "a, b, c + 2 til"


def test_a_summary_is_cut_at_a_word_only_where_even_the_shortest_is_too_long():
    assert brief(["x" * 106, "short"]) == "short"
    assert brief(["y" * 120, "x" * 130]) == "y" * 120
    cut = brief(["word " * 60])
    assert len(cut) < 140
    assert cut.endswith("word…")


def test_lines_that_do_not_fit_give_way_from_the_end_and_the_version_line_stays():
    detail = fitted([f"- line {n} {'x' * 90}" for n in range(20)], ["- unread"], "Rules 1", EN)
    assert len(detail) <= LONGEST_DETAIL
    lines = detail.split("\n")
    assert lines[0].startswith("- line 0")
    assert lines[-4:] == ["+ 12 more lines", "- unread", "", "Rules 1"]


def test_one_line_that_gave_way_is_told_in_the_singular():
    detail = fitted(["- first", f"- second {'x' * 880}"], [], "Rules 1", NB)
    assert detail == "- first\n+ 1 linje til\n\nRules 1"


def test_small_numbers_are_spelled_out_and_large_ones_are_not():
    assert [words.spelled(2) for words in (NB, NN, EN)] == ["to", "to", "two"]
    assert NB.spelled(12) == "12"


@everywhere
def test_vertebrae_and_the_named_bones_are_called_the_same_on_card_and_form(words):
    for name in ("vertebra_T6", "coccyx", "calcaneus", "maxilla"):
        titles = [titles[words.language].lower() for titles in FORM.bones.values()]
        assert any(lesion(Lesion(name, "x"), words).lower() in title for title in titles)


def test_a_tail_that_is_too_long_is_shared_so_that_the_first_line_and_each_of_its_own_remain():
    tail = ["- short", *(f"- {name} {'word ' * 60}" for name in "abcd")]
    detail = fitted(["- first", "- second"], tail, "Rules 1", EN)
    assert len(detail) <= LONGEST_DETAIL
    assert detail.startswith("- first")
    assert "\n- short\n" in detail
    assert [line[:3] for line in detail.split("\n") if line.endswith("…")] == ["- a", "- b", "- c", "- d"]
    assert detail.endswith("\n\nRules 1")
