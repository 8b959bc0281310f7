"""Time of a chart opening of which nothing was prefetched, as a multiple of one search on the same FHIR server.

The server is a page of asyncio that answers each request after the same pause, as an EHR does; service and baseline ask
it in turns. Asking for one list after the other would take some sixteen times as long as one; exit code 1 above the
bound. Run as `python -m benchmarks.fetching`. Stops by itself.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from urllib.parse import parse_qs, urlsplit

import httpx2

from benchmarks.patient import Json, bundle, patient_view_request
from benchmarks.synthetic import NOW
from cds_service.app import create_app, random_uuid
from cds_service.settings import Settings

PAUSE = 0.05
ROUNDS = 40
BOUND = 3.0
OK = 200
TYPES = {"conditions": "Condition", "forms": "QuestionnaireResponse"}


async def main() -> int:
    """Measure, print, judge."""
    request = json.loads(patient_view_request())
    server = await asyncio.start_server(answering(lists(request["prefetch"])), "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir"
    authorization = {"access_token": "bench", "token_type": "Bearer", "expires_in": 300}
    body = {**request, "prefetch": {}, "fhirServer": base, "fhirAuthorization": authorization}
    with TemporaryDirectory() as folder:
        (Path(folder) / "bench.toml").write_text(f'fhir_bases = ["{base}"]\n', "utf-8")
        app = create_app(Settings(tenants_dir=Path(folder)), clock=lambda: NOW, new_uuid=random_uuid)
    service = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://bench")
    async with server, service, httpx2.AsyncClient() as alone:
        ratios = [
            await took(lambda: service.post("/cds-services/cno-patient-view", json=body))
            / await took(lambda: alone.get(f"{base}/Observation?patient=bench-1&category=laboratory"))
            for _ in range(ROUNDS)
        ]
        await app.aclose()
    lower, ratio, upper = quantiles(ratios, n=4)
    print(f"a chart opening, all lists fetched, over one search of {PAUSE * 1000:.0f} ms and more on the same server")
    print(f"ratio: {ratio:.2f} (bound {BOUND}; half of {ROUNDS} rounds between {lower:.2f} and {upper:.2f})")
    return int(ratio > BOUND)


async def took(ask: Callable[[], Awaitable[httpx2.Response]]) -> float:
    """Seconds until the whole answer is there."""
    started = perf_counter()
    response = await ask()
    if response.status_code != OK or response.json().get("cards") == []:
        sys.exit(f"Status {response.status_code}: {response.text[:300]}")
    return perf_counter() - started


def lists(prefetch: Json) -> dict[tuple[str, str], bytes]:
    """What a search for a type and a category is answered with."""
    found = {(TYPES[key], ""): prefetch[key] for key in TYPES}
    found |= {("Observation", "laboratory"): prefetch["labs"], ("Patient", ""): prefetch["patient"]}
    return {which: json.dumps(value).encode() for which, value in found.items()}


def answering(
    known: dict[tuple[str, str], bytes],
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """A server of these lists; all others are empty."""
    empty = json.dumps(bundle([])).encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                url = urlsplit(head.split(b" ", 2)[1].decode())
                which = url.path.split("/")[2], parse_qs(url.query).get("category", [""])[0]
                await asyncio.sleep(PAUSE)
                body = known.get(which, empty)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    return serve


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
