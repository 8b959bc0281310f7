"""Cards made of findings: one line each, the words by rule id. A new finding needs a wording entry and nothing else."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cds_service.guideline.facts import Coded, Lesion
from cds_service.guideline.interval import Truth
from cds_service.guideline.results import Finding
from cds_service.guideline.tables import TABLES
from cds_service.hooks.card_draft import PLAN, SEVERITY, Draft, brief, unread_lines, worst
from cds_service.hooks.card_facts import all_shown
from cds_service.hooks.card_finding_orders import suggestions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from cds_service.guideline.facts import Dated, Measurement
    from cds_service.guideline.results import Evaluation
    from cds_service.hooks.card_draft import Scope
    from cds_service.hooks.wording import Wording


def _by_rule(topics: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, int]]:
    return {rule: (topic, place) for topic, rules in topics.items() for place, rule in enumerate(rules)}


_ALSO_IN_CNO = frozenset(PLAN["also_in_cno"])
_TOPICS = {True: _by_rule(PLAN["orders"]), False: _by_rule(PLAN["patient_view"])}
_GROUP_OF: dict[str, str] = {rule: group for group, rules in PLAN["groups"].items() for rule in rules}
_INSTEAD: dict[str, str] = PLAN["instead"]
_NUMBERS: dict[str, dict[str, list[str]]] = PLAN["numbers"]
_CLOSING: dict[str, list[str]] = PLAN["closing"]
_LINKS: dict[str, Any] = PLAN["links"]
_LINKED = {key: frozenset(link["rules"]) for key, link in _LINKS.items()}
_LIMIT_OF: dict[str, str] = PLAN["limit_of"]
_UNTOLD = frozenset(PLAN["untold"])
_BARE = frozenset(PLAN["bare"]["rules"])
_DETAILED = frozenset(PLAN["detailed"]["rules"])
_WARNED_OF = frozenset(PLAN["warned_of"]["rules"])
_TREATMENT = frozenset(PLAN["warned_of"]["drugs"])
_UNREAD_TESTS = "missing-tests"
_CNO = frozenset({"cno", "sapho"})
_NAMED_AT: defaultdict[str, frozenset[str]] = defaultdict(
    frozenset,
    {"treatment-order": _TREATMENT, "imaging-order": frozenset(PLAN["imaging"])},
)
"""The orders that a card speaks of, named where there are several."""
_MOST_FACTS = 8
_FEWER_FACTS = 3
_FEW_LINES = 2
_WAITING = "waiting"
_PLACE = "{found}"
_UNVERIFIED = "UTR-03"


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a card: a finding, or several that are told together."""

    findings: tuple[Finding, ...]
    group: str | None = None


def topic_of(finding: Finding, *, at_order: bool) -> str | None:
    """The topic that tells of a finding at this kind of hook, None where none does."""
    topic, _ = _place(finding, at_order=at_order)
    return topic


def finding_cards(evaluation: Evaluation, scope: Scope, wording: Wording, new_uuid: Callable[[], str]) -> list[Draft]:
    """One card for each topic that has findings; those of the readiness card stand on that one."""
    placed: dict[str, list[tuple[int, int, Finding]]] = {}
    for finding in evaluation.findings:
        topic, place = _place(finding, at_order=scope.at_order)
        if scope.at_order and finding.id in _WARNED_OF:
            topic, place = ("treatment-order" if _is_warned(evaluation) else None), -1
        if topic is not None and topic != "infusion":
            placed.setdefault(topic, []).append((SEVERITY[finding.indicator], place, finding))
    if scope.at_order and _is_warned(evaluation) and (in_doubt := doubt_at_order(evaluation)):
        placed.setdefault("treatment-order", []).append((SEVERITY["warning"], -1, in_doubt))
    telling = _Telling(evaluation, scope, wording)
    return [
        telling.card(topic, [finding for *_, finding in sorted(found, key=lambda one: one[:2])], new_uuid)
        for topic, found in placed.items()
    ]


def _is_warned(evaluation: Evaluation) -> bool:
    """Whether a red flag is told beside a drug: with a CNO code or a form, and where no readiness card tells it."""
    facts = evaluation.facts
    ours = facts.form is not None or any(condition.concept in _CNO for condition in facts.conditions)
    return ours and evaluation.infusion is None and any(order.concept in _TREATMENT for order in facts.orders)


def doubt_at_order(evaluation: Evaluation) -> Finding | None:
    """What excludes CNO, or makes infection or malignancy suspected: told beside an order of a drug (OUR-41)."""
    present = [one for one in evaluation.classification.exclusion_criteria if one.truth is Truth.YES]
    if present:
        return Finding("UTR-03", "warning", tuple(fact for one in present for fact in one.evidence), "present", "order")
    return Finding("UTR-03", "warning", evaluation.suspected, "doubt", "order") if evaluation.suspected else None


def finding_line(finding: Finding, wording: Wording, most: int = _MOST_FACTS) -> str:
    """What a finding says, and the facts it rests on: behind it, or in it where the words have a place for them."""
    key = _key(finding, "line", wording)
    side = _LIMIT_OF.get(finding.id)
    found = ""
    if finding.id not in _BARE:
        found = all_shown(finding.evidence, wording, most, side=side, detailed=finding.id in _DETAILED)
    text = _said(key, finding, wording, found)
    if not found or _PLACE in wording.texts[key]:
        return _bare(text, wording)
    kind = "question_with_evidence" if text.endswith("?") else "with_evidence"
    return wording.text(f"findings.{kind}", text=text, found=found)


def _is_waiting(finding: Finding) -> bool:
    """Whether it may be acted on only when infection and malignancy are ruled out (rules.md, drug gate)."""
    return (finding.reason or "").startswith(_WAITING)


def _bare(text: str, wording: Wording) -> str:
    """A line without facts behind it; a question ends as it is."""
    return wording.text("findings.question" if text.endswith("?") else "findings.bare", text=text)


def finding_summary(finding: Finding, wording: Wording) -> str:
    """The same for a summary, without its facts."""
    said = _said(_key(finding, "summary", wording), finding, wording)
    if not _is_waiting(finding):
        return said
    return brief([wording.text("findings.waiting_summary", text=said), wording.text("findings.waiting_alone")])


@dataclass(frozen=True, slots=True)
class _Telling:
    """The findings of one evaluation in one language."""

    evaluation: Evaluation
    scope: Scope
    wording: Wording

    def card(self, topic: str, findings: list[Finding], new_uuid: Callable[[], str]) -> Draft:
        """The card of a topic; `findings` the most severe first."""
        lines = _lines(findings)
        indicator = worst(finding.indicator for finding in findings)
        is_soft = topic == "red-flag" and indicator != "critical" and any(map(_also_in_cno, findings))
        closing = [self.wording.text("findings.also_in_cno")] if is_soft else []
        return Draft(
            topic=topic,
            indicator=indicator,
            summary=self._summary(lines),
            lines=(
                *self._opening(topic),
                *(self._line(line, crowded=place > 0 and len(lines) > _FEW_LINES) for place, line in enumerate(lines)),
                *self._remarks(topic, findings),
            ),
            last=(*closing, *unread_lines(self.evaluation, self.evaluation.notes, self.wording)),
            evidence=tuple(fact for finding in findings for fact in finding.evidence),
            notes=self.evaluation.notes,
            suggestions=suggestions(self.evaluation, findings, self.wording, new_uuid),
            findings=tuple(finding.id for finding in findings),
            links=_links(findings, self.wording),
        )

    def _summary(self, lines: Sequence[_Line]) -> str:
        first = self._heading(lines[0])
        if len(lines) == 1:
            return first
        several = self.wording.text("findings.several", first=first, others=str(len(lines) - 1))
        return brief([several, first])

    def _heading(self, line: _Line) -> str:
        if line.group is None:
            return finding_summary(line.findings[0], self.wording)
        if line.group == _UNREAD_TESTS and self._no_results:
            return self.wording.text("groups.missing-tests.unread_summary")
        names = self._names(line)
        texts = [
            self.wording.text(f"groups.{line.group}.summary", items=self.wording.listed(names, most))
            for most in range(len(names), 0, -1)
        ]
        return brief(texts)

    def _line(self, line: _Line, *, crowded: bool) -> str:
        if line.group == _UNREAD_TESTS and self._no_results:
            return self.wording.text("groups.missing-tests.unread")
        if line.group is not None:
            slots = {"items": ", ".join(self._names(line)), **_slots(line.findings[0].id, self.wording)}
            return self.wording.text(f"groups.{line.group}.line", **slots)
        finding = line.findings[0]
        if _is_waiting(finding):
            said = _said(_key(finding, "line", self.wording), finding, self.wording)
            items = self._unverified()
            key = "findings.waiting" if items else "findings.waiting_bare"
            text = self.wording.text(key, text=said, items=items)
        elif finding.id == _UNVERIFIED and finding.reason is None:
            text = self.wording.text(f"findings.{_UNVERIFIED}.line", items=self._unverified())
        else:
            return finding_line(finding, self.wording, _FEWER_FACTS if crowded else _MOST_FACTS)
        return _bare(text, self.wording)

    @property
    def _no_results(self) -> bool:
        return "Observation" in self.evaluation.facts.not_received

    def _names(self, line: _Line) -> list[str]:
        """What the findings of a group are about, each once."""
        named = (_names(finding, self.wording) or [finding.id] for finding in line.findings)
        return list(dict.fromkeys(name for names in named for name in names))

    def _unverified(self) -> str:
        """The exclusion criteria that are not verified absent."""
        criteria = self.evaluation.classification.exclusion_criteria
        return ", ".join(self.wording.text(f"criteria.{one.id}") for one in criteria if one.truth is Truth.UNKNOWN)

    def _opening(self, topic: str) -> tuple[str, ...]:
        is_adult = self.scope.age_group == "adult" and topic != "red-flag"
        ordered = sorted({order.concept for order in self.evaluation.facts.orders} & _NAMED_AT[topic])
        names = [label for concept in ordered if (label := self.wording.label(concept)) is not None]
        about = [self.wording.text("frame.orders", items=", ".join(names))] if len(names) > 1 else []
        return (*([self.wording.text("frame.adult")] if is_adult else []), *about)

    def _remarks(self, topic: str, findings: Iterable[Finding]) -> tuple[str, ...]:
        """What the text says once for all findings of a kind: goals, evidence, shared decisions."""
        told = {finding.id for finding in findings}
        keys = [key for key, rules in _CLOSING.items() if told.intersection(rules)]
        return tuple(self.wording.text(f"remarks.{key}") for key in keys if topic != "red-flag")


def _lines(findings: Sequence[Finding]) -> list[_Line]:
    """One line each, but groups together where their first stands, and none where a more specific one is told."""
    told = {finding.id for finding in findings if finding.reason != "ask"}
    kept = [finding for finding in findings if _INSTEAD.get(finding.id) not in told]
    lines: dict[str, _Line] = {}
    for finding in kept:
        group = _GROUP_OF.get(finding.id)
        key = group or finding.id
        earlier = lines[key].findings if key in lines else ()
        lines[key] = _Line((*earlier, finding), group)
    return list(lines.values())


def _also_in_cno(finding: Finding) -> bool:
    """Whether fever, malaise or pain is among what the finding rests on."""
    coded = (fact for fact in finding.evidence if not isinstance(fact, Lesion))
    return any(not _ALSO_IN_CNO.isdisjoint((fact.name, f"{fact.name}={_value(fact)}")) for fact in coded)


def _value(fact: Measurement | Coded | Dated) -> str:
    return str(fact.value) if isinstance(fact, Coded) else ""


def _place(finding: Finding, *, at_order: bool) -> tuple[str | None, int]:
    """Topic, and where in it the rule is named in cards.toml."""
    if finding.about == ("chart" if at_order else "order") or finding.reason in _UNTOLD:
        return None, 0
    topics = _TOPICS[at_order]
    return topics.get(finding.id) or topics.get(finding.id.partition("-")[0]) or (None, 0)


def _key(finding: Finding, part: str, wording: Wording) -> str:
    """The words for the reason, else for the indicator, else for the rule."""
    rule = f"findings.{finding.id}"
    reason = (finding.reason or "").removeprefix(_WAITING).removeprefix("-")
    variants = (f"{rule}.{word}.{part}" for word in (reason, finding.indicator))
    return wording.first(*variants, f"{rule}.{part}", f"findings.other.{part}")


def _said(key: str, finding: Finding, wording: Wording, found: str = "") -> str:
    items = ", ".join(_names(finding, wording))
    return wording.text(key, rule=finding.id, items=items, found=found, **_slots(finding.id, wording))


def _names(finding: Finding, wording: Wording) -> list[str]:
    """What a finding is about: a name of its own, or one for each part of its reason."""
    rule = f"findings.{finding.id}"
    key = wording.first(f"{rule}.{finding.reason}.name", f"{rule}.name")
    if key in wording.texts:
        return [wording.text(key)]
    parts = (finding.reason or "").replace("-", "+").split("+")
    return [label for part in parts if (label := wording.label(part)) is not None]


def _slots(rule: str, wording: Wording) -> dict[str, str]:
    """The numbers of the tables that the words of a rule tell."""
    named = _NUMBERS.get(rule) or _NUMBERS.get(rule.partition("-")[0], {})
    blocks = {slot: getattr(getattr(TABLES, table), block) for slot, (table, block) in named.items()}
    return {slot: wording.number(number.value, 2) for slot, number in blocks.items()}


def _links(findings: Iterable[Finding], wording: Wording) -> tuple[dict[str, str], ...]:
    told = [finding.id for finding in findings]
    keys = [key for key, rules in _LINKED.items() if not rules.isdisjoint(told)]
    return tuple({"label": wording.text(f"links.{key}"), "url": _LINKS[key]["url"], "type": "absolute"} for key in keys)
