"""cno-cds doctor, in production: what would keep calls out is told before the first one comes."""

import pytest

from cds_service.doctor import findings
from tests.hospital import BASE_URL, NORTH, SOUTH, environment
from tests.trust.tokens import key_set, signer


@pytest.fixture
def examined(monkeypatch, tmp_path):
    def examine(**more):
        for name, value in {**environment(tmp_path, NORTH, SOUTH), **more}.items():
            monkeypatch.setenv(f"CNO_CDS_{name}", value)
        told = list(findings())
        assert all("Traceback" not in sentence for _, sentence in told)
        return [sentence for holds, sentence in told if not holds], [sentence for holds, sentence in told if holds]

    return examine


def test_where_all_is_well_it_says_what_will_be_expected(examined):
    faults, said = examined()
    assert faults == []
    assert any(f"{BASE_URL}/cds-services/cno-patient-view" in sentence for sentence in said)
    assert {sentence.partition(":")[0] for sentence in said} >= {
        "settings",
        "tenants",
        "keys",
        "database",
    }


def test_used_tokens_that_cannot_be_stored_are_told(examined, tmp_path):
    (tmp_path / "cno-cds-tokens.db").mkdir()
    faults, _ = examined()
    assert [sentence.partition(":")[0] for sentence in faults] == ["database"]


def test_each_key_set_that_cannot_be_had_is_told_with_its_reason(examined, tmp_path):
    (tmp_path / "tenants").mkdir()
    urls = '["https://127.0.0.1:1/a", "https://127.0.0.1:1/b"]'
    (tmp_path / "tenants" / "far.toml").write_text(f'issuer = "https://far.example.no"\nkey_set_urls = {urls}', "utf-8")
    faults, _ = examined()
    assert faults == [f"keys: Tenant far: the key set at https://127.0.0.1:1/{end} cannot be reached." for end in "ab"]


def test_a_key_that_fits_no_algorithm_of_the_tenant_is_told(examined, tmp_path):
    folder = tmp_path / "tenants"
    folder.mkdir()
    (folder / "ec.json").write_bytes(key_set(signer("ES384")))
    text = f'issuer = "https://ec.example.no"\nkey_set_file = "{folder / "ec.json"}"\nvendor = "epic"'
    (folder / "ec.toml").write_text(text, "utf-8")
    faults, _ = examined()
    assert [sentence for sentence in faults if "no key for the algorithms" in sentence]
