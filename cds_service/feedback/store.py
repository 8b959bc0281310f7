"""Where feedback is kept: a batch whole or not at all, each content once, acknowledged only after the commit."""

from __future__ import annotations

import asyncio
import json
import math
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, literal, select, union_all
from sqlalchemy.exc import SQLAlchemyError

from cds_service.feedback.errors import NewerSchemaError, StoreUnavailableError, cause_of
from cds_service.feedback.migrating import migrate, one_writer
from cds_service.feedback.schema import FEEDBACK, FEEDBACK_COMMENT, QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import ColumnElement, Connection, Engine, Select, Table

    from cds_service.feedback.reading import Item, Reading

MOST_BAD_ITEMS = 10_000
"""Of one tenant; the newest are kept."""
_MOST_WAITING = 4000
"""Items of one tenant that wait to be written, or are: others wait behind these half a second at most."""
ANSWER_SECONDS = 5
"""How long a request waits for its commit at most."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch: items kept now, items that were there already, items that could not be read."""

    stored: int
    repeated: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Count:
    """How often something was reported. The outcome may be `quarantined`: `reasons` is then the field at fault."""

    tenant: str
    service: str
    outcome: str
    reasons: str
    number: int


class FeedbackStore:
    """The tables of feedback in one database, connected and migrated at the first use.

    After a failure nothing is tried for `rest_seconds`: whoever comes meanwhile is told at once.
    """

    def __init__(self, engine: Engine, *, rest_seconds: float = 2) -> None:
        self._engine = engine
        self._rest_seconds = rest_seconds
        self._rests_until = 0.0
        self._is_migrated = False
        self._waiting: Counter[str] = Counter()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="feedback")

    async def kept(self, tenant: str, service: str, reading: Reading, received: datetime) -> Receipt:
        """Keep a batch in the one thread that writes. Whoever stops waiting does not stop the commit.

        Raises:
            StoreUnavailableError: as `keep`, or it takes too long.
        """
        items = len(reading.items) + len(reading.bad)
        if self._waiting[tenant] + items > _MOST_WAITING:
            raise self._unavailable("busy")
        loop = asyncio.get_running_loop()
        commit = loop.run_in_executor(self._writer, self.keep, tenant, service, reading, received)
        self._waiting[tenant] += items
        commit.add_done_callback(lambda _: self._waiting.subtract({tenant: items}))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await asyncio.shield(commit)
        except TimeoutError:
            raise self._unavailable("slow") from None

    def keep(self, tenant: str, service: str, reading: Reading, received: datetime) -> Receipt:
        """Commit a batch. What is known already, by all but its comment and `received`, is not stored again.

        Raises:
            StoreUnavailableError: the database is not there, locked, full or of a newer version; nothing is stored.
        """
        origin = {"tenant": tenant, "service": service, "received_at": received.astimezone(UTC)}
        items = [(_row(item, origin), item.comment) for item in reading.items]
        bad = [{"digest": _digest(tenant, service, item.digest), "fault": item.fault, **origin} for item in reading.bad]
        with self._transaction() as connection:
            stored = _insert_new(connection, FEEDBACK, [row for row, _ in items])
            _insert_new(connection, FEEDBACK_COMMENT, [_comment(row, text) for row, text in items if text])
            if _insert_new(connection, QUARANTINE, bad):
                _keep_newest(connection, tenant)
        return Receipt(stored, len(items) - stored, len(bad))

    def counts(self) -> list[Count]:
        """Numbers for operators, sorted.

        Raises:
            StoreUnavailableError: as `keep`.
        """
        kept, bad = FEEDBACK.c, QUARANTINE.c
        groups = union_all(
            _numbers(kept.tenant, kept.service, kept.outcome, kept.reasons),
            _numbers(bad.tenant, bad.service, literal("quarantined"), bad.fault),
        )
        with self._transaction() as connection:
            return sorted((Count(*row) for row in connection.execute(groups)), key=astuple)

    def forget(self, before: datetime) -> int:
        """Delete what was received before; how many items that were. Copies made by `migrate` are not touched.

        Raises:
            StoreUnavailableError: as `keep`.
        """
        with self._transaction() as connection:
            gone = [
                connection.execute(delete(table).where(table.c.received_at < before.astimezone(UTC))).rowcount
                for table in (FEEDBACK, QUARANTINE)
            ]
        return sum(gone)

    def close(self) -> None:
        """Wait for the batches that are being kept, and leave the database."""
        self._writer.shutdown()
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        if monotonic() < self._rests_until:
            raise self._unavailable("resting")
        try:
            if not self._is_migrated:
                migrate(self._engine)
                self._is_migrated = True
            with self._engine.begin() as connection:
                one_writer(connection)
                yield connection
        except NewerSchemaError:
            self._rest()
            raise
        except (SQLAlchemyError, sqlite3.Error, OSError) as fault:
            self._rest()
            raise self._unavailable(cause_of(fault)) from None

    def _rest(self) -> None:
        self._is_migrated = False
        self._rests_until = monotonic() + self._rest_seconds

    def _unavailable(self, cause: str) -> StoreUnavailableError:
        return StoreUnavailableError(cause, math.ceil(self._rest_seconds))


def _row(item: Item, origin: Mapping[str, Any]) -> dict[str, Any]:
    suggestions, reasons = " ".join(item.suggestions), " ".join(item.reasons)
    moment = item.outcome_at.isoformat()
    digest = _digest(origin["tenant"], origin["service"], item.card, item.outcome, moment, suggestions, reasons)
    return {
        "digest": digest,
        "card": item.card,
        "outcome": item.outcome,
        "outcome_at": item.outcome_at,
        "suggestions": suggestions,
        "reasons": reasons,
        **origin,
    }


def _comment(row: Mapping[str, Any], text: str) -> dict[str, Any]:
    return {"feedback": row["digest"], "digest": _digest(text), "comment": text}


def _digest(*texts: str) -> str:
    return sha256(json.dumps(texts).encode()).hexdigest()


def _insert_new(connection: Connection, table: Table, rows: Iterable[dict[str, Any]]) -> int:
    """Insert the rows whose key is not there, each once, and count them. Nobody else writes meanwhile."""
    key = list(table.primary_key)
    rows_by_key = {tuple(row[column.name] for column in key): row for row in rows}
    among = key[0].in_({first for first, *_ in rows_by_key})
    known = {tuple(found) for found in connection.execute(select(*key).where(among))} if rows_by_key else set()
    new = [row for key_of_row, row in rows_by_key.items() if key_of_row not in known]
    if new:
        connection.execute(insert(table), new)
    return len(new)


def _keep_newest(connection: Connection, tenant: str) -> None:
    digest, received = QUARANTINE.c.digest, QUARANTINE.c.received_at
    newest_first = select(digest).where(QUARANTINE.c.tenant == tenant).order_by(received.desc(), digest)
    connection.execute(delete(QUARANTINE).where(digest.in_(newest_first.offset(MOST_BAD_ITEMS))))


def _numbers(*groups: ColumnElement[str]) -> Select[*tuple[Any, ...]]:
    return select(*groups, func.count()).group_by(*groups)
