"""Where the rules come from: all of them in order, edition, version and digest, and the readings of doubtful places."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

from cds_service.guideline.tables import FOLDER, read_table

Kind: TypeAlias = Literal["rule", "shared", "display", "none"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the text: where it stands there, and what becomes of it here."""

    id: str
    section: str
    title: str
    place: str
    kind: Kind
    through: tuple[str, ...] = ()
    """The rules that decide a shared one."""
    reason: str = ""
    """Why it is no rule of its own."""


@dataclass(frozen=True, slots=True)
class Interpretation:
    """A place of the text that can be read in two ways, and how it is read here."""

    id: str
    clauses: tuple[str, ...]
    problem: str
    reading: str
    effect: str
    status: str


def rules() -> tuple[Rule, ...]:
    """rules.toml, in its order, which is that of the text."""
    rows = read_table("rules.toml")["rule"]
    return tuple(Rule(**{**row, "through": tuple(row.get("through", ()))}) for row in rows)


def interpretations() -> tuple[Interpretation, ...]:
    """interpretations.toml, in its order."""
    rows = read_table("interpretations.toml")["interpretation"]
    return tuple(Interpretation(**{**row, "clauses": tuple(row["clauses"])}) for row in rows)


@cache
def rules_version() -> str:
    """Semantic version of the tables and of their reading."""
    return str(read_table("edition.toml")["version"])


@cache
def guideline_edition() -> str:
    """Which edition of the text the tables carry."""
    return str(read_table("edition.toml")["edition"])


@cache
def rules_digest() -> str:
    """`sha256:` and the digest over names and bytes of all tables, sorted by name."""
    digest = hashlib.sha256()
    for table in sorted((entry for entry in FOLDER.iterdir() if entry.name.endswith(".toml")), key=lambda e: e.name):
        digest.update(table.name.encode())
        digest.update(table.read_bytes())
    return f"sha256:{digest.hexdigest()}"
