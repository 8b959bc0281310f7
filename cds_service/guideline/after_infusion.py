"""After zoledronic acid: controls, hypocalcaemia, fever, the next infusion (ZOL-09, ZOL-11 to ZOL-14, ZOL-16)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from cds_service.guideline import hypocalcaemia
from cds_service.guideline.course import ZOLEDRONIC_ACID, Infused, was_taken
from cds_service.guideline.dates import When, elapsed, not_after
from cds_service.guideline.interval import Truth, any_of
from cds_service.guideline.past_infusions import FREE_CALCIUM, Given, is_past, last_infusion, other_calcium
from cds_service.guideline.results import Finding

if TYPE_CHECKING:
    from cds_service.guideline.case import Case

_PLANNED_CONTROL = "lab:calcium_free"
_OWN_DATE = frozenset({"timing", "occurrence"})


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

    def is_late(self, ended: When, taken: When | None) -> bool:
        """Was a sample surely taken after its time?"""
        if taken is None:
            return False
        if ended.moment and taken.moment:
            return elapsed(ended.moment, taken.moment) > timedelta(hours=self.last)
        return taken.earliest > ended.shifted(self.due // 24).latest


def findings(case: Case) -> tuple[Finding, ...]:
    """All that fired."""
    low_calcium = hypocalcaemia.findings(case)
    given = last_infusion(case.facts, case.now.latest)
    if given is None:
        return low_calcium
    first, second = _controls(case)
    found = (
        next_infusion(case, given), control(case, given, first), control(case, given, second), *low_calcium,
        fever(case, given),
    )  # fmt: skip
    return tuple(finding for finding in found if finding)


def next_infusion(case: Case, given: Given) -> Finding | None:
    """ZOL-09: nothing ordered, and more than so many calendar months since the last infusion, for certain."""
    ordered = any(order.concept == ZOLEDRONIC_ACID for order in case.facts.orders)
    months = case.tables.infusion.overdue_months.count
    if ordered or not is_past(given.ended, months, case.now) or _may_have_had_another(case, months):
        return None
    barred = case.is_barred or case.has_low_alp
    return Finding("ZOL-09", "info", (given.drug.fact(),), "barred" if barred else "overdue")


def _may_have_had_another(case: Case, months: int) -> bool:
    """Whether the record holds a dose, or what may be one, that is not surely as old (OUR-31)."""
    facts = case.facts
    return ZOLEDRONIC_ACID in facts.unreadable or "MedicationAdministration" in facts.not_received or any(
        was_taken(drug) and not is_past(drug.when, months, case.now)
        and (drug.concept == ZOLEDRONIC_ACID or drug.is_unread_dose)
        for drug in facts.drugs
    )  # fmt: skip


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
    """ZOL-11 and ZOL-12: free calcium was not taken in its time, or `late`. Total calcium does not stand for it."""
    if not _is_told(case, given):
        return None
    facts = case.facts
    samples = [value.when for value in facts.of(FREE_CALCIUM)]
    taken = any_of(one.covers(given.ended, when) for when in samples)
    if facts.unreadable & {FREE_CALCIUM, "observation"} or "Observation" in facts.not_received:
        taken |= Truth.UNKNOWN
    late = surely_more_than(one.last, given.ended, case.now)
    if taken is Truth.YES:
        done = [when for when in samples if one.covers(given.ended, when) is Truth.YES]
        missed = all(one.is_late(given.ended, when) for when in done)
        return Finding(one.rule, "warning", (given.drug.fact(),), "late") if missed else None
    if not late and _is_planned(case, given, one):
        return None
    totals = [value for value in other_calcium(facts) if one.covers(given.ended, value.when) is Truth.YES]
    reason = "total" if totals else "due" if not late else "overdue" if taken is Truth.NO else "ask"
    return Finding(
        one.rule, "warning" if late and taken is Truth.NO else "info", (*totals, given.drug.fact()), reason
    )  # fmt: skip


def _is_told(case: Case, given: Given) -> bool:
    """Whether the infusion is surely no older than what is still spoken of (OUR-30)."""
    return (case.now.latest - given.ended.earliest).days <= case.tables.follow_up.told_days.count


def _is_planned(case: Case, given: Given, one: Control) -> bool:
    """Whether free calcium is ordered for the day of the control, or since the infusion for a day not told."""
    wanted = given.ended.shifted(one.due // 24)
    for order in case.facts.orders:
        if order.concept != _PLANNED_CONTROL or order.stops:
            continue
        planned = order.planned
        if planned is None or (planned.told_by == "today"):
            return True
        on_day = planned.told_by in _OWN_DATE and not_after(wanted, planned.when) & not_after(planned.when, wanted)
        since = planned.told_by not in _OWN_DATE and not_after(given.ended, planned.when) is not Truth.NO
        if on_day is Truth.YES or since:
            return True
    return _PLANNED_CONTROL in case.facts.requested


def surely_more_than(hours: int, since: When, now: When) -> bool:
    """Have more hours gone by, whatever the time of day was where only the day is told?"""
    told = since.moment or now.moment
    zone = told.tzinfo if told else UTC
    latest_start = since.moment or datetime.combine(since.latest + timedelta(days=1), time.min, zone)
    gone = elapsed(latest_start, now.moment or datetime.combine(now.earliest, time.min, zone))
    limit = timedelta(hours=hours)
    # A day ends before the midnight that stands in for it, so that the time gone by is longer than counted.
    return gone > limit if since.moment else gone >= limit


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
