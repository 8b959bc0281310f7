"""What comes over a socket: only whole and well-formed requests of some size reach the application."""

import time

import pytest

from cds_service.operations.http_protocol import LONGEST_HEAD, MOST_HEADERS
from tests.operations.serving import CHUNKED, GET, HIDDEN, POST, SOUND, Peer, asked, refused

MALFORMED = {
    "Content-Length and Transfer-Encoding": POST + b"Content-Length: 4\r\n" + CHUNKED + b"0\r\n\r\n" + HIDDEN,
    "Transfer-Encoding and Content-Length": POST + CHUNKED[:-2] + b"Content-Length: 4\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two Content-Lengths": POST + b"Content-Length: 2\r\nContent-Length: 4\r\n\r\n{}{}",
    "one Content-Length twice": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": POST + b"Content-Length: 2, 2\r\n\r\n{}",
    "a length with a sign": POST + b"Content-Length: +2\r\n\r\n{}",
    "a negative length": POST + b"Content-Length: -2\r\n\r\n{}",
    "a length in hexadecimal digits": POST + b"Content-Length: 0x2\r\n\r\n{}",
    "a length beyond all numbers": POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n{}",
    "a space before the colon": POST + b"Content-Length : 2\r\n\r\n{}",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n{}",
    "a coding alike": POST + b"Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunked, but not at last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\n" + CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
    "a control character in the coding": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "line feeds alone": b"GET /a HTTP/1.1\nHost: x\n\n",
    "a line feed alone": b"GET /a HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
    "a carriage return alone": b"GET /a HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
    "a folded header": GET + b"X: a\r\n b\r\n\r\n",
    "a folded coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a NUL": GET + b"X: a\0b\r\n\r\n",
    "a name with a space": GET + b"X y: a\r\n\r\n",
    "no name": GET + b": a\r\n\r\n",
    "no colon": GET + b"abc\r\n\r\n",
    "a chunk that ends in a line feed": POST + CHUNKED + b"2\n{}\r\n0\r\n\r\n",
    "a chunk of 0x2": POST + CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n",
    "a chunk beyond all numbers": POST + CHUNKED + b"f" * 17 + b"2\r\n{}\r\n0\r\n\r\n",
    "a chunk longer than it says": POST + CHUNKED + b"1\r\n{}\r\n0\r\n\r\n",
    "HTTP/0.9": b"GET /a\r\n\r\n",
    "HTTP/1.2": b"GET /a HTTP/1.2\r\nHost: x\r\n\r\n",
    "HTTP/2.0": b"GET /a HTTP/2.0\r\nHost: x\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a method of no one": b"EVIL /a HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tunnel": b"CONNECT a.example:80 HTTP/1.1\r\nHost: a.example\r\n\r\n" + HIDDEN,
    "a tunnel to a path": b"CONNECT /a HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN,
    "no path": b"GET ?x HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space in the path": b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path that is not ASCII": b"GET /\xc3\xa5 HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_two_readers_might_read_differently_is_refused_and_nothing_after_it_is_read(peer, name):
    assert refused(peer.send(MALFORMED[name]).answer(), 400)["code"] == "structure"
    assert peer.is_closed()


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (SOUND, "{}"),
        (POST + CHUNKED + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", "{}"),
        (POST + CHUNKED + b"2;name=value\r\n{}\r\n0\r\n\r\n", "{}"),
        (POST + b"Transfer-Encoding:\tChunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "{}"),
        (b"\r\n" + SOUND, "{}"),
        (GET + b"\r\n", ""),
    ],
)
def test_what_is_well_formed_is_read_also_byte_by_byte(served, data, body):
    with Peer(served[0]) as whole, Peer(served[0]) as slow:
        assert asked(whole, data)["body"] == body
        slow.drip(data, 0)
        assert slow.answer().json()["body"] == body


def test_what_trails_a_body_is_no_header(peer):
    answer = asked(peer, POST + CHUNKED + b"2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\nHost: y\r\n\r\n")
    names = [name for name, _ in answer["headers"]]
    assert (names.count("host"), names.count("authorization")) == (1, 0)


@pytest.mark.parametrize("offer", [b"h2c", b"websocket", b"TLS/1.0"])
def test_the_offer_of_another_protocol_is_declined_and_its_body_is_read(peer, offer):
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: " + offer + b"\r\nHTTP2-Settings: AAMAAABk\r\n"
    hidden = POST + upgrade + b"Content-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN
    for _ in range(2):
        assert asked(peer, hidden)["body"] == HIDDEN.decode()
    peer.drip(POST + upgrade + CHUNKED + b"2\r\n{}\r\n0\r\n\r\n", 0)
    answer = peer.answer().json()
    assert (answer["body"], answer["path"]) == ("{}", "/a")
    assert "upgrade" not in dict(answer["headers"])


LARGE = {
    "a long path": b"GET /" + b"a" * LONGEST_HEAD + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long header": GET + b"X: " + b"a" * LONGEST_HEAD + b"\r\n\r\n",
    "a header without end": GET + b"X: " + b"a" * 1_000_000,
    "a name without end": GET + b"a" * 1_000_000,
    "long headers": GET + b"".join(b"X%d: %b\r\n" % (number, b"a" * 1000) for number in range(20)) + b"\r\n",
    "many headers": GET + b"".join(b"X%d: a\r\n" % number for number in range(MOST_HEADERS)) + b"\r\n",
}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("piece", [997, 10**7])
def test_headers_that_are_too_large_are_refused(served, name, piece):
    with Peer(served[0]) as peer:
        for start in range(0, len(LARGE[name]), piece):
            try:
                peer.send(LARGE[name][start : start + piece])
            except OSError:
                break
        assert refused(peer.answer(), 431)["code"] == "too-long"


def test_headers_just_below_the_bounds_are_read_in_pieces_too(served):
    many = b"".join(b"X%d: a\r\n" % number for number in range(MOST_HEADERS - 1))
    long = b"X: " + b"a" * (LONGEST_HEAD - 100) + b"\r\n"
    for head in (GET + many + b"\r\n", GET + long + b"\r\n"):
        with Peer(served[0]) as peer:
            for start in range(0, len(head), 1000):
                peer.send(head[start : start + 1000])
                time.sleep(0.002)
            assert peer.answer().status == 200


@pytest.mark.parametrize("after", [b"1;" + b"a" * 1_000_000, b"0\r\nX: " + b"a" * 1_000_000, b"0" * 1_000_000])
def test_what_frames_or_trails_a_body_has_bounds_too(peer, after):
    data = POST + CHUNKED + after
    for start in range(0, len(data), 4000):
        try:
            peer.send(data[start : start + 4000])
        except OSError:
            break
    assert refused(peer.answer(), 431)
