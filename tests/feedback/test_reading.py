import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.feedback.errors import NotFeedbackError, TooManyItemsError
from cds_service.feedback.reading import MOST_ITEMS, Item, read_feedback
from tests.feedback.samples import CARD, HL7, MOMENT, SUGGESTION, accepted, body, overridden, reading, without

EIGHT = datetime(2025, 9, 15, 8, tzinfo=UTC)
EPIC = "com.epic.cdshooks.feedback.overrideReason"
COMMENT = "Discussed with her parents"

FORMS = {
    "CDS Hooks 2.0, accepted": (accepted(), Item(CARD, "accepted", EIGHT, suggestions=(SUGGESTION,))),
    "CDS Hooks 2.0, overridden": (
        overridden(overrideReason={"reason": {"code": "x", "system": HL7, "display": "Why"}, "userComment": COMMENT}),
        Item(CARD, "overridden", EIGHT, reasons=(f"{HL7}|x",), comment=COMMENT),
    ),
    "the sandbox, a reason without a display": (
        overridden(overrideReason={"reason": {"code": "x", "system": HL7}}),
        Item(CARD, "overridden", EIGHT, reasons=(f"{HL7}|x",)),
    ),
    "the sandbox, no reason": (overridden(), Item(CARD, "overridden", EIGHT)),
    "Oracle, a comment alone": (
        overridden(overrideReason={"userComment": COMMENT}),
        Item(CARD, "overridden", EIGHT, comment=COMMENT),
    ),
    "Epic, a coded reason in the plural member": (
        overridden(overrideReasons={"reason": {"code": "x", "system": HL7}, "userComment": COMMENT}),
        Item(CARD, "overridden", EIGHT, reasons=(f"{HL7}|x",), comment=COMMENT),
    ),
    "Epic, its own category": (
        overridden(
            overrideReasons={
                "extension": {f"{EPIC}.reasonCategory": "45", f"{EPIC}.reasonTitle": "Not for Kari"},
                "userComment": COMMENT,
            }
        ),
        Item(CARD, "overridden", EIGHT, reasons=(f"{EPIC}.reasonCategory|45",), comment=COMMENT),
    ),
    "several reasons, in a list": (
        overridden(overrideReasons=[{"reason": {"code": "y", "system": HL7}}, {"reason": {"code": "x"}}]),
        Item(CARD, "overridden", EIGHT, reasons=(f"{HL7}|y", "|x")),
    ),
    "both members, the same reason": (
        overridden(overrideReason={"reason": {"code": "x"}}, overrideReasons={"reason": {"code": "x"}}),
        Item(CARD, "overridden", EIGHT, reasons=("|x",)),
    ),
    "nulls": (
        overridden(
            overrideReason={"reason": None, "userComment": None, "extension": None},
            overrideReasons=None,
            acceptedSuggestions=None,
        ),
        Item(CARD, "overridden", EIGHT),
    ),
    "suggestions twice, in any order": (
        accepted(acceptedSuggestions=[{"id": SUGGESTION}, {"id": CARD, "label": "x"}, {"id": SUGGESTION.upper()}]),
        Item(CARD, "accepted", EIGHT, suggestions=(CARD, SUGGESTION)),
    ),
    "members of the other outcome": (
        accepted(overrideReason="none"),
        Item(CARD, "accepted", EIGHT, suggestions=(SUGGESTION,)),
    ),
    "members that nobody knows": (overridden(user="Kari", age=10**400), Item(CARD, "overridden", EIGHT)),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_in_which_ehrs_report_is_read(name):
    item, expected = FORMS[name]
    assert reading(item, keep_comments=True).items == (expected,)


def test_a_comment_that_is_not_to_be_kept_is_not_even_read():
    item, _ = FORMS["Epic, its own category"]
    assert reading(item).items[0].comment == ""


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-09-15T08:00:00Z", EIGHT),
        ("2025-09-15T08:00:00z", EIGHT),
        ("2025-09-15t10:00:00+02:00", EIGHT),
        ("2025-09-14T22:30:00-09:30", EIGHT),
        ("2025-09-15T08:00:00.5Z", EIGHT.replace(microsecond=500_000)),
        ("2025-09-15T08:00:00.123456789+00:00", EIGHT.replace(microsecond=123_456)),
        ("2025-09-15T08:00:00", EIGHT),
    ],
)
def test_a_moment_is_read_as_utc_whatever_its_offset_and_without_one_it_is_in_utc(text, moment):
    (item,) = reading(overridden(outcomeTimestamp=text)).items
    assert (item.outcome_at, item.outcome_at.tzinfo) == (moment, UTC)


def test_the_same_moment_in_two_zones_is_the_same_report():
    first, second = reading(
        overridden(outcomeTimestamp="2025-09-15T10:00:00+02:00"), overridden(outcomeTimestamp="2025-09-15T08:00:00.0Z")
    ).items
    assert first == second


FAULTS = [
    ("item", None),
    ("item", []),
    ("item", "overridden"),
    ("card", without(overridden(), "card")),
    ("card", {}),
    *(("card", overridden(card=card)) for card in (None, "", " ", 5, ["x"], "x" * 257, "a\nb", "a\0b", "\ud800")),
    ("outcome", without(overridden(), "outcome")),
    *(("outcome", overridden(outcome=outcome)) for outcome in (None, "", "ignored", "Accepted", ["accepted"], {})),
    ("outcomeTimestamp", without(accepted(), "outcomeTimestamp")),
    *(
        ("outcomeTimestamp", accepted(outcomeTimestamp=text))
        for text in (
            None, 1757923200, "", "2025-09-15", "2025-09-15T08:00Z", "2025-13-15T08:00:00Z", "2025-09-15T24:01:00Z",
            "20250915T080000Z", "2025-W38-1T08:00:00Z", "2025-09-15T08:00:00 Z", "2025-09-15T08:00:00+0200",
            "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "٢٠٢٥-٠٩-١٥T٠٨:٠٠:٠٠Z", f"{MOMENT}\n",
        )
    ),
    ("acceptedSuggestions", without(accepted(), "acceptedSuggestions")),
    *(
        ("acceptedSuggestions", accepted(acceptedSuggestions=ids))
        for ids in (None, [], {}, "x", [SUGGESTION], [{}], [{"id": None}], [{"id": ""}], [{"id": "x"}] * 51)
    ),
    *(
        ("overrideReason", overridden(**{name: reason}))
        for name in ("overrideReason", "overrideReasons")
        for reason in ("x", 5, [5], {"reason": "x"}, {"reason": {"code": 5}}, {"userComment": 5}, [{}] * 21)
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "item"), FAULTS)
def test_a_bad_item_costs_itself_and_says_which_field_is_at_fault(fault, item):
    read = reading(overridden(), item, accepted())
    assert [kept.outcome for kept in read.items] == ["overridden", "accepted"]
    assert read.faults == (fault,)


def test_what_is_told_of_a_bad_item_is_the_same_however_it_is_written_and_holds_nothing_of_it():
    first, second = (
        read_feedback(text.encode(), keep_comments=True).bad[0]
        for text in ('{"feedback": [{"card": "Kari", "b": [1]}]}', '{"feedback":[{"b":[1.0],"card":"\\u004bari"}]}')
    )
    assert first == second
    assert "Kari" not in repr(first)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "5", '"feedback"', "{}", '{"feedback": null}', '{"feedback": {}}', '{"feedback": []}',
        '{"Feedback": [{}]}', '{"feedback": [NaN]}', '{"feedback": [Infinity]}', '{"feedback": [{}]} x',
        "[" * 100_000, '{"feedback": [' + '{"a":' * 100_000,
    ],
)  # fmt: skip
def test_a_body_that_is_no_feedback_is_refused(text):
    with pytest.raises(NotFeedbackError):
        read_feedback(text.encode(), keep_comments=False)


@pytest.mark.parametrize("content", [b"\xff", b"\xfe\xff\x00{", '{"feedback": [{}]}'.encode("utf-16")])
def test_a_body_that_is_not_utf_8_is_refused(content):
    with pytest.raises(NotFeedbackError):
        read_feedback(content, keep_comments=False)


def test_a_thousand_items_are_taken_and_one_more_is_too_many():
    assert len(reading(*[overridden()] * MOST_ITEMS).items) == MOST_ITEMS
    with pytest.raises(TooManyItemsError):
        reading(*[overridden()] * (MOST_ITEMS + 1))


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_NAMES = st.sampled_from(
    [*accepted(), "overrideReason", "overrideReasons", "reason", "code", "system", "userComment", "extension", "id"]
)
_JSON = st.recursive(
    _SCALARS | st.sampled_from(["accepted", "overridden", CARD, MOMENT]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES | st.text(max_size=5), inner, max_size=6),
    max_leaves=20,
)
ITEMS = _JSON | st.builds(lambda members: {**accepted(), **members}, st.dictionaries(_NAMES, _JSON, max_size=3))


@given(st.lists(ITEMS, max_size=5), st.booleans())
def test_whatever_stands_beside_them_good_items_are_read(items, keep_comments):
    read = reading(overridden(), *items, accepted(), keep_comments=keep_comments)
    assert (read.items[0], read.items[-1]) == reading(overridden(), accepted()).items
    assert len(read.items) + len(read.bad) == len(items) + 2


@given(_JSON)
def test_a_body_is_read_or_refused_in_our_own_words(content):
    try:
        read = read_feedback(json.dumps(content).encode(), keep_comments=True)
    except (NotFeedbackError, TooManyItemsError):
        assert not (isinstance(content, dict) and isinstance(content.get("feedback"), list) and content["feedback"])
    else:
        assert len(read.items) + len(read.bad) == len(content["feedback"])


@given(st.binary(max_size=200), st.integers(0, 90))
def test_any_bytes_are_read_or_refused_in_our_own_words(noise, length):
    for content in (noise, body(overridden())[:length] + noise):
        try:
            read = read_feedback(content, keep_comments=True)
        except NotFeedbackError:
            continue
        assert read.items or read.bad
