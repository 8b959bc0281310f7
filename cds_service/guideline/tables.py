"""Loads the tables. A clinical number stands in exactly one of them; code only says which line applies."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from decimal import Decimal
from importlib.resources import files
from typing import Any, ClassVar, Self

FOLDER = files("cds_service.guideline")


@dataclass(frozen=True, slots=True)
class Number:
    """One number of the text, with the rule it belongs to and where it stands."""

    clause: str
    label: str
    value: Decimal
    unit: str
    place: str
    ours: bool = False
    display_only: bool = False

    @property
    def count(self) -> int:
        """The value of a number of points, days, months, years or bones."""
        return int(self.value)


class Numbers:
    """A table of numbers: its fields are the blocks of its file, neither more nor fewer."""

    FILE: ClassVar[str]
    __slots__ = ()

    @classmethod
    def load(cls) -> Self:
        """Read the file.

        Raises:
            TypeError: a block is missing or unknown.
        """
        rows = read_table(cls.FILE)
        return cls(**{name: Number(**{**row, "value": Decimal(row["value"])}) for name, row in rows.items()})

    def rows(self) -> tuple[Number, ...]:
        """All numbers, in the order of the file."""
        return tuple(getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]  # each is a dataclass


@dataclass(frozen=True, slots=True)
class Criteria(Numbers):
    """Table 1."""

    FILE = "criteria.toml"
    threshold: Number
    sensitivity_percent: Number
    specificity_percent: Number
    symptom_days: Number
    onset_below_age: Number
    platelets_below: Number
    ldh_ratio_above: Number
    safety_window_days: Number
    series_window_days: Number
    series_window_months: Number
    biopsy_both: Number
    biopsy_fibrosis: Number
    biopsy_inflammation: Number
    biopsy_neither: Number
    age_at_least: Number
    age_older: Number
    age_younger: Number
    site_clavicle_mandible: Number
    site_other: Number
    site_skull_hand: Number
    multifocal_bones: Number
    distribution_symmetric: Number
    distribution_multifocal: Number
    distribution_unifocal: Number
    distribution_unifocal_confirmed: Number
    coexisting_ibd: Number
    coexisting_skin: Number
    coexisting_axial: Number
    coexisting_none: Number
    hemoglobin_at_least: Number
    hemoglobin_good: Number
    hemoglobin_low: Number
    fever_above: Number
    fever_absent: Number
    fever_present: Number
    esr_below: Number
    esr_good: Number
    esr_high: Number
    crp_below: Number
    crp_good: Number
    crp_high: Number


@dataclass(frozen=True, slots=True)
class BiopsyNumbers(Numbers):
    """Reasons for and against biopsy."""

    FILE = "biopsy.toml"
    crp_below: Number
    blasts_above: Number


@dataclass(frozen=True, slots=True)
class Workup(Numbers):
    """Red flags, work-up and differential diagnoses."""

    FILE = "workup.toml"
    early_onset_age: Number
    red_flag_window_days: Number
    cell_lines: Number
    clinical_flags: Number
    hodgkin_age: Number
    hodgkin_signs: Number
    histiocytosis_age: Number
    screening_months: Number
    delay_months: Number
    temperature_days: Number
    growth_months: Number
    workup_window_days: Number


@dataclass(frozen=True, slots=True)
class Treatment(Numbers):
    """Drugs for CNO."""

    FILE = "treatment.toml"
    nsaid_trial_days: Number
    nsaid_long_trial_days: Number


@dataclass(frozen=True, slots=True)
class FollowUp(Numbers):
    """After an infusion, in follow-up, and what speaks of the prognosis."""

    FILE = "follow-up.toml"
    first_control_from: Number
    first_control_to: Number
    second_control_from: Number
    second_control_to: Number
    told_days: Number
    calcium_free_alarm: Number
    monitoring_months: Number
    recent_imaging_months: Number
    crp_normal_to: Number
    esr_normal_to: Number
    markers_apart_months: Number


@dataclass(frozen=True, slots=True)
class InfusionNumbers(Numbers):
    """Zoledronic acid."""

    FILE = "infusion.toml"
    vitamin_d_above: Number
    vitamin_d_days_from: Number
    vitamin_d_days_to: Number
    calcium_days: Number
    paracetamol_mg_per_kg: Number
    paracetamol_hours: Number
    paracetamol_doses_per_day: Number
    paracetamol_order_max_mg: Number
    dose_usual: Number
    dose_usual_low: Number
    dose_usual_high: Number
    dose_check_unit: Number
    dose_max: Number
    order_rounding_percent: Number
    weight_days: Number
    weight_change_percent: Number
    weight_change_days: Number
    age_from: Number
    interval_months: Number
    interval_tolerance_days: Number
    overdue_months: Number
    rate_max: Number
    shortest_minutes: Number
    control_first_hours: Number
    control_second_hours: Number
    fever_hours: Number


@dataclass(frozen=True, slots=True)
class Keys:
    """A set of bone keys in which `name_*` stands for all that begin with `name_`."""

    exact: frozenset[str]
    prefixes: tuple[str, ...]

    def __contains__(self, key: str) -> bool:
        return key in self.exact or (bool(self.prefixes) and key.startswith(self.prefixes))


@dataclass(frozen=True, slots=True)
class Bones:
    """lesions.toml."""

    typical_features: frozenset[str]
    clavicle_mandible: Keys
    skull_hand: Keys
    either_jaw: Keys
    either_sternoclavicular: Keys
    not_a_bone: Keys
    symmetric: Keys
    paired: Keys
    regions: Keys
    long_bones: Keys
    typical_anywhere: Keys
    vertebrae: Keys
    lower_limb: Keys
    inside: dict[str, Keys]

    @classmethod
    def load(cls) -> Bones:
        """Read the file."""
        raw = read_table("lesions.toml")
        inside = {region: _keys(names) for region, names in raw.pop("inside").items()}
        features = frozenset(raw.pop("typical_features"))
        return cls(typical_features=features, inside=inside, **{name: _keys(names) for name, names in raw.items()})


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables that rules read."""

    criteria: Criteria
    biopsy: BiopsyNumbers
    workup: Workup
    infusion: InfusionNumbers
    treatment: Treatment
    follow_up: FollowUp
    bones: Bones

    @property
    def numbers(self) -> tuple[Numbers, ...]:
        """All tables of numbers."""
        return self.criteria, self.biopsy, self.workup, self.infusion, self.treatment, self.follow_up


def read_table(name: str) -> dict[str, Any]:
    """A TOML file of this package, its fractions as decimals."""
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"), parse_float=Decimal)


def _keys(names: list[str]) -> Keys:
    starred = tuple(name.removesuffix("*") for name in names if name.endswith("*"))
    return Keys(frozenset(name for name in names if not name.endswith("*")), starred)


TABLES = Tables(
    Criteria.load(),
    BiopsyNumbers.load(),
    Workup.load(),
    InfusionNumbers.load(),
    Treatment.load(),
    FollowUp.load(),
    Bones.load(),
)
"""The tables as shipped. Rules take tables as an argument, so that a test can nudge each number."""
