"""Low calcium after zoledronic acid: what to do by degree and symptoms, and what is critical (ZOL-13, ZOL-14)."""

from __future__ import annotations

from datetime import date
from itertools import accumulate
from typing import TYPE_CHECKING, TypeAlias

from cds_service.guideline.course import ZOLEDRONIC_ACID, was_taken
from cds_service.guideline.criteria import is_lowered
from cds_service.guideline.dates import When, known_to, not_after
from cds_service.guideline.infusion_samples import is_before
from cds_service.guideline.interval import Truth, any_of
from cds_service.guideline.past_infusions import FREE_CALCIUM, infusions, is_past, other_calcium
from cds_service.guideline.results import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from decimal import Decimal

    from cds_service.guideline.case import Case
    from cds_service.guideline.facts import Coded, Facts, Measurement

_SYMPTOMS = "hypocalcemia-symptoms"
_Judged: TypeAlias = tuple[tuple["Measurement", ...], Truth]
"""The low results that stand, and whether calcium is low: UNKNOWN where no result tells."""


def findings(case: Case) -> tuple[Finding, ...]:
    """ZOL-13 and ZOL-14: low calcium since an infusion, and what makes it critical (AMB-32)."""
    since, given = _since(case)
    if since is None:
        return ()
    limit = case.tables.follow_up.calcium_free_alarm.value
    free, is_low = judged(case.facts.of(FREE_CALCIUM), since, limit)
    totals: tuple[Measurement, ...] = ()
    if is_low is not Truth.YES:
        totals, total_is_low = judged(_later_than_free(case.facts, is_low), since, limit)
        if is_low is Truth.UNKNOWN or total_is_low is Truth.YES:
            is_low = total_is_low
    undated = tuple(v for v in case.facts.of(FREE_CALCIUM) if v.when is None and is_lowered(v) is Truth.YES)
    if undated and not free and not totals:
        free, is_low = undated, Truth.YES
    symptoms = _symptoms(case, since)
    if symptoms is Truth.YES and is_low is Truth.NO and not _measured_since_answer(case.facts):
        is_low = Truth.UNKNOWN
    critical = _critical_reason((*free, *totals), symptoms, is_low, limit)
    beside = (*case.facts.answers.fact(_SYMPTOMS), *given)
    found = []
    under = totals or tuple(value for value in free if is_lowered(value) is Truth.YES)
    if under:
        reason = "total" if totals else _answer(case, under, symptoms)
        found.append(Finding("ZOL-13", "critical" if critical else "warning", (*under, *beside), reason))
    if critical:
        found.append(Finding("ZOL-14", "critical", (*free, *totals, *beside), critical))
    return tuple(found)


def _measured_since_answer(facts: Facts) -> bool:
    """Whether a good calcium was surely taken on the day of the answer or later: an older one knew nothing of it."""
    authored = facts.answers.authored
    values = (*facts.of(FREE_CALCIUM), *other_calcium(facts))
    good = (value for value in values if is_lowered(value) is Truth.NO)
    return any(not_after(authored, value.when) is Truth.YES for value in good)


def _since(case: Case) -> tuple[When | None, tuple[Coded, ...]]:
    """From when calcium speaks of an infusion, and the infusions: the first of the last weeks, else the last one.

    Zoledronic acid without a dated administration may have been given in the last weeks; once the next infusion would
    be overdue, calcium no longer speaks of the last (OUR-38).
    """
    facts, now = case.facts, case.now
    weeks = now.shifted(-case.tables.follow_up.told_days.count)
    months = case.tables.infusion.overdue_months.count
    dated = infusions(facts, now.latest)
    recent = [given for given in dated if given.ended.latest >= weeks.earliest] or dated[-1:]
    if recent and not is_past(recent[-1].ended, months, now):
        return recent[0].ended, tuple(given.drug.fact() for given in recent)
    untold = tuple(
        drug.fact() for drug in facts.drugs
        if was_taken(drug) and not is_past(drug.when, months, now)
        and (
            (drug.concept == ZOLEDRONIC_ACID and (drug.kind == "administration" or drug.status == "completed"))
            or drug.is_unread_dose
        )
    )  # fmt: skip
    return (weeks, untold) if untold or ZOLEDRONIC_ACID in facts.unreadable else (None, ())


def _later_than_free(facts: Facts, free_is_low: Truth) -> list[Measurement]:
    """Total and corrected calcium; beside a good free calcium only what may be newer than it."""
    others = other_calcium(facts)
    if free_is_low is Truth.UNKNOWN:
        return others
    newest = max((value.when.earliest for value in facts.of(FREE_CALCIUM) if value.when), default=date.min)
    return [value for value in others if value.when and value.when.latest > newest]


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


def _symptoms(case: Case, infused: When) -> Truth:
    """The answer, where it was given on or after the day of the infusion; an undated yes may have been."""
    form = case.facts.answers
    since, answered = not_after(infused, form.authored), form.yes(_SYMPTOMS)
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
