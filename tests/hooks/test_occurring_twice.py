"""A member that occurs twice: refused wherever it decides who is asked about, whatever its spelling."""

import json

import pytest

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


@pytest.mark.parametrize("place", ["top", "context", "grant", "prefetch"])
def test_a_foreign_name_that_occurs_twice_is_refused_and_not_repeated(client, url, place):
    twice = f'"{PRIVATE}": 1, "x": {{}}, "{PRIVATE}": 1, '
    assert "more than once" in refused(client, url, request(**{place: twice}))


def test_a_list_sent_twice_is_refused_for_one_of_them_would_be_lost(client, url):
    lists = '"labs": {"resourceType": "Bundle"}, "labs": {"resourceType": "Bundle"}, '
    assert "prefetch" in refused(client, url, request(prefetch=lists))


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
