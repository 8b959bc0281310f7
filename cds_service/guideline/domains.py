"""Table 1, step 3: the nine domains. Each keeps the least and the most points that are still possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from cds_service.guideline.course import Course, Infused
from cds_service.guideline.dates import age_reached, known_to, not_after
from cds_service.guideline.facts import Coded, Condition, Fact, Facts, Measurement, Note
from cds_service.guideline.interval import Truth, any_of
from cds_service.guideline.lesions import LesionPicture, in_group, multifocal, symmetric
from cds_service.guideline.results import Domain

if TYPE_CHECKING:
    from collections.abc import Callable

    from cds_service.guideline.dates import When
    from cds_service.guideline.interval import Interval
    from cds_service.guideline.tables import Criteria, Number, Tables

Read: TypeAlias = tuple[Truth, tuple[Fact, ...], tuple[Note, ...]]
"""A truth with the facts it rests on and what had to be noted."""


def bone_biopsy(facts: Facts, numbers: Criteria) -> Domain:
    """CLS-3.1. Not done is complete; an unknown status counts 0 and is said to be assumed (AMB-18)."""
    form = facts.answers
    status = form.choice("biopsy-status")
    inflammation, fibrosis = form.yes("biopsy-inflammation"), form.yes("biopsy-fibrosis")
    yes, no = Truth.YES, Truth.NO
    points = {
        (yes, yes): numbers.biopsy_both.count,
        (no, yes): numbers.biopsy_fibrosis.count,
        (yes, no): numbers.biopsy_inflammation.count,
        (no, no): numbers.biopsy_neither.count,
    }
    shown: tuple[Fact, ...] = (
        *form.fact("biopsy-status"), *form.fact("biopsy-inflammation"), *form.fact("biopsy-fibrosis"),
        *(Coded(f"biopsy_{record.kind}", "recorded", record.source, record.when) for record in facts.biopsies),
    )  # fmt: skip
    read = inflammation is not Truth.UNKNOWN or fibrosis is not Truth.UNKNOWN
    if status == "done" or (status is None and read):
        possible = [
            score
            for (inflamed, fibrotic), score in points.items()
            if inflammation in (inflamed, Truth.UNKNOWN) and fibrosis in (fibrotic, Truth.UNKNOWN)
        ]
        return Domain("CLS-3.1", "bone_biopsy", min(possible), max(possible), evidence=shown, reason="done")
    if status == "pending" or facts.biopsies:
        notes = tuple(
            Note(r.source, "answer-contradicts-record" if known_to(r.when, form.authored) else "answer-outdated")
            for r in facts.biopsies
            if status == "not-done"
        )
        return Domain(
            "CLS-3.1", "bone_biopsy", min(points.values()), max(points.values()),
            evidence=shown, reason="pending", notes=notes,
        )  # fmt: skip
    not_done = numbers.biopsy_neither.count
    known = status == "not-done" and form.authored is not None
    return Domain(
        "CLS-3.1", "bone_biopsy", not_done, not_done, assumed=not known, evidence=shown,
        reason="not-done" if known else "assumed",
    )  # fmt: skip


def age_at_onset(facts: Facts, course: Course, numbers: Criteria) -> Domain:
    """CLS-3.2: exactly three years take the higher row (AMB-01). Onset unknown: today's age can only bound it."""
    from_age = numbers.age_at_least.count
    if course.onset:
        older = age_reached(facts.born, from_age, course.onset.when)
        evidence: tuple[Fact, ...] = (course.onset,)
    else:
        today = course.safety.end
        older = Truth.NO if age_reached(facts.born, from_age, today) is Truth.NO else Truth.UNKNOWN
        evidence = ()
    return _scored("CLS-3.2", "age_at_onset", (older, evidence, ()), numbers.age_older, numbers.age_younger)


def site(picture: LesionPicture, tables: Tables) -> Domain:
    """CLS-3.3: the highest row that any lesion reaches; lesions outside a complete list are a minimum."""
    numbers, bones = tables.criteria, tables.bones
    top, middle, bottom = (
        numbers.site_clavicle_mandible.count, numbers.site_other.count, numbers.site_skull_hand.count
    )  # fmt: skip
    low, high = bottom, bottom if picture.complete else top
    for lesion in picture.counted:
        if lesion.bone is None:
            continue
        clavicle = in_group(lesion, bones, "clavicle_mandible")
        skull = in_group(lesion, bones, "skull_hand")
        surely = top if clavicle is Truth.YES else middle if skull is Truth.NO else bottom
        maybe = top if clavicle is not Truth.NO else middle if skull is not Truth.YES else bottom
        low, high = max(low, surely), max(high, maybe)
    if not picture.counted:
        low = bottom
    return Domain("CLS-3.3", "site", low, high, evidence=picture.lesions, notes=picture.notes)


def distribution(facts: Facts, picture: LesionPicture, tables: Tables) -> Domain:
    """CLS-3.4, counted by AMB-14; whole-body imaging matters only for a single bone (AMB-15)."""
    numbers = tables.criteria
    several = multifocal(picture, tables.bones, numbers.multifocal_bones.count)
    both_sides = symmetric(picture, tables.bones)
    whole_body, shown, notes = whole_body_imaging(facts)
    rows: list[int] = []
    if several is not Truth.NO:
        if both_sides is not Truth.NO:
            rows.append(numbers.distribution_symmetric.count)
        if both_sides is not Truth.YES:
            rows.append(numbers.distribution_multifocal.count)
    if several is not Truth.YES:
        if whole_body is not Truth.YES or not picture.complete:
            rows.append(numbers.distribution_unifocal.count)
        if whole_body is not Truth.NO or not picture.complete:
            rows.append(numbers.distribution_unifocal_confirmed.count)
    evidence: tuple[Fact, ...] = (*picture.lesions, *shown)
    return Domain("CLS-3.4", "distribution", min(rows), max(rows), evidence=evidence, notes=notes)


def whole_body_imaging(facts: Facts) -> Read:
    """Was the whole body imaged? Only the answer, or a completed whole-body study, tells (AMB-15)."""
    form = facts.answers
    answer = form.choice("whole-body-imaging")
    studies = [study for study in facts.studies if study.whole_body is Truth.YES]
    shown: tuple[Fact, ...] = (*form.fact("whole-body-imaging"), *(study.fact() for study in studies))
    if answer == "done":
        return Truth.YES, shown, ()
    if answer is None or form.authored is None:
        return (Truth.YES if studies else Truth.UNKNOWN), shown, ()
    older = [study for study in studies if known_to(study.when, form.authored)]
    if older:
        return Truth.YES, shown, tuple(Note(study.source, "answer-contradicts-record") for study in older)
    if studies:
        return Truth.UNKNOWN, shown, tuple(Note(study.source, "answer-outdated") for study in studies)
    return Truth.NO, shown, ()


def coexisting_conditions(facts: Facts, course: Course, numbers: Criteria) -> Domain:
    """CLS-3.5: one value, IBD over skin over imaging-confirmed axial arthritis, before the CNO diagnosis (AMB-16)."""
    before = course.diagnosis.when if course.diagnosis else course.safety.end
    ibd = coexisting(facts, before, frozenset({"coexist_ibd"}), frozenset({"ibd"}))
    skin = coexisting(facts, before, _SKIN_CONCEPTS, SKIN_ANSWERS)
    axial = coexisting(facts, before, frozenset({"coexist_axial_arthritis_possible"}), frozenset({"axial-arthritis"}))
    confirmed = facts.answers.yes("axial-imaging")
    rows = (
        (ibd[0], numbers.coexisting_ibd.count),
        (skin[0], numbers.coexisting_skin.count),
        (axial[0] & confirmed, numbers.coexisting_axial.count),
    )
    none = numbers.coexisting_none.count
    low = next((points for truth, points in rows if truth is Truth.YES), none)
    high = next((points for truth, points in rows if truth is not Truth.NO), none)
    evidence = (*ibd[1], *skin[1], *axial[1], *facts.answers.fact("axial-imaging"), *dated(course))
    notes = (*ibd[2], *skin[2], *axial[2])
    return Domain("CLS-3.5", "coexisting_conditions", low, high, evidence=evidence, notes=notes)


_SKIN_CONCEPTS = frozenset({"coexist_skin", "coexist_skin_possible", "coexist_psa"})
_CERTAIN_CONCEPTS = frozenset({"coexist_ibd", "coexist_skin", "coexist_era", "coexist_axial_arthritis_possible"})
"""Recorded so, a disease is certain. `coexist_axial_arthritis_possible` still needs its imaging (CLS-3.5g)."""
SKIN_ANSWERS = frozenset(
    {"psoriasis", "palmoplantar-pustulosis", "pyoderma-gangrenosum", "acne-fulminans", "hidradenitis-suppurativa"}
)


def coexisting(facts: Facts, before: When, concepts: frozenset[str], answers: frozenset[str]) -> Read:
    """Is one of these diseases there before that day? A recorded one cannot be erased by an answer."""
    form = facts.answers
    ticked = form.choices.get("coexisting")
    recorded = [c for c in facts.conditions if c.concept in concepts]
    closed = ticked is not None and form.authored is not None and "coexisting" not in form.open_lists
    shown: tuple[Fact, ...] = (
        *(fact for fact in form.fact("coexisting") if fact.value in answers or not ticked or ticked == {"none"}),
        *(condition.fact() for condition in recorded),
    )
    by_record = any_of(_recorded_before(condition, before) for condition in recorded)
    if ticked and ticked & answers:
        after = bool(recorded) and by_record is Truth.NO
        return (Truth.UNKNOWN if after else Truth.YES), shown, ()
    if not closed:
        return by_record | Truth.UNKNOWN, shown, ()
    newer = [c for c in recorded if not known_to(c.told, form.authored) and _recorded_before(c, before) != Truth.NO]
    erased = [c for c in recorded if known_to(c.told, form.authored) and _recorded_before(c, before) is Truth.YES]
    notes = (
        *(Note(condition.source, "answer-outdated") for condition in newer),
        *(Note(condition.source, "answer-contradicts-record") for condition in erased),
    )
    if by_record is Truth.YES:
        return Truth.YES, shown, notes
    reopened = any(_reopens(condition, before, form.authored) for condition in facts.conditions)
    return (Truth.UNKNOWN if newer or reopened else Truth.NO), shown, notes


def _recorded_before(condition: Condition, before: When) -> Truth:
    """Confirmed (any clinical status) and dated on or before that day; `_possible` and psoriatic arthritis ask."""
    certain = condition.concept in _CERTAIN_CONCEPTS
    return (condition.confirmed if certain else condition.confirmed & Truth.UNKNOWN) & not_after(condition.when, before)


def _reopens(condition: Condition, before: When, authored: When | None) -> bool:
    """A disease recorded after a closed list, but before the diagnosis, makes the whole list unknown again."""
    newer = condition.concept.startswith("coexist_") and not known_to(condition.told, authored)
    return newer and _recorded_before(condition, before) is not Truth.NO


def fever(facts: Facts, course: Course, tables: Tables) -> Read:
    """CLS-3.7 and BIO-11: YES is fever without a common infection. Without an answer nothing proves its absence."""
    form = facts.answers
    answer = form.choice("fever")
    limit, infused = tables.criteria.fever_above.value, Infused.of(facts, tables.infusion.fever_hours.count)
    measured = tuple(
        value for value in facts.of("body_temperature")
        if value.value.above(limit) is not Truth.NO and not infused.covers(value.when)
        and (course.onset is None or not_after(course.onset.when, value.when) is not Truth.NO)
    )  # fmt: skip
    coded = tuple(c for c in facts.conditions if c.concept == "sym_fever")
    shown: tuple[Fact, ...] = (*form.fact("fever"), *measured, *(condition.fact() for condition in coded))
    if answer == "present-unexplained":
        return Truth.YES, shown, ()
    evidence: tuple[Measurement | Condition, ...] = (*measured, *coded)
    newer = [fact for fact in evidence if not known_to(fact.when, form.authored)]
    if answer is None or form.authored is None or newer:
        return Truth.UNKNOWN, shown, tuple(Note(fact.source, "answer-outdated") for fact in newer if answer)
    return Truth.NO, shown, ()


def fever_domain(read: Read, numbers: Criteria) -> Domain:
    """CLS-3.7 scored."""
    present, shown, notes = read
    return _scored("CLS-3.7", "fever", (~present, shown, notes), numbers.fever_absent, numbers.fever_present)


def hemoglobin(facts: Facts, course: Course, numbers: Criteria) -> Domain:
    """CLS-3.6: exactly 10.0 g/dL takes the higher row (AMB-02)."""
    limit = numbers.hemoglobin_at_least.value
    read = series(facts, course, "hemoglobin", lambda value: value.at_least(limit))
    return _scored("CLS-3.6", "hemoglobin", read, numbers.hemoglobin_good, numbers.hemoglobin_low)


def esr(facts: Facts, course: Course, numbers: Criteria) -> Domain:
    """CLS-3.8."""
    read = series(facts, course, "esr", lambda value: value.below(numbers.esr_below.value))
    return _scored("CLS-3.8", "esr", read, numbers.esr_good, numbers.esr_high)


def crp(facts: Facts, course: Course, numbers: Criteria) -> Domain:
    """CLS-3.9."""
    read = series(facts, course, "crp", lambda value: value.below(numbers.crp_below.value))
    return _scored("CLS-3.9", "crp", read, numbers.crp_good, numbers.crp_high)


def dated(course: Course) -> tuple[Fact, ...]:
    """The CNO diagnosis, where one is on record: windows and coexisting diseases end there."""
    return (course.diagnosis,) if course.diagnosis else ()


def series(facts: Facts, course: Course, name: str, good: Callable[[Interval], Truth]) -> Read:
    """AMB-21: all values of the window on one side decide; if they straddle the limit it stays open.

    A pinned date makes its value decide, except over values dated after the form.
    """
    values = facts.of(name)
    sure, possible = course.series.split(values)
    pinned, notes = _pinned(facts, name)
    if pinned:
        newer = [value for value in (*sure, *possible) if not known_to(value.when, facts.answers.authored)]
        chosen = {id(value) for value in pinned}
        sure, possible = pinned, [value for value in newer if id(value) not in chosen]
    values = (*sure, *possible)
    truths = {good(value.value) for value in values}
    settled = bool(sure) and len(truths) == 1
    return (truths.pop() if settled else Truth.UNKNOWN), (*values, *dated(course)), notes


def _pinned(facts: Facts, name: str) -> tuple[list[Measurement], tuple[Note, ...]]:
    """The results of the day that the form pins; a pin without a result of its day is ignored, and noted."""
    form = facts.answers
    pin = form.dates.get(f"pinned-{name}")
    if pin is None:
        return [], ()
    on_day = [value for value in facts.of(name) if value.when and pin.is_precise and _same_day(value.when, pin)]
    if on_day and form.authored:
        return on_day, ()
    return [], (Note(f"{form.source}#pinned-{name}", "value-missing" if form.authored else "date-missing", name),)


def _same_day(when: When, pin: When) -> bool:
    return when.is_precise and when.earliest == pin.earliest


def _scored(rule: str, name: str, read: Read, good: Number, bad: Number) -> Domain:
    """The points of a two-row domain: YES earns the first row, NO the second, UNKNOWN leaves both."""
    truth, shown, notes = read
    possible = [good.count] if truth is not Truth.NO else []
    if truth is not Truth.YES:
        possible.append(bad.count)
    return Domain(rule, name, min(possible), max(possible), evidence=shown, notes=notes)
