"""The FHIR server of the tests behaves as a real one does: what other tests rest on, and where it is stricter."""

import pytest
import requests

pytestmark = pytest.mark.services

CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def patient(name):
    return {"resourceType": "Patient", "id": name}


def observation(name, subject, day, category="laboratory"):
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
        "subject": {"reference": f"Patient/{subject}"},
        "effectiveDateTime": day,
    }


def ids(bundle):
    return [entry["resource"]["id"] for entry in bundle.get("entry", ())]


def following(bundle):
    return next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)


@pytest.fixture
def three_results(fhir_server):
    """A child with three laboratory results, the second of them the newest, and with a weight."""
    days = {"a": "2025-09-01", "b": "2025-09-03", "c": "2025-09-02"}
    results = [observation(f"paged-{name}", "paged", day) for name, day in days.items()]
    fhir_server.load([patient("paged"), *results, observation("paged-w", "paged", "2025-09-04", "vital-signs")])
    return {"patient": "paged", "category": "laboratory", "_sort": "-date", "_count": "2"}


@pytest.mark.parametrize("path", ["metadata", "Patient", "Patient/_search", "Nonsense/1"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer other"}, {"Authorization": "Basic b3RoZXI="}])
def test_without_its_token_it_answers_nothing(fhir_server, path, headers):
    response = requests.get(f"{fhir_server.base}/{path}", headers=headers, timeout=30)
    assert (response.status_code, response.json()["resourceType"]) == (401, "OperationOutcome")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_it_is_an_r4_server(fhir_server):
    assert fhir_server.request("GET", "metadata").json()["fhirVersion"] == "4.0.1"


@pytest.mark.parametrize("name", ["kept", "4711", "00-A.b"])
def test_an_id_is_kept_whatever_it_looks_like(fhir_server, name):
    assert fhir_server.request("PUT", f"Patient/{name}", patient(name)).status_code in {200, 201}
    fhir_server.load([observation(f"of-{name}", name, "2025-09-01")])
    assert fhir_server.request("GET", f"Patient/{name}").json()["id"] == name
    assert ids(fhir_server.search("Observation", patient=name)) == [f"of-{name}"]


def test_a_search_comes_sorted_and_in_pages(fhir_server, three_results):
    first = fhir_server.search("Observation", **three_results)
    assert ids(first) == ["paged-b", "paged-c"]
    second = fhir_server.search(following(first))
    assert ids(second) == ["paged-a"]
    assert following(second) is None


def test_a_search_may_be_posted(fhir_server, three_results):
    posted = fhir_server.request("POST", "Observation/_search", data=three_results).json()
    assert ids(posted) == ["paged-b", "paged-c"]
    assert ids(fhir_server.search(following(posted))) == ["paged-a"]


def test_a_search_sees_what_was_written_since_the_last_one(fhir_server):
    fhir_server.load([patient("fresh")])
    assert ids(fhir_server.search("Observation", patient="fresh")) == []
    fhir_server.load([observation("fresh-1", "fresh", "2025-09-01")])
    assert ids(fhir_server.search("Observation", patient="fresh")) == ["fresh-1"]


def test_a_search_parameter_that_it_does_not_know_is_refused_not_ignored(fhir_server):
    response = fhir_server.request("GET", "Observation", params={"patient": "paged", "colour": "red"})
    assert (response.status_code, response.json()["resourceType"]) == (400, "OperationOutcome")
    assert "colour" in response.text


def test_what_is_odd_is_stored_all_the_same(fhir_server):
    odd = {"resourceType": "Observation", "id": "odd", "subject": {"reference": "Patient/nobody"}}
    fhir_server.load([odd])
    stored = fhir_server.request("GET", "Observation/odd").json()
    assert {name: stored.get(name) for name in odd} == odd
    assert fhir_server.judged(odd, "error")


def test_what_cannot_be_read_as_fhir_is_not_stored_and_takes_the_rest_of_its_bundle_with_it(fhir_server):
    with pytest.raises(AssertionError, match="birthDate"):
        fhir_server.load([patient("before"), patient("unreadable") | {"birthDate": "1.2.2015"}])
    assert fhir_server.request("GET", "Patient/before").status_code == 404


def test_results_of_a_patient_who_is_not_stored_are_not_found_by_the_patient(fhir_server):
    fhir_server.load([observation("orphan", "not-stored", "2025-09-01")])
    assert fhir_server.request("GET", "Observation/orphan").ok
    assert ids(fhir_server.search("Observation", patient="not-stored")) == []
