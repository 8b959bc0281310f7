"""Inputs that Hypothesis draws: any JSON, any envelope; and those that schemathesis draws from our OpenAPI document."""

import json
from urllib.parse import urlsplit

import orjson
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from requests import Request

from cds_service.hooks.services import BY_HOOK
from tests.fuzz.apps import document
from tests.fuzz.inputs import CANARY, HOST, Input, ascii_path, post
from tests.hooks.test_bad_input import RECORD

_PATHS = ("/evaluate", "/cds-services/cno-patient-view/feedback", *(f"/cds-services/{s.id}" for s in BY_HOOK.values()))
_AT_ONCE = 200
_TEXTS = st.text(max_size=20) | st.sampled_from([CANARY, "p1", "Patient/p1", "patient-view", "order-sign"])
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS
_JSON = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_TEXTS, inner, max_size=5))
_RESOURCES = st.sampled_from([*RECORD.values(), None, {"resourceType": "OperationOutcome"}]) | _JSON
_CONTEXTS = st.fixed_dictionaries(
    {"userId": st.just("Practitioner/1") | _JSON, "patientId": st.just("p1") | _JSON},
    optional={"draftOrders": _RESOURCES, "selections": st.lists(_TEXTS, max_size=3) | _JSON, "encounterId": _JSON},
)
_ENVELOPES = st.fixed_dictionaries(
    {"hook": st.sampled_from(list(BY_HOOK)) | _JSON, "hookInstance": st.uuids().map(str) | _JSON},
    optional={
        "context": _CONTEXTS | _JSON,
        "prefetch": st.dictionaries(st.sampled_from(list(RECORD)) | _TEXTS, _RESOURCES, max_size=6) | _JSON,
        "fhirServer": st.just("https://ehr.example.org/fhir") | _JSON,
        "fhirAuthorization": st.dictionaries(st.sampled_from(["access_token", "token_type", "expires_in"]), _JSON),
        "extension": _JSON,
    },
)


def any_json(random, count):
    """So many bodies: any JSON in the place of all, or of members of an envelope."""
    bodies = (_JSON | _ENVELOPES | _ENVELOPES).map(_encoded)
    for body in drawn(random, st.tuples(st.sampled_from(_PATHS), bodies), count):
        yield post(*body)


def openapi_cases(random, count):
    """So many requests of the operations that take something, both within the document and against it."""
    schema = schemathesis.openapi.from_dict(orjson.loads(document()))
    operations = [found.ok() for found in schema.get_all_operations()]
    strategies = [
        operation.as_strategy(generation_mode=mode)
        for operation in operations
        if operation.method.upper() == "POST"
        for mode in schemathesis.GenerationMode
    ]
    each = -(-count // len(strategies))
    made = (case for strategy in strategies for case in drawn(random, strategy.map(_sent), each))
    for number, one in enumerate(made):
        if number < count:
            yield one


def drawn(random, strategy, count):
    """So many values of a strategy, a part of them at a time; Hypothesis may run out of different ones."""
    while count > 0:
        values = _some(random, strategy, min(count, _AT_ONCE))
        yield from values
        count -= max(1, len(values))


def _some(random, strategy, count):
    values = []

    @seed(random.getrandbits(64))
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(value):
        values.append(value)

    draw()
    return values[:count]


def _encoded(part):
    return json.dumps(part, ensure_ascii=bool(len(str(part)) % 2)).encode("utf-8", "surrogatepass")


def _sent(case):
    """What goes over the line; the id that schemathesis gives each case is left out, it is another each time."""
    sent = case.as_transport_kwargs(base_url="http://cds.test")
    prepared = Request(**{**sent, "headers": {}, "cookies": {}}).prepare()
    address = urlsplit(prepared.url)
    body = prepared.body or b""
    media = (case.media_type or "application/json").encode("latin-1", "replace")
    return Input(
        sent["method"],
        ascii_path(address.path) + (f"?{address.query}" if address.query else ""),
        body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass"),
        (HOST, (b"content-type", media)),
    )
