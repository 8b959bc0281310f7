import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "cds_service"
CODE = sorted(path for folder in ("cds_service", "benchmarks", "scripts") for path in (ROOT / folder).rglob("*.py"))
RULES = sorted((PACKAGE / "guideline").rglob("*.py"))
ARITHMETIC = {"interval", "dates"}
COUNTING = {0, 1, 2, 3, 12, 24, 60, 100}
"""Ranks, months of a year, hours of a day, minutes of an hour, per cent; all else is the guideline's, in a table."""
MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 40


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), path)


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_imports_go_inwards_and_each_package_knows_only_its_own_world(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    outcome = lint_imports(no_cache=True)
    assert outcome == EXIT_STATUS_SUCCESS, capsys.readouterr().out


@pytest.mark.parametrize("path", RULES, ids=name)
def test_the_guideline_imports_nothing_but_the_standard_library_and_itself(path):
    strangers = {
        module
        for module in imported(tree(path))
        if module.split(".")[0] not in sys.stdlib_module_names and not module.startswith("cds_service.guideline")
    }
    assert strangers == set()


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=name)
def test_only_mappings_imports_fhir_resources(path):
    if PACKAGE / "mappings" not in path.parents:
        assert not [module for module in imported(tree(path)) if module.split(".")[0] == "fhir"]


@pytest.mark.parametrize(
    "path", sorted(path for part in ("guideline", "mappings") for path in (PACKAGE / part).rglob("*.py")), ids=name
)
def test_no_binary_fraction_enters_the_guideline_or_the_mappings(path):
    floats = [
        node.lineno
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float) and node.value)
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float")
    ]
    assert floats == []


@pytest.mark.parametrize("path", [path for path in RULES if path.stem not in ARITHMETIC], ids=name)
def test_no_clinical_number_stands_in_the_code_of_a_rule(path):
    numbers = {
        node.value
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)
    }
    written = {
        node.args[0].value
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Decimal"
        and isinstance(node.args[0], ast.Constant)
    }
    assert numbers | written <= COUNTING


@pytest.mark.parametrize("path", CODE, ids=name)
def test_a_file_is_short_enough_to_be_read_in_one_sitting(path):
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= MOST_LINES_OF_A_FILE


@pytest.mark.parametrize("path", CODE, ids=name)
def test_a_function_fits_on_a_screen(path):
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno >= MOST_LINES_OF_A_FUNCTION
    ]
    assert long == []


@pytest.mark.parametrize("call", ["date.today()", "datetime.now(tz=UTC)"])
def test_a_look_at_the_clock_inside_the_package_is_refused_by_the_linter(call):
    source = f'"""A module."""\n\nfrom datetime import UTC, date, datetime\n\nMOMENT = {call}\n'
    run = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--stdin-filename", "cds_service/clock.py", "-"],
        input=source,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert "TID251" in run.stdout


def test_no_module_is_named_for_leftovers():
    leftovers = {"utils", "helpers", "common", "core", "base", "misc", "manager", "handler", "processor"}
    assert [name(path) for path in PACKAGE.rglob("*") if path.stem in leftovers] == []
