"""Two workers in production: a token lets in once, whichever of them it reaches, and with another body never."""

import json
from concurrent.futures import ThreadPoolExecutor
from time import time

import pytest
import requests

from tests.hooks.asked import SIGN, path
from tests.hospital import BASE_URL, Ehr, environment
from tests.services.test_running_server import SECONDS, running

pytestmark = pytest.mark.services
URL = path("order-sign")
STRICT = Ehr("strict")
RETRY = Ehr("retry", "ES384", 'replay = "retry"')
TOKENS = 200
AT_ONCE = 16


def ask(address, headers, **members):
    """A connection of its own, so that any worker may take it."""
    sent = {**headers, "Host": "cds.example.no", "Content-Type": "application/json"}
    body = json.dumps({**SIGN, **members}).encode()
    return requests.post(f"{address}{URL}", data=body, headers=sent, timeout=SECONDS)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def address(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("installation")
    variables = {f"CNO_CDS_{name}": value for name, value in environment(folder, STRICT, RETRY).items()}
    if request.param == "postgresql":
        variables["CNO_CDS_DATABASE_URL"] = request.getfixturevalue("postgres")
    with running("--workers", "2", **variables) as (_, address):
        yield address


def statuses(address, ehr):
    """For each token: of two identical requests sent at once, then of one with another body."""
    tokens = [ehr.authorization(URL, int(time())) for _ in range(TOKENS)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        first, second = (list(threads.map(lambda token: ask(address, token), each)) for each in (tokens, tokens))
        changed = list(threads.map(lambda token: ask(address, token, hookInstance="another"), tokens))
    return [
        [answer.status_code for answer in answers] for answers in (first, second, changed)
    ], first + second + changed


def test_two_hundred_tokens_are_used_once_each(address):
    (first, second, changed), answers = statuses(address, STRICT)
    assert (set(first), set(second), set(changed)) == ({200}, {401}, {401})
    assert len({answer.content for answer in answers if answer.status_code == 401}) == 1


def test_two_hundred_tokens_are_used_again_for_the_identical_request_alone(address):
    (first, second, changed), _ = statuses(address, RETRY)
    assert (set(first), set(second), set(changed)) == ({200}, {200}, {401})


def test_a_token_that_comes_twice_at_the_same_time_lets_in_once(address):
    tokens = [STRICT.authorization(URL, int(time())) for _ in range(50)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(lambda token: ask(address, token), [each for one in tokens for each in (one, one)]))
    pairs = [sorted(answer.status_code for answer in answers[place : place + 2]) for place in range(0, 100, 2)]
    assert pairs == [[200, 401]] * 50


def test_the_addresses_of_production_are_those_of_the_base_url(address):
    wrong = STRICT.authorization(URL, int(time()), aud=f"{address}{URL}")
    assert ask(address, wrong).status_code == 401
    assert ask(address, STRICT.authorization(URL, int(time()), aud=f"{BASE_URL}{URL}")).status_code == 200
