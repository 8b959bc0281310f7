import pytest

from cds_service.simulate.address import read_address
from cds_service.simulate.answers import Outcome
from cds_service.simulate.client import Answer, Limits, UnansweredError, UnreachableError
from cds_service.simulate.http_checks import Private
from cds_service.simulate.vendor import profile
from cds_service.simulate.visit import Request, Visit, VisitOverError

FINE = Answer(200, {"content-type": "application/json"}, b'{"cards": []}', 3)
ONE = Request("patient-view", "POST", "/cds-services/acme", b"{}")


class Scripted:
    """Gives its answers in order; an exception is raised."""

    def __init__(self, *answers):
        self._answers = list(answers)

    def send(self, *_):
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def visit(*answers, url="http://127.0.0.1:1"):
    return Visit(profile("epic"), read_address(url), Scripted(*answers), Limits(), Private())


def ask(one):
    return one.ask(ONE, lambda _: Outcome())


def told(one):
    return [[finding.rule for finding in step.findings] for step in one.steps]


def test_a_service_that_was_there_and_is_gone_ends_the_visit_with_a_fault():
    one = visit(FINE, UnreachableError("gone"))
    ask(one)
    with pytest.raises(VisitOverError):
        ask(one)
    assert told(one) == [[], ["S6"]]
    assert [step.verdict for step in one.steps] == ["ok", "FAULT"]


def test_who_cannot_be_reached_at_first_was_never_there():
    with pytest.raises(UnreachableError, match="nobody"):
        ask(visit(UnreachableError("nobody")))


def test_three_silences_are_enough_but_not_after_an_answer():
    silence = [UnansweredError("too-slow") for _ in range(5)]
    one = visit(*silence)
    ask(one)
    ask(one)
    with pytest.raises(UnreachableError):
        ask(one)
    other = visit(FINE, *silence)
    for _ in range(6):
        ask(other)
    assert told(other) == [[], *[["N1"]] * 5]


def test_half_an_answer_is_not_read():
    half = Answer(200, FINE.headers, b'{"cards"', 3, "cut-off")
    one = visit(half)
    assert ask(one).cards is None
    assert told(one) == [["S6"]]
    assert one.steps[0].status == 200


def test_an_open_address_off_this_machine_is_remarked_once():
    one = visit(FINE, FINE, url="http://cds.example")
    ask(one)
    ask(one)
    assert told(one) == [["T1"], []]
