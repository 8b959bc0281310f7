"""Laboratory tests by their name, for results without a known code (rules.md 6.2 step 4)."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

from cds_service.mappings.numbers import plain
from cds_service.mappings.terminology import FOLDER, Lab

_LONGEST = 120
_NEVER = "(?!)"
_compiled = partial(re.compile, flags=re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Analyte:
    lab: Lab
    specimens: frozenset[str]
    specimen_needed: bool
    name: re.Pattern[str]
    unless: re.Pattern[str]
    part: re.Pattern[str]
    in_faeces: bool

    def lab_of(self, specimen: str, name: str, material: str) -> Lab | None:
        if specimen not in self.specimens if specimen else self.specimen_needed:
            return None
        if self.name.fullmatch(name) is None or self.unless.search(name) is not None:
            return None
        if not self.in_faeces and (_OTHER_MATERIAL.search(name) or _OTHER_MATERIAL.search(material)):
            return None
        return replace(self.lab, role="part") if self.part.search(name) else self.lab


def _analyte(row: dict[str, Any]) -> _Analyte:
    return _Analyte(
        Lab(row["concept"], read_from="name"),
        frozenset(specimen.casefold() for specimen in row["specimens"]),
        bool(row.get("specimen_needed", False)),
        _compiled(row["name"]),
        _compiled(row.get("unless", _NEVER)),
        _compiled(row.get("part", _NEVER)),
        bool(row.get("faeces", False)),
    )


_TABLE = tomllib.loads((FOLDER / "names.toml").read_text(encoding="utf-8"))
_ANALYTES = tuple(_analyte(row) for row in _TABLE["analyte"])
_ANY = _compiled("|".join(f"(?:{row['name']})" for row in _TABLE["analyte"]))
_OTHER_MATERIAL = _compiled(_TABLE["other_material"])
_SPECIMEN = _compiled(rf"(?P<specimen>{'|'.join(map(re.escape, _TABLE['known_specimens']))})-|- ?")


def lab_of(name: str, material: str = "") -> Lab | None:
    """The concept that a display or text names, None where it names none or more than one.

    `material` is what the specimen is called: a test in blood is not read where that is something else.
    """
    return _lab_of(name, material) if len(name) + len(material) <= _LONGEST else None


@lru_cache(1024)
def _lab_of(name: str, material: str) -> Lab | None:
    name = plain(name)
    prefix = _SPECIMEN.match(name)
    specimen = (prefix["specimen"] or "").casefold() if prefix else ""
    rest = name[prefix.end() :].strip() if prefix else name
    if _ANY.fullmatch(rest) is None:
        return None
    fitting = [lab for row in _ANALYTES if (lab := row.lab_of(specimen, rest, plain(material)))]
    return fitting[0] if len(fitting) == 1 else None
