"""No address that is not listed is ever connected to: named as fhirServer, as a next page, by redirect, by DNS."""

import asyncio
import socket
from ipaddress import ip_address, ip_network

import pytest

from cds_service.fhir_access.addresses import may_connect, page_of
from tests.fhir_access.faulty import FaultyServer, answer, ask, asking, ok, tenant
from tests.fhir_access.samples import bundle, entries, links, request

CHILD = "girl-9-multifocal-symmetric"
PREFETCH = request(CHILD)["prefetch"]
LISTED = "https://fhir.example.org/r4"
FORMS = [
    "http://127.0.0.1:{port}/fhir", "HTTP://127.0.0.1:{port}/fhir", "http://127.1:{port}/fhir",
    "http://2130706433:{port}/fhir", "http://0x7f.1:{port}/fhir", "http://0x7f000001:{port}/fhir",
    "http://0177.0.0.1:{port}/fhir", "http://127.0.0.1.:{port}/fhir", "http://0.0.0.0:{port}/fhir",
    "http://0:{port}/fhir", "http://localhost:{port}/fhir", "http://LOCALHOST.:{port}/fhir",
    "http://[::1]:{port}/fhir", "http://[::ffff:127.0.0.1]:{port}/fhir", "http://[::ffff:7f00:1]:{port}/fhir",
    "http://[0:0:0:0:0:0:0:1]:{port}/fhir", "http://①②⑦.⓪.⓪.①:{port}/fhir", "http://127。0。0。1:{port}/fhir",
    "http://%31%32%37.0.0.1:{port}/fhir", "//127.0.0.1:{port}/fhir", "\\\\127.0.0.1:{port}\\fhir",
    "{base}@127.0.0.1:{port}/fhir", "{origin}@127.0.0.1:{port}/fhir", "{origin}\\@127.0.0.1:{port}/fhir",
    "{origin}:x@127.0.0.1:{port}/fhir", "{origin}#@127.0.0.1:{port}/fhir", "{origin}?@127.0.0.1:{port}/fhir",
    "{origin}%2f@127.0.0.1:{port}/fhir", "{origin}.127.0.0.1.nip.io:{port}/fhir", "http:127.0.0.1:{port}/fhir",
    "http:///127.0.0.1:{port}/fhir", "http://127.0.0.1:{port}\\fhir", "\thttp://127.0.0.1:{port}/fhir",
    "http://127.0.0.1:{port}/fhir\r\nHost: evil", "http://127.0.0.1:{port}/\x00", "ftp://127.0.0.1:{port}/fhir",
    "gopher://127.0.0.1:{port}/_GET", "file:///etc/hostname", "http+unix://127.0.0.1:{port}/fhir", "data:,x",
]  # fmt: skip
OFF_THE_PATH = [
    "{base}/../admin", "{base}/%2e%2e/admin", "{base}/..%2fadmin", "{base}/.%2e/admin", "{base}%2f..%2fadmin",
    "{origin}/admin", "{base}evil/Observation", "{base}/x/../../admin", "{base}/..;/admin/../..", "{base}/..\\admin",
    "{base}/Observation?page=2#x", "{base}/%00", "{base}/Observation\u200b", "{base}/%252e%252e/admin",
]  # fmt: skip
REDIRECTS = [301, 302, 303, 307, 308]


class Sentinel:
    """Counts who connects."""

    def __init__(self):
        self.connections = 0
        self.port = 0

    async def __aenter__(self):
        self._servers = [await asyncio.start_server(self._count, "127.0.0.1", 0)]
        self.port = self._servers[0].sockets[0].getsockname()[1]
        if socket.has_ipv6:
            self._servers.append(await asyncio.start_server(self._count, "::1", self.port))
        return self

    async def __aexit__(self, *_):
        await asyncio.sleep(0.02)
        for server in self._servers:
            server.close()

    async def _count(self, _, writer):
        self.connections += 1
        writer.close()

    def spelled(self, form, base):
        return form.format(port=self.port, base=base, origin=base.removesuffix("/fhir").removesuffix("/r4"))


def without_labs():
    return {key: value for key, value in PREFETCH.items() if key != "labs"}


async def connections(folder, form, script):
    """How many reach the sentinel, and what the FHIR server was asked, when `script(spelled)` is what labs get."""
    async with Sentinel() as sentinel:
        server = FaultyServer(PREFETCH)
        async with server.running():
            server.script = {"labs": [script(sentinel.spelled(form, server.base))]}
            answered = await ask(tenant(folder, server.base), asking(request(CHILD), server.base, without_labs()))
    assert answered.response.status_code == 200
    return sentinel.connections, server.asked, answered


@pytest.mark.parametrize("form", FORMS)
def test_a_server_that_is_not_listed_is_never_asked(form, tmp_path):
    async def scenario():
        async with Sentinel() as sentinel:
            address = sentinel.spelled(form, LISTED)
            return await ask(tenant(tmp_path, LISTED), asking(request(CHILD), address, without_labs())), sentinel

    answered, sentinel = asyncio.run(scenario())
    assert sentinel.connections == 0
    assert ("fhirServer", "not-fetched") in answered.notes()


@pytest.mark.parametrize("form", [*FORMS, *OFF_THE_PATH])
def test_a_next_page_off_the_listed_base_is_never_asked(form, tmp_path):
    def script(address):
        return ok(bundle(*entries(PREFETCH["labs"]), link=links(next=address)))

    reached, asked, answered = asyncio.run(connections(tmp_path, form, script))
    assert (reached, len(asked)) == (0, 1)
    assert ("prefetch.labs", "incomplete-page") in answered.notes()


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("form", [*FORMS[:25], "{base}/Observation?again", "/fhir/Observation", "Observation"])
def test_a_redirect_is_never_followed(form, status, tmp_path):
    def script(address):
        visible = address.encode("ascii", "ignore").replace(b"\r", b"").replace(b"\n", b"").decode()
        return answer(f"{status} Elsewhere", b"", f"Location: {visible}\r\n")

    reached, asked, answered = asyncio.run(connections(tmp_path, form, script))
    assert (reached, len(asked)) == (0, 1)
    assert ("prefetch.labs", "not-fetched") in answered.notes()


HIDDEN = [
    "127.0.0.1", "127.8.8.8", "0.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "192.0.2.1", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::1",
    "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", HIDDEN)
@pytest.mark.parametrize("beside", [[], ["93.184.215.14"]])
def test_a_listed_name_that_leads_inside_is_never_connected_to(address, beside, tmp_path, monkeypatch):
    dialled = []

    def names(_host, port, *_, **__):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (each, port)) for each in [*beside, address]]

    async def connect(_, host, *_rest):
        dialled.append(host)
        raise AssertionError(host)

    monkeypatch.setattr(socket, "getaddrinfo", names)
    monkeypatch.setattr("httpcore2.AnyIOBackend.connect_tcp", connect)
    answered = asyncio.run(ask(tenant(tmp_path, LISTED), asking(request(CHILD), LISTED, without_labs())))
    assert dialled == []
    assert ("prefetch.labs", "not-fetched") in answered.notes()


def test_a_name_in_a_listed_network_is_connected_to_by_the_address_that_was_judged(tmp_path, monkeypatch):
    """The name may lead elsewhere the next time it is asked for."""
    lookups = []

    def names(host, port, *_, **__):
        lookups.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    async def scenario():
        server = FaultyServer(PREFETCH)
        async with server.running():
            base = server.base.replace("127.0.0.1", "ehr.example.org")
            monkeypatch.setattr(socket, "getaddrinfo", names)
            settings = tenant(tmp_path, base, fhir_networks=["127.0.0.0/8"])
            answered = await ask(settings, asking(request(CHILD), base, without_labs()))
        return answered, server, base

    answered, server, base = asyncio.run(scenario())
    assert [asked.headers["host"] for asked in server.asked] == [base.removeprefix("http://").removesuffix("/fhir")]
    assert lookups == ["ehr.example.org"]
    assert ("prefetch.labs", "not-fetched") not in answered.notes()


@pytest.mark.parametrize("address", HIDDEN)
def test_addresses_that_are_not_public_need_a_listed_network(address):
    assert not may_connect(ip_address(address), ())


@pytest.mark.parametrize(
    ("address", "network"),
    [("10.20.3.4", "10.20.0.0/16"), ("fd00::5", "fd00::/8"), ("::ffff:10.20.3.4", "10.20.0.0/16")],
)
def test_a_listed_network_opens_itself_and_no_other(address, network):
    assert may_connect(ip_address(address), [ip_network(network)])
    assert not may_connect(ip_address(address), [ip_network("10.99.0.0/16")])


@pytest.mark.parametrize("address", ["93.184.215.14", "2a00:1450:4001::1", "::ffff:93.184.215.14"])
def test_public_addresses_need_none(address):
    assert may_connect(ip_address(address), ())


BASE = "https://ehr.example.org/api/fhir"


@pytest.mark.parametrize(
    ("link", "page"),
    [
        (f"{BASE}/Observation?page=2", f"{BASE}/Observation?page=2"),
        (f"{BASE}?_getpages=a-b&_offset=20", f"{BASE}?_getpages=a-b&_offset=20"),
        ("Observation?page=2", f"{BASE}/Observation?page=2"),
        ("/api/fhir/Observation?page=2", f"{BASE}/Observation?page=2"),
        ("https://EHR.example.org:443/api/fhir/Observation", f"{BASE}/Observation"),
        (f"{BASE}/Observation?name=a%2Fb%25&x=..", f"{BASE}/Observation?name=a%2Fb%25&x=.."),
        (f"{BASE}/Observation/_search?_skip=50", f"{BASE}/Observation/_search?_skip=50"),
    ],
)
def test_a_page_of_the_listed_base_is_asked_for_in_the_form_of_the_base(link, page):
    assert page_of(BASE, link) == page


@pytest.mark.parametrize(
    "link",
    ["", " ", "http://ehr.example.org/api/fhir/x", "https://ehr.example.org:8443/api/fhir/x", "https://ehr.example.org/api",
     "https://user@ehr.example.org/api/fhir/x", f"{BASE}/" + "a" * 5000, "https://[", "https://ehr.example.org:99999/api/fhir"],
)  # fmt: skip
def test_other_pages_are_not(link):
    assert page_of(BASE, link) is None
