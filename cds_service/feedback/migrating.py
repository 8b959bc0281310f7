"""The schema of a database brought up to that of this version: by one worker, whole or not at all."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select

from cds_service.feedback.errors import NewerSchemaError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "feedback_schema"
"""Alembic's table; others may share the database, with one of their own."""
_LOCK = 0x636E6F2D636473
"""Any number; our writers on PostgreSQL agree on it."""


def migrate(engine: Engine, migrations: Path = MIGRATIONS) -> None:
    """Create the tables, or bring them from an older schema to the newest.

    A file of SQLite that has an older schema is first copied beside itself, as `name.schema-0001`.

    Raises:
        NewerSchemaError: the schema is none that this version knows.
        SQLAlchemyError, sqlite3.Error, OSError: the database, or the copy, cannot be written.
    """
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    with engine.begin() as connection:
        one_writer(connection)
        found = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_heads()
        if not known.issuperset(found):
            raise NewerSchemaError
        if found == tuple(script.get_heads()):
            return
        if found and connection.dialect.name == "sqlite":
            _copy(Path(str(engine.url.database)), f"schema-{'-'.join(found)}")
        config.attributes.update(connection=connection, version_table=VERSION_TABLE)
        command.upgrade(config, "head")


def one_writer(connection: Connection) -> None:
    """Wait until no other transaction of ours writes. On SQLite that is so already (BEGIN IMMEDIATE)."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def _copy(file: Path, schema: str) -> None:
    """Copy what is committed; a copy that was broken off is not taken for one."""
    copy, unfinished = (file.with_name(f"{file.name}.{name}") for name in (schema, f"{schema}.unfinished"))
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(unfinished)) as target:
        source.backup(target)
    unfinished.replace(copy)
