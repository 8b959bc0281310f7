import re
from pathlib import Path
from string import Formatter

import pytest

from cds_service.simulate.findings import Seen, checks, spelled
from cds_service.simulate.schema_checks import validator
from cds_service.simulate.vendor import profile, table

PACKAGE = Path(__file__).parent.parent.parent / "cds_service" / "simulate"
SOURCE = "\n".join(path.read_text("utf-8") for path in PACKAGE.glob("*.py"))
RULE = re.compile(r"[A-Z]\d{1,2}|PD\d{1,2}")
VENDORS = ("epic", "oracle", "sandbox")


@pytest.mark.parametrize("name", checks())
def test_a_check_has_rule_level_and_words_and_is_made(name):
    check = checks()[name]
    assert check.keys() == {"rule", "level", "seen", "do"}
    assert RULE.fullmatch(check["rule"])
    assert check["level"] in {"fault", "remark", "vendor"}
    assert f'"{name}"' in SOURCE
    assert not any(check[words].endswith(".") for words in ("seen", "do"))
    assert all(field is None or field.isidentifier() for _, field, _, _ in Formatter().parse(check["seen"]))


def test_a_vendor_weighs_checks_that_there_are():
    for vendor in VENDORS:
        assert set(profile(vendor).levels) <= set(checks())
    weighed = {name for vendor in VENDORS for name in profile(vendor).levels}
    assert {name for name, check in checks().items() if check["level"] == "vendor"} <= weighed


def test_each_member_has_a_rule_and_stands_in_the_schema():
    names = set(re.findall(r'"([A-Za-z]+)"', str(validator("Response").schema).replace("'", '"')))
    for message, rules in table("members").items():
        assert "" in rules
        assert all(RULE.fullmatch(rule) for rule in rules.values())
        unknown = {place for place in rules if place and place.rpartition(".")[2] not in names}
        assert unknown <= {"cards.suggestions.actionSelectionBehavior"}, message


def test_each_mistake_breaks_a_rule_in_one_way():
    for one in table("mistakes")["mistake"]:
        assert RULE.fullmatch(one["rule"])
        assert ("drop" in one) != ("body" in one)


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ((), ""),
        (("cards", 0, "summary"), "cards[0].summary"),
        (("services", 10, "prefetch", "-user"), "services[10].prefetch.-user"),
        (("cards", 0, "\x1b[31m"), "cards[0].*"),
        (("cards", 0, "Kari Nordmann"), "cards[0].*"),
        (("cards", 0, "a" * 61), "cards[0].*"),
    ],
)
def test_a_place_is_spelled_without_what_may_be_text_of_a_record(place, path):
    assert spelled(Seen("empty", place).place) == path
