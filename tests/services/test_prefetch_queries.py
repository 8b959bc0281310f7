"""A real server answers the queries of our discovery document with just what the samples were prefetched with."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.services

SAMPLES = sorted(path.parent for path in (Path(__file__).parent.parent.parent / "fhir_samples").glob("*/request.json"))


def entries(bundle):
    return [entry["resource"] for entry in (bundle or {}).get("entry", ())]


def names(resources):
    return sorted(f"{each['resourceType']}/{each['id']}" for each in resources)


def own(resource, patient):
    """The resource under an id that no other sample has."""
    return resource | {"id": f"{resource['id']}.{patient}"}


@pytest.mark.parametrize("folder", SAMPLES, ids=lambda folder: folder.name)
def test_the_prefetch_queries_find_what_a_sample_holds(fhir_server, client, folder):
    request = json.loads((folder / "request.json").read_bytes())
    patient = request["context"]["patientId"]
    held = {key: [own(each, patient) for each in entries(value)] for key, value in request["prefetch"].items()}
    fhir_server.load([request["prefetch"]["patient"], *(each for found in held.values() for each in found)])
    (service,) = (each for each in client.get("/cds-services").json()["services"] if each["hook"] == request["hook"])
    for key, query in service["prefetch"].items():
        answer = fhir_server.search(query.replace("{{context.patientId}}", patient))
        if key == "patient":
            assert answer["id"] == patient
        else:
            assert names(entries(answer)) == names(held.get(key, ())), key
