"""The schema, on every database; tests/services/test_postgres_feedback.py has the same tests run on PostgreSQL."""

import logging
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from cds_service.feedback.errors import NewerSchemaError, StoreUnavailableError
from cds_service.feedback.migrating import MIGRATIONS, VERSION_TABLE, migrate
from cds_service.feedback.schema import METADATA
from cds_service.feedback.store import Receipt
from cds_service.operations.database import open_database
from tests.feedback.samples import accepted, open_store, reading

ROOT = Path(__file__).parent.parent.parent
NOW = datetime(2025, 9, 15, 10, tzinfo=UTC)
NEXT = """
import os
from alembic import op

revision = "next"
down_revision = "0001"


def upgrade():
    op.execute("CREATE TABLE extra (n INTEGER)")
    op.execute("DELETE FROM feedback")
    {fault}
"""
MIGRATE = """
import sys
from pathlib import Path
from cds_service.feedback.migrating import migrate
from cds_service.operations.database import open_database

migrate(open_database(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.fixture
def url(tmp_path):
    """The URL of an empty database."""
    return f"sqlite:///{tmp_path}/var/cno.db"


@pytest.fixture
def engine(url):
    engine = open_database(url)
    yield engine
    engine.dispose()


@pytest.fixture
def migrations(tmp_path):
    """Makes a folder of migrations as a later version would have it; `fault` ends its last."""

    def make(fault="pass"):
        folder = tmp_path / "later 100 %"
        shutil.copytree(MIGRATIONS, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "versions" / "schema_next.py").write_text(NEXT.format(fault=fault), "utf-8")
        return folder

    return make


def started(url, folder=MIGRATIONS):
    return subprocess.Popen([sys.executable, "-c", MIGRATE, url, str(folder)], cwd=ROOT)  # noqa: S603  our own words


def schema(engine):
    with engine.begin() as connection:
        return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_heads()


def tables(engine):
    return set(inspect(engine).get_table_names())


def one_report(url):
    with open_store(url) as store:
        return store.keep("north", "s", reading(accepted()), NOW)


def test_migrations_lead_to_the_very_tables_that_the_code_uses(engine):
    migrate(engine)
    with engine.begin() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_server_default": True}
        )
        assert compare_metadata(context, METADATA) == []
    assert tables(engine) == {*METADATA.tables, VERSION_TABLE}


def test_a_second_start_changes_nothing_and_keeps_what_is_there(engine, url):
    migrate(engine)
    one_report(url)
    migrate(engine)
    assert one_report(url) == Receipt(0, 1, 0)


@pytest.mark.services
def test_workers_that_start_together_make_one_schema(engine, url):
    workers = [started(url) for _ in range(3)]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    assert schema(engine) == ("0001",)


def test_an_older_schema_is_brought_up_and_a_newer_one_is_left_alone(engine, url, migrations):
    one_report(url)
    migrate(engine, migrations())
    assert schema(engine) == ("next",)
    with pytest.raises(NewerSchemaError):
        migrate(engine)
    with open_store(url) as store, pytest.raises(StoreUnavailableError) as refusal:
        store.keep("north", "s", reading(accepted()), NOW)
    assert "newer schema" in str(refusal.value)
    assert schema(engine) == ("next",)


def test_a_migration_that_fails_has_not_begun(engine, url, migrations):
    one_report(url)
    with pytest.raises(SQLAlchemyError):
        migrate(engine, migrations("op.execute('INSERT INTO nowhere VALUES (1)')"))
    require_unchanged(engine, url, migrations)


@pytest.mark.services
def test_a_migration_that_is_killed_has_not_begun(engine, url, migrations):
    one_report(url)
    assert started(url, migrations("os.kill(os.getpid(), 9)")).wait(60) == -SIGKILL
    require_unchanged(engine, url, migrations)


def require_unchanged(engine, url, migrations):
    assert (schema(engine), "extra" in tables(engine)) == (("0001",), False)
    assert one_report(url) == Receipt(0, 1, 0)
    migrate(engine, migrations())
    assert (schema(engine), "extra" in tables(engine)) == (("next",), True)


def test_tables_of_others_in_the_same_database_are_not_touched(engine):
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('theirs')"))
    migrate(engine)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["theirs"]


def test_migrating_says_nothing_and_leaves_logging_as_it_was(engine, capfd):
    def state():
        loggers = [logging.getLogger(name) for name in (None, "alembic", "sqlalchemy", "sqlalchemy.engine")]
        return [(logger.level, logger.disabled, tuple(logger.handlers)) for logger in loggers]

    before = state()
    migrate(engine)
    assert state() == before
    assert capfd.readouterr() == ("", "")
