"""The suggestions of the readiness card: one draft order each, and the whole of it said in its sentence."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_FLOOR
from typing import TYPE_CHECKING

from cds_service.guideline.tables import TABLES
from cds_service.mappings.outgoing import is_sound_id, paracetamol_request, service_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from cds_service.guideline.results import Evaluation, Infusion
    from cds_service.hooks.wording import Wording

_NUMBERS = TABLES.infusion
_HOURS_OF_A_DAY = 24
_CONTROLS = (
    ("ZOL-11", "calcium_first", _NUMBERS.control_first_hours.count),
    ("ZOL-12", "calcium_second", _NUMBERS.control_second_hours.count),
)


def infusion_suggestions(
    evaluation: Evaluation, infusion: Infusion, wording: Wording, new_uuid: Callable[[], str]
) -> tuple[dict[str, object], ...]:
    """Draft orders that the checks ask for; none while it is not known whose they would be."""
    patient = evaluation.facts.patient_id
    if patient is None or not is_sound_id(patient):
        return ()
    wanted = (
        *_blood_tests(evaluation, infusion, patient, wording),
        *_paracetamol(infusion, patient, wording),
        *_controls(evaluation, infusion, patient, wording),
    )
    return tuple(
        {
            "label": label,
            "uuid": new_uuid(),
            "actions": [{"type": "create", "description": description, "resource": resource}],
        }
        for label, description, resource in wanted
    )


def _blood_tests(
    evaluation: Evaluation, infusion: Infusion, patient: str, wording: Wording
) -> Iterator[tuple[str, str, dict[str, object]]]:
    open_checks = {check.id for check in infusion.checks if check.status != "ok"}
    planned = infusion.planned.when.earliest
    if open_checks & {"ZOL-01", "ZOL-02"}:
        first = _days_before(planned, _NUMBERS.vitamin_d_days_from.count, evaluation.today)
        last = _days_before(planned, _NUMBERS.vitamin_d_days_to.count, evaluation.today)
        resource = service_request("vitd25", patient, due=first, language=wording.language)
        yield *_told("vitamin_d", wording, when=_between(first, last, wording)), resource
    if "ZOL-03" in open_checks:
        first = _days_before(planned, _NUMBERS.calcium_days.count, evaluation.today)
        resource = service_request("calcium_total", patient, due=first, language=wording.language)
        yield *_told("calcium", wording, when=_between(first, planned, wording)), resource


def _days_before(planned: date, days: int, today: date) -> date:
    """So many days before the infusion, but not in the past while the infusion lies ahead."""
    day = planned - timedelta(days=days)
    return max(day, today) if today <= planned else day


def _paracetamol(infusion: Infusion, patient: str, wording: Wording) -> Iterator[tuple[str, str, dict[str, object]]]:
    amount = infusion.paracetamol_mg
    if not infusion.paracetamol_order_allowed or amount is None:
        return
    dose = amount.to_integral_value(ROUND_FLOOR)
    resource = paracetamol_request(patient, dose, planned=infusion.planned.when.earliest, language=wording.language)
    told = _told(
        "paracetamol",
        wording,
        mg=wording.number(dose, 0),
        per_kg=wording.number(_NUMBERS.paracetamol_mg_per_kg.value, 0),
        hours=wording.number(_NUMBERS.paracetamol_hours.value, 0),
        doses=wording.number(_NUMBERS.paracetamol_doses_per_day.value, 0),
    )
    yield *told, resource


def _controls(
    evaluation: Evaluation, infusion: Infusion, patient: str, wording: Wording
) -> Iterator[tuple[str, str, dict[str, object]]]:
    asked = {finding.id for finding in evaluation.findings}
    for rule, key, hours in _CONTROLS:
        if rule in asked:
            due = infusion.planned.when.earliest + timedelta(days=hours // _HOURS_OF_A_DAY)
            resource = service_request("calcium_free", patient, due=due, language=wording.language)
            yield *_told(key, wording, hours=str(hours), date=wording.day(due)), resource


def _between(first: date, last: date, wording: Wording) -> str:
    return wording.day(first) if first == last else f"{wording.day(first)}–{wording.day(last)}"


def _told(key: str, wording: Wording, **slots: str) -> tuple[str, str]:
    """Label and description of a suggestion."""
    return wording.text(f"suggestions.{key}.label", **slots), wording.text(f"suggestions.{key}.description", **slots)
