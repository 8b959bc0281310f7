"""What the claims of a verified token must say (CDS Hooks 2.0, Trusting CDS Clients; RFC 7519)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cds_service.trust.tokens import NotTrustedError

if TYPE_CHECKING:
    from collections.abc import Collection

    from cds_service.trust.registration import Registration

_LONGEST_TOKEN_ID = 512
_YEAR_10000 = 253_402_300_800


def token_id(claims: dict[str, Any]) -> str:
    """The claim `jti`.

    Raises:
        NotTrustedError: it is no text of 1 to 512 characters.
    """
    found = claims.get("jti")
    if not isinstance(found, str) or not 0 < len(found) <= _LONGEST_TOKEN_ID or _holds_surrogate(found):
        raise NotTrustedError("claims")
    return found


def _holds_surrogate(text: str) -> bool:
    """Half a character, which JSON can write and UTF-8 cannot."""
    return not text.isascii() and any("\ud800" <= each <= "\udfff" for each in text)


def require_audience(claims: dict[str, Any], accepted: Collection[str]) -> None:
    """`aud` is, or holds, one of the accepted texts.

    Raises:
        NotTrustedError: it does not.
    """
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if not audiences or not all(isinstance(each, str) for each in audiences):
        raise NotTrustedError("claims")
    if not any(each in accepted for each in audiences):
        raise NotTrustedError("audience")


def expiry(claims: dict[str, Any], registration: Registration, now: float) -> int:
    """The claim `exp` of a token that is valid now, in seconds of the epoch as `now`.

    Raises:
        NotTrustedError: it is not valid yet or no longer, or lives longer than the registration allows.
    """
    expires, issued = _seconds(claims.get("exp")), _seconds(claims.get("iat"))
    begins = _seconds(claims["nbf"]) if "nbf" in claims else issued
    leeway, longest = registration.leeway_seconds, registration.longest_seconds
    if not (
        now < expires + leeway
        and max(issued, begins) <= now + leeway
        and issued < expires <= issued + longest
        and issued >= now - longest - leeway
    ):
        raise NotTrustedError("time")
    return expires


def _seconds(value: object) -> int:
    """A whole number of seconds, written as an integer or as a float.

    Raises:
        NotTrustedError: it is something else, or beyond the year 9999.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotTrustedError("claims")
    if not 0 <= value < _YEAR_10000 or value != int(value):
        raise NotTrustedError("claims")
    return int(value)
