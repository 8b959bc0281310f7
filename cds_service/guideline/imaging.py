"""Which imaging next, and what is known of imaging that is ordered (IMG, KLN-08)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.guideline.imaging_known import (
    MRI,
    REGIONAL_MRI,
    WHOLE_BODY_MRI,
    aggressive,
    answers,
    imaging_of,
    is_regional_mri,
    of_this_disease,
    whole_body_wanted,
)
from cds_service.guideline.interval import Truth
from cds_service.guideline.lesions import in_one_bone, only_in
from cds_service.guideline.results import Finding

if TYPE_CHECKING:
    from cds_service.guideline.case import Case
    from cds_service.guideline.facts import Fact
    from cds_service.guideline.imaging_known import Imaging
    from cds_service.guideline.results import About, Indicator

_CONTRAST_MRI = "img:mr_contrast"
_TOTAL_SPINE_MRI = "img:mr_total_spine"
_PET = frozenset({"img:pet", "img:petct"})
_IMAGED_ANSWERS = {
    "xray-result": {"normal", "abnormal"},
    "imaging-typical": {"yes"},
    "imaging-inconclusive": {"yes"},
    "imaging-activity": {"active", "inactive"},
    "axial-imaging": {"yes"},
    "whole-body-imaging": {"done"},
}
"""Answers that only imaging can have given (OUR-20); those on MRI come in addition."""


def findings(case: Case) -> tuple[Finding, ...]:
    """All that fired."""
    known = imaging_of(case)
    found = (
        single_bone(case, known), nothing_yet(case, known), normal_xray(case, known), no_mri(case, known),
        region_first(case, known), contrast_needed(case, known), whole_body_next(case, known),
        no_screening(case, known), without_whole_body_mri(case, known), mri_before_ct(case, known),
        sarcoma_team(case), no_scintigraphy(case, known), pet_seldom(case, known),
    )  # fmt: skip
    return tuple(finding for finding in found if finding)


def _evidence(case: Case, rule: str) -> tuple[Fact, ...]:
    """What an entry criterion rests on."""
    return next(one.evidence for one in case.classification.entry_criteria if one.id == rule)


def _no_mri_reason(case: Case, known: Imaging) -> str | None:
    """That no MRI is known may be because one is on its way, or because studies were not received."""
    if known.mri_is_coming:
        return "requested"
    return "unread" if _unread(case) else None


def _unread(case: Case) -> bool:
    return bool(case.facts.not_received & {"ImagingStudy", "DiagnosticReport"}) or "imaging" in case.facts.unreadable


def nothing_yet(case: Case, known: Imaging) -> Finding | None:
    """IMG-01: no imaging is known, requested or ordered; once `diagnosed` there was some (OUR-42)."""
    facts = case.facts
    form = facts.answers
    answered = any(form.choices.get(item, frozenset()) & codes for item, codes in _IMAGED_ANSWERS.items())
    seen = facts.lesions or form.lesions or any(one.name.startswith("finding:") for one in facts.findings)
    if known.mri or known.coming or facts.studies or answered or seen:
        return None
    unread = {"ImagingStudy", "DiagnosticReport"} <= facts.not_received
    reason = "diagnosed" if case.has_diagnosis else "unread" if unread else None
    return Finding("IMG-01", "info", answers(case, "xray-result"), reason)


def normal_xray(case: Case, known: Imaging) -> Finding | None:
    """IMG-02: a normal X-ray does not exclude CNO; one whose result nobody answered is asked about."""
    facts = case.facts
    taken = tuple(study.fact() for study in facts.studies if study.kind == "img:xray")
    result = facts.answers.choice("xray-result")
    if known.mri or case.met("CLS-1.1") is not Truth.YES or result == "abnormal":
        return None
    shown = (*answers(case, "xray-result"), *taken, *_evidence(case, "CLS-1.1"))
    if result == "normal":
        return Finding("IMG-02", "info", shown, _no_mri_reason(case, known))
    return Finding("IMG-02", "info", shown, "ask") if taken else None


def no_mri(case: Case, known: Imaging) -> Finding | None:
    """IMG-03: every child with suspected CNO has an MRI."""
    if known.mri or case.met("CLS-1.1") is not Truth.YES:
        return None
    return Finding("IMG-03", "info", _evidence(case, "CLS-1.1"), _no_mri_reason(case, known))


def region_first(case: Case, known: Imaging) -> Finding | None:
    """IMG-04: whole-body MRI is ordered before any MRI of the affected region."""
    if known.regional or not known.has_ordered(WHOLE_BODY_MRI):
        return None
    if _unread(case):
        return Finding("IMG-04", "info", known.mri, "unread", about="order")
    return Finding("IMG-04", "warning", known.mri, about="order")


def contrast_needed(case: Case, known: Imaging) -> Finding | None:
    """IMG-05: infection or malignancy is suspected, and no MRI with contrast of a lesion is known or coming."""
    shown = case.suspected
    done = any(
        study.when and is_regional_mri(study) and (study.contrast or study.kind == _CONTRAST_MRI)
        for study in of_this_disease(case)
    )
    coming = _CONTRAST_MRI in known.coming or any(
        order.contrast and order.concept.startswith(REGIONAL_MRI) for order in known.orders
    )
    if not shown or done or coming:
        return None
    plain = any(order.concept.startswith(MRI) and not order.contrast for order in known.orders)
    reason = "ask" if known.mri else "unread" if _unread(case) else None
    return Finding("IMG-05", "warning", shown, reason, about="both" if plain else "chart")


def whole_body_next(case: Case, known: Imaging) -> Finding | None:
    """IMG-06: whole-body MRI, once regional MRI suggests CNO; never because of the score."""
    wanted, reason, shown = whole_body_wanted(case, known)
    if not wanted or WHOLE_BODY_MRI in known.coming or not case.whole_body_mri:
        return None
    return Finding("IMG-06", "info", shown, reason)


def single_bone(case: Case, known: Imaging) -> Finding | None:
    """KLN-08: with one bone known, others without symptoms are common; told beside IMG-06 or IMG-08."""
    wanted, reason, shown = whole_body_wanted(case, known)
    alone = in_one_bone(case.picture, case.several, listed=bool(case.facts.answers.lesions))
    if not wanted or not alone or WHOLE_BODY_MRI in known.coming:
        return None
    return Finding("KLN-08", "info", tuple(dict.fromkeys((*case.picture.lesions, *shown))), reason)


def no_screening(case: Case, known: Imaging) -> Finding | None:
    """IMG-07: whole-body MRI is ordered although no imaging shows a finding of CNO."""
    pathological = case.met("CLS-1.3") is Truth.YES or known.suspicious
    if pathological or not known.has_ordered(WHOLE_BODY_MRI):
        return None
    shown = _evidence(case, "CLS-1.3")
    if _unread(case) and case.met("CLS-1.3") is Truth.UNKNOWN:
        return Finding("IMG-07", "info", shown, "unread", about="order")
    return Finding("IMG-07", "warning", shown, "ask" if case.picture.lesions else None, about="order")


def without_whole_body_mri(case: Case, known: Imaging) -> Finding | None:
    """IMG-08: a site without whole-body MRI takes the painful regions and the whole spine instead."""
    if case.whole_body_mri:
        return None
    ordered = known.has_ordered(WHOLE_BODY_MRI)
    wanted, _, shown = whole_body_wanted(case, known)
    spine = _TOTAL_SPINE_MRI in known.coming or any(s.kind == _TOTAL_SPINE_MRI for s in case.facts.studies)
    asked = WHOLE_BODY_MRI in case.facts.requested
    on_chart = wanted and not spine and not asked
    if not on_chart and not ordered:
        return None
    about: About = "chart" if not known.orders else "both" if on_chart else "order"
    return Finding("IMG-08", "info", shown, about=about)


def mri_before_ct(case: Case, known: Imaging) -> Finding | None:
    """IMG-10: CT is for what MRI leaves open."""
    if known.mri or not known.has_ordered("img:ct"):
        return None
    return Finding("IMG-10", "info", reason="unread" if _unread(case) else None, about="order")


def sarcoma_team(case: Case) -> Finding | None:
    """IMG-11: a low threshold for a sarcoma centre; the triggers are ours, a clavicle alone is none."""
    worst = aggressive(case)
    if worst:
        return Finding("IMG-11", "warning", worst)
    if only_in(case.picture, "clavicle", case.several):
        return None
    diaphyseal = tuple(lesion for lesion in case.picture.lesions if lesion.zone == "diaphysis")
    if diaphyseal:
        return Finding("IMG-11", "info", diaphyseal, "diaphysis")
    return Finding("IMG-11", "info", case.picture.lesions, "solitary") if case.several is Truth.NO else None


def no_scintigraphy(case: Case, known: Imaging) -> Finding | None:
    """IMG-12: a bone scan misleads in children; a radionuclide study of unknown target is asked about."""
    if case.is_adult or not known.has_ordered("img:bone_scan", "img:nm"):
        return None
    surely = known.has_ordered("img:bone_scan")
    indicator: Indicator = "warning" if surely else "info"
    return Finding("IMG-12", indicator, reason=None if surely else "ask", about="order")


def pet_seldom(case: Case, known: Imaging) -> Finding | None:
    """IMG-13: PET is seldom needed unless the picture is atypical; `suspected` where worse may be found (OUR-41)."""
    atypical = case.facts.answers.yes("atypical-mri")
    if atypical is Truth.YES or not known.has_ordered(*_PET):
        return None
    reason = "suspected" if case.suspected else None
    return Finding("IMG-13", "info", answers(case, "atypical-mri"), reason, about="order")
