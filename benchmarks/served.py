"""Serves one of the two apps that bench.py compares, and tells at /cpu how much CPU time its process has used."""

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from time import process_time_ns
from typing import Any, TypeAlias
from uuid import uuid4
from zoneinfo import ZoneInfo

import orjson
import uvicorn

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

FIXED = orjson.dumps(
    {"cards": [{"summary": "A fixed card.", "indicator": "info", "source": {"label": "bench"}, "uuid": str(uuid4())}]}
)
NOW = datetime(2025, 9, 15, 10, tzinfo=ZoneInfo("Europe/Oslo"))


async def bare(scope: Message, receive: Receive, send: Send) -> None:
    """Parse the body, answer with a fixed card."""
    if scope["type"] == "lifespan":
        return
    chunks, more = [], True
    while more:
        message = await receive()
        chunks.append(message["body"])
        more = message["more_body"]
    request = orjson.loads(b"".join(chunks))
    if request["hook"] == "patient-view":
        await answer(send, FIXED)


async def answer(send: Send, body: bytes) -> None:
    """Answer 200 with a JSON body."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def ours() -> App:
    """The service as `cno-cds serve` makes it, on the day of the sample patient."""
    from cds_service.app import create_app  # noqa: PLC0415  the bare app must not load it
    from cds_service.settings import Settings  # noqa: PLC0415  likewise

    return create_app(Settings(), clock=lambda: NOW, new_uuid=lambda: str(uuid4()))


def with_cpu(app: App) -> App:
    """Answer /cpu, hand everything else on: the same small cost for both."""

    async def handle(scope: Message, receive: Receive, send: Send) -> None:
        if scope.get("path") == "/cpu":
            await answer(send, str(process_time_ns()).encode())
        else:
            await app(scope, receive, send)

    return handle


if __name__ == "__main__":
    name, port = sys.argv[1:]
    app = with_cpu(ours() if name == "ours" else bare)
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning", access_log=False)
