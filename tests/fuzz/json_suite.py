"""JSONTestSuite: each case as the whole body, and in the place of a value."""

import json
from pathlib import Path

from cds_service.hooks.services import BY_HOOK
from tests.fuzz.inputs import post
from tests.fuzz.values import Written, full, places_of
from tests.hooks.test_bad_input import put

DATA = Path(__file__).parent / "data"
_PATHS = ("/evaluate", *(f"/cds-services/{service.id}" for service in BY_HOOK.values()))
_FEEDBACK = "/cds-services/cno-patient-view/feedback"


def cases():
    """Name → bytes of each case."""
    told = json.loads((DATA / "json_suite.json").read_text("utf-8"))
    return {name: _bytes(part) for name, part in told.items()}


def _bytes(told):
    text = told if isinstance(told, str) else told[0] * told[1] + told[2]
    return text.encode("latin-1")


def json_suite(random, count):
    """So many: first every case as a body of every path, then in every place of a request, in random order."""
    suite = list(cases().values())
    whole = [(path, case) for path in (*_PATHS, _FEEDBACK) for case in suite]
    random.shuffle(whole)
    yield from (post(path, case) for path, case in whole[: count // 4])
    sent = min(len(whole), count // 4)
    inside = [(hook, place, number) for hook in BY_HOOK for place in places_of(hook) for number in range(len(suite))]
    random.shuffle(inside)
    for turn in range(count - sent):
        hook, place, number = inside[turn % len(inside)]
        yield _inside(random, hook, place, suite[number])


def _inside(random, hook, place, case):
    document, written = full(hook), Written()
    put(document, place, written.raw(case))
    path = "/evaluate" if random.random() < 0.3 else f"/cds-services/{BY_HOOK[hook].id}"
    return post(path, written.bytes(document))
