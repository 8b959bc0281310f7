import io
import json
import os
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from cds_service import cli
from cds_service.guideline.provenance import rules_digest, rules_version
from cds_service.guideline.source_check import hold_against
from cds_service.guideline.tables import TABLES
from tests.conftest import Client

SCHEMA = files("cds_service") / "schemas" / "evaluation.schema.json"
EVALUATION = Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "2014-04-10"}
CNO = {
    "resourceType": "Condition",
    "id": "cno",
    "code": {"coding": [{"system": "http://snomed.info/sct", "code": "240151005"}]},
}
CHART = {"resourceType": "Bundle", "entry": [{"resource": PATIENT}, {"resource": CNO}]}
NUMBERS = [number for table in TABLES.numbers for number in table.rows()]
STRANGER = {"resourceType": "Bundle", "entry": [{"resource": {**PATIENT, "id": "p2"}}]}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in [name for name in os.environ if name.startswith("CNO_CDS_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def run():
    def command(*arguments, stdin=None):
        return CliRunner().invoke(cli.app, [str(argument) for argument in arguments], input=stdin)

    return command


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return write


def lines(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_each_file_becomes_one_evaluation_on_one_line_in_order(run, file):
    chart, stranger = file("a.json", CHART), file("b.json", STRANGER)
    result = run("evaluate", "--json", "--today", "2025-09-15", chart, stranger, chart)
    assert result.exit_code == 0
    evaluations = lines(result)
    assert [one["patient"]["id"] for one in evaluations] == ["p1", "p2", "p1"]
    assert {one["evaluatedOn"] for one in evaluations} == {"2025-09-15"}
    for one in evaluations:
        EVALUATION.validate(one)


def test_a_file_that_cannot_be_read_costs_its_own_line_and_the_exit_code_says_so(run, file, tmp_path):
    good, broken = file("good.json", CHART), file("broken.json", b'{"resourceType": "Bundle"')
    result = run("evaluate", "--json", good, broken, tmp_path / "missing.json", good)
    assert result.exit_code == 3
    first, second, third, fourth = lines(result)
    assert first["patient"] == fourth["patient"] == {"id": "p1", "birthDate": "2014-04-10"}
    assert [second["file"], third["file"]] == [2, 3]
    assert second["error"]["resourceType"] == third["error"]["resourceType"] == "OperationOutcome"
    assert "2 of 4" in result.stderr


def test_a_file_that_is_not_utf8_is_not_read(run, file):
    chart = '{"resourceType": "Bundle", "entry": [], "note": "Bærum"}'
    result = run("evaluate", "--json", file("a.json", chart.encode("latin-1")), file("b.json", chart.encode()))
    assert result.exit_code == 3
    assert "UTF-8" in lines(result)[0]["error"]["issue"][0]["diagnostics"]


def test_nothing_readable_is_told_in_one_sentence(run, file):
    result = run("evaluate", "--json", file("a.json", b"[]"), file("b.json", {"resourceType": "Patient"}))
    assert result.exit_code == 2
    assert [line["file"] for line in lines(result)] == [1, 2]
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_dash_reads_standard_input(run):
    result = run("evaluate", "--json", "-", stdin=json.dumps(CHART).encode())
    assert result.exit_code == 0
    assert lines(result)[0]["patient"]["id"] == "p1"


def test_a_hook_request_is_evaluated_as_the_hook_that_it_names(run, file):
    request = {
        "hook": "order-sign",
        "hookInstance": "4f8a2d10-93b1-4c02-8a55-0d3b7a6f9e21",
        "context": {"userId": "Practitioner/1", "patientId": "p1", "draftOrders": {"resourceType": "Bundle"}},
        "prefetch": {"patient": PATIENT, "conditions": None},
    }
    (evaluation,) = lines(run("evaluate", "--json", file("r.json", request)))
    assert evaluation["silence"] == "order-outside"


def test_a_bare_bundle_is_evaluated_as_the_hook_of_the_option(run, file):
    (evaluation,) = lines(run("evaluate", "--json", "--hook", "order-select", file("a.json", CHART)))
    assert evaluation["silence"] == "order-outside"


def test_cards_are_drawn_in_the_language_asked_for(run, file):
    chart = file("a.json", CHART)
    drawn = {lang: run("evaluate", "--lang", lang, chart).stdout for lang in ("nb", "en")}
    assert drawn["nb"] != drawn["en"]
    summary = lines(run("evaluate", "--json", "--lang", "en", chart))[0]["cards"][0]["summary"]
    assert " ".join(summary.split()[:3]) in drawn["en"]


def test_silence_and_errors_are_drawn_too(run, file):
    result = run("evaluate", file("a.json", STRANGER), file("b.json", b"no"))
    assert result.exit_code == 3
    assert "no-suspicion" in result.stdout
    assert "well-formed JSON" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("evaluate",),
        ("evaluate", "--today", "15.09.2025", "a.json"),
        ("evaluate", "--today", "2025-02-30", "a.json"),
        ("evaluate", "--lang", "de", "a.json"),
        ("evaluate", "--hook", "encounter-start", "a.json"),
        ("serve", "--port", "0"),
        ("serve", "--host", "0.0.0.0"),  # noqa: S104  refused
        ("unheard-of",),
    ],
)
def test_bad_usage_ends_with_two(run, arguments):
    assert run(*arguments).exit_code == 2


def test_a_wrong_setting_is_told_in_one_sentence(run, file, monkeypatch):
    monkeypatch.setenv("CNO_CDS_LANGUAGE", "de")
    result = run("evaluate", "--json", file("a.json", CHART))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.strip() == "CNO_CDS_LANGUAGE must be nb, nn or en."


@pytest.fixture
def started(monkeypatch):
    calls = []
    monkeypatch.setattr(cli.uvicorn, "run", lambda app, **options: calls.append((app, options)))
    return calls


def test_serve_starts_one_worker_on_loopback(run, started):
    result = run("serve", "--port", "8123")
    assert result.exit_code == 0
    ((app, options),) = started
    assert callable(app)
    assert (options["host"], options["port"], options["access_log"]) == ("127.0.0.1", 8123, False)
    assert "http://127.0.0.1:8123/" in result.stderr
    assert "http://127.0.0.1:8123/cds-services/cno-order-sign" in Client(app).get("/").text


@pytest.mark.parametrize(
    ("host", "address"),
    [("0.0.0.0", "http://127.0.0.1:8000"), ("::", "http://127.0.0.1:8000"), ("::1", "http://[::1]:8000")],  # noqa: S104  not bound
)
def test_the_sample_lines_name_an_address_that_can_be_asked(run, started, monkeypatch, host, address):
    monkeypatch.setenv("CNO_CDS_PROFILE", "development")
    assert run("serve", "--host", host).exit_code == 0
    ((app, _),) = started
    assert f"{address}/cds-services/cno-order-sign" in Client(app).get("/").text


def test_serve_hands_its_profile_to_several_workers(run, started, monkeypatch):
    monkeypatch.setenv("CNO_CDS_PROFILE", "")
    monkeypatch.setenv("CNO_CDS_BASE_URL", "")
    assert run("serve", "--workers", "2").exit_code == 0
    ((app, options),) = started
    assert (app, options["workers"]) == ("cds_service.app:from_environment", 2)
    assert os.environ["CNO_CDS_PROFILE"] == "development"
    assert os.environ["CNO_CDS_BASE_URL"] == "http://127.0.0.1:8000"


def test_the_review_sheet_holds_every_number_with_its_rule(run):
    result = run("review-sheet")
    assert result.exit_code == 0
    sheet = result.stdout.splitlines()
    for table in (TABLES.criteria, TABLES.biopsy, TABLES.workup, TABLES.infusion):
        for row in table.rows():
            assert [line for line in sheet if row.clause in line and row.label in line and str(row.value) in line]
    assert [line for line in sheet if rules_digest() in line]


def test_the_doctor_finds_a_sound_installation_sound(run):
    result = run("doctor")
    assert result.exit_code == 0
    assert "FAIL" not in result.stdout
    assert rules_version() in result.stdout


def test_the_doctor_names_what_is_wrong(run, monkeypatch):
    monkeypatch.setenv("CNO_CDS_MAX_CARDS", "9")
    result = run("doctor")
    assert result.exit_code == 1
    assert "FAIL  settings: CNO_CDS_MAX_CARDS must be a whole number from 1 to 3." in result.stdout


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (
            "postgresql://cno:secret@127.0.0.1:1/cno",
            "no server answers at its host and port, or",
        ),
        ("sqlite:////proc/secret/cno.db", "its file or folder cannot be opened for writing, or is no SQLite database"),
        ("sqlite:////dev/null/secret.db", "its file or folder cannot be opened for writing, or is no SQLite database"),
    ],
)
def test_the_doctor_says_what_to_look_at_when_the_database_cannot_be_used(url, told, run, monkeypatch):
    monkeypatch.setenv("CNO_CDS_DATABASE_URL", url)
    result = run("doctor")
    assert result.exit_code == 1
    (sentence,) = [line for line in result.stdout.splitlines() if line.startswith("FAIL")]
    assert sentence.startswith("FAIL  database: CNO_CDS_DATABASE_URL: the database cannot be used: ")
    assert told in sentence
    assert "secret" not in result.stdout


def test_the_doctor_tells_how_many_local_codes_are_read_and_how_many_not(run, monkeypatch):
    assert "ok    local codes: no ConceptMap" in run("doctor").stdout
    monkeypatch.setenv("CNO_CDS_CONCEPT_MAP", str(Path(__file__).parent.parent / "docs" / "concept-map.example.json"))
    assert "ok    local codes: codes read: 8; not read: 1 wider" in run("doctor").stdout


def test_a_local_code_is_evaluated_as_what_the_sites_map_says(run, file, monkeypatch):
    local = {"coding": [{"system": "http://hospital.example/codes/diagnoses", "code": "CNO1"}]}
    chart = file(
        "a.json", {"resourceType": "Bundle", "entry": [{"resource": PATIENT}, {"resource": CNO | {"code": local}}]}
    )
    assert lines(run("evaluate", "--json", chart))[0]["silence"] == "no-suspicion"
    monkeypatch.setenv("CNO_CDS_CONCEPT_MAP", str(Path(__file__).parent.parent / "docs" / "concept-map.example.json"))
    evaluation = lines(run("evaluate", "--json", chart))[0]
    assert [fact["name"] for fact in evaluation["facts"]] == ["cno"]
    assert evaluation["cards"]


def test_the_doctor_notices_a_template_that_is_not_valid(run, monkeypatch):
    def broken():
        raise ValueError("not valid")

    monkeypatch.setattr("cds_service.doctor.check_templates", broken)
    result = run("doctor")
    assert result.exit_code == 1
    assert "FAIL  templates" in result.stdout


def test_the_command_runs_as_installed(monkeypatch, capfdbinary):
    monkeypatch.setattr(sys, "argv", ["cno-cds", "evaluate", "--json", "-"])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(CHART).encode())))
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 0
    assert json.loads(capfdbinary.readouterr().out)["patient"]["id"] == "p1"


def test_the_review_sheet_says_of_each_number_what_came_of_looking_for_it(run, file):
    text = "Tabell 1. Poeng\nEn score på ≥55 trengs\nBehandling\nMinst 10-14 dager før, over 50 nmol/L\n"
    result = run("review-sheet", "--against", file("text.txt", text.encode()))
    assert result.exit_code == 1
    sheet = {line[4:].partition(" (")[0] for line in result.stdout.splitlines() if line.startswith("[ ]")}
    said = {number.label: line for number in NUMBERS for line in sheet if f" {number.label} " in line}
    assert said[TABLES.criteria.threshold.label].split()[:3] == ["found", "2", "CLS-3.T"]
    assert said[TABLES.infusion.vitamin_d_above.label].split()[:3] == ["found", "4", "ZOL-02"]
    assert said[TABLES.infusion.dose_max.label].split()[:3] == ["NOT", "FOUND", "ZOL-08"]
    assert said[TABLES.infusion.calcium_days.label].split()[:2] == ["ours", "ZOL-03"]
    assert said[TABLES.criteria.sensitivity_percent.label].split()[:2] == ["elsewhere", "CLS-4.3"]


def test_what_was_not_found_is_listed_at_the_end(run, file):
    result = run("review-sheet", "--against", file("text.txt", "Bakgrunn\nhøyst 0,05 mg/kg\nBehandling\n".encode()))
    listed = result.stdout.partition("not found in the text")[2].splitlines()[1:]
    missing = [number for number in NUMBERS if not number.ours and number is not TABLES.infusion.dose_max]
    assert f"- ZOL-08 {TABLES.infusion.dose_max.label}: 0.05 mg/kg" in "\n".join(listed)
    assert [line for line in listed if "line 2, elsewhere in the text: 0,05 mg/kg" in line]
    assert all(any(number.label in line for line in listed) or number.display_only for number in missing)


def test_a_text_that_holds_every_number_passes(run, file, monkeypatch):
    one = TABLES.infusion.dose_max
    monkeypatch.setattr(cli, "held_against", lambda text: hold_against(text, [one], ["Behandling"]))
    good, bad = file("good.txt", "Behandling\nhøyst 0,05 mg/kg\n".encode()), file("bad.txt", b"0,5 mg/kg")
    passed = run("review-sheet", "--against", good)
    assert passed.exit_code == 0
    assert passed.stdout.splitlines()[-1] == "Every number that is the text's was found in it."
    assert run("review-sheet", "--against", bad).exit_code == 1


def test_a_text_that_cannot_be_read_is_told_in_one_sentence(run, file, tmp_path):
    for name in (tmp_path / "missing.txt", tmp_path, file("text.pdf", b"%PDF-1.7 \xff\xfe")):
        result = run("review-sheet", "--against", name)
        assert (result.exit_code, result.stdout) == (2, "")
        assert len(result.stderr.strip().splitlines()) == 1


def test_what_is_no_file_or_too_long_is_not_read(run, file, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    longest = b"Behandling\n" + b" " * (2 * 2**20 - 11)
    for name in (pipe, "/dev/zero", "/dev/null", "-", "a\0b", file("long.txt", longest + b" ")):
        result = run("review-sheet", "--against", name, stdin="Behandling")
        assert (result.exit_code, result.stdout) == (2, ""), name
        assert len(result.stderr.strip().splitlines()) == 1
    assert run("review-sheet", "--against", file("longest.txt", longest)).exit_code == 1


def test_without_a_text_nothing_is_said_to_be_found(run):
    result = run("review-sheet")
    assert result.exit_code == 0
    assert "found" not in result.stdout.lower()


def test_a_fault_of_ours_is_told_by_type_and_place_and_never_by_what_it_holds(monkeypatch, capsys, tmp_path):
    def break_down(*_, **__):
        raise KeyError("Olav-Nordmann")

    monkeypatch.setattr("cds_service.hooks.answer.evaluate", break_down)
    file = tmp_path / "bundle.json"
    file.write_text('{"resourceType": "Bundle"}', "utf-8")
    monkeypatch.setattr("sys.argv", ["cno-cds", "evaluate", str(file)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert "KeyError" in told
    assert "test_cli.py" in told
    assert "Olav" not in told
