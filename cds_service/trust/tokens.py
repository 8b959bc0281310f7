"""The token of a call, read but not believed: a compact JWS (RFC 7515) whose payload are claims (RFC 7519)."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from joserfc import jws
from joserfc.errors import JoseError

from cds_service.trust.jwk import ALGORITHMS, PublicKey
from cds_service.trust.strict_json import read_object

Reason: TypeAlias = Literal[
    "no-token",
    "scheme",
    "too-long",
    "malformed",
    "header",
    "issuer",
    "algorithm",
    "jku",
    "tenant",
    "key",
    "signature",
    "claims",
    "audience",
    "time",
    "replay",
]
LONGEST_TOKEN = 8192
_COMPACT = re.compile(rb"([\w-]+)\.([\w-]+)\.([\w-]+)")
_BLANK = b" \t"


class NotTrustedError(Exception):
    """A call is not answered. `reason` and `name` are for the log alone; neither is a value of the token.

    `name` is the registration that the token claims to be of, where one was found: that is not proven.
    """

    def __init__(self, reason: Reason, name: str | None = None) -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.name = name


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says; nothing of it is proven."""

    compact: bytes = field(repr=False)
    algorithm: str = field(repr=False)
    kid: str = field(repr=False)
    jku: str | None = field(repr=False)
    claims: dict[str, Any] = field(repr=False)


def bearer(header: bytes | str | None) -> bytes:
    """The token of the value of an Authorization header.

    Raises:
        NotTrustedError: there is none that could be a compact JWS.
    """
    value = (header.encode(errors="replace") if isinstance(header, str) else header or b"").strip(_BLANK)
    if not value:
        raise NotTrustedError("no-token")
    scheme, _, compact = value.partition(b" ")
    if scheme.lower() != b"bearer":
        raise NotTrustedError("scheme")
    return compact.lstrip(b" ")


def read_token(compact: bytes) -> Token:
    """The token as it stands.

    Raises:
        NotTrustedError: it is too long, no JWT, or its header asks for what is not done here.
    """
    if len(compact) > LONGEST_TOKEN:
        raise NotTrustedError("too-long")
    parts = _COMPACT.fullmatch(compact)
    if parts is None:
        raise NotTrustedError("malformed")
    try:
        header, claims = read_object(_decoded(parts[1])), read_object(_decoded(parts[2]))
    except ValueError:
        raise NotTrustedError("malformed") from None
    _require_plain(header)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise NotTrustedError("algorithm")
    return Token(compact, algorithm, header["kid"], header.get("jku"), claims)


def _decoded(part: bytes) -> bytes:
    """Base64url without padding; whether the last character is canonical is asked with the signature."""
    return urlsafe_b64decode(part + b"=" * (-len(part) % 4))


def _require_plain(header: dict[str, Any]) -> None:
    """A JWT with a `kid` and no extension that must be understood; keys and certificates in it are not looked at."""
    kind, kid = header.get("typ"), header.get("kid")
    if not isinstance(kind, str) or kind.lower() != "jwt" or not isinstance(kid, str) or not kid:
        raise NotTrustedError("header")
    if "crit" in header or header.get("b64", True) is not True:
        raise NotTrustedError("header")
    if "jku" in header and not isinstance(header["jku"], str):
        raise NotTrustedError("jku")


class _Registry(jws.JWSRegistry):
    """joserfc's own limits are below an Epic-like header and an RSA key of 8192 bits."""

    max_header_length = 2048
    max_payload_length = LONGEST_TOKEN
    max_signature_length = 1400


_REGISTRIES = {name: _Registry(algorithms=[name], strict_check_header=False) for name in ALGORITHMS}


def require_signature(compact: bytes, key: PublicKey, algorithm: str) -> bytes:
    """The payload of a compact JWS that this key has signed with this algorithm.

    Raises:
        NotTrustedError: it has not, or the key is not for that algorithm.
    """
    try:
        return jws.deserialize_compact(compact, key.key, registry=_REGISTRIES[algorithm]).payload
    except (JoseError, ValueError):
        raise NotTrustedError("signature") from None
