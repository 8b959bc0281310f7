"""The service in a process of its own, as talkative as Python can be, that fails and crashes: nothing comes out."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from time import monotonic, sleep

import pytest
import requests

from tests.canaries import ALL, CANARIES, Spill
from tests.hooks.test_bad_input import request as whole_request
from tests.services.conftest import free_port, wait_until_ready
from tests.test_canaries import HEADERS, QUERY, salted

pytestmark = pytest.mark.services

ROOT = Path(__file__).parent.parent.parent
SECONDS = 120
HOOKS = ("patient-view", "order-sign")


@contextmanager
def failing(folder, workers, way):
    """The service, which fails in a way at each hook; yields its process, address and what comes out of it."""
    port, spill = free_port(), Spill()
    own = {"CNO_CDS_PROFILE": "development", "PYTHONPATH": str(ROOT), "PYTHONASYNCIODEBUG": "1", "HOME": str(folder)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CNO_CDS_")} | own
    command = [sys.executable, "-X", "dev", "-m", "tests.services.failing"]
    out, err = (folder / name for name in ("out", "err"))
    with out.open("wb") as output, err.open("wb") as errors:
        process = subprocess.Popen(  # noqa: S603  our own script
            [*command, str(port), str(workers), way], env=environment, cwd=folder, stdout=output, stderr=errors
        )
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/readyz", process, SECONDS)
            yield process, f"http://127.0.0.1:{port}", spill
            process.terminate()
            process.wait(SECONDS)
        finally:
            process.kill()
            process.wait()
    spill.add_folder(folder)


def ask(address, hook, spill):
    """Post a request full of canaries; the status, None where the connection was cut."""
    try:
        answer = requests.post(
            f"{address}/cds-services/cno-{hook}?{QUERY}",
            data=json.dumps({**salted(whole_request(hook), cycle(CANARIES)), "extra": ALL}),
            headers={name: value.encode("latin-1") for name, value in HEADERS.items()},
            timeout=SECONDS,
        )
    except requests.ConnectionError:
        return None
    spill.add("headers", str(answer.headers))
    if not answer.ok:
        spill.add("body", answer.content)
    return answer.status_code


def lines(folder):
    return [json.loads(line) for line in (folder / "out").read_bytes().splitlines()]


@pytest.mark.parametrize(("way", "status", "workers"), [("raise", 500, 2), ("exit", 500, 1), ("lose", 200, 1)])
def test_a_process_that_fails_tells_types_and_places_alone(way, status, workers, tmp_path):
    with failing(tmp_path, workers, way) as (_, address, spill):
        answered = [ask(address, hook, spill) for hook in HOOKS]
    assert spill.found() == set()
    assert answered == [status] * len(HOOKS)
    told = lines(tmp_path)
    assert {line["event"] for line in told} >= {"request", "foreign"}
    assert {fault["type"] for line in told for fault in line.get("faults", ())} >= (
        {"SystemExit"} if way == "exit" else {"ExceptionGroup", "KeyError"}
    )


@pytest.mark.parametrize("way", ["abort", "kill"])
def test_a_process_that_crashes_leaves_nothing_behind(way, tmp_path):
    with failing(tmp_path, 1, way) as (process, address, spill):
        assert ask(address, "patient-view", spill) is None
        assert process.wait(SECONDS) < 0
    assert spill.found() == set()
    assert any(line.get("message") == "Application startup complete." for line in lines(tmp_path))
    if way == "abort":
        assert b"Fatal Python error: Aborted" in (tmp_path / "err").read_bytes()


def test_the_supervisor_tells_of_a_worker_that_died_and_no_more(tmp_path):
    with failing(tmp_path, 2, "abort") as (process, address, spill):
        assert ask(address, "patient-view", spill) is None
        deadline = monotonic() + SECONDS
        while "Child process died" not in messages(tmp_path) and monotonic() < deadline:
            sleep(0.1)
        wait_until_ready(f"{address}/readyz", process, SECONDS)
    assert "Child process died" in messages(tmp_path)
    assert spill.found() == set()


def messages(folder):
    return {line.get("message") for line in lines(folder)}
