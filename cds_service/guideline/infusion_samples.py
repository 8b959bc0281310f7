"""Before zoledronic acid: vitamin D, calcium and weight, each counted back from the planned time (ZOL-01 to 03, 07)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from cds_service.guideline.criteria import is_outside
from cds_service.guideline.dates import When, elapsed, not_after
from cds_service.guideline.facts import Facts, Measurement
from cds_service.guideline.interval import EXACT, Interval, Truth
from cds_service.guideline.results import Check, CheckStatus, Indicator

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cds_service.guideline.tables import InfusionNumbers

_CALCIUM_KINDS = ("calcium_free", "calcium_total", "calcium_albcorr")
"""In the order of printing (AMB-28)."""


@dataclass(frozen=True, slots=True)
class Weight:
    """The body weight that doses are judged by: `kg` stands also where it is too old or has jumped."""

    status: Literal["ok", "too-old", "changed", "missing", "unreadable"]
    kg: Decimal | None = None
    measured: Measurement | None = None


def check(  # noqa: PLR0913  a check has so many members
    rule: str,
    status: CheckStatus,
    reason: str | None = None,
    *,
    value: Decimal | None = None,
    limit: Decimal | None = None,
    unit: str | None = None,
    day: date | None = None,
    told: When | None = None,
    evidence: tuple[Measurement, ...] = (),
    quiet: bool = False,
) -> Check:
    """A check with its indicator: breach is critical, ok is info, and so is a missing one where the rule is `quiet`."""
    indicator: Indicator = "critical" if status == "breach" else "info" if status == "ok" or quiet else "warning"
    return Check(rule, status, indicator, reason, value, limit, unit, day, evidence, told=told)


def is_before(taken: When | None, planned: When) -> Truth:
    """Was it taken at or before the planned time? By the hour where both are told, else by the day."""
    if taken and taken.moment and planned.moment:
        return Truth.of(elapsed(taken.moment, planned.moment) >= timedelta(0))
    return not_after(taken, planned)


def days_before(taken: When, planned: When) -> Interval:
    """Whole days from the sample to the planned day."""
    return Interval(Decimal((planned.earliest - taken.latest).days), Decimal((planned.latest - taken.earliest).days))


def vitamin_d(facts: Facts, planned: When, numbers: InfusionNumbers) -> tuple[Check, Check]:
    """ZOL-01 and ZOL-02 from the newest 25-OH vitamin D that was taken by then."""
    values = [value for value in facts.of("vitd25") if value.when]
    before = [value for value in values if is_before(value.when, planned) is not Truth.NO]
    sample = _worst_of_newest_day(before or values)
    if sample is None or sample.when is None:
        gone: CheckStatus = "unreadable" if "vitd25" in facts.unreadable or facts.of("vitd25") else "missing"
        return check("ZOL-01", gone), check("ZOL-02", gone, limit=numbers.vitamin_d_above.value, unit="nmol/L")
    timing = "after-planned" if not before else _vitamin_d_timing(sample.when, planned, numbers)
    in_time = timing in (None, "later-than-recommended")
    when = check("ZOL-01", "ok" if in_time else "attention", timing, day=_day(sample), evidence=(sample,))
    enough = sample.value.above(numbers.vitamin_d_above.value)
    status: CheckStatus = "breach" if enough is Truth.NO else "ok" if enough is Truth.YES and in_time else "attention"
    reason = None if status != "attention" else "not-certain" if enough is Truth.UNKNOWN else timing
    return when, check(
        "ZOL-02", status, reason, value=_number(sample), limit=numbers.vitamin_d_above.value, unit="nmol/L",
        day=_day(sample), evidence=(sample,),
    )  # fmt: skip


def _vitamin_d_timing(taken: When, planned: When, numbers: InfusionNumbers) -> str | None:
    days = days_before(taken, planned)
    early, late = numbers.vitamin_d_days_from.value, numbers.vitamin_d_days_to.value
    if days.above(early) is Truth.YES:
        return "too-old"
    if days.at_most(early) is Truth.UNKNOWN or days.at_least(Decimal(0)) is not Truth.YES:
        return "date-imprecise"
    return None if days.at_least(late) is Truth.YES else "later-than-recommended"


def calcium(facts: Facts, planned: When, numbers: InfusionNumbers) -> Check:
    """ZOL-03 and AMB-28: the newest of each kind, each against its own range; the worst that counts decides."""
    values = [value for kind in _CALCIUM_KINDS for value in facts.of(kind) if value.when]
    before = [value for value in values if is_before(value.when, planned) is not Truth.NO]
    fresh = [value for value in before if _days_ago(value, planned).at_most(numbers.calcium_days.value) is Truth.YES]
    newest = [sample for kind in _CALCIUM_KINDS if (sample := _newest_calcium(fresh, kind))]
    if not newest:
        if values:
            sample = max(values, key=_age_key)
            reason = "too-old" if before else "after-planned"
            return check("ZOL-03", "attention", reason, day=_day(sample), evidence=(sample,))
        unreadable = any(kind in facts.unreadable or facts.of(kind) for kind in _CALCIUM_KINDS)
        return check("ZOL-03", "unreadable" if unreadable else "missing")
    outside = [sample for sample in newest if is_outside(sample) is Truth.YES]
    decisive = [s for s in outside if s.name == "calcium_free" or not any(_is_later(other, s) for other in newest)]
    if decisive:
        return _calcium_check("breach", "outside-range", decisive[0], newest)
    if outside:
        return _calcium_check("attention", "kinds-contradict", outside[0], newest)
    inside = [sample for sample in newest if is_outside(sample) is Truth.NO]
    if inside:
        return _calcium_check("ok", None, inside[0], newest)
    return _calcium_check("attention", "no-range", newest[0], newest)


def _calcium_check(status: CheckStatus, reason: str | None, sample: Measurement, newest: list[Measurement]) -> Check:
    limit = None
    if sample.reference:
        over = sample.value.over(sample.reference) is Truth.YES
        limit = sample.reference.high if over else sample.reference.low
    return check(
        "ZOL-03", status, reason, value=_number(sample), limit=limit if status == "breach" else None, unit="mmol/L",
        day=_day(sample), evidence=(sample, *(other for other in newest if other is not sample)),
    )  # fmt: skip


def _newest_calcium(values: list[Measurement], kind: str) -> Measurement | None:
    """The newest of one kind; of several at the same time the one outside its range, then the one without range."""
    mine = [value for value in values if value.name == kind]
    if not mine:
        return None
    order = (Truth.YES, Truth.UNKNOWN, Truth.NO)
    last = max(mine, key=_age_key)
    at_last = [value for value in mine if not _is_later(last, value)]
    return min(at_last, key=lambda value: (order.index(is_outside(value)), value.source))


def weight_of(facts: Facts, planned: When, numbers: InfusionNumbers) -> Weight:
    """The newest weight taken by the planned time, with how far it may be trusted (ZOL-07, KUS-04)."""
    values = [value for value in facts.of("body_weight") if value.when and _number(value) is not None]
    before = [value for value in values if is_before(value.when, planned) is not Truth.NO]
    if not before:
        unreadable = "body_weight" in facts.unreadable or bool(facts.of("body_weight"))
        return Weight("unreadable" if unreadable else "missing")
    last = max(_age_key(value) for value in before)
    newest = min((value for value in before if _age_key(value) == last), key=lambda v: (v.value.low or 0, v.source))
    kg = _number(newest)
    if _days_ago(newest, planned).at_most(numbers.weight_days.value) is not Truth.YES:
        return Weight("too-old", kg, newest)
    return Weight("changed" if _has_jumped(newest, before, numbers) else "ok", kg, newest)


def _has_jumped(newest: Measurement, values: Iterable[Measurement], numbers: InfusionNumbers) -> bool:
    """KUS-04: more than so many per cent from an earlier weight of the last weeks?"""
    for earlier in values:
        old, new = _number(earlier), _number(newest)
        if earlier is newest or old is None or new is None or earlier.when is None or newest.when is None:
            continue
        recent = days_before(earlier.when, newest.when).at_most(numbers.weight_change_days.value) is not Truth.NO
        allowed = EXACT.multiply(old, numbers.weight_change_percent.value)
        if recent and EXACT.multiply(abs(EXACT.subtract(new, old)), Decimal(100)) > allowed:
            return True
    return False


def _worst_of_newest_day(values: list[Measurement]) -> Measurement | None:
    """The newest day's sample: a total before a partial analyte, then the lowest."""
    if not values:
        return None
    last = max(_age_key(value)[0] for value in values)
    of_day = [value for value in values if _age_key(value)[0] == last]
    return min(of_day, key=lambda value: (not value.preferred, value.value.low or Decimal(0), value.source))


def _age_key(value: Measurement) -> tuple[date, float]:
    """Day, then time of day: larger is newer."""
    if value.when is None:
        return date.min, 0.0
    return value.when.latest, value.when.moment.timestamp() if value.when.moment else 0.0


def _is_later(one: Measurement, other: Measurement) -> bool:
    """Was the first surely taken later? Of one day only where both tell the time (AMB-28)."""
    (day, time), (other_day, other_time) = _age_key(one), _age_key(other)
    return day > other_day or (day == other_day and time > other_time > 0)


def _days_ago(value: Measurement, planned: When) -> Interval:
    return Interval(None, None) if value.when is None else days_before(value.when, planned)


def _number(value: Measurement) -> Decimal | None:
    """The value where it is one number."""
    return value.value.low if value.value.low == value.value.high else None


def _day(value: Measurement) -> date | None:
    return value.when.latest if value.when else None
