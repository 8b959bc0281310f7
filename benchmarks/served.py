"""Serves one of the apps that are compared, and tells at /cpu how much CPU time its process has used."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
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
    request = orjson.loads(b"".join([part async for part in parts(receive)]))
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


def plain() -> App:
    """Our answers alone: no address, no token, no limit, no header, no log."""
    from cds_service.app import make_answers  # noqa: PLC0415  likewise
    from cds_service.hooks.services import BY_HOOK  # noqa: PLC0415  likewise
    from cds_service.settings import Settings  # noqa: PLC0415  likewise

    answers = make_answers(Settings(), lambda: NOW, lambda: str(uuid4()))

    async def handle(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return
        body = b"".join([part async for part in parts(receive)])
        told = await answers.to_hook(BY_HOOK["patient-view"], body, None)
        await answer(send, told.body)

    return handle


def trusted() -> App:
    """The service in production: a token on every request, and a line for it in the log."""
    from cds_service.app import create_app, start_log  # noqa: PLC0415  likewise
    from cds_service.settings import read_settings  # noqa: PLC0415  likewise

    settings = read_settings()
    start_log(settings)
    return create_app(settings, clock=lambda: NOW, new_uuid=lambda: str(uuid4()))


async def parts(receive: Receive) -> AsyncIterator[bytes]:
    """The body as it comes."""
    more = True
    while more:
        message = await receive()
        yield message["body"]
        more = message["more_body"]


def with_cpu(app: App) -> App:
    """Answer /cpu, hand everything else on: the same small cost for both."""

    async def handle(scope: Message, receive: Receive, send: Send) -> None:
        if scope.get("path") == "/cpu":
            await answer(send, str(process_time_ns()).encode())
        else:
            await app(scope, receive, send)

    return handle


APPS = {"ours": ours, "plain": plain, "trusted": trusted}

if __name__ == "__main__":
    name, port = sys.argv[1:]
    app = with_cpu(bare if name == "bare" else APPS[name]())
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning", access_log=False)
