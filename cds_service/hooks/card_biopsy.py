"""The biopsy card: reasons for, against and not assessed, counted and named. It never weighs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.guideline.criteria import is_outside
from cds_service.guideline.facts import Measurement
from cds_service.guideline.interval import Truth
from cds_service.hooks.card_draft import PLAN, Draft, brief, shortening, unread_lines, worst
from cds_service.hooks.card_facts import all_shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cds_service.guideline.facts import Fact
    from cds_service.guideline.results import Biopsy, Evaluation, Reason
    from cds_service.hooks.wording import Wording

_WITH_EVIDENCE = frozenset(PLAN["with_evidence"])


def biopsy_card(evaluation: Evaluation, wording: Wording) -> Draft | None:
    """The card of BIO-02 to BIO-19; none while all that stands there is that malignancy was not answered."""
    biopsy = evaluation.biopsy
    reasons = (*biopsy.consider, *biopsy.refrain)
    if all(_is_merely_unanswered(reason) for reason in reasons):
        return None
    lines = (
        wording.text("biopsy.line"),
        *(_reason_line("for", reason, wording) for reason in biopsy.consider),
        *(_reason_line("against", reason, wording) for reason in biopsy.refrain),
    )
    evidence = tuple(fact for reason in (*reasons, *biopsy.not_assessed) for fact in reason.evidence)
    return Draft(
        topic="biopsy",
        indicator=worst(reason.indicator for reason in biopsy.consider),
        summary=_summary(biopsy, wording),
        lines=lines,
        last=(
            *_not_assessed(biopsy.not_assessed, wording),
            *unread_lines(evaluation, evaluation.notes, wording),
        ),
        evidence=evidence,
        notes=evaluation.notes,
    )


def _is_merely_unanswered(reason: Reason) -> bool:
    return reason.id == "BIO-19" and reason.reason == "unanswered"


def _summary(biopsy: Biopsy, wording: Wording) -> str:
    counts = {"for_": str(len(biopsy.consider)), "against": str(len(biopsy.refrain))}
    counts["open"] = str(len(biopsy.not_assessed))
    urgent = [_name(reason, wording) for reason in biopsy.consider if reason.indicator != "info"]
    if not urgent:
        return wording.text("biopsy.summary", **counts)
    return brief([wording.text("biopsy.urgent", **counts, reasons=items) for items in shortening(urgent, wording)])


def _reason_line(side: str, reason: Reason, wording: Wording) -> str:
    name = _name(reason, wording)
    found = all_shown(_telling(reason), wording, 2)
    if found:
        name = wording.text("biopsy.with_evidence", reason=name, found=found)
    return wording.text(f"biopsy.{side}", reason=name)


def _telling(reason: Reason) -> tuple[Fact, ...]:
    """The facts that speak for the reason: of counts, those outside their range."""
    if reason.id not in _WITH_EVIDENCE:
        return ()
    return tuple(fact for fact in reason.evidence if not isinstance(fact, Measurement) or _is_abnormal(fact))


def _is_abnormal(count: Measurement) -> bool:
    return count.name == "blasts" or is_outside(count) is Truth.YES


def _not_assessed(reasons: Sequence[Reason], wording: Wording) -> tuple[str, ...]:
    if not reasons:
        return ()
    names = "; ".join(_name(reason, wording) for reason in reasons)
    return (wording.text("biopsy.not_assessed", names=names),)


def _name(reason: Reason, wording: Wording) -> str:
    return wording.text(wording.first(f"reasons.{reason.id}.{reason.reason}", f"reasons.{reason.id}.name"))
