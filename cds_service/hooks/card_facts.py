"""How one fact stands in a line of a card: our own labels, numbers, units and dates, never a text of the record."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from cds_service.guideline.facts import Coded, Dated, Lesion, Measurement
from cds_service.guideline.interval import EXACT, Truth
from cds_service.guideline.tables import TABLES
from cds_service.hooks.card_draft import PLAN

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping
    from decimal import Decimal

    from cds_service.guideline.dates import When
    from cds_service.guideline.facts import Fact, Form
    from cds_service.hooks.wording import Wording

_DECIMALS: dict[str, int] = PLAN["decimals"]
_BEYOND = Fraction(10) ** 40
_WITH_LIMIT: dict[str, str] = PLAN["with_limit"]
_TWICE = TABLES.criteria.ldh_ratio_above.value
_LIMITS: dict[str, tuple[Decimal, ...]] = {
    "hemoglobin": (TABLES.criteria.hemoglobin_at_least.value,),
    "crp": (TABLES.criteria.crp_below.value, TABLES.biopsy.crp_below.value),
    "esr": (TABLES.criteria.esr_below.value,),
    "platelets": (TABLES.criteria.platelets_below.value,),
    "body_temperature": (TABLES.criteria.fever_above.value,),
    "vitd25": (TABLES.infusion.vitamin_d_above.value,),
}


def all_shown(  # noqa: PLR0913  the ways in which facts are told
    facts: Iterable[Fact],
    wording: Wording,
    at_most: int = 3,
    judged: Container[Fact] = (),
    side: str | None = None,
    *,
    detailed: bool = False,
) -> str:
    """Several facts in one breath, each once; answers of one day share their date. Empty where none has a label.

    `judged` are results that a clinician has looked at; `side` is the limit that all are told with; `detailed`
    lesions are told with what is bad about them.
    """
    texts: dict[str, str] = {}
    answers: list[Coded] = []
    for fact in facts:
        if isinstance(fact, Coded) and fact.read_from == "answer":
            answers.append(fact)
        elif isinstance(fact, Measurement):
            result = measured(fact, wording, judged=fact in judged, side=side)
            texts[result] = result
        elif detailed and isinstance(fact, Lesion):
            told_lesion = _detailed(fact, wording)
            texts[told_lesion] = told_lesion
        elif (text := _shown(fact, wording)) is not None:
            texts.setdefault((_label(fact, wording) if isinstance(fact, Coded) else None) or text, text)
    told = tuple(texts.values())
    return wording.listed((*told, *_answered(answers, texts, wording, at_most)) if answers else told, at_most)


def _answered(answers: list[Coded], told: Mapping[str, str], wording: Wording, at_most: int) -> list[str]:
    """Answers by their day; what the record told already is left out, what it contradicts is told as an answer."""
    by_day: dict[str, dict[str, None]] = {}
    denied: dict[str, None] = {}
    for fact in answers:
        date = _date(fact.when, wording)
        denial = wording.texts.get(f"denials.{fact.name}={fact.value}") if told else None
        if denial is not None:
            denied[wording.text("facts.contradicting", answer=denial, date=date)] = None
        elif (label := _label(fact, wording)) is not None and label not in told:
            by_day.setdefault(date, {})[label] = None
    return [
        *(
            wording.text("facts.answered", label=wording.listed(tuple(labels), at_most), date=date)
            for date, labels in by_day.items()
        ),
        *denied,
    ]


def measured(result: Measurement, wording: Wording, *, judged: bool = False, side: str | None = None) -> str:
    """`Hb 11,8 g/dL (12.11.2026)`; with the limit or the flag that it is told for."""
    about = [_date(result.when, wording)]
    side = side or _WITH_LIMIT.get(result.name)
    if side is not None:
        about += _held_against(result, side, wording)
    if result.read_from == "name":
        about.append(wording.text("facts.by_name"))
    if judged:
        about.append(wording.text("facts.judged"))
    value = wording.quantity(number_of(result, wording), result.unit)
    return wording.text(
        "facts.measured", label=wording.label(result.name) or result.name, value=value, about=", ".join(about)
    )


def _held_against(result: Measurement, side: str, wording: Wording) -> Iterator[str]:
    """The limit of the result's own report, and its flag where no limit says the same."""
    reference = result.reference
    limit = None if reference is None else reference.high if side == "upper" else reference.low
    if limit is not None:
        held = tuple(end for end in (result.value.low, result.value.high) if end is not None)
        yield wording.text(f"facts.{side}", limit=wording.number(limit, decimals(result.name), held))
    beyond = reference is not None and limit is not None and result.value.beyond(reference) is Truth.YES
    if result.flag not in (None, "normal") and not beyond:
        yield wording.text(f"facts.flags.{result.flag}")


def number_of(result: Measurement, wording: Wording) -> str:
    """The number alone, on its own side of our limits and of the range of its own report."""
    limits = _LIMITS.get(result.name, ())
    if result.reference is not None:
        high = result.reference.high
        limits += tuple(end for end in (result.reference.low, high) if end is not None)
        if result.name == "ldh" and high is not None:
            limits += (EXACT.multiply(high, _TWICE),)
    return wording.interval(result.value, decimals(result.name), limits)


def least(result: Measurement) -> Fraction:
    """The lower end of a result; 0 where it has none."""
    return Fraction(result.value.low or 0)


def most(result: Measurement) -> Fraction:
    """The upper end of a result; beyond all others where it has none."""
    return _BEYOND if result.value.high is None else Fraction(result.value.high)


def lesion(found: Lesion, wording: Wording) -> str:
    """`venstre tibia, metafyse`."""
    place = bone(found.bone, wording)
    if found.side is not None:
        place = wording.text(f"sides.{found.side}", bone=place)
    if found.zone is None:
        return place
    return wording.text("facts.zone", bone=place, zone=wording.text(f"zones.{found.zone}"))


def _detailed(found: Lesion, wording: Wording) -> str:
    """`Th6 (sammenfall)`."""
    bad = [text for feature in sorted(found.features) if (text := wording.texts.get(f"features.{feature}"))]
    place = lesion(found, wording)
    return f"{place} ({', '.join(bad)})" if bad else place


def bone(key: str | None, wording: Wording) -> str:
    """The name of a bone; numbered bones are told by their stem."""
    if key is None:
        return wording.text("bones.unreadable")
    if f"bones.{key}" in wording.texts:
        return wording.text(f"bones.{key}")
    stem = key.rstrip("0123456789")
    return wording.text(wording.first(f"bones.{stem}n", "bones.unreadable"), n=key.removeprefix(stem))


def answered_on(form: Form, wording: Wording) -> str:
    """The day of the form."""
    return _date(form.authored, wording)


def decimals(name: str) -> int:
    """How many decimals a number of this kind is printed with, as long as no limit asks for more."""
    return _DECIMALS.get(name, _DECIMALS["other"])


def _shown(fact: Coded | Lesion | Dated, wording: Wording) -> str | None:
    """The fact with its date, None where we have no label for it."""
    match fact:
        case Lesion():
            return lesion(fact, wording)
        case Coded():
            label = _label(fact, wording)
            return label and wording.text("facts.coded", label=label, date=_date(fact.when, wording))
        case Dated():
            return wording.text("facts.dated", label=wording.texts[f"labels.{fact.name}"], date=wording.when(fact.when))


def _label(fact: Coded, wording: Wording) -> str | None:
    return wording.label(f"{fact.name}={fact.value}") or wording.label(fact.name)


def _date(when: When | None, wording: Wording) -> str:
    return wording.text("facts.undated") if when is None else wording.when(when)
