"""What can befall a file: locked, full, not to be written, not a database, replaced, cut off."""

import asyncio
import os
import shutil
import sqlite3
import stat
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event

from cds_service.feedback import store as store_module
from cds_service.feedback.errors import StoreUnavailableError
from cds_service.feedback.migrating import migrate
from cds_service.feedback.store import FeedbackStore, Receipt
from cds_service.operations.database import open_database
from tests.feedback.samples import accepted, open_store, reading
from tests.feedback.test_migrating import migrations  # noqa: F401  a fixture

NOW = datetime(2025, 9, 15, 10, tzinfo=UTC)
NOBODY = 65534


@pytest.fixture
def file(tmp_path):
    return tmp_path / "var" / "cno.db"


@pytest.fixture
def store(file):
    with open_store(f"sqlite:///{file}", rest_seconds=0) as store:
        yield store


def keep(store, card="first"):
    return store.keep("north", "s", reading(accepted(card=card)), NOW)


def stored(file):
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute("SELECT count(*) FROM feedback").fetchone()[0]


@contextmanager
def locked(file):
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield other
        if other.in_transaction:
            other.rollback()


def test_a_short_lock_of_another_process_is_waited_for(store, file):
    keep(store)
    with locked(file) as other:
        release = threading.Timer(0.5, other.rollback)
        release.start()
        assert keep(store, "second") == Receipt(1, 0, 0)
        release.join()


def test_a_long_lock_is_told_in_time_and_nothing_is_half_stored(store, file):
    keep(store)
    with locked(file):
        began = time.monotonic()
        with pytest.raises(StoreUnavailableError, match="SQLITE_BUSY"):
            asyncio.run(store.kept("north", "s", reading(accepted(card="second"), 5), NOW))
        assert time.monotonic() - began < 3.5
    assert stored(file) == 1
    assert keep(store, "second") == Receipt(1, 0, 0)


def test_after_a_failure_others_are_told_at_once_until_it_has_rested(file):
    with open_store(f"sqlite:///{file}", rest_seconds=0.5) as store:
        keep(store)
        with locked(file):
            with pytest.raises(StoreUnavailableError, match="SQLITE_BUSY"):
                keep(store)
            with pytest.raises(StoreUnavailableError, match="resting") as refusal:
                keep(store)
        assert refusal.value.retry_after == 1
        time.sleep(0.5)
        assert keep(store) == Receipt(0, 1, 0)


def test_who_waits_for_a_slow_disk_is_told_in_time_and_the_commit_goes_on(file, monkeypatch):
    monkeypatch.setattr(store_module, "ANSWER_SECONDS", 0.2)
    engine = open_database(f"sqlite:///{file}")
    store = FeedbackStore(engine)
    go_on = threading.Event()
    event.listen(engine, "commit", lambda _: go_on.wait())

    async def wait():
        with pytest.raises(StoreUnavailableError, match="slow"):
            await store.kept("north", "s", reading(accepted()), NOW)
        go_on.set()
        await asyncio.to_thread(store.close)

    asyncio.run(wait())
    engine.dispose()
    assert stored(file) == 1


def test_a_full_disk_is_told_earlier_rows_are_intact_and_it_recovers(file):
    engine = open_database(f"sqlite:///{file}")
    store = FeedbackStore(engine, rest_seconds=0)
    keep(store)
    most_pages = 20
    event.listen(engine, "checkout", lambda raw, *_: raw.execute(f"PRAGMA max_page_count = {most_pages}").fetchall())
    many = reading(*(accepted(card=f"card-{number}") for number in range(500)))
    with pytest.raises(StoreUnavailableError, match="SQLITE_FULL"):
        store.keep("north", "s", many, NOW)
    assert stored(file) == 1
    most_pages = 1_000_000
    assert store.keep("north", "s", many, NOW) == Receipt(500, 0, 0)
    store.close()
    engine.dispose()


@pytest.fixture
def folder():
    """A folder that every user may enter; pytest's may not be."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def without_write_access(*paths):
    """Nobody's rights, for root may write everywhere."""
    modes = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        for path, mode in modes.items():
            path.chmod(mode)


def test_a_folder_that_may_not_be_written_is_told_and_tried_again_later(folder):
    with open_store(f"sqlite:///{folder}/var/cno.db", rest_seconds=0) as store:
        with without_write_access(folder), pytest.raises(StoreUnavailableError, match="OperationalError"):
            keep(store)
        assert keep(store) == Receipt(1, 0, 0)


def test_a_file_that_may_not_be_written_is_told(folder):
    url, file = f"sqlite:///{folder}/cno.db", folder / "cno.db"
    with open_store(url) as store:
        keep(store)
    with open_store(url, rest_seconds=0) as store:
        with without_write_access(folder, file), pytest.raises(StoreUnavailableError):
            keep(store, "second")
        assert keep(store, "second") == Receipt(1, 0, 0)


def test_what_is_not_a_database_is_told_and_left_as_it_is(store, file):
    file.parent.mkdir()
    file.write_bytes(b"minutes of a meeting" * 500)
    with pytest.raises(StoreUnavailableError, match="SQLITE_NOTADB"):
        keep(store)
    assert file.read_bytes().startswith(b"minutes")


def test_a_file_that_was_removed_while_it_was_open_is_not_written_to_any_more(store, file):
    keep(store)
    for path in file.parent.iterdir():
        path.unlink()
    with pytest.raises(StoreUnavailableError):
        keep(store, "second")
    assert keep(store, "second") == Receipt(1, 0, 0)
    assert stored(file) == 1


def test_whatever_a_power_cut_leaves_of_the_last_write_earlier_ones_are_there(store, file, tmp_path):
    keep(store)
    log = file.with_name(f"{file.name}-wal")
    before = log.stat().st_size
    keep(store, "second")
    whole = log.read_bytes()
    copy = tmp_path / "copy.db"
    found = set()
    for end in [*range(before, len(whole), 499), len(whole)]:
        shutil.copyfile(file, copy)
        copy.with_name("copy.db-wal").write_bytes(whole[:end])
        found.add(stored(copy))
        copy.with_name("copy.db-shm").unlink(missing_ok=True)
    assert found == {1, 2}
    assert stored(copy) == 2


def test_an_older_schema_is_copied_aside_first(store, file, migrations):  # noqa: F811  the fixture
    engine = open_database(f"sqlite:///{file}")
    keep(store)
    assert [path for path in file.parent.iterdir() if "schema" in path.name] == []
    migrate(engine, migrations())
    engine.dispose()
    copy = file.with_name("cno.db.schema-0001")
    assert (stored(copy), stored(file)) == (1, 0)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [path for path in file.parent.iterdir() if "unfinished" in path.name] == []
