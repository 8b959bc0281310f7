"""What the tests against real servers share: free ports, waiting, a FHIR server and a PostgreSQL for the whole run."""

import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from time import monotonic, sleep
from urllib.parse import urljoin

import msgspec
import pytest
import requests

from tests.services.postgres import new_database, running_postgres

FHIR_SERVER = Path(__file__).parent.parent.parent / "scripts" / "fhir-server"
FHIR_JSON = {"Content-Type": "application/fhir+json"}
BUILD_SECONDS = 1800
START_SECONDS = 180
SECONDS = 60
_TO_JSON = msgspec.json.Encoder(decimal_format="number").encode


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(url, process, seconds, **options):
    """Ask until the answer is a success; fail when the process has ended or the time is over."""
    deadline = monotonic() + seconds
    while monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(url, timeout=seconds, **options).ok:
                return
        except requests.ConnectionError:
            sleep(0.05)
    pytest.fail(f"{url} did not become ready.")


@dataclass(frozen=True)
class FhirServer:
    """HAPI FHIR JPA (R4) in a process of its own: a real store and a real judge. Every request needs the token."""

    base: str
    token: str

    @property
    def authorization(self):
        return {"Authorization": f"Bearer {self.token}"}

    def request(self, method, url, resource=None, **options):
        """Ask it with the token; `url` is relative to the base, or absolute as a next link is."""
        if resource is not None:
            options |= {"data": _TO_JSON(resource), "headers": FHIR_JSON}
        headers = self.authorization | options.pop("headers", {})
        return requests.request(method, urljoin(f"{self.base}/", url), headers=headers, timeout=SECONDS, **options)

    def load(self, resources):
        """Store resources under the ids that they have, all or none."""
        entries = [
            {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
            for each in resources
        ]
        response = self.request("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
        assert response.ok, response.text

    def search(self, url, **parameters):
        """The Bundle that a search, or a next link, is answered with."""
        response = self.request("GET", url, params=parameters)
        assert response.ok, response.text
        return response.json()

    def judged(self, resource, *severities):
        """What $validate has to say of a resource at these severities: `place: complaint`."""
        outcome = self.request("POST", f"{resource['resourceType']}/$validate", resource).json()
        assert outcome["resourceType"] == "OperationOutcome"
        return [
            f"{', '.join(issue.get('location', ())[:1])}: {issue['diagnostics']}"
            for issue in outcome["issue"]
            if issue["severity"] in severities
        ]


@pytest.fixture(scope="session")
def fhir_server():
    """One for all tests of the run; what a test loads stays."""
    subprocess.run([FHIR_SERVER, "--build"], check=True, timeout=BUILD_SECONDS)  # noqa: S603  our own script
    port = free_port()
    server = FhirServer(f"http://127.0.0.1:{port}/fhir", token_hex())
    process = subprocess.Popen([FHIR_SERVER, str(port), server.token])  # noqa: S603  our own script
    try:
        wait_until_ready(f"{server.base}/metadata", process, START_SECONDS, headers=server.authorization)
        yield server
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def postgres():
    """The URL of a PostgreSQL, one for all tests of the run."""
    with running_postgres(free_port()) as server:
        yield server.url


@pytest.fixture
def postgres_database(postgres):
    """The URL of an empty database of this test's own."""
    with new_database(postgres) as url:
        yield url
