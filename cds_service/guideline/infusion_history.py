"""Zoledronic acid before a planned infusion: what was given, what may have been, and ZOL-09, the interval since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from cds_service.guideline.course import ZOLEDRONIC_ACID, was_administered, was_taken
from cds_service.guideline.dates import When, add_months
from cds_service.guideline.infusion_samples import check, is_before
from cds_service.guideline.interval import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cds_service.guideline.facts import Drug, Facts, Order
    from cds_service.guideline.results import Check
    from cds_service.guideline.tables import InfusionNumbers

_GIVEN = "MedicationAdministration"
_LISTS = frozenset({_GIVEN, "MedicationRequest"})
_OWN_DAY = frozenset({"timing", "occurrence", "appointment"})


@dataclass(frozen=True, slots=True)
class History:
    """What a record tells of zoledronic acid before the planned time."""

    facts: Facts
    planned: When
    today: date

    def doses(self) -> list[When]:
        """When some of it was surely given by the planned time, or on days that may lie before it."""
        given = (drug.when for drug in self.facts.drugs if drug.when and _is_dose(drug))
        return [when for when in given if is_before(when, self.planned) is not Truth.NO]

    def latest(self, when: When) -> date:
        """The last day on which it can have been: what was given was given by today."""
        return max(when.earliest, min(when.latest, self.today))

    def has_earlier_dose(self) -> bool:
        """Whether a whole dose was surely given before: what an increased dose must build on (ZOL-08)."""
        return any(
            drug.concept == ZOLEDRONIC_ACID
            and drug.status == "completed"
            and drug.kind in ("administration", "request")
            and is_before(drug.when, self.planned) is Truth.YES
            for drug in self.facts.drugs
        )

    def without_earlier_dose(self) -> str:
        """Why no whole dose is known: none was found, or it is not sure, not readable or not received."""
        if any(self._may_precede(drug) for drug in self.facts.drugs if drug.concept == ZOLEDRONIC_ACID):
            return "earlier-not-certain"
        if self.is_unreadable(None):
            return "history-unreadable"
        return "history-not-received" if _LISTS & self.facts.not_received else "first-dose"

    def is_unclear(self, last: date | None) -> bool:
        """Zoledronic acid that may have been given since the last sure dose: undated, or not surely given."""
        return any(
            self._may_follow(drug, last)
            for drug in self.facts.drugs
            if drug.concept == ZOLEDRONIC_ACID and (drug.when is None or not _is_dose(drug))
        )

    def is_unreadable(self, last: date | None) -> bool:
        """Whether something was given since that may have been zoledronic acid, or an entry of it was not used."""
        facts = self.facts
        if any(drug.is_unread_dose and self._may_follow(drug, last) for drug in facts.drugs):
            return True
        if ZOLEDRONIC_ACID not in facts.unreadable:
            return False
        noted = {note.source for note in facts.notes if note.concept == ZOLEDRONIC_ACID}
        read = {drug.source for drug in facts.drugs} | {order.source for order in facts.orders}
        return last is None or not noted or bool(noted - read)

    def is_not_received(self, last: date | None) -> bool:
        """Whether a list that may hold a later dose did not come, or not all of it (OUR-02)."""
        return bool((_LISTS if last is None else {_GIVEN}) & self.facts.not_received)

    def _may_precede(self, drug: Drug) -> bool:
        return was_taken(drug) and is_before(drug.when, self.planned) is not Truth.NO

    def _may_follow(self, drug: Drug, last: date | None) -> bool:
        """Given by the planned time perhaps, and perhaps after the last sure dose."""
        return self._may_precede(drug) and (drug.when is None or last is None or drug.when.latest > last)


def interval(history: History, order: Order, numbers: InfusionNumbers) -> Check:
    """ZOL-09: six calendar months since the last dose, a week early at the most.

    What is surely too soon comes first, then what may be, then what is not known, and last what is in order.
    """
    doses = history.doses()
    last = max(doses, key=lambda when: (history.latest(when), when.earliest), default=None)
    day = history.latest(last) if last else None
    early = _too_soon(history, order, doses, numbers)
    if early is not None:
        return early
    if history.is_unclear(day):
        return check("ZOL-09", "attention", "unclear-history")
    if history.is_unreadable(day):
        return check("ZOL-09", "unreadable", "history", day=day, told=last)
    if history.is_not_received(day):
        return check("ZOL-09", "missing", "history-not-received", day=day, told=last)
    if day is None:
        return check("ZOL-09", "ok", "none-found")
    overdue = history.planned.latest > add_months(day, numbers.overdue_months.count)
    return check("ZOL-09", "ok", "overdue" if overdue else None, day=day, told=last)


def _too_soon(history: History, order: Order, doses: list[When], numbers: InfusionNumbers) -> Check | None:
    """By a dose, else by another order, surely; else by a dose whose date is imprecise, perhaps. The date is told."""

    def is_early(day: date) -> bool:
        due = add_months(day, numbers.interval_months.count)
        return history.planned.earliest < due - timedelta(days=numbers.interval_tolerance_days.count)

    def told(reason: str, when: When, latest: date) -> Check:
        due = add_months(latest, numbers.interval_months.count)
        return check("ZOL-09", "attention", reason, day=due, told=when)

    surely = [when for when in doses if is_early(when.earliest)]
    if surely:
        newest = max(surely, key=history.latest)
        return told("too-soon", newest, history.latest(newest))
    ordered = [when for when in _ordered_before(history, order) if is_early(when.latest)]
    if ordered:
        newest = max(ordered, key=lambda when: when.latest)
        return told("other-order", newest, newest.latest)
    perhaps = [when for when in doses if is_early(history.latest(when))]
    if not perhaps:
        return None
    newest = max(perhaps, key=history.latest)
    return told("may-be-too-soon", newest, history.latest(newest))


def _ordered_before(history: History, order: Order) -> Iterator[When]:
    """The days before the planned one for which zoledronic acid is ordered as well."""
    for other in history.facts.orders:
        planned = other.planned
        if other.concept != ZOLEDRONIC_ACID or other is order or other.stops or planned is None:
            continue
        if planned.told_by in _OWN_DAY and planned.when.latest < history.planned.earliest:
            yield planned.when


def _is_dose(drug: Drug) -> bool:
    """Whether some of it was surely given: an administration, interrupted or not, or what was completed."""
    return drug.concept == ZOLEDRONIC_ACID and (drug.status == "completed" or was_administered(drug, {ZOLEDRONIC_ACID}))
