"""One child as the later rules see it: facts, what the criteria made of them, and whether drugs may be spoken of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from cds_service.guideline.criteria import MALIGNANCIES
from cds_service.guideline.dates import When, age_reached
from cds_service.guideline.interval import Truth
from cds_service.guideline.lesions import in_bones

if TYPE_CHECKING:
    from cds_service.guideline.course import Course, Infused, Window
    from cds_service.guideline.facts import Condition, Fact, Facts, Lesion
    from cds_service.guideline.lesions import LesionPicture
    from cds_service.guideline.results import Biopsy, Classification, Finding, Reason
    from cds_service.guideline.tables import Tables

Gate: TypeAlias = Literal["open", "waiting", "closed"]
"""May a drug be suggested? `waiting` while infection and malignancy are not verified absent (rules.md section 3)."""


_DOUBTS = frozenset({"DDX-01", "DDX-02", "DDX-03", "DDX-04", "DDX-06", "LAB-17"})
_DESTRUCTIVE = frozenset({"BIO-16", "BIO-17"})


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
    """The red flags, and for the rules after them the differential diagnoses too."""
    tables: Tables
    recent: Window
    """The days in which a work-up result speaks for now."""
    several: Truth
    """Is more than one bone affected?"""
    now: When
    """Today, with the moment of the request where it is told."""
    infused: Infused
    """The hours after each infusion, in which a fever is the drug's (ZOL-16)."""
    whole_body_mri: bool = True
    """Whether this site has whole-body MRI (IMG-08)."""
    suspected: tuple[Fact, ...] = ()
    """What makes infection or malignancy suspected: known once the differential diagnoses are."""

    @property
    def has_cno(self) -> bool:
        """The CNO gate: a confirmed diagnosis on record, or fulfilled criteria."""
        return self.has_diagnosis or self.classification.verdict == "fulfilled"

    @property
    def has_diagnosis(self) -> bool:
        """Whether a confirmed CNO code stands on record."""
        return bool(self.facts.confirmed("cno"))

    @property
    def is_barred(self) -> bool:
        """Whether an exclusion criterion is present or a red flag critical: then nothing speaks of CNO's treatment."""
        alarming = any(flag.indicator == "critical" for flag in self.flags)
        return alarming or self.classification.exclusion is Truth.YES

    @property
    def drug_gate(self) -> Gate:
        """None while barred; it waits until infection and malignancy are verified absent and unsuspected (OUR-40)."""
        if not self.has_cno or self.is_barred:
            return "closed"
        settled = self.classification.exclusion is Truth.NO and not self._is_doubtful()
        return "open" if settled else "waiting"

    def _is_doubtful(self) -> bool:
        """Whether an answer, the imaging or a flag speaks of infection or malignancy, whatever `mimicker` says."""
        form = self.facts.answers
        answered = (
            Truth.YES in {form.yes("malignancy-suspected"), form.yes("infection-suspected")}
            or form.yes("malignancy-excluded") is Truth.NO
            or form.yes("imaging-inconclusive") is Truth.YES
            or form.choice("biopsy-status") == "pending"
            or form.choice("general-condition") == "affected"
            or self.fever is Truth.YES
        )
        flagged = any(flag.id in _DOUBTS and not flag.is_judged for flag in self.flags)
        return answered or flagged or bool(self.destructive or self.possible_malignancies)

    @property
    def destructive(self) -> tuple[Reason, ...]:
        """Rapid growth and cortical destruction, as the biopsy list found them."""
        return tuple(reason for reason in self.biopsy.consider if reason.id in _DESTRUCTIVE)

    @property
    def possible_malignancies(self) -> tuple[Condition, ...]:
        """Malignancies that are neither confirmed nor past: provisional, differential."""
        return tuple(
            one for one in self.facts.conditions
            if one.concept in MALIGNANCIES and one.confirmed is Truth.UNKNOWN and one.active is not Truth.NO
        )  # fmt: skip

    @property
    def has_low_alp(self) -> bool:
        """LAB-18: suggestions of bisphosphonates wait until hypophosphatasia is ruled out."""
        return any(flag.id == "LAB-18" for flag in self.flags)

    @property
    def vertebral_lesions(self) -> tuple[Lesion, ...]:
        """AMB-29: lesions of vertebrae; the sacrum is none."""
        return in_bones(self.picture.lesions, self.tables.bones.vertebrae)

    @property
    def is_adult(self) -> bool:
        """Surely 18 or older today: advice on treatment is for children (AMB-35)."""
        return age_reached(self.facts.born, self.tables.criteria.onset_below_age.count, self.now) is Truth.YES

    def met(self, rule: str) -> Truth:
        """An entry or exclusion criterion."""
        criteria = (*self.classification.entry_criteria, *self.classification.exclusion_criteria)
        return next(one.truth for one in criteria if one.id == rule)
