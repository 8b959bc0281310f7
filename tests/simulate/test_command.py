import json
import socket

import pytest
from typer.testing import CliRunner

from cds_service import cli
from tests.simulate.served import LINES, serving
from tests.simulate.twists import cards, on_answer, on_path

VERDICTS = {"ok", "not offered", "remark", "FAULT"}
SERVICES = [word for line in LINES for word in ("--service", line)]


def run(*arguments):
    return CliRunner().invoke(cli.app, ["simulate", *arguments])


@pytest.fixture
def nobody():
    """An address at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def assert_refused(result, words):
    assert (result.exit_code, result.stdout) == (2, "")
    assert len(result.stderr.strip().splitlines()) == 1
    assert words in result.stderr


@pytest.mark.parametrize("vendor", ["epic", "oracle", "sandbox"])
def test_a_correct_service_gets_a_table_without_faults_and_exit_code_0(vendor):
    with serving() as service:
        result = run(vendor, f"{service.url}/cds-services/", *(SERVICES if vendor == "epic" else []))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["Step", "Request", "Status", "ms", "Cards", "Verdict"]
    assert "FAULT" not in result.stdout
    assert lines[-1].startswith(f"{vendor}: ")
    assert "0 faults" in lines[-1]


def test_a_fault_is_told_in_one_sentence_and_ends_with_1():
    with serving(cards("summary", value="x" * 150)) as service:
        result = run("epic", service.url, *SERVICES)
    assert result.exit_code == 1
    told = " ".join(result.stdout.split())
    assert "FAULT order-sign: K1, cards[0].summary has 150 characters: say it in at most 139." in told
    assert "3 faults" in told


def test_the_json_holds_every_step_and_finding():
    def worse(document):
        document["cards"][0]["links"][0]["url"] = "/guideline"

    with serving(on_answer(worse)) as service:
        result = run("epic", service.url, *SERVICES, "--json")
    assert result.exit_code == 1
    (line,) = result.stdout.splitlines()
    report = json.loads(line)
    assert (report["vendor"], report["url"], report["faults"]) == ("epic", service.url, 3)
    assert {step["verdict"] for step in report["steps"]} <= VERDICTS
    (first, *_) = report["steps"]
    assert (first["step"], first["method"], first["status"], first["cards"]) == ("patient-view", "POST", 200, 1)
    assert first["path"] == "/cds-services/acme-greeter"
    assert isinstance(first["ms"], int)
    assert first["findings"][0].keys() == {"rule", "level", "path", "seen", "advice"}
    assert (first["findings"][0]["rule"], first["findings"][0]["path"]) == ("L2", "cards[0].links[0].url")


def test_feedback_that_is_not_offered_keeps_exit_code_0():
    with serving(on_path("/feedback", "POST", status=404)) as service:
        result = run("sandbox", service.url)
    assert result.exit_code == 0
    assert "not offered" in result.stdout


def test_only_the_hooks_that_are_named_are_played():
    with serving() as service:
        report = json.loads(run("epic", service.url, *SERVICES[:2], "--json").stdout)
    steps = [step["step"] for step in report["steps"]]
    assert "patient-view" in steps
    assert not {"order-select", "order-sign", "without draftOrders"} & set(steps)


def test_nothing_that_answers_ends_with_2(nobody):
    assert_refused(run("epic", nobody), "127.0.0.1 cannot be reached: nothing listens there.")
    assert_refused(run("sandbox", nobody, "--json"), "nothing listens there")


def test_a_name_that_there_is_not_ends_with_2():
    assert_refused(run("epic", "https://cds.invalid"), "cds.invalid cannot be reached")


def test_no_tls_where_tls_is_asked_for_ends_with_2():
    with serving() as service:
        result = run("epic", service.url.replace("http:", "https:"))
    assert_refused(result, "its certificate or TLS is wrong")


@pytest.mark.parametrize(
    "arguments",
    [
        ("epic",),
        ("meditech", "http://127.0.0.1:9"),
        ("epic", "127.0.0.1:9"),
        ("epic", "http://127.0.0.1:9/cds-services/cno-patient-view"),
        ("epic", "http://127.0.0.1:9", "--service", "patient-view"),
        ("sandbox", "http://127.0.0.1:9", "--service", "patient-view=acme"),
        ("epic", "http://127.0.0.1:9", "--bearer", "a b"),
        ("epic", "http://127.0.0.1:9", "--bearer", ""),
    ],
)
def test_bad_usage_ends_with_2(arguments):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch, nobody):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, nobody)
    with serving() as service:
        assert run("epic", service.url, *SERVICES).exit_code == 0
    assert_refused(run("epic", "http://cds.example.invalid"), "the proxy that the environment names")


def test_a_password_of_a_netrc_is_not_sent(monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with serving() as service:
        run("epic", service.url, *SERVICES)
    assert not any("authorization" in one.headers for one in service.asked)


def test_a_service_that_stops_midway_is_a_fault():
    stopping = []

    def stops(asked, reply):
        if b'"order-sign"' in asked.body:
            stopping.append(asked)
        return None if stopping else reply

    with serving(stops) as service:
        result = run("epic", service.url, *SERVICES, "--json")
    assert result.exit_code == 1
    by_step = {step["step"]: step for step in json.loads(result.stdout)["steps"]}
    assert by_step["patient-view"]["verdict"] == "ok"
    assert by_step["order-sign"]["verdict"] == "FAULT"
    assert by_step["order-sign"]["status"] is None


def test_the_help_names_the_vendors():
    result = run("--help")
    assert result.exit_code == 0
    assert all(vendor in result.stdout for vendor in ("epic", "oracle", "sandbox"))
