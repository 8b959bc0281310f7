"""Drugs by their name, for medications without a known code: generic names and brands as whole words."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from unicodedata import combining, normalize

from cds_service.mappings.terminology import table

if TYPE_CHECKING:
    from collections.abc import Iterator

CLASS = "class:bisphosphonate"
"""What a name of the class stands for: beside the name of one of them it says nothing."""
LONGEST_TEXT = 400
"""Characters of a text that are searched for names."""


def _names() -> tuple[dict[str, str], tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """Whole names, beginnings and endings, each with its concept; the words of a name are joined by `_`."""
    whole: dict[str, str] = {}
    begin: list[tuple[str, str]] = []
    end: list[tuple[str, str]] = []
    for row in table("drug_names.csv"):
        for word in row["names"].split():
            if word.endswith("*"):
                begin.append((word[:-1], row["concept"]))
            elif word.startswith("*"):
                end.append((word[1:], row["concept"]))
            else:
                whole[word] = row["concept"]
    return whole, tuple(begin), tuple(end)


_WHOLE, _BEGIN, _END = _names()
_LONGEST_NAME = max(name.count("_") for name in _WHOLE) + 1
_BEGINS = re.compile("|".join(re.escape(beginning) for beginning, _ in _BEGIN)).match
_ENDS = re.compile(f"(?:{'|'.join(re.escape(ending) for ending, _ in _END)})$").search
_WORDS = re.compile(r"[^\W_]+").findall


def named_in(text: str) -> tuple[str, ...]:
    """The drugs whose names stand in a text as whole words, case and accents ignored; the longest name first."""
    return _named_in(text[:LONGEST_TEXT])


@lru_cache(2048)
def _named_in(text: str) -> tuple[str, ...]:
    return tuple(_found(_WORDS(_folded(text))))


def _found(words: list[str]) -> Iterator[str]:
    place = 0
    while place < len(words):
        length, concept = _name_at(words, place)
        if concept is not None:
            yield concept
        place += length


def _folded(text: str) -> str:
    """In small letters, without accents and without what is invisible."""
    if text.isascii():
        return text.lower()
    shown = (char for char in normalize("NFKD", text.casefold()) if char.isprintable() or char.isspace())
    return "".join(char for char in shown if not combining(char))


def _name_at(words: list[str], place: int) -> tuple[int, str | None]:
    for length in range(min(_LONGEST_NAME, len(words) - place), 0, -1):
        concept = _WHOLE.get("_".join(words[place : place + length]))
        if concept is not None:
            return length, concept
    word = words[place]
    if _BEGINS(word) is None and _ENDS(word) is None:
        return 1, None
    by_beginning = (concept for beginning, concept in _BEGIN if word.startswith(beginning))
    by_ending = (concept for ending, concept in _END if word.endswith(ending))
    return 1, next(by_beginning, None) or next(by_ending, None)
