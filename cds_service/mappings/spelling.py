"""Codes and addresses without what differs from sender to sender."""

from __future__ import annotations

from unicodedata import normalize

INVISIBLE: dict[int, str] = dict.fromkeys(map(ord, "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"), "")
"""Characters that nobody sees, for `str.translate`."""
_CODE = INVISIBLE | dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")


def plain_code(code: str) -> str:
    """Without blanks around it and anything invisible, with plain hyphens."""
    return code.translate(_CODE).strip()


def plain_text(text: str) -> str:
    """Composed letters, single blanks and nothing invisible."""
    visible = text if text.isascii() else normalize("NFC", text).translate(INVISIBLE)
    return " ".join(visible.split())


def address_of(uri: str) -> str:
    """The address of a code system in small letters, without scheme, `www.`, `urn:oid:`, last slash and version."""
    address = "".join(plain_code(uri).split()).lower().partition("|")[0].rstrip("/#")
    address = address.removeprefix("urn:").removeprefix("oid:")
    return address.removeprefix("https://").removeprefix("http://").removeprefix("www.")
