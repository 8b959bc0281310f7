import hashlib
import re
from dataclasses import fields
from importlib.resources import files
from pathlib import Path

import pytest

from cds_service.guideline import provenance
from cds_service.guideline import tables as module
from cds_service.guideline.provenance import guideline_edition, interpretations, rules_digest, rules_version
from cds_service.guideline.tables import TABLES, Bones, Criteria, Keys
from tests.guideline.expectation import first_complaint

SOURCES = files("cds_service")
NUMBERS = [number for table in TABLES.numbers for number in table.rows()]


def test_the_tables_as_shipped_agree_with_every_vignette():
    assert first_complaint() is None


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
    for number in NUMBERS:
        assert re.fullmatch(r"[A-Z]{3}-[0-9.T]+a?", number.clause)
        assert number.label
        assert number.unit
        assert number.place


def test_numbers_are_kept_in_the_order_of_their_file():
    numbers = TABLES.criteria
    assert numbers.rows() == tuple(getattr(numbers, field.name) for field in fields(numbers))
    assert numbers.rows()[0] is numbers.threshold


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
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    monkeypatch.setattr(provenance, "FOLDER", tmp_path)
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
    for table in TABLES.numbers:
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
