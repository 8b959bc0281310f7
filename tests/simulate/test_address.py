import pytest

from cds_service.simulate.address import UsageError, is_loopback, read_address, read_services


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://127.0.0.1:8000/cds-services", "http://127.0.0.1:8000"),
        ("http://127.0.0.1:8000/cds-services/", "http://127.0.0.1:8000"),
        ("https://ehr.example/r4/cds-services", "https://ehr.example/r4"),
        (" https://[::1]:8443/a ", "https://[::1]:8443/a"),
    ],
)
def test_a_base_url_and_that_of_the_services_are_the_same_address(url, base):
    assert read_address(url).base == base


@pytest.mark.parametrize(
    "url",
    [
        "", "127.0.0.1:8000", "ftp://ehr.example", "http://", "http:///cds-services", "http://[::1", "http://a:99999",
        "https://user:secret@ehr.example", "https://ehr.example?a=1", "https://ehr.example#a",
        "https://ehr.example/cds-services/cno-patient-view",
    ],
)  # fmt: skip
def test_what_is_no_such_url_is_refused(url):
    with pytest.raises(UsageError, match="URL must"):
        read_address(url)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True), ("a.localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True),
        ("10.0.0.1", False), ("ehr.example", False), ("localhost.example", False),
    ],
)  # fmt: skip
def test_loopback_is_this_machine_alone(host, expected):
    assert is_loopback(host) is expected
    assert read_address(f"http://{f'[{host}]' if ':' in host else host}").is_open is not expected
    assert not read_address(f"https://{f'[{host}]' if ':' in host else host}").is_open


def test_a_service_is_told_by_its_id_or_its_path():
    assert read_services(["patient-view=acme", "order-sign=/v2/sign", "order-select=cds-services/choose"]) == {
        "patient-view": "/cds-services/acme",
        "order-sign": "/v2/sign",
        "order-select": "/cds-services/choose",
    }


@pytest.mark.parametrize(
    "line", ["acme", "patient-view=", "patient-view=a b", "encounter-start=acme", "patient-view=a\x1b[31m"]
)
def test_a_line_that_tells_no_service_is_refused(line):
    with pytest.raises(UsageError, match="--service must be HOOK=PATH"):
        read_services([line])
