"""What is refused before a body is parsed, and at which moment."""

import asyncio
import json

import pytest

from benchmarks.synthetic import children
from cds_service.operations.bodies import LONGEST_BODY, MOST_NODES, read_body, require_text
from cds_service.operations.errors import DisconnectedError, RequestError

PRIVATE = "Olav Nordmann"


def pieces(*bodies, last=True):
    """An ASGI `receive` of these pieces; then nothing more comes."""
    messages = [
        {"type": "http.request", "body": body, "more_body": not (last and number == len(bodies))}
        for number, body in enumerate(bodies, start=1)
    ]

    async def receive():
        if messages:
            return messages.pop(0)
        return await asyncio.Event().wait()

    return receive


def read(*bodies, headers=(), **options):
    sent = [(name.encode(), value.encode()) for name, value in headers]
    return asyncio.run(read_body(sent, pieces(*bodies, last=options.pop("last", True)), **options))


def refusal(*bodies, **options):
    with pytest.raises(RequestError) as caught:
        read(*bodies, **options)
    assert PRIVATE not in caught.value.diagnostics
    return caught.value


@pytest.mark.parametrize("text", ['{"name": "Bærum"}', '{"a": "\\\\u0000"}', '{"a": "\\u0001"}', "{}", ""])
def test_a_text_of_utf8_is_handed_on_as_it_came(text):
    body = text.encode()
    assert read(body) == body
    assert read(*(body[place : place + 1] for place in range(len(body) + 1))) == body


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "\xff"}',
        b'"\xed\xa0\x80"',
        b'"\xc0\xaf"',
        "{}".encode("utf-16"),
        "{}".encode("utf-32"),
        '{"a": "Bærum"}'.encode("latin-1"),
    ],
)
def test_what_is_no_utf8_is_refused(body):
    assert refusal(body).status == 400
    with pytest.raises(RequestError):
        require_text(body)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("application/json", 200),
        ("Application/JSON; charset=UTF-8", 200),
        ('application/fhir+json;charset="utf-8"; fhirVersion=4.0', 200),
        ("application/json;", 200),
        ("", 200),
        ("application/json; charset=iso-8859-1", 200),
        ("application/json; charset=utf-16", 200),
        ("application/json; charset=", 200),
        ("application/xml", 415),
        ("text/json", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/jsonx", 415),
        (f"{PRIVATE}", 415),
    ],
)
def test_only_json_is_read_which_knows_no_other_charset(value, status):
    if status == 200:
        assert read(b"{}", headers=[("content-type", value)]) == b"{}"
    else:
        assert refusal(b"{}", headers=[("content-type", value)]).status == status


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity, gzip", "identity, identity", "x"])
def test_an_encoded_body_is_refused_before_it_is_read(encoding):
    assert refusal(headers=[("content-encoding", encoding)]).status == 415
    assert read(b"{}", headers=[("content-encoding", "Identity")]) == b"{}"


@pytest.mark.parametrize("declared", [str(LONGEST_BODY + 1), "9" * 5000, f"000{LONGEST_BODY + 1}"])
def test_a_body_that_says_it_is_too_long_is_refused_unread(declared):
    fault = refusal(headers=[("content-length", declared)])
    assert (fault.status, fault.code) == (413, "too-long")


def test_a_body_may_be_as_long_as_the_limit_and_no_longer():
    full = b'"' + b"a" * (LONGEST_BODY - 2) + b'"'
    assert read(full[:70_000], full[70_000:]) == full
    assert refusal(full, b" ", headers=[("content-length", "2")]).status == 413


def test_the_nodes_are_bounded_and_texts_count_too():
    most = b"[" + b"1," * (MOST_NODES - 1) + b"1]"
    assert read(most) == most
    for body in (most[:-1] + b",1]", b'"' + b",{[" * (MOST_NODES // 3 + 1) + b'"'):
        fault = refusal(body)
        assert (fault.status, fault.code) == (413, "too-costly")


def test_the_densest_charts_pass_at_the_full_length(root):
    types = {"patient": "Patient", "forms": "QuestionnaireResponse", "conditions": "Condition", "labs": "Observation"}
    types |= {"imaging": "ImagingStudy", "orders": "MedicationRequest", "allergies": "AllergyIntolerance"}
    types |= {"given": "MedicationAdministration"}
    charts = [child.request(types) for child in children(30, 10)]
    charts += [path.read_bytes() for path in root.glob("fhir_samples/*/request.json")]
    assert len(charts) > 90
    for chart in charts:
        entry = json.dumps(json.loads(chart), separators=(",", ":"), ensure_ascii=False).encode()
        body = b"[" + b",".join([entry] * ((LONGEST_BODY - 1) // (len(entry) + 1))) + b"]"
        assert read(body) == body


def test_five_thousand_small_resources_pass():
    subject = {"reference": "Patient/p1"}
    code = {"coding": [{"system": "http://loinc.org", "code": "1988-5", "display": "CRP"}], "text": "CRP"}
    value = {"value": 5, "unit": "mg/L", "system": "http://unitsofmeasure.org", "code": "mg/L"}
    small = {"resourceType": "Observation", "id": "o", "status": "final", "subject": subject, "code": code}
    entry = {"fullUrl": "urn:x", "resource": {**small, "effectiveDateTime": "2025-09-01", "valueQuantity": value}}
    body = json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": [entry] * 5000}, separators=(",", ":"))
    assert len(body) < LONGEST_BODY
    assert read(body.encode()) == body.encode()


def test_a_body_that_does_not_come_is_waited_for_no_longer_than_in_all_so_long():
    async def drip():
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def ask():
        loop = asyncio.get_running_loop()
        started = loop.time()
        with pytest.raises(RequestError) as caught:
            await read_body((), drip, seconds=0.1)
        return caught.value, loop.time() - started

    fault, seconds = asyncio.run(ask())
    assert (fault.status, fault.code, fault.headers) == (408, "timeout", {"connection": "close"})
    assert 0.1 <= seconds < 2
    assert refusal(b"{", last=False, seconds=0.01).status == 408


def test_a_client_that_goes_away_is_told_from_one_that_is_slow():
    async def receive():
        return {"type": "http.disconnect"}

    with pytest.raises(DisconnectedError):
        asyncio.run(read_body((), receive))
