"""Attacks on a token: name, the reason for which it is refused, and how the Authorization header is made.

Each is made with the signer of the registered key (`s`); `LISTED` stands for the registered key set address.
"""

import base64
import hashlib
import hmac
import json

from joserfc.jwk import OctKey

from tests.trust.tokens import (
    ENDPOINT,
    ISSUER,
    NOW_SECONDS,
    Signer,
    bearer,
    claims,
    encoded,
    header,
    signed,
    signer,
    token,
)

LISTED = "http://127.0.0.1:1/keys"
LIKE = {"RS384": "PS384", "ES384": "ES384"}
OTHER = {"RS384": "ES384", "ES384": "RS384"}


def stranger(s):
    """A key that nobody registered, under the registered name."""
    return Signer(s.algorithm, s.kid, signer(s.algorithm, "stranger").key)


def unsigned(s, algorithm):
    return f"{encoded(header(s, alg=algorithm))}.{encoded(claims())}."


def keyed_hash(s, secret):
    """HS384 with what everybody knows for the secret."""
    signing_input = f"{encoded(header(s, alg='HS384'))}.{encoded(claims())}"
    return f"{signing_input}.{encoded(hmac.digest(secret, signing_input.encode(), hashlib.sha384))}"


def parts(s, **changes):
    return token(s, **changes).split(".")


def doubled(s, member, *, of):
    """A member twice, in the header or in the claims, the second time as it should be."""
    content = {"header": header(s), "claims": claims()}
    text = {name: json.dumps(each).encode() for name, each in content.items()}
    text[of] = b"{" + f'"{member}":"x",'.encode() + text[of][1:]
    return signed(s, text["header"], text["claims"])


def changed_payload(s):
    head, _, signature = parts(s)
    return f"{head}.{encoded(claims(jti='other'))}.{signature}"


def other_type(s):
    """The header names the other algorithm; the signature is of a key of that type, under the registered name."""
    other = signer(OTHER[s.algorithm], "stranger")
    return token(Signer(other.algorithm, s.kid, other.key))


def similar_algorithm(s):
    """RSA key: PSS instead of PKCS 1; EC key: the weaker curve."""
    if s.algorithm == "RS384":
        return token(Signer("PS384", s.kid, s.key))
    return token(Signer("ES256", s.kid, signer("ES256", "stranger").key))


def longer(s):
    head, body, signature = parts(s)
    raw = base64.urlsafe_b64decode(signature + "==")
    return f"{head}.{body}.{encoded(raw + bytes(1))}"


def zero(s):
    head, body, signature = parts(s)
    return f"{head}.{body}.{encoded(bytes(len(base64.urlsafe_b64decode(signature + '=='))))}"


def own_key(s):
    thief = stranger(s)
    return token(thief, {"jwk": thief.jwk()})


def json_serialisation(s):
    head, body, signature = parts(s)
    return json.dumps({"protected": head, "payload": body, "signature": signature}, separators=(",", ":"))


def general_serialisation(s):
    head, body, signature = parts(s)
    return json.dumps({"payload": body, "signatures": [{"protected": head, "signature": signature}]})


def cross(s):
    """Claims of one client, key and name of another."""
    return token(signer(s.algorithm, "b"))


def from_other(s):
    return token(s, iss="https://other.example.no")


B = bearer
HEADERS = {
    "no header": ("no-token", lambda _: None),
    "empty header": ("no-token", lambda _: ""),
    "blanks": ("no-token", lambda _: " \t "),
    "basic": ("scheme", lambda _: "Basic dXNlcjpwYXNz"),
    "token alone": ("scheme", token),
    "another scheme": ("scheme", lambda s: f"DPoP {token(s)}"),
    "scheme alone": ("scheme", lambda _: "Bearer,"),
    "no token after the scheme": ("malformed", lambda _: "Bearer"),
    "two words": ("malformed", lambda s: f"Bearer {token(s)} {token(s)}"),
    "two tokens by comma": ("malformed", lambda s: f"Bearer {token(s)},{token(s)}"),
    "two headers joined": ("malformed", lambda s: f"Bearer {token(s)}, Bearer {token(s)}"),
    "tab after the scheme": ("scheme", lambda s: f"Bearer\t{token(s)}"),
    "line break inside": ("malformed", lambda s: B(token(s).replace(".", ".\r\n", 1))),
    "line break at the end": ("malformed", lambda s: B(token(s) + "\n")),
    "NUL at the end": ("malformed", lambda s: B(token(s) + "\0")),
    "quoted": ("malformed", lambda s: f'Bearer "{token(s)}"'),
    "not ASCII": ("malformed", lambda s: B(token(s) + "å").encode("latin-1")),
    "fullwidth letters": ("malformed", lambda s: B(token(s).replace("e", "\uff45", 1))),
    "half a character": ("malformed", lambda s: B(token(s) + "\ud800")),
    "9 kB": ("too-long", lambda s: B(token(s, padding="x" * 9000))),
}
SHAPES = {
    "two parts": ("malformed", lambda s: B(".".join(parts(s)[:2]))),
    "no signature": ("malformed", lambda s: B(".".join(parts(s)[:2]) + ".")),
    "no payload": ("malformed", lambda s: B(f"{parts(s)[0]}..{parts(s)[2]}")),
    "no header part": ("malformed", lambda s: B(f".{parts(s)[1]}.{parts(s)[2]}")),
    "four parts": ("malformed", lambda s: B(token(s) + ".eyJ9")),
    "five parts, as encrypted": ("malformed", lambda s: B(token(s) + ".YQ.YQ")),
    "padded base64": ("malformed", lambda s: B(f"{token(s)}=")),
    "plain base64": ("malformed", lambda s: B(token(s).replace(".", "+.", 1))),
    "base64 of a length that is none": ("malformed", lambda s: B(f"{'e' * 5}.{parts(s)[1]}.{parts(s)[2]}")),
    "JSON serialisation": ("malformed", lambda s: B(json_serialisation(s))),
    "general JSON serialisation": ("malformed", lambda s: B(general_serialisation(s))),
    "header is an array": ("malformed", lambda s: B(signed(s, ["alg", s.algorithm], claims()))),
    "header is a string": ("malformed", lambda s: B(signed(s, b'"alg"', claims()))),
    "header is no JSON": ("malformed", lambda s: B(signed(s, b"alg", claims()))),
    "header is UTF-16": ("malformed", lambda s: B(signed(s, json.dumps(header(s)).encode("utf-16"), claims()))),
    "header after a byte order mark": (
        "malformed",
        lambda s: B(signed(s, b"\xef\xbb\xbf" + json.dumps(header(s)).encode(), claims())),
    ),
    "claims are an array": ("malformed", lambda s: B(signed(s, header(s), [claims()]))),
    "claims are no UTF-8": ("malformed", lambda s: B(signed(s, header(s), b'{"iss":"\xff"}'))),
    "claims 2,500 deep": ("malformed", lambda s: B(signed(s, header(s), b'{"a":' + b"[" * 2500 + b"]" * 2500 + b"}"))),
    "NaN": ("malformed", lambda s: B(token(s, exp=float("nan")))),
    "Infinity": ("malformed", lambda s: B(token(s, exp=float("inf")))),
    "a number of 5,000 digits": (
        "malformed",
        lambda s: B(signed(s, header(s), b'{"exp":' + b"9" * 5000 + b"}")),
    ),
    "alg twice": ("malformed", lambda s: B(doubled(s, "alg", of="header"))),
    "kid twice": ("malformed", lambda s: B(doubled(s, "kid", of="header"))),
    "iss twice": ("malformed", lambda s: B(doubled(s, "iss", of="claims"))),
    "exp twice": ("malformed", lambda s: B(doubled(s, "exp", of="claims"))),
}
ALGORITHM = {
    "alg none": ("malformed", lambda s: B(unsigned(s, "none"))),
    "alg none with a signature": ("algorithm", lambda s: B(signed(s, header(s, alg="none"), claims()))),
    "alg nOnE": ("algorithm", lambda s: B(signed(s, header(s, alg="nOnE"), claims()))),
    "alg missing": ("algorithm", lambda s: B(token(s, {"alg": None}))),
    "alg an array": ("algorithm", lambda s: B(token(s, {"alg": [s.algorithm]}))),
    "alg in lower case": ("algorithm", lambda s: B(token(s, {"alg": s.algorithm.lower()}))),
    "alg with a blank": ("algorithm", lambda s: B(token(s, {"alg": s.algorithm + " "}))),
    "HS384 with the public key as PEM": ("algorithm", lambda s: B(keyed_hash(s, s.key.as_pem()))),
    "HS384 with the public key as DER": ("algorithm", lambda s: B(keyed_hash(s, s.key.as_der()))),
    "HS384 with the JWK": ("algorithm", lambda s: B(keyed_hash(s, json.dumps(s.jwk()).encode()))),
    "HS384 with the empty secret": ("algorithm", lambda s: B(keyed_hash(s, b""))),
    "HS256 of a key of its own": (
        "algorithm",
        lambda s: B(token(Signer("HS256", s.kid, OctKey.generate_key(256)))),
    ),
    "similar algorithm": ("algorithm", lambda s: B(similar_algorithm(s))),
    "listed algorithm, other type of key": ("signature", lambda s: B(other_type(s))),
    "an encryption algorithm": ("algorithm", lambda s: B(token(s, {"alg": "RSA-OAEP", "enc": "A256GCM"}))),
}
KEY = {
    "key of a stranger": ("signature", lambda s: B(token(stranger(s)))),
    "key of another client": ("key", lambda s: B(cross(s))),
    "issuer of another client": ("key", lambda s: B(from_other(s))),
    "key in the header": ("signature", lambda s: B(own_key(s))),
    "key in the header, unknown kid": (
        "key",
        lambda s: B(token(stranger(s), {"kid": "new", "jwk": {**stranger(s).jwk(), "kid": "new"}})),
    ),
    "x5u": ("signature", lambda s: B(token(stranger(s), {"x5u": LISTED}))),
    "x5c": ("signature", lambda s: B(token(stranger(s), {"x5c": ["MIIB"]}))),
    "changed payload": ("signature", lambda s: B(changed_payload(s))),
    "signature of another token": ("signature", lambda s: B(".".join([*parts(s)[:2], parts(s, jti="x")[2]]))),
    "signature of zeros": ("signature", lambda s: B(zero(s))),
    "signature one byte longer": ("signature", lambda s: B(longer(s))),
    "signature of one byte": ("signature", lambda s: B(".".join([*parts(s)[:2], "AA"]))),
    "kid missing": ("header", lambda s: B(token(s, {"kid": None}))),
    "kid empty": ("header", lambda s: B(token(s, {"kid": ""}))),
    "kid a number": ("header", lambda s: B(token(s, {"kid": 7}))),
    "kid an array": ("header", lambda s: B(token(s, {"kid": [s.kid]}))),
    "kid an object": ("header", lambda s: B(token(s, {"kid": {"kid": s.kid}}))),
    "kid is a path": ("key", lambda s: B(token(s, {"kid": "../../../../dev/null"}))),
    "kid is SQL": ("key", lambda s: B(token(s, {"kid": "x' UNION SELECT 'key"}))),
    "kid is a pattern": ("key", lambda s: B(token(s, {"kid": ".*"}))),
    "kid in capitals": ("key", lambda s: B(token(s, {"kid": s.kid.upper()}))),
    "kid of 1,400 characters": ("key", lambda s: B(token(s, {"kid": "k" * 1400}))),
    "kid is half a character": ("key", lambda s: B(token(s, {"kid": "\ud800"}))),
    "typ missing": ("header", lambda s: B(token(s, {"typ": None}))),
    "typ JOSE": ("header", lambda s: B(token(s, {"typ": "JOSE"}))),
    "typ at+jwt": ("header", lambda s: B(token(s, {"typ": "at+jwt"}))),
    "typ a number": ("header", lambda s: B(token(s, {"typ": 1}))),
    "crit unknown": ("header", lambda s: B(token(s, {"crit": ["x"], "x": 1}))),
    "crit empty": ("header", lambda s: B(token(s, {"crit": []}))),
    "crit no list": ("header", lambda s: B(token(s, {"crit": "exp"}))),
    "b64 false": ("header", lambda s: B(token(s, {"b64": False}))),
    "b64 false and critical": ("header", lambda s: B(token(s, {"b64": False, "crit": ["b64"]}))),
    "jku a number": ("jku", lambda s: B(token(s, {"jku": 1}))),
    "jku null": ("jku", lambda s: B(signed(s, {**header(s), "jku": None}, claims()))),
}
CLAIMS = {
    **{
        f"{name} missing": (reason, lambda s, name=name: B(token(s, **{name: None})))
        for name, reason in {
            "iss": "issuer",
            "aud": "claims",
            "exp": "claims",
            "iat": "claims",
            "jti": "claims",
        }.items()
    },
    "iss an array": ("issuer", lambda s: B(token(s, iss=[ISSUER]))),
    "iss with a slash": ("issuer", lambda s: B(token(s, iss=f"{ISSUER}/"))),
    "iss in capitals": ("issuer", lambda s: B(token(s, iss=ISSUER.upper()))),
    "iss a part": ("issuer", lambda s: B(token(s, iss=ISSUER[:-1]))),
    "aud of another service": ("audience", lambda s: B(token(s, aud=f"{ENDPOINT}-2"))),
    "aud a part": ("audience", lambda s: B(token(s, aud=ENDPOINT[:-1]))),
    "aud with a slash": ("audience", lambda s: B(token(s, aud=f"{ENDPOINT}/"))),
    "aud in capitals": ("audience", lambda s: B(token(s, aud=ENDPOINT.upper()))),
    "aud without TLS": ("audience", lambda s: B(token(s, aud=ENDPOINT.replace("https", "http")))),
    "aud an array of others": ("audience", lambda s: B(token(s, aud=["https://a.example", "https://b.example"]))),
    "aud an empty array": ("claims", lambda s: B(token(s, aud=[]))),
    "aud an array with a number": ("claims", lambda s: B(token(s, aud=[ENDPOINT, 1]))),
    "aud an array in an array": ("claims", lambda s: B(token(s, aud=[[ENDPOINT]]))),
    "aud an object": ("claims", lambda s: B(token(s, aud={ENDPOINT: True}))),
    "jti empty": ("claims", lambda s: B(token(s, jti=""))),
    "jti a number": ("claims", lambda s: B(token(s, jti=7))),
    "jti of 513 characters": ("claims", lambda s: B(token(s, jti="x" * 513))),
    "jti half a character": ("claims", lambda s: B(token(s, jti="\udfff"))),
    "exp a string": ("claims", lambda s: B(token(s, exp=str(NOW_SECONDS + 300)))),
    "exp true": ("claims", lambda s: B(token(s, exp=True))),
    "exp 1e300": ("claims", lambda s: B(token(s, exp=1e300))),
    "exp 1e400": (
        "claims",
        lambda s: B(signed(s, header(s), json.dumps(claims(exp=0)).replace('"exp": 0', '"exp": 1e400').encode())),
    ),
    "exp a fraction": ("claims", lambda s: B(token(s, exp=NOW_SECONDS + 300.5))),
    "exp an array": ("claims", lambda s: B(token(s, exp=[NOW_SECONDS + 300]))),
    "exp in milliseconds": ("claims", lambda s: B(token(s, exp=(NOW_SECONDS + 300) * 1000))),
    "exp negative": ("claims", lambda s: B(token(s, exp=-1))),
    "exp two minutes ago": ("time", lambda s: B(token(s, iat=NOW_SECONDS - 300, exp=NOW_SECONDS - 120))),
    "exp in a day": ("time", lambda s: B(token(s, exp=NOW_SECONDS + 86400))),
    "exp before iat": ("time", lambda s: B(token(s, iat=NOW_SECONDS + 30, exp=NOW_SECONDS + 20))),
    "iat false": ("claims", lambda s: B(token(s, iat=False))),
    "iat a string": ("claims", lambda s: B(token(s, iat=str(NOW_SECONDS)))),
    "iat in ten minutes": ("time", lambda s: B(token(s, iat=NOW_SECONDS + 600, exp=NOW_SECONDS + 900))),
    "iat a year ago": ("time", lambda s: B(token(s, iat=NOW_SECONDS - 31_536_000))),
    "nbf in ten minutes": ("time", lambda s: B(token(s, nbf=NOW_SECONDS + 600))),
    "nbf -1e300": ("claims", lambda s: B(token(s, nbf=-1e300))),
    "nbf null": ("claims", lambda s: B(signed(s, header(s), {**claims(), "nbf": None}))),
}
ATTACKS = {**HEADERS, **SHAPES, **ALGORITHM, **KEY, **CLAIMS}
