"""The orders that findings ask for: one draft each, none for what is ordered or requested already."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast

from cds_service.guideline.course import ZOLEDRONIC_ACID
from cds_service.guideline.facts import Coded
from cds_service.guideline.tables import TABLES
from cds_service.hooks.card_draft import PLAN, suggestion
from cds_service.mappings.outgoing import REQUESTS, is_sound_id, service_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from cds_service.guideline.results import Evaluation, Finding
    from cds_service.hooks.wording import Wording

_ASKED: dict[str, list[str]] = PLAN["suggests"]
_BY_REASON = frozenset(PLAN["groups"]["missing-tests"])
"""Rules whose reason names the tests that are missing."""
_NOTHING_NEW = frozenset(PLAN["no_order"])
"""Reasons that ask a question, or tell of something requested already."""
_HOURS_OF_A_DAY = 24
_HOURS = {
    "ZOL-11": TABLES.infusion.control_first_hours.count,
    "ZOL-12": TABLES.infusion.control_second_hours.count,
}
"""When after the infusion the control is due."""


def suggestions(
    evaluation: Evaluation, findings: Iterable[Finding], wording: Wording, new_uuid: Callable[[], str]
) -> tuple[dict[str, object], ...]:
    """One suggestion for each order, in the order of the findings; none while it is not known whose they would be."""
    patient = evaluation.facts.patient_id
    if patient is None or not is_sound_id(patient):
        return ()
    awaited = {order.concept.removeprefix("lab:") for order in evaluation.facts.orders}
    wanted: dict[tuple[str, date | None], None] = {}
    for finding in findings:
        for key in _keys(finding):
            if key not in awaited and key in REQUESTS:
                wanted[key, _due(finding, evaluation.today)] = None
    return tuple(_suggestion(key, due, patient, wording, new_uuid) for key, due in wanted)


def _keys(finding: Finding) -> list[str]:
    """What to order, as outgoing.toml names it."""
    if finding.id in _BY_REASON:
        return (finding.reason or "").split("+")
    reason = finding.reason or ""
    return [] if reason in _NOTHING_NEW or reason.startswith("waiting") else _ASKED.get(finding.id, [])


def _due(finding: Finding, today: date) -> date | None:
    """The day of a control after the infusion; none where it has passed, or is as good as now."""
    hours = _HOURS.get(finding.id)
    given = (fact.when for fact in finding.evidence if isinstance(fact, Coded) and fact.name == ZOLEDRONIC_ACID)
    when = next(given, None)
    if hours is None or when is None:
        return None
    day = when.latest + timedelta(days=hours // _HOURS_OF_A_DAY)
    return day if day >= today else None


def _suggestion(
    key: str, due: date | None, patient: str, wording: Wording, new_uuid: Callable[[], str]
) -> dict[str, object]:
    resource = service_request(key, patient, due=due, language=wording.language)
    kind = "referral" if key.startswith("referral_") else "order"
    name = str(cast("dict[str, object]", resource["code"])["text"])
    label = wording.text(f"suggestions.{kind}.label", name=name)
    if due is None:
        description = wording.text(f"suggestions.{kind}.description", name=name)
    else:
        description = wording.text("suggestions.order.dated", name=name, date=wording.day(due))
    return suggestion(label, description, resource, new_uuid)
