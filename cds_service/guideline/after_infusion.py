"""After zoledronic acid: controls, hypocalcaemia, fever, the next infusion (ZOL-09, ZOL-11 to ZOL-14, ZOL-16)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, TypeAlias

from cds_service.guideline.course import ZOLEDRONIC_ACID, Infused, was_administered, was_taken
from cds_service.guideline.criteria import is_lowered
from cds_service.guideline.dates import When, add_months, elapsed, known_to, not_after
from cds_service.guideline.infusion_samples import is_before
from cds_service.guideline.interval import Truth, any_of
from cds_service.guideline.results import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from decimal import Decimal

    from cds_service.guideline.case import Case
    from cds_service.guideline.facts import Drug, Facts, Measurement

FREE_CALCIUM = "calcium_free"
_OTHER_CALCIUM = ("calcium_total", "calcium_albcorr")
_PLANNED_CONTROL = "lab:calcium_free"
_SYMPTOMS = "hypocalcemia-symptoms"
_Judged: TypeAlias = tuple[tuple["Measurement", ...], Truth]
"""The low results that stand, and whether calcium is low: UNKNOWN where no result tells."""


@dataclass(frozen=True, slots=True)
class Given:
    """The newest infusion of zoledronic acid that the record shows, whole or interrupted."""

    drug: Drug
    ended: When
    """Its end; where none is told, when it was given."""


@dataclass(frozen=True, slots=True)
class Control:
    """A control of free calcium: due after so many hours, done by a sample from the first of these on (OUR-30)."""

    rule: str
    due: int
    first: int
    last: int

    def covers(self, ended: When, taken: When | None) -> Truth:
        """Does a sample taken then do for this control, be it late? By the day where a time of day is missing."""
        if taken is None:
            return Truth.UNKNOWN
        if ended.moment and taken.moment:
            return Truth.of(elapsed(ended.moment, taken.moment) >= timedelta(hours=self.first))
        return not_after(ended.shifted(self.due // 24), taken)


def findings(case: Case) -> tuple[Finding, ...]:
    """All that fired."""
    given = last_infusion(case.facts, case.now.latest)
    if given is None:
        return ()
    first, second = _controls(case)
    found = (
        next_infusion(case, given), control(case, given, first), control(case, given, second),
        *hypocalcaemia(case, given), fever(case, given),
    )  # fmt: skip
    return tuple(finding for finding in found if finding)


def last_infusion(facts: Facts, today: date) -> Given | None:
    """The newest dated administration of which some reached the child."""
    dated = [
        Given(drug, ended)
        for drug in facts.drugs
        if was_administered(drug, {ZOLEDRONIC_ACID}) and (ended := _ended(drug, today))
    ]
    return max(dated, key=_newness, default=None)


def _ended(drug: Drug, today: date) -> When | None:
    """When it ended, cut at today; when it was given, where the end is not told or cannot be true."""
    end = drug.end
    told = end if end and end.earliest <= today and not_after(drug.when, end) is not Truth.NO else drug.when
    if told is None or told.earliest > today:
        return None
    return told if told.latest <= today else When(told.earliest, today)


def _newness(given: Given) -> tuple[date, bool, float, str, str]:
    """By the first possible day: one known to its month does not hide one known to its day (OUR-30)."""
    ended = given.ended
    time_of_day = ended.moment.timestamp() if ended.moment else 0.0
    return ended.earliest, ended.is_precise, time_of_day, given.drug.source, given.drug.status


def next_infusion(case: Case, given: Given) -> Finding | None:
    """ZOL-09: nothing ordered, and more than so many calendar months since the last infusion, for certain."""
    ordered = any(order.concept == ZOLEDRONIC_ACID for order in case.facts.orders)
    months = case.tables.infusion.overdue_months.count
    if ordered or not _is_past(given.ended, months, case.now) or _may_have_had_another(case, months):
        return None
    return Finding("ZOL-09", "info", (given.drug.fact(),), "overdue")


def _is_past(when: When | None, months: int, now: When) -> bool:
    return when is not None and now.earliest > add_months(when.latest, months)


def _may_have_had_another(case: Case, months: int) -> bool:
    """Whether the record holds a dose, or what may be one, that is not surely as old (OUR-31)."""
    return ZOLEDRONIC_ACID in case.facts.unreadable or any(
        was_taken(drug)
        and not _is_past(drug.when, months, case.now)
        and (
            (drug.concept == ZOLEDRONIC_ACID and (drug.kind == "administration" or drug.status == "completed"))
            or (drug.concept == "drug:unreadable" and drug.kind == "administration")
        )
        for drug in case.facts.drugs
    )


def _controls(case: Case) -> tuple[Control, Control]:
    due, window = case.tables.infusion, case.tables.follow_up
    return (
        Control(
            "ZOL-11", due.control_first_hours.count, window.first_control_from.count, window.first_control_to.count
        ),
        Control(
            "ZOL-12", due.control_second_hours.count, window.second_control_from.count, window.second_control_to.count
        ),
    )


def control(case: Case, given: Given, one: Control) -> Finding | None:
    """ZOL-11 and ZOL-12: free calcium was not taken in its time. Total calcium in that time does not stand for it."""
    if not _is_told(case, given):
        return None
    facts = case.facts
    taken = any_of(one.covers(given.ended, value.when) for value in facts.of(FREE_CALCIUM))
    if FREE_CALCIUM in facts.unreadable or "Observation" in facts.not_received:
        taken |= Truth.UNKNOWN
    late = surely_more_than(one.last, given.ended, case.now)
    if taken is Truth.YES or (not late and _is_planned(facts)):
        return None
    totals = [value for value in _other_calcium(facts) if one.covers(given.ended, value.when) is Truth.YES]
    reason = "total" if totals else "due" if not late else "overdue" if taken is Truth.NO else "ask"
    return Finding(
        one.rule, "warning" if late and taken is Truth.NO else "info", (*totals, given.drug.fact()), reason
    )  # fmt: skip


def _is_told(case: Case, given: Given) -> bool:
    """Whether the infusion is surely no older than what is still spoken of (OUR-30)."""
    return (case.now.latest - given.ended.earliest).days <= case.tables.follow_up.told_days.count


def _is_planned(facts: Facts) -> bool:
    ordered = any(order.concept == _PLANNED_CONTROL and not order.stops for order in facts.orders)
    return ordered or _PLANNED_CONTROL in facts.requested


def _other_calcium(facts: Facts) -> list[Measurement]:
    return [value for kind in _OTHER_CALCIUM for value in facts.of(kind)]


def surely_more_than(hours: int, since: When, now: When) -> bool:
    """Have more hours gone by, whatever the time of day was where only the day is told?"""
    told = since.moment or now.moment
    zone = told.tzinfo if told else UTC
    latest_start = since.moment or datetime.combine(since.latest + timedelta(days=1), time.min, zone)
    gone = elapsed(latest_start, now.moment or datetime.combine(now.earliest, time.min, zone))
    limit = timedelta(hours=hours)
    # A day ends before the midnight that stands in for it, so that the time gone by is longer than counted.
    return gone > limit if since.moment else gone >= limit


def hypocalcaemia(case: Case, given: Given) -> tuple[Finding, ...]:
    """ZOL-13 and ZOL-14: low calcium since the infusion, and what makes it critical (AMB-32)."""
    limit = case.tables.follow_up.calcium_free_alarm.value
    free, is_low = judged(case.facts.of(FREE_CALCIUM), given.ended, limit)
    totals: tuple[Measurement, ...] = ()
    if is_low is Truth.UNKNOWN:
        totals, is_low = judged(_other_calcium(case.facts), given.ended, limit)
    symptoms = _symptoms(case, given)
    if symptoms is Truth.YES and is_low is Truth.NO and not _measured_since_answer(case.facts):
        is_low = Truth.UNKNOWN
    critical = _critical_reason((*free, *totals), symptoms, is_low, limit)
    beside = (*case.facts.answers.fact(_SYMPTOMS), given.drug.fact())
    found = []
    under = totals or tuple(value for value in free if is_lowered(value) is Truth.YES)
    if under:
        reason = "total" if totals else _answer(case, under, symptoms)
        found.append(Finding("ZOL-13", "critical" if critical else "warning", (*under, *beside), reason))
    if critical:
        found.append(Finding("ZOL-14", "critical", (*free, *totals, *beside), critical))
    return tuple(found)


def _measured_since_answer(facts: Facts) -> bool:
    """Whether any calcium was taken on the day of the answer or later: an older one knew nothing of the symptoms."""
    authored = facts.answers.authored
    values = (*facts.of(FREE_CALCIUM), *_other_calcium(facts))
    return any(not_after(authored, value.when) is not Truth.NO for value in values)


def _critical_reason(
    low: tuple[Measurement, ...], symptoms: Truth, is_low: Truth, limit: Decimal
) -> str | None:  # fmt: skip
    """ZOL-14: symptoms beside low calcium or beside none that tells; else an alarm or a value under the limit."""
    if symptoms is Truth.YES and is_low is not Truth.NO:
        return "symptoms" if is_low is Truth.YES else "no-calcium"
    if any(value.alarm for value in low):
        return "alarm"
    free = (value for value in low if value.name == FREE_CALCIUM)
    return "value" if any(value.value.below(limit) is Truth.YES for value in free) else None


def _answer(case: Case, low: tuple[Measurement, ...], symptoms: Truth) -> str | None:
    """Whether symptoms were denied knowing of the low calcium (OUR-33), or must be asked for."""
    if symptoms is Truth.YES:
        return None
    knew = all(known_to(value.when, case.facts.answers.authored) for value in low)
    return "asymptomatic" if symptoms is Truth.NO and knew else "ask"


def _symptoms(case: Case, given: Given) -> Truth:
    """The answer, where it was given on or after the day of the infusion; an undated yes may have been."""
    form = case.facts.answers
    since, answered = not_after(given.ended, form.authored), form.yes(_SYMPTOMS)
    if answered is Truth.YES and since is not Truth.NO:
        return answered
    return answered if answered is Truth.NO and since is Truth.YES else Truth.UNKNOWN


def judged(values: Iterable[Measurement], ended: When, limit: Decimal) -> _Judged:
    """The worst of the newest day since the infusion that tells: what cannot be judged ends no low result (OUR-32)."""
    for newest in _days(v for v in values if v.when and is_before(ended, v.when) is not Truth.NO):
        lows = [_is_low(value, ended, limit) for value in newest]
        if any_of(lows) is not Truth.UNKNOWN:
            low = (value for value, is_low in zip(newest, lows, strict=True) if is_low is Truth.YES)
            return tuple(low), any_of(lows)
    return (), Truth.UNKNOWN


def _days(values: Iterable[Measurement]) -> Iterator[list[Measurement]]:
    """All results that may be of the newest day, then those of the newest day before, and so on."""
    dated = sorted(((v.when, v) for v in values if v.when), key=lambda one: one[0].latest, reverse=True)
    newest_from = list(accumulate((when.earliest for when, _ in reversed(dated)), max))[::-1]
    start = 0
    group: list[Measurement] = []
    for place, (when, value) in enumerate(dated):
        if when.latest < newest_from[start]:
            yield group
            start, group = place, []
        group.append(value)
    if group:
        yield group


def _is_low(value: Measurement, ended: When, limit: Decimal) -> Truth:
    """Below the range of its own report; free calcium under the alarm limit also without one.

    A good result that may have been taken before the infusion says nothing.
    """
    if value.name == FREE_CALCIUM and value.value.below(limit) is Truth.YES:
        return Truth.YES
    return is_lowered(value) if _is_surely_later(value.when, ended) else is_lowered(value) | Truth.UNKNOWN


def _is_surely_later(taken: When | None, ended: When) -> bool:
    if taken is None:
        return False
    return taken.earliest > ended.latest or (taken.moment is not None and ended.moment is not None)


def fever(case: Case, given: Given) -> Finding | None:
    """ZOL-16: a temperature in the hours after the infusion, the same that CLS-3.7 leaves out."""
    if not _is_told(case, given):
        return None
    by_day: dict[date, set[datetime | None]] = {}
    for when in (given.drug.when, given.ended):
        if when and when.is_precise:
            by_day.setdefault(when.latest, set()).add(when.moment)
    after = Infused(case.tables.infusion.fever_hours.count, by_day)
    limit = case.tables.criteria.fever_above.value
    high = [
        value for value in case.facts.of("body_temperature")
        if value.value.above(limit) is Truth.YES and after.covers(value.when)
    ]  # fmt: skip
    return Finding("ZOL-16", "info", (*high, given.drug.fact())) if high else None
