import os
import sqlite3
import stat
import threading
import time
from contextlib import closing

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from cds_service.operations.database import DatabaseError, open_database

CANARY = "c4n4ry"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "var" / "cno.db"


@pytest.fixture
def engine(file):
    engine = open_database(f"sqlite:///{file}")
    yield engine
    engine.dispose()


def scalar(engine, statement):
    with engine.begin() as connection:
        return connection.execute(text(statement)).scalar()


def permissions(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    "url",
    [
        "", CANARY, "sqlite://", "sqlite:///", "sqlite:///:memory:", f"sqlite://{CANARY}/file", f"sqlite:///a?b={CANARY}",
        f"sqlite:///a\0{CANARY}", f"sqlite+aiosqlite:///{CANARY}", f"mysql://u:{CANARY}@h/d",
        f"postgresql+asyncpg://u:{CANARY}@h/d", f"postgresql://u:{CANARY}@h", f"postgresql://u:p@h:{CANARY}/d",
        f"postgresql://u:{CANARY}@h/d?nonsense=1", f"postgresql://u:p@h/d?sslmode=a&sslmode={CANARY}",
        f"postgresql://u:{CANARY}@h/d?prepare_threshold=1",
    ],
)  # fmt: skip
def test_a_url_of_no_use_is_refused_in_one_sentence_that_does_not_quote_it(url):
    with pytest.raises(DatabaseError) as refusal:
        open_database(url)
    assert str(refusal.value).startswith("The database URL ")
    assert CANARY not in str(refusal.value)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_name_of_postgresql_means_psycopg_3(scheme):
    engine = open_database(f"{scheme}://u:{CANARY}@localhost/d?sslmode=require")
    assert (engine.dialect.name, engine.dialect.driver) == ("postgresql", "psycopg")
    assert CANARY not in repr(engine)


def test_what_the_url_tells_libpq_goes_before_our_own():
    engine = open_database("postgresql://u@h/d?connect_timeout=9&options=-c%20work_mem%3D1MB&application_name=mine")
    _, parameters = engine.dialect.create_connect_args(engine.url)
    assert (parameters["connect_timeout"], parameters["application_name"]) == ("9", "mine")
    assert parameters["options"].endswith("-c work_mem=1MB")
    assert "statement_timeout" in parameters["options"]


def test_a_postgresql_that_is_not_there_is_not_waited_for():
    engine = open_database(f"postgresql://u:{CANARY}@127.0.0.1:1/d")
    began = time.monotonic()
    with pytest.raises(OperationalError) as fault:
        scalar(engine, "SELECT 1")
    assert time.monotonic() - began < 3
    assert CANARY not in str(fault.value)


def test_nothing_is_created_before_the_first_use(engine, file):
    assert not file.parent.exists()
    assert scalar(engine, "SELECT 1") == 1
    assert file.exists()


def test_only_the_owner_may_read_the_file_and_enter_its_folder(engine, file):
    before = os.umask(0)
    try:
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE t (n)"))
            assert {permissions(path) for path in file.parent.iterdir()} == {0o600}
            assert len(list(file.parent.iterdir())) == 3
    finally:
        os.umask(before)
    assert permissions(file.parent) == 0o700


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 1)])
def test_sqlite_is_set_to_lose_nothing_and_to_keep_references(file, durable, synchronous):
    engine = open_database(f"sqlite:///{file}", durable=durable)
    found = [
        scalar(engine, f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
    ]
    engine.dispose()
    assert found == ["wal", synchronous, 1, 1]


def test_a_transaction_may_write_from_its_beginning(engine, file):
    scalar(engine, "SELECT 1")
    with engine.begin(), closing(sqlite3.connect(file, timeout=0)) as other, pytest.raises(sqlite3.OperationalError):
        other.execute("BEGIN IMMEDIATE")


def test_what_fails_in_a_transaction_is_undone_tables_too(engine):
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (n)"))
        connection.rollback()
    assert scalar(engine, "SELECT count(*) FROM sqlite_master") == 0


def test_a_connection_may_move_from_thread_to_thread(engine):
    found = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: found.append(scalar(engine, "SELECT 1")))
        thread.start()
        thread.join()
    assert (found, scalar(engine, "SELECT 1")) == ([1, 1], 1)
    assert engine.pool.checkedin() == 1


def test_a_new_file_that_somebody_else_writes_to_is_waited_for(engine, file):
    file.parent.mkdir()
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.3, other.rollback)
        release.start()
        assert scalar(engine, "PRAGMA journal_mode") == "wal"
        release.join()


def test_a_lock_that_stays_is_waited_for_two_seconds(engine, file):
    file.parent.mkdir()
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(OperationalError):
            scalar(engine, "SELECT 1")
        assert 1.5 < time.monotonic() - began < 3.5


def test_a_file_that_was_replaced_is_opened_anew(engine, file):
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (n)"))
    for path in file.parent.iterdir():
        path.unlink()
    assert scalar(engine, "SELECT count(*) FROM sqlite_master") == 0


def test_a_folder_that_cannot_be_made_is_a_fault_of_the_database(tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    for path in ("file/cno.db", "file/var/cno.db"):
        with pytest.raises(OperationalError):
            scalar(open_database(f"sqlite:///{tmp_path}/{path}"), "SELECT 1")
