"""What may be kept of a text that an EHR sends: ids, coded reasons and comments, each in a form without free text."""

from __future__ import annotations

import re
from hashlib import sha256

OTHER = "other"
"""Stands for a code, or a system, that may be free text."""
LONGEST_COMMENT = 2000
LONGEST_ID = 256
_UUID = re.compile(r"(?:urn:uuid:)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII | re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CATEGORY = re.compile(r"[A-Za-z0-9.-]{1,20}")
_SYSTEM = re.compile(r"(?:https?://|urn:)[A-Za-z0-9._~:/-]{1,120}")
_IDENTITY_NUMBER = re.compile(r"(?<![0-9])[0-9]{11}(?![0-9])")
"""As long as a Norwegian one."""


def kept_id(text: str) -> str:
    """The id of a card or a suggestion. Ours are uuids; of any other only its SHA256 is kept.

    Raises:
        ValueError: it is empty, longer than LONGEST_ID or holds what cannot be printed.
    """
    found = _UUID.fullmatch(text)
    if found is not None:
        return found[1].lower()
    if not text.strip() or len(text) > LONGEST_ID or not text.isprintable():
        raise ValueError("not an id")
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def coded_reason(system: str | None, code: str | None) -> str:
    """A reason as `system|code`, as FHIR writes tokens; without a system it begins with the bar."""
    return f"{_safe(_SYSTEM, system) if system else ''}|{_safe(_CODE, code)}"


def category_reason(system: str, code: str) -> str:
    """A reason that is a vendor's category; `system` is ours, not the request's."""
    return f"{system}|{_safe(_CATEGORY, code)}"


def kept_comment(text: str) -> str:
    """The beginning of a comment, without what cannot be printed; lines stay lines."""
    return "\n".join(_printable(line) for line in text[:LONGEST_COMMENT].splitlines()).strip()


def _printable(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(letter if letter.isprintable() else " " * letter.isspace() for letter in line)


def _safe(pattern: re.Pattern[str], text: str | None) -> str:
    if text is None or pattern.fullmatch(text) is None or _IDENTITY_NUMBER.search(text):
        return OTHER
    return text
