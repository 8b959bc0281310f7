"""docs/mapping.md says what is so."""

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cds_service.cli import app
from cds_service.hooks.wording import wording
from cds_service.mappings.report_codes import SILENT
from cds_service.mappings.site_map import read_site_map

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture
def page():
    return (DOCS / "mapping.md").read_text("utf-8")


def test_each_command_of_the_page_takes_the_options_that_it_shows(page):
    blocks = "".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL))
    commands = re.findall(r"cno-cds [^\n|>]+", blocks) + re.findall(r"`(cno-cds [^`]+)`", page)
    assert len(commands) >= 4
    for command in commands:
        _, name, *words = shlex.split(command)
        told = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"})
        assert told.exit_code == 0, command
        assert all(word in told.stdout for word in words if word.startswith("--")), command


def test_each_reason_of_the_page_is_one_of_the_report(page):
    rows = [row for row in page.partition("| Reason")[2].partition("\n\n")[0].splitlines() if row.startswith("| `")]
    named = {reason for row in rows for reason in re.findall(r"`([a-z-]+)`", row.split("|")[1])}
    known = set(SILENT) | {key.removeprefix("notes.") for key in wording("en").texts if key.startswith("notes.")}
    assert len(named) >= 10
    assert named <= known


def test_the_sample_map_holds_what_the_page_shows_of_it(page):
    shown = json.loads(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0])
    sample = json.loads((DOCS / "concept-map.example.json").read_bytes())
    groups = [group for group in sample["group"] if group["source"] == shown["source"]]
    assert all(element in groups[0]["element"] for element in shown["element"])
    assert read_site_map((DOCS / "concept-map.example.json").read_bytes()).codings


def test_the_links_of_the_page_lead_somewhere(page):
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert links
    assert all((DOCS / link).is_file() for link in links)
