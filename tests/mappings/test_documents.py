"""Resources out of files of every shape."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from cds_service.mappings.documents import documents, lines_of, resources

PATIENT = {"resourceType": "Patient", "id": "p1"}
MEDICATION = {"resourceType": "Medication", "id": "m1"}
BUNDLE = {"resourceType": "Bundle", "entry": [{"resource": PATIENT, "fullUrl": "urn:uuid:1"}, {"resource": MEDICATION}]}


def lines(*values, indent=None):
    return "\n".join(json.dumps(value, indent=indent) for value in values).encode().splitlines(keepends=True)


def numbers(content):
    return [(one.line, one.content is not None) for one in documents(content)]


def found(value):
    sent = resources(Raw(json.dumps(value).encode()))
    return [(one.resource and json.loads(bytes(one.resource)), one.url) for one in sent]


def test_each_line_is_a_document_and_a_bad_one_costs_itself():
    content = [*lines(PATIENT), b"\n", b"\n", b"{no\n", *lines(MEDICATION)]
    assert numbers(content) == [(1, True), (4, False), (5, True)]


def test_a_bad_first_line_costs_itself_too():
    assert numbers([b"no\n", *lines(PATIENT, MEDICATION)]) == [(1, False), (2, True), (3, True)]


@pytest.mark.parametrize("value", [BUNDLE, [PATIENT, MEDICATION]])
def test_a_value_over_several_lines_is_one_document(value):
    assert numbers(lines(value, indent=2)) == [(None, True)]


@pytest.mark.parametrize("content", [[], [b"\n", b"  \n"]])
def test_an_empty_file_holds_nothing(content):
    assert numbers(content) == []


@pytest.mark.parametrize(
    "content", [[b"{\n", b'"resourceType": "Patient",\n'], [b"Name;Fnr\n", b"Kari;1\n"], [b"\xff\n"]]
)
def test_a_file_that_is_no_json_is_told_as_one(content):
    assert numbers(content) == [(None, False)]


def test_a_byte_order_mark_does_not_matter():
    assert numbers([b"\xef\xbb\xbf" + lines(PATIENT)[0]]) == [(1, True)]


def test_a_bundle_gives_its_resources_with_their_urls_at_any_depth():
    nested = {"resourceType": "Bundle", "entry": [{"resource": BUNDLE}, {"request": {"method": "DELETE"}}]}
    assert found(nested) == [(PATIENT, "urn:uuid:1"), (MEDICATION, None), (None, None)]


@pytest.mark.parametrize("entry", [None, [], "entry", {"resource": PATIENT}])
def test_a_bundle_without_a_list_of_entries_gives_what_is_there(entry):
    expected = [(PATIENT, None)] if isinstance(entry, dict) else [(None, None)] if entry == "entry" else []
    assert found({"resourceType": "Bundle", "entry": entry}) == expected


def test_a_list_gives_each_of_its_values():
    assert found([PATIENT, BUNDLE, 3]) == [(PATIENT, None), (PATIENT, "urn:uuid:1"), (MEDICATION, None), (3, None)]


def test_a_hook_request_gives_prefetch_and_draft_orders():
    request = {
        "hook": "order-sign",
        "context": {"draftOrders": {"resourceType": "Bundle", "entry": [{"resource": MEDICATION}]}},
        "prefetch": {"patient": PATIENT, "labs": None, "old": {"resource": BUNDLE, "response": {"status": "200"}}},
    }
    assert found(request) == [(PATIENT, None), (PATIENT, "urn:uuid:1"), (MEDICATION, None), (MEDICATION, None)]
    assert found({"hook": "patient-view"}) == []


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(PATIENT),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["resourceType", "entry", "resource", "hook", "prefetch", "context"]), inner)
    ),
    max_leaves=8,
)


@given(values)
def test_any_json_is_taken_apart(value):
    assert all(one.resource is None or bytes(one.resource) for one in resources(Raw(json.dumps(value).encode())))


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match=r"^not a file$"):
        list(lines_of(str(pipe)))
