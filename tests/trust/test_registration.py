"""Which registrations allow a start, in one sentence without values; which client a token is of (T7)."""

import json
from dataclasses import replace

import pytest

from cds_service.trust.registration import KeySource, RegistrationError, require_distinct, require_usable
from tests.trust.helpers import authentication, refused, verify
from tests.trust.tokens import bearer, key_set, registration, signer, token

CANARY = "canary-value"
HTTPS = "https://keys.example.no/jwks"


def keys(*jwks):
    return KeySource(document=json.dumps({"keys": jwks}).encode())


def private(algorithm):
    own = signer(algorithm)
    return {**own.key.as_dict(private=True), "kid": CANARY}


OCT = {"kty": "oct", "k": "c2VjcmV0", "kid": CANARY}
FAULTS = {
    "issuer empty": ({"issuer": ""}, "the issuer is empty"),
    "issuer blank": ({"issuer": " "}, "the issuer is empty"),
    "subject empty": ({"subject": ""}, "a subject, claimed tenant or audience is empty"),
    "tenant empty": ({"claimed_tenants": frozenset({""})}, "a subject, claimed tenant or audience is empty"),
    "audience empty": ({"audiences": frozenset({" "})}, "a subject, claimed tenant or audience is empty"),
    "no algorithm": ({"algorithms": frozenset()}, "no algorithm is given"),
    "none": ({"algorithms": frozenset({"none", "RS384"})}, "algorithms must be among ES256"),
    "symmetric": ({"algorithms": frozenset({"HS384"})}, "algorithms must be among ES256"),
    "unknown algorithm": ({"algorithms": frozenset({CANARY})}, "algorithms must be among ES256"),
    "life of 0": ({"longest_seconds": 0}, "longest_seconds must be"),
    "life of a week": ({"longest_seconds": 604_800}, "longest_seconds must be"),
    "leeway below 0": ({"leeway_seconds": -1}, "leeway_seconds must be"),
    "leeway of an hour": ({"leeway_seconds": 3600}, "leeway_seconds must be"),
    "replay": ({"replay": CANARY}, "replay must be"),
    "no keys": ({"keys": KeySource()}, "neither a key set address nor a key set is given"),
    "http": ({"keys": KeySource((f"http://{CANARY}/",))}, "a key set address (key_set_urls) is not an https address"),
    "file": ({"keys": KeySource((f"file:///{CANARY}",))}, "a key set address (key_set_urls) is not an https address"),
    "no host": (
        {"keys": KeySource((f"https:///{CANARY}",))},
        "a key set address (key_set_urls) is not an https address",
    ),
    "bad port": (
        {"keys": KeySource((f"https://{CANARY}:x/",))},
        "a key set address (key_set_urls) is not an https address",
    ),
    "bad bracket": (
        {"keys": KeySource((f"https://[{CANARY}/",))},
        "a key set address (key_set_urls) is not an https address",
    ),
    "user": (
        {"keys": KeySource((f"https://{CANARY}@host/",))},
        "a key set address (key_set_urls) is not an https address",
    ),
    "fragment": (
        {"keys": KeySource((f"https://host/#{CANARY}",))},
        "a key set address (key_set_urls) is not an https address",
    ),
    "blank in it": (
        {"keys": KeySource((f"https://host/ {CANARY}",))},
        "a key set address (key_set_urls) is not an https address",
    ),
    "no JSON": ({"keys": KeySource(document=CANARY.encode())}, "the key set is not a JWK Set"),
    "no set": ({"keys": KeySource(document=b'{"kty": "RSA"}')}, "the key set is not a JWK Set"),
    "no list": ({"keys": KeySource(document=b'{"keys": {}}')}, "the key set is not a JWK Set"),
    "empty set": ({"keys": keys()}, "the key set holds no usable public key"),
    "symmetric key": ({"keys": keys(signer().jwk(), OCT)}, "the key set holds a symmetric key"),
    "private RSA key": ({"keys": keys(private("RS384"))}, "the key set holds a private key"),
    "private EC key": ({"keys": keys(signer().jwk(), private("ES384"))}, "the key set holds a private key"),
    "one kid twice": (
        {"keys": keys(signer().jwk(kid=CANARY), signer("ES384").jwk(kid=CANARY))},
        "the key set names two keys by one kid",
    ),
    "kid missing": ({"keys": keys(signer().jwk(kid=None))}, "the key set holds no usable public key"),
    "for encryption": ({"keys": keys(signer().jwk(use="enc"))}, "the key set holds no usable public key"),
    "not to verify": ({"keys": keys(signer().jwk(use=None, key_ops=["encrypt"]))}, "the key set holds no usable"),
    "key_ops no list": ({"keys": keys(signer().jwk(use=None, key_ops="verify"))}, "the key set holds no usable"),
    "unknown alg": ({"keys": keys(signer().jwk(alg="ES521"))}, "the key set holds no usable public key"),
    "alg a list": ({"keys": keys(signer().jwk(alg=["RS384"]))}, "the key set holds no usable public key"),
    "kty a list": ({"keys": keys(signer().jwk(kty=["RSA"]))}, "the key set holds no usable public key"),
    "unknown kty": ({"keys": keys({"kty": "AKP", "kid": CANARY})}, "the key set holds no usable public key"),
    "no numbers": ({"keys": keys({"kty": "RSA", "kid": CANARY})}, "the key set holds no usable public key"),
    "not base64": ({"keys": keys(signer().jwk(n=CANARY + "!"))}, "the key set holds no usable public key"),
    "unknown curve": ({"keys": keys(signer("ES384").jwk(crv="P-192"))}, "the key set holds no usable public key"),
    "other curve": ({"keys": keys(signer("ES384").jwk(crv="P-256"))}, "the key set holds no usable public key"),
    "off the curve": ({"keys": keys(signer("ES384").jwk(y="AAAA"))}, "the key set holds no usable public key"),
    "exponent 3": ({"keys": keys(signer().jwk(e="Aw"))}, "the key set holds no usable public key"),
    "exponent of 128 bits": ({"keys": keys(signer().jwk(e="_" * 21 + "w"))}, "the key set holds no usable public key"),
    "modulus of 1,024 bits": ({"keys": keys(signer().jwk(n="_" * 170 + "w"))}, "the key set holds no usable"),
    "modulus of 16,384 bits": ({"keys": keys(signer().jwk(n="_" * 2730 + "w"))}, "the key set holds no usable"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_registration_that_could_not_work_or_not_be_safe_is_told(name):
    changes, sentence = FAULTS[name]
    faulty = replace(registration(signer()), **changes)
    with pytest.raises(RegistrationError) as fault:
        require_usable(faulty)
    assert str(fault.value).startswith(f"Tenant ehr: {sentence}")
    assert CANARY not in str(fault.value)


def test_usable_registrations_are_returned():
    for usable in (
        registration(signer(), signer("ES384")),
        registration(keys=KeySource((HTTPS, f"{HTTPS}:8443/x?y=%20z"))),
        registration(
            keys=keys(signer().jwk(alg=None)), algorithms=frozenset({"PS256"}), replay="retry", leeway_seconds=0
        ),
        registration(keys=keys(signer().jwk(alg=None, use=None), signer("ES384", "b").jwk(use="enc"))),
    ):
        assert require_usable(usable) is usable


def test_plain_http_must_be_allowed():
    plain = registration(keys=KeySource(("http://127.0.0.1:8000/keys",)))
    assert require_usable(plain, plain_http=True) is plain
    with pytest.raises(RegistrationError):
        require_usable(plain)


ONE, OTHER = signer(name="one"), signer(name="other")
APART = {
    "sub": ({"subject": "one"}, {"subject": "other"}),
    "tenant": ({"claimed_tenants": frozenset({"one", "uno"})}, {"claimed_tenants": frozenset({"other"})}),
    "jku": (
        {"keys": KeySource(("https://one.example/keys",), key_set(ONE))},
        {"keys": KeySource(("https://other.example/keys",), key_set(OTHER))},
    ),
}


def hospitals(pins):
    """Two hospitals of one vendor, that signs for both with one issuer."""
    one, other = pins
    return (registration(ONE, name="one", **one), registration(OTHER, name="other", **other))


def shown(pin, which):
    """What a token of that hospital shows."""
    address = {"jku": f"https://{which}.example/keys"}
    return ({}, address) if pin == "jku" else ({pin: which}, {})


@pytest.mark.parametrize("pin", APART)
def test_hospitals_of_one_issuer_are_told_apart(pin):
    trust = authentication(*hospitals(APART[pin]))
    for which, by, stranger in (("one", ONE, OTHER), ("other", OTHER, ONE)):
        told, head = shown(pin, which)
        assert verify(trust, bearer(token(by, head, **told))).registration.name == which
        assert refused(trust, bearer(token(stranger, head, **told))) == "key"


@pytest.mark.parametrize("pin", ["sub", "tenant"])
@pytest.mark.parametrize("told", [None, "third", "", 1, ["one"], "One"])
def test_a_token_of_neither_is_refused(pin, told):
    assert refused(authentication(*hospitals(APART[pin])), bearer(token(ONE, **{pin: told}))) == "tenant"


def test_a_token_that_could_be_of_both_is_refused():
    assert refused(authentication(*hospitals(APART["jku"])), bearer(token(ONE))) == "tenant"


@pytest.mark.parametrize(
    "pins",
    [
        ({}, {}),
        ({"subject": "one"}, {}),
        ({"subject": "one"}, {"claimed_tenants": frozenset({"one"})}),
        ({"claimed_tenants": frozenset({"one", "both"})}, {"claimed_tenants": frozenset({"both"})}),
        ({"keys": KeySource((HTTPS,))}, {"keys": KeySource((HTTPS, "https://other.example/keys"))}),
        ({"keys": KeySource((HTTPS,))}, {}),
    ],
    ids=str,
)
def test_registrations_that_cannot_be_told_apart_do_not_start(pins):
    with pytest.raises(RegistrationError, match="Tenants one and other: the issuer is the same"):
        authentication(*hospitals(pins))


def test_registrations_of_different_issuers_need_no_pins():
    one, other = hospitals(({}, {}))
    require_distinct([one, replace(other, issuer="https://other.example")])


@pytest.mark.parametrize(("pin", "field"), [("sub", "subject"), ("tenant", "claimed_tenants")])
def test_a_pinned_claim_must_be_there(pin, field):
    value = "pinned" if field == "subject" else frozenset({"pinned"})
    trust = authentication(registration(signer(), **{field: value}))
    assert verify(trust, bearer(token(signer(), **{pin: "pinned"})))
    assert refused(trust, bearer(token(signer()))) == "tenant"
