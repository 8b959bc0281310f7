"""QuestionnaireResponse → the answers of the newest completed `cno-assessment` (contract section 5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from cds_service.guideline.facts import Form, Lesion
from cds_service.mappings import terminology
from cds_service.mappings.form import FORM, FormItem
from cds_service.mappings.reading import clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cds_service.guideline.dates import When
    from cds_service.guideline.facts import Side, Zone
    from cds_service.mappings.datatypes import Coding
    from cds_service.mappings.fhir import Answer, Item, QuestionnaireResponse
    from cds_service.mappings.reading import Reader

NAME = "cno-assessment"
UNKNOWN = "unknown"
_COUNTED = frozenset({"completed", "amended"})
_OTHER_STATUSES = frozenset({"in-progress", "entered-in-error", "stopped"})
"""A response of these does not count, and says so."""
_ITEMS = {item.link_id: item for item in FORM.items}
_LESION = _ITEMS["lesion"]
_LESION_ITEMS = {item.link_id: item for item in _LESION.items}


def is_ours(response: QuestionnaireResponse) -> bool:
    """Whether it answers the clinician form, whatever its version."""
    url = (response.questionnaire or "").partition("|")[0]
    return f"/{url}".endswith(f"/Questionnaire/{NAME}")


def newest(
    responses: Iterable[tuple[str, QuestionnaireResponse]], reader: Reader, *, others_unread: bool = False
) -> Form | None:
    """The answers of the newest response that counts, as a whole; the others are noted as superseded.

    Where another response could not be read or dated (`others_unread`: not even as a response), it may be the newest:
    the answers are then as good as undated, so that none of them reassures.
    """
    dated: list[tuple[tuple[object, ...], str, QuestionnaireResponse, When | None]] = []
    unread = others_unread
    for source, response in responses:
        if not is_ours(response):
            continue
        if not reader.has_status(source, "assessment", response.status, _COUNTED):
            unread = unread or response.status not in _OTHER_STATUSES
            continue
        authored = reader.when(source, "assessment", response.authored)
        if reader.has_happened(source, "assessment", authored):
            dated.append((_age(authored, source), source, response, authored))
        else:
            unread = True
    if not dated:
        return None
    dated.sort(key=lambda each: each[0])
    undated = [source for _, source, _, authored in dated if authored is None]
    for source in undated:
        reader.note(source, "date-missing", "assessment")
    for _, source, _, authored in dated[:-1]:
        if authored is not None:
            reader.note(source, "questionnaire-superseded", "assessment")
    _, source, response, authored = dated[-1]
    return _form(response, source, None if unread or undated else authored, reader)


def _age(authored: When | None, source: str) -> tuple[object, ...]:
    """Sorts by date, then time, then id; one without a date is older than all others."""
    if authored is None:
        return (0, source)
    return (1, *clock(authored), source)


@dataclass(slots=True)
class _Answers:
    """The answers of a form or of one lesion group, by linkId. `open` lists items with an unread or unknown answer."""

    source: str
    reader: Reader
    choices: dict[str, set[str]] = field(default_factory=dict)
    dates: dict[str, When] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    bone: terminology.BodySite | None = None
    count: int = 0

    def note(self, link_id: str, reason: str) -> None:
        self.open.add(link_id)
        self.reader.note(self.source, reason, link_id.replace("-", "_"))


def _form(response: QuestionnaireResponse, source: str, authored: When | None, reader: Reader) -> Form:
    answers = _Answers(source, reader)
    lesions: list[Lesion] = []
    for item in _flat(response.item):
        if item.linkId == _LESION.link_id:
            lesions += _lesion(item, source, reader)
        elif item.linkId in _LESION_ITEMS and item.answer:
            lesions.append(Lesion(None, source))
            answers.reader.note(source, "answer-unknown-code", "lesion")
        elif (known := _ITEMS.get(item.linkId or "")) is not None:
            _read(item, known, answers)
    choices = _settled(answers, _ITEMS)
    return Form(
        source,
        authored,
        choices,
        frozenset(link_id for link_id in answers.open if _ITEMS[link_id].repeats),
        {link_id: when for link_id, when in answers.dates.items() if link_id not in answers.open},
        tuple(lesions),
    )


def _flat(items: Iterable[Item] | None) -> Iterator[Item]:
    """All items at any depth, but nothing inside a lesion group."""
    for item in items or ():
        yield item
        if item.linkId != _LESION.link_id:
            yield from _flat(_inside(item))


def _inside(item: Item) -> list[Item]:
    return [*(item.item or ()), *(each for answer in item.answer or () for each in answer.item or ())]


def _all_inside(item: Item) -> Iterator[Item]:
    for each in _inside(item):
        yield each
        yield from _all_inside(each)


def _lesion(group: Item, source: str, reader: Reader) -> list[Lesion]:
    """One lesion; none for a group in which nothing was answered."""
    answers = _Answers(source, reader)
    for item in _all_inside(group):
        if (known := _LESION_ITEMS.get(item.linkId or "")) is not None:
            _read(item, known, answers)
    if answers.count == 0:
        return []
    choices = _settled(answers, _LESION_ITEMS)
    bone = answers.bone or terminology.BodySite()
    side = cast("Side | None", next(iter(choices.get("lesion-side", ())), bone.side))
    zone = cast("Zone | None", next(iter(choices.get("lesion-zone", ())), bone.zone))
    return [Lesion(bone.bone, source, side, zone, choices.get("lesion-feature", frozenset()))]


def _read(item: Item, known: FormItem, answers: _Answers) -> None:
    for answer in item.answer or ():
        if known.kind == "date":
            _read_date(answer, known.link_id, answers)
        elif answer.valueCoding is None or not answer.valueCoding.code:
            answers.note(known.link_id, "answer-wrong-type")
        elif answer.valueCoding.code == UNKNOWN:
            answers.open.add(known.link_id)
        elif known.kind == "bone":
            _read_bone(answer.valueCoding, answers)
        elif answer.valueCoding.code in known.answers:
            answers.choices.setdefault(known.link_id, set()).add(answer.valueCoding.code)
        else:
            answers.note(known.link_id, "answer-unknown-code")
        answers.count += 1


def _read_bone(coding: Coding, answers: _Answers) -> None:
    site = terminology.body_site(coding.system or "http://snomed.info/sct", coding.code)
    if site is None or site.bone is None:
        answers.note("lesion-bone", "bone-unmapped")
    elif answers.bone is not None and answers.bone.bone != site.bone:
        answers.note("lesion-bone", "coding-contradiction")
        answers.bone = terminology.BodySite()
    else:
        answers.bone = site


def _read_date(answer: Answer, link_id: str, answers: _Answers) -> None:
    if answer.valueDate is None:
        answers.note(link_id, "answer-wrong-type")
        return
    concept, reader = link_id.replace("-", "_"), answers.reader
    when = reader.when(answers.source, concept, answer.valueDate)
    if when is None or not reader.has_happened(answers.source, concept, when):
        return
    if answers.dates.setdefault(link_id, when) != when:
        answers.note(link_id, "coding-contradiction")


def _settled(answers: _Answers, items: Mapping[str, FormItem]) -> dict[str, frozenset[str]]:
    """Answers that contradict each other are none: two of an item that takes one, or `none` beside another."""
    choices: dict[str, frozenset[str]] = {}
    for link_id, codes in answers.choices.items():
        if not items[link_id].repeats:
            if len(codes) > 1:
                answers.note(link_id, "coding-contradiction")
            elif link_id not in answers.open:
                choices[link_id] = frozenset(codes)
        elif "none" in codes and len(codes) > 1:
            answers.note(link_id, "coding-contradiction")
            choices[link_id] = frozenset(codes - {"none"})
        else:
            choices[link_id] = frozenset(codes)
    return choices
