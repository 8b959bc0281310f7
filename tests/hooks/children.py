"""Children to draw cards for, and the cards themselves."""

from datetime import date
from decimal import Decimal
from itertools import count

from cds_service.guideline.dates import When
from cds_service.guideline.evaluation import evaluate
from cds_service.guideline.facts import (
    Dose,
    Facts,
    Form,
    Lesion,
    Measurement,
    Order,
    Planned,
    Rate,
)
from cds_service.guideline.interval import Interval
from cds_service.guideline.results import Evaluation
from cds_service.hooks.card_draft import TOPICS, Scope
from cds_service.hooks.cards import CardStyle, build_cards
from cds_service.hooks.report import sections
from cds_service.hooks.wording import wording

TODAY = date(2025, 9, 15)
PLANNED = date(2025, 10, 20)
ONSET = When(date(2025, 3, 1), date(2025, 3, 31))
BORN = When.on(date(2015, 4, 10))
CHILD = Scope("patient-view", suspicion=True, age_group="child")
AT_ORDER = Scope("order-sign", suspicion=True, age_group="child")
STRANGER = Scope("order-sign", suspicion=False, age_group="child")
SPACE = "\N{NO-BREAK SPACE}"
ANSWERS = {
    "symptom-type": {"bone-pain"},
    "fever": {"absent"},
    "mimicker": {"excluded"},
    "ldh-concern": {"no"},
    "antimicrobial-response": {"none-given"},
    "biopsy-status": {"not-done"},
    "coexisting": {"none"},
    "general-condition": {"good"},
    "malignancy-excluded": {"yes"},
    "whole-body-imaging": {"done"},
}
TIBIAE = tuple(
    Lesion("tibia", f"QuestionnaireResponse/q1#{side}", side, "metaphysis", frozenset({"marrow-oedema"}))
    for side in ("left", "right")
)


def measured(name, value, unit, day, reference=None, **members):
    interval = value if isinstance(value, Interval) else Interval.exactly(Decimal(value))
    span = Interval(*(Decimal(end) for end in reference)) if reference else None
    when = None if day is None else When.on(day)
    members = {"source": f"Observation/{name}", **members}
    return Measurement(name, interval, unit, when, reference=span, **members)


def form(answers=None, lesions=TIBIAE, onset=ONSET):
    choices = {link: frozenset(codes) for link, codes in {**ANSWERS, **(answers or {})}.items() if codes}
    return Form("QuestionnaireResponse/q1", When.on(TODAY), choices, dates={"symptom-onset": onset}, lesions=lesions)


def facts(*results, answers=None, lesions=TIBIAE, **members):
    by_name = {}
    for result in results:
        by_name.setdefault(result.name, []).append(result)
    grouped = {name: tuple(values) for name, values in by_name.items()}
    members = {"patient_id": "p1", "born": BORN, "form": form(answers, lesions), **members}
    return Facts(measurements=grouped, **members)


BLOOD = (
    measured("hemoglobin", "12.4", "g/dL", date(2025, 9, 1), ("11", "15")),
    measured("crp", "6", "mg/L", date(2025, 9, 1)),
    measured("esr", "24", "mm/h", date(2025, 9, 1)),
    measured("platelets", "310", "10*9/L", date(2025, 9, 1), ("150", "450")),
    measured("ldh", "215", "U/L", date(2025, 9, 1), ("105", "305")),
)


def order(**members):
    planned = Planned(When.on(PLANNED), "timing")
    defaults = {"dose": Dose(Decimal("0.6"), per_kg=False), "rate": Rate(Decimal(200), per_kg=False)}
    return Order("drug:zoledronic_acid", "MedicationRequest/z1", planned, **{**defaults, **members})


BEFORE = (
    measured("vitd25", "72", "nmol/L", date(2025, 10, 8)),
    measured("calcium_free", "1.20", "mmol/L", date(2025, 10, 15), ("1.15", "1.33")),
    measured("body_weight", "24", "kg", date(2025, 10, 14)),
)


def infusion_facts(*replaced, without=(), **members):
    """The facts of an order that is in order, with some results replaced or left out."""
    names = {result.name for result in replaced} | set(without)
    kept = (result for result in BEFORE if result.name not in names)
    orders = members.pop("orders", (order(), Order("drug:paracetamol", "MedicationRequest/p1")))
    return facts(*replaced, *kept, orders=orders, **members)


def draw(record, scope=CHILD, language="en", **style):
    """The cards of a child, or of an evaluation."""
    result = record if isinstance(record, Evaluation) else evaluate(record, TODAY)
    numbers = count(1)
    return build_cards(
        result,
        scope,
        wording(language),
        CardStyle(**style),
        lambda: f"00000000-0000-4000-8000-{next(numbers):012d}",
        sections(result),
    )


def of_topic(built, topic):
    return next(card for card in built if card["source"]["topic"]["code"] == TOPICS[topic])


def topics(built):
    codes = {code: topic for topic, code in TOPICS.items()}
    return [codes[card["source"]["topic"]["code"]] for card in built]


def readiness(built):
    assert topics(built) == ["infusion"]
    return built[0]
