"""The readiness card's numbers for this child: which order, dose, rate, paracetamol, controls. Maxima round down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.guideline.facts import Measurement
from cds_service.guideline.infusion import has_active_paracetamol
from cds_service.guideline.tables import TABLES
from cds_service.hooks.card_facts import decimals, measured
from cds_service.hooks.card_infusion_warnings import allergies_unknown, has_passed, lists_lack_paracetamol
from cds_service.hooks.wording import sentence

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from cds_service.guideline.facts import Facts
    from cds_service.guideline.results import Infusion
    from cds_service.hooks.wording import Wording

_NUMBERS = TABLES.infusion


def plan_line(infusion: Infusion, today: date, wording: Wording) -> str:
    """Which order, for when and who said so; a planned day that has passed is told so."""
    order = _ordered_dose(infusion, wording) or wording.text("infusion.this_order")
    planned = infusion.planned
    return wording.text(
        "infusion.plan_past" if has_passed(planned, today) else "infusion.plan",
        order=order,
        date=wording.when(planned.when),
        told_by=wording.text(f"infusion.told_by.{planned.told_by}"),
    )


def dose_line(infusion: Infusion, wording: Wording) -> tuple[str, ...]:
    """The recommended and the highest dose in milligrams; none without a weight that can be relied on."""
    if infusion.weight is None or infusion.usual_dose_mg is None or infusion.highest_dose_mg is None:
        return ()
    return (
        wording.text(
            "infusion.dose",
            weight=sentence(_weight(infusion, infusion.weight, wording)),
            usual=wording.number(infusion.usual_dose_mg, decimals("dose_mg"), down=True),
            highest=wording.number(infusion.highest_dose_mg, decimals("dose_mg"), down=True),
            usual_per_kg=_table(_NUMBERS.dose_usual.value, wording),
            highest_per_kg=_table(_NUMBERS.dose_max.value, wording),
            months=_table(_NUMBERS.interval_months.value, wording),
        ),
    )


def rate_line(infusion: Infusion, wording: Wording) -> str:
    """The highest rate, the shortest time where the volume is told, and the product's own minimum."""
    slots = {
        "per_kg": _table(_NUMBERS.rate_max.value, wording),
        "product_minutes": _table(_NUMBERS.shortest_minutes.value, wording),
    }
    if infusion.highest_rate_ml_h is None:
        return wording.text("infusion.rate.per_kg", **slots)
    slots["rate"] = wording.number(infusion.highest_rate_ml_h, decimals("rate"), down=True)
    if infusion.shortest_minutes is None:
        return wording.text("infusion.rate.for_weight", **slots)
    return wording.text("infusion.rate.for_volume", **slots, minutes=str(infusion.shortest_minutes))


def paracetamol_lines(infusion: Infusion, facts: Facts, wording: Wording) -> tuple[str, ...]:
    """Before, after, and as needed; what is taken already, and what did not come. None with an allergy."""
    if any(check.id == "ZOL-04" and check.reason == "allergy" for check in infusion.checks):
        return ()
    words = ["active"] if has_active_paracetamol(facts) else []
    words += ["unknown"] if lists_lack_paracetamol(facts) else []
    words += ["unchecked"] if allergies_unknown(facts) else []
    return (_paracetamol_dose(infusion, wording), *(wording.text(f"infusion.paracetamol.{word}") for word in words))


def _paracetamol_dose(infusion: Infusion, wording: Wording) -> str:
    """The dose for this child; above the largest single dose that one is told."""
    slots = {
        "per_kg": _table(_NUMBERS.paracetamol_mg_per_kg.value, wording),
        "hours": _table(_NUMBERS.paracetamol_hours.value, wording),
        "doses": _table(_NUMBERS.paracetamol_doses_per_day.value, wording),
        "most": _table(_NUMBERS.paracetamol_order_max_mg.value, wording),
    }
    amount = infusion.paracetamol_mg
    if amount is None:
        return wording.text("infusion.paracetamol.per_kg", **slots)
    slots["mg"] = wording.number(amount, 0, (_NUMBERS.paracetamol_order_max_mg.value,), down=True)
    kind = "above" if amount > _NUMBERS.paracetamol_order_max_mg.value else "for_weight"
    return wording.text(f"infusion.paracetamol.{kind}", **slots)


def control_line(wording: Wording) -> str:
    """Free calcium afterwards."""
    return wording.text(
        "infusion.controls",
        first=_table(_NUMBERS.control_first_hours.value, wording),
        second=_table(_NUMBERS.control_second_hours.value, wording),
    )


def _weight(infusion: Infusion, kg: Decimal, wording: Wording) -> str:
    """The weight as measured, with its date, where a check rests on it."""
    facts = (fact for check in infusion.checks for fact in check.evidence)
    found = next((fact for fact in facts if isinstance(fact, Measurement) and fact.name == "body_weight"), None)
    if found is not None:
        return measured(found, wording)
    value = wording.quantity(wording.number(kg, decimals("body_weight")), "kg")
    return f"{wording.text('labels.body_weight')} {value}"


def _ordered_dose(infusion: Infusion, wording: Wording) -> str:
    if infusion.dose_mg is None:
        return ""
    limits = () if infusion.highest_dose_mg is None else (infusion.highest_dose_mg,)
    return wording.quantity(wording.number(infusion.dose_mg, decimals("dose_mg"), limits), "mg")


def _table(value: Decimal, wording: Wording) -> str:
    return wording.number(value, 4)
