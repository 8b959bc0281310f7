"""Tenant files: what may be asked is listed by the site, and a wrong file is told in a sentence at start."""

import pytest

from cds_service.settings import Settings, SettingsError, read_settings
from cds_service.tenant_files import TenantError, read_tenants
from cds_service.tenants import fhir_servers, registration
from cds_service.trust.vendors import VENDORS
from tests.trust.tokens import key_set, signer

SECURE = 'fhir_bases = ["https://fhir.example.org/r4/"]\n'
KNOWN = 'issuer = "https://ehr.example.org"\nkey_set_urls = ["https://ehr.example.org/keys"]\n'
LAB = 'fhir_bases = ["https://lab.example.org/fhir"]\nissuer = "https://lab.example.org"\n'


def read(folder, *, in_development=True, **files):
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, "utf-8")
    return read_tenants(folder, in_development=in_development)


def faults(folder, *, in_development=False, **files):
    with pytest.raises(TenantError) as caught:
        read(folder, in_development=in_development, **files)
    assert "secret" not in str(caught.value)
    return caught.value.sentences


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
    (server,) = fhir_servers(read(tmp_path, a=f'fhir_bases = ["http://{host}/fhir"]').values())
    assert any(network.is_loopback for network in server.allowed_networks)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "issuer"),
        ("fhir_bases = []", "issuer"),
        ('issuer = ""', "issuer"),
        ('issuer = "https://ehr.example.org"', "key set"),
        ('vendor = "secret"', "vendor"),
        (KNOWN + 'algorithms = ["HS256"]', "algorithms"),
        (KNOWN + "algorithms = []", "algorithms"),
        (KNOWN + 'replay = "never"', "replay"),
        (KNOWN + 'audiences = "x"', "audiences"),
        (KNOWN + 'origins = ["https://ehr.example.org/"]', "origins"),
        (KNOWN + 'origins = ["*"]', "origins"),
        (KNOWN + 'language = "de"', "language"),
        (KNOWN + 'topics = ["readiness"]', "topics"),
        (KNOWN + "topics = []", "topics"),
        (KNOWN + 'concept_map = "/nowhere/secret.json"', "concept_map"),
        (KNOWN + f'concept_map = "{__file__}"', "concept_map"),
        (KNOWN + "most_requests = 0", "most_requests"),
        (KNOWN + 'keep_comments = "maybe"', "keep_comments"),
        ('issuer = "x"\nkey_set_urls = ["ftp://ehr.example.org/secret"]', "key set"),
        ('issuer = "x"\nkey_set_file = "/nowhere/secret.json"', "key_set_file"),
        (f'issuer = "x"\nkey_set_file = "{__file__}"', "key set"),
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
    sentences = faults(tmp_path, in_development=True, hospital=text)
    assert all(sentence.startswith("Tenant hospital:") and sentence.endswith(".") for sentence in sentences)
    assert any(field in sentence for sentence in sentences)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (KNOWN.encode() + b'subject = secret"\n', "(line 3, column 11)"),
        (KNOWN.encode() + b'audiences = ["secret"', "(end of document)"),
        (b'subject = "secret"\nsubject = "other"\n', "(line 2, column 18)"),
        (KNOWN.encode() + "# secret på".encode("latin-1"), "is not UTF-8"),
    ],
)
def test_a_file_that_is_no_toml_is_told_by_place(content, told, tmp_path):
    (tmp_path / "a.toml").write_bytes(content)
    (sentence,) = faults(tmp_path)
    assert sentence.startswith("Tenant a: the file ")
    assert sentence.endswith(f"{told}.")


def test_a_file_that_cannot_be_opened_is_not_blamed_for_its_content(tmp_path):
    (tmp_path / "a.toml").mkdir()
    assert faults(tmp_path) == ("Tenant a: the file cannot be read.",)


def test_files_of_windows_are_read(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbf" + KNOWN.replace("\n", "\r\n").encode())
    assert read(tmp_path)["a"].issuer == "https://ehr.example.org"


def test_every_fault_of_every_file_is_told(tmp_path):
    told = faults(tmp_path, a='language = "de"\nreplay = "never"\n' + KNOWN, b="fhir_bases = [", c=SECURE)
    assert [(sentence.split(":")[0], len(sentence) > 30) for sentence in told] == [
        ("Tenant a", True),
        ("Tenant a", True),
        ("Tenant b", True),
        ("Tenant c", True),
    ]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (KNOWN + 'fhir_bases = ["http://127.0.0.1:8080/fhir"]', "fhir_bases must be https"),
        (KNOWN + 'origins = ["http://127.0.0.1:8080"]', "origins must be https"),
        (KNOWN.replace("https://ehr.example.org/keys", "http://ehr.example.org/keys"), "https"),
        (SECURE, "issuer is missing"),
        ('vendor = "sandbox"', "public knowledge"),
        (KNOWN.replace("https://ehr.example.org", "https://sandbox.cds-hooks.org"), "public knowledge"),
    ],
)
def test_what_is_for_development_only_is_refused_outside_of_it(text, word, tmp_path):
    assert read(tmp_path, a=text)
    assert [word in sentence for sentence in faults(tmp_path, a=text)] == [True]


def test_the_public_key_of_the_sandbox_is_refused_under_any_name(tmp_path):
    keys = tmp_path / "keys.json"
    keys.write_bytes(VENDORS["sandbox"].key_set)
    text = f'issuer = "https://ehr.example.org"\nkey_set_file = "{keys}"\n'
    assert read(tmp_path, a=text)
    assert "public knowledge" in faults(tmp_path, a=text)[0]


def test_a_vendor_stands_for_what_all_its_sites_share(tmp_path):
    keys = tmp_path / "keys.json"
    keys.write_bytes(key_set(signer("RS384")))
    site = f'vendor = "epic"\nissuer = "https://ehr.example.org"\nkey_set_file = "{keys}"\n'
    tenants = read(
        tmp_path, in_development=False, epic=site, oracle='vendor = "oracle"\nclaimed_tenants = ["ec2458f2"]'
    )
    epic, oracle = (registration(name, tenants[name], in_development=False) for name in ("epic", "oracle"))
    assert epic.algorithms == {"RS384"}
    assert epic.longest_seconds < oracle.longest_seconds
    assert oracle.issuer == VENDORS["oracle"].issuer
    assert oracle.keys.urls == tuple(VENDORS["oracle"].key_set_urls)
    assert oracle.claimed_tenants == {"ec2458f2"}


def test_what_the_file_says_goes_before_the_vendor(tmp_path):
    own = 'vendor = "oracle"\nissuer = "https://own.example.org"\nalgorithms = ["RS256"]\n'
    tenant = read(tmp_path, a=own)["a"]
    assert (tenant.issuer, tenant.algorithms) == ("https://own.example.org", {"RS256"})


def test_two_tenants_of_one_issuer_must_be_told_apart(tmp_path):
    assert "tell them apart" in faults(tmp_path, a=KNOWN, b=KNOWN)[0]
    assert read(tmp_path, a=KNOWN + 'claimed_tenants = ["a"]', b=KNOWN + 'claimed_tenants = ["b"]')


def test_two_tenants_do_not_share_a_server(tmp_path):
    assert "names a server of tenant a" in faults(tmp_path, in_development=True, a=SECURE, b=SECURE)[0]


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
