"""The readiness card before zoledronic acid: what stands against, what is missing, and the numbers for this child."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.hooks.card_draft import PLAN, Draft, brief, concerning, shortening, unread_lines, worst
from cds_service.hooks.card_findings import finding_line, topic_of
from cds_service.hooks.card_infusion_checks import check_lines, problems, settled_line
from cds_service.hooks.card_infusion_numbers import control_line, dose_line, paracetamol_line, plan_line, rate_line
from cds_service.hooks.card_suggestions import infusion_suggestions

if TYPE_CHECKING:
    from collections.abc import Callable

    from cds_service.guideline.results import Check, Evaluation, Finding, Indicator, Infusion
    from cds_service.hooks.cards import Scope
    from cds_service.hooks.wording import Wording

_CONCEPTS = frozenset(PLAN["infusion"]["concepts"])
_TYPES = frozenset(PLAN["infusion"]["types"])
_PLANNED_HERE = frozenset({"ZOL-11", "ZOL-12"})
"""Findings that the card tells as a line of its own and as suggestions."""


def infusion_card(evaluation: Evaluation, scope: Scope, wording: Wording, new_uuid: Callable[[], str]) -> Draft | None:
    """The card of ZOL-01 to ZOL-10; none without an order, or where the site wants none when all is in order."""
    infusion = evaluation.infusion
    if infusion is None:
        return None
    findings = [found for found in evaluation.findings if topic_of(found, at_order=True) == "infusion"]
    told = [found for found in findings if found.id not in _PLANNED_HERE]
    troubles = _troubles(infusion, told, wording)
    if scope.quiet_when_ready and not troubles:
        return None
    notes = concerning(evaluation.notes, _CONCEPTS)
    return Draft(
        topic="infusion",
        indicator=_indicator(infusion, told, scope),
        summary=_summary(troubles, scope, wording),
        lines=_lines(infusion, told, troubles, scope, wording),
        last=unread_lines(evaluation, notes, wording, _TYPES),
        evidence=tuple(fact for part in _parts(infusion, findings) for fact in part.evidence),
        notes=notes,
        suggestions=infusion_suggestions(evaluation, infusion, wording, new_uuid),
    )


def unreadable_order_card(evaluation: Evaluation, wording: Wording) -> Draft:
    """An order whose drug could not be read, in a child with suspicion of CNO: that nothing was checked is said."""
    return Draft(
        topic="treatment-order",
        indicator="info",
        summary=wording.text("unreadable_order.summary"),
        lines=(wording.text("unreadable_order.line"),),
        last=unread_lines(evaluation, evaluation.notes, wording),
        notes=evaluation.notes,
    )


def _is_stranger(scope: Scope) -> bool:
    """A child, or someone whose age is not known, without any sign of CNO."""
    return not scope.suspicion and scope.age_group != "adult"


def _indicator(infusion: Infusion, findings: list[Finding], scope: Scope) -> Indicator:
    alp: Indicator = "warning" if infusion.low_alp else "info"
    indicator = worst((alp, *(part.indicator for part in _parts(infusion, findings))))
    if indicator == "critical" and not scope.suspicion and scope.age_group == "child":
        return "warning"
    return indicator


def _parts(infusion: Infusion, findings: list[Finding]) -> tuple[Check | Finding, ...]:
    return (*infusion.checks, *findings)


def _troubles(infusion: Infusion, findings: list[Finding], wording: Wording) -> list[str]:
    """What the summary names, the most severe first, each once."""
    alp = [wording.text("infusion.low_alp")] if infusion.low_alp else []
    others = [
        wording.text(wording.first(f"findings.{found.id}.short", "findings.other.short"), rule=found.id)
        for found in findings
        if found.indicator != "info" and found.id != "LAB-18"
    ]
    return list(dict.fromkeys((*problems(infusion, wording), *alp, *others)))


def _summary(troubles: list[str], scope: Scope, wording: Wording) -> str:
    kind = "stranger" if _is_stranger(scope) else "patient"
    if not troubles:
        return wording.text(f"infusion.{kind}.ready")
    key = f"infusion.{kind}.troubles"
    return brief([wording.text(key, troubles=items) for items in shortening(troubles, wording)])


def _lines(
    infusion: Infusion, findings: list[Finding], troubles: list[str], scope: Scope, wording: Wording
) -> tuple[str, ...]:
    opening = [wording.text("infusion.stranger.line")] if _is_stranger(scope) else []
    if not troubles:
        opening.append(wording.text("infusion.ready"))
    return (
        *([" ".join(opening)] if opening else ()),
        *check_lines(infusion, wording),
        *(finding_line(finding, wording) for finding in findings),
        *plan_line(infusion, wording),
        *dose_line(infusion, wording),
        rate_line(infusion, wording),
        *paracetamol_line(infusion, wording),
        control_line(wording),
        *settled_line(infusion, wording),
    )
