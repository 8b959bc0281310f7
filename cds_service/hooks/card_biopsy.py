"""The biopsy card: reasons for, against and not assessed, counted and named. It never weighs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.guideline.criteria import is_outside
from cds_service.guideline.dates import known_to
from cds_service.guideline.facts import Coded, Measurement
from cds_service.guideline.interval import Truth
from cds_service.guideline.tables import TABLES
from cds_service.hooks.card_draft import PLAN, Draft, brief, shortening, unread_lines, worst
from cds_service.hooks.card_facts import all_shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cds_service.guideline.facts import Fact
    from cds_service.guideline.results import Biopsy, Evaluation, Reason
    from cds_service.hooks.wording import Wording

_WITH_EVIDENCE = frozenset(PLAN["with_evidence"])
_NAMED_BY_FACTS = frozenset(PLAN["named_by_facts"])
_NUMBERS = TABLES.criteria
_WHOLE_BODY_KNOWN = _NUMBERS.distribution_unifocal_confirmed.count
_MOST_FACTS = 3


def biopsy_card(evaluation: Evaluation, wording: Wording) -> Draft | None:
    """The card of BIO-02 to BIO-19; none while all that stands there is that malignancy was not answered."""
    biopsy, told = evaluation.biopsy, _Telling(evaluation, wording)
    reasons = (*biopsy.consider, *biopsy.refrain)
    if all(_is_merely_unanswered(reason) for reason in reasons):
        return None
    lines = (
        told.opening(),
        *(told.line("for", reason) for reason in biopsy.consider),
        *(told.line("against", reason) for reason in biopsy.refrain),
    )
    evidence = tuple(fact for reason in (*reasons, *biopsy.not_assessed) for fact in reason.evidence)
    return Draft(
        topic="biopsy",
        indicator=worst(reason.indicator for reason in biopsy.consider),
        summary=_summary(biopsy, told, wording),
        lines=lines,
        last=(
            *told.not_assessed(biopsy.not_assessed),
            *unread_lines(evaluation, evaluation.notes, wording),
        ),
        evidence=evidence,
        notes=evaluation.notes,
    )


def _is_merely_unanswered(reason: Reason) -> bool:
    return reason.id == "BIO-19" and reason.reason == "unanswered"


def _summary(biopsy: Biopsy, told: _Telling, wording: Wording) -> str:
    counts = {"for_": str(len(biopsy.consider)), "against": str(len(biopsy.refrain))}
    counts["open"] = str(len(biopsy.not_assessed))
    urgent = [told.name(reason) for reason in biopsy.consider if reason.indicator != "info"]
    if not urgent:
        return wording.text("biopsy.summary" if biopsy.consider else "biopsy.none_for", **counts)
    return brief([wording.text("biopsy.urgent", **counts, reasons=items) for items in shortening(urgent, wording)])


@dataclass(frozen=True, slots=True)
class _Telling:
    """How the reasons of one evaluation are put into words."""

    evaluation: Evaluation
    wording: Wording

    def opening(self) -> str:
        """The first line; with what a biopsy is for, where one may be needed (BIO-01)."""
        needed = any(finding.id == "BIO-01" for finding in self.evaluation.findings)
        return self.wording.text("findings.BIO-01.line" if needed else "biopsy.line")

    def line(self, side: str, reason: Reason) -> str:
        """`- For: unormal celletelling – trombocytter 82 ×10⁹/L (…)`."""
        found = all_shown(_telling(reason), self.wording, _MOST_FACTS, self._judged(reason))
        if found and reason.id in _NAMED_BY_FACTS:
            return self.wording.text(f"biopsy.{side}", reason=found)
        name = self.name(reason)
        if found:
            told = self.wording.texts.get(f"reasons.{reason.id}.told", name)
            name = self.wording.text("biopsy.with_evidence", reason=told, found=found)
        return self.wording.text(f"biopsy.{side}", reason=name)

    def not_assessed(self, reasons: Sequence[Reason]) -> tuple[str, ...]:
        """One line with the names."""
        if not reasons:
            return ()
        names = "; ".join(self.name(reason) for reason in reasons)
        return (self.wording.text("biopsy.not_assessed", names=names),)

    def name(self, reason: Reason) -> str:
        """The reason without its facts."""
        word = reason.reason
        if reason.id == "BIO-14" and word is None and reason.truth is Truth.YES and self._whole_body_open():
            word = "provisional"
        return self.wording.text(self.wording.first(f"reasons.{reason.id}.{word}", f"reasons.{reason.id}.name"))

    def _whole_body_open(self) -> bool:
        """Whether a single bone may be single only because the rest was not looked at."""
        domain = next(one for one in self.evaluation.classification.domains if one.name == "distribution")
        return domain.high != _WHOLE_BODY_KNOWN

    def _judged(self, reason: Reason) -> frozenset[Fact]:
        """The LD values that the clinician has answered for."""
        form = self.evaluation.facts.answers
        if form.choice("ldh-concern") is None:
            return frozenset()
        return frozenset(
            fact
            for fact in reason.evidence
            if isinstance(fact, Measurement) and fact.name == "ldh" and known_to(fact.when, form.authored)
        )


def _telling(reason: Reason) -> tuple[Fact, ...]:
    """The facts that speak for the reason: of results, those that are not as they should be."""
    if reason.id in _NAMED_BY_FACTS:
        return tuple(fact for fact in reason.evidence if isinstance(fact, Coded) and fact.value == "yes")
    if reason.id not in _WITH_EVIDENCE:
        return ()
    return tuple(fact for fact in reason.evidence if not isinstance(fact, Measurement) or _is_abnormal(fact))


def _is_abnormal(result: Measurement) -> bool:
    if result.name == "platelets" and result.value.below(_NUMBERS.platelets_below.value) is Truth.YES:
        return True
    return result.name == "blasts" or is_outside(result) is Truth.YES
