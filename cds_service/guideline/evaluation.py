"""Facts in, evaluation out: the one evaluation that hooks, /evaluate, the command line and the cohort share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cds_service.guideline import biopsy, infusion, workup
from cds_service.guideline.classification import classify
from cds_service.guideline.course import course_of
from cds_service.guideline.criteria import without_date
from cds_service.guideline.domains import fever
from cds_service.guideline.facts import Facts, Note
from cds_service.guideline.interval import Truth
from cds_service.guideline.lesions import picture_of
from cds_service.guideline.results import Biopsy, Classification, Evaluation, Finding
from cds_service.guideline.tables import TABLES, Tables

if TYPE_CHECKING:
    from datetime import date


def evaluate(facts: Facts, today: date, tables: Tables = TABLES) -> Evaluation:
    """All that the guideline says about one patient on one day (a calendar date in Europe/Oslo)."""
    course = course_of(facts, today, tables)
    picture = picture_of(facts, tables.bones)
    doubts = workup.doubts(facts, tables)
    has_fever = fever(facts, course, tables)
    flags = workup.red_flags(facts, course, has_fever[0], tables)
    classification = _until_cleared(classify(facts, course, picture, doubts, tables), flags)
    lists = biopsy.weigh(facts, course, picture, classification, has_fever, flags, tables)
    mimicker = classification.exclusion_criteria[0]
    readiness = infusion.judge(facts, today, tables, mimicker.reason if mimicker.truth is Truth.YES else None)
    beside = (biopsy.recommended(lists), biopsy.order_finding(facts))
    fired = (*flags, *infusion.order_findings(facts, readiness), *(finding for finding in beside if finding))
    findings = sorted(fired, key=lambda finding: _order(finding.id))
    notes = (*facts.notes, *course.notes, *_notes(classification, lists))
    return Evaluation(today, facts, classification, lists, readiness, tuple(findings), _sorted(notes))


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


_SECTIONS = ("BGR", "KLN", "EXO", "UTR", "KUS", "LAB", "IMG", "BIO", "DDX", "BEH", "ZOL", "OPP")


def _order(rule: str) -> tuple[int, str]:
    """Rule order: the sections of the text, then the number."""
    return _SECTIONS.index(rule[:3]), rule
