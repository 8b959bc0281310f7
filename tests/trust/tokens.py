"""A kit to sign tokens as EHRs do, and as attackers do: keys made once per session, every member to be changed.

`token(signer("RS384"))` is good for `registration(...)` at `NOW` and `ENDPOINT`; `epic_token` and `sandbox_token`
are as those clients send them.
"""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import count

from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from cds_service.trust.registration import KeySource, Registration

NOW = datetime(2025, 9, 15, 8, 0, tzinfo=UTC)
NOW_SECONDS = int(NOW.timestamp())
ENDPOINT = "https://cds.example.no/cds-services/cno-patient-view"
ISSUER = "https://ehr.example.no"
EPIC_KID = "d3bmZ0/Qq+A8xLY0="
SANDBOX = "https://sandbox.cds-hooks.org"
SANDBOX_KEYS = f"{SANDBOX}/.well-known/jwks.json"
ALGORITHMS = ("RS384", "ES384")
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_numbers = count(1)


@dataclass(frozen=True)
class Signer:
    """A private key and the name that its owner gave it."""

    algorithm: str
    kid: str
    key: RSAKey | ECKey | OctKey

    def jwk(self, **members):
        """The public JWK; a member that is None is left out."""
        named = {**self.key.as_dict(private=False), "kid": self.kid, "use": "sig", "alg": self.algorithm, **members}
        return {name: value for name, value in named.items() if value is not None}


def signer(algorithm="RS384", name="a", bits=2048):
    """The key of that name, made at its first use."""
    return _made(algorithm, name, bits)


@cache
def _made(algorithm, name, bits):
    curve = _CURVES.get(algorithm)
    key = ECKey.generate_key(curve) if curve else RSAKey.generate_key(bits)
    return Signer(algorithm, f"{algorithm}-{name}", key)


def key_set(*signers, **members):
    """A JWK Set of their public keys, as bytes."""
    return json.dumps({"keys": [each.jwk(**members) for each in signers]}).encode()


def registration(*signers, **fields):
    """A client whose keys were exchanged out of band, unless `keys` says otherwise."""
    rows = {"name": "ehr", "issuer": ISSUER, "keys": KeySource(document=key_set(*signers)) if signers else None}
    return Registration(**{**rows, **fields})


def claims(**changes):
    """Good claims, changed; a claim that is None is left out. Each call has a `jti` of its own."""
    rows = {
        "iss": ISSUER,
        "aud": ENDPOINT,
        "iat": NOW_SECONDS,
        "exp": NOW_SECONDS + 300,
        "jti": f"token-{next(_numbers)}",
    }
    return {name: value for name, value in {**rows, **changes}.items() if value is not None}


def header(by, **changes):
    """A good header, changed; a member that is None is left out."""
    rows = {"alg": by.algorithm, "typ": "JWT", "kid": by.kid}
    return {name: value for name, value in {**rows, **changes}.items() if value is not None}


def token(by, head=None, **changes):
    """A token signed by this signer; `head` are changes of the header, the rest changes of the claims."""
    return signed(by, header(by, **(head or {})), claims(**changes))


def epic_token(by, **changes):
    """As Epic signs: RS384, base64 `kid`, `jku`, `sub`, `nbf` five minutes back, a life of 15 minutes."""
    rows = {"exp": NOW_SECONDS + 900, "nbf": NOW_SECONDS - 300, "sub": "d45049c3-3441-40ef-ab4d-b9cd86a17225"}
    return token(by, {"kid": by.kid, "jku": changes.pop("jku", None)}, **{**rows, **changes})


def sandbox_token(by, audience, **changes):
    """As the CDS Hooks Sandbox signs, though with another key: ES384, `jku`, a life of five minutes."""
    return token(by, {"jku": SANDBOX_KEYS}, **{"iss": SANDBOX, "aud": audience, **changes})


def signed(by, head, body):
    """A compact JWS of any header and payload, as objects or as the bytes themselves."""
    signing_input = f"{encoded(head)}.{encoded(body)}"
    algorithm = jws.JWSRegistry.algorithms[by.algorithm]
    return f"{signing_input}.{encoded(algorithm.sign(signing_input.encode(), by.key))}"


def encoded(part):
    """Base64url of bytes, or of an object's JSON."""
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def bearer(compact):
    """The value of an Authorization header."""
    return f"Bearer {compact}"
