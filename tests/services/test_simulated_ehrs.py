"""Our own service as it is started for real, before each of the simulated EHRs."""

import json
import subprocess

import pytest

from tests.services.test_running_server import COMMAND, ROOT, SECONDS, environment, running

pytestmark = pytest.mark.services
CARDS_OF_AN_ORDER = {"order-select", "order-sign"}


@pytest.fixture(scope="module")
def address():
    with running() as (_, address):
        yield address


def simulated(vendor, address, *options):
    return subprocess.run(  # noqa: S603  our own command
        [COMMAND, "simulate", vendor, address, *options],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS * 4,
        check=False,
    )


@pytest.mark.parametrize("vendor", ["epic", "oracle", "sandbox"])
def test_our_own_service_serves_each_ehr(vendor, address):
    run = simulated(vendor, address, "--json")
    report = json.loads(run.stdout)
    findings = {finding["rule"] for step in report["steps"] for finding in step["findings"]}
    assert run.returncode == 0
    assert findings <= {"N1"}, run.stdout
    assert {step["step"] for step in report["steps"] if step["cards"]} >= {"patient-view", *CARDS_OF_AN_ORDER}


def test_the_table_is_drawn_in_a_terminal(address):
    run = simulated("sandbox", f"{address}/cds-services")
    assert run.returncode == 0
    assert run.stdout.splitlines()[-1].startswith("sandbox: ")
