"""What holds on every database; tests/services/test_postgres_store.py has the same tests run on PostgreSQL."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from cds_service.feedback import store as store_module
from cds_service.feedback.errors import StoreUnavailableError
from cds_service.feedback.schema import FEEDBACK, FEEDBACK_COMMENT, METADATA, QUARANTINE
from cds_service.feedback.store import Count, Receipt
from cds_service.operations.database import open_database
from tests.feedback.samples import CARD, HL7, SUGGESTION, accepted, open_store, overridden, reading
from tests.feedback.test_reading import FORMS, ITEMS

NOW = datetime(2025, 9, 15, 10, tzinfo=UTC)
TENANTS = count(1)


@pytest.fixture
def url(tmp_path):
    """The URL of an empty database."""
    return f"sqlite:///{tmp_path}/var/cno.db"


@pytest.fixture
def store(url):
    with open_store(url) as store:
        yield store


@pytest.fixture
def rows(url):
    """Reads what a table holds, beside the store."""
    engine = open_database(url)

    def rows(table):
        with engine.begin() as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]

    yield rows
    engine.dispose()


def content(rows, tenant):
    """What the tables hold of a tenant, but when it came."""
    mine = [row for row in rows(FEEDBACK) if row["tenant"] == tenant]
    digests = {row["digest"] for row in mine}
    return (
        {tuple(row[name] for name in row if name not in {"digest", "tenant", "received_at"}) for row in mine},
        Counter(row["comment"] for row in rows(FEEDBACK_COMMENT) if row["feedback"] in digests),
        Counter(row["fault"] for row in rows(QUARANTINE) if row["tenant"] == tenant),
    )


def test_a_batch_is_stored_as_it_was_read(store, rows):
    moment = datetime(2025, 9, 15, 12, tzinfo=timezone(timedelta(hours=2)))
    batch = reading(accepted(), overridden(overrideReason={"reason": {"code": "x", "system": HL7}}), {"card": 5})
    assert store.keep("north", "cno-patient-view", batch, moment) == Receipt(2, 0, 1)
    first, second = sorted(rows(FEEDBACK), key=lambda row: row["outcome"])
    expected = {"tenant": "north", "service": "cno-patient-view", "card": CARD, "received_at": NOW.replace(tzinfo=None)}
    read = {name: first[name] for name in expected} | {"received_at": first["received_at"].replace(tzinfo=None)}
    assert read == expected
    assert (first["outcome"], first["suggestions"], first["reasons"]) == ("accepted", SUGGESTION, "")
    assert (second["outcome"], second["suggestions"], second["reasons"]) == ("overridden", "", f"{HL7}|x")
    assert second["outcome_at"].replace(tzinfo=None) == datetime(2025, 9, 15, 8)  # noqa: DTZ001  SQLite keeps no zone
    assert [row["fault"] for row in rows(QUARANTINE)] == ["card"]


def test_a_repeated_batch_is_counted_and_not_stored_again(store, rows):
    batch = reading(accepted(), overridden(), {"card": 5})
    store.keep("north", "s", batch, NOW)
    before = rows(FEEDBACK), rows(QUARANTINE)
    assert store.keep("north", "s", batch, NOW + timedelta(days=1)) == Receipt(0, 2, 1)
    assert (rows(FEEDBACK), rows(QUARANTINE)) == before


def test_the_same_item_twice_in_one_batch_is_stored_once(store, rows):
    same = accepted(outcomeTimestamp="2025-09-15T10:00:00+02:00", card=CARD.upper())
    assert store.keep("north", "s", reading(accepted(), same, [], []), NOW) == Receipt(1, 1, 2)
    assert (len(rows(FEEDBACK)), len(rows(QUARANTINE))) == (1, 1)


@pytest.mark.parametrize(
    "other",
    [
        accepted(card=SUGGESTION),
        accepted(card="another"),
        accepted(outcomeTimestamp="2025-09-15T08:00:01Z"),
        accepted(acceptedSuggestions=[{"id": CARD}]),
        accepted(acceptedSuggestions=[{"id": CARD}, {"id": SUGGESTION}]),
        overridden(),
        overridden(overrideReason={"reason": {"code": "x"}}),
    ],
)
def test_what_a_card_is_reported_to_have_led_to_later_is_kept_beside_the_first(store, other):
    store.keep("north", "s", reading(accepted()), NOW)
    assert store.keep("north", "s", reading(other), NOW) == Receipt(1, 0, 0)


@pytest.mark.parametrize("place", [("south", "s"), ("north", "t")])
def test_tenants_and_services_do_not_know_of_each_other(store, place):
    batch = reading(accepted(), None)
    store.keep("north", "s", batch, NOW)
    assert store.keep(*place, batch, NOW) == Receipt(1, 0, 1)


def test_parts_of_different_length_are_not_mixed_up(store):
    store.keep("a", "bc", reading(accepted()), NOW)
    assert store.keep("ab", "c", reading(accepted()), NOW).stored == 1


def test_comments_are_kept_beside_the_feedback_each_once_and_change_nothing_of_it(store, rows):
    def with_comment(comment):
        return reading(overridden(overrideReason={"userComment": comment}), keep_comments=True)

    store.keep("north", "s", reading(overridden(overrideReason={"userComment": "first"})), NOW)
    assert rows(FEEDBACK_COMMENT) == []
    receipts = [store.keep("north", "s", with_comment(comment), NOW) for comment in ("second", "a\0b", "second")]
    assert receipts == [Receipt(0, 1, 0)] * 3
    assert {row["comment"] for row in rows(FEEDBACK_COMMENT)} == {"second", "ab"}
    assert len(rows(FEEDBACK)) == 1


def test_free_text_is_nowhere_in_the_database(store, rows):
    told = "Kari Nordmann 12057912345"
    reason = {"reason": {"code": told, "system": told, "display": told}, "userComment": told, "extension": {told: told}}
    items = [
        overridden(card=told, overrideReason=reason, overrideReasons=reason, note=told),
        accepted(card=told.split()[1], acceptedSuggestions=[{"id": told}]),
        accepted(outcomeTimestamp=told),
        overridden(outcome=told),
        told,
    ]
    assert store.keep("north", "s", reading(*items), NOW) == Receipt(2, 0, 3)
    found = repr([rows(table) for table in METADATA.sorted_tables])
    assert not [word for word in told.split() if word in found]


@pytest.fixture
def shared(url):
    """One store for many examples, each with a tenant of its own."""
    with open_store(url) as store:
        yield store


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ITEMS | st.sampled_from([item for item, _ in FORMS.values()]), min_size=1, max_size=12), st.data())
def test_any_order_any_batches_and_any_repetition_leave_the_same_tables(shared, rows, items, data):
    once, often = (f"tenant-{next(TENANTS)}" for _ in range(2))
    whole = shared.keep(once, "s", reading(*items, keep_comments=True), NOW)
    told = data.draw(st.permutations([*items, *data.draw(st.lists(st.sampled_from(items), max_size=6))]))
    size = data.draw(st.integers(1, len(told)))
    batches = [told[at : at + size] for at in range(0, len(told), size)]
    receipts = [shared.keep(often, "s", reading(*batch, keep_comments=True), NOW) for batch in batches]
    assert content(rows, once) == content(rows, often)
    assert sum(receipt.stored for receipt in receipts) == whole.stored
    assert sum(receipt.stored + receipt.repeated + receipt.quarantined for receipt in receipts) == len(told)


def test_a_batch_of_five_hundred_is_stored_whole(store, rows):
    items = [accepted(card=f"card-{number}") for number in range(500)]
    assert store.keep("north", "s", reading(*items), NOW) == Receipt(500, 0, 0)
    assert store.keep("north", "s", reading(*items, accepted()), NOW) == Receipt(1, 500, 0)
    assert len(rows(FEEDBACK)) == 501


def test_of_what_cannot_be_read_the_newest_of_each_tenant_are_told(store, rows, monkeypatch):
    monkeypatch.setattr(store_module, "MOST_BAD_ITEMS", 3)
    store.keep("south", "s", reading([]), NOW - timedelta(days=1))
    for day in range(5):
        store.keep("north", "s", reading([day], accepted()), NOW + timedelta(days=day))
    kept = sorted((row["tenant"], row["received_at"].day) for row in rows(QUARANTINE))
    assert kept == [("north", 17), ("north", 18), ("north", 19), ("south", 14)]
    assert len(rows(FEEDBACK)) == 1


def test_operators_get_numbers(store):
    reason = {"reason": {"code": "x", "system": HL7}, "userComment": "Kari"}
    store.keep("north", "s", reading(accepted(), accepted(card="b"), overridden(overrideReason=reason), 5), NOW)
    store.keep("south", "s", reading(accepted()), NOW)
    assert store.counts() == [
        Count("north", "s", "accepted", "", 2),
        Count("north", "s", "overridden", f"{HL7}|x", 1),
        Count("north", "s", "quarantined", "item", 1),
        Count("south", "s", "accepted", "", 1),
    ]


def test_what_was_received_before_is_forgotten_with_its_comments(store, rows):
    def batch(card):
        return reading(overridden(card=card, overrideReason={"userComment": card}), [card], keep_comments=True)

    store.keep("north", "s", batch("old"), NOW - timedelta(seconds=1))
    store.keep("north", "s", batch("new"), NOW)
    assert store.forget(NOW) == 2
    assert [row["comment"] for row in rows(FEEDBACK_COMMENT)] == ["new"]
    assert (len(rows(FEEDBACK)), len(rows(QUARANTINE))) == (1, 1)
    assert store.forget(NOW) == 0


def test_a_batch_that_cannot_be_stored_whole_leaves_nothing(store, rows, url):
    store.keep("north", "s", reading(accepted()), NOW)
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE feedback_quarantine RENAME TO elsewhere"))
    with pytest.raises(StoreUnavailableError):
        store.keep("north", "s", reading(accepted(card="other"), 5), NOW)
    engine.dispose()
    assert len(rows(FEEDBACK)) == 1


def test_batches_that_come_together_are_all_kept(store, rows):
    async def all_together():
        batches = [reading(accepted(card=f"card-{number // 2}")) for number in range(20)]
        return await asyncio.gather(*(store.kept("north", "s", batch, NOW) for batch in batches))

    receipts = asyncio.run(all_together())
    assert Counter(receipts) == {Receipt(1, 0, 0): 10, Receipt(0, 1, 0): 10}
    assert len(rows(FEEDBACK)) == 10


def test_more_items_of_a_tenant_than_can_wait_are_refused_at_once_and_keep_no_other_out(store, rows):
    async def flood():
        batches = [reading(*(accepted(card=f"{batch}-{card}") for card in range(500))) for batch in range(12)]
        sent = [store.kept("north", "s", batch, NOW) for batch in batches]
        first, other = await asyncio.gather(
            asyncio.gather(*sent, return_exceptions=True), store.kept("south", "s", reading(accepted()), NOW)
        )
        return first, other, await store.kept("north", "s", batches[-1], NOW)

    first, other, again = asyncio.run(flood())
    refused = [each for each in first if isinstance(each, StoreUnavailableError)]
    assert 0 < len(refused) < len(first)
    assert other == Receipt(1, 0, 0)
    assert len(rows(FEEDBACK)) == (len(first) - len(refused)) * 500 + other.stored + again.stored


def test_whoever_hangs_up_does_not_stop_the_commit(store, rows):
    async def hang_up():
        sending = asyncio.create_task(store.kept("north", "s", reading(accepted()), NOW))
        await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await asyncio.to_thread(store.close)

    asyncio.run(hang_up())
    assert len(rows(FEEDBACK)) == 1


def test_a_repetition_is_known_to_another_process_too(store, url):
    store.keep("north", "s", reading(accepted()), NOW)
    with open_store(url) as another:
        assert another.keep("north", "s", reading(accepted()), NOW) == Receipt(0, 1, 0)
