"""What holds of feedback on SQLite holds on PostgreSQL; and what only a server can do to us."""

import asyncio
import os
import time
from datetime import UTC, datetime
from signal import SIGCONT, SIGSTOP
from urllib.parse import urlsplit

import psycopg
import pytest
from typer.testing import CliRunner

from cds_service.cli import app
from cds_service.feedback.errors import StoreUnavailableError
from cds_service.feedback.migrating import one_writer
from cds_service.feedback.store import Receipt
from cds_service.operations.database import open_database
from tests.feedback.samples import accepted, open_store, reading
from tests.feedback.test_migrating import *  # noqa: F403  every test of it, here on PostgreSQL
from tests.feedback.test_store import *  # noqa: F403  likewise
from tests.feedback.test_workers import *  # noqa: F403  likewise
from tests.services.conftest import free_port
from tests.services.postgres import running_postgres

pytestmark = pytest.mark.services

NOW = datetime(2025, 9, 15, 10, tzinfo=UTC)


@pytest.fixture
def url(postgres_database):
    return postgres_database


def keep(store, card):
    return asyncio.run(store.kept("north", "s", reading(accepted(card=card)), NOW))


def backends_of(url):
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'cno-cds'").fetchall()
    return [pid for (pid,) in found]


def test_a_server_that_stops_is_told_in_time_and_used_again_when_it_is_back():
    with running_postgres(free_port()) as server, open_store(server.url, rest_seconds=0) as store:
        assert keep(store, "first") == Receipt(1, 0, 0)
        server.stop()
        for _ in range(3):
            began = time.monotonic()
            with pytest.raises(StoreUnavailableError):
                keep(store, "second")
            assert time.monotonic() - began < 3.5
        server.start()
        assert keep(store, "second") == Receipt(1, 0, 0)
        assert keep(store, "first") == Receipt(0, 1, 0)


def test_the_doctor_tells_a_server_that_refuses_from_one_that_is_not_there(monkeypatch):
    with running_postgres(free_port()) as server:
        for url, told in (
            (server.url, "ok    database: postgresql, schema current"),
            (server.url.replace("cno:", "cno:wrong"), "the server answers, but refuses the user, the password or"),
            (server.url.replace("/postgres", "/nowhere"), "the server answers, but refuses the user, the password or"),
        ):
            assert told in database_line(url, monkeypatch)
        server.stop()
        assert "no server answers at its host and port" in database_line(server.url, monkeypatch)


def database_line(url, monkeypatch):
    """What the doctor says of a database."""
    monkeypatch.setenv("CNO_CDS_DATABASE_URL", url)
    (line,) = [line for line in CliRunner().invoke(app, ["doctor"]).stdout.splitlines() if " database: " in line]
    assert urlsplit(url).password not in line
    return line


def test_a_server_that_is_not_there_at_the_start_is_used_once_it_is():
    with running_postgres(free_port()) as server:
        server.stop()
        with open_store(server.url, rest_seconds=0) as store:
            with pytest.raises(StoreUnavailableError):
                keep(store, "first")
            server.start()
            assert keep(store, "first") == Receipt(1, 0, 0)


def test_a_server_that_hangs_is_waited_for_some_seconds_and_has_stored_what_it_was_given():
    with running_postgres(free_port()) as server, open_store(server.url, rest_seconds=0) as store:
        keep(store, "first")
        backends = backends_of(server.url)
        assert backends
        for backend in backends:
            os.kill(backend, SIGSTOP)
        began = time.monotonic()
        try:
            with pytest.raises(StoreUnavailableError, match="slow"):
                keep(store, "second")
        finally:
            for backend in backends:
                os.kill(backend, SIGCONT)
        assert time.monotonic() - began < 7
        store.close()
        with open_store(server.url) as again:
            assert keep(again, "second") == Receipt(0, 1, 0)


def test_a_long_lock_is_told_in_time_and_nothing_is_half_stored(url):
    with open_store(url, rest_seconds=0) as store:
        keep(store, "first")
        with psycopg.connect(url) as other:
            other.execute("LOCK TABLE feedback_quarantine IN ACCESS EXCLUSIVE MODE")
            began = time.monotonic()
            with pytest.raises(StoreUnavailableError, match="55P03"):
                store.keep("north", "s", reading(accepted(card="second"), 5), NOW)
            assert time.monotonic() - began < 3.5
        assert keep(store, "second") == Receipt(1, 0, 0)


def test_a_worker_that_writes_is_waited_for_in_the_same_way(url):
    engine = open_database(url)
    with open_store(url, rest_seconds=0) as store:
        keep(store, "first")
        with engine.begin() as other:
            one_writer(other)
            with pytest.raises(StoreUnavailableError, match="55P03"):
                keep(store, "second")
        assert keep(store, "second") == Receipt(1, 0, 0)
    engine.dispose()


def test_a_database_that_may_only_be_read_is_told(url):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET default_transaction_read_only = on")
    with open_store(url) as store, pytest.raises(StoreUnavailableError, match="25006"):
        keep(store, "first")
