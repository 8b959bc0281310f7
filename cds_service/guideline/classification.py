"""CLS-4.1 and CLS-4.2: entry, exclusion and score become a verdict, and what would settle an open one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.guideline import criteria, domains
from cds_service.guideline.interval import Truth, all_of, any_of
from cds_service.guideline.results import Classification, Criterion, Domain, Verdict

if TYPE_CHECKING:
    from cds_service.guideline.course import Course
    from cds_service.guideline.criteria import Doubt
    from cds_service.guideline.facts import Facts
    from cds_service.guideline.lesions import LesionPicture
    from cds_service.guideline.tables import Criteria, Tables

_ASKING_ORDER = (
    "fever", "coexisting_conditions", "age_at_onset", "hemoglobin", "esr", "crp", "distribution", "site", "bone_biopsy"
)  # fmt: skip
"""Free questions first, then blood tests, then imaging and biopsy (contract section 3, `deciding`)."""


@dataclass(frozen=True, slots=True)
class Score:
    """The sum of the nine domains."""

    low: int
    high: int
    highest: int
    """`high`, with the full points of a biopsy whose status is only assumed: what `not-fulfilled` is decided on."""


def classify(
    facts: Facts, course: Course, picture: LesionPicture, doubts: tuple[Doubt, ...], tables: Tables
) -> Classification:
    """The classification of one patient. `doubts` are facts that call for a mimicker to be ruled out (again)."""
    numbers = tables.criteria
    entry = (
        criteria.lasting_symptoms(facts, course, numbers),
        criteria.onset_in_childhood(facts, course, numbers),
        criteria.imaging_finding(facts, picture, tables.bones),
    )
    diagnosed = course.diagnosis.when if course.diagnosis else None
    exclusion = (
        criteria.known_mimicker(facts, diagnosed, doubts),
        criteria.low_platelets(facts, course, numbers),
        criteria.worrying_ldh(facts, course, numbers),
        criteria.response_to_antimicrobials(facts),
    )
    nine = (
        domains.bone_biopsy(facts, numbers),
        domains.age_at_onset(facts, course, numbers),
        domains.site(picture, tables),
        domains.distribution(facts, picture, tables),
        domains.coexisting_conditions(facts, course, numbers),
        domains.hemoglobin(facts, course, numbers),
        domains.fever_domain(domains.fever(facts, course, tables), numbers),
        domains.esr(facts, course, numbers),
        domains.crp(facts, course, numbers),
    )
    return _conclude(entry, exclusion, nine, numbers)


def _conclude(
    entry: tuple[Criterion, ...], exclusion: tuple[Criterion, ...], nine: tuple[Domain, ...], numbers: Criteria
) -> Classification:
    met = all_of(criterion.truth for criterion in entry)
    present = any_of(criterion.truth for criterion in exclusion)
    threshold = numbers.threshold.count
    score = score_of(nine, numbers)
    verdict = verdict_of(met, present, score, threshold)
    if present is Truth.YES:
        entry = tuple(criteria.without_date(criterion) for criterion in entry)
    deciding = () if verdict in ("excluded", "not-applicable") else deciding_domains(nine, score, threshold, numbers)
    return Classification(verdict, score.low, score.high, threshold, met, entry, present, exclusion, nine, deciding)


def score_of(nine: tuple[Domain, ...], numbers: Criteria) -> Score:
    """CLS-3.0: the sum of the highest row of each domain, as an interval."""
    high = sum(domain.high for domain in nine)
    assumed = any(domain.assumed for domain in nine)
    return Score(sum(domain.low for domain in nine), high, high + (numbers.biopsy_both.count if assumed else 0))


def verdict_of(entry: Truth, exclusion: Truth, score: Score, threshold: int) -> Verdict:
    """The first that holds, in the order of CLS-4.1."""
    if entry is Truth.NO:
        return "not-applicable"
    if exclusion is Truth.YES:
        return "excluded"
    if score.low >= threshold:
        verified = entry is Truth.YES and exclusion is Truth.NO
        return "fulfilled" if verified else "provisionally-fulfilled"
    return "not-fulfilled" if score.highest < threshold else "undetermined"


def deciding_domains(nine: tuple[Domain, ...], score: Score, threshold: int, numbers: Criteria) -> tuple[str, ...]:
    """CLS-4.2: all unknown domains, those first for which some answer alone would settle the score."""
    unknown = {domain.name: domain for domain in nine if not domain.known}

    def settles(domain: Domain) -> bool:
        best = numbers.biopsy_both.count if domain.assumed else domain.high
        return score.low - domain.low + best >= threshold or score.high - domain.high + domain.low < threshold

    asked = [unknown[name] for name in _ASKING_ORDER if name in unknown]
    first = [domain.name for domain in asked if settles(domain)]
    return (*first, *(domain.name for domain in asked if domain.name not in first))
