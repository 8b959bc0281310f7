"""Cards made of findings: one line each, the words by rule id. A new finding needs a wording entry and nothing else."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from cds_service.guideline.facts import Coded, Lesion
from cds_service.hooks.card_draft import PLAN, SEVERITY, Draft, brief, unread_lines, worst
from cds_service.hooks.card_facts import all_shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cds_service.guideline.facts import Dated, Measurement
    from cds_service.guideline.results import Evaluation, Finding
    from cds_service.hooks.wording import Wording


def _by_rule(topics: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, int]]:
    return {rule: (topic, place) for topic, rules in topics.items() for place, rule in enumerate(rules)}


_ALSO_IN_CNO = frozenset(PLAN["also_in_cno"])
_TOPICS = {True: _by_rule(PLAN["orders"]), False: _by_rule(PLAN["patient_view"])}


def topic_of(finding: Finding, *, at_order: bool) -> str | None:
    """The topic that tells of a finding at this kind of hook, None where none does."""
    topic, _ = _place(finding, at_order=at_order)
    return topic


def finding_cards(evaluation: Evaluation, wording: Wording, *, at_order: bool) -> list[Draft]:
    """One card for each topic that has findings; those of the readiness card stand on that one."""
    placed: dict[str, list[tuple[int, int, Finding]]] = {}
    for finding in evaluation.findings:
        topic, place = _place(finding, at_order=at_order)
        if topic is not None and topic != "infusion":
            placed.setdefault(topic, []).append((SEVERITY[finding.indicator], place, finding))
    return [
        _card(topic, [finding for *_, finding in sorted(found, key=itemgetter(0, 1))], evaluation, wording)
        for topic, found in placed.items()
    ]


def finding_line(finding: Finding, wording: Wording) -> str:
    """What a finding says, and the facts it rests on."""
    text = wording.text(_key(finding, "line", wording), rule=finding.id)
    found = all_shown(finding.evidence, wording, 6)
    if not found:
        return wording.text("findings.bare", text=text)
    return wording.text("findings.with_evidence", text=text, found=found)


def finding_summary(finding: Finding, wording: Wording) -> str:
    """The same for a summary, without its facts."""
    return wording.text(_key(finding, "summary", wording), rule=finding.id)


def _card(topic: str, findings: list[Finding], evaluation: Evaluation, wording: Wording) -> Draft:
    summary = finding_summary(findings[0], wording)
    if len(findings) > 1:
        summary = brief([wording.text("findings.several", first=summary, others=str(len(findings) - 1)), summary])
    indicator = worst(finding.indicator for finding in findings)
    is_soft = topic == "red-flag" and indicator != "critical" and any(_also_in_cno(finding) for finding in findings)
    closing = (wording.text("findings.also_in_cno"),) if is_soft else ()
    return Draft(
        topic=topic,
        indicator=indicator,
        summary=summary,
        lines=tuple(finding_line(finding, wording) for finding in findings),
        last=(*closing, *unread_lines(evaluation, evaluation.notes, wording)),
        evidence=tuple(fact for finding in findings for fact in finding.evidence),
        notes=evaluation.notes,
        findings=tuple(finding.id for finding in findings),
    )


def _also_in_cno(finding: Finding) -> bool:
    """Whether fever, malaise or pain is among what the finding rests on."""
    coded = (fact for fact in finding.evidence if not isinstance(fact, Lesion))
    return any(not _ALSO_IN_CNO.isdisjoint((fact.name, f"{fact.name}={_value(fact)}")) for fact in coded)


def _value(fact: Measurement | Coded | Dated) -> str:
    return str(fact.value) if isinstance(fact, Coded) else ""


def _place(finding: Finding, *, at_order: bool) -> tuple[str | None, int]:
    """Topic, and where in it the rule is named in cards.toml."""
    if finding.about == ("chart" if at_order else "order"):
        return None, 0
    topics = _TOPICS[at_order]
    return topics.get(finding.id) or topics.get(finding.id.partition("-")[0]) or (None, 0)


def _key(finding: Finding, part: str, wording: Wording) -> str:
    rule = f"findings.{finding.id}"
    return wording.first(f"{rule}.{finding.reason}.{part}", f"{rule}.{part}", f"findings.other.{part}")
