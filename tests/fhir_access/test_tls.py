"""TLS: the certificate must be of a known authority and for the listed name."""

import asyncio
import ssl

import pytest
import trustme

from tests.fhir_access.faulty import FaultyServer, ask, asking, tenant
from tests.fhir_access.samples import request

CHILD = "girl-9-multifocal-symmetric"
PREFETCH = request(CHILD)["prefetch"]
AUTHORITY, OTHER = trustme.CA(), trustme.CA()


async def opened(folder, certificate, **fields):
    """The notes of a chart opening whose laboratory results are fetched from a server with that certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    server = FaultyServer(PREFETCH)
    async with server.running(context):
        sent = {key: value for key, value in PREFETCH.items() if key != "labs"}
        answered = await ask(tenant(folder, server.base, **fields), asking(request(CHILD), server.base, sent))
    assert answered.leaked_sockets == 0
    return answered.notes(), server.asked


def trusting(folder, authority):
    file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return {"fhir_ca_file": str(file)}


def test_a_server_whose_authority_is_listed_is_asked(tmp_path):
    notes, asked = asyncio.run(opened(tmp_path, AUTHORITY.issue_cert("127.0.0.1"), **trusting(tmp_path, AUTHORITY)))
    assert (notes, len(asked)) == (set(), 1)


@pytest.mark.parametrize("fault", ["another authority", "an unknown authority", "another name"])
def test_a_server_that_cannot_prove_its_name_gets_neither_token_nor_question(fault, tmp_path):
    name = "elsewhere.example.org" if fault == "another name" else "127.0.0.1"
    known = {} if fault == "an unknown authority" else trusting(tmp_path, OTHER if "another a" in fault else AUTHORITY)
    notes, asked = asyncio.run(opened(tmp_path, AUTHORITY.issue_cert(name), **known))
    assert (notes, asked) == ({("prefetch.labs", "not-fetched")}, [])


def test_a_handshake_that_is_cut_off_leaves_no_socket_behind(tmp_path):
    """The server accepts, and then says nothing of TLS."""

    async def silent(reader, writer):
        await reader.read()
        writer.close()

    async def scenario():
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        base = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir"
        async with server:
            return await ask(tenant(tmp_path, base, 200), asking(request(CHILD), base, {}))

    answered = asyncio.run(scenario())
    assert (answered.response.status_code, answered.leaked_sockets) == (412, 0)
