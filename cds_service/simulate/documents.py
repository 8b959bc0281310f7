"""The body of an answer as JSON, and what every JSON that is sent must keep to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cds_service.simulate.findings import Place, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST = 100
"""Levels; cards with resources have some fifteen."""
_EMPTY: tuple[tuple[object, str], ...] = (
    (None, "null"),
    ("", "an empty string"),
    ([], "an empty list"),
    ({}, "an empty object"),
)
_MAY_BE_EMPTY = frozenset({("cards",), ("services",)})


def read(body: bytes, seen: list[Seen], rule: str | None = None) -> dict[str, Any] | None:
    """The object that a body must hold by a rule; None, with the reason among what was seen, where it holds none."""
    document = _decoded(body, seen)
    if document is None:
        return None
    if not isinstance(document[0], dict):
        seen.append(Seen("not-an-object", rule=rule))
        return None
    seen += empties(document[0])
    return document[0]


def _decoded(body: bytes, seen: list[Seen]) -> tuple[Any] | None:
    twice: list[Seen] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice.append(Seen("duplicate-member"))
        return found

    try:
        document = json.loads(body.decode(), object_pairs_hook=members, parse_constant=_no_number)
    except UnicodeDecodeError:
        seen.append(Seen("not-utf8"))
    except RecursionError:
        seen.append(Seen("too-deep", slots={"most": DEEPEST}))
    except ValueError:
        seen.append(Seen("not-json"))
    else:
        seen += twice
        if not _is_too_deep(document):
            return (document,)
        seen.append(Seen("too-deep", slots={"most": DEEPEST}))
    return None


def _no_number(word: str) -> None:
    """JSON has no NaN and no Infinity."""
    raise ValueError(word)


def _is_too_deep(document: object) -> bool:
    level = [document]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inner(outer)]
        if not level:
            return False
    return True


def _inner(part: object) -> Iterator[object]:
    if isinstance(part, dict):
        yield from part.values()
    elif isinstance(part, list):
        yield from part


def empties(document: dict[str, Any]) -> Iterator[Seen]:
    """Every null, empty string, list and object (T4) but an empty list of cards or services."""
    for place, value in places(document):
        what = next((word for empty, word in _EMPTY if value == empty and type(value) is type(empty)), None)
        if what is not None and not (value == [] and place in _MAY_BE_EMPTY) and not _fills_up(document, place):
            yield Seen("empty", place, slots={"what": what})


def places(part: object, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every member and item below, with its place."""
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for name, value in inner:
        yield (*place, name), value
        yield from places(value, (*place, name))


def at(document: Any, place: Place) -> Any:  # noqa: ANN401  any JSON
    """What stands at a place that the document has."""
    for name in place:
        document = document[name]
    return document


def _fills_up(document: dict[str, Any], place: Place) -> bool:
    """Whether it is a null that FHIR wants, in a list of primitive values beside the list of their extensions."""
    if at(document, place) is not None or not isinstance(place[-1], int):
        return False
    *way, name, _ = place
    twin = str(name).removeprefix("_") if str(name).startswith("_") else f"_{name}"
    return twin in at(document, tuple(way))
