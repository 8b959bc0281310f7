"""The service as it is started for real: the command, a port of its own, requests over the network."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

import pytest
import requests

from tests.services.conftest import free_port, wait_until_ready

pytestmark = pytest.mark.services

ROOT = Path(__file__).parent.parent.parent
COMMAND = Path(sys.executable).parent / "cno-cds"
SAMPLES = sorted(folder for folder in (ROOT / "fhir_samples").glob("*") if folder.is_dir())
SECONDS = 60


def environment(**extra):
    return {name: value for name, value in os.environ.items() if not name.startswith("CNO_CDS_")} | extra


@contextmanager
def running(*options, **extra):
    """Start the service; yields its process and its address. What it stores is gone with it unless told otherwise."""
    port = free_port()
    command = [COMMAND, "serve", "--port", str(port), *options]
    address = f"http://127.0.0.1:{port}"
    with TemporaryDirectory() as folder:
        store = {"CNO_CDS_DATABASE_URL": f"sqlite:///{folder}/cno-cds.db"}
        variables = environment(**{**store, **extra})
        process = subprocess.Popen(command, env=variables, cwd=ROOT)  # noqa: S603  our own command
        try:
            wait_until_ready(f"{address}/readyz", process, SECONDS)
            yield process, address
        finally:
            process.terminate()
            try:
                process.wait(SECONDS)
            finally:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def address():
    with running(CNO_CDS_TODAY="2025-09-15") as (_, address):
        yield address


def without_uuids(text):
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "uuid", text)


@pytest.mark.parametrize("folder", SAMPLES, ids=lambda folder: folder.name)
def test_a_sample_gets_its_expected_answer_over_the_network(folder, address):
    body = (folder / "request.json").read_bytes()
    service = f"{address}/cds-services/cno-{json.loads(body)['hook']}"
    response = requests.post(service, data=body, headers={"Content-Type": "application/json"}, timeout=SECONDS)
    expected = json.loads(without_uuids((folder / "response.json").read_text("utf-8")))
    assert json.loads(without_uuids(response.text)) == expected


def test_readmes_first_curl_returns_a_card_today():
    block = re.search(r"^curl .*?$(?<!\\)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    with running() as (_, address):
        words = shlex.split(block[0].replace("\\\n", " "))
        words[-1] = words[-1].replace("http://127.0.0.1:8000", address)
        answer = subprocess.run(  # noqa: S603  README's own words
            [*words, "--silent"], cwd=ROOT, capture_output=True, check=True, timeout=SECONDS
        )
    assert [card["indicator"] for card in json.loads(answer.stdout)["cards"]] == ["critical"]


def test_the_service_stops_at_once_and_in_order_when_it_is_told_to():
    with running() as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) in {0, -signal.SIGTERM}


def test_a_malformed_body_over_the_network_gets_an_operation_outcome(address):
    response = requests.post(
        f"{address}/cds-services/cno-patient-view",
        data=b'{"hook": NaN',
        headers={"Content-Type": "application/json"},
        timeout=SECONDS,
    )
    assert (response.status_code, response.json()["resourceType"]) == (400, "OperationOutcome")


def test_off_loopback_without_a_profile_the_service_refuses_to_start():
    refused = subprocess.run(  # noqa: S603  our own command
        [COMMAND, "serve", "--host", "0.0.0.0", "--port", str(free_port())],  # noqa: S104  that is what is refused
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert refused.returncode == 2
    assert "CNO_CDS_PROFILE" in refused.stderr


def test_the_wheel_carries_every_data_file_of_the_package(tmp_path):
    uv = ROOT / "scripts" / "uv"
    build = [uv, "build", "--quiet", "--wheel", "--out-dir", tmp_path]
    subprocess.run(build, cwd=ROOT, check=True, timeout=300)  # noqa: S603  our own command
    (wheel,) = tmp_path.glob("*.whl")
    carried = set(ZipFile(wheel).namelist())
    data = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "cds_service").rglob("*")
        if path.is_file() and path.suffix in {".toml", ".csv", ".json", ".html"}
    }
    assert data
    assert data <= carried
