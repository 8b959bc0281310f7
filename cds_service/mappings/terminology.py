"""Code tables of the package: which concept a coding stands for. Sources and licences: terminology/README.md."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar, cast

from cds_service.guideline.interval import Truth
from cds_service.mappings.spelling import address_of, plain_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cds_service.guideline.facts import Flag, ReadFrom, Side, Zone

Row = TypeVar("Row")
Role: TypeAlias = Literal["measure", "part", "blood", "exclude", "share", "presence", "other"]

Outcome: TypeAlias = Literal["positive", "negative"]

FOLDER = Path(__file__).with_name("terminology")
LAB_SYSTEMS = frozenset({"nlk", "npu", "loinc"})
"""Systems in which a code that the tables do not hold is known to be another analyte."""
_LONGEST = 200
"""Characters of system and code together, beyond which nothing is looked up (and nothing cached)."""
_REMEMBERED = 4096
_COMPACT_SYSTEMS = frozenset({"icd10", "icd10cm", "atc", "norpat", "nlk", "npu", "ncrp"})
_NPU = frozenset({"nlk", "npu"})
_NPU_CODE = re.compile(r"(?:NPU|NOR|SWE|DNK)[0-9]{5}").fullmatch
_SHORTEST_PREFIX = 3
_NCRP_LENGTH = 6
_WHOLE_BODY = {"yes": Truth.YES, "ask": Truth.UNKNOWN, "": Truth.NO}


@dataclass(frozen=True, slots=True)
class Lab:
    """A laboratory or vital-sign code.

    `role`: `measure`; `part` yields to the total (25-OH vitamin D3); `blood` counts with a blood specimen only;
    `share` is a percentage that tells presence (blasts); `presence` is a test of which it counts that it was taken;
    `exclude` is not used and noted; `other` is not ours.
    """

    concept: str
    role: Role = "measure"
    unit: str = ""
    """The unit that the code itself means; tells mass from substance concentration. Empty where it may be either."""
    own_unit: bool = False
    """NLK defines the unit with the code, so that it holds where none was sent (rules.md 6.2 step 5)."""
    read_from: ReadFrom = "code"


@dataclass(frozen=True, slots=True)
class ConditionCode:
    """A diagnosis code; fields as in `facts.Condition`."""

    concept: str
    value: str | bool = True
    early_infection: bool = False
    cell_lines: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class BodySite:
    """A bone, a side, a zone, or the body as a whole; a pre-coordinated code gives more than one."""

    bone: str | None = None
    side: Side | None = None
    zone: Zone | None = None
    whole_body: bool = False


@dataclass(frozen=True, slots=True)
class Imaging:
    """A modality or an imaging procedure; `whole_body` is UNKNOWN where the clinician must be asked (AMB-15)."""

    kind: str
    whole_body: Truth = Truth.NO
    contrast: bool = False
    """Whether the code says that contrast is given."""


@dataclass(frozen=True, slots=True)
class Concept:
    """A finding, drug or histology code."""

    concept: str


ANOTHER_ANALYTE = Lab("", "other")
"""What a NLK, NPU or LOINC code that the tables do not hold stands for."""


def table(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file of the package, in file order."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True, slots=True)
class _Table(Generic[Row]):
    """Rows by (system key, code). In a prefix system the longest matching row wins (rules.md section 7).

    `others` is what every other code of a system stands for.
    """

    rows: dict[tuple[str, str], Row]
    prefixes: frozenset[tuple[str, str]] = frozenset()
    others: Mapping[str, Row] = field(default_factory=dict)
    find: Callable[[str, str], Row | None] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "find", lru_cache(_REMEMBERED)(self._find))

    def _find(self, system: str, code: str) -> Row | None:
        key = system_key(system)
        text = normal_code(key, code)
        if key in _NPU and _NPU_CODE(text) is None:
            return None  # a laboratory's own code, sent under the address of NPU
        exact = self.rows.get((key, text))
        if exact is not None:
            return exact
        starts = (text[:length] for length in range(len(text) - 1, _SHORTEST_PREFIX - 1, -1))
        longest = next((start for start in starts if (key, start) in self.prefixes), None)
        return self.others.get(key) if longest is None else self.rows[key, longest]


def normal_code(key: str, code: str) -> str:
    """Without dots, blanks, daggers and asterisks, in capitals, where the system of that key is written so."""
    if key in _COMPACT_SYSTEMS:
        return "".join(filter(str.isalnum, code)).upper()
    return plain_code(code).upper() if key == "icpc2" else plain_code(code)


def _read(name: str, build: Callable[[dict[str, str]], Row]) -> _Table[Row]:
    rows: dict[tuple[str, str], Row] = {}
    prefixes: set[tuple[str, str]] = set()
    for row in table(name):
        for system in (row.get("systems") or row["system"]).split():
            key = (system, normal_code(system, row["code"]))
            rows[key] = build(row)
            if row.get("match") == "prefix":
                prefixes.add(key)
    return _Table(rows, frozenset(prefixes))


def _aliases(match: str) -> dict[str, str]:
    return {row["address"]: row["key"] for row in table("systems.csv") if row["match"] == match}


_ADDRESSES = _aliases("exact")
_ADDRESS_PARTS = tuple(_aliases("part").items())


@lru_cache(512)
def system_key(uri: str) -> str:
    """The short key of a code system, whatever alias it was sent under; empty for a system we do not know."""
    address = address_of(uri)
    known = _ADDRESSES.get(address)
    if known is not None:
        return known
    return next((key for part, key in _ADDRESS_PARTS if part in address), "")


def _condition_code(row: dict[str, str]) -> ConditionCode:
    lines = frozenset(row["cell_lines"].split())
    return ConditionCode(row["concept"], row["value"] or True, row["early_infection"] == "early", lines)


def _body_site(row: dict[str, str]) -> BodySite:
    side, zone = cast("Side | None", row["side"] or None), cast("Zone | None", row["zone"] or None)
    return BodySite(row["bone"] or None, side, zone, row["whole_body"] == "yes")


def _lab(row: dict[str, str]) -> Lab:
    return Lab(row["concept"], cast("Role", row["role"]), row["unit"], row["system"] == "nlk" and bool(row["unit"]))


def _imaging(row: dict[str, str]) -> Imaging:
    return Imaging(row["kind"], _WHOLE_BODY[row["whole_body"]], row["contrast"] == "yes")


def _both_npu(labs: _Table[Lab]) -> _Table[Lab]:
    """NLK and NPU share their codes: a row of either is found under both systems."""
    shared = {(key, code): row for (system, code), row in labs.rows.items() for key in _sharing(system)}
    return _Table(shared, others=dict.fromkeys(LAB_SYSTEMS, ANOTHER_ANALYTE))


def _sharing(system: str) -> Iterable[str]:
    return _NPU if system in _NPU else (system,)


_LABS = _both_npu(_read("labs.csv", _lab))
_CONDITIONS = _read("conditions.csv", _condition_code)
CONDITION_SYSTEMS = frozenset(system for system, _ in _CONDITIONS.rows)
"""In these every disease has a code: one that no row holds is none of ours."""
_BODY_SITES = _read("bodysites.csv", _body_site)
_IMAGING = _read("imaging.csv", _imaging)
_FINDINGS = _read("findings.csv", lambda row: Concept(row["concept"]))
_HISTOLOGY = _read("histology.csv", lambda row: Concept(row["concept"]))
_DRUGS = _read("drugs.csv", lambda row: Concept(row["concept"]))
_OUTCOMES = _read("outcomes.csv", lambda row: cast("Outcome", row["outcome"]))
_FLAGS = {(row["system"], row["code"]): cast("Flag", row["flag"]) for row in table("interpretations.csv")}
_ALARMS = frozenset((row["system"], row["code"]) for row in table("interpretations.csv") if row["alarm"] == "yes")


def _look_up(codes: _Table[Row], system: str | None, code: str | None) -> Row | None:
    if not system or not code or len(system) + len(code) > _LONGEST:
        return None
    return codes.find(system, code)


WORD = "word"  # stands for the code system of an interpretation that was sent as text


def is_lab_system(system: str | None) -> bool:
    """Whether it is NLK, NPU or LOINC."""
    return key_of(system) in LAB_SYSTEMS


def key_of(system: str | None) -> str:
    """`system_key` for a system that may be missing or absurdly long: empty then."""
    return system_key(system) if system and len(system) <= _LONGEST else ""


def lab(system: str | None, code: str | None) -> Lab | None:
    """The laboratory or vital-sign concept of a coding; `ANOTHER_ANALYTE` for other codes of NLK, NPU and LOINC."""
    return _look_up(_LABS, system, code)


def condition(system: str | None, code: str | None) -> ConditionCode | None:
    """The diagnosis of a coding."""
    return _look_up(_CONDITIONS, system, code)


def body_site(system: str | None, code: str | None) -> BodySite | None:
    """The bone, side, zone or whole body of a coding."""
    return _look_up(_BODY_SITES, system, code)


def imaging(system: str | None, code: str | None) -> Imaging | None:
    """The modality or procedure of a coding; an NCRP code that no row holds tells its modality by its sixth letter."""
    row = _look_up(_IMAGING, system, code)
    if row is not None or key_of(system) != "ncrp":
        return row
    letters = normal_code("ncrp", code or "")
    if len(letters) != _NCRP_LENGTH or not letters[:3].isalpha() or letters.startswith("Z"):
        return None
    return _IMAGING.rows.get(("ncrp-6", letters[-1]))


def finding(system: str | None, code: str | None) -> Concept | None:
    """The imaging finding (`finding:…`, `zone:…`) or qualifier (`qualifier:absent`, …) of a coding."""
    return _look_up(_FINDINGS, system, code)


def drug(system: str | None, code: str | None) -> Concept | None:
    """The drug (`drug:…`) of a coding."""
    row = _look_up(_DRUGS, system, code)
    return row if row is not None and row.concept else None


def histology(system: str | None, code: str | None) -> Concept | None:
    """The `histo:…`, `report:histology`, `proc:bone_biopsy` or `specimen:bone_biopsy` of a coding."""
    return _look_up(_HISTOLOGY, system, code)


def flag(system: str | None, code: str | None) -> Flag | None:
    """The flag of an interpretation coding; one without a system is taken as HL7 v3."""
    if not code or len(system or "") + len(code) > _LONGEST:
        return None
    return _FLAGS.get(_interpretation(system, code))


def is_alarm(system: str | None, code: str | None) -> bool:
    """Whether an interpretation coding says that the laboratory itself calls the result critical."""
    if not code or len(system or "") + len(code) > _LONGEST:
        return False
    return _interpretation(system, code) in _ALARMS


def outcome(system: str | None, code: str | None) -> Outcome | None:
    """Whether a coded result or an interpretation says positive or negative."""
    return _look_up(_OUTCOMES, system, code)


def outcome_word(text: str) -> Outcome | None:
    """Whether a whole text is a word for positive or negative."""
    return _OUTCOMES.rows.get(("word", text))


@lru_cache(256)
def _interpretation(system: str | None, code: str) -> tuple[str, str]:
    if system == WORD:
        return WORD, code
    return system_key(system) if system else "interpretation", code.strip()
