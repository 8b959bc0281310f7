"""JSON that means ill: depth, digits, exponents and texts, wherever they stand. Never a fault, never slow."""

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
SUBJECT = '"subject": {"reference": "Patient/p1"}'
UNIT = '"unit": "mg/L", "system": "http://unitsofmeasure.org", "code": "mg/L"'
SECONDS = 1.0


def request(hook="patient-view", context="", prefetch="", more=""):
    return (
        f'{{"hook": "{hook}", "hookInstance": "4f8a2d10-93b1-4c02-8a55-0d3b7a6f9e21",'
        f'"context": {{"userId": "Practitioner/x", "patientId": "p1"{context}}},'
        '"prefetch": {"patient": {"resourceType": "Patient", "id": "p1", "birthDate": "2015-01-01"},'
        f'"conditions": null{prefetch}}}{more}}}'
    )


def labs(members):
    code = '"code": {"coding": [{"system": "http://loinc.org", "code": "1988-5"}]}, "effectiveDateTime": "2025-09-01"'
    result = f'{{"resourceType": "Observation", "id": "o", "status": "final", {SUBJECT}, {code}, {members}}}'
    return request(prefetch=f', "labs": {{"resourceType": "Bundle", "entry": [{{"resource": {result}}}]}}')


def order(dosage):
    drug = '"medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "M05BA08"}]}'
    draft = f'{{"resourceType": "MedicationRequest", "id": "z", "status": "draft", {SUBJECT}, {drug}'
    entry = f'{{"resource": {draft}, "dosageInstruction": [{dosage}]}}}}'
    return request("order-sign", f', "draftOrders": {{"resourceType": "Bundle", "entry": [{entry}]}}')


def form(answer):
    start = f'{{"resourceType": "QuestionnaireResponse", "id": "q", {SUBJECT}, "status": "completed",'
    about = '"questionnaire": "https://x/Questionnaire/cno-assessment", "authored": "2025-09-01",'
    return request(prefetch=f', "form": {start} {about} "item": [{{"linkId": "fever", "answer": [{answer}]}}]}}')


def grant(members):
    return request(more=f', "fhirServer": "https://x", "fhirAuthorization": {{"access_token": "t", {members}}}')


def answers(text):
    """The Evaluation and what the service of the hook says; a refusal is given as it is."""
    body, hook = text.encode(), "order-sign" if '"order-sign"' in text else "patient-view"
    started = process_time()
    for ask in (
        lambda: ANSWERS.to_evaluation(body),
        lambda: json.loads(asyncio.run(ANSWERS.to_hook(BY_HOOK[hook], body, None)).body),
    ):
        try:
            yield ask()
        except RequestError as fault:
            yield fault
    assert process_time() - started < 2 * SECONDS


DEEP = {
    "beside the members": lambda deep: request(more=f', "x": {deep}'),
    "for the hook": lambda deep: request().replace('"patient-view"', deep, 1),
    "in context": lambda deep: request(context=f', "x": {deep}'),
    "for draftOrders": lambda deep: request("order-sign", f', "draftOrders": {deep}'),
    "under a prefetch key": lambda deep: request(prefetch=f', "x": {deep}'),
    "in an unread element": lambda deep: labs(f'"x": {deep}'),
    "in a value": lambda deep: labs(f'"valueQuantity": {deep}'),
    "in a resource read entry by entry": lambda deep: labs(f'"interpretation": 5, "x": {deep}'),
    "in the authorization": lambda deep: grant(f'"x": {deep}'),
    "in a Bundle": lambda deep: f'{{"resourceType": "Bundle", "entry": {deep}}}',
}


@pytest.mark.parametrize("levels", [10_000, 1_000_000])
@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
@pytest.mark.parametrize("place", DEEP)
def test_what_is_nested_too_deeply_is_refused(place, start, end, levels):
    for closed in (end * levels, ""):
        for fault in answers(DEEP[place](start * levels + "0" + closed)):
            assert isinstance(fault, RequestError)
            assert fault.status == 400


NUMBERS = ["1e400", "-1e400", "1e-400", "1e31", "1e999999999999", "9" * 1001, "9" * 4000, "9" * 5000, "9" * 2**20,
           "0." + "1" * 2**20, "1e" + "0" * 2**20 + "400"]  # fmt: skip
SHORT = [f"{number[:6]}..{len(number)}" for number in NUMBERS]
USED = {
    "a value": (lambda number: labs(f'"valueQuantity": {{"value": {number}, {UNIT}}}'), "value-not-a-number"),
    "an integer": (lambda number: labs(f'"valueInteger": {number}'), "value-not-a-number"),
    "a text": (lambda number: labs(f'"valueString": "{number}"'), "value-not-a-number"),
    "an end": (lambda number: labs(f'"valueRange": {{"high": {{"value": {number}, {UNIT}}}}}'), "value-not-a-number"),
    "a range": (
        lambda number: labs(
            f'"valueQuantity": {{"value": 5, {UNIT}}}, "referenceRange": [{{"high": {{"value": {number}}}}}]'
        ),
        "reference-range-unreadable",
    ),
    "a dose": (
        lambda number: order(f'{{"doseAndRate": [{{"doseQuantity": {{"value": {number}, "unit": "mg"}}}}]}}'),
        "dose-unreadable",
    ),
    "a rate": (
        lambda number: order(f'{{"doseAndRate": [{{"rateQuantity": {{"value": {number}, "unit": "mL/h"}}}}]}}'),
        "rate-unreadable",
    ),
}
UNUSED = {
    "beside the members": lambda number: request(more=f', "x": {number}'),
    "in context": lambda number: request(context=f', "x": {number}'),
    "under a prefetch key": lambda number: request(prefetch=f', "x": {number}'),
    "in a resource": lambda number: labs(f'"x": {number}'),
    "in a resource read entry by entry": lambda number: labs(f'"interpretation": 5, "x": {number}'),
    "in a form": lambda number: form(f'{{"valueDecimal": {number}}}'),
    "for a code": lambda number: form(f'{{"valueCoding": {{"code": {number}}}}}'),
    "for a date": lambda number: labs(f'"issued": {number}'),
    "for a flag": lambda number: labs(f'"valueBoolean": {number}'),
    "for a duration": lambda number: order(f'{{"timing": {{"repeat": {{"duration": {number}}}}}}}'),
    "for a life time": lambda number: grant(f'"expires_in": {number}'),
}


@pytest.mark.parametrize("number", NUMBERS, ids=SHORT)
@pytest.mark.parametrize("place", USED)
def test_a_number_beyond_all_measure_is_a_note_where_it_is_used(place, number):
    build, reason = USED[place]
    evaluation, answer = answers(build(number))
    assert reason in {note["reason"] for note in evaluation["notes"]}
    assert "cards" in answer


@pytest.mark.parametrize("number", NUMBERS, ids=SHORT)
@pytest.mark.parametrize("place", UNUSED)
def test_a_number_beyond_all_measure_harms_nothing_where_it_is_not_used(place, number):
    assert all("cards" in answer for answer in answers(UNUSED[place](number)))


@pytest.mark.parametrize("place", [name for name in (*USED, *UNUSED) if name != "a text"])
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "01", "+1", "1.", ".5", "0x1", "1e", "- 1"])
def test_what_json_has_no_number_for_is_refused_also_where_it_is_not_used(place, number):
    build = UNUSED.get(place) or USED[place][0]
    for fault in answers(build(number)):
        assert isinstance(fault, RequestError)
        assert fault.status == 400


@pytest.mark.parametrize("text", ["\\ud800", "\\udc00", "\\udc00\\ud800", "\\q", "\\u12", "\0", "\n", "\x1f"])
@pytest.mark.parametrize("place", ["beside the members", "in context", "under a prefetch key", "in a resource"])
def test_a_text_that_is_no_unicode_is_refused_also_where_it_is_not_used(place, text):
    for sent in (f'"{text}"', f'{{"{text}": 1}}'):
        for fault in answers(UNUSED[place](sent)):
            assert isinstance(fault, RequestError)
            assert fault.status == 400


def test_texts_before_and_after_the_object_are_refused():
    for body in ("\ufeff" + request(), "\0" + request(), request() + "\0", request() + "{}", request() + ","):
        for fault in answers(body):
            assert isinstance(fault, RequestError)
            assert fault.status == 400
