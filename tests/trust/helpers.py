"""An authentication for tests: fixed clock, used tokens in memory, and the refusal that a call meets."""

import asyncio

import pytest

from cds_service.trust.authentication import Authentication, NotTrustedError
from cds_service.trust.key_sets import KeyTimes
from cds_service.trust.registration import KeySource
from tests.trust.tokens import ENDPOINT, NOW, bearer, registration, token


class NoReplays:
    """For tests that use no token: one that does fails."""

    async def record(self, use):
        raise AssertionError(use)

    async def aclose(self):
        pass


class Ticks:
    """Monotonic seconds that the test moves."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def authentication(*registrations, replays=None, now=NOW, **options):
    return Authentication(registrations, replays or NoReplays(), lambda: now, **options)


def key_times(ticks=None, **changes):
    """Times of production, with a short deadline and a clock that stands still."""
    return KeyTimes(**{"deadline": 0.5, "clock": ticks or Ticks(), **changes})


def verify(trust, header, endpoint=ENDPOINT):
    return asyncio.run(trust.verify(header, endpoint))


def refused(trust, header, endpoint=ENDPOINT):
    """The reason why a call is refused; the test fails when it is accepted or ends otherwise."""
    with pytest.raises(NotTrustedError) as fault:
        verify(trust, header, endpoint)
    return fault.value.reason


def client(server, **fields):
    """A client whose keys are at that server."""
    return registration(keys=KeySource((server.url,)), **fields)


async def reason(trust, by, head=None, **changes):
    """Why the token of this signer is refused, None when it is accepted."""
    try:
        await trust.verify(bearer(token(by, head, **changes)), ENDPOINT)
    except NotTrustedError as fault:
        return fault.reason
    return None
