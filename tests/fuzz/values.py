"""Requests to begin with, and values to put into them: those of the samples, and junk."""

import re
from collections import defaultdict
from functools import cache

import orjson

from cds_service.hooks.services import BY_HOOK
from tests.fuzz.apps import SAMPLES
from tests.fuzz.inputs import CANARY
from tests.hooks.test_bad_input import places, request

_MARK = re.compile(rb'"<<(\d+)>>"')
_SELDOM = 0.001
SCALARS = (
    None, True, False, 0, 1, -1, -0.0, 0.1, 3.5, 55, 1e-7, 1e22, 2**53 + 1, -(2**63), 2**64 - 1, 1e308, 5e-324, "", " ",
    "\t\n", "0", "-1", "1e5", "1,5", "NaN", "null", "true", "[]", "{}", "Patient/", "/", "#", "#m", "urn:uuid:", CANARY,
    "\0", "\u200b", "\ufeff", "\u202e", "\U0001f9b4", "e\u0301", "\u0130", "ß", "\uffff"
    "x" * 300,
)  # fmt: skip
LONG = ("Ω" * 70_000, "9" * 5000, "a " * 20_000, "\\" * 3000)
DATES = (
    "2025-02-30", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "-2025-01-01", "2025", "2025-00", "2025-13",
    "2025-09", "2025-9-1", "15.09.2025", "2025-09-15T24:00:00Z", "2025-09-15T23:59:60Z", "2025-09-15T10:00",
    "2025-09-15T10:00:00+25:00", "2025-09-15T10:00:00-14:00", "2025-09-15T10:00:00.123456789123Z", "2025-02-29",
    "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "2025-W38-1", "20250915", "2025-09-15T10:00:00 Europe",
    "2025-03-30T02:30:00", "2025-10-26T02:30:00", "1900-01-01", "2199-12-31", "２０２５-０９-１５", "now", "T10:00:00Z",
)  # fmt: skip
NUMBERS = (
    b"1e400", b"-1e400", b"1e-400", b"1E+30", b"1e31", b"9" * 4301, b"0." + b"0" * 5000 + b"1", b"-0", b"0e0",
    b"1.0e+2",
    b"1e999999999999999999", b"123456789012345678901234567890.123456789", b"0.1000000000000000055511151231257827",
)  # fmt: skip
NO_JSON = (
    b"NaN", b"Infinity", b"-Infinity", b"01", b"+1", b".5", b"1.", b"0x1F", b"1e", b"'x'", b"undefined", b"tru",
    b"\xff",
    b'"\xc3\x28"', b'"\xed\xa0\x80"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\u00"', b'"\\x41"', b'"\x01"', b"[1,]",
    b'{"a":1,}', b"{a:1}", b"/**/1", b'"', b"[", b"]", b"}", b"", b"1 2", b"\xef\xbb\xbf1", b"\x00",
)  # fmt: skip
NESTED = tuple(
    opening * depth + middle + closing * depth
    for depth in (60, 500, 20_000)
    for opening, middle, closing in ((b"[", b"", b"]"), (b'{"a":', b"1", b"}"), (b'[{"item":', b"[]", b"}]"))
)
LISTS = (b"[" + b",".join([b"{}"] * 3000) + b"]", b"[" + b",".join([b"null"] * 30_000) + b"]", b'[[],{},0,null,""]')
FRAGMENTS = (
    *NUMBERS,
    *NO_JSON,
    *NESTED,
    *LISTS,
    b'{"a":1,"a":2}',
    b'{"resourceType":"Patient","resourceType":"Basic"}',
)


@cache
def starts():
    """Path and body of every sample, as hook request and as Bundle, and of a request with every member that we read."""
    found = [(_path(orjson.loads(each.read_bytes())), each.read_bytes()) for each in _files("request.json")]
    found += [("/evaluate", each.read_bytes()) for name in ("request.json", "bundle.json") for each in _files(name)]
    for hook in BY_HOOK:
        whole = orjson.dumps(full(hook))
        found += [(f"/cds-services/{BY_HOOK[hook].id}", whole), ("/evaluate?today=2025-09-15&lang=nn", whole)]
    return [(path, orjson.dumps(orjson.loads(body))) for path, body in found]


def full(hook):
    """A request in which every member that is read stands, also of the server and its token."""
    token = {"access_token": "t", "token_type": "Bearer", "expires_in": 300, "scope": "user/*.rs", "subject": "cds"}
    return {**request(hook), "fhirServer": "https://ehr.example.org/fhir", "fhirAuthorization": token}


@cache
def by_name():
    """Name of a member → the scalars that stand under it in a sample."""
    found = defaultdict(dict)
    for _, body in starts():
        for name, value in _scalars(None, orjson.loads(body)):
            found[name][value] = None
    return {name: list(values) for name, values in found.items()}


@cache
def places_of(hook):
    """The way to every member and item of that request."""
    return tuple(places(full(hook)))


def scalar(random, name=None):
    """Any scalar; one that fits the name more often than not."""
    fitting = by_name().get(name)
    if fitting and random.random() < 0.6:
        return random.choice(fitting)
    if random.random() < _SELDOM:
        return random.choice(LONG)
    return random.choice(DATES if random.random() < 0.2 else SCALARS)


def anything(random, depth=3):
    """Any JSON, shallow."""
    kind = random.random()
    if depth == 0 or kind < 0.6:
        return scalar(random)
    if kind < 0.8:
        return [anything(random, depth - 1) for _ in range(random.randint(0, 4))]
    names = [random.choice(list(by_name())) for _ in range(random.randint(0, 4))]
    return {name: anything(random, depth - 1) for name in names}


class Written:
    """Writes JSON in which bytes of any kind may stand in the place of a value or of a name."""

    def __init__(self):
        self._parts = []

    def raw(self, part):
        """What stands in the document for these bytes."""
        self._parts.append(part)
        return f"<<{len(self._parts) - 1}>>"

    def bytes(self, document):
        """The document with the bytes in their places."""
        return _MARK.sub(lambda mark: self._parts[int(mark[1])], orjson.dumps(document))


def _path(request):
    return f"/cds-services/{BY_HOOK[request['hook']].id}"


def _files(name):
    return sorted(SAMPLES.glob(f"*/{name}"))


def _scalars(name, part):
    if isinstance(part, dict):
        for inner, value in part.items():
            yield from _scalars(inner, value)
    elif isinstance(part, list):
        for value in part:
            yield from _scalars(name, value)
    else:
        yield name, part
