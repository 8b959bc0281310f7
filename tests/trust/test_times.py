"""J10, T8: a token is accepted from `iat` and `nbf` to `exp`, give or take the leeway, and never for longer."""

from datetime import timedelta

import pytest

from cds_service.trust.authentication import NotTrustedError
from tests.trust.helpers import authentication, verify
from tests.trust.tokens import NOW, NOW_SECONDS, bearer, epic_token, registration, signer, token

OWN = signer()
STEP = 20


def accepted(compact, offset, **fields):
    """Whether the token, made for NOW, is accepted so many seconds later."""
    trust = authentication(registration(OWN, **fields), now=NOW + timedelta(seconds=offset))
    try:
        return verify(trust, bearer(compact)) is not None
    except NotTrustedError as fault:
        if fault.reason != "time":
            raise
        return False


def window(compact, **fields):
    """The first and last offset of a sweep at which the token is accepted; the test fails on a gap."""
    offsets = range(-400, 4001, STEP)
    good = [offset for offset in offsets if accepted(compact, offset, **fields)]
    assert good == list(range(good[0], good[-1] + 1, STEP))
    return good[0], good[-1]


def test_a_token_of_five_minutes():
    assert window(token(OWN)) == (-60, 340)


def test_a_token_as_epic_signs_it():
    assert window(epic_token(OWN)) == (-60, 940)


def test_a_token_of_an_hour_is_the_longest():
    assert window(token(OWN, exp=NOW_SECONDS + 3600)) == (-60, 3640)


def test_not_before_is_honoured():
    assert window(token(OWN, nbf=NOW_SECONDS + 120)) == (60, 340)


def test_leeway_and_life_are_of_the_registration():
    assert window(token(OWN), leeway_seconds=0) == (0, 280)
    assert window(token(OWN), leeway_seconds=120) == (-120, 400)
    assert window(token(OWN, exp=NOW_SECONDS + 900), longest_seconds=900) == (-60, 940)


@pytest.mark.parametrize(
    ("offset", "changes", "good"),
    [
        (359, {}, True),
        (360, {}, False),
        (-60, {}, True),
        (-61, {}, False),
        (0, {"exp": NOW_SECONDS + 3600}, True),
        (0, {"exp": NOW_SECONDS + 3601}, False),
        (0, {"exp": NOW_SECONDS + 1}, True),
        (0, {"exp": NOW_SECONDS}, False),
        (0, {"nbf": NOW_SECONDS + 60}, True),
        (0, {"nbf": NOW_SECONDS + 61}, False),
    ],
)
def test_the_limits_to_the_second(offset, changes, good):
    assert accepted(token(OWN, **changes), offset) is good
