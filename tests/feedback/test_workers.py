"""Workers that write beside each other or are killed; on PostgreSQL in tests/services/test_postgres_feedback.py."""

import subprocess
import sys
import threading
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import func, select, text

from cds_service.feedback.schema import FEEDBACK
from cds_service.operations.database import open_database
from tests.feedback.writer import SIZE, cards

pytestmark = pytest.mark.services

ROOT = Path(__file__).parent.parent.parent
SECONDS = 120
ROUNDS = 8


@pytest.fixture
def url(tmp_path):
    """The URL of an empty database."""
    return f"sqlite:///{tmp_path}/var/cno.db"


def started(url, first, last):
    command = [sys.executable, "-m", "tests.feedback.writer", url, str(first), str(last)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own module


def stored(url):
    """Every card of which there is a row, one row each, in a database that is whole."""
    engine = open_database(url)
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        found = set(connection.execute(select(FEEDBACK.c.card)).scalars())
        assert connection.execute(select(func.count()).select_from(FEEDBACK)).scalar() == len(found)
    engine.dispose()
    return found


def test_workers_with_overlapping_batches_store_their_union_once(url):
    workers = [started(url, first, last) for first, last in ((0, 120), (60, 180))]
    told = [worker.communicate(timeout=SECONDS)[0].splitlines() for worker in workers]
    assert [len(lines) for lines in told] == [120, 120]
    assert stored(url) == {card for batch in range(180) for card in cards(batch)}
    assert sum(int(line.split()[1]) for lines in told for line in lines) == 180 + SIZE - 1


def test_what_was_promised_before_a_kill_is_stored_and_no_batch_in_part(url):
    random, promised, first = Random(31), set(), 0  # noqa: S311  no secret
    for _ in range(ROUNDS):
        worker = started(url, first, 10**6)
        batches = [int(worker.stdout.readline().split()[0])]
        threading.Timer(random.uniform(0, 0.3), worker.kill).start()
        batches += [int(line.split()[0]) for line in worker.stdout if line.endswith("\n")]
        worker.wait(SECONDS)
        worker.stdout.close()
        promised.update(card for batch in batches for card in cards(batch))
        found = stored(url)
        assert promised <= found
        assert found in (promised, promised | set(cards(batches[-1] + 1)))
        first = batches[-1] + 1
    assert len(promised) > ROUNDS * SIZE
