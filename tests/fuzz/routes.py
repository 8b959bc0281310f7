"""Addresses, methods, queries and headers that nobody should send."""

from tests.fuzz.inputs import CANARY, HOST, JSON_HEADERS, Input, ascii_path, post
from tests.fuzz.naughty import HEADERS, in_address, in_header, strings
from tests.fuzz.values import DATES, SCALARS, starts

_KNOWN = (
    "/", "/cds-services", "/cds-services/cno-patient-view", "/cds-services/cno-order-select", "/evaluate", "/livez",
    "/cds-services/cno-order-sign", "/cds-services/cno-order-sign/feedback", "/fhir/Questionnaire/cno-assessment",
    "/readyz", "/version", "/openapi.json", "/docs", "/metrics", "/launch", "/callback", "/calculator", "/playground",
)  # fmt: skip
_METHODS = (
    "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "PRI", "post", "get",
    "GETT", "X" * 300, "M-SEARCH",
)  # fmt: skip
_PARTS = (
    "%2e%2e", "..", ".", "%00", "//", ";", ";a=b", "%2f", "%5c", "%25", "%", "%zz", "%ff%fe", "%c0%af", "%e2%80%ae",
    "*",
    "%0d%0aX:1", "%7b%7b7*7%7d%7d", "~", "@", ":80", "/" * 200, "a" * 5000, "%41" * 2000, "feedback", "?", "&", "=",
    "%20",
    ascii_path(CANARY), "cno-patient-view", "CNO-PATIENT-VIEW", ".json", "etc/passwd", "?hook=order-sign",
)  # fmt: skip
_TYPES = (
    b"application/json", b"application/fhir+json", b"application/json;charset=utf-16", b"APPLICATION/JSON", b"",
    b"application/json, text/html", b"text/plain", b"application/xml", b"multipart/form-data; boundary=x", b"*/*", b";",
    b"application/x-www-form-urlencoded", b"application/json" + b";a=b" * 500, b"\xff\xfe", b"application/json\t;",
)  # fmt: skip
_ENCODINGS = (b"gzip", b"identity", b"br", b"deflate, gzip", b"", b"x" * 4000, b"GZIP", b"chunked", b"\xff")
_LENGTHS = (b"0", b"-1", b"5", b"99999999999999999999", b"9" * 5000, b"0x10", b"1e3", b" 5", b"5,5", b"\xb2", b"")
_QUERIES = ("hook", "today", "lang", "Hook", "hook[]", "today[$ne]", "", "x" * 3000, "%00", ascii_path(CANARY))
_LONG = b" " * (3 << 20)


def routes(random, count):
    """So many of the kinds below."""
    texts = strings()
    for _ in range(count):
        kind = random.choice((_address, _address, _method, _query, _typed, _headers, _junk, _long))
        if kind is _junk:
            yield random.choice((in_address, in_header))(random, random.choice(texts))
        else:
            yield kind(random)


def _junk():
    """Stands for the two of the naughty strings."""


def _address(random):
    parts = [random.choice(_KNOWN)]
    for _ in range(random.randint(1, 3)):
        parts.insert(random.randint(0, len(parts)), random.choice(_PARTS))
    return Input(random.choice(_METHODS[:4]), "/" + "".join(parts).removeprefix("/"), b"{}")


def _method(random):
    path, body = random.choice((*starts()[:3], *((path, b"") for path in _KNOWN)))
    return Input(random.choice(_METHODS), path, body)


def _query(random):
    path, body = random.choice(starts())
    pairs = [
        f"{random.choice(_QUERIES)}={ascii_path(str(random.choice((*SCALARS[:-1], *DATES, *_PARTS))))}"
        for _ in range(random.choice((1, 1, 2, 3, 40, 1500)))
    ]
    return post(f"{path.partition('?')[0]}?{random.choice('&;').join(pairs)}", body)


def _typed(random):
    path, body = random.choice(starts())
    headers = [
        (b"content-type", random.choice(_TYPES)),
        (b"content-encoding", random.choice(_ENCODINGS)),
        (b"content-length", random.choice(_LENGTHS)),
    ]
    chosen = random.sample(headers, random.randint(1, 3)) + random.sample(headers, random.randint(0, 1))
    return post(path, body, headers=(HOST, *chosen), chunks=random.choice((1, 3)), is_cut_off=random.random() < 0.2)


def _headers(random):
    path, body = random.choice(starts())
    many = random.choice((0, 1, 5, 200, 2000))
    named = [(random.choice(HEADERS[:2] + HEADERS[6:]).encode(), _value(random)) for _ in range(min(many, 200))]
    odd = [(f"x-{number}".encode(), _value(random)) for number in range(many - len(named))]
    return post(path, body, headers=(*JSON_HEADERS, *named, *odd))


def _value(random):
    return random.choice(
        (b"", b"*", b"null", b"a" * 3000, CANARY.encode(), b"\xff\xfe", b"q=" * 50, b"en;q=nan", b"nb;q=1e999,nn;q=-1",
         b"https://evil.example", b"file:///etc/passwd", b"1; DROP", b"Bearer x", b"a=b; " * 300, b"en-" * 400)
    )  # fmt: skip


def _long(random):
    """At and above the longest body; and none at all."""
    path, body = random.choice(starts())
    wanted = random.choice((2 << 20, (2 << 20) + 1, 3 << 20, 0, 1)) if random.random() < 0.2 else 0
    return post(path, (body + _LONG)[:wanted], chunks=random.choice((1, 30)), is_cut_off=random.random() < 0.5)
