"""Amounts that an order tells beside the ordered one, such as a calculated dose: do they agree with it (OUR-49)?"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from cds_service.guideline.facts import Dose
from cds_service.guideline.interval import EXACT

if TYPE_CHECKING:
    from cds_service.guideline.facts import Order, Rate
    from cds_service.guideline.infusion_samples import Weight
    from cds_service.guideline.results import Check
    from cds_service.guideline.tables import InfusionNumbers

_ONE_KG = Decimal(1)


def with_other_doses(one: Check, order: Order, weight: Weight, numbers: InfusionNumbers) -> Check:
    """ZOL-07: never in order where another dose of the order differs from the ordered one."""
    if order.dose is None:
        return one
    found = [other for other in order.other_doses if differ(order.dose, other, weight.kg, numbers)]
    return replace(_attentive(one, weight, "doses-differ"), amounts=(order.dose, *found)) if found else one


def with_other_rates(one: Check, order: Order, weight: Weight, numbers: InfusionNumbers) -> Check:
    """ZOL-10: the same for the rate; a rate that is too fast stays so."""
    if order.rate is None or one.status == "breach":
        return one
    found = [other for other in order.other_rates if differ(order.rate, other, weight.kg, numbers)]
    return replace(_attentive(one, weight, "rates-differ"), amounts=(order.rate, *found)) if found else one


def _attentive(one: Check, weight: Weight, reason: str) -> Check:
    evidence = (weight.measured,) if weight.measured else ()
    return replace(one, status="attention", indicator="warning", reason=reason, evidence=evidence)


def differ(ordered: Dose | Rate, other: Dose | Rate, kg: Decimal | None, numbers: InfusionNumbers) -> bool:
    """Whether two amounts surely differ: by more than rounding, or only the other one is above the maximum.

    An amount per kilogram is held against one that is not by the weight; without it nothing is known.
    """
    if ordered.per_kg and other.per_kg:
        kg = _ONE_KG
    if kg is None and ordered.per_kg != other.per_kg:
        return False
    one, two = _whole(ordered, kg), _whole(other, kg)
    allowed = EXACT.multiply(one, numbers.order_rounding_percent.value)
    if EXACT.multiply(abs(EXACT.subtract(one, two)), Decimal(100)) > allowed:
        return True
    limit = (numbers.dose_max if isinstance(ordered, Dose) else numbers.rate_max).value
    return kg is not None and one <= EXACT.multiply(limit, kg) < two


def _whole(amount: Dose | Rate, kg: Decimal | None) -> Decimal:
    return EXACT.multiply(amount.amount, kg) if amount.per_kg and kg is not None else amount.amount
