"""Zoledronic acid that was given, and the calcium that tells of it (ZOL-09, ZOL-11 to ZOL-14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.guideline.course import ZOLEDRONIC_ACID, was_taken
from cds_service.guideline.dates import When, add_months, not_after
from cds_service.guideline.interval import Truth

if TYPE_CHECKING:
    from datetime import date

    from cds_service.guideline.facts import Drug, Facts, Measurement

FREE_CALCIUM = "calcium_free"
_OTHER_CALCIUM = ("calcium_total", "calcium_albcorr")


@dataclass(frozen=True, slots=True)
class Given:
    """The newest infusion of zoledronic acid that the record shows, whole or interrupted."""

    drug: Drug
    ended: When
    """Its end; where none is told, when it was given."""


def last_infusion(facts: Facts, today: date) -> Given | None:
    """The newest dated administration of which some reached the child, or may have."""
    return next(reversed(infusions(facts, today)), None)


def infusions(facts: Facts, today: date) -> list[Given]:
    """All dated administrations of zoledronic acid that were given, or may have been; the newest last."""
    found = [
        Given(drug, ended)
        for drug in facts.drugs
        if drug.concept == ZOLEDRONIC_ACID and drug.kind == "administration" and was_taken(drug)
        and (ended := _ended(drug, today))
    ]  # fmt: skip
    return sorted(found, key=_newness)


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


def is_past(when: When | None, months: int, now: When) -> bool:
    """Were there surely more than so many calendar months since?"""
    return when is not None and now.earliest > add_months(when.latest, months)


def other_calcium(facts: Facts) -> list[Measurement]:
    """Total and albumin-corrected calcium."""
    return [value for kind in _OTHER_CALCIUM for value in facts.of(kind)]
