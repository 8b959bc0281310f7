"""One visit to a service: each request is sent, its answer judged, and the step written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.simulate.answers import Outcome
from cds_service.simulate.client import LONGEST_ANSWER, UnansweredError, UnreachableError
from cds_service.simulate.findings import Judge, Seen
from cds_service.simulate.http_checks import common_remarks, cors_remarks, preflight_remarks, repeated
from cds_service.simulate.report import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cds_service.simulate.address import Address
    from cds_service.simulate.client import Answer, Client, Limits
    from cds_service.simulate.http_checks import Private
    from cds_service.simulate.vendor import Profile

_PATIENCE = 3
"""Requests without any answer, before nobody is thought to be there."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a visit: what the step is called, and what is sent."""

    step: str
    method: str
    path: str
    body: bytes | None = None


class VisitOverError(Exception):
    """The service answered before and is gone now."""


class Visit:
    """What has been asked so far, and what came of it."""

    def __init__(self, vendor: Profile, address: Address, client: Client, limits: Limits, private: Private) -> None:
        self._vendor = vendor
        self._address = address
        self._client = client
        self._limits = limits
        self._slots = {"seconds": f"{limits.seconds:g}", "most": LONGEST_ANSWER}
        self._private = private
        self._judge = Judge(vendor.levels)
        self.steps: list[Step] = []

    def ask(self, request: Request, read: Callable[[Answer], Outcome]) -> Outcome | None:
        """Send one request and write down what `read` makes of the answer; None if there is none.

        Raises:
            UnreachableError: nobody has ever answered.
            VisitOverError: nobody answers any more.
        """
        origin = self._vendor.origin
        headers = {**self._vendor.headers, **({"Origin": origin} if origin else {})}
        if request.body is None:
            headers.pop("Content-Type", None)
        answer = self._send(request, headers)
        if answer is None:
            return None
        outcome = read(answer) if answer.trouble is None else Outcome([Seen(answer.trouble, slots=self._slots)])
        seen = [*common_remarks(answer, self._limits), *outcome.seen, *repeated(answer, self._private)]
        seen += cors_remarks(answer, origin) if origin else ()
        told = (one for one in seen if one.check not in outcome.excused)
        self._note(request, told if outcome.is_offered else (), answer, outcome)
        return outcome

    def preflight(self, path: str, method: str) -> None:
        """Ask as a browser does before the request itself, if the EHR is a page in one.

        Raises:
            UnreachableError: nobody has ever answered.
            VisitOverError: nobody answers any more.
        """
        origin = self._vendor.origin
        if origin is None:
            return
        asked = ("authorization", "content-type") if method == "POST" else ("authorization",)
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": ",".join(asked),
        }
        request = Request("preflight", "OPTIONS", path)
        answer = self._send(request, headers)
        if answer is not None:
            common = (seen for seen in common_remarks(answer, self._limits) if seen.check != "unauthorised")
            self._note(request, [*common, *preflight_remarks(answer, origin, method, asked)], answer)

    def require_an_answer(self) -> None:
        """See that somebody is there.

        Raises:
            UnreachableError: nobody has ever answered.
        """
        if all(step.status is None for step in self.steps):
            silence = f"or is silent for {self._slots['seconds']} seconds"
            raise UnreachableError(f"{self._address.host} answers nothing: it hangs up, {silence}.")

    def _send(self, request: Request, headers: Mapping[str, str]) -> Answer | None:
        try:
            return self._client.send(request.method, request.path, headers, request.body)
        except UnansweredError as fault:
            self._note(request, [Seen(fault.check, slots=self._slots)])
            if len(self.steps) >= _PATIENCE:
                self.require_an_answer()
            return None
        except UnreachableError:
            if not self.steps:
                raise
            self._note(request, [Seen("gone")])
            self.require_an_answer()
            raise VisitOverError from None

    def _note(
        self, request: Request, seen: Iterable[Seen], answer: Answer | None = None, outcome: Outcome | None = None
    ) -> None:
        first = [Seen("open-address")] if self._address.is_open and not self.steps else []
        outcome = outcome or Outcome()
        step = Step(
            step=request.step,
            method=request.method,
            path=request.path,
            status=None if answer is None else answer.status,
            ms=None if answer is None else answer.ms,
            cards=None if outcome.cards is None else len(outcome.cards),
            findings=self._judge.findings([*first, *seen]),
            is_offered=outcome.is_offered,
        )
        self.steps.append(step)
