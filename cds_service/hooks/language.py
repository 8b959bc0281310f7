"""Which of our three languages a reader gets."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

Language: TypeAlias = Literal["nb", "nn", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT: Language = "nb"
_BY_TAG: dict[str, Language] = {"nb": "nb", "no": "nb", "nn": "nn", "en": "en"}


def choose(setting: str | None, accept_language: str | None) -> Language:
    """The tenant's setting; else the best match of an `Accept-Language` header; else Bokmål."""
    if setting:
        return _BY_TAG[setting]
    best, highest = DEFAULT, 0.0
    for item in (accept_language or "").split(","):
        tag, _, parameters = item.partition(";")
        language = DEFAULT if tag.strip() == "*" else _BY_TAG.get(tag.strip().lower().split("-")[0])
        quality = _quality(parameters)
        if language is not None and quality > highest:
            best, highest = language, quality
    return best


def _quality(parameters: str) -> float:
    name, _, number = parameters.partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        quality = float(number)
    except ValueError:
        return 0.0
    return quality if 0.0 <= quality <= 1.0 else 0.0
