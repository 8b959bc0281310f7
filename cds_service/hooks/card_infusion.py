"""The readiness card before zoledronic acid: what stands against, what is missing, and the numbers for this child."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.hooks.card_draft import PLAN, Draft, brief, concerning, shortening, unread_lines, worst
from cds_service.hooks.card_findings import doubt_at_order, finding_line, topic_of
from cds_service.hooks.card_infusion_checks import problem_lines, problems, remark_lines, settled_line
from cds_service.hooks.card_infusion_numbers import control_line, dose_line, paracetamol_lines, plan_line, rate_line
from cds_service.hooks.card_infusion_warnings import (
    despite_allergy,
    is_contradiction,
    is_past,
    is_too_young,
    unsaid,
    warned_of,
)
from cds_service.hooks.card_suggestions import infusion_suggestions
from cds_service.mappings.orders import names_another

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cds_service.guideline.results import Check, Evaluation, Finding, Indicator, Infusion
    from cds_service.hooks.card_draft import Scope
    from cds_service.hooks.card_infusion_warnings import Warned
    from cds_service.hooks.wording import Wording

_CONCEPTS = frozenset(PLAN["infusion"]["concepts"])
_TYPES = frozenset(PLAN["infusion"]["types"])
_PLANNED_HERE = frozenset({"ZOL-11", "ZOL-12"})
"""Findings that the card tells as a line of its own and as suggestions."""
_ALARMS = frozenset({"DDX-01", "LAB-17"})
"""Findings that say themselves why the infusion waits."""


def infusion_card(evaluation: Evaluation, scope: Scope, wording: Wording, new_uuid: Callable[[], str]) -> Draft | None:
    """The card of ZOL-01 to ZOL-10; none without an order, or where the site wants none when all is in order."""
    infusion = evaluation.infusion
    if infusion is None:
        return _of_another(evaluation, wording) if names_another(evaluation.facts) else None
    findings = [
        found for found in evaluation.findings
        if topic_of(found, at_order=True) == "infusion" and not found.is_judged
    ]  # fmt: skip
    told = [found for found in findings if found.id not in _PLANNED_HERE]
    in_doubt = doubt_at_order(evaluation)
    if in_doubt and in_doubt.reason == "doubt" and not any(found.id in _ALARMS for found in told):
        told.insert(0, in_doubt)
    warned = warned_of(evaluation, infusion, wording)
    troubles = _troubles(infusion, warned, told, wording)
    if scope.quiet_when_ready and not troubles and not unsaid(evaluation, infusion, wording):
        return None
    notes = concerning(evaluation.notes, _CONCEPTS)
    unread = [note for note in notes if not is_contradiction(note, infusion)]
    return Draft(
        topic="infusion",
        indicator=_indicator(infusion, warned, told, scope),
        summary=_summary(evaluation, infusion, troubles, scope, wording),
        lines=_lines(evaluation, infusion, warned, told, scope, wording),
        last=(*_always_told(evaluation, infusion, wording), *unread_lines(evaluation, unread, wording, _TYPES)),
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


def _of_another(evaluation: Evaluation, wording: Wording) -> Draft:
    """An order of zoledronic acid that names another patient, and none that names this one: nothing was checked."""
    return Draft(
        topic="infusion",
        indicator="warning",
        summary=wording.text("infusion.foreign.summary"),
        lines=(wording.text("infusion.foreign.alone"),),
        notes=concerning(evaluation.notes, _CONCEPTS),
    )


def _is_stranger(scope: Scope) -> bool:
    """A child, or someone whose age is not known, without any sign of CNO."""
    return not scope.suspicion and scope.age_group != "adult"


def _indicator(infusion: Infusion, warned: Sequence[Warned], findings: Sequence[Finding], scope: Scope) -> Indicator:
    beside: Indicator = "warning" if warned else "info"
    indicator = worst((beside, *(part.indicator for part in _parts(infusion, findings))))
    if indicator == "critical" and not scope.suspicion and scope.age_group == "child":
        return "warning"
    return indicator


def _parts(infusion: Infusion, findings: Sequence[Finding]) -> tuple[Check | Finding, ...]:
    return (*infusion.checks, *findings)


def _troubles(infusion: Infusion, warned: Sequence[Warned], findings: Sequence[Finding], wording: Wording) -> list[str]:
    """What the summary names, the most severe first, each once."""
    others = [
        wording.text(_short_key(found, wording), rule=found.id)
        for found in findings
        if found.indicator != "info" and found.id != "LAB-18"
    ]
    return list(dict.fromkeys((*problems(infusion, wording), *(one.short for one in warned), *others)))


def _short_key(finding: Finding, wording: Wording) -> str:
    own = f"findings.{finding.id}"
    return wording.first(f"{own}.{finding.reason}.short", f"{own}.short", "findings.other.short")


def _summary(
    evaluation: Evaluation, infusion: Infusion, troubles: Sequence[str], scope: Scope, wording: Wording
) -> str:
    kind = "stranger" if _is_stranger(scope) else "patient"
    is_ready = infusion.readiness == "ready"
    if troubles:
        key = f"infusion.{kind}.{'warned' if is_ready else 'troubles'}"
        texts = [wording.text(key, troubles=items) for items in shortening(troubles, wording)]
    else:
        texts = [wording.text(f"infusion.{kind}.ready")]
    silent = unsaid(evaluation, infusion, wording)
    fuller = [" ".join((texts[0], *silent[:n])) for n in range(len(silent), 0, -1)]
    always = silent[:1] if is_ready and is_past(infusion.planned, evaluation.today) else []
    return brief([*fuller, *(" ".join((text, *always)) for text in texts)])


def _lines(  # noqa: PLR0913, PLR0917  all that its lines are drawn from
    evaluation: Evaluation,
    infusion: Infusion,
    warned: Sequence[Warned],
    findings: Sequence[Finding],
    scope: Scope,
    wording: Wording,
) -> tuple[str, ...]:
    dosed = not is_too_young(infusion)
    return (
        *_opening(evaluation, infusion, scope, wording),
        *problem_lines(infusion, wording),
        *(finding_line(finding, wording) for finding in findings),
        *(one.line for one in warned if one.line),
        *([wording.text("infusion.ready")] if infusion.readiness == "ready" else []),
        *(dose_line(infusion, wording) if dosed else ()),
        *([rate_line(infusion, wording)] if dosed else []),
        *remark_lines(infusion, wording, allergy=not despite_allergy(evaluation, infusion)),
        *settled_line(infusion, wording),
    )


def _opening(evaluation: Evaluation, infusion: Infusion, scope: Scope, wording: Wording) -> tuple[str, ...]:
    """Whose limits these are, and what nobody told."""
    whose = ["infusion.stranger.line"] if _is_stranger(scope) else []
    whose += ["frame.adult"] if scope.age_group == "adult" else []
    opening = [*(wording.text(key) for key in whose), *unsaid(evaluation, infusion, wording)]
    return (" ".join(opening),) if opening else ()


def _always_told(evaluation: Evaluation, infusion: Infusion, wording: Wording) -> tuple[str, ...]:
    """The order and its day, paracetamol and the controls, which never give way."""
    paracetamol = () if is_too_young(infusion) else paracetamol_lines(infusion, evaluation.facts, wording)
    return (plan_line(infusion, evaluation.today, wording), *paracetamol, control_line(wording))
