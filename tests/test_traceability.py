"""Every rule of the text leads to numbers, tests and words, and none of these leads to a rule that is not there."""

import csv
import io
import re
from collections import Counter
from html.parser import HTMLParser
from string import Formatter

import pytest

from cds_service.guideline.provenance import Rule, interpretations, rules
from cds_service.guideline.tables import TABLES
from cds_service.hooks.card_draft import PLAN
from cds_service.hooks.language import LANGUAGES
from scripts import traceability

RULES = {rule.id: rule for rule in rules()}
ROWS = {row.rule.id: row for row in traceability.rows()}
DOCUMENTS = traceability.documents()
SECTIONS = ("BGR", "KLN", "EXO", "CLS", "UTR", "KUS", "LAB", "IMG", "BIO", "DDX", "BEH", "ZOL", "OPP")
OF_SECTION = {
    "BGR": 3, "KLN": 9, "EXO": 5, "CLS": 31, "UTR": 3, "KUS": 7, "LAB": 21, "IMG": 14, "BIO": 20, "DDX": 14,
    "BEH": 14, "ZOL": 17, "OPP": 12,
}  # fmt: skip
DECIDED = [rule.id for rule in rules() if rule.kind == "rule"]
SPOKEN = [rule.id for rule in rules() if rule.kind in ("rule", "display")]
FINDINGS = [
    rule
    for rule in DECIDED
    if not (rule.startswith("CLS") or rule == "BGR-02" or "BIO-02" <= rule <= "BIO-19" or "ZOL-01" <= rule <= "ZOL-10")
]
"""Rules that are told as lines of a topic; BGR-02 has a card of its own."""


def test_all_170_rules_stand_in_the_table_once_and_in_order():
    assert len(rules()) == len(RULES) == 170
    assert Counter(rule[:3] for rule in RULES) == OF_SECTION
    assert list(dict.fromkeys(rule[:3] for rule in RULES)) == list(SECTIONS)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_has_an_id_a_section_a_title_of_its_own_and_a_place(rule):
    assert traceability.RULE_ID.fullmatch(rule.id)
    assert rule.section
    assert rule.place
    assert 0 < len(rule.title) <= 60
    assert [one.id for one in rules() if one.title == rule.title] == [rule.id]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_what_is_no_rule_of_its_own_says_why_or_through_which_it_is_decided(rule):
    assert rule.kind in ("rule", "shared", "display", "none")
    assert bool(rule.through) == (rule.kind == "shared")
    assert [other for other in rule.through if RULES[other].kind != "rule"] == []
    assert bool(rule.reason) or rule.kind in ("rule", "shared")
    assert not (rule.reason and rule.kind == "rule")


@pytest.mark.parametrize("rule", DECIDED)
def test_a_rule_has_a_test_in_which_it_fires_and_one_in_which_it_does_not(rule):
    assert ROWS[rule].fires
    assert ROWS[rule].silent


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rule", SPOKEN)
def test_a_rule_has_words_in_every_language(rule, language):
    assert ROWS[rule].words[language]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("rule", FINDINGS)
def test_a_finding_has_a_line_of_its_own_or_in_the_group_that_it_is_told_with(rule, language):
    assert [
        key
        for key in ROWS[rule].words[language]
        if re.fullmatch(rf"(findings\.{rule}|groups\.[a-z-]+)(\..+)?\.line", key)
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_number_in_the_words_of_a_finding_is_one_of_a_table(language):
    numbers = PLAN["numbers"]
    for path, text in traceability.texts(language).items():
        if path[0] == "findings" and traceability.RULE_ID.fullmatch(path[1]):
            slots = {name for _, name, _, _ in Formatter().parse(text) if name} - {"rule", "items", "found"}
            assert slots <= set(numbers.get(path[1]) or numbers.get(path[1][:3], {})), path


def test_each_number_that_words_tell_stands_in_its_table():
    for rule, slots in PLAN["numbers"].items():
        for table, block in slots.values():
            assert getattr(getattr(TABLES, table), block).clause in RULES, (rule, block)


@pytest.mark.parametrize("rule", [rule.id for rule in rules() if rule.kind == "none"])
def test_what_has_no_output_has_no_test_and_no_words(rule):
    row = ROWS[rule]
    assert (row.fires, row.silent, row.numbers) == ([], [], [])
    assert not any(row.words.values())


def test_no_number_belongs_to_a_rule_that_is_not_there():
    assert [place for place, number in traceability.numbers() if number.clause not in RULES] == []


def test_no_vignette_expects_something_of_a_rule_that_is_not_there():
    assert traceability.expected_ids() - RULES.keys() == set()
    assert {rule for rule, _ in traceability.tests_by_rule()} - RULES.keys() == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_words_belong_to_a_rule_that_is_not_there(language):
    assert traceability.ids_in_words(language) - RULES.keys() == set()
    assert {path[1] for path in traceability.texts(language) if path[0] == "findings" and len(path) > 2} <= {
        *RULES,
        "other",
    }


def test_words_that_are_named_apart_are_there():
    for rule, prefixes in traceability.WORDS.items():
        assert rule in RULES
        for prefix in prefixes:
            assert [key for key in traceability.words(rule, "nb") if f"{key}.".startswith(f"{prefix}.")], prefix


def test_no_reading_belongs_to_a_rule_that_is_not_there():
    assert [one.id for one in interpretations() if not set(one.clauses) <= RULES.keys()] == []


def test_the_code_names_no_rule_that_is_not_there(root):
    code = (root / "cds_service").rglob("*.py")
    named = {(path.name, rule) for path in code for rule in traceability.RULE_ID.findall(path.read_text("utf-8"))}
    of_the_text = {place for place in named if place[1][:3] not in ("AMB", "OUR", "ICD")}
    assert of_the_text
    assert {place for place in of_the_text if place[1] not in RULES} == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_documents_are_up_to_date(path, expect):
    expect(path, DOCUMENTS[path])


# --- how the sides of a test are told ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ({"findings": {"BGR-01": "info", "BGR-02": "none"}}, {("BGR-01", True), ("BGR-02", False)}),
        ({"criteria": {"CLS-1.1": "met", "CLS-2.1": "absent"}}, {("CLS-1.1", True), ("CLS-2.1", False)}),
        ({"criteria": {"CLS-2.2": "present critical", "CLS-2.3": "unknown"}}, {("CLS-2.2", True), ("CLS-2.3", False)}),
        ({"domains": "B0? A17 P0-8"}, {("CLS-3.1", False), ("CLS-3.2", True), ("CLS-3.9", False)}),
        ({"consider": ["BIO-10"], "not-assessed": ["BIO-16"]}, {("BIO-10", True), ("BIO-16", False)}),
        ({"biopsy": {"BIO-14": "consider info", "BIO-15": "nowhere"}}, {("BIO-14", True), ("BIO-15", False)}),
        ({"checks": {"ZOL-02": "breach", "ZOL-04": "ok allergy"}}, {("ZOL-02", True), ("ZOL-04", False)}),
        ({"verdict": "not-fulfilled"}, {("CLS-4.1", False), ("CLS-3.T", False)}),
        ({"verdict": "excluded"}, {("CLS-4.1", False)}),
        ({"verdict": "fulfilled", "score": 67}, {("CLS-4.1", True), ("CLS-3.T", True), ("CLS-3.0", True)}),
        ({"facts": {"BIO-10": ["crp 3"]}, "shown": {"ZOL-02": "50"}, "notes": []}, set()),
    ],
)
def test_a_test_stands_on_the_side_that_it_names(expect, told):
    assert set(traceability.sides(expect)) == told


def test_a_rule_that_lacks_something_is_told_of_with_what_it_lacks():
    nothing = {language: {} for language in LANGUAGES}
    row = traceability.Row(Rule("BGR-01", "s", "t", "p", "rule"), [], [], [("file", "name")], [], nothing)
    assert traceability.gaps(row) == ["no test where it does not", *(f"no card text {one}" for one in LANGUAGES)]
    silent = traceability.Row(Rule("KLN-02", "s", "t", "p", "none", (), "why"), [], [], [], [], nothing)
    assert traceability.gaps(silent) == []


def test_vignettes_made_of_one_are_told_as_one_with_their_number():
    cases = [name for _, name in ROWS["DDX-01"].fires if name.startswith("one clinical sign is a warning")]
    assert cases == ["one clinical sign is a warning (×4)"]


# --- the documents ----------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Ids, links, tags and texts of a page; complains of a tag that is not closed where it was opened."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.tags, self.open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if "href" in given else []
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_csv_holds_each_rule_on_one_row_and_no_cell_that_a_spreadsheet_computes():
    text = traceability.as_csv(list(ROWS.values()))
    head, *lines = csv.reader(io.StringIO(text))
    assert tuple(head) == traceability.HEADINGS
    assert [line[0] for line in lines] == list(RULES)
    assert [cell for line in lines for cell in line if re.match(r"[-+=@]", cell)] == []
    assert max(len(cell) for line in lines for cell in line) < 32_767


def test_the_page_is_whole_needs_nothing_from_elsewhere_and_links_only_to_its_own_rows():
    text = traceability.as_html(list(ROWS.values()))
    page = Page(text)
    assert page.open == []
    assert len(set(page.ids)) == len(page.ids)
    assert set(RULES) <= set(page.ids)
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.tags}
    assert "http" not in text


def test_the_page_tells_a_screen_reader_its_language_its_headings_and_what_each_row_is():
    page = Page(traceability.as_html(list(ROWS.values())))
    tags = Counter(tag for tag, _ in page.tags)
    assert page.tags[0] == ("html", {"lang": "en"})
    assert (tags["h1"], tags["main"], tags["caption"], tags["title"]) == (1, 1, 1, 1)
    heads = [given.get("scope") for tag, given in page.tags if tag == "th"]
    assert Counter(heads) == {"col": 7, "rowgroup": len({rule.section for rule in RULES.values()}), "row": 170}
    assert {given["lang"] for tag, given in page.tags if tag == "details"} == {"en", "nb", "nn"}
