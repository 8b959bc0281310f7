"""cno-cds mapping-report: the page that an analyst needs on the first day, as tables and as JSON."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cds_service import cli
from cds_service.mappings import units

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "docs" / "concept-map.example.json"
UCUM = "http://unitsofmeasure.org"


def observation(code="718-7", unit="g/dL", system="http://loinc.org", **more):
    coding = {"system": system, "code": code, "display": "Kari Nordmann"}
    quantity = {"value": 11.73, "unit": unit, "code": unit, "system": UCUM}
    resource = {"resourceType": "Observation", "id": "obs4711", "status": "final", "code": {"coding": [coding]}}
    return resource | {"effectiveDateTime": "2025-08-13", "valueQuantity": quantity} | more


LOCAL = observation("B-HB", system="urn:oid:2.16.578.1.12.4.1.1.8212")


@pytest.fixture(autouse=True)
def _fixed(monkeypatch):
    monkeypatch.setenv("CNO_CDS_TODAY", "2025-09-15")


@pytest.fixture
def run():
    def command(*arguments, stdin=None):
        return CliRunner().invoke(cli.app, ["mapping-report", *map(str, arguments)], input=stdin)

    return command


@pytest.fixture
def file(tmp_path):
    def write(name, *values):
        path = tmp_path / name
        lines = [value if isinstance(value, bytes) else json.dumps(value).encode() for value in values]
        path.write_bytes(b"\n".join(lines))
        return path

    return write


def members(result):
    return json.loads(result.stdout)


def test_two_tables_say_what_was_read_and_what_not_and_why(run, file):
    result = run(file("labs.ndjson", observation(), observation(), observation(unit="mg/dL"), observation("2345-7")))
    assert result.exit_code == 0
    read, _, rest = result.stdout.partition("Not read")
    left, _, legend = rest.partition("└")
    assert "hemoglobin × 2" in read
    assert "2 of 2" in read
    assert "unit-not-convertible" in left
    assert "not-asked-for" in left
    assert "unit-not-convertible: The unit cannot be converted." in legend
    assert "not-asked-for: No rule asks for this code." in legend


def test_every_reason_is_explained(run, file):
    chart = file(
        "chart.ndjson", observation(status=None), observation("x", system="http://a.example"),
        {"resourceType": "Patient"}, {"resourceType": "CarePlan"}, {"resourceType": "Condition"},
        {"resourceType": "Appointment"}, {"resourceType": "Bundle", "entry": [{}]},
    )  # fmt: skip
    found = members(run("--json", chart))
    reasons = {reason for row in found["rows"] for reason in (*row["notes"], *row["notRead"])}
    told = run(chart).stdout.splitlines()
    assert reasons
    assert all(
        any(line.startswith(f"{reason}: ") and len(line) > len(reason) + 9 for line in told) for reason in reasons
    )


def test_json_gives_one_object(run, file):
    result = run("--json", file("labs.ndjson", observation(), observation(status="preliminary")))
    assert members(result) == {
        "files": 1,
        "resources": 2,
        "unread": [],
        "rows": [
            {
                "resourceType": "Observation",
                "codings": [{"system": "loinc", "code": "718-7"}],
                "unit": "g/dL",
                "count": 2,
                "read": 1,
                "concepts": {"hemoglobin": 1},
                "notes": {},
                "notRead": {"status-not-final": 1},
            }
        ],
    }


def test_bundles_lists_requests_and_standard_input_are_read(run, file):
    bundle = {"resourceType": "Bundle", "entry": [{"resource": observation()}]}
    request = {"hook": "patient-view", "prefetch": {"labs": bundle, "patient": None}}
    pretty = json.dumps([observation(), observation()], indent=2).encode()
    result = run("--json", file("b.json", bundle), file("r.json", request), file("l.json", pretty), "-",
                 stdin=json.dumps(observation()).encode())  # fmt: skip
    found = members(result)
    assert (found["files"], found["resources"]) == (4, 5)
    assert found["rows"][0]["read"] == 5


def test_lines_that_cannot_be_read_are_told_by_number_only(run, file, tmp_path):
    first = file("Kari Nordmann.ndjson", observation(), b'{"name": "Kari"', observation())
    result = run(first, tmp_path / "Ola.ndjson")
    assert result.exit_code == 3
    assert "file 1, line 2: not JSON" in result.stdout
    assert "file 2: cannot be opened" in result.stdout
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Kari" not in result.stdout + result.stderr
    assert "Ola" not in result.stdout + result.stderr
    found = members(run("--json", first))
    assert found["unread"] == [{"file": 1, "line": 2, "reason": "not-json"}]


@pytest.mark.parametrize(
    "content", [b"", b"Name;Born\nKari;2015\n", b'{"lab": "Hb", "obs": {"resourceType": "Observation"}}']
)
@pytest.mark.parametrize("option", [(), ("--json",)])
def test_nothing_readable_is_told_in_one_sentence(content, option, run, file):
    result = run(*option, file("a.ndjson", content))
    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "Kari" not in result.stdout + result.stderr


def test_without_a_file_the_command_says_what_it_needs(run):
    result = run()
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--units" in result.stderr


def test_no_value_name_date_or_id_is_printed(run, file):
    chart = file("chart.ndjson", observation(), {"resourceType": "Patient", "id": "obs4711", "birthDate": "2025-08-13"})
    for printed in (run(chart).stdout, run("--json", chart).stdout):
        assert all(secret not in printed for secret in ("Kari", "Nordmann", "11.73", "2025-08-13", "obs4711"))


def test_a_local_code_is_read_with_the_sites_map(run, file, monkeypatch):
    labs = file("labs.ndjson", LOCAL)
    assert members(run("--json", labs))["rows"][0]["notRead"] == {"code-unmapped-local": 1}
    monkeypatch.setenv("CNO_CDS_CONCEPT_MAP", str(EXAMPLE))
    assert members(run("--json", labs))["rows"][0]["concepts"] == {"hemoglobin": 1}


def test_a_wrong_setting_is_told_before_anything_is_read(run, file, monkeypatch):
    monkeypatch.setenv("CNO_CDS_CONCEPT_MAP", str(ROOT / "pyproject.toml"))
    result = run(file("labs.ndjson", observation()))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "CNO_CDS_CONCEPT_MAP" in result.stderr


def test_the_units_that_are_read_otherwise_than_by_ucum_are_listed_with_our_reading(run):
    result = run("--units")
    assert result.exit_code == 0
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in result.stdout.splitlines() if "│" in line]
    assert ["cell_count", "K/uL", "1 10*9/L", "something else"] in rows
    assert ["esr", "mm", "1 mm/h", "something else"] in rows
    assert ["enzyme", "IU/L", "1 U/L", "unknown"] in rows
    assert ["esr", "mm/2h", "refused", "unknown"] in rows
    assert ["10#9/L", "10*9/L", "10#9/L", "10*9/l"] in rows
    assert ["hr", "h", "mm/hr", "mm/h"] in rows
    listed = sum(1 for _ in units.other_spellings()) + len(units.SPELLINGS)
    assert sum(1 for row in rows if len(row) == 4) == listed
