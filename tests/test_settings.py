import os
from datetime import date
from ipaddress import ip_network
from pathlib import Path

import pytest

from cds_service.app import create_app
from cds_service.hooks.card_draft import TOPIC_CODES
from cds_service.settings import Settings, SettingsError, read_settings


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in [name for name in os.environ if name.startswith("CNO_CDS_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def setting(monkeypatch):
    def set_variable(name, value):
        monkeypatch.setenv(f"CNO_CDS_{name}", value)

    return set_variable


def test_without_a_variable_the_service_starts_on_loopback_with_the_contracts_defaults():
    settings = read_settings("127.0.0.1")
    assert (settings.max_cards, settings.language, settings.topics) == (3, None, TOPIC_CODES)
    assert settings.canonical_base == "https://example.org/cno-cds"
    assert settings.extension_prefix == "example.cno-cds"
    assert settings.in_development
    assert not settings.quiet_when_ready


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"])
def test_no_profile_is_needed_on_loopback(host):
    assert read_settings(host).profile is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.4", "cds.example.no", ""])  # noqa: S104  refused
def test_off_loopback_a_profile_must_be_chosen(host, setting):
    with pytest.raises(SettingsError, match="CNO_CDS_PROFILE"):
        read_settings(host)
    setting("PROFILE", "development")
    assert read_settings(host).in_development


@pytest.mark.parametrize(
    ("name", "value", "field", "meant"),
    [
        ("LANGUAGE", "nn", "language", "nn"),
        ("TOPICS", "CNOinfusion, CNOredflag", "topics", {"CNOinfusion", "CNOredflag"}),
        ("MAX_CARDS", "1", "max_cards", 1),
        ("QUIET_WHEN_READY", "true", "quiet_when_ready", True),
        ("EXTENSION_PREFIX", "no.sykehus.cno", "extension_prefix", "no.sykehus.cno"),
        ("CANONICAL_BASE", "https://cds.example.no/cno/", "canonical_base", "https://cds.example.no/cno"),
        ("BASE_URL", "http://localhost:8000", "base_url", "http://localhost:8000"),
        ("OPEN_TO", "10.1.0.0/16, ::1/128", "open_to", (ip_network("10.1.0.0/16"), ip_network("::1/128"))),
        ("TRUSTED_HOSTS", "cds.internal,cds", "trusted_hosts", {"cds.internal", "cds"}),
        ("TODAY", "2025-09-15", "today", date(2025, 9, 15)),
        ("TOPICS", "", "topics", TOPIC_CODES),
    ],
)
def test_a_variable_means_what_the_contract_says(name, value, field, meant, setting):
    setting(name, value)
    assert getattr(read_settings(), field) == meant


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROFILE", "staging"),
        ("LANGUAGE", "no"),
        ("TOPICS", "CNOinfusion,readiness"),
        ("TOPICS", ","),
        ("MAX_CARDS", "0"),
        ("MAX_CARDS", "4"),
        ("MAX_CARDS", "three"),
        ("QUIET_WHEN_READY", "perhaps"),
        ("EXTENSION_PREFIX", "no spaces"),
        ("CANONICAL_BASE", "ftp://x"),
        ("BASE_URL", "cds.example.no"),
        ("BASE_URL", "https://cds.example.no/cds-services/"),
        ("BASE_URL", "https://user:secret@cds.example.no"),
        ("TODAY", "15.09.2025"),
        ("LANGAUGE", "nb"),
        ("OPEN_TO", "10.1.0.0/99"),
        ("TRUSTED_HOSTS", "https://cds.internal"),
    ],
)
def test_a_wrong_variable_stops_the_start_with_one_sentence_that_names_it(name, value, setting):
    setting(name, value)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    sentence = str(caught.value)
    assert sentence.startswith(f"CNO_CDS_{name} ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert value not in {word for word in sentence.split() if word not in {"three", "no"}}


def test_every_wrong_variable_is_told_at_once(setting):
    for name, value in (("MAX_CARDS", "9"), ("LANGUAGE", "de"), ("LANGAUGE", "nb")):
        setting(name, value)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert sorted(sentence.split()[0] for sentence in caught.value.sentences) == [
        "CNO_CDS_LANGAUGE",
        "CNO_CDS_LANGUAGE",
        "CNO_CDS_MAX_CARDS",
    ]


def test_a_fixed_day_is_refused_in_production(setting):
    setting("TODAY", "2025-09-15")
    setting("PROFILE", "production")
    with pytest.raises(SettingsError, match="CNO_CDS_TODAY"):
        read_settings()


@pytest.fixture
def production(setting, tmp_path):
    """What an installation in production needs at least."""
    tenant = 'issuer = "https://ehr.example.org"\nkey_set_urls = ["https://ehr.example.org/keys"]\n'
    (tmp_path / "ehr.toml").write_text(tenant, "utf-8")
    setting("PROFILE", "production")
    setting("BASE_URL", "https://cds.example.org")
    setting("TENANTS_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("production")
def test_with_a_tenant_and_an_https_address_it_starts_in_production():
    assert not read_settings("0.0.0.0").in_development  # noqa: S104  not bound to
    create_app(read_settings())


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("BASE_URL", "http://cds.example.org", "CNO_CDS_BASE_URL"),
        ("BASE_URL", "", "CNO_CDS_BASE_URL"),
        ("TENANTS_DIR", "", "CNO_CDS_TENANTS_DIR"),
        ("OPEN_TO", "10.0.0.0/8", "CNO_CDS_OPEN_TO"),
        ("TODAY", "2025-09-15", "CNO_CDS_TODAY"),
    ],
)
@pytest.mark.usefixtures("production")
def test_what_is_not_safe_keeps_it_from_starting_in_production(name, value, told, setting):
    setting(name, value)
    with pytest.raises(SettingsError, match=told):
        read_settings()


def test_a_folder_without_a_tenant_keeps_it_from_starting_in_production(production):
    (production / "ehr.toml").unlink()
    with pytest.raises(SettingsError, match="CNO_CDS_TENANTS_DIR must hold a tenant"):
        read_settings()
    with pytest.raises(SettingsError, match="CNO_CDS_TENANTS_DIR must hold a tenant"):
        create_app(Settings())


def test_the_public_key_of_the_sandbox_keeps_it_from_starting_in_production(production):
    (production / "ehr.toml").write_text('vendor = "sandbox"', "utf-8")
    with pytest.raises(SettingsError, match="public knowledge"):
        read_settings()


def test_every_fault_is_told(production, setting):
    setting("BASE_URL", "http://cds.example.org")
    (production / "ehr.toml").write_text("", "utf-8")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert [sentence.split()[0] for sentence in caught.value.sentences] == ["Tenant", "CNO_CDS_BASE_URL"]


@pytest.mark.parametrize("value", ["mysql://cno:secret@db/cno", "var/x.db", "sqlite+aiosqlite:///x.db"])
def test_another_database_is_refused_without_its_password(value, setting):
    setting("DATABASE_URL", value)
    with pytest.raises(SettingsError) as caught:
        create_app(read_settings())
    assert "secret" not in str(caught.value)
    assert "CNO_CDS_DATABASE_URL" in str(caught.value)


def test_the_password_of_the_database_is_never_printed(setting):
    setting("DATABASE_URL", "postgresql://cno:secret@db/cno")
    assert "secret" not in repr(read_settings()) + str(read_settings())


CONCEPT_MAP = Path(__file__).parent.parent / "docs" / "concept-map.example.json"


def test_a_map_of_local_codes_is_read_at_start(setting):
    assert not read_settings().site_map.codings
    setting("CONCEPT_MAP", str(CONCEPT_MAP))
    assert read_settings().site_map.codings


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "cannot be read: it must be the path of a file of at most 20 MiB."),
        (b"{}", "is not a FHIR ConceptMap in JSON."),
        (b"not json", "is not a FHIR ConceptMap in JSON."),
        (b'{"resourceType": "ConceptMap"}', "maps no code to one that this service reads."),
    ],
)
def test_a_map_that_cannot_be_used_stops_the_start(content, sentence, setting, tmp_path):
    path = tmp_path / "map.json"
    if content is not None:
        path.write_bytes(content)
    setting("CONCEPT_MAP", str(path))
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert str(caught.value) == f"CNO_CDS_CONCEPT_MAP {sentence}"


def test_a_map_that_is_no_regular_file_is_not_read(setting, tmp_path):
    setting("CONCEPT_MAP", str(tmp_path))
    with pytest.raises(SettingsError, match="CNO_CDS_CONCEPT_MAP cannot be read"):
        read_settings()


def test_arguments_go_before_the_environment(setting):
    setting("LANGUAGE", "nn")
    assert Settings(language="en").language == "en"
