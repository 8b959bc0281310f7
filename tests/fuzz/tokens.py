"""Feedback that is none, and Authorization headers that hold no good token."""

import json
from base64 import urlsafe_b64encode

from cds_service.hooks.services import SERVICES
from tests.fuzz.inputs import CANARY, JSON_HEADERS, Input, post
from tests.fuzz.values import DATES, FRAGMENTS, Written, anything, scalar, starts

_CARD = "4f8a2d10-93b1-4c02-8a55-0d3b7a6f9e21"
_REASONS = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_ALGORITHMS = ("RS384", "ES384", "none", "None", "HS256", "HS384", "RS256", "EdDSA", "", 1, None, CANARY, "x" * 3000)
_SCHEMES = ("Bearer", "bearer", "BEARER", "Basic", "Digest", "Token", "", "Bearer Bearer", CANARY.split()[0])
_HEADER_MEMBERS = ("alg", "kid", "typ", "jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "cty")
_CLAIMS = ("iss", "aud", "exp", "iat", "nbf", "jti", "sub", "tenant")
_URLS = ("https://sandbox.cds-hooks.org", "http://127.0.0.1:9/jwks.json", "file:///etc/passwd", "//", "data:,{}")
_TIMES = (0, -1, 1757923200, 1757923500, 1e300, 10**30, "1757923500", 2**63, 1757923200.5, True)


def feedback(random, count):
    """So many batches of feedback, good and bad, under a service or beside one."""
    for _ in range(count):
        service = random.choice((*(service.id for service in SERVICES), "other", "..%2f"))
        written = Written()
        body = _batch(random, written)
        content = written.bytes(body)
        if random.random() < 0.1:
            content = content[: random.randint(0, len(content))]
        yield post(f"/cds-services/{service}/feedback{random.choice(('', '', '/'))}", content)


def _batch(random, written):
    items = [
        _item(random, written) for _ in range(random.choice((0, 1, 1, 1, 3, 30) if random.random() < 0.99 else (700,)))
    ]
    return random.choice(
        ({"feedback": items}, {"feedback": items}, {"feedback": items, "x": 1}, items, {"Feedback": 1})
    )


def _item(random, written):
    """An item as CDS Hooks or Epic has it, with members taken away or replaced."""
    item = {
        "card": random.choice((_CARD, "card-1", scalar(random))),
        "outcome": random.choice(("accepted", "overridden", "ignored", scalar(random))),
        "acceptedSuggestions": [{"id": _CARD}],
        random.choice(("overrideReason", "overrideReasons")): {
            "reason": {"code": "patient-refused", "system": _REASONS},
            "userComment": random.choice((CANARY, "x" * 5000, "")),
        },
        "outcomeTimestamp": random.choice(("2025-09-15T08:00:00Z", "2025-09-15T10:00:00.123+02:00", *DATES)),
    }
    for name in random.sample(list(item), random.randint(0, 3)):
        if random.random() < 0.3:
            del item[name]
        else:
            item[name] = written.raw(random.choice(FRAGMENTS[:40])) if random.random() < 0.1 else anything(random)
    return item


def tokens(random, count):
    """So many requests with an Authorization header, or several."""
    for _ in range(count):
        path, body = random.choice(
            (*starts(), ("/cds-services", b""), ("/cds-services/cno-order-sign/feedback", b"{}"))
        )
        headers = [(b"authorization", _authorization(random)) for _ in range(random.choice((1, 1, 1, 1, 2, 5)))]
        yield Input("POST" if body else "GET", path, body, (*JSON_HEADERS, *headers))


def _authorization(random):
    token = _token(random)
    if random.random() < 0.2:
        token = random.choice((token[:-5], token + ".", "." + token, token.replace(".", ""), token * 3, "..", "a.b.c"))
    joint = random.choice((" ", " ", " ", "  ", "", "\t", ","))
    return f"{random.choice(_SCHEMES)}{joint}{token}".encode("utf-8", "replace")


def _token(random):
    header = {"typ": "JWT", "kid": "k", "alg": random.choice(_ALGORITHMS)} | _some(random, _HEADER_MEMBERS)
    claims = {name: random.choice((*_TIMES, *_URLS)) for name in _CLAIMS} | _some(random, _CLAIMS)
    signature = random.randbytes(random.choice((0, 1, 96, 256, 384, 9000)))
    return ".".join(_part(part) for part in (json.dumps(header).encode(), json.dumps(claims).encode(), signature))


def _some(random, names):
    return {name: random.choice((*_URLS, *_TIMES, anything(random))) for name in random.sample(names, 2)}


def _part(part):
    return urlsafe_b64encode(part).rstrip(b"=").decode()
