"""Requests inside the size limit that would make a reader slow: none takes long."""

import asyncio
import json
from datetime import UTC, datetime
from time import process_time

import pytest

from cds_service.app import make_answers, random_uuid
from cds_service.hooks.services import BY_HOOK
from cds_service.operations.errors import RequestError
from cds_service.settings import Settings

ANSWERS = make_answers(Settings(profile="development"), lambda: datetime(2025, 9, 15, 8, tzinfo=UTC), random_uuid)
PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "2015-01-01"}
SUBJECT = {"reference": "Patient/p1"}
SECONDS = 2.0
"""Of CPU; the slowest of these took half a minute before it was bounded, and takes half a second now."""


def bundle(*resources):
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": each} for each in resources]}


def form(depth, answers, length):
    item = {"linkId": "a", "answer": [{"valueCoding": 5}] * answers, "text": "x" * length}
    for _ in range(depth):
        item = {"linkId": "b", "item": [item]}
    told = {"status": "completed", "questionnaire": "https://x/Questionnaire/cno-assessment", "authored": "2025-09-01"}
    return {"resourceType": "QuestionnaireResponse", "id": "q", "subject": SUBJECT, "item": [item], **told}


def shown(kind, about, text, codings, resources, **fields):
    return [
        {
            "resourceType": kind, "id": f"r{number}", about: SUBJECT, **fields,
            "code": {"coding": [{"display": f"{text}{place}"} for place in range(codings)]},
        }
        for number in range(resources)
    ]  # fmt: skip


MEDICATION = {"resourceType": "Medication", "id": "m", "code": {"coding": [{"code": str(n)} for n in range(1000)]}}
USES = [
    {"resourceType": "MedicationRequest", "id": f"u{n}", "status": "active", "subject": SUBJECT,
     "medicationReference": {"reference": "Medication/m"}}
    for n in range(1000)
]  # fmt: skip
COSTLY = {
    "a drug of a thousand codes": {"medicationRequests": bundle(MEDICATION, *USES)},
    "a long key": {"aA" * 900_000: None},
    "a key of many words": {"aBcDeFgH" * 200_000: 5},
    "many unread keys": {f"k{number}": 5 for number in range(190)},
    "a deep form": {"assessment": bundle(form(150, 60, 1_800_000))},
    "a deeper form": {"assessment": bundle(form(250, 60, 1_000_000))},
    "names of examinations": {"serviceRequests": bundle(*shown("ServiceRequest", "subject", "mr " * 60, 7000, 1))},
    "many names of examinations": {"serviceRequests": bundle(*shown("ServiceRequest", "subject", "mr " * 60, 45, 190))},
    "names of drugs": {"allergies": bundle(*shown("AllergyIntolerance", "patient", "a " * 200, 50, 80))},
}


@pytest.mark.parametrize("name", COSTLY)
def test_a_costly_record_is_answered_soon(name):
    body = json.dumps(
        {
            "hook": "patient-view", "hookInstance": "4f8a2d10-93b1-4c02-8a55-0d3b7a6f9e21",
            "fhirServer": "https://not.listed.example.org",
            "context": {"userId": "Practitioner/x", "patientId": "p1"},
            "prefetch": {"patient": PATIENT, "conditions": None, **COSTLY[name]},
        }
    ).encode()  # fmt: skip
    started = process_time()
    asyncio.run(ANSWERS.to_hook(BY_HOOK["patient-view"], body, "nb"))
    assert process_time() - started < SECONDS


def test_more_keys_than_any_ehr_sends_are_refused():
    prefetch = {"patient": PATIENT, **{f"k{number}": None for number in range(201)}}
    body = {"hook": "patient-view", "hookInstance": "x", "context": {"userId": "u", "patientId": "p1"}}
    with pytest.raises(RequestError) as fault:
        asyncio.run(ANSWERS.to_hook(BY_HOOK["patient-view"], json.dumps({**body, "prefetch": prefetch}).encode(), None))
    assert fault.value.status == 413


def test_of_very_many_keys_none_is_read():
    def seconds(number):
        keys = ",".join(f'"k{each}": 5' for each in range(number))
        context = '{"userId": "u", "patientId": "p1"}'
        body = f'{{"hook": "patient-view", "hookInstance": "x", "context": {context}, "prefetch": {{{keys}}}}}'.encode()
        started = process_time()
        with pytest.raises(RequestError) as fault:
            ANSWERS.to_evaluation(body)
        assert fault.value.status in {412, 413}
        return process_time() - started

    of_few = min(seconds(190) for _ in range(3)) / 190
    assert seconds(100_000) / 100_000 < of_few / 3


BROKEN = {"resourceType": "Bundle", "entry": [7, *({"resource": PATIENT} for _ in range(5000))]}
"""More entries than a chart holds, one of which cannot be read."""


@pytest.mark.parametrize("members", [{"prefetch": {"labs": BROKEN}}, {"context": {"draftOrders": BROKEN}}])
def test_a_long_bundle_that_stumbles_is_refused_as_one_that_does_not(members):
    context = {"userId": "Practitioner/1", "patientId": "p1", **members.get("context", {"draftOrders": {"entry": []}})}
    request = {"hook": "order-sign", "hookInstance": "x", **members, "context": context}
    body = json.dumps(request).encode()
    for answer in (
        lambda: asyncio.run(ANSWERS.to_hook(BY_HOOK["order-sign"], body, None)),
        lambda: ANSWERS.to_evaluation(body),
    ):
        with pytest.raises(RequestError) as fault:
            answer()
        assert fault.value.status == 413


def test_a_long_bundle_that_stumbles_cannot_be_evaluated():
    with pytest.raises(RequestError) as fault:
        ANSWERS.to_evaluation(json.dumps(BROKEN).encode())
    assert fault.value.status == 413
