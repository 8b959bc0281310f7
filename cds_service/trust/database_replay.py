"""Used tokens in a database that several machines share; for PostgreSQL, in a table that a crash may empty."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from cds_service.trust.replay import LONGEST_WAIT, Earlier, ReplayUnavailableError, Use

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_THREADS = 4
_RECORDED, _PURGED = 64, 128
"""After so many records, so many that are no longer needed are removed at most."""


class DatabaseReplays:
    """A table `used_tokens` that is made at the first use. PostgreSQL, or SQLite where one engine is wanted for all.

    Every use runs in one of a few threads of its own and waits two seconds at most.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._insert = sqlite.insert if engine.dialect.name == "sqlite" else postgresql.insert
        self._table = _table(unlogged=engine.dialect.name == "postgresql")
        self._threads = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="replay")
        self._is_made = False
        self._recorded = 0

    async def record(self, use: Use) -> Earlier | None:
        """Record the first use of a token, None, or tell of it when it was before this one.

        Raises:
            ReplayUnavailableError: the database cannot be used now.
        """
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                return await asyncio.get_running_loop().run_in_executor(self._threads, self._record, use)
        except (SQLAlchemyError, TimeoutError) as fault:
            raise ReplayUnavailableError from fault

    async def aclose(self) -> None:
        """Leave the database; a further use of the engine connects anew."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._engine.dispose()

    def _record(self, use: Use) -> Earlier | None:
        with self._engine.connect() as connection:
            self._make(connection)
            columns = self._table.c
            row = {"token": use.token, "request": use.request, "at": use.at, "until": use.until}
            insert = self._insert(self._table).values(row).on_conflict_do_nothing().returning(columns.at)
            if connection.execute(insert).first() is not None:
                self._purge(connection, use.at)
                return None
            found = connection.execute(select(columns.request, columns.at).where(columns.token == use.token)).first()
            return Earlier(b"", 0) if found is None else Earlier(bytes(found.request), found.at)

    def _make(self, connection: Connection) -> None:
        """Two workers may make the table at once: who comes second finds it made."""
        if self._is_made:
            return
        try:
            self._table.metadata.create_all(connection)
        except DBAPIError:
            self._table.metadata.create_all(connection)
        self._is_made = True

    def _purge(self, connection: Connection, now: int) -> None:
        self._recorded += 1
        if self._recorded % _RECORDED == 0:
            columns = self._table.c
            expired = select(columns.token).where(columns.until < now).limit(_PURGED)
            connection.execute(delete(self._table).where(columns.token.in_(expired)))


def _table(*, unlogged: bool) -> Table:
    return Table(
        "used_tokens",
        MetaData(),
        Column("token", LargeBinary, primary_key=True),
        Column("request", LargeBinary, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("until", BigInteger, nullable=False),
        Index("used_tokens_until", "until"),
        prefixes=["UNLOGGED"] if unlogged else [],
    )
