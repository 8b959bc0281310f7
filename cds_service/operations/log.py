"""The log: JSON lines on standard output, of which each key and each shape of value is allowed by name."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import structlog

from cds_service.operations.log_foreign import report, take_over
from cds_service.operations.log_keys import ANONYMOUS, OTHER, Words, only_allowed
from cds_service.operations.log_lines import STANDARD_OUTPUT, Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from structlog.typing import EventDict, WrappedLogger

_TO_JSON = msgspec.json.Encoder()
_FAULT_OF_OURS = 500


@dataclass(slots=True, repr=False)
class RequestLine:
    """What is told of one request; who answers it fills in what it learns. Words that are not known are not told."""

    route: str = OTHER
    """The template of the route, never the path: `/cds-services/cno-patient-view`."""
    method: str = OTHER
    status: int | None = None
    """None where nothing was answered."""
    ms: float | None = None
    tenant: str = ANONYMOUS
    """The name of its file."""
    hook_instance: str | None = None
    """As it came; told as a hash, and only where it cannot be guessed."""
    refusal: str | None = None
    """Why the caller was not let in."""
    cards: int | None = None
    topics: Sequence[str] = ()
    """Codes of the cards' topics."""
    fetch_ms: float | None = None
    """How long the FHIR server was waited for; None where nothing was fetched."""
    rules: str | None = None
    """The version of the rules that answered."""
    code: str | None = None
    """The issue type of the OperationOutcome that was answered."""
    fault: BaseException | None = None
    """What the application did not expect."""


def configure(
    words: Words, clock: Callable[[], datetime], *, production: bool, descriptor: int = STANDARD_OUTPUT
) -> None:
    """Set up the log of this process, and take over what libraries would write; the last call counts.

    JSON lines, but a form to be read where a terminal shows the log of a service that is not in production.
    """
    lines = Lines(descriptor)
    for_people = not production and os.isatty(descriptor)
    structlog.configure(
        processors=[only_allowed(words, clock, lines), _Readable() if for_people else _as_json],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        context_class=dict,
        logger_factory=lines,
        cache_logger_on_first_use=False,
    )
    take_over()


def request_line(line: RequestLine) -> None:
    """Write the line of a request. Nothing is written before `configure`, and nothing is ever raised."""
    if not structlog.is_configured():
        return
    report(
        "request",
        logging.ERROR if (line.status or _FAULT_OF_OURS) >= _FAULT_OF_OURS else logging.INFO,
        route=line.route,
        method=line.method,
        status=line.status,
        ms=line.ms,
        tenant=line.tenant,
        instance=line.hook_instance,
        refusal=line.refusal,
        code=line.code,
        cards=line.cards,
        topics=line.topics,
        fetch_ms=line.fetch_ms,
        rules=line.rules,
        exc_info=line.fault,
    )


def event(name: str, level: int = logging.INFO, **fields: object) -> None:
    """Write a line of another event, one of `Words.events`. Fields: `tenant`, `count`, `ms`, `refusal`, `exc_info`.

    Nothing is written before `configure`, and nothing is ever raised.
    """
    if structlog.is_configured():
        report(name, level, **fields)


def lines_lost() -> int:
    """How many lines could not be written since `configure`."""
    lines = structlog.get_config()["logger_factory"]
    return lines.lost if isinstance(lines, Lines) else 0


def _as_json(_: WrappedLogger, __: str, line: EventDict) -> bytes:
    return _TO_JSON.encode(line)


class _Readable:
    """A line for people, and below it the exceptions with a place on each line."""

    def __init__(self) -> None:
        self._render = structlog.dev.ConsoleRenderer(timestamp_key="time", pad_event_to=0)

    def __call__(self, logger: WrappedLogger, level: str, line: EventDict) -> str:
        faults = line.pop("faults", ())
        rows = [self._render(logger, level, line)]
        for fault in faults:
            rows.append(" ".join(filter(None, ("   ", fault.get("relation"), fault["type"], fault.get("errno")))))
            rows += [f"        {frame}" for frame in fault["frames"]]
        return "\n".join(rows)
