"""CPU time of one chart opening, as a multiple of that of a bare ASGI app which parses the same body with orjson.

Both apps run under the same server with the same settings, in processes of their own on the loopback interface, and
answer the same requests in turns. Exit code 1 where the ratio is above the bound. Stops by itself: the number of
requests and the time are bounded.
"""

import argparse
import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from time import monotonic, sleep
from types import MappingProxyType

from patient import patient_view_request

SERVED = Path(__file__).parent / "served.py"
PATH = "/cds-services/cno-patient-view"
BOUND = 2.0
ROUNDS = 50
MOST_REQUESTS = 100_000
SECONDS_TO_START = 30
SECONDS_IN_ALL = 120
OK = 200


@contextmanager
def server(name: str) -> Iterator[HTTPConnection]:
    """Start one of the two apps; yields a kept-alive connection to it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, SERVED, name, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603  our own script
    try:
        yield connect(port, process)
    finally:
        process.terminate()
        process.wait(SECONDS_TO_START)


def connect(port: int, process: subprocess.Popen[bytes]) -> HTTPConnection:
    """Connect once the server listens."""
    deadline = monotonic() + SECONDS_TO_START
    while monotonic() < deadline and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS_TO_START)
        try:
            connection.connect()
        except ConnectionRefusedError:
            sleep(0.05)
        else:
            return connection
    sys.exit("A server did not start.")


def ask(connection: HTTPConnection, body: bytes, headers: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """Post one chart opening; the body of the answer."""
    connection.request("POST", PATH, body, {"Content-Type": "application/json", **headers})
    response = connection.getresponse()
    answer = response.read()
    if response.status != OK:
        sys.exit(f"Status {response.status}: {answer[:300]!r}")
    return answer


def cpu_seconds(connection: HTTPConnection) -> float:
    """CPU time, user and system, that the server has used since it started."""
    connection.request("GET", "/cpu")
    return int(connection.getresponse().read()) / 1e9


def measure(servers: list[HTTPConnection], body: bytes, requests: int) -> list[float]:
    """CPU seconds per request of each server; they answer in turns, so that a slow moment of the machine hits all."""
    before = [cpu_seconds(server) for server in servers]
    for _ in range(requests):
        for server in servers:
            ask(server, body)
    return [(cpu_seconds(server) - start) / requests for server, start in zip(servers, before, strict=True)]


def compare(servers: list[HTTPConnection], body: bytes, requests: int) -> list[list[float]]:
    """CPU seconds per request, a row for each round and a column for each server."""
    deadline = monotonic() + SECONDS_IN_ALL
    rounds = []
    while len(rounds) < ROUNDS and monotonic() < deadline:
        rounds.append(measure(servers, body, requests))
    return rounds


def main() -> int:
    """Measure, print, judge."""
    arguments = argparse.ArgumentParser(description="CPU time per request against a bare ASGI app.")
    arguments.add_argument("--requests", type=int, default=2000, help=f"for each app, at most {MOST_REQUESTS}")
    requests = min(max(arguments.parse_args().requests, 4 * ROUNDS), MOST_REQUESTS) // ROUNDS
    body = patient_view_request()
    with server("ours") as ours, server("bare") as bare:
        cards = json.loads(ask(ours, body))["cards"]
        if not cards:
            sys.exit("No card came back: there is nothing to measure.")
        compare([ours, bare], body, requests=5)
        rounds = compare([ours, bare], body, requests)
    lower, ratio, upper = quantiles([mine / other for mine, other in rounds], n=4)
    mine, other = (median(column) * 1e6 for column in zip(*rounds, strict=True))
    print(f"one chart opening: {len(body) / 1024:.0f} KiB, 120 Observations; {len(cards)} card(s) come back")
    print(f"CPU per request: ours {mine:.0f} µs, bare {other:.0f} µs")
    print(f"ratio: {ratio:.2f} (bound {BOUND}; half of {len(rounds)} rounds between {lower:.2f} and {upper:.2f})")
    return int(ratio > BOUND)


if __name__ == "__main__":
    sys.exit(main())
