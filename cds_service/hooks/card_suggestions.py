"""The suggestions of the readiness card: one draft order each, and the whole of it said in its sentence."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_FLOOR
from typing import TYPE_CHECKING

from cds_service.guideline.tables import TABLES
from cds_service.hooks.card_draft import suggestion
from cds_service.hooks.card_infusion_warnings import allergies_unknown, is_too_young, lists_lack_paracetamol
from cds_service.mappings.outgoing import is_sound_id, paracetamol_request, service_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from cds_service.guideline.results import Check, Evaluation, Infusion
    from cds_service.hooks.wording import Wording

_NUMBERS = TABLES.infusion
_HOURS_OF_A_DAY = 24
_OWN_DATE = frozenset({"timing", "occurrence"})
_VITAMIN_D = frozenset({"lab:vitd25"})
_CALCIUM = frozenset({"lab:calcium_total", "lab:calcium_albcorr", "lab:calcium_free"})
_CONTROL = frozenset({"lab:calcium_free"})
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
    wanted = [*_blood_tests(evaluation, infusion, patient, wording)]
    if not is_too_young(infusion):
        wanted += _paracetamol(evaluation, infusion, patient, wording)
        wanted += _controls(evaluation, infusion, patient, wording)
    return tuple(suggestion(label, description, resource, new_uuid) for label, description, resource in wanted)


def _blood_tests(
    evaluation: Evaluation, infusion: Infusion, patient: str, wording: Wording
) -> Iterator[tuple[str, str, dict[str, object]]]:
    open_checks = {check.id for check in infusion.checks if check.status != "ok" and not _is_fresh(check, evaluation)}
    planned = max(infusion.planned.when.earliest, evaluation.today)
    if _is_ordered(evaluation, _VITAMIN_D, evaluation.today, planned):
        open_checks -= {"ZOL-01", "ZOL-02"}
    if _is_ordered(evaluation, _CALCIUM, evaluation.today, planned):
        open_checks -= {"ZOL-03"}
    is_low = any(check.id == "ZOL-02" and check.status == "breach" for check in infusion.checks)
    if is_low and "ZOL-02" in open_checks:
        resource = service_request("vitd25", patient, due=None, language=wording.language)
        yield *_told("vitamin_d_again", wording), resource
    elif open_checks & {"ZOL-01", "ZOL-02"}:
        first = _days_before(planned, _NUMBERS.vitamin_d_days_from.count, evaluation.today)
        last = _days_before(planned, _NUMBERS.vitamin_d_days_to.count, evaluation.today)
        resource = service_request("vitd25", patient, due=first, language=wording.language)
        yield *_told("vitamin_d", wording, when=_between(first, last, wording)), resource
    if "ZOL-03" in open_checks:
        first = _days_before(planned, _NUMBERS.calcium_days.count, evaluation.today)
        resource = service_request("calcium_total", patient, due=first, language=wording.language)
        yield *_told("calcium", wording, when=_between(first, planned, wording)), resource


def _is_fresh(check: Check, evaluation: Evaluation) -> bool:
    """A calcium taken after an old order without an infusion day, and still new enough for an infusion today."""
    if check.id != "ZOL-03" or check.reason != "after-order" or check.day is None:
        return False
    return check.day >= evaluation.today - timedelta(days=_NUMBERS.calcium_days.count)


def _days_before(planned: date, days: int, today: date) -> date:
    """So many days before the infusion, but not in the past."""
    return max(planned - timedelta(days=days), today)


def _paracetamol(
    evaluation: Evaluation, infusion: Infusion, patient: str, wording: Wording
) -> Iterator[tuple[str, str, dict[str, object]]]:
    amount = infusion.paracetamol_mg
    if not infusion.paracetamol_order_allowed or amount is None:
        return
    dose = amount.to_integral_value(ROUND_FLOOR)
    planned = max(infusion.planned.when.earliest, evaluation.today)
    resource = paracetamol_request(patient, dose, planned=planned, language=wording.language)
    label, description = _told(
        "paracetamol",
        wording,
        mg=wording.number(dose, 0),
        per_kg=wording.number(_NUMBERS.paracetamol_mg_per_kg.value, 0),
        hours=wording.number(_NUMBERS.paracetamol_hours.value, 0),
        doses=wording.number(_NUMBERS.paracetamol_doses_per_day.value, 0),
    )
    if lists_lack_paracetamol(evaluation.facts):
        description = wording.text("suggestions.paracetamol.unknown", description=description)
    if allergies_unknown(evaluation.facts):
        description = wording.text("suggestions.paracetamol.unchecked", description=description)
    yield label, description, resource


def _controls(
    evaluation: Evaluation, infusion: Infusion, patient: str, wording: Wording
) -> Iterator[tuple[str, str, dict[str, object]]]:
    asked = {finding.id for finding in evaluation.findings}
    for rule, key, hours in _CONTROLS:
        if rule in asked:
            due = infusion.planned.when.earliest + timedelta(days=hours // _HOURS_OF_A_DAY)
            passed = infusion.planned.when.earliest < evaluation.today
            if _is_ordered(evaluation, _CONTROL, due, due, undated=passed):
                continue
            label, description = _told(key, wording, hours=str(hours), date=wording.day(due))
            if passed:
                description = wording.text(f"suggestions.{key}.undated", hours=str(hours))
            day = None if passed else due
            yield label, description, service_request("calcium_free", patient, due=day, language=wording.language)


def _is_ordered(
    evaluation: Evaluation, concepts: frozenset[str], first: date, last: date, *, undated: bool = True
) -> bool:
    """Whether one of the tests is ordered for one of these days, or, where that may count, for a day not told."""
    for order in evaluation.facts.orders:
        if order.concept not in concepts:
            continue
        if order.planned is None or order.planned.told_by not in _OWN_DATE:
            if undated:
                return True
        elif order.planned.when.earliest <= last and order.planned.when.latest >= first:
            return True
    return False


def _between(first: date, last: date, wording: Wording) -> str:
    return wording.day(first) if first == last else f"{wording.day(first)}–{wording.day(last)}"


def _told(key: str, wording: Wording, **slots: str) -> tuple[str, str]:
    """Label and description of a suggestion."""
    return wording.text(f"suggestions.{key}.label", **slots), wording.text(f"suggestions.{key}.description", **slots)
