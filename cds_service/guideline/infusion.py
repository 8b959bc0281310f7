"""ZOL-01 to ZOL-10: is everything that the recommendation names in order before zoledronic acid is infused?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING

from cds_service.guideline.course import ZOLEDRONIC_ACID
from cds_service.guideline.dates import When, age_reached, birthday
from cds_service.guideline.facts import Facts, Measurement, Order, Planned
from cds_service.guideline.infusion_history import History, interval
from cds_service.guideline.infusion_samples import Weight, calcium, check, vitamin_d, weight_of
from cds_service.guideline.interval import EXACT, Truth
from cds_service.guideline.other_amounts import with_other_doses, with_other_rates
from cds_service.guideline.red_flags import low_alp
from cds_service.guideline.results import Check, CheckStatus, Finding, Infusion, Readiness

if TYPE_CHECKING:
    from cds_service.guideline.tables import InfusionNumbers, Tables

PARACETAMOL = frozenset({"drug:paracetamol", "drug:paracetamol_comb"})
OTHER_BISPHOSPHONATES = frozenset({"drug:pamidronate", "drug:bisphosphonate"})
_SEVERITY: dict[Readiness, int] = {"not-ready": 3, "incomplete": 2, "attention": 1, "ready": 0}


@dataclass(frozen=True, slots=True)
class Case:
    """One order to judge, with what its checks share."""

    facts: Facts
    order: Order
    planned: Planned
    weight: Weight
    numbers: InfusionNumbers
    history: History

    @property
    def per_kg(self) -> tuple[Decimal, Decimal] | None:
        """Dose and the kilograms it is held against: one kilogram for a dose that is ordered per kilogram."""
        dose = self.order.dose
        if dose is None:
            return None
        kg = Decimal(1) if dose.per_kg else self.weight.kg
        return None if kg is None else (dose.amount, kg)

    def exceeds(self, limit: Decimal) -> bool:
        """Is the dose above so many mg/kg? Compared by multiplication, exactly."""
        pair = self.per_kg
        return pair is not None and pair[0] > EXACT.multiply(limit, pair[1])

    @property
    def needs_weight(self) -> bool:
        """Whether the dose can be judged only with a weight."""
        return self.order.dose is not None and not self.order.dose.per_kg


def judge(facts: Facts, today: date, tables: Tables, mimicker: str | None) -> Infusion | None:
    """The worst of the zoledronic acid orders, then the earliest; None where none is ordered.

    `mimicker` is the kind of a confirmed one (CLS-2.1).
    """
    orders = (order for order in facts.orders if order.concept == ZOLEDRONIC_ACID)
    judged = [_judge_one(facts, order, today, tables, mimicker) for order in orders]
    if not judged:
        return None
    judged.sort(key=_worst_first)
    return replace(judged[0], also_ordered=tuple(sorted(one.order for one in judged[1:])))


def _worst_first(one: Infusion) -> tuple[int, date, str, int, str]:
    open_checks = sum(1 for each in one.checks if each.indicator != "info")
    return -_SEVERITY[one.readiness], one.planned.when.earliest, one.order, -open_checks, repr(one)


def order_findings(facts: Facts, infusion: Infusion | None) -> tuple[Finding, ...]:
    """ZOL-11 and ZOL-12 (controls to plan) beside an infusion; ZOL-15 for another bisphosphonate."""
    found = []
    if infusion:
        found += [Finding(rule, "info", reason="planned", about="order") for rule in ("ZOL-11", "ZOL-12")]
    if {order.concept for order in facts.orders} & OTHER_BISPHOSPHONATES:
        found.append(Finding("ZOL-15", "info", about="order"))
    return tuple(found)


def _judge_one(facts: Facts, order: Order, today: date, tables: Tables, mimicker: str | None) -> Infusion:
    planned = order.planned or Planned(When.on(today), "today")
    numbers, history = tables.infusion, History(facts, planned.when, today)
    case = Case(facts, order, planned, weight_of(facts, planned.when, numbers), numbers, history)
    checks: tuple[Check, ...] = (
        *vitamin_d(facts, planned.when, numbers), calcium(facts, planned.when, numbers), paracetamol(case),
        with_other_doses(usual_dose(case), order, case.weight, numbers), old_enough(case), highest_dose(case),
        interval(history, order, numbers), with_other_rates(rate(case), order, case.weight, numbers),
    )  # fmt: skip
    doubtful_alp = bool(low_alp(facts))
    if any(condition.concept.startswith("mimic_hypophosphatasia") for condition in facts.conditions):
        mimicker = "hypophosphatasia"
    if doubtful_alp or mimicker:
        checks = tuple(_held_back(one, "low-alp" if doubtful_alp else "mimicker") for one in checks)
    if planned.told_by == "authored-on":
        checks = tuple(replace(one, reason="after-order") if one.reason == "after-planned" else one for one in checks)
    readiness = readiness_of(checks)
    infusion = Infusion(order.source, (), planned, readiness, checks, low_alp=doubtful_alp, mimicker=mimicker)
    return _with_amounts(infusion, case)


def _held_back(one: Check, reason: str) -> Check:
    """The dose is at best `attention` while the bone disease itself is in doubt (LAB-18, DDX-12)."""
    if one.id != "ZOL-07" or one.status != "ok":
        return one
    return replace(one, status="attention", indicator="warning", reason=reason)


def readiness_of(checks: tuple[Check, ...]) -> Readiness:
    """Any breach, else anything missing that is a warning, else anything that needs attention."""
    if any(one.status == "breach" for one in checks):
        return "not-ready"
    if any(one.status in ("missing", "unreadable") and one.indicator == "warning" for one in checks):
        return "incomplete"
    return "attention" if any(one.status == "attention" for one in checks) else "ready"


def paracetamol(case: Case) -> Check:
    """ZOL-04: ordered with it, or active already. An allergy asks for none."""
    facts = case.facts
    if facts.allergies & PARACETAMOL:
        return check("ZOL-04", "ok", "allergy")
    found = any(order.concept in PARACETAMOL for order in facts.orders) or has_active_paracetamol(facts)
    return check("ZOL-04", "ok" if found else "missing", quiet=True)


def has_active_paracetamol(facts: Facts) -> bool:
    """Any active paracetamol in the record, combinations included."""
    return any(drug.concept in PARACETAMOL and drug.status in ("active", "in-progress") for drug in facts.drugs)


def usual_dose(case: Case) -> Check:
    """ZOL-07: the recommended dose, an increased one only after an earlier dose."""
    gone = _cannot_judge_dose(case)
    if gone:
        return check("ZOL-07", gone, _gone_reason(case), unit="mg/kg")
    limit = case.numbers.dose_usual.value
    return check(
        "ZOL-07", *_dose_status(case), value=_dose_per_kg(case), limit=limit, unit="mg/kg", evidence=_weighed(case)
    )


def _dose_status(case: Case) -> tuple[CheckStatus, str | None]:
    numbers = case.numbers
    if case.needs_weight and case.weight.status != "ok":
        return "attention", f"weight-{case.weight.status}"
    pair = case.per_kg
    if pair is not None and pair[0] < EXACT.multiply(numbers.dose_check_unit.value, pair[1]):
        return "attention", "check-unit"
    if case.exceeds(numbers.dose_usual_high.value):
        increased = case.history.has_earlier_dose() and not case.exceeds(numbers.dose_max.value)
        return ("ok", "increased") if increased else ("attention", "above-recommended")
    below = pair is not None and pair[0] < EXACT.multiply(numbers.dose_usual_low.value, pair[1])
    return "ok", "below-recommended" if below else None


def old_enough(case: Case) -> Check:
    """ZOL-07a: the second birthday reached on the planned day (AMB-31)."""
    age = case.numbers.age_from
    reached = age_reached(case.facts.born, age.count, case.planned.when)
    if reached is Truth.NO:
        return check("ZOL-07a", "breach", "too-young", limit=age.value, unit="a")
    if reached is Truth.UNKNOWN or case.facts.born is None:
        return check("ZOL-07a", "missing", "age-unknown", limit=age.value, unit="a")
    on_birthday = birthday(case.facts.born.latest, age.count) == case.planned.when.earliest
    return check("ZOL-07a", "ok", "second-birthday" if on_birthday else None)


def highest_dose(case: Case) -> Check:
    """ZOL-08: no tolerance above the maximum; more than the usual dose not as the first one."""
    numbers, limit = case.numbers, case.numbers.dose_max.value
    gone = _cannot_judge_dose(case)
    if gone:
        return check("ZOL-08", gone, _gone_reason(case), limit=limit, unit="mg/kg")
    status: CheckStatus = "ok"
    reason = None
    if case.exceeds(limit):
        status, reason = "breach", "above-maximum"
    elif case.exceeds(numbers.dose_usual_high.value) and not case.history.has_earlier_dose():
        status, reason = "attention", case.history.without_earlier_dose()
    return check("ZOL-08", status, reason, value=_dose_per_kg(case), limit=limit, unit="mg/kg", evidence=_weighed(case))


def rate(case: Case) -> Check:
    """ZOL-10: at most 10 mL/kg/h."""
    limit = case.numbers.rate_max.value
    ordered = case.order.rate
    if ordered is None:
        unreadable = case.order.rate_unreadable
        return check(
            "ZOL-10", "unreadable" if unreadable else "missing", limit=limit, unit="mL/kg/h", quiet=not unreadable
        )
    kg = Decimal(1) if ordered.per_kg else case.weight.kg
    if kg is None:
        return check("ZOL-10", "missing", f"weight-{case.weight.status}", limit=limit, unit="mL/kg/h", quiet=True)
    too_fast = ordered.amount > EXACT.multiply(limit, kg)
    return check(
        "ZOL-10", "breach" if too_fast else "ok", "too-fast" if too_fast else None,
        value=ordered.amount / kg, limit=limit, unit="mL/kg/h", evidence=() if ordered.per_kg else _weighed(case),
    )  # fmt: skip


def _cannot_judge_dose(case: Case) -> CheckStatus | None:
    if case.order.dose is None:
        return "unreadable" if case.order.dose_unreadable else "missing"
    if case.needs_weight and case.weight.kg is None:
        return "unreadable" if case.weight.status == "unreadable" else "missing"
    return None


def _gone_reason(case: Case) -> str:
    untold = "dose-ambiguous" if case.order.dose_ambiguous else "dose"
    return untold if case.order.dose is None else "weight"


def _dose_per_kg(case: Case) -> Decimal | None:
    pair = case.per_kg
    return None if pair is None else pair[0] / pair[1]


def _weighed(case: Case) -> tuple[Measurement, ...]:
    return (case.weight.measured,) if case.needs_weight and case.weight.measured else ()


def _with_amounts(infusion: Infusion, case: Case) -> Infusion:
    """The numbers that the card prints, for a weight that can be relied on."""
    numbers = case.numbers
    kg, dose = case.weight.kg if case.weight.status == "ok" else None, case.order.dose
    if kg is None:
        return replace(infusion, dose_mg=dose.amount if dose and not dose.per_kg else None)
    paracetamol_mg = EXACT.multiply(numbers.paracetamol_mg_per_kg.value, kg)
    highest_rate = EXACT.multiply(numbers.rate_max.value, kg)
    wanted = next(one for one in infusion.checks if one.id == "ZOL-04").status == "missing"
    minutes = None
    if case.order.volume is not None:
        minutes = max(numbers.shortest_minutes.count, ceil(case.order.volume * 60 / highest_rate))
    return replace(
        infusion,
        weight=kg,
        dose_mg=None if dose is None else EXACT.multiply(dose.amount, kg) if dose.per_kg else dose.amount,
        usual_dose_mg=EXACT.multiply(numbers.dose_usual.value, kg),
        highest_dose_mg=EXACT.multiply(numbers.dose_max.value, kg),
        highest_rate_ml_h=highest_rate,
        shortest_minutes=minutes,
        paracetamol_mg=paracetamol_mg,
        paracetamol_order_allowed=wanted and paracetamol_mg <= numbers.paracetamol_order_max_mg.value,
    )
