"""What the readiness card warns of beside the nine checks, and what it says that nobody told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.guideline.facts import Coded
from cds_service.guideline.infusion import PARACETAMOL, has_active_paracetamol
from cds_service.hooks.wording import sentence
from cds_service.mappings.orders import names_another

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from cds_service.guideline.facts import Facts, Note, Planned
    from cds_service.guideline.results import Check, Evaluation, Infusion
    from cds_service.hooks.wording import Wording

_MIMICS = "mimic_"
_IN_USE = frozenset({"MedicationRequest", "MedicationStatement"})
"""The lists that tell what a child takes."""
_DAY_OF_INFUSION = frozenset({"timing", "occurrence", "appointment"})


@dataclass(frozen=True, slots=True)
class Warned:
    """One warning: a few words for the summary, and a line of the detail, empty where another line says it."""

    short: str
    line: str


def warned_of(evaluation: Evaluation, infusion: Infusion, wording: Wording) -> tuple[Warned, ...]:
    """All that must be looked at although no check says so."""
    return (
        *_mimicker(evaluation, infusion, wording),
        *([Warned(wording.text("infusion.low_alp"), "")] if infusion.low_alp else []),
        *_contradiction(evaluation, infusion, wording),
        *_paracetamol_despite_allergy(evaluation, infusion, wording),
        *_several_orders(infusion, wording),
        *_of_another(evaluation, wording),
    )


def is_contradiction(note: Note, infusion: Infusion) -> bool:
    """Whether the note says that code and text of a judged order name different drugs."""
    return note.reason == "coding-contradiction" and note.source in {infusion.order, *infusion.also_ordered}


def despite_allergy(evaluation: Evaluation, infusion: Infusion) -> bool:
    """Whether paracetamol is ordered for a child with an allergy to it."""
    ordered = any(order.concept in PARACETAMOL for order in evaluation.facts.orders)
    return ordered and _check(infusion, "ZOL-04").reason == "allergy"


def is_too_young(infusion: Infusion) -> bool:
    """Whether the recommendation has no dosing for this child (ZOL-07a)."""
    return _check(infusion, "ZOL-07a").status == "breach"


def unsaid(evaluation: Evaluation, infusion: Infusion, wording: Wording) -> list[str]:
    """An infusion day that is only assumed, or has passed; where all is in order also what else was not told."""
    told = _day_unsaid(infusion, evaluation.today, wording)
    if infusion.readiness == "ready":
        rate = _check(infusion, "ZOL-10")
        words = ["rate"] if rate.status == "missing" and rate.reason is None else []
        if _check(infusion, "ZOL-04").status == "missing":
            words += ["paracetamol_unknown" if lists_lack_paracetamol(evaluation.facts) else "paracetamol"]
        told += [wording.text(f"infusion.unsaid.{word}") for word in words]
    return told


def allergies_unknown(facts: Facts) -> bool:
    """Whether an allergy may be on record that was not received or could not be read."""
    return "AllergyIntolerance" in facts.not_received or "allergy" in facts.unreadable


def lists_lack_paracetamol(facts: Facts) -> bool:
    """Whether a list did not come that may hold paracetamol, and none that came holds it."""
    return bool(_IN_USE & facts.not_received) and not has_active_paracetamol(facts)


def is_past(planned: Planned, today: date) -> bool:
    """Whether the day that all was counted from lies before today."""
    return planned.when.latest < today


def has_passed(planned: Planned, today: date) -> bool:
    """Whether the day that was told for the infusion lies before today."""
    return planned.told_by in _DAY_OF_INFUSION and is_past(planned, today)


def _day_unsaid(infusion: Infusion, today: date, wording: Wording) -> list[str]:
    planned = infusion.planned
    day = wording.when(planned.when)
    if planned.told_by == "today":
        return [wording.text("infusion.unsaid.day")]
    if not is_past(planned, today):
        return []
    word = "passed" if has_passed(planned, today) else "old_order"
    return [wording.text(f"infusion.unsaid.{word}", date=day)]


def _mimicker(evaluation: Evaluation, infusion: Infusion, wording: Wording) -> Iterator[Warned]:
    """A confirmed mimicker, or a hypophosphatasia that is only possible, by our own names."""
    if infusion.mimicker is None:
        return
    wanted = f"{_MIMICS}hypophosphatasia" if infusion.mimicker == "hypophosphatasia" else _MIMICS
    recorded = (condition.concept for condition in evaluation.facts.conditions)
    confirmed = (
        fact.name for fact in evaluation.classification.exclusion_criteria[0].evidence if isinstance(fact, Coded)
    )
    concepts = recorded if wanted != _MIMICS else confirmed
    labels = (wording.label(concept) for concept in concepts if concept.startswith(wanted))
    names = tuple(dict.fromkeys(label for label in labels if label))
    disease = wording.listed(names, 2) or wording.text("infusion.mimicker.unnamed")
    line = sentence(wording.text("infusion.mimicker.line", disease=disease))
    yield Warned(wording.text("infusion.mimicker.short", disease=disease), wording.text("findings.bare", text=line))


def _contradiction(evaluation: Evaluation, infusion: Infusion, wording: Wording) -> Iterator[Warned]:
    if any(is_contradiction(note, infusion) for note in evaluation.notes):
        key = "infusion.contradiction"
        yield Warned(wording.text(f"{key}.short"), wording.text(f"{key}.line"))


def _paracetamol_despite_allergy(evaluation: Evaluation, infusion: Infusion, wording: Wording) -> Iterator[Warned]:
    if despite_allergy(evaluation, infusion):
        key = "infusion.paracetamol.despite"
        yield Warned(wording.text(f"{key}.short"), wording.text(f"{key}.line"))


def _several_orders(infusion: Infusion, wording: Wording) -> Iterator[Warned]:
    if not infusion.also_ordered:
        return
    orders = wording.text("infusion.orders", n=wording.spelled(1 + len(infusion.also_ordered)))
    yield Warned(orders, wording.text("infusion.orders_line", orders=sentence(orders)))


def _of_another(evaluation: Evaluation, wording: Wording) -> Iterator[Warned]:
    if names_another(evaluation.facts):
        yield Warned(wording.text("infusion.foreign.short"), wording.text("infusion.foreign.line"))


def _check(infusion: Infusion, rule: str) -> Check:
    return next(check for check in infusion.checks if check.id == rule)
