"""From an evaluation to CDS Hooks cards: which topics speak, in what order, what is folded, and the frame of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.guideline.provenance import rules_digest, rules_version
from cds_service.hooks import report, report_facts
from cds_service.hooks.card_biopsy import biopsy_card
from cds_service.hooks.card_classification import classification_card, is_adult_onset
from cds_service.hooks.card_draft import PLAN, SEVERITY, TOPICS, Draft, Scope, fitted
from cds_service.hooks.card_findings import finding_cards
from cds_service.hooks.card_infusion import infusion_card, unreadable_order_card
from cds_service.hooks.wording import sentence
from cds_service.mappings.orders import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cds_service.guideline.results import Evaluation
    from cds_service.hooks.wording import Wording

_ORDER = {topic: place for place, topic in enumerate(PLAN["order"])}
_NEED_SUSPICION = frozenset({"imaging-order", "treatment-order"})
_SHORT_DIGEST = slice(len("sha256:"), len("sha256:") + 8)


@dataclass(frozen=True, slots=True)
class CardStyle:
    """How this installation frames its cards."""

    canonical_base: str = "https://example.org/cno-cds"
    extension_prefix: str = "example.cno-cds"
    max_cards: int = 3


def build_cards(  # noqa: PLR0913, PLR0917  the six parts of a card's making
    evaluation: Evaluation,
    scope: Scope,
    wording: Wording,
    style: CardStyle,
    new_uuid: Callable[[], str],
    sections: Mapping[str, object],
) -> list[dict[str, object]]:
    """Finished cards, the most severe first. `sections` is the evaluation as `report.report` gives it."""
    drafts = [draft for draft in _drafts(evaluation, scope, wording, new_uuid) if TOPICS[draft.topic] in scope.topics]
    drafts.sort(key=lambda draft: (SEVERITY[draft.indicator], _ORDER[draft.topic]))
    shown, folded = _folded(drafts, style.max_cards)
    told: report_facts.Told = {}
    cards = []
    for draft in shown:
        bullets = _folded_bullets(folded, wording) if draft is shown[-1] else []
        detail = fitted(draft.lines, [*draft.last, *bullets], _version_line(evaluation, wording), wording)
        cards.append(
            {
                "uuid": new_uuid(),
                "summary": draft.summary,
                "indicator": draft.indicator,
                "detail": detail,
                "source": _source(draft.topic, style, wording),
                **_suggestions(draft),
                **({"links": list(draft.links)} if draft.links else {}),
                "overrideReasons": list(wording.override_reasons),
                "extension": {f"{style.extension_prefix}.result": _result(draft, sections, wording, told)},
            }
        )
    return cards


def _drafts(evaluation: Evaluation, scope: Scope, wording: Wording, new_uuid: Callable[[], str]) -> list[Draft]:
    if not scope.at_order:
        return _overview(evaluation, scope, wording, new_uuid)
    drafts = [draft for draft in finding_cards(evaluation, scope, wording, new_uuid) if _may_speak(draft, scope)]
    readiness = infusion_card(evaluation, scope, wording, new_uuid) if scope.readiness_due else None
    if readiness is not None:
        drafts.append(readiness)
    unreadable = any(order.concept == UNREADABLE for order in evaluation.facts.orders)
    treatment = any(draft.topic == "treatment-order" for draft in drafts)
    if unreadable and scope.suspicion and scope.age_group != "adult" and not treatment:
        drafts.append(unreadable_order_card(evaluation, wording))
    return drafts


def _overview(evaluation: Evaluation, scope: Scope, wording: Wording, new_uuid: Callable[[], str]) -> list[Draft]:
    """The cards of patient-view. For an onset in adult age there is one, which says so (BGR-02)."""
    classification = classification_card(evaluation, scope, wording)
    if is_adult_onset(evaluation.classification):
        return [classification]
    biopsy = biopsy_card(evaluation, wording)
    others = finding_cards(evaluation, scope, wording, new_uuid)
    return [classification, *([biopsy] if biopsy else []), *others]


def _may_speak(draft: Draft, scope: Scope) -> bool:
    return scope.suspicion or draft.topic not in _NEED_SUSPICION


def _folded(drafts: list[Draft], most: int) -> tuple[list[Draft], list[Draft]]:
    """The cards that are shown and those folded into the last; the readiness card is always shown."""
    kept = sorted(drafts, key=lambda draft: draft.topic != "infusion")[:most]
    return [draft for draft in drafts if draft in kept], [draft for draft in drafts if draft not in kept]


def _folded_bullets(folded: list[Draft], wording: Wording) -> list[str]:
    return [
        wording.text("frame.folded", topic=sentence(wording.text(f"topics.{draft.topic}")), summary=draft.summary)
        for draft in folded
    ]


def _version_line(evaluation: Evaluation, wording: Wording) -> str:
    return wording.text(
        "frame.version",
        version=rules_version(),
        digest=rules_digest()[_SHORT_DIGEST],
        date=wording.day(evaluation.today),
    )


def _source(topic: str, style: CardStyle, wording: Wording) -> dict[str, object]:
    code = {
        "system": f"{style.canonical_base}/CodeSystem/card-topic",
        "code": TOPICS[topic],
        "display": wording.text(f"topics.{topic}"),
    }
    label = "criteria" if topic == "classification" else "recommendations"
    return {"label": wording.text(f"sources.{label}"), "topic": code}


def _suggestions(draft: Draft) -> dict[str, object]:
    if not draft.suggestions:
        return {}
    return {"suggestions": list(draft.suggestions), "selectionBehavior": "any"}


def _result(
    draft: Draft, sections: Mapping[str, object], wording: Wording, told: report_facts.Told
) -> dict[str, object]:
    members = {
        "evaluatedOn": sections["evaluatedOn"],
        "rules": sections["rules"],
        **_section(draft, sections),
        "facts": _without_odd_ids(report_facts.facts(draft.evidence, told)),
        "notes": _without_odd_ids(report.notes(draft.notes, wording.note)),
    }
    return {name: value for name, value in members.items() if value}


def _section(draft: Draft, sections: Mapping[str, object]) -> dict[str, object]:
    section = sections["findings"] if draft.findings else sections.get(draft.topic)
    if isinstance(section, list):
        return {"findings": [finding for finding in section if finding["id"] in draft.findings]}
    if isinstance(section, dict):
        return {draft.topic: {name: told for name, part in section.items() if (told := _without_odd_order(name, part))}}
    return {}


def _without_odd_order(name: str, part: object) -> object:
    """The member of a section; of the orders it names, those whose id may stand in a card."""
    if name == "order" and _is_odd(str(part)):
        return None
    if name == "alsoOrdered" and isinstance(part, list):
        return [source for source in part if not _is_odd(source)]
    return part


def _without_odd_ids(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Rows without a source whose id has characters that FHIR does not allow in one."""
    return [_without_source(row) if _is_odd(str(row["source"])) else row for row in rows]


def _without_source(row: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in row.items() if name != "source"}


def _is_odd(source: str) -> bool:
    return "_" in source and "_" in source.partition("#")[0].partition("/")[2]
