"""Where log lines go: one descriptor, written at once and whole. What cannot be written is counted, never raised."""

from __future__ import annotations

import os
import select
from threading import RLock

STANDARD_OUTPUT = 1
_AT_ONCE = select.PIPE_BUF
"""Bytes that a pipe which says it is ready takes without waiting."""
_PATIENCE = 0.01
"""Seconds for a reader who is a moment behind; one that stays behind is not waited for again."""


class Lines:
    """A log of lines, and the logger factory that structlog asks for it.

    A full disk, a closed pipe or a reader that has stopped reading costs lines, not requests: `lost` counts them.
    """

    def __init__(self, descriptor: int) -> None:
        self.lost = 0
        self._descriptor = descriptor
        self._torn = False
        self._stuck = False
        # Re-entrant: a finalizer may fail, and be logged, while a line is written.
        self._lock = RLock()

    def __call__(self, *_: object) -> Lines:
        """The logger, which is this object whoever asks."""
        return self

    def msg(self, line: str | bytes) -> None:
        """Write one line, or count it as lost. A line after half a one begins afresh."""
        text = line if isinstance(line, bytes) else line.encode("utf-8", "replace")
        with self._lock:
            rest = (b"\n" if self._torn else b"") + text + b"\n"
            length = len(rest)
            try:
                while rest:
                    rest = rest[self._write(rest[:_AT_ONCE]) :]
            except (OSError, ValueError):
                self.lost += 1
            self._torn = bool(rest) and (self._torn or len(rest) < length)

    debug = info = warning = error = critical = msg

    def _write(self, part: bytes) -> int:
        self._stuck = not select.select((), (self._descriptor,), (), 0 if self._stuck else _PATIENCE)[1]
        if self._stuck:
            raise BlockingIOError
        return os.write(self._descriptor, part)
