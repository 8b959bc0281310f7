"""A worker in a process of its own: `python -m tests.feedback.writer URL FIRST LAST` tells what it was promised."""

import sys
from datetime import UTC, datetime

from tests.feedback.samples import accepted, open_store, reading

NOW = datetime(2025, 9, 15, 10, tzinfo=UTC)
SIZE = 5


def cards(batch):
    """The cards of a batch; the next batch reports on all but the first again."""
    return [f"00000000-0000-4000-8000-{batch + offset:012d}" for offset in range(SIZE)]


def main(url, first, last):
    with open_store(url) as store:
        for batch in range(first, last):
            receipt = store.keep("north", "s", reading(*(accepted(card=card) for card in cards(batch))), NOW)
            print(batch, receipt.stored, flush=True)  # noqa: T201  what the test reads


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
