"""The service behind uvicorn on loopback, in a thread of this process, and requests to it byte by byte."""

import asyncio
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

PATIENCE = 30


@dataclass(frozen=True)
class Answer:
    """What came back, as it came."""

    head: bytes
    body: bytes

    @property
    def status(self):
        return int(self.head.split(b" ", 2)[1])


@contextmanager
def served(app):
    """Serve an ASGI application as `cno-cds serve` does; yields the port."""
    options = {"log_config": None, "access_log": False, "server_header": False, "lifespan": "off"}
    server = uvicorn.Server(uvicorn.Config(app, port=0, timeout_graceful_shutdown=1, **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + PATIENCE
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.005)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(PATIENCE)


def message(method, target, headers=(), body=b""):
    """The bytes of a request; a body that is no bytes is sent as JSON, a header that is None is left out."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"Host": "127.0.0.1", "Content-Type": "application/json", "Connection": "close", **dict(headers)}
    given.setdefault("Content-Length", str(len(content)))
    told = (f"{name}: {value}" for name, value in given.items() if value is not None)
    lines = [f"{method} {target} HTTP/1.1", *told]
    return "\r\n".join([*lines, "", ""]).encode() + content


async def exchange(port, sent):
    """Send bytes to the service, and read until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        await writer.drain()
        head, _, body = (await asyncio.wait_for(reader.read(-1), PATIENCE)).partition(b"\r\n\r\n")
    finally:
        writer.close()
    return Answer(head, body)
