"""Where the rules come from: edition, version and digest of the tables, and the readings where the text leaves room."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

from cds_service.guideline.tables import FOLDER, read_table


@dataclass(frozen=True, slots=True)
class Interpretation:
    """A place of the text that can be read in two ways, and how it is read here."""

    id: str
    clauses: tuple[str, ...]
    problem: str
    reading: str
    effect: str
    status: str


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
