"""The clinician form `cno-assessment` as data: its items, their answers and titles (terminology/form.toml)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Language: TypeAlias = Literal["nb", "nn", "en"]
LANGUAGES: tuple[Language, ...] = ("nb", "nn", "en")
Titles: TypeAlias = "Mapping[str, str]"
Kind: TypeAlias = Literal["choice", "date", "group", "bone"]


@dataclass(frozen=True, slots=True)
class FormItem:
    """One item. `answers` maps each code to its titles; `unknown` is an answer of every coded item besides."""

    link_id: str
    kind: Kind
    repeats: bool
    titles: Titles
    answers: Mapping[str, Titles]
    items: tuple[FormItem, ...] = ()


@dataclass(frozen=True, slots=True)
class FormTables:
    """The whole form. `bones` maps the SNOMED CT codes that are offered to their titles."""

    titles: Titles
    unknown: Titles
    items: tuple[FormItem, ...]
    bones: Mapping[str, Titles]


def _kind(row: Mapping[str, Any]) -> Kind:
    kinds: tuple[Kind, ...] = ("date", "group")
    return "bone" if row.get("bones") else next((kind for kind in kinds if row.get(kind)), "choice")


def _item(row: Mapping[str, Any], lists: Mapping[str, Any]) -> FormItem:
    answers = row.get("answers", ())
    rows = lists[answers] if isinstance(answers, str) else answers
    return FormItem(
        row["id"],
        _kind(row),
        bool(row.get("repeats")),
        _titles(row),
        {each["code"]: _titles(each) for each in rows},
        tuple(_item(each, lists) for each in row.get("item", ())),
    )


def _titles(row: Mapping[str, str]) -> Titles:
    return {language: row[language] for language in LANGUAGES}


def _load() -> FormTables:
    text = Path(__file__).with_name("terminology").joinpath("form.toml").read_text("utf-8")
    rows = tomllib.loads(text)
    items = tuple(_item(row, rows["lists"]) for row in rows["item"])
    bones = {code: _titles(row) for code, row in rows["bones"].items()}
    return FormTables(_titles(rows["title"]), _titles(rows["unknown"]), items, bones)


FORM = _load()
"""The form as shipped."""
