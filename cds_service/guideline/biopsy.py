"""Reasons to consider and to refrain from bone biopsy. Each holds, fails or was not assessed; never a net decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.guideline.counts import blasts_by_percent, count_line, still_good, throughout
from cds_service.guideline.criteria import MALIGNANCIES
from cds_service.guideline.dates import known_to
from cds_service.guideline.domains import coexisting
from cds_service.guideline.facts import Coded, Condition, Fact, Facts, Measurement, Note
from cds_service.guideline.interval import Truth, all_of, any_of
from cds_service.guideline.lesions import (
    LesionPicture,
    alone_in,
    any_with_feature,
    in_group,
    is_typical,
    multifocal,
    symmetric,
)
from cds_service.guideline.red_flags import signs
from cds_service.guideline.results import Biopsy, Classification, Finding, Indicator, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cds_service.guideline.counts import Line
    from cds_service.guideline.course import Course
    from cds_service.guideline.domains import Read
    from cds_service.guideline.tables import Tables

_COUNTS = ("hemoglobin", "platelets", "leukocytes", "neutrophils")
"""The lines of BIO-04."""
_DIFFERENTIAL = (*_COUNTS, "lymphocytes")
"""BIO-10 asks for the lymphocytes of the differential as well."""
_EXAMINATIONS = frozenset({"report:histology", "lab:tissue_culture"})
_PUSTULOSIS = "palmoplantar-pustulosis"


@dataclass(frozen=True, slots=True)
class Case:
    """What the reasons are read from."""

    facts: Facts
    course: Course
    picture: LesionPicture
    classification: Classification
    fever: Read
    findings: tuple[Finding, ...]
    tables: Tables
    counts: Mapping[str, Line]
    """The lines of the blood count all through the window, each against its own range."""
    several: Truth
    """Is more than one bone affected?"""


def weigh(  # noqa: PLR0913, PLR0917  all that the reasons are read from
    facts: Facts,
    course: Course,
    picture: LesionPicture,
    classification: Classification,
    fever: Read,
    findings: tuple[Finding, ...],
    tables: Tables,
) -> Biopsy:
    """All three lists, each in rule order."""
    counts = {name: count_line(facts, course, name, tables) for name in _DIFFERENTIAL}
    several = multifocal(picture, tables.bones, tables.criteria.multifocal_bones.count)
    case = Case(facts, course, picture, classification, fever, findings, tables, counts, several)
    alone, unusual = clavicle_alone(case), atypical(case)
    refrain = (
        well_with_classic_picture(case), near_normal_blood(case), alone, symmetric_typical(case),
        associated_disease(case), fulfils_criteria(case),
    )  # fmt: skip
    consider = (
        suspicion(case), abnormal_count(case), unexplained_fever(case), unwell(case), unusual, solitary(case, alone),
        diaphyseal(case), featured(case, "BIO-16", "rapid-growth"), featured(case, "BIO-17", "cortical-destruction"),
        rebiopsy(case, unusual), malignancy_not_excluded(case),
    )  # fmt: skip
    return Biopsy(_where(consider, Truth.YES), _where(refrain, Truth.YES), _where((*refrain, *consider), Truth.UNKNOWN))


def _where(reasons: Iterable[Reason], truth: Truth) -> tuple[Reason, ...]:
    return tuple(reason for reason in reasons if reason.truth is truth)


def _answers(facts: Facts, *link_ids: str) -> tuple[Coded, ...]:
    return tuple(fact for link_id in link_ids for fact in facts.answers.fact(link_id))


def _denied(facts: Facts, link_id: str) -> Truth:
    """A yes-no item; a no without a date denies nothing."""
    answer = facts.answers.yes(link_id)
    return answer if answer is not Truth.NO or facts.answers.authored else Truth.UNKNOWN


def _good_condition(facts: Facts) -> tuple[Truth, tuple[Fact, ...], tuple[Note, ...]]:
    """Is the child well? A later code for malaise or fatigue reopens the answer."""
    form = facts.answers
    answer = form.choice("general-condition")
    later = _later(facts, frozenset({"redflag_malaise", "redflag_fatigue"}))
    shown: tuple[Fact, ...] = (*form.fact("general-condition"), *(condition.fact() for condition in later))
    if answer == "affected":
        return Truth.NO, shown, ()
    if answer != "good" or form.authored is None or later:
        return Truth.UNKNOWN, shown, tuple(Note(c.source, "answer-outdated") for c in later if answer == "good")
    return Truth.YES, shown, ()


def _later(facts: Facts, concepts: frozenset[str]) -> list[Condition]:
    """Conditions of these kinds that the form did not know of."""
    authored = facts.answers.authored
    return [c for c in facts.conditions if c.concept in concepts and not known_to(c.told, authored)]


def well_with_classic_picture(case: Case) -> Reason:
    """BIO-03."""
    well, shown, notes = _good_condition(case.facts)
    truth = well & case.facts.answers.yes("classic-presentation")
    return Reason("BIO-03", truth, (*shown, *_answers(case.facts, "classic-presentation")), notes=notes)


def near_normal_blood(case: Case) -> Reason:
    """BIO-04: CRP below its limit, and every count present and inside its own range, all through the window."""
    limit, values = case.tables.biopsy.crp_below.value, case.facts.of("crp")

    def high(value: Measurement) -> Truth:
        return value.value.at_least(limit)

    lines = [
        still_good(throughout(values, case.course, high), values, case.course, high),
        *(case.counts[name] for name in _COUNTS),
    ]
    return Reason("BIO-04", all_of(truth for truth, _ in lines), tuple(fact for _, shown in lines for fact in shown))


def clavicle_alone(case: Case) -> Reason:
    """BIO-05."""
    least = case.tables.criteria.multifocal_bones.count
    return Reason("BIO-05", alone_in(case.picture, case.tables.bones, "clavicle", least), case.picture.lesions)


def symmetric_typical(case: Case) -> Reason:
    """BIO-06: several, symmetric, all at typical sites, from a complete list."""
    bones = case.tables.bones
    typical = all_of(is_typical(lesion, bones) for lesion in case.picture.counted)
    truth = case.several & symmetric(case.picture, bones) & typical
    return Reason("BIO-06", truth if case.picture.complete else Truth.UNKNOWN, case.picture.lesions)


def associated_disease(case: Case) -> Reason:
    """BIO-07: palmoplantar pustulosis, IBD or enthesitis-related arthritis beside it; one is enough."""
    now = case.course.safety.end
    ibd = coexisting(case.facts, now, frozenset({"coexist_ibd"}), frozenset({"ibd"}))
    era = coexisting(case.facts, now, frozenset({"coexist_era"}), frozenset({"enthesitis-related-arthritis"}))
    pustulosis = coexisting(case.facts, now, frozenset(), frozenset({_PUSTULOSIS}))
    coded = tuple(c for c in case.facts.conditions if c.value == _PUSTULOSIS)
    by_code = any_of(condition.confirmed for condition in coded)
    shown: tuple[Fact, ...] = (*ibd[1], *era[1], *pustulosis[1], *(condition.fact() for condition in coded))
    return Reason("BIO-07", ibd[0] | era[0] | pustulosis[0] | by_code, tuple(dict.fromkeys(shown)))


def fulfils_criteria(case: Case) -> Reason:
    """BIO-08: only `fulfilled` holds; `provisionally-fulfilled` and `undetermined` are not assessed."""
    verdict = case.classification.verdict
    is_open = verdict in ("provisionally-fulfilled", "undetermined")
    return Reason("BIO-08", Truth.UNKNOWN if is_open else Truth.of(verdict == "fulfilled"))


def suspicion(case: Case) -> Reason:
    """BIO-02: inconclusive imaging, or suspected malignancy or infection: the clinician's answers alone."""
    items = ("imaging-inconclusive", "malignancy-suspected", "infection-suspected")
    return Reason("BIO-02", any_of(_denied(case.facts, item) for item in items), _answers(case.facts, *items))


def abnormal_count(case: Case) -> Reason:
    """BIO-10: any count outside its own range, or any blasts; every line is needed before it fails."""
    limit = case.tables.biopsy.blasts_above.value
    lines = [case.counts[name] for name in _DIFFERENTIAL]
    seen: tuple[Fact, ...] = tuple(fact for _, facts in lines for fact in facts)
    none_seen, counted = throughout(case.facts.of("blasts"), case.course, lambda value: value.value.above(limit))
    ever = tuple(value for value in case.facts.of("blasts") if value.when and value.value.above(limit) is Truth.YES)
    by_percent = blasts_by_percent(case.facts)
    blasts = Truth.YES if by_percent or ever else ~none_seen if counted else Truth.NO
    abnormal = any_of(~truth for truth, _ in lines) | blasts
    shown: tuple[Fact, ...] = (*dict.fromkeys((*ever, *counted)), *by_percent, *seen)
    indicator: Indicator = "critical" if blasts is Truth.YES else "info"
    return Reason("BIO-10", abnormal, shown, indicator, "blasts" if blasts is Truth.YES else None)


def unexplained_fever(case: Case) -> Reason:
    """BIO-11: as CLS-3.7."""
    truth, shown, notes = case.fever
    return Reason("BIO-11", truth, shown, notes=notes)


def unwell(case: Case) -> Reason:
    """BIO-12."""
    well, shown, notes = _good_condition(case.facts)
    return Reason("BIO-12", ~well, shown, notes=notes)


def atypical(case: Case) -> Reason:
    """BIO-13: atypical MRI, or a lesion of skull or hand."""
    bones = case.tables.bones
    placed = any_of(in_group(lesion, bones, "skull_hand") for lesion in case.picture.counted)
    if placed is Truth.NO and not case.picture.complete:
        placed = Truth.UNKNOWN
    shown: tuple[Fact, ...] = (*_answers(case.facts, "atypical-mri"), *case.picture.lesions)
    return Reason("BIO-13", _denied(case.facts, "atypical-mri") | placed, shown)


def solitary(case: Case, alone: Reason) -> Reason:
    """BIO-14: one bone, from a complete list; a clavicle alone is told in softer words (AMB-25)."""
    truth = ~case.several if case.picture.complete else Truth.UNKNOWN
    is_clavicle = alone.truth is Truth.YES
    return Reason("BIO-14", truth, case.picture.lesions, reason="clavicle-alone" if is_clavicle else None)


def diaphyseal(case: Case) -> Reason:
    """BIO-15: a lesion whose zone is not told leaves it open."""
    zones = {lesion.zone for lesion in case.picture.lesions}
    if "diaphysis" in zones:
        return Reason("BIO-15", Truth.YES, tuple(le for le in case.picture.lesions if le.zone == "diaphysis"))
    told = case.picture.complete and None not in zones
    return Reason("BIO-15", Truth.NO if told else Truth.UNKNOWN)


def featured(case: Case, rule: str, feature: str) -> Reason:
    """BIO-16 and BIO-17: a feature of any lesion; what was not ticked was not assessed."""
    shown = tuple(lesion for lesion in case.picture.lesions if feature in lesion.features)
    coded = tuple(f for f in case.facts.findings if f.name == f"finding:{feature.replace('-', '_')}")
    truth = Truth.YES if coded else any_with_feature(case.picture, feature)
    return Reason(rule, truth, (*shown, *coded), "warning")


def rebiopsy(case: Case, unusual_picture: Reason) -> Reason:
    """BIO-18: a biopsy was done, the presentation is atypical, and the response is poor: all three."""
    form = case.facts.answers
    status = form.choice("biopsy-status")
    done = {"done": Truth.YES, "pending": Truth.NO, "not-done": Truth.NO}.get(status or "", Truth.UNKNOWN)
    if done is Truth.NO and case.facts.biopsies:
        done = Truth.UNKNOWN
    poor = {"inadequate": Truth.YES, "adequate": Truth.NO}.get(form.choice("treatment-response") or "", Truth.UNKNOWN)
    unusual = unusual_picture.truth | ~form.yes("classic-presentation")
    shown = _answers(case.facts, "biopsy-status", "treatment-response", "atypical-mri", "classic-presentation")
    return Reason("BIO-18", done & unusual & poor, shown, "warning")


def malignancy_not_excluded(case: Case) -> Reason:
    """BIO-19: listed unless malignancy is answered excluded and no sign of it is there; never `not assessed`."""
    facts = case.facts
    seen = _signs_of_malignancy(case)
    answer = _denied(facts, "malignancy-excluded") if facts.answers.authored else Truth.UNKNOWN
    if answer is Truth.YES and not seen:
        return Reason("BIO-19", Truth.NO)
    suspected = facts.answers.yes("malignancy-suspected") is Truth.YES
    answered = "not-excluded" if answer is Truth.NO else "unanswered"
    reason = "sign" if seen else "suspected" if suspected else answered
    items = ("malignancy-suspected", "malignancy-excluded") if suspected else ("malignancy-excluded",)
    shown = (*dict.fromkeys(seen), *_answers(facts, *items))
    return Reason("BIO-19", Truth.YES, shown, "warning" if seen or suspected else "info", reason)


def _signs_of_malignancy(case: Case) -> list[Fact]:
    """Facts that are a sign of malignancy; a diagnosis that was only suspected counts until an answer knew of it."""
    mimicker, platelets, ldh, _ = case.classification.exclusion_criteria
    form = case.facts.answers
    authored = form.authored if form.choice("malignancy-excluded") else None
    coded = [c for c in case.facts.conditions if c.concept.removesuffix("_possible") in MALIGNANCIES]
    open_ones = [c for c in coded if mimicker.reason == "malignancy" or not known_to(c.told, authored)]
    return [
        *(condition.fact() for condition in open_ones),
        *(platelets.evidence if platelets.truth is Truth.YES else ()),
        *(ldh.evidence if ldh.truth is Truth.YES or ldh.reason else ()),
        *(fact for finding in case.findings if finding.id in ("DDX-01", "LAB-17") for fact in finding.evidence),
        *signs(case.facts),
    ]


def recommended(lists: Biopsy) -> Finding | None:
    """BIO-01: some reason to consider a biopsy is there, other than an unanswered question (BIO-19)."""
    reasons = [reason for reason in lists.consider if reason.reason != "unanswered"]
    if not reasons:
        return None
    warning = any(reason.indicator != "info" for reason in reasons)
    return Finding("BIO-01", "warning" if warning else "info")


def order_finding(facts: Facts) -> Finding | None:
    """BIO-20: a bone biopsy is ordered without histology and microbiological culture beside it."""
    ordered = {order.concept for order in facts.orders}
    if "proc:bone_biopsy" not in ordered or ordered >= _EXAMINATIONS:
        return None
    return Finding("BIO-20", "warning", about="order")
