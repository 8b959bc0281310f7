"""A line holds what is allowed by name, and nothing else, whoever wants to tell it."""

import ast
import json
import logging
import os
import re
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.operations.log import RequestLine, event, lines_lost, request_line
from tests.conftest import NOW, ROOT
from tests.operations.logs import VIEW, logging_to

PRIVATE = "Olav Nordmann 01010012345"
INSTANCE = "4F8A2D10-93b1-4c02-8a55-0d3b7a6f9e21"
KEYS = [
    *("event", "route", "method", "status", "ms", "tenant", "instance", "refusal", "cards", "topics", "fetch_ms"),
    *("rules", "count", "logger", "message", "origin", "category", "place", "exc_info", "faults", "exception"),
    *("stack_info", "time", "level"),
]
PACKAGE = ROOT / "cds_service"
WRITERS = {"logging", "structlog", "traceback", "warnings", "faulthandler"}


def test_a_request_leaves_one_line_of_what_is_known(log):
    line = RequestLine(route=VIEW, method="POST", status=200, ms=12.3456, tenant="hospital", hook_instance=INSTANCE)
    line.cards, line.topics, line.fetch_ms, line.rules = 2, ["CNOclassification", "CNObiopsy"], 80.0, "1.0.0"
    request_line(line)
    assert log.lines == [
        {
            "time": NOW.isoformat(timespec="milliseconds"),
            "level": "info",
            "event": "request",
            "route": VIEW,
            "method": "POST",
            "status": 200,
            "ms": 12.35,
            "tenant": "hospital",
            "instance": sha256(INSTANCE.lower().encode()).hexdigest()[:12],
            "cards": 2,
            "topics": ["CNOclassification", "CNObiopsy"],
            "fetch_ms": 80.0,
            "rules": "1.0.0",
        }
    ]


def test_what_is_no_known_word_is_told_as_other_or_not_at_all(log):
    line = RequestLine(PRIVATE, PRIVATE, 401, 1.0, PRIVATE, PRIVATE, PRIVATE, 0, [PRIVATE, "CNObiopsy"], rules=PRIVATE)
    request_line(line)
    (told,) = log.lines
    assert (told["route"], told["method"], told["tenant"], told["refusal"]) == ("other",) * 4
    assert told["topics"] == ["CNObiopsy"]
    assert "instance" not in told
    assert "rules" not in told


@pytest.mark.parametrize(
    "guessable",
    [
        "01010012345",
        "patient-7",
        "",
        "4f8a2d1093b14c028a550d3b7a6f9e21",
        "00000000-0000-0000-0000-001010012345",
        "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "886313e1-3b8a-5372-9b90-0c9aee199e5d",
        f"{INSTANCE}\n",
    ],
)
def test_a_hook_instance_that_can_be_guessed_is_not_told_even_as_a_hash(log, guessable):
    request_line(RequestLine(hook_instance=guessable))
    assert "instance" not in log.lines[0]


def test_a_random_hook_instance_is_found_again_by_who_has_it(log):
    instances = [str(uuid4()) for _ in range(20)]
    for instance in instances:
        request_line(RequestLine(hook_instance=instance))
    assert [line["instance"] for line in log.lines] == [sha256(each.encode()).hexdigest()[:12] for each in instances]


def test_a_line_without_a_status_or_with_one_of_ours_is_an_error(log):
    for status in (None, 500, 503, 499, 200):
        request_line(RequestLine(status=status))
    assert [line["level"] for line in log.lines] == ["error", "error", "error", "info", "info"]


def test_events_of_the_installation_are_told_and_no_others(log):
    event("key-set-fetched", logging.WARNING, tenant="hospital", count=3, patient=PRIVATE)
    event(PRIVATE)
    told = [{name: value for name, value in line.items() if name != "time"} for line in log.lines]
    assert told == [
        {"level": "warning", "event": "key-set-fetched", "tenant": "hospital", "count": 3},
        {"level": "info", "event": "other"},
    ]


def words_of(told):
    """Every text in a line, keys too."""
    if isinstance(told, dict):
        return [*told, *(word for value in told.values() for word in words_of(value))]
    if isinstance(told, list):
        return [word for value in told for word in words_of(value)]
    return [told] if isinstance(told, str) else []


VALUES = st.recursive(
    st.text() | st.integers() | st.floats() | st.binary() | st.booleans() | st.none() | st.dates() | st.just(PRIVATE),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
KNOWN = {*KEYS, "other", "info", "error", "anonymous", "request", "type", "frames", "relation", "py.warnings", "root"}


@given(fields=st.dictionaries(st.sampled_from(KEYS) | st.text(), VALUES, max_size=8), bound=VALUES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_no_text_and_no_long_number_gets_into_a_line_under_any_key(log, fields, bound):
    name = fields.pop("event", PRIVATE)
    structlog.get_logger().bind(patient=bound, route=bound).info(str(name), **fields)
    told = log.lines[-1]
    place = told.pop("place", "other:0")
    assert re.fullmatch(r"other:\d{1,6}", place)
    assert {word for word in words_of(told) if word != told["time"]} <= KNOWN
    numbers = [value for value in told.values() if isinstance(value, int | float)]
    assert all(abs(number) < 10**7 for number in numbers)


def test_before_it_is_set_up_nothing_is_written(capfd):
    assert not structlog.is_configured()
    request_line(RequestLine(route=VIEW))
    event("key-set-fetched")
    assert capfd.readouterr() == ("", "")
    assert lines_lost() == 0


def test_a_line_that_cannot_be_composed_is_counted_and_nobody_is_told(log):
    class Odd(str):
        __slots__ = ()

        def __hash__(self):
            raise ZeroDivisionError

    request_line(RequestLine(route=Odd("x")))
    request_line(RequestLine())
    assert lines_lost() == 1
    assert [line["lost"] for line in log.lines] == [1]


def test_a_terminal_shows_development_a_form_to_be_read_and_production_json():
    for production in (False, True):
        ours, terminal = os.openpty()
        try:
            with logging_to(terminal, production=production):
                request_line(RequestLine(route=VIEW, status=500, fault=fault_with(PRIVATE)))
            shown = os.read(ours, 65536).decode()
        finally:
            os.close(ours)
            os.close(terminal)
        assert PRIVATE not in shown
        assert VIEW in shown
        if production:
            assert json.loads(shown)["faults"][0]["type"] == "KeyError"
        else:
            assert "    KeyError\r\n        tests/operations/test_log.py:" in shown


def fault_with(text):
    try:
        {}[text]
    except KeyError as fault:
        return fault


def test_only_the_log_itself_can_write_a_record_a_warning_or_a_traceback():
    """What other modules want to tell goes through `event` and `request_line`."""
    found = [
        (str(path.relative_to(PACKAGE)), name)
        for path in sorted(PACKAGE.rglob("*.py"))
        if Path("operations") not in path.relative_to(PACKAGE).parents
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
        if name and name.partition(".")[0] in WRITERS
    ]
    assert found == []
