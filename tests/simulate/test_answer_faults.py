"""Faults of answers as such: bodies, statuses, errors, feedback, time. Each is found and named by its rule."""

from time import sleep

import pytest

from cds_service.simulate.client import Limits, UnreachableError
from tests.simulate.served import outcome
from tests.simulate.twists import (
    accepts_without,
    judged,
    on_answer,
    on_errors,
    on_hooks,
    on_path,
    paths,
    rules,
    tells,
)

HTML = {"body": b"<!doctype html><p>It works</p>", "headers": {"Content-Type": "text/html"}}
TEXT = {"Content-Type": "text/plain"}
IMPATIENT = Limits(seconds=0.3, remark_ms=5000)
PATIENT, TOKEN = "eCNOsim7girl.Qm2xV0aB3w3", "simulated-epic-access-token-5f0c"


def said(status):
    return {"status": status, "body": outcome(status, "no").body}


def without_patient_is_answered(asked, reply):
    is_lacking = b"patientId" not in asked.body and b'"context"' in asked.body
    return reply.but(status=200, body={"cards": []}) if is_lacking else reply


def only_override_reason(asked, reply):
    return reply.but(status=400) if b"overrideReasons" in asked.body else reply


def breaks_on_malformed(asked, reply):
    return reply.but(status=500) if asked.body == b'{"hook": ' else reply


def hangs_up(asked, reply):
    return None if b"order-sign" in asked.body else reply


def ends_too_early(asked, reply):
    return reply.but(headers={**reply.headers, "Content-Length": "9999"}) if asked.is_hook else reply


BODIES = [
    ("S1", on_answer(lambda document: document.clear())),
    ("S1", on_answer(lambda document: document.update(cards={"summary": "a"}))),
    ("S1", on_hooks(body=[1])),
    ("S1", on_hooks(body=b'"cards"')),
    ("K15", on_answer(lambda document: document.update(decisions=[1]))),
    ("T3", on_hooks(**HTML)),
    ("T3", on_hooks(headers=TEXT)),
    ("T3", on_hooks(headers={})),
    ("T3", on_hooks(body=b"")),
    ("T3", on_hooks(body=b'{"cards": [')),
    ("T3", on_hooks(body=b'{"cards": [], "extension": {"a.b": NaN}}')),
    ("T3", on_hooks(body=b'{"cards": [], "extension": {"a.b": %s}}' % (b"9" * 5000))),
    ("T6", on_hooks(body='{"cards": [], "extension": {"a.b": "blåbær"}}'.encode("latin-1"))),
    ("T7", on_hooks(body=b'{"cards": %s1%s}' % (b"[" * 120, b"]" * 120))),
    ("T7", on_hooks(body=b"[" * 1_000_000)),
    ("T7", on_hooks(body=b" " * 2_200_000)),
]
STATUSES = [
    ("S1", on_hooks(status=201)),
    ("S2", on_hooks(status=204, body=b"")),
    ("D11", on_hooks(status=307, body=b"", headers={"Location": "/cds-services/acme-greeter/"})),
    ("D11", on_hooks(status=302, **HTML)),
    ("S4", on_hooks(**said(400))),
    ("J1", on_hooks(**said(401))),
    ("J1", on_hooks(**said(403))),
    ("D6", on_hooks(**said(404))),
    ("R1", on_hooks(**said(405))),
    ("S5", on_hooks(status=412, body={"detail": "no"})),
    ("S6", on_hooks(status=500, **HTML)),
    ("S6", on_hooks(status=503, body=b"")),
    ("S6", hangs_up),
    ("S6", ends_too_early),
]
ERRORS = [
    ("R2", accepts_without("hook")),
    ("R3", accepts_without("hookInstance")),
    ("R4", accepts_without("context")),
    ("C3", without_patient_is_answered),
    ("T7", breaks_on_malformed),
    ("S5", on_errors(body={"detail": "Not valid."})),
    ("S5", on_errors(body={"resourceType": "OperationOutcome"})),
    ("S5", on_errors(body={"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]})),
    ("S5", on_errors(body=b"Bad request", headers=TEXT)),
    ("T3", on_errors(headers=TEXT)),
    ("R10", tells(f"{PATIENT} is unknown")),
    ("R10", tells(TOKEN)),
    ("R10", on_hooks(body={"cards": [], "extension": {"a.b": TOKEN}})),
    ("R1", on_path("no-such-service", "POST", status=200, body={"cards": []})),
    ("R1", on_path("no-such-service", "POST", status=400)),
    ("S6", on_path("no-such-service", "POST", status=500)),
    ("R1", on_path("acme-greeter", "GET", status=200, body={"cards": []})),
    ("R1", on_path("acme-greeter", "GET", status=404)),
]
FEEDBACK = [
    ("S6", on_path("/feedback", "POST", status=500)),
    ("T3", on_path("/feedback", "POST", **HTML)),
    ("F5", on_path("/feedback", "POST", **said(400))),
    ("F5", only_override_reason),
    ("D11", on_path("/feedback", "POST", status=308)),
]


@pytest.mark.parametrize(("rule", "twist"), [*BODIES, *STATUSES, *ERRORS, *FEEDBACK])
def test_a_fault_of_an_answer_is_found_and_named_by_its_rule(rule, twist):
    assert rules(judged("epic", twist)) == {rule}


@pytest.mark.parametrize(
    ("rule", "twist"),
    [
        ("S3", on_hooks(**said(412))),
        ("T6", on_hooks(body=b'{"cards": [], "extension": {"a.b": 1, "a.b": 2}}')),
        ("S5", on_path("no-such-service", "POST", body={"detail": "Not Found"})),
        ("S5", on_path("acme-greeter", "GET", body=b"Method Not Allowed", headers=TEXT)),
        (
            "D11",
            lambda asked, reply: (
                reply.but(headers={"Content-Type": "application/json"}) if asked.method == "GET" else reply
            ),
        ),
    ],
)
def test_what_is_allowed_but_unwise_is_a_remark(rule, twist):
    report = judged("epic", twist)
    assert (rules(report), rules(report, "remark")) == (set(), {rule})


@pytest.mark.parametrize(
    "twist",
    [
        on_hooks(body={"cards": []}),
        on_hooks(body=b'\r\n {"cards": []}\n'),
        on_hooks(headers={"Content-Type": "APPLICATION/JSON;charset=UTF-8"}),
        on_errors(headers={"Content-Type": "application/fhir+json"}),
        on_errors(status=422),
        on_path("/feedback", "POST", status=204),
        on_path("/feedback", "POST", status=202, body={}, headers={"Content-Type": "application/json"}),
        on_path("/feedback", "POST", status=200, body=b"null", headers={"Content-Type": "application/json"}),
    ],
)
def test_other_ways_to_be_right_are_no_faults(twist):
    report = judged("epic", twist)
    assert rules(report) | rules(report, "remark") <= {"T4"}


@pytest.mark.parametrize("reply", [said(404), {"status": 404, **HTML}])
def test_feedback_that_is_not_offered_is_no_fault(reply):
    report = judged("sandbox", on_path("/feedback", "POST", **reply))
    assert rules(report) | rules(report, "remark") == set()
    assert [step.verdict for step in report.steps if step.step == "feedback"] == ["not offered"] * 3
    assert "/feedback" not in {step.path for step in report.steps if step.method == "OPTIONS"}


def test_the_sentence_names_rule_place_and_what_to_do_and_no_value():
    report = judged("epic", on_answer(lambda document: document["cards"][0].update(summary="Nordmann " * 20)))
    (sentence,) = {finding.sentence for step in report.steps for finding in step.findings}
    assert sentence == "K1, cards[0].summary has 180 characters: say it in at most 139."


def test_a_redirect_is_told_with_its_target_but_without_its_query():
    location = "https://user:secret@cds.example/cds-services/acme?patient=1"
    report = judged("epic", on_hooks(status=307, body=b"", headers={"Location": location}))
    (seen,) = {finding.seen for step in report.steps for finding in step.findings}
    assert "a redirect to https://cds.example/cds-services/acme," in seen
    assert "secret" not in seen


def test_a_redirect_is_not_followed():
    with_target = on_hooks(status=307, body=b"", headers={"Location": "/cds-services/acme-checker"})
    report = judged("epic", with_target)
    assert [step.status for step in report.steps][:3] == [307, 307, 307]


def test_an_answer_that_takes_too_long_is_a_fault():
    def dawdles(asked, reply):
        if b'"order-sign"' in asked.body and reply.status == 200:
            sleep(0.6)
        return reply

    report = judged("epic", dawdles, limits=IMPATIENT)
    assert rules(report) == {"N1"}
    assert [step.status for step in report.steps if step.step == "order-sign"] == [None]


def test_an_answer_that_takes_long_is_a_remark():
    def dawdles(asked, reply):
        if asked.is_hook and reply.status == 200:
            sleep(0.15)
        return reply

    report = judged("epic", dawdles, limits=Limits(seconds=9, remark_ms=100))
    assert (rules(report), rules(report, "remark")) == (set(), {"N1"})


def test_one_who_never_answers_is_not_there():
    def silent(_, __):
        sleep(0.6)

    with pytest.raises(UnreachableError, match="answers nothing"):
        judged("oracle", silent, limits=IMPATIENT)


def test_a_bearer_token_that_comes_back_is_a_fault():
    bearer = "eyJhbGciOiJub25lIn0.e30."
    assert rules(judged("epic", tells(bearer), bearer=bearer)) == {"R10"}
    assert rules(judged("epic", tells("a short one"), bearer="a")) == set()


def test_the_place_of_a_fault_of_the_whole_body_is_empty():
    assert "" in paths(judged("epic", on_hooks(body=[1])))
