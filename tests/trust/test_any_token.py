"""Whatever stands in a token, it is refused as one that is not trusted, or accepted as it should be: no other fault."""

import base64
import json
import string

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.trust.helpers import authentication, refused, verify
from tests.trust.tokens import ALGORITHMS, bearer, claims, encoded, header, registration, signed, signer, token

SIGNERS = [signer(algorithm) for algorithm in ALGORITHMS]
TRUST = authentication(registration(*SIGNERS))
TOKENS = {each.algorithm: token(each) for each in SIGNERS}
CHARACTERS = string.ascii_letters + string.digits + "-_.=+/ ,\0\u00e5"
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
algorithms = pytest.mark.parametrize("algorithm", ALGORITHMS)


@algorithms
@given(st.data())
def test_a_token_with_another_character_is_refused(algorithm, data):
    good = TOKENS[algorithm]
    place = data.draw(st.integers(0, len(good) - 1))
    other = data.draw(st.sampled_from(CHARACTERS))
    assume(other != good[place] and not (other == " " and place == 0))
    assert refused(TRUST, bearer(good[:place] + other + good[place + 1 :]))


@algorithms
def test_a_token_with_another_last_character_is_refused(algorithm):
    """Some of them stand for the same bytes."""
    good = TOKENS[algorithm]
    others = {good[:-1] + last for last in CHARACTERS} - {good}
    assert all(refused(TRUST, bearer(other)) for other in others - {good[:-1] + " "})
    assert verify(TRUST, bearer(good))


@algorithms
@given(st.data())
def test_a_token_that_was_cut_or_lengthened_is_refused(algorithm, data):
    good = TOKENS[algorithm]
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, len(good)))
    more = data.draw(st.text(CHARACTERS, max_size=3).filter(str.strip))
    assume((start, end) != (0, len(good)))
    assert refused(TRUST, bearer(good[start:end]))
    assert refused(TRUST, bearer(good + more))


@given(st.text() | st.binary())
@example("Bearer ..")
@example("Bearer e30.e30.e30")
def test_any_value_of_the_header_is_refused(value):
    assert refused(TRUST, value)
    prefixed = b"Bearer " + value if isinstance(value, bytes) else f"Bearer {value}"
    assert refused(TRUST, prefixed)


@algorithms
@given(JSON)
def test_any_header_is_refused_though_it_is_signed(algorithm, head):
    assert refused(TRUST, bearer(signed(signer(algorithm), head, claims())))


@algorithms
@given(JSON)
def test_any_claims_are_refused_though_they_are_signed(algorithm, body):
    assert refused(TRUST, bearer(signed(signer(algorithm), header(signer(algorithm)), body)))


@algorithms
@given(st.sampled_from(["alg", "typ", "kid", "jku", "crit", "b64"]), JSON)
def test_any_value_of_a_member_of_the_header(algorithm, member, value):
    """It is refused, unless it says what it should say."""
    by = signer(algorithm)
    assume(not (member == "b64" and value is True))
    assume(not (member == "typ" and str(value).lower() == "jwt"))
    assert refused(TRUST, bearer(signed(by, {**header(by), member: value}, claims())))


@algorithms
@given(st.sampled_from(["iss", "aud", "exp", "iat", "nbf"]), JSON)
def test_any_value_of_a_claim(algorithm, name, value):
    by = signer(algorithm)
    assume(not (name == "nbf" and isinstance(value, int | float) and not isinstance(value, bool)))
    assert refused(TRUST, bearer(signed(by, header(by), {**claims(), name: value})))


@algorithms
@given(JSON)
def test_a_token_id_is_a_text_of_some_length(algorithm, value):
    by = signer(algorithm)
    good = isinstance(value, str) and 0 < len(value) <= 512 and not any("\ud800" <= each <= "\udfff" for each in value)
    header_value = bearer(signed(by, header(by), {**claims(), "jti": value}))
    if good:
        assert verify(TRUST, header_value).token_id == value
    else:
        assert refused(TRUST, header_value) in {"claims", "malformed"}  # NaN is no JSON


@given(st.binary())
def test_any_bytes_for_header_and_claims_are_refused(content):
    by = signer()
    assert refused(TRUST, bearer(signed(by, content, claims())))
    assert refused(TRUST, bearer(signed(by, header(by), content)))


@algorithms
def test_the_tokens_that_are_changed_here_are_good(algorithm):
    assert verify(TRUST, bearer(TOKENS[algorithm]))
    first = TOKENS[algorithm].partition(".")[0]
    assert encoded(json.loads(base64.urlsafe_b64decode(first + "=="))) == first
