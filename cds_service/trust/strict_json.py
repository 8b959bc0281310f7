"""JSON of strangers as one object: UTF-8, each member once, no NaN and no Infinity."""

from __future__ import annotations

import json
from typing import Any


def read_object(content: bytes) -> dict[str, Any]:
    """The object that the bytes hold.

    Raises:
        ValueError: they hold none, or one that two readers could read in two ways.
    """
    try:
        found = _DECODER.decode(content.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004  of the content, not of the argument
    return found


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a member occurs twice")
    return found


def _refuse(_constant: str) -> float:
    raise ValueError("not a number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse)
