"""The course of the disease as rules count from it: onset, end, diagnosis, and the windows in which values count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from cds_service.guideline.dates import When, add_months, elapsed, not_after
from cds_service.guideline.facts import Condition, Dated, Drug, Facts, Measurement, Note
from cds_service.guideline.interval import Truth

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from cds_service.guideline.tables import Tables

_GIVEN = frozenset({"completed", "in-progress", "stopped", "on-hold"})
"""Statuses of an administration of which some reached the patient."""
ZOLEDRONIC_ACID = "drug:zoledronic_acid"
_NOT_TAKEN = frozenset({"entered-in-error", "not-done", "cancelled", "not-taken", "draft", "preparation", "intended"})


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time whose ends may be imprecise. No start: everything received until the end."""

    start: When | None
    end: When

    def holds(self, when: When | None) -> Truth:
        """Does that date lie inside? UNKNOWN for a missing date."""
        after_start = Truth.YES if self.start is None else not_after(self.start, when)
        return after_start & not_after(when, self.end)

    def split(self, values: tuple[Measurement, ...]) -> tuple[list[Measurement], list[Measurement]]:
        """The values that surely lie inside, and those that may."""
        sure: list[Measurement] = []
        possible: list[Measurement] = []
        first, last = self.start.latest if self.start else date.min, self.end.earliest
        for value in values:
            when = value.when
            if when is not None and first <= when.earliest and when.latest <= last:
                sure.append(value)
            elif self.holds(when) is Truth.UNKNOWN:
                possible.append(value)
        return sure, possible


@dataclass(frozen=True, slots=True)
class Course:
    """What is known of the course. Dates after today, or before birth, were set aside with a note."""

    today: date
    onset: Dated | None
    end: Dated | None
    diagnosis: Dated | None
    safety: Window
    """Platelets and LD (AMB-22)."""
    series: Window
    """Haemoglobin, ESR, CRP and counts (AMB-21)."""
    notes: tuple[Note, ...] = ()


def course_of(facts: Facts, today: date, tables: Tables) -> Course:
    """Onset and windows from the form, else from a confirmed, active bone-pain condition with onset (CLS-1.1)."""
    onset, onset_notes = _onset(facts, today)
    end, end_notes = _answered_date(facts, "symptom-end", today)
    if end and onset and not_after(onset.when, end.when) is Truth.NO:
        end_notes = (*end_notes, Note(end.source, "answer-contradicts-record"))
        end = None
    diagnosis = diagnosis_of(facts)
    numbers = tables.criteria
    closing = When.on(today) if diagnosis is None else diagnosis.when
    if onset:
        start = onset.when.shifted(-numbers.series_window_days.count)
        safety_start = onset.when.shifted(-numbers.safety_window_days.count)
    else:
        months = -numbers.series_window_months.count
        start = When(add_months(closing.earliest, months), add_months(closing.latest, months))
        safety_start = None
    return Course(
        today, onset, end, diagnosis, Window(safety_start, When.on(today)), Window(start, closing),
        (*onset_notes, *end_notes),
    )  # fmt: skip


def _onset(facts: Facts, today: date) -> tuple[Dated | None, tuple[Note, ...]]:
    answered, notes = _answered_date(facts, "symptom-onset", today)
    if answered:
        return answered, notes
    starts = [
        Dated("symptom_onset", bounded, condition.source)
        for condition in facts.conditions
        if is_certain_bone_pain(condition) and condition.onset
        and (bounded := _bounded(condition.onset, facts, today)) is not None
    ]  # fmt: skip
    return min(starts, key=lambda start: (start.when.earliest, start.when.latest, start.source), default=None), notes


def is_certain_bone_pain(condition: Condition) -> bool:
    """Whether a condition may decide CLS-1.1: bone pain with both statuses written, confirmed and active."""
    return (
        condition.concept == "sym_bone_pain"
        and condition.status_given
        and condition.confirmed is Truth.YES
        and condition.active is Truth.YES
    )


def _answered_date(facts: Facts, link_id: str, today: date) -> tuple[Dated | None, tuple[Note, ...]]:
    answered = facts.answers.dates.get(link_id)
    if answered is None:
        return None, ()
    source = f"{facts.answers.source}#{link_id}"
    bounded = _bounded(answered, facts, today)
    if bounded is None:
        reason = "date-in-future" if answered.earliest > today else "answer-contradicts-record"
        return None, (Note(source, reason),)
    return Dated(link_id.replace("-", "_"), bounded, source), ()


def _bounded(when: When, facts: Facts, today: date) -> When | None:
    """An imprecise date cut at birth and at today; None where it lies wholly outside."""
    earliest = max(when.earliest, facts.born.earliest) if facts.born else when.earliest
    latest = min(when.latest, today)
    return When(earliest, latest) if earliest <= latest else None


def diagnosis_of(facts: Facts) -> Dated | None:
    """The day on which a confirmed CNO code was recorded (its onset, where no day of recording is told); the first."""
    found = [
        Dated("cno_diagnosis", when, condition.source)
        for condition in facts.conditions
        if condition.concept == "cno" and condition.confirmed is Truth.YES
        and (when := condition.recorded or condition.onset) is not None
    ]  # fmt: skip
    return min(found, key=lambda dated: (dated.when.earliest, dated.when.latest, dated.source), default=None)


def was_taken(drug: Drug) -> bool:
    """Whether a medication in the record was, or may have been, given."""
    return drug.status not in _NOT_TAKEN


def was_administered(drug: Drug, concepts: AbstractSet[str]) -> bool:
    """Whether the record shows that one of these drugs was given: no answer can erase that."""
    return drug.kind == "administration" and drug.concept in concepts and drug.status in _GIVEN


@dataclass(frozen=True, slots=True)
class Infused:
    """The hours after each zoledronic acid infusion (ZOL-16), looked up by day."""

    hours: int
    by_day: Mapping[date, set[datetime | None]]

    @classmethod
    def of(cls, facts: Facts, hours: int) -> Infused:
        """All infusions that the record shows."""
        by_day: dict[date, set[datetime | None]] = {}
        for drug in facts.drugs:
            if drug.when and drug.when.is_precise and was_administered(drug, {ZOLEDRONIC_ACID}):
                by_day.setdefault(drug.when.latest, set()).add(drug.when.moment)
        return cls(hours, by_day)

    def covers(self, taken: When | None) -> bool:
        """Was it taken within the hours after an infusion? By the day where a time of day is missing."""
        if taken is None or not self.by_day:
            return False
        days = -(-self.hours // 24)
        given = (at for back in range(days + 1) for at in self.by_day.get(taken.earliest - timedelta(days=back), ()))
        return taken.is_precise and any(self._within(at, taken.moment) for at in given)

    def _within(self, given: datetime | None, taken: datetime | None) -> bool:
        if given is None or taken is None:
            return True
        return timedelta(0) <= elapsed(given, taken) <= timedelta(hours=self.hours)
