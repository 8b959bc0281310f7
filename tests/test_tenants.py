"""Tenant files: what may be asked is listed by the site, and a wrong file is told in a sentence at start."""

import pytest

from cds_service.settings import Settings, SettingsError, read_settings
from cds_service.tenants import TenantError, fhir_servers, read_tenants

SECURE = 'fhir_bases = ["https://fhir.example.org/r4/"]\n'


def read(folder, *, plain_http=False, **files):
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, "utf-8")
    return read_tenants(folder, plain_http=plain_http)


def test_a_folder_without_files_serves_no_ehr(tmp_path):
    assert read(tmp_path) == {}


def test_the_servers_of_all_tenants_may_be_asked_each_in_its_own_way(tmp_path):
    post = 'fhir_bases = ["https://lab.example.org/fhir"]\nfhir_search = "post"\nfhir_networks = ["10.1.0.0/16"]\n'
    servers = fhir_servers(read(tmp_path, a=SECURE, b=post + "fhir_needs_token = false\n").values())
    assert [(server.base, server.search, server.needs_token) for server in servers] == [
        ("https://fhir.example.org/r4", "get", True),
        ("https://lab.example.org/fhir", "post", False),
    ]
    assert [str(network) for network in servers[1].allowed_networks] == ["10.1.0.0/16"]


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"])
def test_an_address_that_is_listed_itself_may_be_private(host, tmp_path):
    (server,) = fhir_servers(read(tmp_path, plain_http=True, a=f'fhir_bases = ["http://{host}/fhir"]').values())
    assert any(network.is_loopback for network in server.allowed_networks)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "fhir_bases"),
        ("fhir_bases = []", "fhir_bases"),
        ('fhir_bases = ["fhir.example.org"]', "fhir_bases"),
        ('fhir_bases = ["ftp://fhir.example.org"]', "fhir_bases"),
        ('fhir_bases = ["https://user:secret@fhir.example.org/r4"]', "fhir_bases"),
        ('fhir_bases = ["https://fhir.example.org/r4?x=1"]', "fhir_bases"),
        ('fhir_bases = ["https://fhir.example.org/r4#x"]', "fhir_bases"),
        ('fhir_bases = ["https://fhir.example.org/r4/../x"]', "fhir_bases"),
        ('fhir_bases = ["https://fhir.example.org:port/"]', "fhir_bases"),
        (SECURE + 'fhir_networks = ["10.1.0.0/99"]', "fhir_networks"),
        (SECURE + 'fhir_search = "put"', "fhir_search"),
        (SECURE + 'fhir_ca_file = "/nowhere/secret.pem"', "fhir_ca_file"),
        (SECURE + f'fhir_ca_file = "{__file__}"', "fhir_ca_file"),
        (SECURE + 'password = "secret"', "password"),
        ("fhir_bases = [", "TOML"),
    ],
)
def test_a_wrong_file_is_told_by_file_and_field_and_never_by_value(text, field, tmp_path):
    with pytest.raises(TenantError) as fault:
        read(tmp_path, hospital=text)
    assert "Tenant hospital:" in str(fault.value)
    assert field in str(fault.value)
    assert "secret" not in str(fault.value)


def test_without_tls_a_server_is_only_for_the_development_profile(tmp_path):
    plain = 'fhir_bases = ["http://127.0.0.1:8080/fhir"]'
    assert read(tmp_path, plain_http=True, a=plain)
    with pytest.raises(TenantError, match="https"):
        read(tmp_path, a=plain)


def test_two_tenants_do_not_share_a_server(tmp_path):
    with pytest.raises(TenantError, match="names a server of tenant a"):
        read(tmp_path, a=SECURE, b=SECURE)


def test_the_settings_name_the_folder_and_refuse_what_is_none(tmp_path, monkeypatch):
    (tmp_path / "a.toml").write_text(SECURE, "utf-8")
    monkeypatch.setenv("CNO_CDS_TENANTS_DIR", str(tmp_path))
    assert list(read_settings().tenants) == ["a"]
    (tmp_path / "a.toml").write_text("nonsense", "utf-8")
    with pytest.raises(SettingsError, match="Tenant a"):
        read_settings()
    monkeypatch.setenv("CNO_CDS_TENANTS_DIR", str(tmp_path / "none"))
    with pytest.raises(SettingsError, match="CNO_CDS_TENANTS_DIR"):
        read_settings()


def test_without_a_folder_there_is_no_tenant():
    assert Settings().tenants == {}


@pytest.mark.parametrize("value", ["0", "49", "5001", "soon"])
def test_the_deadline_has_bounds(value, monkeypatch):
    monkeypatch.setenv("CNO_CDS_FETCH_DEADLINE_MS", value)
    with pytest.raises(SettingsError, match="CNO_CDS_FETCH_DEADLINE_MS"):
        read_settings()
