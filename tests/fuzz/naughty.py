"""The Big List of Naughty Strings in the place of every text and name of a request, and in paths, queries, headers."""

import json
from functools import reduce
from operator import getitem
from pathlib import Path

import orjson

from cds_service.hooks.services import BY_HOOK
from tests.fuzz.inputs import JSON_HEADERS, Input, ascii_path, post
from tests.fuzz.values import full, places_of
from tests.hooks.test_bad_input import put

DATA = Path(__file__).parent / "data"
HEADERS = (
    "accept", "accept-language", "authorization", "content-type", "content-encoding", "content-length", "cookie",
    "expect", "host", "if-none-match", "origin", "range", "referer", "transfer-encoding", "user-agent",
    "x-forwarded-for",
    "x-forwarded-host", "x-forwarded-proto", "forwarded", "x-request-id", "traceparent",
    "access-control-request-method", "access-control-request-headers",
)  # fmt: skip
_QUERIES = ("hook", "today", "lang", "x")


def strings():
    """The list."""
    return json.loads((DATA / "naughty_strings.json").read_text("utf-8"))


def naughty(random, count):
    """So many: of ten, eight within a body, one in path or query, one in a header."""
    texts = strings()
    inside = [(hook, place) for hook in BY_HOOK for place in places_of(hook)]
    random.shuffle(inside)
    random.shuffle(texts)
    for turn in range(count):
        text = texts[turn % len(texts)]
        if turn % 10 == 8:
            yield in_address(random, text)
        elif turn % 10 == 9:
            yield in_header(random, text)
        else:
            yield _in_body(random, *inside[turn % len(inside)], text)


def _in_body(random, hook, place, text):
    """In the place of a text, of its name, or of every text below it."""
    document = full(hook)
    *way, last = place
    holder = reduce(getitem, way, document)
    if isinstance(last, str) and random.random() < 0.3:
        holder[text] = holder.pop(last)
    else:
        put(document, place, _filled(holder[last], text))
    path = "/evaluate" if random.random() < 0.3 else f"/cds-services/{BY_HOOK[hook].id}"
    return post(path, orjson.dumps(document))


def _filled(part, text):
    if isinstance(part, dict):
        return {name: value if name == "resourceType" else _filled(value, text) for name, value in part.items()}
    if isinstance(part, list):
        return [_filled(value, text) for value in part]
    return text


def in_address(random, text):
    """A text as a part of the path, or of the query."""
    if random.random() < 0.5:
        query = f"{random.choice(_QUERIES)}={ascii_path(text)}"
        return post(f"/evaluate?{query}", b'{"resourceType":"Bundle"}')
    before = random.choice(("/", "/cds-services/", "/cds-services/cno-patient-view/", "/fhir/Questionnaire/"))
    return Input(random.choice(("GET", "POST")), before + ascii_path(text), b"{}")


def in_header(random, text):
    """A text in a header, as a server lets it through: without line ends and NUL."""
    value = text.encode("utf-8", "replace").replace(b"\r", b" ").replace(b"\n", b" ").replace(b"\0", b" ")
    name = random.choice(HEADERS).encode()
    headers = tuple(pair for pair in JSON_HEADERS if pair[0] != name)
    path = random.choice(("/evaluate", "/cds-services", "/cds-services/cno-order-sign", "/livez"))
    method = random.choice(("GET", "POST", "OPTIONS"))
    return Input(method, path, b'{"resourceType":"Bundle"}', (*headers, (name, value)))
