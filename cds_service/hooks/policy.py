"""When there is a card: suspicion, the words of silence, the 412s. Never decided by an error.

Where the contract leaves room: a sign that cannot be told apart from CNO speaks rather than stays silent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from cds_service.guideline.course import ZOLEDRONIC_ACID, was_taken
from cds_service.guideline.dates import When, age_reached
from cds_service.guideline.interval import Truth
from cds_service.guideline.tables import TABLES
from cds_service.hooks.card_draft import AgeGroup, Scope
from cds_service.hooks.services import ORDER_HOOKS
from cds_service.mappings.orders import UNREADABLE, is_alongside, names_another
from cds_service.operations.errors import RequestError

if TYPE_CHECKING:
    from cds_service.guideline.facts import Condition, Facts, Lesion, Order
    from cds_service.guideline.results import Evaluation
    from cds_service.hooks.services import Hook

SilenceWord: TypeAlias = Literal["patient-user", "order-outside", "adult-onset", "no-suspicion"]
_SIGNS = frozenset({"cno", "cno_possible", "sapho", "sym_bone_pain"})
_CNO = frozenset({"cno", "sapho"})
_CNO_AT_ANY_AGE = _CNO | {"cno_possible"}
"""Conditions that make a zoledronic acid order of an adult ours (rules.md, scope of ZOL)."""
_BONE_BIOPSY = "proc:bone_biopsy"
_AGE_GROUPS: dict[Truth, AgeGroup] = {Truth.YES: "adult", Truth.NO: "child", Truth.UNKNOWN: "unknown"}
_ADULT_FROM = TABLES.criteria.onset_below_age.count


def suspicion(facts: Facts) -> bool:
    """Whether the record holds a sign of CNO."""
    return (
        facts.form is not None
        or any(condition.concept in _SIGNS for condition in facts.conditions)
        or any(_is_sign(lesion) for lesion in facts.lesions)
        or any(drug.concept == ZOLEDRONIC_ACID and was_taken(drug) for drug in facts.drugs)
    )


def has_cno(facts: Facts) -> bool:
    """Whether CNO or SAPHO itself stands among the conditions."""
    return any(_is_cno(condition) for condition in facts.conditions)


def age_group(facts: Facts, when: When) -> AgeGroup:
    """Adult from the 18th birthday."""
    return _AGE_GROUPS[age_reached(facts.born, _ADULT_FROM, when)]


def adult_onset(evaluation: Evaluation) -> bool:
    """Whether symptoms surely began at 18 or later (CLS-1.2)."""
    return any(
        criterion.id == "CLS-1.2" and criterion.truth is Truth.NO
        for criterion in evaluation.classification.entry_criteria
    )


def readiness_due(evaluation: Evaluation) -> bool:
    """Whether a zoledronic acid order, or one that names another patient, is one that a card is owed for."""
    facts = evaluation.facts
    orders = [order for order in facts.orders if order.concept == ZOLEDRONIC_ACID]
    foreign = names_another(facts)
    return (bool(orders) or foreign) and (
        facts.form is not None
        or any(condition.concept in _CNO_AT_ANY_AGE for condition in facts.conditions)
        or any(not _for_adult(order, evaluation) for order in orders)
        or (foreign and age_group(facts, When.on(evaluation.today)) != "adult")
    )


def silence(evaluation: Evaluation, hook: str, *, by_patient: bool) -> SilenceWord | None:
    """The first word of silence that holds, None where cards are due."""
    if by_patient:
        return "patient-user"
    if hook in ORDER_HOOKS:
        return _silence_at_orders(evaluation)
    facts = evaluation.facts
    if adult_onset(evaluation) and facts.form is None and not has_cno(facts):
        return "adult-onset"
    return None if suspicion(facts) else "no-suspicion"


def nothing_to_say(evaluation: Evaluation, hook: str) -> SilenceWord | None:
    """Why nothing was silent and yet no card came: at order hooks no line fired on an order of another kind."""
    return "order-outside" if hook in ORDER_HOOKS and not readiness_due(evaluation) else None


def has_order_of_ours(evaluation: Evaluation) -> bool:
    """Whether the guideline speaks, or may speak, of one of the orders."""
    return any(not is_alongside(order) for order in evaluation.facts.orders)


def scope(evaluation: Evaluation, hook: Hook, topics: frozenset[str], *, quiet_when_ready: bool) -> Scope:
    """What the card builders must know beside the evaluation."""
    facts, infusion = evaluation.facts, evaluation.infusion
    day = When.on(evaluation.today)
    if infusion is not None and hook in ORDER_HOOKS:
        day = infusion.planned.when
    return Scope(
        hook=hook,
        suspicion=suspicion(facts) or conditions_unread(facts),
        age_group=age_group(facts, day),
        topics=topics,
        quiet_when_ready=quiet_when_ready,
        readiness_due=readiness_due(evaluation),
    )


def conditions_unread(facts: Facts) -> bool:
    """Whether nobody can say if a CNO diagnosis is on record: no list of conditions, or not one of them readable."""
    sent = facts.conditions
    return "Condition" in facts.not_received or (bool(sent) and all(one.concept == "unreadable" for one in sent))


def require_record(evaluation: Evaluation, *, patient_received: bool, why: str) -> None:
    """At patient-view silence must rest on a record that was received; `why` says what kept it from being fetched.

    Raises:
        RequestError: 412.
    """
    facts = evaluation.facts
    if not patient_received:
        raise RequestError(412, "incomplete", f"The Patient was neither prefetched nor could it be fetched: {why}.")
    if conditions_unread(facts) and not suspicion(facts) and age_group(facts, When.on(evaluation.today)) != "adult":
        raise RequestError(
            412, "incomplete", f"The list of Conditions was neither prefetched nor could it be fetched: {why}."
        )


def _silence_at_orders(evaluation: Evaluation) -> SilenceWord | None:
    facts = evaluation.facts
    readiness = readiness_due(evaluation)
    others = [order for order in facts.orders if not is_alongside(order) and order.concept != ZOLEDRONIC_ACID]
    if not readiness and not others:
        return "order-outside"
    if adult_onset(evaluation) and not (readiness and has_cno(facts)):
        return "adult-onset"
    biopsy = any(order.concept == _BONE_BIOPSY and not _for_adult(order, evaluation) for order in others)
    unread = conditions_unread(facts) and any(order.concept == UNREADABLE for order in others)
    return None if readiness or biopsy or unread or suspicion(facts) else "no-suspicion"


def _for_adult(order: Order, evaluation: Evaluation) -> bool:
    """Whether the patient is surely 18 or older on the day that the order is planned for."""
    when = order.planned.when if order.planned else When.on(evaluation.today)
    return age_group(evaluation.facts, when) == "adult"


def _is_cno(condition: Condition) -> bool:
    """The code of CNO, or its name in a condition without a code."""
    return condition.concept in _CNO or (condition.concept == "cno_possible" and condition.read_from == "text")


def _is_sign(lesion: Lesion) -> bool:
    bones = TABLES.bones
    return not lesion.features.isdisjoint(bones.typical_features) and (
        lesion.bone is None or lesion.bone not in bones.not_a_bone
    )
