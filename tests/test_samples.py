import json
from pathlib import Path

import pytest

SAMPLES = sorted(folder for folder in (Path(__file__).parent.parent / "fhir_samples").glob("*") if folder.is_dir())


def name(folder):
    return folder.name


def replay(client, folder):
    """The answer of the service to the hook request of a sample."""
    request = (folder / "request.json").read_bytes()
    service = f"/cds-services/cno-{json.loads(request)['hook']}"
    return client.post(service, content=request, headers={"Content-Type": "application/json"})


def evaluate(client, folder, file, **query):
    response = client.post("/evaluate", params=query, content=(folder / file).read_bytes())
    assert response.status_code == 200
    return response.json()


def test_there_are_at_least_twelve_personas():
    assert len(SAMPLES) >= 12


@pytest.mark.parametrize("folder", SAMPLES, ids=name)
def test_a_sample_gets_the_expected_answer_to_the_letter(folder, client, expect):
    response = replay(client, folder)
    assert response.status_code == 200
    expect(folder / "response.json", f"{json.dumps(response.json(), ensure_ascii=False, indent=2)}\n")


@pytest.mark.parametrize("folder", SAMPLES, ids=name)
def test_a_sample_is_the_same_child_as_hook_request_and_as_bundle(folder, client):
    hook = json.loads((folder / "request.json").read_bytes())["hook"]
    asked = evaluate(client, folder, "request.json")
    given = evaluate(client, folder, "bundle.json", hook=hook)
    assert given["classification"] == asked["classification"]
    assert given["biopsy"] == asked["biopsy"]
    assert given["findings"] == asked["findings"]
    assert [card["summary"] for card in given["cards"]] == [card["summary"] for card in asked["cards"]]
