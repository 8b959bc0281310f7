"""What others would write, made lines of ours: loggers of libraries, warnings, exceptions that nobody caught."""

from __future__ import annotations

import logging
import resource
import sys
import threading
import warnings
from typing import TYPE_CHECKING, TextIO

import structlog
from typing_extensions import override

from cds_service.operations.log_lines import Lines

if TYPE_CHECKING:
    from types import TracebackType

_LIFECYCLE = "uvicorn"
_ACCESS = "uvicorn.access"
_LEVELS = range(logging.DEBUG, logging.CRITICAL + 1, 10)


class ForeignRecords(logging.Handler):
    """Tells of a library's record its logger and level, the template if that is a known one, and the exception."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; the arguments of the record are never looked at."""
        fault = record.msg if isinstance(record.msg, BaseException) else record.exc_info
        report("foreign", record.levelno, logger=record.name, message=record.msg, exc_info=fault)


def report(event: str, level: int, **fields: object) -> None:
    """Write a line; one that cannot be composed is counted as lost."""
    try:
        structlog.get_logger().log(min(max(level // 10 * 10, _LEVELS[0]), _LEVELS[-1]), event, **fields)
    except Exception:  # noqa: BLE001  whatever it is, whoever wanted to tell something goes on
        lines = structlog.get_config()["logger_factory"]
        if isinstance(lines, Lines):
            lines.lost += 1


def take_over() -> None:
    """Make this process write nothing of records, warnings and uncaught exceptions but through our lines.

    Loggers that someone's configuration has silenced are heard again. A crash leaves no image of the memory either.
    """
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.handlers.clear()
            logger.propagate = True
            logger.disabled = False
    logging.root.handlers[:] = [ForeignRecords()]
    logging.root.setLevel(logging.WARNING)
    logging.getLogger(_LIFECYCLE).setLevel(logging.INFO)
    logging.getLogger(_ACCESS).propagate = False
    logging.getLogger(_ACCESS).disabled = True
    logging.raiseExceptions = False
    logging.lastResort = None
    warnings.showwarning = _warned
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _uncaught_in_thread
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _warned(  # noqa: PLR0913, PLR0917  the signature of warnings.showwarning
    message: Warning | str,  # noqa: ARG001  never told
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001  likewise
    line: str | None = None,  # noqa: ARG001  likewise
) -> None:
    report("warning", logging.WARNING, category=category, place=(filename, lineno))


def _uncaught(_: type[BaseException], fault: BaseException, __: TracebackType | None) -> None:
    report("uncaught", logging.CRITICAL, origin="main", exc_info=fault)


def _unraisable(caught: sys.UnraisableHookArgs) -> None:
    report("uncaught", logging.ERROR, origin="finalizer", exc_info=caught.exc_value)


def _uncaught_in_thread(caught: threading.ExceptHookArgs) -> None:
    if caught.exc_type is not SystemExit:
        report("uncaught", logging.ERROR, origin="thread", exc_info=caught.exc_value)
