import os
from datetime import date
from pathlib import Path

import pytest

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
    setting("PROFILE", "production")
    assert not read_settings(host).in_development


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
        ("TODAY", "15.09.2025"),
        ("LANGAUGE", "nb"),
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


def test_a_fixed_day_is_refused_in_production(setting):
    setting("TODAY", "2025-09-15")
    setting("PROFILE", "production")
    with pytest.raises(SettingsError, match="CNO_CDS_TODAY"):
        read_settings()


def test_a_variable_of_the_contract_that_nothing_reads_yet_does_no_harm(setting):
    setting("DATABASE_URL", "sqlite:///var/x.db")
    assert read_settings() == Settings()


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
