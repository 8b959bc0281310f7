"""J2 to J10, T1 to T4, T7, T8: no attack on a token is accepted, each for its own reason; none reaches a network."""

import asyncio

import pytest

from cds_service.trust.authentication import NotTrustedError
from cds_service.trust.registration import KeySource
from tests.trust.attacks import ATTACKS, LISTED, stranger
from tests.trust.helpers import authentication, refused, verify
from tests.trust.tokens import (
    ALGORITHMS,
    ENDPOINT,
    EPIC_KID,
    NOW_SECONDS,
    Signer,
    bearer,
    epic_token,
    key_set,
    registration,
    sandbox_token,
    signer,
    token,
)

JKU = (
    "{base}/keys/",
    "{base}/keys?x=1",
    "{base}/keys#x",
    "{base}//keys",
    "{base}/./keys",
    "{base}/other",
    "{base}/KEYS",
    "{base}/keys%20",
    " {base}/keys",
    "{base}/keys\t",
    "HTTP://127.0.0.1:{port}/keys",
    "http://localhost:{port}/keys",
    "http://127.1:{port}/keys",
    "http://2130706433:{port}/keys",
    "http://0x7f.0.0.1:{port}/keys",
    "http://[::ffff:127.0.0.1]:{port}/keys",
    "http://127.0.0.1.:{port}/keys",
    "http://user@127.0.0.1:{port}/keys",
    "http://ehr.example.no@127.0.0.1:{port}/keys",
    "http://127.0.0.1:{port}\\@ehr.example.no/keys",
    "https://127.0.0.1:{port}/keys",
    "//127.0.0.1:{port}/keys",
    "/keys",
    "file:///etc/passwd",
    "data:application/json,{{}}",
    "gopher://127.0.0.1:{port}/_GET",
    "",
)
"""Addresses of key sets that are not the listed one, `{base}/keys`, and where a listener waits for a connection."""


def two_clients(algorithm, listed=LISTED):
    """The client that is attacked, and another with an issuer and a key of its own."""
    own, other = signer(algorithm), signer(algorithm, "b")
    return authentication(
        registration(own, keys=KeySource((listed,), key_set(own))),
        registration(other, name="other", issuer="https://other.example.no"),
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_for_its_reason(name, algorithm):
    reason, make = ATTACKS[name]
    assert refused(two_clients(algorithm), make(signer(algorithm))) == reason


def test_there_are_forty_attacks_and_more():
    assert len(ATTACKS) >= 40


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_attack_begins_from_a_token_that_is_accepted(algorithm):
    caller = verify(two_clients(algorithm), bearer(token(signer(algorithm), jti="mine")))
    assert (caller.registration.name, caller.token_id) == ("ehr", "mine")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_hostile_key_set_addresses_are_not_contacted(algorithm):
    """T4: 27 forms in `jku` and `x5u`; the listed address itself is fetched, so the listener would have noticed."""
    contacts = []

    async def listen(reader, writer):
        contacts.append(await reader.readline())
        writer.close()

    async def scenario():
        server = await asyncio.start_server(listen, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        base = f"http://127.0.0.1:{port}"
        trust = two_clients(algorithm, f"{base}/keys")
        thief = stranger(signer(algorithm))
        reasons = []
        async with server:
            for form in JKU:
                hostile = form.format(base=base, port=port)
                for by, head in ((thief, {"jku": hostile, "kid": "new"}), (signer(algorithm), {"jku": hostile})):
                    with pytest.raises(NotTrustedError) as fault:
                        await trust.verify(bearer(token(by, head)), ENDPOINT)
                    reasons.append(fault.value.reason)
                with pytest.raises(NotTrustedError):
                    await trust.verify(bearer(token(thief, {"x5u": hostile})), ENDPOINT)
            before = len(contacts)
            with pytest.raises(NotTrustedError):
                await trust.verify(bearer(token(thief, {"jku": f"{base}/keys", "kid": "new"})), ENDPOINT)
            await trust.aclose()
        return reasons, before

    reasons, before = asyncio.run(scenario())
    assert set(reasons) == {"jku"}
    assert (before, contacts) == (0, [b"GET /keys HTTP/1.1\r\n"])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "header",
    [
        lambda compact: f"Bearer {compact}",
        lambda compact: f"bearer {compact}",
        lambda compact: f"BEARER   {compact}",
        lambda compact: f" Bearer {compact} ",
        lambda compact: f"Bearer {compact}".encode(),
    ],
)
def test_the_scheme_is_read_as_http_has_it(header, algorithm):
    assert verify(two_clients(algorithm), header(token(signer(algorithm)))).registration.name == "ehr"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": [ENDPOINT]},
        {"aud": ["https://a.example", ENDPOINT]},
        {"exp": float(NOW_SECONDS + 300)},
        {"nbf": NOW_SECONDS - 300},
        {"jti": "x" * 512},
        {"jti": "å"},
        {"tenant": "unasked", "sub": "unasked"},
        {"extension": {"deep": [1, {"x": None}]}},
    ],
    ids=str,
)
def test_claims_as_ehrs_send_them_are_accepted(changes, algorithm):
    assert verify(two_clients(algorithm), bearer(token(signer(algorithm), **changes)))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "head",
    [{"typ": "jwt"}, {"b64": True}, {"cty": "x"}, {"vendor": 1}, {"x5t": "abc"}, {"jku": LISTED}],
    ids=str,
)
def test_header_members_that_ask_for_nothing_are_no_fault(head, algorithm):
    assert verify(two_clients(algorithm), bearer(token(signer(algorithm), head)))


def test_a_token_as_epic_signs_it_is_accepted():
    """Checklist 4.3: base64 `kid`, a JWK without `alg`, `nbf`, `sub`, an audience typed by hand, a long address."""
    place = f"https://ehr.example.no/api/epic/2019/Security/Open/PublicKeys/{'x' * 300}"
    epic = Signer("RS384", EPIC_KID, signer().key)
    source = KeySource((place,), key_set(epic, alg=None, use=None))
    trust = authentication(registration(keys=source, audiences=frozenset({"CNO service"}), longest_seconds=900))
    compact = epic_token(epic, jku=place, aud="CNO service")
    assert verify(trust, bearer(compact)).registration.name == "ehr"


def test_a_token_as_the_sandbox_signs_it_is_accepted():
    own = signer("ES384")
    place = "https://sandbox.cds-hooks.org/.well-known/jwks.json"
    trust = authentication(registration(issuer="https://sandbox.cds-hooks.org", keys=KeySource((place,), key_set(own))))
    feedback = f"{ENDPOINT}/feedback"
    assert verify(trust, bearer(sandbox_token(own, feedback)), feedback)
    assert refused(trust, bearer(sandbox_token(own, feedback))) == "audience"


def test_each_of_several_addresses_of_an_endpoint_is_accepted():
    trust = two_clients("RS384")
    here = ("http://localhost:8000/cds-services", "http://127.0.0.1:8000/cds-services")
    assert verify(trust, bearer(token(signer(), aud=here[1])), here)
    assert refused(trust, bearer(token(signer(), aud="http://[::1]:8000/cds-services")), here) == "audience"


def test_a_refusal_names_the_client_for_the_log_and_no_value_of_the_token():
    trust = two_clients("RS384")
    canary = "canary-value"
    for header in (bearer(token(signer(), {"kid": canary})), bearer(token(signer(), aud=canary, jti=canary))):
        with pytest.raises(NotTrustedError) as fault:
            verify(trust, header)
        assert fault.value.name == "ehr"
        assert canary not in repr(fault.value) + str(fault.value)
    with pytest.raises(NotTrustedError) as fault:
        verify(trust, bearer(token(signer(), iss=canary)))
    assert fault.value.name is None
