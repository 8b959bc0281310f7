"""Asks an ASGI application without a server in between, and notes all that it does."""

import asyncio
import signal
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter, process_time
from urllib.parse import unquote

SECONDS_TO_HANG = 20


class HungError(BaseException):
    """An answer that never ends. No application may catch it."""


@dataclass(slots=True)
class Answer:
    """What came back. `raised` is the traceback of what the application let through."""

    events: list[dict] = field(default_factory=list)
    seconds: float = 0.0
    """CPU time of this process."""
    waited: float = 0.0
    """Time by the clock on the wall."""
    raised: str = ""

    @property
    def status(self) -> int:
        """Of the response, 0 where there is none."""
        return self.events[0].get("status", 0) if self.events else 0

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Of the response."""
        return list(self.events[0].get("headers", ())) if self.events else []

    @property
    def body(self) -> bytes:
        """All parts of it."""
        return b"".join(event.get("body", b"") for event in self.events[1:])


async def ask(app, one):
    """Send one input; the answer, and how long it took."""
    answer = Answer()

    async def send(event):
        answer.events.append(event)

    receive, scope = _receiver(one), _scope(one)
    cpu, wall = process_time(), perf_counter()
    try:
        with _bounded():
            async with asyncio.timeout(SECONDS_TO_HANG):
                await app(scope, receive, send)
    except (Exception, HungError):  # noqa: BLE001  whatever leaves the application is a fault of it
        answer.raised = traceback.format_exc()
    answer.seconds, answer.waited = process_time() - cpu, perf_counter() - wall
    return answer


def _scope(one):
    """As uvicorn makes it."""
    raw, _, query = one.target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "scheme": "http",
        "method": one.method,
        "root_path": "",
        "path": unquote(raw),
        "raw_path": raw.encode("ascii"),
        "query_string": query.encode("ascii"),
        "headers": list(one.headers),
        "state": {},
    }


def _receiver(one):
    size = max(1, -(-len(one.body) // max(1, one.chunks)))
    parts = [one.body[start : start + size] for start in range(0, len(one.body), size)] or [b""]
    events = [
        {"type": "http.request", "body": part, "more_body": number < len(parts)} for number, part in enumerate(parts, 1)
    ]
    if one.is_cut_off:
        events[-1] = {"type": "http.disconnect"}
    waiting = iter(events)

    async def receive():
        event = next(waiting, None)
        return event if event is not None else await asyncio.get_running_loop().create_future()

    return receive


@contextmanager
def _bounded():
    """Ends what computes without end; what waits without end is ended by the event loop, and sooner."""

    def stop(*_):
        raise HungError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS_TO_HANG + 1)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
