"""J14, J15, T5, F35: key sets by address are rotated, kept through outages, asked rarely, and never harm another."""

import asyncio
import gzip
import json

import pytest

from cds_service.trust.authentication import NotTrustedError
from tests.trust.helpers import Ticks, authentication, client, key_times, reason
from tests.trust.key_server import KeyServer, answer, dripping, ok, silent
from tests.trust.tokens import ENDPOINT, bearer, encoded, header, key_set, signer, token

OLD, NEW, OTHER = signer(name="old"), signer(name="new"), signer("ES384", "other")
HOUR, DAY = 3600, 86_400


async def settled(server, count):
    """Wait until the server was asked so often, and until what it answered is in use."""
    for _ in range(300):
        if server.asked >= count:
            break
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.05)
    assert server.asked == count


def run(scenario, body=None, **times):
    """Run a scenario with a server that holds the old key, an authentication by it, and its monotonic clock."""

    async def whole():
        ticks = Ticks()
        async with KeyServer(ok(key_set(OLD)) if body is None else body).running() as server:
            trust = authentication(client(server), key_times=key_times(ticks, **times))
            await scenario(server, trust, ticks)
            await trust.aclose()

    asyncio.run(whole())


def test_many_first_calls_make_one_fetch():
    async def scenario(server, trust, _):
        assert await asyncio.gather(*(reason(trust, OLD) for _ in range(50))) == [None] * 50
        assert server.asked == 1

    run(scenario)


def test_of_very_many_who_would_wait_for_one_fetch_most_are_refused_at_once():
    async def scenario(_, trust, __):
        calls = [asyncio.create_task(reason(trust, OTHER)) for _ in range(200)]
        await asyncio.sleep(0.1)
        at_once = [call for call in calls if call.done()]
        assert 0 < len(calls) - len(at_once) < 100
        assert {await call for call in calls} == {"key"}

    run(scenario, silent)


def test_a_fetch_sends_no_more_than_it_must():
    async def scenario(server, trust, _):
        await trust.prefetch()
        lines = server.heads[0].decode().lower().splitlines()
        names = {line.partition(":")[0] for line in lines[1:] if line}
        assert lines[0] == "get /keys http/1.1"
        assert names <= {"host", "accept", "accept-encoding", "user-agent", "connection"}
        assert "accept-encoding: identity" in lines
        assert await reason(trust, OLD) is None
        assert server.asked == 1

    run(scenario)


def test_a_new_key_is_found_by_its_name_and_a_withdrawn_one_is_refused():
    async def scenario(server, trust, ticks):
        assert await reason(trust, OLD) is None
        server.answer = ok(key_set(NEW))
        assert await reason(trust, NEW) == "key"
        ticks.now += 30
        assert await reason(trust, NEW) is None
        assert await reason(trust, OLD) == "key"
        assert server.asked == 2

    run(scenario)


def test_old_keys_serve_while_they_are_renewed_behind_the_back():
    async def scenario(server, trust, ticks):
        assert await reason(trust, OLD) is None
        server.answer = ok(key_set(NEW))
        ticks.now += HOUR - 1
        assert await reason(trust, OLD) is None
        assert server.asked == 1
        ticks.now += 1
        assert await reason(trust, OLD) is None
        await settled(server, 2)
        assert await reason(trust, OLD) == "key"
        assert await reason(trust, NEW) is None

    run(scenario)


def test_ten_thousand_unknown_names_make_one_fetch_in_thirty_seconds():
    async def scenario(server, trust, ticks):
        assert await reason(trust, OLD) is None
        ticks.now += 31
        _, rest = token(OLD).split(".", 1)
        for number in range(10_000):
            forged = f"{encoded(header(OLD, kid=f'flood-{number}'))}.{rest}"
            with pytest.raises(NotTrustedError):
                await trust.verify(bearer(forged), ENDPOINT)
            if number % 100 == 0:
                assert await reason(trust, OLD) is None
        assert server.asked == 2
        ticks.now += 29
        assert await reason(trust, OLD, {"kid": "y"}) == "key"
        assert server.asked == 2
        ticks.now += 1
        assert await reason(trust, OLD, {"kid": "y"}) == "key"
        assert server.asked == 3

    run(scenario)


FAULTY = {
    "down": None,
    "500": answer("500 Internal Server Error", key_set(NEW)),
    "404": answer("404 Not Found", b"{}"),
    "204": answer("204 No Content", b""),
    "redirect": answer("302 Found", b"", "Location: /moved\r\n"),
    "html": ok(b"<!doctype html><p>Sign in</p>"),
    "no set": ok(b'{"kty": "RSA"}'),
    "list": ok(b"[]"),
    "twice": ok(b'{"keys": [], "keys": []}'),
    "empty set": ok(b'{"keys": []}'),
    "nothing usable": ok(json.dumps({"keys": [NEW.jwk(use="enc"), {"kty": "oct", "k": "AAAA", "kid": "s"}]}).encode()),
    "deep": ok(b'{"keys": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
    "no UTF-8": ok(b'{"keys": [], "x": "\xff"}'),
    "64 KiB and more": ok(b" " * 65_536 + key_set(NEW)),
    "cut off": ok(key_set(NEW))[:-10],
    "no HTTP": b"hello\r\n\r\n",
    "compressed": ok(gzip.compress(key_set(NEW)), "Content-Encoding: gzip\r\n"),
    "silent": silent,
    "dripping": dripping(ok(key_set(NEW))),
    "huge": ok(b" " * 10_000_000),
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_faulty_answer_evicts_nothing_and_is_not_asked_for_again_at_once(name):
    """The good keys serve for a day after they came, whatever the server does; after it comes back, new ones do."""

    async def scenario(server, trust, ticks):
        assert await reason(trust, OLD) is None
        server.answer = b"" if FAULTY[name] is None else FAULTY[name]
        ticks.now += 30
        started = asyncio.get_running_loop().time()
        assert await reason(trust, NEW) == "key"
        assert asyncio.get_running_loop().time() - started < 5
        assert await reason(trust, NEW) == "key"
        assert server.asked == 2
        ticks.now += DAY - 31
        assert await reason(trust, OLD) is None
        await settled(server, 3)
        ticks.now += 1
        assert await reason(trust, OLD) == "key"
        server.answer = ok(key_set(NEW))
        ticks.now += 30
        assert await reason(trust, NEW) is None

    run(scenario, deadline=0.2)


@pytest.mark.parametrize("name", ["html", "empty set", "500"])
def test_without_a_good_answer_ever_nobody_is_trusted(name):
    async def scenario(server, trust, ticks):
        assert await reason(trust, OLD) == "key"
        assert await reason(trust, OLD) == "key"
        assert server.asked == 1
        server.answer = ok(key_set(OLD))
        ticks.now += 30
        assert await reason(trust, OLD) is None

    run(scenario, FAULTY[name])


def test_unusable_keys_beside_a_good_one_are_passed_over():
    beside = [
        {"kty": "oct", "k": "AAAA", "kid": "s"},
        {"kty": "AKP", "kid": "post-quantum", "pub": "AAAA"},
        NEW.jwk(use="enc"),
        {**OTHER.key.as_dict(private=True), "kid": "private"},
        "text",
        None,
    ]

    async def scenario(_, trust, __):
        assert await reason(trust, OLD) is None
        assert await reason(trust, NEW) == "key"
        assert await reason(trust, OTHER, {"kid": "private"}) == "key"

    run(scenario, ok(json.dumps({"keys": [*beside, OLD.jwk()]}).encode()))


def test_a_name_of_two_keys_is_the_name_of_none():
    async def scenario(_, trust, __):
        assert await reason(trust, OLD) == "key"
        assert await reason(trust, NEW, {"kid": OLD.kid}) == "key"
        assert await reason(trust, OTHER) is None

    run(scenario, ok(json.dumps({"keys": [OLD.jwk(), NEW.jwk(kid=OLD.kid), OTHER.jwk()]}).encode()))


def test_who_gives_up_waiting_does_not_end_the_fetch_for_the_others():
    async def scenario(server, trust, _):
        async def slow(writer):
            await asyncio.sleep(0.1)
            writer.write(ok(key_set(OLD)))

        server.answer = slow
        first, second = (asyncio.create_task(reason(trust, OLD)) for _ in range(2))
        await asyncio.sleep(0.05)
        first.cancel()
        assert await second is None
        assert first.cancelled()
        assert server.asked == 1

    run(scenario)
