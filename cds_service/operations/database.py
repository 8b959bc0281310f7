"""The database: one file of SQLite, or PostgreSQL. What is committed is on the disk; nobody is waited for long."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_WAIT_SECONDS = 2
"""How long another's lock, a free connection or a connection at all is waited for."""
_POOL: dict[str, Any] = {"pool_timeout": _WAIT_SECONDS, "hide_parameters": True}
_SQLITE = frozenset({"sqlite", "sqlite+pysqlite"})
_POSTGRESQL = frozenset({"postgres", "postgresql", "postgresql+psycopg"})
_SESSION = "-c statement_timeout=3000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000 -c timezone=UTC"
_CONNECTION = {
    "application_name": "cno-cds",
    "connect_timeout": str(_WAIT_SECONDS),
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "2",
    "tcp_user_timeout": "5000",
}
"""What libpq is told where the URL says nothing else."""


class DatabaseError(Exception):
    """The URL is of no database that can be used. One sentence, never the URL: it may hold a password."""


def open_database(url: str, *, durable: bool = True) -> Engine:
    """An engine for the database of this URL; nothing is connected, or created, before the first use.

    `sqlite:///relative/path`, `sqlite:////absolute/path` or `postgresql://user:password@host/name`, to which any
    parameter of libpq may be added (`?sslmode=verify-full`). Without `durable` the last commits may be lost in a power
    cut. Every transaction on SQLite is a writing one (BEGIN IMMEDIATE).

    Raises:
        DatabaseError: the URL is of another kind or is not complete.
    """
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseError("The database URL cannot be read.") from None
    if parts.drivername in _SQLITE:
        return _sqlite(parts, "FULL" if durable else "NORMAL")
    if parts.drivername in _POSTGRESQL:
        return _postgresql(parts, "" if durable else " -c synchronous_commit=off")
    raise DatabaseError("The database URL must begin with sqlite: or postgresql:.")


def why_unusable(engine: Engine) -> str:
    """What an operator can look at when no connection can be made: a part of a sentence, without anything of the URL.

    PostgreSQL is asked whether it answers at all, for the client library tells its refusals in words alone.
    """
    if engine.dialect.name == "sqlite":
        return "its file or folder cannot be opened for writing, or is no SQLite database"
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415  as below
    from psycopg.pq import PGconn, Ping  # noqa: PLC0415  likewise

    _, parameters = engine.dialect.create_connect_args(engine.url)
    parameters.pop("context")  # of psycopg, not of libpq
    answers = PGconn.ping(make_conninfo(**parameters).encode())
    if answers == Ping.OK:
        return "the server answers, but refuses the user, the password or the name of the database"
    if answers == Ping.REJECT:
        return "the server answers, but takes no connections now"
    return "no server answers at its host and port, or not in the way that the URL asks for"


def _sqlite(url: URL, synchronous: str) -> Engine:
    if url.host or url.query or url.database in {None, "", ":memory:"} or "\0" in str(url.database):
        raise DatabaseError("The database URL of SQLite must name a file (sqlite:///folder/file) and nothing else.")
    path = Path(str(url.database))

    def connect() -> sqlite3.Connection:
        _create(path)
        connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            _into_wal(connection)
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine(url.set(drivername="sqlite+pysqlite"), creator=connect, **_POOL)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "connect", lambda _, record: record.info.update(file=_identity(path)))
    event.listen(engine, "checkout", lambda _, record, __: _require_same(record.info["file"], path))
    return engine


def _begin(connection: Connection) -> None:
    """A transaction that first reads and then writes would not be waited for."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _create(path: Path) -> None:
    """An existing file is never opened here: closing it would give up SQLite's locks on it in this process."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        pass
    except OSError as fault:
        raise sqlite3.OperationalError(f"unable to create the database file: {fault.strerror}") from None


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino


def _require_same(file: tuple[int, int], path: Path) -> None:
    """Who holds a file that has been removed, or replaced by an older copy, would write where nobody reads."""
    if _identity(path) != file:
        raise DisconnectionError


def _into_wal(connection: sqlite3.Connection) -> None:
    """SQLite itself does not wait where another connection changes the mode of a new file at the same moment."""
    deadline = monotonic() + _WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
            sleep(0.01)
        else:
            return


def _postgresql(url: URL, more: str) -> Engine:
    given = {name: value for name, value in url.query.items() if isinstance(value, str)}
    session = f"{_SESSION}{more} {given.get('options', '')}".rstrip()
    complete = url.set(drivername="postgresql+psycopg", query={**_CONNECTION, **given, "options": session})
    if not url.database or len(given) != len(url.query):
        raise DatabaseError("The database URL of PostgreSQL must name a database, and no parameter twice.")
    _require_known(complete)
    return create_engine(
        complete,
        isolation_level="READ COMMITTED",
        pool_size=2,
        pool_pre_ping=True,
        connect_args={"prepare_threshold": None},  # poolers that share a connection know no prepared statement
        **_POOL,
    )


def _require_known(url: URL) -> None:
    """What is no parameter of libpq would be told only by a failing connection."""
    from psycopg import ProgrammingError  # noqa: PLC0415  whoever has SQLite need not wait for it
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415  likewise

    try:
        make_conninfo(**{name: str(value) for name, value in url.query.items()})
    except ProgrammingError:
        raise DatabaseError("The database URL of PostgreSQL has a parameter that libpq does not know.") from None
