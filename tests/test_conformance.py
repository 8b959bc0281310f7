"""Every requirement and every threat has an answer, and every test that an answer names is there and runs."""

from collections import Counter
from dataclasses import replace

import pytest

from scripts import conformance, named_tests
from scripts.conformance import Part, Row

REQUIREMENTS = conformance.parts(conformance.read("conformance.toml"))
PARTS = [*REQUIREMENTS, conformance.threats(conformance.read("threats.toml"))]
ROWS = [row for part in PARTS for row in part.rows]
RUNS = "tests/test_conformance.py::test_a_whole_row_lacks_nothing"
SERVER = "tests/services/test_validity.py::test_the_form_is_valid"
WHOLE = Row(id="1", asks="Be so.", level="SHALL", met="It is.", tests=(RUNS,))
LONGEST = 180
IDLE = """\
import pytest

@pytest.mark.skip(reason="x")
def test_marked(): ...

@pytest.mark.skipif(True, reason="x")
def test_sometimes(): ...

@pytest.mark.xfail
def test_expected_to_fail(): ...

def test_gives_up():
    pytest.skip("x")

@pytest.mark.services
def test_with_a_server(): ...

@pytest.mark.parametrize("word", ["skipped"])
def test_that_runs(word): ...

def helper(): ...

class Group:
    def test_inside(self): ...
"""


def test_the_requirements_are_the_120_of_a_service_with_the_levels_that_they_have():
    rows = REQUIREMENTS[0].rows
    assert len(conformance.numbers(conformance.OF_SERVICE)) == 120
    assert [row.id for row in rows] == conformance.numbers(conformance.OF_SERVICE)
    assert Counter(row.level for row in rows) == {
        "SHALL": 69, "MAY": 28, "SHOULD": 17, "SHALL NOT": 4, "SHOULD NOT": 1, "DEPRECATED": 1,
    }  # fmt: skip
    assert all(row.anchor for row in rows)


def test_our_checklist_and_the_threats_stand_in_the_order_of_their_numbers():
    for part, count in zip(PARTS[2:], (148, 36), strict=True):
        assert [row.id for row in part.rows] == list(part.expected)
        assert part.size == count


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.title)
def test_nothing_is_missing_pending_or_named_that_is_not_there(part):
    assert list(conformance.faults(part)) == []


@pytest.mark.parametrize("part", REQUIREMENTS, ids=lambda part: part.title)
def test_every_shall_is_tested_or_argued_and_the_page_says_so(part):
    assert conformance.verdict(part).startswith(f"{part.size} of {part.size} rows answered, every SHALL tested")
    assert conformance.verdict(part) in conformance.conformance_page(REQUIREMENTS)


def test_a_row_is_said_in_a_short_sentence():
    said = [text for row in ROWS for text in (row.asks, row.met, row.reason, row.partial) if text]
    assert [text for text in said if len(text) > LONGEST or not text.endswith((".", '"'))] == []


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("conformance.md", conformance.conformance_page(REQUIREMENTS)),
        ("threats.md", conformance.threats_page(PARTS[-1])),
    ],
)
def test_the_documents_are_up_to_date(name, page, expect):
    expect(conformance.DOCS / name, page)


def test_a_whole_row_lacks_nothing():
    assert list(conformance.gaps(WHOLE)) == []
    assert list(conformance.gaps(Row(id="1", asks="Be so.", level="SHALL", reason="It does not apply."))) == []


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (replace(WHOLE, pending="later"), "is pending: later"),
        (replace(WHOLE, tests=(), pending="later"), "is pending: later"),
        (replace(WHOLE, tests=()), "has neither a test nor a reason"),
        (replace(WHOLE, tests=(), partial="Some."), "has neither a test nor a reason"),
        (replace(WHOLE, met=""), "does not say how it is met"),
        (replace(WHOLE, asks=""), "does not say what it asks"),
        (replace(WHOLE, level="MUST"), "has no level of the specification: MUST"),
        (replace(WHOLE, through=("9",)), "goes through 9, which is not answered"),
        (replace(WHOLE, through=("2",)), "goes through 2, which is not answered"),
        (replace(WHOLE, files=("cds_service/none.py",)), "names cds_service/none.py, which is not there"),
        (replace(WHOLE, tests=(f"{RUNS}x",)), f"names {RUNS}x: there is no such test in the file"),
    ],
)
def test_what_a_row_lacks_is_told(row, said):
    others = {"2": replace(WHOLE, id="2", pending="later"), "3": replace(WHOLE, id="3")}
    assert list(conformance.gaps(row, others)) == [said]
    assert list(conformance.gaps(replace(WHOLE, tests=(), met="", through=("3",)), others)) == []


def test_a_row_that_is_missing_doubled_or_of_nobody_is_told():
    part = Part("P", "", [WHOLE, WHOLE, replace(WHOLE, id="9")], ["1", "2"])
    assert list(conformance.faults(part)) == ["P: 2 is missing", "P: there is no 9", "P: 1 stands 2 times"]


def test_the_verdict_counts_what_is_answered():
    argued = Row(id="2", asks="Be so.", level="MAY", reason="It does not apply.")
    whole = Part("P", "", [WHOLE, argued], ["1", "2"])
    assert conformance.verdict(whole) == "2 of 2 rows answered, every SHALL tested or argued (1 tested, 1 argued)"
    assert conformance.verdict(replace(whole, expected=["1", "2", "3"])).startswith("2 of 3 rows answered; open: ")
    broken = replace(whole, rows=[replace(WHOLE, tests=("tests/test_none.py::test_x",)), argued])
    assert conformance.verdict(broken) == "1 of 2 rows answered; open: 1"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("test_marked", "does not run"),
        ("test_sometimes", "does not run"),
        ("test_expected_to_fail", "does not run"),
        ("test_gives_up", "does not run"),
        ("test_none", "there is no such test"),
        ("helper", "there is no such test"),
        ("test_inside", "there is no such test"),
        ("", "there is no such test"),
    ],
)
def test_a_test_that_does_not_run_proves_nothing(name, said, scratch):
    place = scratch(IDLE)
    assert said in named_tests.fault(f"{place}::{name}")


@pytest.mark.parametrize(
    "head", ["pytestmark = pytest.mark.skip", 'pytest.importorskip("x")', 'pytest.skip("x", allow_module_level=True)']
)
def test_a_file_that_does_not_run_proves_nothing(head, scratch):
    place = scratch(f"import pytest\n\n{head}\n\n{IDLE}")
    assert "does not run" in named_tests.fault(f"{place}::test_that_runs")


def test_a_test_that_runs_somewhere_is_taken_and_what_needs_a_server_is_told(scratch):
    place = scratch(IDLE)
    for name, server in (("test_that_runs", False), ("test_with_a_server", True)):
        assert named_tests.fault(f"{place}::{name}") is None
        assert named_tests.needs_a_server(f"{place}::{name}") is server
    whole = scratch(f"pytestmark = pytest.mark.services\n{IDLE}", "test_whole.py")
    assert named_tests.needs_a_server(f"{whole}::test_that_runs")


@pytest.mark.parametrize(
    "test",
    ["tests/conftest.py::test_x", "tests/../tests/test_app.py::test_x", "test_app.py::test_x", "tests/test_a.py"],
)
def test_only_a_file_of_tests_is_taken(test):
    assert "no such file of tests" in named_tests.fault(test)


def test_the_command_fails_loudly_and_writes_what_there_is(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(conformance, "DOCS", tmp_path)
    row = '[[{}]]\nid = "1"\nlevel = "SHALL"\nasks = "Be so."\nmet = "It is."\ntests = ["{}"]\n'
    lists = "".join(row.format(name, SERVER) for name in ("service", "ballot", "own"))
    (tmp_path / "conformance.toml").write_text(lists, "utf-8")
    (tmp_path / "threats.toml").write_text(row.format("threat", RUNS) + 'pending = "later"\n', "utf-8")
    complaint = conformance.main()
    assert "CDS Hooks 2.0: 220 is missing" in complaint
    assert "Threats: 1 is pending: later" in complaint
    assert "1 of 120 rows answered" in capsys.readouterr().out
    page = (tmp_path / "conformance.md").read_text("utf-8")
    assert f"`{SERVER.removeprefix('tests/services/')}`" in page
    assert "(server)" in page
    assert "**Pending:** later" in (tmp_path / "threats.md").read_text("utf-8")


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """Write a file of tests beside no other, and give its place."""
    monkeypatch.setattr(named_tests, "ROOT", tmp_path)
    (tmp_path / "tests").mkdir()
    named_tests.fault.cache_clear()
    named_tests._read.cache_clear()

    def write(text, name="test_scratch.py"):
        (tmp_path / "tests" / name).write_text(text, "utf-8")
        return f"tests/{name}"

    yield write
    named_tests.fault.cache_clear()
    named_tests._read.cache_clear()
