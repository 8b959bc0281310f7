"""CPU time of what stands around an answer (token, limits, headers, log line), in multiples of a bare app's request.

The service in production, asked with a fresh RS384 token each time, against its answers alone; the bare app of bench.py
is the measure. All three answer the same 25 requests in turns. Exit code 1 above the bound. Stops by itself.
"""

import os
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import monotonic

import msgspec
from bench import PATH, SECONDS_IN_ALL, ask, cpu_seconds, server
from joserfc import jwt
from joserfc.jwk import RSAKey
from patient import patient_view_request
from served import NOW

BOUND = 0.5
ROUNDS = 40
REQUESTS = 25
BASE_URL = "https://cds.example.no"
ISSUER = "https://ehr.example.no"
LIFE = 600


def installation(folder: Path, key: RSAKey) -> None:
    """Set the environment of an installation in production that serves the owner of the key."""
    (folder / "keys.json").write_bytes(msgspec.json.encode({"keys": [key.as_dict(private=False)]}))
    (folder / "ehr.toml").write_text(f'issuer = "{ISSUER}"\nkey_set_file = "{folder / "keys.json"}"\n', "utf-8")
    os.environ |= {
        "CNO_CDS_PROFILE": "production",
        "CNO_CDS_BASE_URL": BASE_URL,
        "CNO_CDS_TENANTS_DIR": str(folder),
        "CNO_CDS_DATABASE_URL": f"sqlite:///{folder / 'cno-cds.db'}",
    }


def tokens(key: RSAKey) -> Iterator[str]:
    """A fresh token each time, as an EHR sends it."""
    header = {"alg": "RS384", "typ": "JWT", "kid": key.kid}
    for number in count():
        now = int(NOW.timestamp())
        claims = {"iss": ISSUER, "aud": f"{BASE_URL}{PATH}", "iat": now, "exp": now + LIFE, "jti": f"{number}"}
        yield jwt.encode(header, claims, key, algorithms=["RS384"])


def rounds(folder: Path) -> Iterator[list[float]]:
    """CPU seconds per request of production, the answers alone and the bare app, round by round."""
    key = RSAKey.generate_key(2048, {"use": "sig", "kid": "bench"})
    fresh = tokens(key)
    body = patient_view_request()
    with server("plain") as plain, server("bare") as bare:
        installation(folder, key)
        with server("trusted") as production:
            servers = [production, plain, bare]
            deadline = monotonic() + SECONDS_IN_ALL
            for _ in range(ROUNDS):
                signed = [{"Host": "cds.example.no", "Authorization": f"Bearer {next(fresh)}"} for _ in range(REQUESTS)]
                before = [cpu_seconds(one) for one in servers]
                for one in servers:
                    for headers in signed:
                        ask(one, body, headers)
                yield [(cpu_seconds(one) - start) / REQUESTS for one, start in zip(servers, before, strict=True)]
                if monotonic() > deadline:
                    return


def main() -> int:
    """Measure, print, judge."""
    with TemporaryDirectory() as folder:
        _, *measured = rounds(Path(folder))
    lower, ratio, upper = quantiles([(full - alone) / bare for full, alone, bare in measured], n=4)
    full, alone, bare = (median(column) * 1e6 for column in zip(*measured, strict=True))
    print(f"CPU per request: in production {full:.0f} µs, the answer alone {alone:.0f} µs, bare {bare:.0f} µs")
    print(
        f"token, limits, headers and log: {ratio:.2f} of a bare request "
        f"(bound {BOUND}; half of {len(measured)} rounds between {lower:.2f} and {upper:.2f})"
    )
    return int(ratio > BOUND)


if __name__ == "__main__":
    sys.exit(main())
