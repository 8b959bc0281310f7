"""J11, T6: a token is used once over all workers; an identical retry within 60 seconds where that is allowed."""

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import create_engine

from cds_service.trust.authentication import Caller, NotTrustedError, ReplayUnavailableError
from cds_service.trust.database_replay import DatabaseReplays
from cds_service.trust.replay import SqliteReplays, Use
from tests.conftest import ROOT
from tests.trust.helpers import authentication
from tests.trust.tokens import NOW, NOW_SECONDS, registration, signer

KNOWN = signer("ES384")
REQUEST = (b"POST", b"/cds-services/cno-patient-view", b'{"hook":"patient-view"}')


def sqlite_file(folder):
    return SqliteReplays(folder / "var" / "replay.sqlite")


def database(folder):
    return DatabaseReplays(create_engine(f"sqlite:///{folder / 'cds.sqlite'}"))


STORES = pytest.mark.parametrize("store", [sqlite_file, database])


def caller(mode="strict", jti="one", expires=NOW_SECONDS + 300, **fields):
    return Caller(registration(KNOWN, replay=mode, **fields), jti, expires)


def uses(replays, *steps):
    """Whether each use, `(caller, request, seconds after NOW)`, is accepted, one after the other."""

    async def scenario():
        found = []
        for who, request, seconds in steps:
            trust = authentication(who.registration, replays=replays, now=NOW + timedelta(seconds=seconds))
            try:
                await trust.once(who, request)
                found.append(True)
            except NotTrustedError as fault:
                if fault.reason != "replay" or fault.name != who.registration.name:
                    raise
                found.append(False)
        await replays.aclose()
        return found

    return asyncio.run(scenario())


@STORES
def test_strict_takes_a_token_once(store, tmp_path):
    assert uses(store(tmp_path), (caller(), REQUEST, 0), (caller(), REQUEST, 1), (caller(), REQUEST, 299)) == [
        True,
        False,
        False,
    ]


@STORES
def test_another_token_another_tenant_and_another_issuer_are_not_a_replay(store, tmp_path):
    others = (
        caller(jti="two"),
        caller(name="other"),
        caller(issuer="https://other.example.no"),
        caller(name="ehrh", issuer="ttps://ehr.example.no"),
    )
    assert uses(store(tmp_path), *((each, REQUEST, 0) for each in (caller(), *others))) == [True] * 5


@STORES
def test_retry_takes_the_identical_request_for_sixty_seconds(store, tmp_path):
    again = [(caller("retry"), REQUEST, seconds) for seconds in (0, 1, 60, 61)]
    assert uses(store(tmp_path), *again) == [True, True, True, False]


@STORES
@pytest.mark.parametrize("index", range(3))
def test_retry_takes_no_changed_request(store, index, tmp_path):
    changed = [part + b" " if at == index else part for at, part in enumerate(REQUEST)]
    moved = (REQUEST[0], b"", REQUEST[1] + REQUEST[2])
    joined = b"".join(REQUEST)
    steps = [(caller("retry"), request, 1) for request in (REQUEST, changed, moved, joined, REQUEST)]
    assert uses(store(tmp_path), *steps) == [True, False, False, False, True]


@STORES
def test_a_request_that_comes_in_parts_is_the_same_each_time(store, tmp_path):
    steps = [(caller("retry"), iter(REQUEST), 0), (caller("retry"), list(REQUEST), 1)]
    assert uses(store(tmp_path), *steps) == [True, True]


def test_off_remembers_nothing(tmp_path):
    assert uses(sqlite_file(tmp_path), (caller("off"), REQUEST, 0), (caller("off"), b"x", 0)) == [True, True]
    assert list(tmp_path.iterdir()) == []


def test_what_was_used_is_remembered_by_the_next_process(tmp_path):
    assert uses(sqlite_file(tmp_path), (caller(), REQUEST, 0)) == [True]
    assert uses(sqlite_file(tmp_path), (caller(), REQUEST, 1)) == [False]


def test_workers_agree_on_a_token_after_the_file_was_removed_or_replaced(tmp_path):
    async def scenario():
        early, late = sqlite_file(tmp_path), sqlite_file(tmp_path)
        use = Use(b"one", b"", NOW_SECONDS, NOW_SECONDS + 300)
        await early.record(use)
        for path in (tmp_path / "var").iterdir():
            path.unlink()
        again = [await each.record(use) for each in (early, late, early)]
        await early.aclose()
        await late.aclose()
        return [earlier is None for earlier in again]

    assert asyncio.run(scenario()) == [True, False, False]


@STORES
def test_nothing_of_a_token_is_stored(store, tmp_path):
    canary = caller("retry", jti="canary-token", issuer="https://canary-issuer", name="canary-name")
    assert uses(store(tmp_path), (canary, (b"canary-body",), 0)) == [True]
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"used_tokens" in stored
    assert b"canary" not in stored


@pytest.mark.parametrize(("mode", "changed"), [("strict", False), ("retry", False), ("retry", True)])
def test_two_processes_with_the_same_two_hundred_tokens(mode, changed, tmp_path):
    """Strict: each is accepted once. Retry: an identical one by both; of two bodies only the first that came."""
    bodies = (["a", "b"], ["b", "a"]) if changed else (["a"], ["a"])
    command = [sys.executable, "-m", "tests.trust.replaying", str(tmp_path / "replay.sqlite"), mode]
    workers = [
        subprocess.Popen([*command, *each], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own
        for each in bodies
    ]
    assert [worker.stdout.readline() for worker in workers] == ["ready\n"] * 2
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    accepted = [tuple(use) for worker in workers for use in json.loads(worker.communicate(timeout=60)[0])]
    assert {number for number, _ in accepted} == set(range(200))
    if mode == "strict":
        assert len(accepted) == 200
    elif changed:
        assert len(set(accepted)) == 200
    else:
        assert len(accepted) == 400


@STORES
def test_records_go_when_their_tokens_have_expired_and_not_before(store, tmp_path):
    """Little by little, with the records of others; the clock of the record is what counts."""
    replays = store(tmp_path)
    brief = [caller(jti=f"brief-{number}") for number in range(100)]
    lasting = [caller(jti=f"lasting-{number}", expires=NOW_SECONDS + 7200) for number in range(100)]
    later = [caller(jti=f"later-{number}", expires=NOW_SECONDS + 9000) for number in range(130)]
    good = uses(replays, *((each, b"", 0) for each in brief + lasting))
    replays = store(tmp_path)
    good += uses(replays, *((each, b"", 3600) for each in later))
    assert all(good)
    found = next(path for path in tmp_path.rglob("*.sqlite") if path.is_file())
    with closing(sqlite3.connect(found)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM used_tokens").fetchone()
    assert count == 230
    assert not any(uses(store(tmp_path), *((each, b"", 3600) for each in lasting)))


def held(path, seconds):
    """Another process that holds the file alone; its first line says that it does."""
    code = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN EXCLUSIVE'); print('held', flush=True); time.sleep(float(sys.argv[2])); c.execute('ROLLBACK')"
    )
    return subprocess.Popen([sys.executable, "-c", code, str(path), str(seconds)], stdout=subprocess.PIPE, text=True)  # noqa: S603


@pytest.mark.parametrize("opened", [True, False])
def test_a_file_that_is_held_for_a_moment_is_waited_for_without_blocking_the_loop(opened, tmp_path):
    path = tmp_path / "replay.sqlite"
    asyncio.run(record_one(SqliteReplays(path), b"before"))

    async def scenario():
        replays = SqliteReplays(path)
        if opened:
            await replays.record(Use(b"opens", b"", NOW_SECONDS, NOW_SECONDS + 1))
        with held(path, 0.4) as holder:
            holder.stdout.readline()
            recording = asyncio.gather(*(replays.record(use(bytes([number % 10]))) for number in range(20)))
            longest, ticks = 0.0, 0
            while not recording.done():
                started = time.monotonic()
                await asyncio.sleep(0.005)
                longest, ticks = max(longest, time.monotonic() - started), ticks + 1
            found = recording.result()
        await replays.aclose()
        return found, longest, ticks

    found, longest, ticks = asyncio.run(scenario())
    assert (found.count(None), ticks > 10, longest < 0.3) == (10, True, True)


def use(token):
    return Use(token, b"", NOW_SECONDS, NOW_SECONDS + 300)


async def record_one(replays, token):
    try:
        return await replays.record(use(token))
    finally:
        await replays.aclose()


def test_a_file_that_is_held_for_long_is_not_waited_for(tmp_path):
    path = tmp_path / "replay.sqlite"
    asyncio.run(record_one(SqliteReplays(path), b"before"))
    with held(path, 4) as holder:
        holder.stdout.readline()
        started = time.monotonic()
        with pytest.raises(ReplayUnavailableError):
            asyncio.run(record_one(SqliteReplays(path), b"one"))
        assert 1.5 < time.monotonic() - started < 3.5
        holder.kill()
    assert asyncio.run(record_one(SqliteReplays(path), b"one")) is None


def unwritable(folder):
    (folder / "file").write_text("")
    return folder / "file" / "replay.sqlite"


def no_database(folder):
    (folder / "replay.sqlite").write_bytes(b"something else" * 1000)
    return folder / "replay.sqlite"


@pytest.mark.parametrize("place", [unwritable, no_database, lambda folder: folder])
def test_a_store_that_cannot_be_used_is_told(place, tmp_path):
    path = place(tmp_path)
    with pytest.raises(ReplayUnavailableError):
        asyncio.run(record_one(SqliteReplays(path), b"one"))
    with pytest.raises(ReplayUnavailableError):
        asyncio.run(record_one(DatabaseReplays(create_engine(f"sqlite:///{path}")), b"one"))


def test_a_store_that_can_be_used_again_is_used_again(tmp_path):
    path = unwritable(tmp_path)
    replays = SqliteReplays(path)
    with pytest.raises(ReplayUnavailableError):
        asyncio.run(replays.record(use(b"one")))
    (tmp_path / "file").unlink()
    assert asyncio.run(record_one(replays, b"one")) is None
