"""What a log line may hold: the keys, and for each the shape of its values. All else is left out, not masked."""

from __future__ import annotations

import hashlib
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from cds_service.operations.log_faults import place, told, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, MutableMapping
    from datetime import datetime

    from structlog.typing import Processor

    from cds_service.operations.log_lines import Lines

    Shape: TypeAlias = Callable[[object], object]
    """The value as it may be told, None where it may not."""

OTHER = "other"
ANONYMOUS = "anonymous"
OWN_EVENTS = frozenset({"request", "fault", "uncaught", "foreign", "warning"})
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SHAPELESS_KEYS = frozenset({"time", "level", "event", "faults", "lost"})
"""What a line tells of itself, beside the keys of `shapes`."""
ISSUES = frozenset(
    [
        "conflict",
        "forbidden",
        "incomplete",
        "login",
        "multiple-matches",
        "no-store",
        "not-found",
        "not-supported",
        "processing",
        "structure",
        "throttled",
        "timeout",
        "too-costly",
        "too-long",
        "transient",
        "value",
    ]
)
"""Issue types of FHIR R4 that our refusals have."""
_RANDOM_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_HASH_DIGITS = 12
_LONGEST_WAIT = 1e7
_MOST_COUNTED = 1_000_000
_PUT_IN = re.compile(r" (?:on )?\[?%\S*| \[0\]")
"""Where something is put into a template; that is left out."""
_DIGITS = re.compile(r"\d+", re.ASCII)
_LOGGERS = frozenset({"root", "uvicorn.error", "py.warnings", "sqlalchemy.engine.Engine"})
"""Loggers that are not named for a module."""
_MESSAGES = (
    "Started server process [%d]",
    "Started parent process [0]",
    "Waiting for application startup.",
    "Application startup complete.",
    "Application startup failed. Exiting.",
    "Uvicorn running on %s://%s:%d (Press CTRL+C to quit)",
    "Shutting down",
    "Waiting for connections to close. (CTRL+C to force quit)",
    "Waiting for background tasks to complete. (CTRL+C to force quit)",
    "Cancel %s running task(s), timeout graceful shutdown exceeded",
    "Waiting for application shutdown.",
    "Application shutdown complete.",
    "Application shutdown failed. Exiting.",
    "Finished server process [%d]",
    "Waiting for child process [0]",
    "Terminated child process [0]",
    "Child process [0] died",
    "Child process [0] failed to start, stopping the parent process.",
    "Stopping parent process [0]",
    "Received SIGINT, exiting.",
    "Received SIGTERM, exiting.",
    "Received SIGHUP, restarting processes.",
    "Maximum request limit of %d exceeded. Terminating process.",
    "Exceeded concurrency limit.",
    "Invalid HTTP request received.",
    "Unsupported upgrade request.",
    "Exception in ASGI application",
    "ASGI callable returned without starting response.",
    "ASGI callable returned without completing response.",
    "Task exception was never retrieved",
    "Future exception was never retrieved",
    "Task was destroyed but it is pending!",
    "Executing %s took %.3f seconds",
    "socket.send() raised exception.",
)
"""Templates of uvicorn and asyncio, first lines; a digit stands for any number."""


@dataclass(frozen=True, slots=True)
class Words:
    """The closed sets of an installation: a word that is not in them is told as `other`, or not at all."""

    routes: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    refusals: frozenset[str] = frozenset()
    """Why a caller was not let in."""
    topics: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    """Names of events beside those of this package."""
    rules: str = ""
    """The version of the rules."""


def only_allowed(words: Words, clock: Callable[[], datetime], lines: Lines) -> Processor:
    """The processor of structlog that composes a line anew from what it may hold.

    Lines after a loss carry how many were `lost` so far.
    """
    allowed = shapes(words)
    events = OWN_EVENTS | words.events

    def compose(_: object, level: str, given: MutableMapping[str, object]) -> Mapping[str, object]:
        event = given.get("event")
        line: dict[str, object] = {
            "time": clock().isoformat(timespec="milliseconds"),
            "level": level,
            "event": event if isinstance(event, str) and event in events else OTHER,
        }
        for key, value in given.items():
            shape = allowed.get(key)
            told_as = None if shape is None or value is None else shape(value)
            if told_as is not None:
                line[key] = told_as
        fault = _fault(given.get("exc_info"))
        if fault is not None:
            line["faults"] = told(fault)
        if lines.lost:
            line["lost"] = lines.lost
        return line

    return compose


def shapes(words: Words) -> Mapping[str, Shape]:
    """Each key that whoever logs may give, and what becomes of its value."""
    return {
        "route": _one_of(words.routes, OTHER),
        "method": _one_of(_METHODS, OTHER),
        "status": _count(range(100, 600)),
        "ms": _duration,
        "tenant": _one_of(words.tenants | {ANONYMOUS}, OTHER),
        "instance": hashed,
        "refusal": _one_of(words.refusals, OTHER),
        "code": _one_of(ISSUES, OTHER),
        "cards": _count(range(_MOST_COUNTED)),
        "topics": _some_of(words.topics),
        "fetch_ms": _duration,
        "rules": _one_of({words.rules}),
        "count": _count(range(_MOST_COUNTED)),
        "logger": _logger,
        "message": _template,
        "origin": _one_of({"main", "thread", "finalizer"}),
        "category": lambda value: type_name(value) if isinstance(value, type) else None,
        "place": _place,
    }


def hashed(hook_instance: object) -> str | None:
    """The first 12 hex digits of the SHA256 of a random uuid in lower case; None of any other text.

    Whoever has the uuid finds its line. One that can be guessed (a number, a name, a uuid made of a time or a name)
    could be found again by trying, so it is not told even as a hash.
    """
    if not isinstance(hook_instance, str) or _RANDOM_UUID.fullmatch(hook_instance) is None:
        return None
    return hashlib.sha256(hook_instance.lower().encode("ascii")).hexdigest()[:_HASH_DIGITS]


def _one_of(words: Collection[str], instead: str | None = None) -> Shape:
    return lambda value: value if isinstance(value, str) and value in words else instead


def _some_of(words: Collection[str]) -> Shape:
    def shape(value: object) -> object:
        items = value if isinstance(value, list | tuple) else ()
        return [item for item in items if isinstance(item, str) and item in words] or None

    return shape


def _count(numbers: range) -> Shape:
    return lambda value: value if type(value) is int and value in numbers else None


def _duration(value: object) -> float | None:
    """Milliseconds, of which two decimals are told."""
    return round(value, 2) if isinstance(value, float) and 0 <= value < _LONGEST_WAIT else None


def _logger(name: object) -> str:
    """The name of a logger as far as it is that of a loaded module."""
    known = name if isinstance(name, str) else ""
    while known and known not in sys.modules and known not in _LOGGERS:
        known = known.rpartition(".")[0]
    return known or OTHER


def _template(message: object) -> str | None:
    if not isinstance(message, str):
        return None
    first = _DIGITS.sub("0", message.partition("\n")[0])
    return _PUT_IN.sub("", first) if first in _TEMPLATES else None


_TEMPLATES = frozenset(_DIGITS.sub("0", message) for message in _MESSAGES)


def _place(value: object) -> str | None:
    match value:
        case (str(file), int(line)) if line in range(_MOST_COUNTED):
            return place(file, line)
        case _:
            return None


def _fault(given: object) -> BaseException | None:
    """The exception of `exc_info` in any of the forms that logging knows."""
    if given is True:
        return sys.exc_info()[1]
    if isinstance(given, tuple):
        given = given[1] if len(given) > 1 else None
    return given if isinstance(given, BaseException) else None
