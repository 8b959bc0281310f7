"""A server on the loopback interface in a thread of its own, and raw sockets to speak to it."""

import json
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from cds_service.hooks.connections import UVICORN_OPTIONS, HttpProtocol
from cds_service.operations.bodies import read_body
from cds_service.operations.errors import DisconnectedError, RequestError

SECONDS = 20
GET = b"GET /a HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
EARLY = POST.replace(b"/a", b"/early")
SOUND = POST + b"Content-Length: 2\r\n\r\n{}"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"


class Quick(HttpProtocol):
    """The same bounds in a fraction of the time."""

    header_seconds = 0.4
    rest_seconds = 0.4


class Echo:
    """Answers with what it was asked; `ended` tells how requests ended. `/early` is answered with its body unread."""

    def __init__(self):
        self.ended = []

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]
        told = {"method": scope["method"], "path": scope["path"], "headers": headers}
        status = 200
        try:
            if scope["path"] != "/early":
                told["body"] = (await read_body(scope["headers"], receive, seconds=2)).decode()
        except DisconnectedError:
            self.ended.append("disconnected")
            return
        except RequestError as error:
            status = error.status
        self.ended.append(status)
        body = b"x" * 8_000_000 if scope["path"] == "/long" else json.dumps(told).encode()
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": status, "headers": [length]})
        await send({"type": "http.response.body", "body": body})


@contextmanager
def serving(app, protocol=Quick, **options):
    """Serve; yields the port."""
    config = uvicorn.Config(app, port=0, log_config=None, **{**UVICORN_OPTIONS, "http": protocol, **options})
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + SECONDS
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(SECONDS)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self):
        return json.loads(self.body)


class Peer:
    """One connection of a client that writes what it likes."""

    def __init__(self, port, *, patient=SECONDS):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=patient)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    def drip(self, data, seconds):
        """Send byte by byte until all is sent or the server has closed."""
        for place in range(len(data)):
            try:
                self.socket.sendall(data[place : place + 1])
            except OSError:
                return
            time.sleep(seconds)

    def answer(self):
        """The next answer; None once the server has closed."""
        try:
            first = self.file.readline()
        except ConnectionResetError:
            return None
        if not first:
            return None
        lines = iter(self.file.readline, b"\r\n")
        headers = dict(line.decode("latin-1").rstrip("\r\n").lower().split(": ", 1) for line in lines)
        return Answer(int(first.split()[1]), headers, self.file.read(int(headers["content-length"])))

    def is_closed(self):
        """Whether the server closes, within the patience of the socket."""
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True


def refused(answer, status):
    """Whether it is an OperationOutcome of that status after which the connection ends."""
    assert answer is not None
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["connection"] == "close"
    assert answer.json()["resourceType"] == "OperationOutcome"
    return answer.json()["issue"][0]


def asked(peer, data):
    """What the application was asked by this."""
    answer = peer.send(data).answer()
    assert answer is not None
    assert answer.status == 200
    return answer.json()
