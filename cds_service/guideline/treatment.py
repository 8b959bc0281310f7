"""Drugs for CNO: what to consider, and what is known of a drug that is ordered (BEH)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cds_service.guideline.course import was_taken
from cds_service.guideline.criteria import BISPHOSPHONATES
from cds_service.guideline.dates import add_months, age_reached, not_after
from cds_service.guideline.differentials import answered_yes
from cds_service.guideline.interval import Truth, any_of
from cds_service.guideline.lesions import with_any
from cds_service.guideline.nsaid_trial import NSAID, insufficient_effect
from cds_service.guideline.results import Finding

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from cds_service.guideline.case import Case
    from cds_service.guideline.facts import Drug, Fact
    from cds_service.guideline.results import Indicator

METHOTREXATE = "drug:methotrexate"
TNF_INHIBITOR = "drug:tnf_inhibitor"
_SECOND_LINE = BISPHOSPHONATES | {METHOTREXATE, TNF_INHIBITOR}
_FOR_REFRACTORY = frozenset({"drug:il17_inhibitor", "drug:jak_inhibitor"})
_AFTER_NSAID = _SECOND_LINE | _FOR_REFRACTORY | {"drug:sulfasalazine"}
_LESS_EFFECT = frozenset({"drug:glucocorticoid", METHOTREXATE, "drug:sulfasalazine"})
_OF_THIS_SECTION = _AFTER_NSAID | _LESS_EFFECT | {NSAID}
_LISTS = frozenset({"MedicationRequest", "MedicationStatement", "MedicationAdministration"})
"""Lists that must all have come before a drug can be said not to have been tried."""
_IN_USE = frozenset({"active", "in-progress"})
_UNCLEAR = frozenset({"unknown", "on-hold"})
_UNREADABLE = "drug:unreadable"
_UNSURE_COEXISTING = "coexist_skin_possible"
_COLLAPSE = frozenset({"vertebral-collapse"})
_COLLAPSE_FINDING = "finding:vertebral_collapse"
_SACRUM = "sacrum"
_ESCALATES = frozenset({"BEH-06", "BEH-11"})
_NAMES_NO_DRUG = frozenset({("BEH-04", "later-line"), ("BEH-04", "allergy"), ("BEH-06", "ask")})
"""What may be said as it is while infection and malignancy are not verified absent: it suggests no drug."""


@dataclass(frozen=True, slots=True)
class Drugs:
    """What was taken, what is ordered, and what is being stopped."""

    taken: tuple[Drug, ...]
    current: tuple[Drug, ...]
    """Of these the ones in use, or that may be (OUR-45)."""
    ordered: frozenset[str]
    stopped: frozenset[str]
    unread: bool
    """Whether drugs may have been taken that nobody could read."""

    def record_of(self, concepts: AbstractSet[str]) -> tuple[Drug, ...]:
        """Those of these drugs that were taken."""
        return tuple(drug for drug in self.taken if drug.concept in concepts)

    def has(self, concepts: AbstractSet[str]) -> bool:
        """Whether one of these is in use, or is ordered now."""
        return any(drug.concept in concepts for drug in self.current) or not self.ordered.isdisjoint(concepts)


def findings(case: Case) -> tuple[Finding, ...]:
    """All that fired, behind the gate of each rule. Advice on treatment is for children: an adult is told (AMB-35)."""
    drugs = _drugs(case)
    found = (*_behind_drug_gate(case, drugs), *_behind_cno_gate(case, drugs))
    fired = tuple(finding for finding in found if finding)
    return tuple(replace(finding, indicator="info") for finding in fired) if case.is_adult else fired


def _drugs(case: Case) -> Drugs:
    facts = case.facts
    taken = tuple(drug for drug in facts.drugs if was_taken(drug))
    current = tuple(drug for drug in taken if _is_current(drug, case))
    unread = bool(facts.not_received & _LISTS) or any(
        drug.concept == _UNREADABLE or (drug not in current and drug.concept in _SECOND_LINE and _is_unclear(drug))
        for drug in taken
    )
    ordered = frozenset(order.concept for order in facts.orders if not order.stops)
    stopped = frozenset(order.concept for order in facts.orders if order.stops)
    return Drugs(taken, current, ordered, stopped, unread)


def _is_unclear(drug: Drug) -> bool:
    """Whether nobody can say if it is in use."""
    return (drug.end or drug.when) is None or drug.status in _UNCLEAR


def _is_current(drug: Drug, case: Case) -> bool:
    """In use; or given or ended no longer ago than the time from one infusion to the next."""
    last = drug.end or drug.when
    if drug.status in _IN_USE:
        return True
    return last is not None and add_months(last.latest, case.tables.infusion.overdue_months.count) >= case.course.today


def _facts(drugs: tuple[Drug, ...]) -> tuple[Fact, ...]:
    return tuple(dict.fromkeys(drug.fact() for drug in drugs))


def _behind_drug_gate(case: Case, drugs: Drugs) -> tuple[Finding | None, ...]:
    """Silent while the gate is closed; while it waits, each says that infection and malignancy come first."""
    gate = case.drug_gate
    if gate == "closed":
        return ()
    nsaids = drugs.record_of({NSAID})
    later = insufficient_effect(case, nsaids) if not drugs.has(_SECOND_LINE) else None
    found = (
        first_line(case, drugs), _qualified(case, later), _qualified(case, spine(case, drugs)),
        _qualified(case, collapse(case, drugs)), _qualified(case, refractory(case, drugs)), for_refractory(drugs),
    )  # fmt: skip
    return found if gate == "open" else tuple(_waiting(finding) for finding in found)


def _waiting(finding: Finding | None) -> Finding | None:
    """The same, behind the word that infection and malignancy come first; why it is told stays after it."""
    if finding is None or (finding.id, finding.reason) in _NAMES_NO_DRUG:
        return finding
    return replace(finding, reason=f"waiting-{finding.reason}" if finding.reason else "waiting")


def _qualified(case: Case, finding: Finding | None) -> Finding | None:
    """The word for what must be said before a drug is named: no activity on imaging, a low ALP, an infant (OUR-43)."""
    if finding is None:
        return finding
    age = case.tables.infusion.age_from.count
    too_young = age_reached(case.facts.born, age, case.now) is Truth.NO and finding.id != "BEH-11"
    if too_young and "low-alp" not in (finding.reason or "") and not case.has_low_alp:
        return replace(finding, reason="too-young")
    if finding.reason:
        return finding
    form = case.facts.answers
    inactive = form.choice("imaging-activity") == "inactive" and form.yes("symptom-active") is Truth.YES
    if inactive and finding.id in _ESCALATES:
        return replace(finding, reason="inactive")
    if finding.id == "BEH-11":
        return finding
    return replace(finding, reason="low-alp") if case.has_low_alp else finding


def first_line(case: Case, drugs: Drugs) -> Finding | None:
    """BEH-04: NSAID comes first; `later-line` where that is past (OUR-42). At an order unless the spine is affected."""
    if drugs.record_of({NSAID}) or NSAID in drugs.ordered | drugs.stopped:
        return None
    if drugs.record_of(_SECOND_LINE):
        return Finding("BEH-04", "info", reason="later-line")
    if NSAID in case.facts.allergies:
        return Finding("BEH-04", "info", reason="allergy")
    before = not drugs.ordered.isdisjoint(_AFTER_NSAID) and not case.vertebral_lesions
    unread = drugs.unread or not case.facts.unreadable.isdisjoint({NSAID, _UNREADABLE})
    reason = "ask" if unread else "before-nsaid" if before else None
    return Finding("BEH-04", "info", (), reason, about="both" if before else "chart")


def spine(case: Case, drugs: Drugs) -> Finding | None:
    """BEH-07: with a lesion of the spine a TNF inhibitor or a bisphosphonate is considered at once."""
    if drugs.has(BISPHOSPHONATES | {TNF_INHIBITOR}):
        return None
    low_alp, vertebral = case.has_low_alp, case.vertebral_lesions
    if vertebral:
        reason = "low-alp-collapse" if low_alp and _collapsed(case) else "ask" if drugs.unread and not low_alp else None
        return Finding("BEH-07", "warning", vertebral, reason)
    sacral = tuple(lesion for lesion in case.picture.lesions if lesion.bone == _SACRUM)
    return Finding("BEH-07", "info", sacral, _SACRUM) if sacral and not low_alp else None


def collapse(case: Case, drugs: Drugs) -> Finding | None:
    """BEH-08: a vertebra that collapsed, or may: a bisphosphonate first; silent while ALP is low (LAB-18).

    One that collapsed alone may be LCH, lymphoma or tuberculosis: `solitary` (OUR-43).
    """
    shown = _collapsed(case)
    if not shown or drugs.has(BISPHOSPHONATES) or case.has_low_alp:
        return None
    if TNF_INHIBITOR in drugs.ordered:
        return Finding("BEH-08", "info", shown, "tnf-alone", about="both")
    alone = case.several is Truth.NO
    return Finding("BEH-08", "warning", shown, "solitary" if alone else "ask" if drugs.unread else None)


def _collapsed(case: Case) -> tuple[Fact, ...]:
    """A collapsed vertebra, or the answer that one may collapse."""
    facts = case.facts
    return (
        *with_any(case.picture.lesions, _COLLAPSE),
        *(one for one in facts.findings if one.name == _COLLAPSE_FINDING),
        *answered_yes(facts, "vertebral-risk"),
    )


def refractory(case: Case, drugs: Drugs) -> Finding | None:
    """BEH-11: NSAID and a second drug were not enough (AMB-30). An answer of before that drug does not speak of it."""
    form = case.facts.answers
    nsaids, second = drugs.record_of({NSAID}), drugs.record_of(_SECOND_LINE)
    if form.choice("treatment-response") != "inadequate" or not nsaids or not second:
        return None
    judged = any_of(~not_after(form.authored, drug.when) for drug in second)
    if judged is Truth.NO:
        return None
    shown = (*form.fact("treatment-response"), *_facts((*nsaids, *second)))
    return Finding("BEH-11", "info", shown, None if judged is Truth.YES else "ask")


def for_refractory(drugs: Drugs) -> Finding | None:
    """BEH-12: IL-17 or JAK inhibitor ordered; without a second-line drug on record a warning (ours)."""
    if drugs.ordered.isdisjoint(_FOR_REFRACTORY):
        return None
    second = drugs.record_of(_SECOND_LINE)
    reason = None if second else "ask" if drugs.unread else "no-second-line"
    indicator: Indicator = "info" if second else "warning"
    return Finding("BEH-12", indicator, _facts(second), reason, about="order")


def _behind_cno_gate(case: Case, drugs: Drugs) -> tuple[Finding | None, ...]:
    """Notes on orders, and on coexisting disease; `barred` beside an exclusion or a critical red flag (OUR-41)."""
    if not case.has_cno:
        return ()
    found = (
        stopping(drugs), _ordered("BEH-09", drugs, _LESS_EFFECT), comorbidity(case, drugs),
        _ordered("BEH-13", drugs, {TNF_INHIBITOR}), _ordered("BEH-14", drugs, {METHOTREXATE}),
    )  # fmt: skip
    if not case.is_barred and not case.suspected:
        return found
    return tuple(replace(one, reason="barred") if one and one.about == "order" else one for one in found)


def stopping(drugs: Drugs) -> Finding | None:
    """BEH-05: relapse is common when an NSAID is stopped."""
    if NSAID not in drugs.stopped:
        return None
    return Finding("BEH-05", "info", _facts(drugs.record_of({NSAID})), about="order")


def _ordered(rule: str, drugs: Drugs, concepts: AbstractSet[str]) -> Finding | None:
    """BEH-09, BEH-13 and BEH-14: what is known of the effect of a drug that is ordered."""
    return None if drugs.ordered.isdisjoint(concepts) else Finding(rule, "info", about="order")


def comorbidity(case: Case, drugs: Drugs) -> Finding | None:
    """BEH-10: a coexisting disease bears on the choice of drug; the evidence names it."""
    facts = case.facts
    recorded = (
        one.fact() for one in facts.conditions
        if one.concept.startswith("coexist_") and one.concept != _UNSURE_COEXISTING and one.confirmed is Truth.YES
    )  # fmt: skip
    answered = (fact for fact in facts.answers.fact("coexisting") if fact.value != "none")
    shown: tuple[Fact, ...] = tuple(dict.fromkeys((*answered, *recorded)))
    about_order = not drugs.ordered.isdisjoint(_OF_THIS_SECTION)
    return Finding("BEH-10", "info", shown, about="both" if about_order else "chart") if shown else None
