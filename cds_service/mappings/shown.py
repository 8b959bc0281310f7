"""What of a record may be shown to those who connect it: codes, code systems and units, never what a person wrote."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cds_service.mappings import terminology, units
from cds_service.mappings.fhir import OLDER_TYPES, R4_TYPES
from cds_service.mappings.spelling import address_of, plain_code

if TYPE_CHECKING:
    from cds_service.mappings.datatypes import Quantity

HIDDEN = "…"
"""Stands for what was sent and is not shown."""
NONE = "–"
"""Stands for what was not sent."""
_CODE = re.compile(r"[A-Za-z0-9.\-]{1,20}").fullmatch
_LIKE_A_PERSONS = re.compile(r"[0-9]{6}[-.]?[0-9]{4,6}").fullmatch
"""Digits as in a national identity number."""
_HOST = re.compile(r"(?:[a-z0-9\-]{1,40}\.){1,8}[a-z]{2,20}").fullmatch
_OID = re.compile(r"[0-2](?:\.[0-9]{1,9}){1,20}").fullmatch
_UNIT = re.compile(r"[A-Za-zµμ0-9%°*^.#+\-\[\]{}()']{0,12}[/%°*^\[][A-Za-zµμ0-9%°*^.#+\-\[\]{}()'/]{0,12}").fullmatch
_LONG_NUMBER = re.compile(r"[0-9]{5}").search
_ANNOTATION = re.compile(r"\{[^{}]*\}")


def code(system: str | None, sent: str | None) -> str:
    """A code if it is one by its letters; in a system that we do not know, none that may be a person's number."""
    text = plain_code(sent or "")
    if not text:
        return NONE
    is_free = not terminology.key_of(system) and _LIKE_A_PERSONS(text) is not None
    return HIDDEN if is_free or _CODE(text) is None else text


def system(sent: str | None) -> str:
    """Our key of a code system, else its OID, else the host of its address."""
    key = terminology.key_of(sent)
    if key or not sent:
        return key or NONE
    host = address_of(sent).partition("/")[0].partition(":")[0]
    if _OID(host):
        return f"urn:oid:{host}"
    return host if _HOST(host) else HIDDEN


def unit(quantity: Quantity) -> str:
    """The code, and the text beside it where that is another unit; text only if it is a unit."""
    sent, text = plain_code(quantity.code or ""), plain_code(quantity.unit or "")
    is_ucum = terminology.key_of(quantity.system) == "ucum"
    told = [sent if is_ucum and _CODE(sent) else _unit(sent)] if sent else []
    if text and units.folded_spelling(text) != units.folded_spelling(sent):
        told.append(_unit(text))
    return " | ".join(told) or NONE


def resource_type(name: str | None) -> str:
    """A resource type that FHIR has or had."""
    return name if name and (name in R4_TYPES or name in OLDER_TYPES) else HIDDEN


def _unit(text: str) -> str:
    plain = _ANNOTATION.sub("{…}", " ".join(text.split()))
    is_unit = units.is_spelling(plain) or (_UNIT(plain.replace("{…}", "")) and not _LONG_NUMBER(plain))
    return plain if is_unit else HIDDEN
