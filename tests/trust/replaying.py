"""A worker process that uses tokens against a shared store, and tells which uses were accepted: run by the tests."""

import asyncio
import json
import sys
from pathlib import Path

from cds_service.trust.authentication import Caller, NotTrustedError
from cds_service.trust.replay import SqliteReplays
from tests.trust.helpers import authentication
from tests.trust.tokens import NOW_SECONDS, registration, signer


def work(path, mode, bodies):
    """For each token and body: whether that use was accepted."""

    async def uses():
        known = registration(signer("ES384"), replay=mode)
        trust = authentication(known, replays=SqliteReplays(Path(path)))
        accepted = []
        for number in range(200):
            for body in bodies:
                try:
                    await trust.once(Caller(known, f"token-{number}", NOW_SECONDS + 300), (b"POST", body.encode()))
                except NotTrustedError as fault:
                    if fault.reason != "replay":
                        raise
                else:
                    accepted.append([number, body])
        await trust.aclose()
        return accepted

    return asyncio.run(uses())


if __name__ == "__main__":
    print("ready", flush=True)  # noqa: T201  to the test, which lets all workers go at once
    sys.stdin.readline()
    json.dump(work(sys.argv[1], sys.argv[2], sys.argv[3:]), sys.stdout)
