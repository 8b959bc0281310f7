"""Whatever a service sends, it is judged: a check never breaks, and never repeats a value."""

import json
from copy import deepcopy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.simulate import answers
from cds_service.simulate.bodies import Bodies
from cds_service.simulate.client import Answer
from cds_service.simulate.documents import places
from cds_service.simulate.findings import Judge
from cds_service.simulate.vendor import profile
from tests.simulate import served
from tests.simulate.twists import NOW

PRIVATE = "Ola Nordmann"
EPIC = profile("epic")
SIGNING = next(play for play in EPIC.plays if play.step == "order-sign")
REQUEST = Bodies(EPIC, NOW).hook_request(SIGNING, None)
DOCUMENTS = {"hook": {"cards": [served.card(REQUEST)]}, "discovery": served.discovery()}
EVERY_LEVEL = dict.fromkeys(
    ["several-actions", "topic-code", "detail-table", "order-without-text", "app-context"], "fault"
)
LESS_ODD = [[], {}, [[]], [{}], [PRIVATE], {PRIVATE: PRIVATE}, {"a": [None]}, "http://[", "{{", 10**400]
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.just(PRIVATE), st.text(max_size=5),
    st.sampled_from(LESS_ODD).map(deepcopy),
)  # fmt: skip


def judged(kind, document):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    answer = Answer(200, {"content-type": "application/json"}, body, 1)
    if kind == "hook":
        outcome = answers.hook(answer, REQUEST, frozenset())
    else:
        outcome = answers.discovery(answer, is_optional=False)
    return Judge(EVERY_LEVEL).findings(outcome.seen)


@pytest.mark.parametrize("kind", DOCUMENTS)
@given(data=st.data())
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_odd_values_anywhere_are_judged_and_never_repeated(kind, data):
    document = deepcopy(DOCUMENTS[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from([place for place, _ in places(document)]))
        owner = document
        for name in way:
            owner = owner[name]
        owner[last] = data.draw(ODD)
    for finding in judged(kind, document):
        assert PRIVATE not in finding.sentence
        assert finding.sentence.endswith(".")


@pytest.mark.parametrize("kind", DOCUMENTS)
@given(
    body=st.binary(max_size=40)
    | st.recursive(ODD, lambda inner: st.lists(inner, max_size=3)).map(lambda one: json.dumps(one).encode())
)
def test_any_body_is_judged(kind, body):
    assert judged(kind, body)
