"""Which concept a laboratory result is meant for: by code, else by name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cds_service.mappings import names, terminology, units
from cds_service.mappings.datatypes import SiteCoding
from cds_service.mappings.numbers import is_sent
from cds_service.mappings.terminology import ANOTHER_ANALYTE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cds_service.mappings.datatypes import CodeableConcept, Coding
    from cds_service.mappings.fhir import Component, Observation
    from cds_service.mappings.terminology import Lab

_ROLE_ORDER = ("measure", "part", "blood", "share", "presence", "other", "exclude")
_LOCAL = terminology.LAB_SYSTEMS | {"local_lab"}
"""Under these addresses a code that no table holds is a laboratory's own."""
_BLOOD = ("blood", "blod")


def lab_of(result: Observation | Component, observation: Observation) -> Lab | str | None:
    """The concept by code, else by name; the reason of a note where there may have been one; None for all others."""
    code = result.code
    if code is None:
        return "code-unreadable" if _is_laboratory(observation) and _has_number(result) else None
    rows: list[Lab] = []
    is_another = False
    for coding in code.coding or ():
        row = terminology.lab(coding.system, coding.code)
        if row is ANOTHER_ANALYTE:
            is_another = True
        elif row is not None:
            if row.own_unit and isinstance(coding, SiteCoding):
                row = replace(row, own_unit=False)
            if rows and row.concept != rows[0].concept:
                return "coding-contradiction"
            rows.append(row)
    if not rows:
        return None if is_another else _named(code, result, observation)
    found = rows[0] if len(rows) == 1 else _agreed(rows)
    if found.role == "blood" and _is_blood(observation):
        return replace(found, role="measure")
    return found


def _agreed(labs: list[Lab]) -> Lab:
    """Codes of one concept: the most useful one; the unit need not fit all where they differ in dimension."""
    first = min(labs, key=lambda lab: (_ROLE_ORDER.index(lab.role), not lab.own_unit))
    units_meant = [units.known(first.concept, lab.unit) for lab in labs if lab.unit]
    dimensions = {unit.dimension for unit in units_meant if unit}
    return first if len(dimensions) <= 1 else replace(first, unit="", own_unit=False)


def _material(observation: Observation) -> str:
    return (observation.specimen.display if observation.specimen else None) or ""


def _is_blood(observation: Observation) -> bool:
    material = _material(observation).casefold()
    return any(word in material for word in _BLOOD)


def _named(code: CodeableConcept, result: Observation | Component, observation: Observation) -> Lab | str | None:
    """By name: no code of a laboratory code system says what it is."""
    codings = code.coding or ()
    material = _material(observation)
    labs = [lab for name in _names(code, codings) if (lab := names.lab_of(name, material))]
    if labs:
        return labs[0] if len({lab.concept for lab in labs}) == 1 else "coding-contradiction"
    if _has_number(result) and any(terminology.is_lab_system(one.system) and not one.code for one in codings):
        return "code-unreadable"
    return "code-unmapped-local" if _may_be_ours(codings, result, observation) else None


def _names(code: CodeableConcept, codings: Iterable[Coding]) -> list[str]:
    return [name for name in (*(coding.display for coding in codings), code.text) if name]


def _may_be_ours(codings: Iterable[Coding], result: Observation | Component, observation: Observation) -> bool:
    """A number under a laboratory's own code, or a laboratory result without a code of any system that we know."""
    if not _has_number(result):
        return False
    keys = {terminology.key_of(coding.system) for coding in codings}
    return not keys.isdisjoint(_LOCAL) or (not keys - {""} and _is_laboratory(observation))


def _has_number(result: Observation | Component) -> bool:
    return bool(result.valueQuantity or result.valueString or is_sent(result.valueInteger))


def _is_laboratory(observation: Observation) -> bool:
    return b'"laboratory"' in bytes(observation.category)
