"""The orders that findings ask for: one draft each, none for what is ordered or requested already."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast

from cds_service.guideline.course import ZOLEDRONIC_ACID
from cds_service.guideline.dates import When, age_reached
from cds_service.guideline.facts import Coded
from cds_service.guideline.interval import Truth
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
_CONTROL_WORDS = {"ZOL-11": "calcium_first", "ZOL-12": "calcium_second"}
_ADULT_FROM = TABLES.criteria.onset_below_age.count


def suggestions(
    evaluation: Evaluation, findings: Iterable[Finding], wording: Wording, new_uuid: Callable[[], str]
) -> tuple[dict[str, object], ...]:
    """One suggestion for each order, in the order of the findings; none while it is not known whose they would be."""
    patient = evaluation.facts.patient_id
    if patient is None or not is_sound_id(patient):
        return ()
    facts = evaluation.facts
    known = {order.concept.partition(":")[2] for order in facts.orders} | facts.unreadable
    wanted: dict[tuple[str, str | None, date | None], None] = {}
    for finding in findings:
        if finding.id in _BY_REASON and not _may_order_tests(evaluation):
            continue
        control = finding.id if finding.id in _HOURS else None
        for key in _keys(finding):
            if key not in known and key in REQUESTS:
                wanted[key, control, _due(finding, evaluation.today)] = None
    return tuple(
        _control(control, due, patient, wording, new_uuid) if control else _suggestion(key, patient, wording, new_uuid)
        for key, control, due in wanted
    )


def _may_order_tests(evaluation: Evaluation) -> bool:
    """Not where results did not come, for nobody knows what is missing; not for an adult, nor once CNO is diagnosed."""
    facts = evaluation.facts
    adult = age_reached(facts.born, _ADULT_FROM, When.on(evaluation.today)) is Truth.YES
    return not adult and not facts.confirmed("cno") and "Observation" not in facts.not_received


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


def _control(
    rule: str, due: date | None, patient: str, wording: Wording, new_uuid: Callable[[], str]
) -> dict[str, object]:
    """Free calcium so many hours after the infusion, the second time at the GP, as the readiness card suggests it."""
    key, hours = f"suggestions.{_CONTROL_WORDS[rule]}", str(_HOURS[rule])
    told = "undated" if due is None else "description"
    date_told = {} if due is None else {"date": wording.day(due)}
    description = wording.text(f"{key}.{told}", hours=hours, **date_told)
    resource = service_request("calcium_free", patient, due=due, language=wording.language)
    return suggestion(wording.text(f"{key}.label", hours=hours), description, resource, new_uuid)


def _suggestion(key: str, patient: str, wording: Wording, new_uuid: Callable[[], str]) -> dict[str, object]:
    resource = service_request(key, patient, due=None, language=wording.language)
    kind = "referral" if key.startswith("referral_") else "order"
    name = str(cast("dict[str, object]", resource["code"])["text"])
    label, description = (wording.text(f"suggestions.{kind}.{part}", name=name) for part in ("label", "description"))
    return suggestion(label, description, resource, new_uuid)
