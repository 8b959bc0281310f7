"""A twentieth of `make fuzz`, in the same proportions."""

import json
from random import Random

import pytest

from tests.fuzz.apps import applications, document
from tests.fuzz.inputs import Input, post
from tests.fuzz.judge import Judge
from tests.fuzz.report import replay, report, save
from tests.fuzz.runner import Plan, run, shares
from tests.fuzz.sources import SOURCES, Source

INPUTS = 5_000
WHOLE = 100_000


@pytest.fixture
def apps(make_client):
    make_client()
    with applications() as found:
        yield found


@pytest.fixture(scope="module")
def judge():
    return Judge(json.loads(document()))


def test_five_thousand_bad_inputs_are_answered_as_they_must_be(apps, judge):
    found = run(apps, judge, SOURCES, Plan(INPUTS, 5, minutes=5))
    lines = report(found, judge)
    assert found.is_clean, "\n".join(lines)
    assert found.inputs >= INPUTS
    assert {name for name, tally in found.tallies.items() if tally.inputs} == {source.name for source in SOURCES}
    assert len(judge.refusals) >= 20


def test_the_shares_come_to_the_whole():
    assert sum(source.weight for source in SOURCES) == 100
    assert sum(shares(SOURCES, WHOLE).values()) == WHOLE
    assert sum(shares(SOURCES, 7).values()) >= 7


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_seed_makes_the_same_inputs_each_time_and_another_seed_others(source):
    first, again, other = (list(source.generate(Random(seed), 16)) for seed in ("a", "a", "b"))  # noqa: S311  the generators take it
    assert first == again
    assert first != other
    assert len(first) == 16


async def broken(scope, _, send):
    """Answers well, but for one path."""
    if scope["path"] == "/evaluate":
        raise RuntimeError("Ola")
    start = {"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"application/json")]}
    issue = {"severity": "error", "code": "not-found", "diagnostics": "There is no such service."}
    body = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()
    await send(start)
    await send({"type": "http.response.body", "body": body})


def test_a_failure_is_told_saved_and_sent_again(judge, tmp_path, capsys):
    inputs = [Input("GET", "/x"), post("/evaluate", b"\xff{")]
    source = Source("two", 1, lambda _, __: iter(inputs))
    apps = [("broken", broken, 1)]
    found = run(apps, judge, [source], Plan(2, 1, minutes=1))
    assert not found.is_clean
    assert [failure.one for failure in found.failures] == inputs[1:]
    assert any("FAILED: two: 1" in line for line in report(found, judge))
    save(found, tmp_path)
    (file,) = tmp_path.iterdir()
    assert replay(file, apps, judge) == 1
    assert "RuntimeError: Ola" in capsys.readouterr().out


def test_a_run_whose_time_is_up_is_not_clean(judge):
    endless = Source("same", 1, lambda _, __: iter([Input("GET", "/x")] * 10))
    found = run([("broken", broken, 1)], judge, [endless], Plan(10, 1, minutes=0))
    assert not found.is_clean
    assert found.inputs < 10
