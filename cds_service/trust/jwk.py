"""JWK Sets (RFC 7517): which keys of one may verify a signature, each read once and kept ready for use."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate, repeat
from typing import TYPE_CHECKING, Any, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import base64_to_int

from cds_service.trust.strict_json import read_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ALGORITHMS = frozenset({"ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"})
"""All with a public key that joserfc verifies and that tokens in use are signed with."""
_CURVES_OF = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
"""By algorithm; those of RSA have none."""
_CURVES = frozenset(_CURVES_OF.values())
_LEAST_BITS, _MOST_BITS = 2048, 8192
_LEAST_EXPONENT, _EXPONENT_BITS = 65537, 64
_SMALL_PRIMES = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})


class KeySetError(Exception):
    """A key set cannot be used; the message is a part of a sentence that tells what it is, never a value."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies. `thumbprint` is of RFC 7638, SHA256."""

    key: RSAKey | ECKey = field(repr=False)
    thumbprint: str

    def fits(self, algorithms: Iterable[str]) -> bool:
        """Whether it verifies signatures of one of these."""
        named, curve = self.key.get("alg"), self.key.get("crv")
        return any(_CURVES_OF.get(each) == curve and named in {None, each} for each in algorithms)


Keys: TypeAlias = "Mapping[str, PublicKey]"
"""By `kid`."""


def read_key_set(document: bytes) -> Keys:
    """The usable keys of a set that was published: others in it are no fault, nor is one `kid` for two, but of no use.

    Raises:
        KeySetError: it is no JWK Set, or no key in it can be used.
    """
    found, _ = _usable(_members(document))
    if not found:
        raise KeySetError("holds no usable public key")
    return found


def read_agreed_key_set(document: bytes) -> Keys:
    """The usable keys of a set that was exchanged out of band, which holds public keys alone and each `kid` once.

    Raises:
        KeySetError: it is not such a set.
    """
    members = _members(document)
    if any(isinstance(member, dict) and member.get("kty") == "oct" for member in members):
        raise KeySetError("holds a symmetric key")
    if any(isinstance(member, dict) and not _PRIVATE_MEMBERS.isdisjoint(member) for member in members):
        raise KeySetError("holds a private key")
    found, ambiguous = _usable(members)
    if ambiguous:
        raise KeySetError("names two keys by one kid")
    if not found:
        raise KeySetError("holds no usable public key")
    return found


def thumbprints(document: bytes) -> frozenset[str]:
    """The RFC 7638 thumbprints of all keys of a set that can be read, private ones too.

    Raises:
        KeySetError: it is no JWK Set.
    """
    found = (thumbprint(member) for member in _members(document) if isinstance(member, dict))
    return frozenset(print_ for print_ in found if print_ is not None)


def thumbprint(jwk: Mapping[str, Any]) -> str | None:
    """The RFC 7638 thumbprint of the public half of an RSA or EC key, however its numbers are written; else None."""
    key = _read(jwk)
    return None if key is None else key.thumbprint


def _members(document: bytes) -> list[Any]:
    try:
        members = read_object(document).get("keys")
    except ValueError:
        raise KeySetError("is not a JWK Set") from None
    if not isinstance(members, list):
        raise KeySetError("is not a JWK Set")
    return members


def _usable(members: list[Any]) -> tuple[Keys, bool]:
    """The keys that may verify, without those that share a `kid`; and whether any do."""
    verifying = [member for member in members if isinstance(member, dict) and _verifies(member)]
    read = [(member["kid"], key) for member in verifying if (key := _read(member)) is not None]
    count = Counter(kid for kid, _ in read)
    return {kid: key for kid, key in read if count[kid] == 1}, len(count) < len(read)


def _verifies(jwk: Mapping[str, Any]) -> bool:
    """Whether what a key says of itself lets it verify signatures."""
    kid, operations = jwk.get("kid"), jwk.get("key_ops", ["verify"])
    return (
        isinstance(kid, str)
        and kid != ""
        and _PRIVATE_MEMBERS.isdisjoint(jwk)
        and jwk.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and ("alg" not in jwk or (isinstance(jwk["alg"], str) and jwk["alg"] in ALGORITHMS))
    )


def _read(jwk: Mapping[str, Any]) -> PublicKey | None:
    """The public half of a key that is strong enough; the thumbprint is taken of its numbers, not of their text."""
    kind = jwk.get("kty")
    names = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y")}.get(kind) if isinstance(kind, str) else None
    if names is None or not all(isinstance(jwk.get(name), str) for name in names):
        return None
    public = {name: jwk[name] for name in names}
    if kind == "EC" and jwk["crv"] not in _CURVES:
        return None
    kept = {"alg": jwk["alg"]} if isinstance(jwk.get("alg"), str) else {}
    try:
        if kind == "EC":
            curve_point = ECKey.import_key(public).public_key
            return PublicKey(ECKey(curve_point, public | kept), ECKey(curve_point, curve_point).thumbprint())
        if not _is_strong(jwk["n"], jwk["e"]):
            return None
        numbers = RSAKey.import_key(public).public_key
        return PublicKey(RSAKey(numbers, public | kept), RSAKey(numbers, numbers).thumbprint())
    except (JoseError, ValueError):
        return None


def _is_strong(modulus_text: str, exponent_text: str) -> bool:
    """Whether an RSA key has 2048 to 8192 bits, an exponent of FIPS 186-5 and no primes of the ROCA kind.

    Raises:
        ValueError: the numbers are not base64url.
    """
    modulus, exponent = base64_to_int(modulus_text), base64_to_int(exponent_text)
    return (
        _LEAST_BITS <= modulus.bit_length() <= _MOST_BITS
        and exponent >= _LEAST_EXPONENT
        and exponent.bit_length() <= _EXPONENT_BITS
        and not all(modulus % prime in powers for prime, powers in _ROCA)
    )


def _powers(prime: int) -> frozenset[int]:
    return frozenset(accumulate(repeat(_LEAST_EXPONENT, prime), lambda power, base: power * base % prime, initial=1))


_ROCA = tuple((prime, _powers(prime)) for prime in _SMALL_PRIMES)
"""Moduli of the faulty generator are powers of 65537 modulo each of these primes (Nemec et al., CCS 2017)."""
