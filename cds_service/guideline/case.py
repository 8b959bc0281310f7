"""One child as the later rules see it: facts, what the criteria made of them, and whether drugs may be spoken of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from cds_service.guideline.dates import When, age_reached
from cds_service.guideline.interval import Truth

if TYPE_CHECKING:
    from cds_service.guideline.course import Course, Window
    from cds_service.guideline.facts import Facts
    from cds_service.guideline.lesions import LesionPicture
    from cds_service.guideline.results import Biopsy, Classification, Finding
    from cds_service.guideline.tables import Tables

Gate: TypeAlias = Literal["open", "waiting", "closed"]
"""May a drug be suggested? `waiting` while infection and malignancy are not verified absent (rules.md section 3)."""


@dataclass(frozen=True, slots=True)
class Case:
    """What work-up, differential diagnoses, treatment and follow-up are read from."""

    facts: Facts
    course: Course
    picture: LesionPicture
    classification: Classification
    biopsy: Biopsy
    fever: Truth
    flags: tuple[Finding, ...]
    """The red flags that exclusion rests on: BGR-01, BGR-02, DDX-01, DDX-08, LAB-17, LAB-18."""
    tables: Tables
    recent: Window
    """The days in which a work-up result speaks for now."""
    several: Truth
    """Is more than one bone affected?"""
    now: When
    """Today, with the moment of the request where it is told."""
    whole_body_mri: bool = True
    """Whether this site has whole-body MRI (IMG-08)."""

    @property
    def has_cno(self) -> bool:
        """The CNO gate: a confirmed diagnosis on record, or fulfilled criteria."""
        coded = any(one.concept == "cno" and one.confirmed is Truth.YES for one in self.facts.conditions)
        return coded or self.classification.verdict == "fulfilled"

    @property
    def drug_gate(self) -> Gate:
        """The drug gate: no drug unless exclusion is verified absent, none at all beside a critical red flag."""
        exclusion = self.classification.exclusion
        alarming = any(flag.indicator == "critical" for flag in self.flags)
        if not self.has_cno or exclusion is Truth.YES or alarming:
            return "closed"
        return "open" if exclusion is Truth.NO else "waiting"

    @property
    def is_adult(self) -> bool:
        """Surely 18 or older today: advice on treatment is for children (AMB-35)."""
        return age_reached(self.facts.born, self.tables.criteria.onset_below_age.count, self.now) is Truth.YES

    def met(self, rule: str) -> Truth:
        """An entry or exclusion criterion."""
        criteria = (*self.classification.entry_criteria, *self.classification.exclusion_criteria)
        return next(one.truth for one in criteria if one.id == rule)
