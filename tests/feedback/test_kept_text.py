import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.feedback.kept_text import LONGEST_COMMENT, category_reason, coded_reason, kept_comment, kept_id

CARD = "4e0a3a1e-3283-4575-ab82-028d55fe2719"


@pytest.mark.parametrize("text", [CARD, CARD.upper(), f"urn:uuid:{CARD}"])
def test_a_uuid_is_kept_in_one_form(text):
    assert kept_id(text) == CARD


@pytest.mark.parametrize("text", ["card-1", "12057912345", "Kari Nordmann", f"{CARD}x", CARD[:-1], "å"])
def test_of_any_other_id_nothing_can_be_read_afterwards_but_that_it_is_the_same(text):
    assert kept_id(text).startswith("sha256:")
    assert text not in kept_id(text)
    assert kept_id(text) == kept_id(text) != kept_id(f"{text}2")


@pytest.mark.parametrize(
    ("system", "code", "token"),
    [
        ("http://example.org/reasons", "patient-declined", "http://example.org/reasons|patient-declined"),
        ("urn:oid:2.16.578.1", "A.1_b", "urn:oid:2.16.578.1|A.1_b"),
        (None, "x", "|x"),
        ("", "x", "|x"),
        ("Kari", "x", "other|x"),
        ("http: //example.org/reasons", "x", "other|x"),
        ("http://example.org/?name=Kari", "x", "other|x"),
        ("http://kari@example.org/", "x", "other|x"),
        ("http://example.org/12057912345/x", "x", "other|x"),
        (f"http://{'x' * 121}", "x", "other|x"),
        (None, None, "|other"),
        (None, "", "|other"),
        (None, "Because of Kari", "|other"),
        (None, "12057912345", "|other"),
        (None, "p-12057912345", "|other"),
        (None, "120579123456789", "|120579123456789"),
        (None, "x" * 65, "|other"),
        (None, "x|y", "|other"),
        (None, "x\n", "|other"),
    ],
)
def test_a_reason_is_kept_where_it_is_a_code_and_else_counted_as_another(system, code, token):
    assert coded_reason(system, code) == token


@pytest.mark.parametrize(
    ("code", "token"), [("45", "s|45"), ("", "s|other"), ("Not 45", "s|other"), ("5" * 21, "s|other")]
)
def test_a_vendors_category_is_kept_where_it_is_a_code(code, token):
    assert category_reason("s", code) == token


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (" Kari vil vente. ", "Kari vil vente."),
        ("one\r\ntwo\u2028three", "one\ntwo\nthree"),
        ("a\0b\x1b[31mc\x7f", "ab[31mc"),
        ("a\tb\u00a0c", "a b c"),
        ("a\u202eb\ufeffc\ud83d", "abc"),
        ("\0\n\t", ""),
        ("x" * 10**6, "x" * LONGEST_COMMENT),
    ],
)
def test_a_comment_is_kept_without_what_cannot_be_printed(text, kept):
    assert kept_comment(text) == kept


@given(st.text(st.characters()) | st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zs", "Lu"])))
def test_any_comment_becomes_lines_that_can_be_printed_and_stored(text):
    kept = kept_comment(text)
    assert all(line.isprintable() for line in kept.split("\n"))
    assert len(kept) <= LONGEST_COMMENT
    assert kept_comment(kept) == kept
    assert kept.encode().decode() == kept
