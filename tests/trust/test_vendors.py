"""What is known of vendors, and keys that are no secret (J16, T9)."""

import base64
import json

import pytest

from cds_service.trust import vendors
from cds_service.trust.jwk import KeySetError, thumbprint
from cds_service.trust.registration import KeySource, require_usable
from cds_service.trust.vendors import KNOWN_PUBLIC, PUBLIC_ISSUERS, VENDORS, holds_known_public, known_public
from tests.trust.tokens import key_set, registration, signer

RFC_7638 = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
    "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6q"
    "MQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
    "nqDKgw",
    "e": "AQAB",
}


def test_the_thumbprint_is_that_of_the_standard():
    """RFC 7638, section 3.1."""
    assert thumbprint(RFC_7638) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.fixture
def public(monkeypatch):
    """Two keys that are known to everybody."""
    keys = {"RSA": signer("RS384", "public"), "EC": signer("ES384", "public")}
    known = frozenset(each.key.thumbprint() for each in keys.values())
    monkeypatch.setattr(vendors, "KNOWN_PUBLIC", known)
    return keys


def longer(text):
    """The same number with a zero byte before it."""
    return base64.urlsafe_b64encode(b"\0" + base64.urlsafe_b64decode(text + "==")).rstrip(b"=").decode()


@pytest.mark.parametrize(("kind", "number"), [("RSA", "n"), ("RSA", "e"), ("EC", "x"), ("EC", "y")])
def test_a_known_key_is_known_however_it_is_written(public, kind, number):
    key = public[kind]
    other_names = {"kid": "renamed", "use": None, "alg": None}
    private = {**key.key.as_dict(private=True), "kid": "x"}
    for written in (key.jwk(), key.jwk(**other_names), key.jwk(**{number: longer(key.jwk()[number])}), private):
        assert known_public(written)
        assert holds_known_public(json.dumps({"keys": [signer().jwk(), written]}).encode())


@pytest.mark.usefixtures("public")
def test_other_keys_are_not_known():
    assert not known_public(signer().jwk())
    assert not known_public({})
    assert not known_public({"kty": "oct", "k": "AAAA"})
    assert not holds_known_public(key_set(signer(), signer("ES384")))
    with pytest.raises(KeySetError):
        holds_known_public(b"[]")


def test_the_sandbox_is_for_development_alone():
    sandbox = VENDORS["sandbox"]
    assert sandbox.public
    assert sandbox.public_thumbprints <= KNOWN_PUBLIC
    assert sandbox.issuer in PUBLIC_ISSUERS
    assert [name for name, vendor in VENDORS.items() if vendor.public] == ["sandbox"]


@pytest.mark.parametrize("name", VENDORS)
def test_what_is_known_of_a_vendor_makes_a_usable_registration(name):
    vendor = VENDORS[name]
    document = None if vendor.key_set_urls else key_set(signer())
    client = registration(
        issuer=vendor.issuer or "https://site.example.no",
        keys=KeySource(vendor.key_set_urls, document),
        algorithms=vendor.algorithms,
        longest_seconds=vendor.longest_seconds,
    )
    assert require_usable(client) is client


def test_epic_signs_with_rs384_for_fifteen_minutes():
    assert (VENDORS["epic"].algorithms, VENDORS["epic"].longest_seconds) == ({"RS384"}, 900)
