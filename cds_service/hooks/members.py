"""The members of the JSON objects that make up a request, each of which may occur once, but for lists sent.

Of two members of one name some readers take the first, some the last: what was checked would not be what is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import DecodeError, Raw, ValidationError

from cds_service.operations.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

_T = TypeVar("_T")
NULL = Raw(b"null")
_OURS = frozenset(
    {
        "hook", "hookInstance", "context", "fhirServer", "fhirAuthorization", "prefetch", "userId", "patientId",
        "encounterId", "draftOrders", "selections", "access_token", "token_type", "expires_in", "scope", "subject",
        "patient", "resourceType", "type", "entry",
    }
)  # fmt: skip
"""The names that a refusal may repeat."""


class Name:
    """The name of a member. It equals itself alone, so that what occurs twice is there twice."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def _named(_: type, text: str) -> Name:
    return Name(text)


def by_name(values: object) -> msgspec.json.Decoder[dict[Name, Any]]:
    """A decoder of an object whose members are all of the type `values`; what it reads is for `once` or `apart`."""
    return msgspec.json.Decoder(dict[Name, values], dec_hook=_named)  # type: ignore[valid-type]


_OBJECT = by_name(Raw)
_TEXT = msgspec.json.Decoder(str)


def members(raw: bytes | Raw, where: str = "") -> dict[str, Raw] | None:
    """The members of an object, unread; None of anything else. `where`: the path of the object, "" for the body.

    Raises:
        RequestError: 400 malformed, nested too deeply, or a member occurs twice.
    """
    found = members_by_name(raw)
    return None if found is None else once(found, where)


def members_by_name(raw: bytes | Raw) -> dict[Name, Raw] | None:
    """As `members`, with those that occur twice.

    Raises:
        RequestError: 400 malformed, or nested too deeply.
    """
    try:
        return _OBJECT.decode(raw)
    except ValidationError:
        return None
    except DecodeError:
        raise RequestError(400, "structure", "The body is not well-formed JSON.") from None
    except RecursionError:
        raise too_deep() from None


def once(found: Mapping[Name, _T], where: str) -> dict[str, _T]:
    """The members by their names.

    Raises:
        RequestError: 400, one occurs twice.
    """
    fields = {name.text: value for name, value in found.items()}
    if len(fields) < len(found):
        raise _twice([name.text for name in found], where)
    return fields


def apart(found: Mapping[Name, _T]) -> dict[str, _T]:
    """The members under names of their own: one that occurs again gets the number of its place behind its name."""
    fields: dict[str, _T] = {}
    own = {name.text for name in found}
    for place, (name, value) in enumerate(found.items(), start=1):
        text = name.text
        if text in fields:
            text = f"{text} {place}"
            while text in own or text in fields:
                text += "'"
        fields[text] = value
    return fields


def _twice(names: list[str], where: str) -> RequestError:
    """Says which, if it is one of ours."""
    ours = next((name for name in names if name in _OURS and names.count(name) > 1), None)
    if ours is None:
        return RequestError(400, "structure", f"A field of {where or 'the body'} occurs more than once.")
    return RequestError(400, "structure", f"The field {where}{'.' if where else ''}{ours} occurs more than once.")


def text_of(raw: Raw) -> str | None:
    """A JSON string, None of anything else."""
    try:
        return _TEXT.decode(raw)
    except ValidationError:
        return None


def is_null(raw: Raw) -> bool:
    """Whether it is a JSON null, or stands for a missing member."""
    return bytes(raw) == b"null"


def too_deep() -> RequestError:
    """More brackets inside each other than the decoder follows."""
    return RequestError(400, "too-long", "The body is nested too deeply.")
