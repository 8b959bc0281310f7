import gzip
import socket
from threading import Event, Thread

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError, ProtocolError

from cds_service.simulate.address import UsageError, read_address
from cds_service.simulate.client import Client, Limits, UnansweredError, UnreachableError
from tests.simulate.served import Reply, serving


def given_up(reason):
    return requests.ConnectionError(MaxRetryError(None, "/", reason))


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (requests.exceptions.SSLError(), UnreachableError, "its certificate or TLS is wrong"),
        (requests.exceptions.ProxyError(), UnreachableError, "the proxy that the environment names"),
        (requests.ConnectTimeout(), UnreachableError, "accepts no connection within 5 seconds"),
        (given_up(NameResolutionError("ehr", None, OSError())), UnreachableError, "its name cannot be resolved"),
        (given_up(NewConnectionError(None, "refused")), UnreachableError, "nothing listens there"),
        (requests.ReadTimeout(), UnansweredError, "too-slow"),
        (requests.ConnectionError(ProtocolError("Connection aborted.")), UnansweredError, "cut-off"),
        (requests.exceptions.InvalidURL(), UsageError, "URL must be one that can be called"),
    ],
)
def test_why_no_answer_came_is_told(monkeypatch, fault, error, words):
    def fails(*_, **__):
        raise fault

    monkeypatch.setattr(requests.Session, "request", fails)
    client = Client(read_address("https://ehr.example"), None, Limits())
    with pytest.raises(error, match=words):
        client.send("GET", "/cds-services", {})


def answer_of(twist, limits=None):
    with serving(twist) as service:
        client = Client(read_address(service.url), None, limits or Limits())
        try:
            return client.send("GET", "/cds-services", {})
        finally:
            client.close()


def test_no_cookie_is_sent_back():
    with serving(lambda _, reply: reply.but(headers={**reply.headers, "Set-Cookie": "a=b; Path=/"})) as service:
        client = Client(read_address(service.url), None, Limits())
        for _ in range(2):
            client.send("GET", "/cds-services", {})
        client.close()
    assert not any("cookie" in asked.headers for asked in service.asked)


def test_a_compressed_body_is_read():
    body = gzip.compress(b'{"services": []}')
    answer = answer_of(lambda _, __: Reply(200, body, {"Content-Type": "application/json", "Content-Encoding": "gzip"}))
    assert (answer.body, answer.trouble) == (b'{"services": []}', None)


def test_a_body_that_is_not_compressed_as_it_says_is_half_an_answer():
    answer = answer_of(lambda _, __: Reply(200, b"{}", {"Content-Encoding": "gzip"}))
    assert answer.trouble == "cut-off"


def test_a_body_that_comes_too_slowly_is_given_up(drip):
    client = Client(read_address(drip), None, Limits(seconds=0.4))
    answer = client.send("GET", "/cds-services", {})
    client.close()
    assert (answer.status, answer.trouble) == (200, "too-slow")
    assert answer.ms < 2000


@pytest.fixture
def drip():
    """An address that sends its body byte by byte, for ever."""
    over = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{")
                while not over.wait(0.05):
                    try:
                        connection.sendall(b" ")
                    except OSError:
                        return

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        over.set()
        thread.join()
