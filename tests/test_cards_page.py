"""docs/cards.md: the ten most important cards as a doctor reads them, in each language. `make samples` writes it."""

import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from cds_service.guideline.evaluation import evaluate
from cds_service.guideline.facts import Order
from cds_service.hooks import policy
from cds_service.hooks.card_draft import TOPIC_CODES
from cds_service.hooks.language import LANGUAGES
from tests.guideline.clinical_words import measurements
from tests.guideline.vignette import load
from tests.hooks.children import draw, of_topic

PAGE = Path(__file__).parent.parent / "docs" / "cards.md"
WIDTH = 96
V03, V04 = "V03 girl with collapsed vertebra", "V04 boy with leukaemia that looks like CNO"
V01, V15 = "V01 girl with symmetric metaphyseal lesions", "V15 girl of seven with all in order"
AFTER = "V15 girl of seven 28 hours after her infusion"
CARDS = (
    ("Criteria fulfilled", V01, {}, "patient-view", "classification"),
    (
        "Criteria open: what decides is named",
        "V09 boy about whom much is not known",
        {},
        "patient-view",
        "classification",
    ),
    ("Excluded", V04, {}, "patient-view", "classification"),
    ("Red flag", V04, {}, "patient-view", "red-flag"),
    ("Biopsy: for, against, not assessed", V04, {}, "patient-view", "biopsy"),
    ("Next steps, treatment among them", V03, {}, "patient-view", "next-steps"),
    (
        "After an infusion",
        AFTER,
        {"labs": ["calcium_free 0.85 mmol/L (1.15–1.33) 2025-10-21"]},
        "patient-view",
        "follow-up",
    ),
    (
        "Before zoledronic acid: a limit crossed",
        V15,
        {"labs": ["vitd25 38 nmol/L 2025-10-08"]},
        "order-sign",
        "infusion",
    ),
    ("An imaging order", V01, {"orders": ["img:bone_scan"]}, "order-select", "imaging-order"),
    ("A treatment order", V03, {"orders": ["drug:tnf_inhibitor"]}, "order-sign", "treatment-order"),
)
HEAD = """# The ten most important cards

As a doctor reads them, in each language. Made of the worked cases in `tests/vignettes/` by `make samples`; a test fails
when a word here is not the word on the card. Classification, not diagnosis.
"""


def card(name, but, hook, topic, language):
    """The card of a topic of a vignette with something changed about it."""
    case = load()[name]
    orders = tuple(Order(concept, "ServiceRequest/ordered") for concept in but.get("orders", ())) or case.facts.orders
    labs = {**case.facts.measurements, **measurements(but.get("labs", ()))}
    result = evaluate(replace(case.facts, orders=orders, measurements=labs), case.today, moment=case.moment)
    scope = policy.scope(result, hook, TOPIC_CODES, quiet_when_ready=False)
    return of_topic(draw(result, scope, language), topic)


def drawn(one):
    """A card as text: indicator and summary, the detail, and what it offers."""
    lines = [f"[{one['indicator']}] {one['summary']}", "", *one["detail"].splitlines()]
    lines += ["", *(f"[+] {suggestion['label']}" for suggestion in one.get("suggestions", ()))]
    lines += [f"[>] {link['label']}" for link in one.get("links", ())]
    return "\n".join(
        textwrap.fill(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False) for line in lines
    ).rstrip()


def page():
    parts = [HEAD]
    for number, (title, name, but, hook, topic) in enumerate(CARDS, start=1):
        parts.append(f"## {number}. {title}\n\nAt `{hook}`; worked case: {name}.\n")
        parts += [
            f"```text {language}\n{drawn(card(name, but, hook, topic, language))}\n```\n" for language in LANGUAGES
        ]
    return "\n".join(parts)


def test_the_page_shows_the_cards_as_they_are(expect):
    expect(PAGE, page())


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_ten_of_them_and_no_two_alike(language):
    shown = [drawn(card(*one[1:], language)) for one in CARDS]
    assert len(set(shown)) == 10
