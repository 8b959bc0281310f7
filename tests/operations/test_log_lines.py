"""A log that cannot be written costs lines, which are counted, and neither a request nor time."""

import os
import select
import time

import pytest

from cds_service.operations.log import RequestLine, lines_lost, request_line
from cds_service.operations.log_lines import Lines
from tests.operations.logs import VIEW, logging_to

PAGE = 4096


@pytest.fixture
def pipe():
    ends = list(os.pipe())
    yield ends
    for end in ends:
        os.close(end)


def fill(end):
    """Write until the pipe takes no more."""
    while select.select((), (end,), (), 0)[1]:
        os.write(end, b"." * PAGE)


def test_a_full_disk_costs_lines_and_the_next_log_starts_counting_afresh(tmp_path):
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with logging_to(full):
            for _ in range(3):
                request_line(RequestLine(route=VIEW, status=200))
            assert lines_lost() == 3
    finally:
        os.close(full)
    there = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    try:
        with logging_to(there):
            assert lines_lost() == 0
    finally:
        os.close(there)


def test_a_closed_pipe_or_descriptor_costs_lines():
    reading, writing = os.pipe()
    os.close(reading)
    with logging_to(writing):
        request_line(RequestLine())
        assert lines_lost() == 1
        os.close(writing)
        request_line(RequestLine())
        assert lines_lost() == 2


def test_a_reader_that_has_stopped_reading_does_not_stop_the_service(pipe):
    reading, writing = pipe
    fill(writing)
    with logging_to(writing):
        started = time.monotonic()
        for _ in range(100):
            request_line(RequestLine(route=VIEW, status=200))
        assert time.monotonic() - started < 1
        assert lines_lost() == 100
        os.read(reading, 1 << 20)
        request_line(RequestLine(route=VIEW, status=200))
        assert b'"lost":100' in os.read(reading, PAGE)
        assert lines_lost() == 100


def test_a_line_after_half_a_one_begins_afresh(pipe):
    reading, writing = pipe
    lines = Lines(writing)
    fill(writing)
    os.read(reading, PAGE)
    lines.msg(b"a" * 3 * PAGE)
    assert lines.lost == 1
    rest = b""
    while select.select((reading,), (), (), 0)[0]:
        rest += os.read(reading, 1 << 20)
    assert rest.endswith(b"a" * PAGE)
    lines.msg("b")
    assert os.read(reading, PAGE) == b"\nb\n"
    assert lines.lost == 1


def test_a_long_line_is_written_whole(tmp_path):
    there = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    try:
        Lines(there).msg(b"a" * 3 * PAGE)
    finally:
        os.close(there)
    assert (tmp_path / "log").read_bytes() == b"a" * 3 * PAGE + b"\n"
