"""No number of a table, and no bone of a list, can change without a vignette that notices."""

import hashlib
import re
from dataclasses import fields, replace
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest

from cds_service.guideline import tables as module
from cds_service.guideline.tables import (
    TABLES,
    Bones,
    Criteria,
    Keys,
    Tables,
    guideline_edition,
    interpretations,
    rules_digest,
    rules_version,
)
from tests.guideline.expectation import complaints
from tests.guideline.vignette import load

VIGNETTES = load()
NUMBERS = {
    (table, field.name): getattr(getattr(TABLES, table), field.name)
    for table in ("criteria", "biopsy", "workup", "infusion")
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
SOURCES = files("cds_service")


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


def is_noticed(tables: Tables, theme: str = "") -> bool:
    """Does any vignette disagree? Those of the theme are asked first."""
    asked = sorted(VIGNETTES.values(), key=lambda vignette: vignette.theme != theme)
    return any(True for vignette in asked for _ in complaints(vignette, tables))


@pytest.mark.parametrize("step", [1, -1], ids=["more", "less"])
@pytest.mark.parametrize(("table", "name"), DECIDING)
def test_a_number_that_moves_by_its_last_place_is_noticed(table, name, step):
    assert is_noticed(nudged(table, name, step), {"criteria": "domains", "workup": "red-flags"}.get(table, table))


def test_the_tables_as_shipped_agree_with_every_vignette():
    assert not is_noticed(TABLES)


@pytest.mark.parametrize(("place", "value"), ON_CARDS_ALONE.items())
def test_numbers_that_stand_on_cards_alone_are_those_of_the_text(place, value):
    assert NUMBERS[place].value == value


def test_what_is_for_display_only_decides_nothing():
    shown = {place for place, number in NUMBERS.items() if number.display_only}
    assert shown <= ON_CARDS_ALONE.keys()
    assert not any(is_noticed(nudged(*place, 1)) for place in shown)


@pytest.mark.parametrize("feature", sorted(TABLES.bones.typical_features))
def test_a_typical_feature_that_is_left_out_is_noticed(feature):
    bones = replace(TABLES.bones, typical_features=TABLES.bones.typical_features - {feature})
    assert is_noticed(replace(TABLES, bones=bones), "bones")


@pytest.mark.parametrize(
    ("group", "key"), [(group, key) for group in LISTS for key in names_of(getattr(TABLES.bones, group))]
)
def test_a_bone_that_is_left_out_of_a_list_is_noticed(group, key):
    bones = replace(TABLES.bones, **{group: without(getattr(TABLES.bones, group), key)})
    assert is_noticed(replace(TABLES, bones=bones), "bones")


@pytest.mark.parametrize(
    ("region", "key"), [(region, key) for region, keys in TABLES.bones.inside.items() for key in names_of(keys)]
)
def test_a_bone_that_is_left_out_of_a_region_is_noticed(region, key):
    inside = {**TABLES.bones.inside, region: without(TABLES.bones.inside[region], key)}
    assert is_noticed(replace(TABLES, bones=replace(TABLES.bones, inside=inside)), "bones")


def test_a_star_stands_for_all_keys_that_begin_so():
    keys = Keys(frozenset({"sacrum"}), ("vertebra_",))
    assert "vertebra_L3" in keys
    assert "sacrum" in keys
    assert "vertebra" not in keys
    assert "sacrum_1" not in keys


def test_a_set_without_stars_holds_its_keys_only():
    assert "tibia" in Keys(frozenset({"tibia"}), ())
    assert "femur" not in Keys(frozenset({"tibia"}), ())


def test_the_weights_of_table_1_add_up_to_a_hundred():
    numbers = TABLES.criteria
    best = (
        numbers.biopsy_both, numbers.age_older, numbers.site_clavicle_mandible, numbers.distribution_symmetric,
        numbers.coexisting_ibd, numbers.hemoglobin_good, numbers.fever_absent, numbers.esr_good, numbers.crp_good,
    )  # fmt: skip
    assert sum(number.count for number in best) == 100


def test_every_number_names_its_rule_its_label_its_unit_and_its_place():
    for number in NUMBERS.values():
        assert re.fullmatch(r"(CLS|BIO|BGR|DDX|ZOL|KUS)-[0-9.T]+a?", number.clause)
        assert number.label
        assert number.unit
        assert number.place


def test_numbers_are_kept_in_the_order_of_their_file():
    assert [number.label for number in TABLES.criteria.rows()] == [
        number.label for (table, _), number in NUMBERS.items() if table == "criteria"
    ]
    assert TABLES.criteria.rows()[0] is TABLES.criteria.threshold


def test_a_number_is_read_as_it_is_written():
    assert str(TABLES.infusion.dose_usual_low.value) == "0.0225"
    assert TABLES.infusion.dose_usual_low.ours
    assert not TABLES.infusion.dose_usual.ours


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of tables that a test may change."""
    for table in files("cds_service.guideline").iterdir():
        if table.name.endswith(".toml"):
            (tmp_path / table.name).write_bytes(table.read_bytes())
    monkeypatch.setattr(module, "_FOLDER", tmp_path)
    return tmp_path


def test_a_block_that_no_rule_knows_is_refused(folder):
    path = folder / "criteria.toml"
    path.write_text(
        path.read_text("utf-8") + '\n[mystery]\nclause="X"\nlabel="x"\nvalue=1\nunit="d"\nplace="y"\n', "utf-8"
    )
    with pytest.raises(TypeError, match="mystery"):
        Criteria.load()


def test_a_block_that_is_missing_is_refused(folder):
    (folder / "criteria.toml").write_text("", "utf-8")
    with pytest.raises(TypeError, match="threshold"):
        Criteria.load()


def test_a_member_that_no_number_has_is_refused(folder):
    path = folder / "workup.toml"
    path.write_text(path.read_text("utf-8") + "\nmystery = 1\n", "utf-8")
    with pytest.raises(TypeError, match="mystery"):
        module.Workup.load()


def test_a_list_of_bones_that_no_rule_knows_is_refused(folder):
    path = folder / "lesions.toml"
    path.write_text('mystery = ["tibia"]\n' + path.read_text("utf-8"), "utf-8")
    with pytest.raises(TypeError, match="mystery"):
        Bones.load()


def test_what_is_loaded_is_what_is_shipped():
    for table in (TABLES.criteria, TABLES.biopsy, TABLES.workup, TABLES.infusion):
        assert type(table).load() == table
    assert Bones.load() == TABLES.bones


def test_the_digest_covers_names_and_bytes_of_all_tables(folder):
    rules_digest.cache_clear()
    try:
        expected = hashlib.sha256()
        for path in sorted(folder.glob("*.toml")):
            expected.update(path.name.encode() + path.read_bytes())
        before = rules_digest()
        assert before == f"sha256:{expected.hexdigest()}"
        (folder / "biopsy.toml").rename(folder / "biopsies.toml")
        rules_digest.cache_clear()
        assert rules_digest() != before
    finally:
        rules_digest.cache_clear()


def test_no_file_but_a_table_changes_the_digest(folder):
    rules_digest.cache_clear()
    before = rules_digest()
    (folder / "notes.txt").write_text("x")
    rules_digest.cache_clear()
    after = rules_digest()
    rules_digest.cache_clear()
    assert before == after


def test_version_and_edition_are_told():
    assert re.fullmatch(r"\d+\.\d+\.\d+", rules_version())
    assert "EULAR/ACR 2025" in guideline_edition()


def test_every_interpretation_says_what_is_unclear_how_it_is_read_and_what_follows():
    listed = interpretations()
    assert len({one.id for one in listed}) == len(listed)
    for one in listed:
        assert re.fullmatch(r"(AMB|OUR)-\d\d[a-z]?", one.id)
        assert one.clauses
        assert all((one.problem, one.reading, one.effect))
        assert one.status in ("open", "confirmed")


def code_and_tables() -> list[Path]:
    return [path for path in sorted(Path(str(SOURCES)).rglob("*")) if path.suffix in (".py", ".toml", ".csv")]


def test_every_interpretation_that_code_or_a_table_names_is_listed():
    listed = {one.id for one in interpretations()}
    named = {
        (path.name, found)
        for path in code_and_tables()
        for found in re.findall(r"\b(?:AMB|OUR)-\d\d[a-z]?", path.read_text("utf-8"))
    }
    assert named
    assert {place for place in named if place[1] not in listed} == set()
