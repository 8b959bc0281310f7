"""Which tokens were used: once each, over all worker processes. Of a token nothing is stored but digests and times."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_WAIT = 2.0
"""Seconds that a use may wait for a store that others hold."""
_PATIENCE = 0.05
_RECORDED, _PURGED = 64, 128
"""After so many records, so many that are no longer needed are removed at most."""


class ReplayUnavailableError(Exception):
    """It cannot be told whether a token was used before: it must not be accepted now."""


@dataclass(frozen=True, slots=True)
class Use:
    """A token in use for a request. Times are seconds of the epoch."""

    token: bytes
    """32 bytes that stand for the token."""
    request: bytes
    """A digest of the request, empty where it does not matter."""
    at: int
    until: int
    """When the record is no longer needed, since the token has expired."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The first use of a token that is used again."""

    request: bytes
    at: int


class Replays(Protocol):
    """A store of used tokens that all workers share."""

    async def record(self, use: Use) -> Earlier | None:
        """Record the first use of a token, None, or tell of it when it was before this one.

        Raises:
            ReplayUnavailableError: the store cannot be used now.
        """

    async def aclose(self) -> None:
        """Leave the store."""


_SCHEMA = (
    "PRAGMA page_size = 1024",  # of a record's size rather than a disk's: less is written for each
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = OFF",
    """CREATE TABLE IF NOT EXISTS used_tokens (
        token BLOB PRIMARY KEY, request BLOB NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS used_tokens_until ON used_tokens (until)",
)
_INSERT = "INSERT INTO used_tokens VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_SELECT = "SELECT request, at FROM used_tokens WHERE token = ?"
_PURGE = "DELETE FROM used_tokens WHERE token IN (SELECT token FROM used_tokens WHERE until < ? LIMIT ?)"


class SqliteReplays:
    """An SQLite file of its own, for the processes of one machine. After a power cut it may begin anew.

    A use is recorded at once, in some microseconds; only where another process holds the file it waits, in a thread.
    A file that was removed or replaced is not written to any more: other workers would not see it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._recorded = 0

    async def record(self, use: Use) -> Earlier | None:
        """As the protocol says."""
        try:
            earlier = self._record(use)
        except sqlite3.OperationalError as fault:
            if not _is_busy(fault):
                raise self._unavailable() from fault
            earlier = await self._wait_and_record(use)
        except (sqlite3.Error, OSError) as fault:
            raise self._unavailable() from fault
        with suppress(sqlite3.OperationalError):  # another purges
            self._purge(use.at)
        return earlier

    async def aclose(self) -> None:
        """Leave the file; a further use opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._thread = None

    def _record(self, use: Use) -> Earlier | None:
        if self._connection is not None and _identity(self._path) != self._file:
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._connection = self._opened()
            self._file = _identity(self._path)
        return _record(self._connection, use)

    async def _wait_and_record(self, use: Use) -> Earlier | None:
        self._thread = self._thread or ThreadPoolExecutor(max_workers=1, thread_name_prefix="replay")
        deadline = time.monotonic() + LONGEST_WAIT
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._thread, self._record_patiently, use, deadline)
        except (sqlite3.Error, OSError) as fault:  # TimeoutError is an OSError
            raise ReplayUnavailableError from fault

    def _record_patiently(self, use: Use, deadline: float) -> Earlier | None:
        """In the thread, by a connection of its own: SQLite's own patience does not cover the first opening."""
        while True:
            try:
                with closing(self._opened(_PATIENCE)) as connection:
                    return _record(connection, use)
            except sqlite3.OperationalError as fault:
                if not _is_busy(fault) or time.monotonic() > deadline:
                    raise
                time.sleep(0.001)

    def _opened(self, patience: float = 0.0) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.touch(mode=0o600)
        connection = sqlite3.connect(self._path, patience, isolation_level=None, check_same_thread=False)
        try:
            for statement in _SCHEMA:
                connection.execute(statement).close()
        except BaseException:
            connection.close()
            raise
        return connection

    def _purge(self, now: int) -> None:
        self._recorded += 1
        if self._connection is not None and self._recorded % _RECORDED == 0:
            self._connection.execute(_PURGE, (now, _PURGED)).close()

    def _unavailable(self) -> ReplayUnavailableError:
        """The file is opened anew next time."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        return ReplayUnavailableError()


def _record(connection: sqlite3.Connection, use: Use) -> Earlier | None:
    if connection.execute(_INSERT, (use.token, use.request, use.at, use.until)).rowcount == 1:
        return None
    row = connection.execute(_SELECT, (use.token,)).fetchone()
    return Earlier(*row) if row is not None else Earlier(b"", 0)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_busy(fault: sqlite3.OperationalError) -> bool:
    """Busy or locked, with whatever further detail in the upper bits."""
    return fault.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
