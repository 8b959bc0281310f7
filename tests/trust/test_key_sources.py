"""Several sources of keys: none harms another, none lends its keys, TLS is verified, keys of everybody are refused."""

import asyncio
import ssl

import trustme

from cds_service.trust.jwk import thumbprint
from cds_service.trust.registration import KeySource
from tests.trust.helpers import authentication, client, key_times, reason
from tests.trust.key_server import KeyServer, ok, silent
from tests.trust.tokens import key_set, registration, signer

OLD, NEW, OTHER = signer(name="old"), signer(name="new"), signer("ES384", "other")


def test_a_slow_source_does_not_slow_another_client():
    async def scenario():
        async with KeyServer(silent).running() as slow, KeyServer(ok(key_set(NEW))).running() as quick:
            one = client(slow, name="slow")
            other = client(quick, name="quick", issuer="https://other.example.no")
            trust = authentication(one, other, key_times=key_times(deadline=5))
            waiting = [asyncio.create_task(reason(trust, OLD)) for _ in range(20)]
            await asyncio.sleep(0.01)
            started = asyncio.get_running_loop().time()
            assert await reason(trust, NEW, iss="https://other.example.no") is None
            assert asyncio.get_running_loop().time() - started < 2
            assert not any(task.done() for task in waiting)
            for task in waiting:
                task.cancel()
            await trust.aclose()

    asyncio.run(scenario())


def test_keys_do_not_cross_clients():
    async def scenario():
        async with KeyServer(ok(key_set(OLD))).running() as one, KeyServer(ok(key_set(NEW))).running() as other:
            trust = authentication(client(one), client(other, issuer="https://other.example.no"), key_times=key_times())
            await trust.prefetch()
            assert await reason(trust, NEW) == "key"
            assert await reason(trust, OLD, iss="https://other.example.no") == "key"
            assert await reason(trust, OLD, {"jku": other.url}) == "jku"
            assert await reason(trust, OLD, {"jku": one.url}) is None
            await trust.aclose()

    asyncio.run(scenario())


def test_agreed_keys_need_no_fetch_and_others_of_the_client_are_fetched():
    async def scenario():
        async with KeyServer(ok(key_set(NEW))).running() as server, KeyServer(ok(key_set(OTHER))).running() as second:
            source = KeySource((server.url, second.url), key_set(OLD))
            trust = authentication(registration(keys=source), key_times=key_times())
            assert await reason(trust, OLD, {"jku": server.url}) is None
            assert (server.asked, second.asked) == (0, 0)
            assert await reason(trust, NEW) is None
            assert await reason(trust, OTHER) is None
            assert await reason(trust, OTHER, {"jku": server.url}) == "key"
            await trust.aclose()

    asyncio.run(scenario())


def test_tls_is_verified_and_a_handshake_that_hangs_is_given_up(tmp_path):
    authority, stranger = trustme.CA(), trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    files = {}
    for name, each in (("own", authority), ("other", stranger)):
        files[name] = tmp_path / f"{name}.pem"
        each.cert_pem.write_to_path(str(files[name]))

    async def refusal(url, ca_file):
        source = KeySource((url,), ca_file=ca_file)
        trust = authentication(registration(keys=source), key_times=key_times(deadline=1.0))
        found = await reason(trust, OLD)
        await trust.aclose()
        return found

    async def scenario():
        async with KeyServer(ok(key_set(OLD))).running(context) as server:
            assert await refusal(server.url, files["own"]) is None
            assert await refusal(server.url, files["other"]) == "key"
        async with KeyServer(silent).running() as plain:
            assert await refusal(plain.url.replace("http:", "https:"), files["own"]) == "key"

    asyncio.run(scenario())


def test_a_key_that_anybody_can_sign_with_is_refused_where_it_is_published():
    """J16, T9: by thumbprint, under whatever name and issuer."""

    async def scenario():
        async with KeyServer(ok(key_set(OLD, NEW))).running() as server:
            refused = frozenset({thumbprint(OLD.jwk())})
            trust = authentication(client(server), key_times=key_times(), refused_keys=refused)
            assert await reason(trust, OLD) == "key"
            assert await reason(trust, NEW) is None
            await trust.aclose()

    asyncio.run(scenario())
