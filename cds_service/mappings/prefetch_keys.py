"""What a prefetch key says was asked for, by its words: `myLabs`, `medication_requests`, `drugAllergies`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cds_service.mappings.entries import READ_TYPES
from cds_service.mappings.fhir import R4_TYPES, Medication, Observation, Patient
from cds_service.mappings.terminology import table

if TYPE_CHECKING:
    from collections.abc import Iterator

LISTS = frozenset(kind.__name__ for kind in READ_TYPES) - {Patient.__name__, Medication.__name__}
"""Types of which the whole list is asked for."""
_LETTERS = re.compile(r"[^\W\d_]+")
_HUMP = re.compile(r"(?<=[a-zæøå])(?=[A-ZÆØÅ])|(?<=[A-ZÆØÅ])(?=[A-ZÆØÅ][a-zæøå])")
_LONGEST_KEY = 64
"""Characters of a key that are looked at."""
_MOST_WORDS = 4
"""No name of a type, and no word of the table, is written in more."""
VITAL_SIGNS, IMAGING_FINDINGS = "VitalSigns", "ImagingFindings"
"""What stands for a list of Observations of that category; laboratory results go by the name of the type."""
OBSERVATION_LISTS = {"laboratory": Observation.__name__, "vital-signs": VITAL_SIGNS, "imaging": IMAGING_FINDINGS}
_JOINING = frozenset(
    {
        "and", "or", "og", "eller", "no", "non", "missing", "error", "family", "mother", "father", "consent",
        "insurance", "discharge", "hospital",
    }
)  # fmt: skip
"""Words that make it open what a key asks for: several lists, none, or those of something else."""
_SIGNS_OF_SEVERAL = frozenset("+/&,")
_NEUTRAL = ""


def _with_plural(names: dict[str, str]) -> dict[str, str]:
    return {_plural(word): kind for word, kind in names.items()} | names


def _plural(word: str) -> str:
    if word.endswith("sis"):
        return f"{word.removesuffix('is')}es"
    return f"{word.removesuffix('y')}ies" if word.endswith("y") else f"{word}s"


_TYPES = _with_plural({kind.casefold(): kind for kind in LISTS})
_OTHERS = _with_plural({kind.casefold(): kind for kind in R4_TYPES})
_WORDS = _with_plural({row["word"]: row["type"] for row in table("prefetch_words.csv")})
_CATEGORIES = _with_plural({row["word"]: row["category"] for row in table("prefetch_words.csv") if row["category"]})
_NAMES = _OTHERS | _WORDS | _TYPES
"""Every word that says something, and the type that it means."""


def asked_for(key: str) -> set[str]:
    """The list that a key is surely named after; none where a word leaves that open.

    The last word that says something decides, as in any compound: `drugAllergies` are allergies. Behind a word of the
    table only neutral ones may follow, so that an `infusionPlan` is no list of infusions.
    """
    if not _JOINING.isdisjoint(words_of(key)) or not _SIGNS_OF_SEVERAL.isdisjoint(key):
        return set()
    is_sure = True
    for name in _names(key):
        kind = _NAMES.get(name)
        if kind == _NEUTRAL:
            continue
        if kind is not None:
            return {kind} & LISTS if is_sure or name in _TYPES else set()
        is_sure = False
    return set()


def category_of(key: str) -> str | None:
    """The category of Observations that a key is named after, None where it tells none."""
    return next((_CATEGORIES[name] for name in _names(key) if name in _CATEGORIES), None)


def mentioned(key: str) -> set[str]:
    """Every list that a key may be named after."""
    return {_NAMES.get(name, _NEUTRAL) for name in _names(key)} & LISTS


def _names(key: str) -> Iterator[str]:
    """What a key is put together from, the last first: as many words as make one name, else single words."""
    words = words_of(key)
    while words:
        together = ("".join(words[-many:]) for many in range(min(_MOST_WORDS, len(words)), 0, -1))
        name = next((name for name in together if name in _NAMES), words[-1])
        yield name
        left = len(name)
        while left:
            left -= len(words.pop())


def words_of(key: str) -> list[str]:
    """The words that a key is put together from, in small letters."""
    return [word.casefold() for run in _LETTERS.findall(key[:_LONGEST_KEY]) for word in _HUMP.split(run)]
