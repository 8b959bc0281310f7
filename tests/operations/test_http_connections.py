"""Connections: no client is waited for long, whatever it sends or takes, and there are not too many."""

import resource
import time

import pytest

from cds_service.hooks.connections import HttpProtocol
from cds_service.operations.http_protocol import most_connections
from tests.operations.serving import (
    CHUNKED,
    EARLY,
    GET,
    HIDDEN,
    POST,
    SOUND,
    Echo,
    Peer,
    Quick,
    asked,
    refused,
    serving,
)


def test_a_connection_on_which_nothing_comes_is_closed_without_a_word(peer):
    assert peer.answer() is None


@pytest.mark.parametrize("before", [b"", SOUND])
@pytest.mark.parametrize(
    ("start", "more"),
    [(b"G", b""), (b"G", b"ET /" + b"a" * 999), (GET, b"X: y\r\n" * 999), (GET[:-3], b"x" * 999), (GET + b"\r", b"")],
)
def test_headers_that_do_not_end_are_refused_in_time_however_they_drip(served, before, start, more):
    with Peer(served[0]) as peer:
        if before:
            asked(peer, before)
        started = time.monotonic()
        peer.send(start).drip(more, 0.02)
        assert time.monotonic() - started < 20 * Quick.header_seconds
        assert refused(peer.answer(), 408)["code"] == "timeout"
        assert peer.is_closed()


@pytest.mark.parametrize("before", [b"", SOUND])
def test_empty_lines_do_not_keep_a_connection(served, before):
    with Peer(served[0]) as peer:
        if before:
            asked(peer, before)
        started = time.monotonic()
        peer.drip(b"\r\n" * 1000, 0.02)
        assert time.monotonic() - started < 20 * Quick.header_seconds
        assert peer.answer() is None


def test_a_connection_may_be_used_again_for_longer_than_headers_may_take(peer):
    for _ in range(4):
        assert asked(peer, SOUND)["body"] == "{}"
        time.sleep(Quick.header_seconds / 2)


def test_an_idle_connection_is_closed():
    with serving(Echo(), timeout_keep_alive=1) as port, Peer(port) as peer:
        asked(peer, SOUND)
        assert peer.is_closed()


def test_the_rest_of_a_body_that_was_answered_early_is_not_waited_for_long(peer):
    assert peer.send(EARLY + b"Content-Length: 99999\r\n\r\n{").answer().status == 200
    started = time.monotonic()
    peer.drip(b"x" * 1000, 0.02)
    assert time.monotonic() - started < 20 * Quick.rest_seconds
    assert peer.answer() is None


def test_the_rest_of_a_body_that_comes_at_once_is_passed_over(peer):
    peer.send(EARLY + b"Content-Length: 3000000\r\n\r\n" + b"x" * 3_000_000)
    assert peer.answer().status == 200
    assert asked(peer, SOUND)["body"] == "{}"


def test_what_is_no_http_after_an_answered_body_is_not_answered_again(peer):
    assert peer.send(EARLY + CHUNKED + b"2\r\n").answer().status == 200
    assert peer.send(b"{}malformed").answer() is None


def test_a_fault_after_a_whole_request_leaves_its_answer_in_place(served):
    with Peer(served[0]) as peer:
        answer = peer.send(SOUND + b"\0\0\0\0\r\n\r\n" + HIDDEN).answer()
        assert (answer.status, answer.json()["path"], answer.headers["connection"]) == (200, "/a", "close")
        assert peer.answer() is None


def test_a_body_that_breaks_off_ends_the_request_quietly(served):
    port, echo = served
    echo.ended.clear()
    with Peer(port) as peer:
        peer.send(POST + b"Content-Length: 10\r\n\r\n{")
        time.sleep(0.1)
    deadline = time.monotonic() + 5
    while not echo.ended and time.monotonic() < deadline:
        time.sleep(0.01)
    assert echo.ended == ["disconnected"]


def test_a_client_that_does_not_take_its_answer_is_let_go(served):
    with Peer(served[0]) as peer:
        peer.send(POST.replace(b"/a", b"/long") + b"Content-Length: 2\r\n\r\n{}")
        time.sleep(3 * Quick.rest_seconds)
        taken = 0
        try:
            while piece := peer.socket.recv(1 << 20):
                taken += len(piece)
        except ConnectionResetError:
            pass
        assert taken < 8_000_000


def test_a_connection_too_many_is_told_so_and_room_is_made_again():
    class Small(Quick):
        most_connections = 2

    with serving(Echo(), Small) as port, Peer(port) as first, Peer(port) as second:
        asked(first, SOUND)
        asked(second, SOUND)
        with Peer(port) as third:
            assert refused(third.answer(), 503)["code"] == "transient"
        first.__exit__()
        time.sleep(0.2)
        with Peer(port) as third:
            asked(third, SOUND)


@pytest.mark.parametrize(("files", "held"), [(64, 32), (1024, 924), (10**6, 10_000), (resource.RLIM_INFINITY, 10_000)])
def test_a_worker_holds_fewer_connections_than_it_may_open_files(monkeypatch, files, held):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert most_connections() == held


@pytest.mark.services
def test_half_open_connections_by_the_hundred_are_closed_and_probes_are_answered_meanwhile(make_client):
    """T16 of the threat table, with the bounds that are served."""
    with serving(make_client().app, HttpProtocol) as port:
        peers = [Peer(port) for _ in range(300)]
        started = time.monotonic()
        open_peers, waits = set(peers), []
        head = iter(b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 100)
        while open_peers and time.monotonic() - started < 15:
            byte = bytes([next(head)])
            for peer in list(open_peers):
                try:
                    peer.socket.sendall(byte)
                except OSError:
                    open_peers.discard(peer)
            before = time.monotonic()
            with Peer(port) as probe:
                assert probe.send(b"GET /livez HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n").answer().status == 200
            waits.append(time.monotonic() - before)
            time.sleep(1)
        assert not open_peers
        assert time.monotonic() - started < 10
        assert max(waits) < 1
        for peer in peers:
            peer.__exit__()
