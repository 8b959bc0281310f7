"""A member that occurs twice: refused wherever it decides who is asked about, whatever its spelling."""

import json

import pytest

from cds_service.hooks.members import Name, apart
from cds_service.hooks.services import BY_HOOK
from cds_service.mappings.prefetch import types_of
from tests.hooks.asked import INSTANCE, PRIVATE, outcome, path

JSON = {"Content-Type": "application/json"}
PATIENT = '{"resourceType": "Patient", "id": "p1", "birthDate": "2014-04-10"}'
GRANT = '"access_token": "t", "token_type": "Bearer", "expires_in": 60, "scope": "s", "subject": "u"'


def request(top="", context="", prefetch="", grant="", hook="patient-view"):
    """A sound request, with more members before those that it has."""
    return (
        f'{{{top}"hook": "{hook}", "hookInstance": "{INSTANCE}", "fhirServer": "https://ehr.example.org",'
        f'"context": {{{context}"userId": "Practitioner/1", "patientId": "p1",'
        ' "draftOrders": {"resourceType": "Bundle", "entry": []}, "selections": []},'
        f'"fhirAuthorization": {{{grant}{GRANT}}},'
        f'"prefetch": {{{prefetch}"patient": {PATIENT}, "conditions": null}}}}'
    ).encode()


def refused(client, url, body):
    return outcome(client.post(url, content=body, headers=JSON), 400)


@pytest.fixture(params=[path("patient-view"), "/evaluate"])
def url(request):
    return request.param


def test_the_request_itself_is_answered(client, url):
    assert client.post(url, content=request(), headers=JSON).status_code == 200


@pytest.mark.parametrize(
    ("place", "name", "named"),
    [
        ("top", "hook", "hook"),
        ("top", "hookInstance", "hookInstance"),
        ("top", "context", "context"),
        ("top", "prefetch", "prefetch"),
        ("top", "fhirServer", "fhirServer"),
        ("top", "fhirAuthorization", "fhirAuthorization"),
        ("context", "userId", "context.userId"),
        ("context", "patientId", "context.patientId"),
        ("context", "draftOrders", "context.draftOrders"),
        ("context", "selections", "context.selections"),
        ("grant", "patient", "fhirAuthorization.patient"),
        ("grant", "access_token", "fhirAuthorization.access_token"),
    ],
)
def test_a_member_of_ours_that_occurs_twice_is_refused_by_name(client, place, name, named):
    for url in (path("patient-view"), "/evaluate"):
        for value in ("null", "5", f'"{PRIVATE}"', "{}", '["p1"]', '"p1"'):
            twice = f'"{name}": {value}, ' * (2 if name == "patient" else 1)
            assert f"The field {named} " in refused(client, url, request(**{place: twice}))


@pytest.mark.parametrize("spelling", ["patient\\u0049d", "\\u0070atientId", "patientI\\u0064", "patient\\u0049\\u0064"])
def test_an_escaped_spelling_is_the_same_name(client, url, spelling):
    assert "context.patientId" in refused(client, url, request(context=f'"{spelling}": "p2", '))
    alone = request().replace(b'"patientId"', f'"{spelling}"'.encode())
    assert client.post(url, content=alone, headers=JSON).status_code == 200


@pytest.mark.parametrize("place", ["top", "context", "grant"])
def test_a_foreign_name_that_occurs_twice_is_refused_and_not_repeated(client, url, place):
    twice = f'"{PRIVATE}": 1, "x": {{}}, "{PRIVATE}": 1, '
    assert "more than once" in refused(client, url, request(**{place: twice}))


CNO = (
    '{"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p1"}, "recordedDate": "2025-01-01",'
    ' "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "M86.3"}]}}'
)
LISTS = {
    "whole": f'{{"resourceType": "Bundle", "entry": [{{"resource": {CNO}}}]}}',
    "null": "null",
    "empty": '{"resourceType": "Bundle"}',
    "odd": '{"resourceType": "Bundle", "entry": [{"resource": 7}]}',
    "failed": '{"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}',
}


def evaluated(client, *values):
    """The Evaluation of a request with that many lists of Conditions."""
    lists = ", ".join(f'"conditions": {LISTS[value]}' for value in values)
    body = request().replace(b'"conditions": null', lists.encode())
    return client.post("/evaluate?lang=en", content=body, headers=JSON).json()


@pytest.mark.parametrize("other", ["null", "empty", "odd", "failed"])
@pytest.mark.parametrize("is_first", [True, False])
def test_of_a_list_sent_twice_nothing_is_lost(other, is_first, client):
    once = evaluated(client, "whole")
    twice = evaluated(client, *(("whole", other) if is_first else (other, "whole")))
    assert once["cards"]
    assert {"silence"}.isdisjoint(once | twice)
    assert "duplicate" in {note["reason"] for note in twice["notes"]}


def test_a_failure_among_lists_sent_twice_is_no_empty_list(client):
    body = request().replace(b'"conditions": null', f'"conditions": null, "conditions": {LISTS["failed"]}'.encode())
    outcome(client.post(path("patient-view"), content=body, headers=JSON), 412)


@pytest.mark.parametrize("name", ["patient", "\\u0070atient"])
@pytest.mark.parametrize("before", ['"patient"', '"conditions"'])
def test_another_patient_under_the_same_key_is_not_taken_for_the_one_asked_about(name, before, client):
    other = PATIENT.replace("p1", "p2").replace("2014-04-10", "1980-01-01")
    body = request().replace(before.encode(), f'"{name}": {other}, {before}'.encode())
    assert client.post("/evaluate", content=body, headers=JSON).json()["patient"] == {
        "id": "p1", "birthDate": "2014-04-10",
    }  # fmt: skip


def test_one_key_over_and_over_is_more_than_a_chart(client, url):
    outcome(client.post(url, content=request(prefetch='"labs": 1, ' * 190_000), headers=JSON), 413)


@pytest.mark.parametrize("service", BY_HOOK.values(), ids=BY_HOOK)
def test_a_key_of_ours_that_occurs_again_is_still_asked_for_the_same(service):
    for key, kind in service.prefetched_types.items():
        found = apart({Name(key): 1, Name(key): 2, Name(f"{key} 2"): 3})
        assert sorted(found.values()) == [1, 2, 3]
        assert len(found) == 3
        if kind != "Patient":
            assert all(types_of(name, None, service.prefetched_types) == {kind} for name in found)


def test_a_bundle_with_two_lists_of_entries_is_refused(client):
    body = f'{{"resourceType": "Bundle", "entry": [], "entry": [{{"resource": {PATIENT}}}]}}'
    assert "entry" in refused(client, "/evaluate", body.encode())


def test_the_same_names_may_stand_elsewhere(client, url):
    document = {"resourceType": "DocumentReference", "id": "d", "status": "current", "context": {"patientId": "x"}}
    inside = {"hook": 1, "patientId": 2, "prefetch": {"context": 3}, "text": '"hook": "hook", "patientId": "patientId"'}
    more = f'"documents": {json.dumps(document)}, "context": null, "hook": null, '
    extension = f'"extension": {json.dumps(inside)}, '
    body = request(top=extension, context=extension, prefetch=more)
    assert client.post(url, content=body, headers=JSON).status_code == 200
