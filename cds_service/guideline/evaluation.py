"""Facts in, evaluation out: the one evaluation that hooks, /evaluate, the command line and the cohort share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cds_service.guideline import (
    after_infusion,
    biopsy,
    differentials,
    follow_up,
    imaging,
    infusion,
    red_flags,
    treatment,
    workup,
)
from cds_service.guideline.case import Case
from cds_service.guideline.classification import classify
from cds_service.guideline.course import Infused, course_of
from cds_service.guideline.criteria import without_date
from cds_service.guideline.dates import When
from cds_service.guideline.domains import fever
from cds_service.guideline.facts import Facts, Note
from cds_service.guideline.imaging_known import suspected
from cds_service.guideline.interval import Truth
from cds_service.guideline.lesions import multifocal, picture_of
from cds_service.guideline.results import Biopsy, Classification, Evaluation, Finding, Infusion
from cds_service.guideline.tables import TABLES, Tables

if TYPE_CHECKING:
    from datetime import date, datetime

_SECTIONS = ("BGR", "KLN", "EXO", "UTR", "KUS", "LAB", "IMG", "BIO", "DDX", "BEH", "ZOL", "OPP")
_FOR_CHILDREN = (workup, imaging, treatment, after_infusion, follow_up)
"""The parts that say nothing beside an onset in adult age."""


def evaluate(
    facts: Facts, today: date, tables: Tables = TABLES, *, moment: datetime | None = None, whole_body_mri: bool = True
) -> Evaluation:
    """All that the guideline says about one patient on one day (a calendar date in Europe/Oslo).

    `moment` is the time of day, where it is told: rules that count hours then count from it.
    """
    course = course_of(facts, today, tables)
    picture = picture_of(facts, tables.bones)
    doubts = red_flags.doubts(facts, tables)
    has_fever = fever(facts, course, tables)
    flags = red_flags.red_flags(facts, course, has_fever[0], tables)
    classification = _until_cleared(classify(facts, course, picture, doubts, tables), flags)
    lists = biopsy.weigh(facts, course, picture, classification, has_fever, flags, tables)
    mimicker = classification.exclusion_criteria[0]
    readiness = infusion.judge(facts, today, tables, mimicker.reason if mimicker.truth is Truth.YES else None)
    case = Case(
        facts, course, picture, classification, lists, has_fever[0], flags, tables,
        recent=red_flags.recent_results(course, tables),
        several=multifocal(picture, tables.bones, tables.criteria.multifocal_bones.count),
        now=When(today, today, moment),
        infused=Infused.of(facts, tables.infusion.fever_hours.count),
        whole_body_mri=whole_body_mri,
    )  # fmt: skip
    others = differentials.findings(case)
    warned = replace(case, flags=(*flags, *others))
    warned = replace(warned, suspected=suspected(warned))
    beside = (biopsy.recommended(lists), biopsy.order_finding(facts))
    fired = (*flags, *_of_infusions(warned, readiness), *(finding for finding in beside if finding))
    notes = (*facts.notes, *course.notes, *_notes(classification, lists))
    findings = _each_once((*fired, *others, *_later(warned)))
    return Evaluation(today, facts, classification, lists, readiness, findings, _sorted(notes), warned.suspected)


def _later(case: Case) -> tuple[Finding, ...]:
    """The rules that build on the criteria; none beside an onset in adult age (BGR-02)."""
    if any(flag.id == "BGR-02" for flag in case.flags):
        return ()
    return tuple(found for part in _FOR_CHILDREN for found in part.findings(case))


def _of_infusions(case: Case, readiness: Infusion | None) -> tuple[Finding, ...]:
    """What is known of ordered bisphosphonates; `barred` where none may be named."""
    return tuple(
        replace(one, reason="barred") if one.id == "ZOL-15" and not _may_name(case) else one
        for one in infusion.order_findings(case.facts, readiness)
    )


def _may_name(case: Case) -> bool:
    """Whether a bisphosphonate may be named at all: CNO, nothing that bars it or is suspected, no low ALP (LAB-18)."""
    return case.has_cno and not (case.is_barred or case.suspected or case.has_low_alp)


def _each_once(fired: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """In rule order; of two findings of one rule the first."""
    by_rule: dict[str, Finding] = {}
    for finding in fired:
        by_rule.setdefault(finding.id, finding)
    return tuple(sorted(by_rule.values(), key=lambda finding: _order(finding.id)))


def _until_cleared(classification: Classification, flags: tuple[Finding, ...]) -> Classification:
    """No day on which an entry criterion would be met while a red flag is critical (CLS-4.1)."""
    if not any(flag.indicator == "critical" for flag in flags):
        return classification
    return replace(classification, entry_criteria=tuple(without_date(one) for one in classification.entry_criteria))


def _notes(classification: Classification, lists: Biopsy) -> tuple[Note, ...]:
    criteria = (*classification.entry_criteria, *classification.exclusion_criteria)
    reasons = (*lists.consider, *lists.refrain, *lists.not_assessed)
    return (
        *(note for criterion in criteria for note in criterion.notes),
        *(note for domain in classification.domains for note in domain.notes),
        *(note for reason in reasons for note in reason.notes),
    )


def _sorted(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    return tuple(sorted(dict.fromkeys(notes), key=lambda note: (note.source, note.reason, note.concept or "")))


def _order(rule: str) -> tuple[int, str]:
    """Rule order: the sections of the text, then the number."""
    return _SECTIONS.index(rule[:3]), rule
