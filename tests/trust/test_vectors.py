"""Wycheproof's vectors (vectors/README.md): no signature and no key that they call invalid is taken by ours."""

import base64
import json
from pathlib import Path

import pytest
from joserfc import jws

from cds_service.trust.authentication import NotTrustedError
from cds_service.trust.jwk import ALGORITHMS, KeySetError, read_key_set
from cds_service.trust.registration import KeySource, RegistrationError, require_usable
from cds_service.trust.tokens import require_signature
from tests.trust.helpers import authentication, refused
from tests.trust.tokens import bearer, encoded, header, registration, signer, token

VECTORS = Path(__file__).parent / "vectors"
NAMELESS = "none"
TOKENS = [
    pytest.param(group["keys"], test, id=f"{group['file'][9:12]}-{test['tcId']}")
    for group in json.loads((VECTORS / "jws.json").read_text())
    for test in group["tests"]
]
SIGNATURES = [
    pytest.param(group["key"], test, id=str(test["tcId"]))
    for group in json.loads((VECTORS / "es384.json").read_text())
    for test in group["tests"]
]


def key_set(keys):
    """The keys of a vector; ours need names, so one that has none is given one."""
    return json.dumps({"keys": [{"kid": NAMELESS, **key} for key in keys]}).encode()


def is_signed(keys, compact):
    """Whether the key that the token names verifies it, by what `Authentication.verify` uses for that."""
    try:
        head = json.loads(base64.urlsafe_b64decode(compact.partition(".")[0] + "=="))
        key = read_key_set(key_set(keys))[head.get("kid", NAMELESS)]
        return require_signature(compact.encode(), key, head["alg"]) is not None
    except (ValueError, KeyError, KeySetError, NotTrustedError):
        return False


def is_of_ours(keys, compact):
    """Whether the vector is of an algorithm that we take, and that its key says is its own."""
    algorithm = json.loads(base64.urlsafe_b64decode(compact.partition(".")[0] + "=="))["alg"]
    return algorithm in ALGORITHMS and all(key.get("alg", algorithm) == algorithm for key in keys)


@pytest.mark.parametrize(("keys", "test"), TOKENS)
def test_signatures_of_tokens(keys, test):
    """Exactly the valid ones are taken; of these not the symmetric, nor whose key names another algorithm."""
    compact = test["jws"]
    assert is_signed(keys, compact) is (test["result"] == "valid" and is_of_ours(keys, compact))


def test_the_vectors_have_valid_tokens_of_our_algorithms():
    assert sum(is_signed(*each.values[:1], each.values[1]["jws"]) for each in TOKENS) == 33


@pytest.mark.parametrize(("keys", "test"), TOKENS)
def test_no_vector_is_a_token_of_a_caller(keys, test):
    """None has claims: each is refused whether its key is registered or not, and never with another exception."""
    client = registration(keys=KeySource(document=key_set(keys)), algorithms=ALGORITHMS)
    try:
        trust = authentication(require_usable(client))
    except RegistrationError:
        trust = authentication(registration(signer()))
    assert refused(trust, bearer(test["jws"])) in {"malformed", "header", "algorithm"}


@pytest.mark.parametrize(("jwk", "test"), SIGNATURES)
def test_signatures_of_es384(jwk, test):
    """The messages are no signing inputs of tokens, so the algorithm is asked as `require_signature` asks it."""
    key = read_key_set(json.dumps({"keys": [{**jwk, "kid": NAMELESS}]}).encode())[NAMELESS].key
    es384 = jws.JWSRegistry.algorithms["ES384"]
    found = es384.verify(bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]), key)
    assert found is (test["result"] == "valid")


@pytest.mark.parametrize(("jwk", "test"), SIGNATURES)
def test_no_signature_of_another_message_signs_a_token(jwk, test):
    document = json.dumps({"keys": [{**jwk, "kid": NAMELESS}]}).encode()
    trust = authentication(registration(keys=KeySource(document=document)))
    own = signer("ES384")
    body = token(own).split(".")[1]
    compact = f"{encoded(header(own, kid=NAMELESS))}.{body}.{encoded(bytes.fromhex(test['sig']))}"
    assert refused(trust, bearer(compact)) in {"signature", "malformed"}
