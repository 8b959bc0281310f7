"""The same forty children by prefetch alone, by a real FHIR server alone and mixed: the same cards."""

import json
import random
from contextlib import contextmanager

import pytest
import requests

from tests.fhir_access.faulty import without_uuids
from tests.services.forty import forty, resources
from tests.services.test_running_server import SECONDS, running

pytestmark = pytest.mark.services
CHILDREN = forty()
LIPASE = {"system": "http://loinc.org", "code": "3040-3"}


@pytest.fixture(scope="module")
def loaded(fhir_server):
    """The real server with all forty on it."""
    for request in CHILDREN.values():
        fhir_server.load(list(resources(request)))
    return fhir_server


@contextmanager
def service(folder, base, search):
    """The service with that one server listed, and time for it."""
    (folder / "ehr.toml").write_text(f'fhir_bases = ["{base}"]\nfhir_search = "{search}"\n', "utf-8")
    settings = {"CNO_CDS_TENANTS_DIR": str(folder), "CNO_CDS_TODAY": "2025-09-15", "CNO_CDS_FETCH_DEADLINE_MS": "5000"}
    with running(**settings) as (_, address):
        yield address


@pytest.fixture(scope="module")
def by_get(loaded, tmp_path_factory):
    with service(tmp_path_factory.mktemp("get"), loaded.base, "get") as address:
        yield address


@pytest.fixture(scope="module")
def by_post(loaded, tmp_path_factory):
    with service(tmp_path_factory.mktemp("post"), loaded.base, "post") as address:
        yield address


def cards(address, request, prefetch, server=None):
    """The cards of a request with that prefetch, and with access to a server where one is given."""
    authorization = {"access_token": server.token, "token_type": "Bearer", "expires_in": 300} if server else None
    body = {**request, "prefetch": prefetch}
    body |= {"fhirServer": server.base, "fhirAuthorization": authorization} if server else {}
    response = requests.post(
        f"{address}/cds-services/cno-{request['hook']}",
        data=json.dumps(body, default=float),
        headers={"Content-Type": "application/json"},
        timeout=SECONDS,
    )
    assert response.status_code == 200, response.text
    return without_uuids(response.json()["cards"])


def test_there_are_forty_children_and_most_have_cards(by_get):
    spoken = [bool(cards(by_get, request, request["prefetch"])) for request in CHILDREN.values()]
    assert (len(spoken), sum(spoken) > 30) == (40, True)


@pytest.mark.parametrize("name", CHILDREN)
def test_the_cards_do_not_depend_on_who_brought_the_record(name, by_get, by_post, loaded):
    request = CHILDREN[name]
    whole = request["prefetch"]
    expected = cards(by_get, request, whole)
    keys = sorted(whole)
    half = random.Random(name).sample(keys, len(keys) // 2)  # noqa: S311  the same each time
    assert cards(by_get, request, {}, loaded) == expected
    assert cards(by_get, request, {key: whole[key] for key in half}, loaded) == expected
    assert cards(by_post, request, {key: whole[key] for key in keys if key not in half}, loaded) == expected


@pytest.mark.parametrize("search", ["get", "post"])
def test_a_list_that_takes_a_second_page_is_read_to_its_end(search, by_get, by_post, loaded):
    """The server hands out at most 200 results at once; the oldest of these decide here."""
    name = "girl-9-multifocal-symmetric"
    request = json.loads(json.dumps(CHILDREN[name], default=float).replace(f"forty-{name}", f"{search}-{name}"))
    labs = request["prefetch"]["labs"]["entry"]
    newest = {**labs[0]["resource"], "effectiveDateTime": "2025-09-12", "code": {"coding": [LIPASE]}}
    later = [{"resource": {**newest, "id": f"{search}-later-{number}"}} for number in range(230)]
    request["prefetch"]["labs"]["entry"] = [*later, *labs]
    loaded.load(list(resources(request)))
    address = by_get if search == "get" else by_post
    expected = cards(address, request, request["prefetch"])
    assert cards(address, request, {}, loaded) == expected
    request["prefetch"]["labs"]["entry"] = later
    assert cards(address, request, request["prefetch"]) != expected
