"""No number of a table, and no bone of a list, can change without a vignette that notices."""

from dataclasses import fields, replace
from decimal import Decimal

import pytest

from cds_service.guideline.tables import TABLES, Bones, Keys, Tables
from tests.guideline.expectation import first_complaint

NUMBERS = {
    (table, field.name): getattr(getattr(TABLES, table), field.name)
    for table in ("criteria", "biopsy", "workup", "infusion", "treatment", "follow_up")
    for field in fields(getattr(TABLES, table))
}
ON_CARDS_ALONE = {
    ("criteria", "sensitivity_percent"): 82,
    ("criteria", "specificity_percent"): 98,
    ("infusion", "paracetamol_hours"): 6,
    ("infusion", "paracetamol_doses_per_day"): 4,
    ("infusion", "control_first_hours"): 24,
    ("infusion", "control_second_hours"): 48,
}
DECIDING = [name for name in NUMBERS if name not in ON_CARDS_ALONE]
LISTS = [field.name for field in fields(Bones) if field.name not in ("typical_features", "inside")]


def nudged(table: str, name: str, step: int) -> Tables:
    """The tables with one number moved by one unit of its last place."""
    number = NUMBERS[table, name]
    unit = Decimal(1).scaleb(number.value.as_tuple().exponent)
    return replace(
        TABLES, **{table: replace(getattr(TABLES, table), **{name: replace(number, value=number.value + step * unit)})}
    )


def without(keys: Keys, key: str) -> Keys:
    return Keys(keys.exact - {key}, tuple(prefix for prefix in keys.prefixes if f"{prefix}*" != key))


def names_of(keys: Keys) -> list[str]:
    return sorted([*keys.exact, *(f"{prefix}*" for prefix in keys.prefixes)])


@pytest.mark.parametrize("step", [1, -1], ids=["more", "less"])
@pytest.mark.parametrize(("table", "name"), DECIDING)
def test_a_number_that_moves_by_its_last_place_is_noticed(table, name, step):
    theme = {"criteria": "domains", "follow_up": "follow-up"}.get(table, table)
    assert first_complaint(nudged(table, name, step), theme) is not None


@pytest.mark.parametrize(("place", "value"), ON_CARDS_ALONE.items())
def test_numbers_that_stand_on_cards_alone_are_those_of_the_text(place, value):
    assert NUMBERS[place].value == value


def test_what_is_for_display_only_decides_nothing():
    shown = {place for place, number in NUMBERS.items() if number.display_only}
    assert shown <= ON_CARDS_ALONE.keys()
    assert [first_complaint(nudged(*place, 1)) for place in shown] == [None] * len(shown)


@pytest.mark.parametrize("feature", sorted(TABLES.bones.typical_features))
def test_a_typical_feature_that_is_left_out_is_noticed(feature):
    bones = replace(TABLES.bones, typical_features=TABLES.bones.typical_features - {feature})
    assert first_complaint(replace(TABLES, bones=bones), "bones") is not None


@pytest.mark.parametrize(
    ("group", "key"), [(group, key) for group in LISTS for key in names_of(getattr(TABLES.bones, group))]
)
def test_a_bone_that_is_left_out_of_a_list_is_noticed(group, key):
    bones = replace(TABLES.bones, **{group: without(getattr(TABLES.bones, group), key)})
    assert first_complaint(replace(TABLES, bones=bones), "bones") is not None


@pytest.mark.parametrize(
    ("region", "key"), [(region, key) for region, keys in TABLES.bones.inside.items() for key in names_of(keys)]
)
def test_a_bone_that_is_left_out_of_a_region_is_noticed(region, key):
    inside = {**TABLES.bones.inside, region: without(TABLES.bones.inside[region], key)}
    bones = replace(TABLES.bones, inside=inside)
    assert first_complaint(replace(TABLES, bones=bones), "bones") is not None
