from dataclasses import replace
from decimal import Decimal
from time import perf_counter

import pytest

from cds_service.guideline.source_check import hold_against, not_found
from cds_service.guideline.tables import Number

HEADINGS = ("Bakgrunn", "Behandling", "Oppfølging")
TEXT = """
Råd om et tenkt barn
Bakgrunn
• Uvanlig før 4 års alder
Tabell1. En tenkt poengtabell
Score på ≥33 må nås
Prøver
• Egg OG brød
• Bare egg

21
 6

Vekt ved start
• ≥ 9 kg

21

0
Behandling
• Prøven tas 11–13 dager før, og skal være over 70 nmol/L
• Gis 0,035 mg/kg hver 8. måned, raskest 5 ml/kg/time, ny måling etter 20 timer
• Virker det ikke innen 3-5 uker, eller er CRP <25, vurderes mer; celler <90 x 109/L, over 37°C, >3 ganger øvre grense
Oppfølging, og hva som siden hender
• Normalt 0-15 mm/h
• Hb 12,5 g/dL i 80 % av prøvene, 1,15 mmol/L, 450 mg, minst 45 min, 6 knokler, 5 mnd, 7 døgn, 9 poeng, 39 grader
• 140 mg per gang, SR minst 55 mm, 16 t, 8 mg/L, 2 ml / kg / t, 4 prosent, 200 ×10⁹/L, 3 mikrogram
"""


def number(value, unit, place="Behandling, mat", clause="ZOL-01", **more):
    return Number(clause, f"{value} {unit}", Decimal(value), unit, place, **more)


def scored(*values):
    return [number(value, "points", "Tabell 1, trinn 3", "CLS-3.9") for value in values]


def look(*numbers, text=TEXT):
    return hold_against(text, numbers, HEADINGS)


@pytest.mark.parametrize(
    ("value", "unit", "place", "line", "words"),
    [
        ("4", "a", "Bakgrunn", 4, "4 år"),
        ("33", "points", "Tabell 1, trinn 3", 6, "Score på ≥33"),
        ("11", "d", "Behandling", 21, "11-13 dag"),
        ("13", "d", "Behandling", 21, "11-13 dag"),
        ("70", "nmol/L", "Behandling", 21, "70 nmol/L"),
        ("0.035", "mg/kg", "Behandling", 22, "0,035 mg/kg"),
        ("0.0350", "mg/kg", "Behandling", 22, "0,035 mg/kg"),
        ("8", "mo", "Behandling", 22, "8. måned"),
        ("5", "mL/kg/h", "Behandling", 22, "5 ml/kg/time"),
        ("20", "h", "Behandling", 22, "20 time"),
        ("21", "d", "Behandling", 23, "3-5 uke"),
        ("35", "d", "Behandling", 23, "3-5 uke"),
        ("25", "mg/L", "Behandling", 23, "CRP <25"),
        ("90", "10*9/L", "Behandling", 23, "90 x 109/L"),
        ("37", "Cel", "Behandling", 23, "37°C"),
        ("3", "{ULN}", "Behandling", 23, "3 ganger"),
        ("15", "mm/h", "Oppfølging", 25, "0-15 mm/h"),
        ("12.5", "g/dL", "Oppfølging", 26, "12,5 g/dL"),
        ("80", "%", "Oppfølging", 26, "80 %"),
        ("1.15", "mmol/L", "Oppfølging", 26, "1,15 mmol/L"),
        ("450", "mg", "Oppfølging", 26, "450 mg"),
        ("45", "min", "Oppfølging", 26, "45 min"),
        ("6", "{bones}", "Oppfølging", 26, "6 knokler"),
        ("5", "mo", "Oppfølging", 26, "5 mnd"),
        ("7", "d", "Oppfølging", 26, "7 døgn"),
        ("9", "points", "Oppfølging", 26, "9 poeng"),
        ("39", "Cel", "Oppfølging", 26, "39 grader"),
        ("55", "mm/h", "Oppfølging", 27, "SR minst 55 mm"),
        ("16", "h", "Oppfølging", 27, "16 t"),
        ("8", "mg/L", "Oppfølging", 27, "8 mg/L"),
        ("2", "mL/kg/h", "Oppfølging", 27, "2 ml / kg / t"),
        ("4", "%", "Oppfølging", 27, "4 prosent"),
        ("200", "10*9/L", "Oppfølging", 27, "200 ×10⁹/L"),
        ("3", "mikrogram", "Oppfølging", 27, "3 mikrogram"),
    ],
)
def test_a_number_is_found_with_its_unit_on_its_line(value, unit, place, line, words):
    (held,) = look(number(value, unit, place))
    assert (held.state, held.line, held.words) == ("found", line, words)


@pytest.mark.parametrize(
    ("value", "unit", "place"),
    [
        ("5", "a", "Bakgrunn"),
        ("34", "points", "Tabell 1"),
        ("12", "d", "Behandling"),
        ("1", "d", "Behandling"),
        ("7", "nmol/L", "Behandling"),
        ("70", "mg/kg", "Behandling"),
        ("0.03", "mg/kg", "Behandling"),
        ("35", "mg/kg", "Behandling"),
        ("5", "mg/kg", "Behandling"),
        ("6", "mo", "Behandling"),
        ("20", "d", "Behandling"),
        ("28", "d", "Behandling"),
        ("9", "10*9/L", "Behandling"),
        ("70", "furlong", "Behandling"),
        ("8", "mg", "Oppfølging"),
        ("50", "mg", "Oppfølging"),
        ("7", "a", "Oppfølging"),
    ],
)
def test_another_number_or_the_same_with_another_unit_is_not_found(value, unit, place):
    (held,) = look(number(value, unit, place))
    assert (held.state, held.line) == ("NOT FOUND", None)


def test_a_number_that_stands_under_another_heading_is_not_found_but_told():
    (held,) = look(number("4", "a", "Behandling"))
    assert (held.state, held.line, held.words) == ("NOT FOUND", 4, "4 år")


@pytest.mark.parametrize("heading", ["Behandling", "Videre behandling", "Behandling, mat og drikke", " Behandling "])
def test_a_heading_begins_or_ends_with_its_word(heading):
    text = f"Bakgrunn\n4 år\n{heading}\n5 år\n"
    assert [one.state for one in look(number("5", "a"), number("4", "a"), text=text)] == ["found", "NOT FOUND"]


@pytest.mark.parametrize(
    "line", ["• Behandling", "behandling", "Behandlingen", "3. Behandling", f"Behandling {'x' * 60}"]
)
def test_what_is_no_heading_opens_no_part(line):
    text = f"Bakgrunn\n4 år\n{line}\n5 år\n"
    assert [one.state for one in look(number("5", "a", "Bakgrunn"), text=text)] == ["found"]


def test_the_same_heading_may_open_several_parts():
    text = "Behandling\n4 år\nBakgrunn\n5 år\nVidere behandling\n6 år"
    held = look(*(number(value, "a") for value in ("4", "5", "6")), text=text)
    assert [one.state for one in held] == ["found", "NOT FOUND", "found"]


def test_without_its_heading_in_the_text_a_number_is_looked_for_everywhere():
    (held,) = look(number("4", "a", "Behandling"), text="Uvanlig før 4 år")
    assert (held.state, held.line) == ("found", 1)


def test_no_heading_is_taken_from_the_middle_of_a_sentence():
    text = TEXT.replace(
        "• Uvanlig",
        "• Mat er bra.\nBehandling av barn som er eldre enn dette og har spist mye, er ikke omtalt\n• Uvanlig",
    )
    assert [one.state for one in look(number("4", "a", "Bakgrunn"), text=text)] == ["found"]


def scores(*columns):
    return [
        replace(number(value, "points", "Tabell 1, trinn 3", f"CLS-3.{at}"), label=f"{at} {row}")
        for at, column in enumerate(columns, start=1)
        for row, value in enumerate(column)
    ]


def test_scores_are_the_columns_of_the_table_in_its_order():
    held = look(*scores(("21", "6"), ("21", "0")))
    assert [(one.state, one.line) for one in held] == [("found", 11), ("found", 12), ("found", 17), ("found", 19)]


def test_a_score_that_differs_is_named_and_no_other():
    held = look(*scores(("21", "7"), ("21", "0")))
    assert [one.number.label for one in not_found(held)] == ["1 1"]


def test_scores_in_the_wrong_order_are_not_found():
    assert len(not_found(look(*scores(("21", "0"), ("21", "6"))))) == 2


def test_a_column_of_another_length_is_no_column_of_these_scores():
    assert len(not_found(look(*scores(("21", "6", "0"))))) == 3


def test_ours_is_not_looked_for():
    assert [one.state for one in look(number("4", "a", "Bakgrunn", ours=True))] == ["ours"]


def test_what_stands_on_a_card_alone_is_looked_for_where_its_place_is_the_text():
    shown = number("82", "%", "en annen artikkel", display_only=True)
    assert [one.state for one in look(shown)] == ["elsewhere"]
    assert [one.state for one in look(replace(shown, place="Behandling"))] == ["NOT FOUND"]


def test_a_rule_that_rests_on_a_place_outside_the_text_is_looked_for_all_the_same():
    assert [one.state for one in look(number("82", "%", "en annen artikkel"))] == ["NOT FOUND"]


def test_a_line_break_or_an_odd_blank_between_number_and_unit_hides_nothing():
    text = "Behandling\n• over 70\nnmol/L, gis 0,035\N{NO-BREAK SPACE}mg/kg"
    held = look(number("70", "nmol/L"), number("0.035", "mg/kg"), text=text)
    assert [(one.state, one.line) for one in held] == [("found", 2), ("found", 3)]


def test_in_an_empty_text_nothing_is_found():
    assert len(not_found(look(*scores(("21", "0")), number("4", "a"), text=""))) == 3


@pytest.mark.parametrize(
    "text",
    [
        "7" * 4301,
        "7" * 400_000,
        f"x\n{'7' * 4301}\n7",
        f"{'7' * 400_000} dager",
        "7-" * 200_000,
        "7.7," * 100_000,
        " " * 400_000,
        f"CRP{' ' * 400_000}",
        f"SR over{' ' * 400_000}",
        f"score {' ' * 400_000}",
        "CRP " * 100_000,
        "Behandling\n" * 40_000,
        "Behandling\n7 dager\n" * 20_000,
        "A\n" * 200_000,
        "7\n" * 200_000,
        "7\n\nx\n" * 80_000,
    ],
    ids=lambda text: f"{text[:12]!r} {len(text)}",
)
def test_a_text_is_read_in_time_whatever_stands_in_it(text):
    began = perf_counter()
    look(number("7", "d", "Oppfølging"), number("7", "mg/L"), number("7", "mm/h"), *scored("7", "8"), text=text)
    assert perf_counter() - began < 3


def test_an_endless_run_of_digits_is_no_number_and_hides_none():
    text = f"Behandling\n{'7' * 5000} dager\n{'7' * 5000}-9 dager\n8 dager\n"
    held = look(number("7", "d"), number("9", "d"), number("8", "d"), text=text)
    assert [one.state for one in held] == ["NOT FOUND", "NOT FOUND", "found"]


def test_a_line_of_endless_digits_is_no_score():
    text = f"Tabell 1\n{'7' * 5000}\n8\n\nx\n7\n8\n"
    assert [one.line for one in look(*scored("7", "8"), text=text)] == [6, 7]


@pytest.mark.parametrize("written", ["CRP{0}<{0}25", "CRP{0}25", "CRP){0}over{0}25", "CRP over{0}>={0}25", "crp<25"])
@pytest.mark.parametrize("blank", ["", " ", "   ", "\n"])
def test_blanks_before_and_behind_a_limit_do_not_matter(written, blank):
    (held,) = look(number("25", "mg/L"), text=f"Behandling\n{written.format(blank)} videre\n")
    assert held.state == "found"
