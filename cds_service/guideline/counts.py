"""Blood counts and CRP all through the window, for BIO-04 and BIO-10: is no value bad?"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from cds_service.guideline.criteria import is_outside, without_artefacts
from cds_service.guideline.facts import Coded, Fact, Facts, Measurement
from cds_service.guideline.interval import Truth, any_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from cds_service.guideline.course import Course
    from cds_service.guideline.tables import Tables

Line: TypeAlias = tuple[Truth, tuple[Fact, ...]]
"""Is no value of one line bad, and the values looked at."""


def blasts_by_percent(facts: Facts) -> tuple[Coded, ...]:
    """Blasts that a differential tells as a share above zero."""
    return tuple(finding for finding in facts.findings if finding.name == "blasts_pct" and finding.value == "present")


def throughout(values: tuple[Measurement, ...], course: Course, bad: Callable[[Measurement], Truth]) -> Line:
    """Is no value of the window bad? UNKNOWN where none was taken, or one cannot be told."""
    sure, possible = course.series.split(values)
    found, open_ones = any_of(map(bad, sure)), any_of(map(bad, possible))
    if found is Truth.YES:
        return Truth.NO, (*sure, *possible)
    settled = bool(sure) and found is Truth.NO and open_ones is Truth.NO
    return (Truth.YES if settled else Truth.UNKNOWN), (*sure, *possible)


def count_line(facts: Facts, course: Course, name: str, tables: Tables) -> Line:
    """One line of the blood count against its own ranges; a value after the CNO diagnosis can only open it."""
    platelets = name == "platelets"
    values = without_artefacts(facts, tables.criteria.platelets_below.value) if platelets else facts.of(name)
    return still_good(throughout(values, course, is_outside), values, course, is_outside)


def still_good(
    line: Line, values: tuple[Measurement, ...], course: Course, bad: Callable[[Measurement], Truth]
) -> Line:
    """The line, open where it was good until the diagnosis and a later value is not."""
    truth, shown = line
    if truth is not Truth.YES or course.diagnosis is None:
        return line
    last = course.series.end.latest
    worse = [v for v in values if v.when and v.when.earliest > last and bad(v) is not Truth.NO]
    return (Truth.UNKNOWN, (*shown, *worse)) if worse else line
