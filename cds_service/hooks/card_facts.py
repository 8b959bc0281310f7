"""How one fact stands in a line of a card: our own labels, numbers, units and dates, never a text of the record."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from cds_service.guideline.facts import Coded, Dated, Lesion, Measurement
from cds_service.guideline.tables import TABLES
from cds_service.hooks.card_draft import PLAN

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from cds_service.guideline.dates import When
    from cds_service.guideline.facts import Fact
    from cds_service.hooks.wording import Wording

_DECIMALS: dict[str, int] = PLAN["decimals"]
_BEYOND = Fraction(10) ** 40
_LIMITS: dict[str, tuple[Decimal, ...]] = {
    "hemoglobin": (TABLES.criteria.hemoglobin_at_least.value,),
    "crp": (TABLES.criteria.crp_below.value, TABLES.biopsy.crp_below.value),
    "esr": (TABLES.criteria.esr_below.value,),
    "platelets": (TABLES.criteria.platelets_below.value,),
    "body_temperature": (TABLES.criteria.fever_above.value,),
    "vitd25": (TABLES.infusion.vitamin_d_above.value,),
}


def all_shown(facts: Iterable[Fact], wording: Wording, at_most: int = 3) -> str:
    """Several facts in one breath, each once; answers of one day share their date. Empty where none has a label."""
    texts: dict[str, None] = {}
    answers: dict[str, list[str]] = {}
    for fact in facts:
        if isinstance(fact, Coded) and fact.read_from == "answer":
            if (label := _label(fact, wording)) is not None:
                answers.setdefault(_date(fact.when, wording), []).append(label)
        elif (text := _shown(fact, wording)) is not None:
            texts[text] = None
    answered = [
        wording.text("facts.answered", label=wording.listed(tuple(dict.fromkeys(labels)), at_most), date=date)
        for date, labels in answers.items()
    ]
    return wording.listed((*texts, *answered), at_most)


def measured(result: Measurement, wording: Wording) -> str:
    """`Hb 11,8 g/dL (12.11.2026)`."""
    about = [_date(result.when, wording)]
    if result.read_from == "name":
        about.append(wording.text("facts.by_name"))
    value = wording.quantity(number_of(result, wording), result.unit)
    return wording.text(
        "facts.measured", label=wording.label(result.name) or result.name, value=value, about=", ".join(about)
    )


def number_of(result: Measurement, wording: Wording) -> str:
    """The number alone, on its own side of our limits and of the range of its own report."""
    limits = _LIMITS.get(result.name, ())
    if result.reference is not None:
        limits += tuple(end for end in (result.reference.low, result.reference.high) if end is not None)
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


def bone(key: str | None, wording: Wording) -> str:
    """The name of a bone; numbered bones are told by their stem."""
    if key is None:
        return wording.text("bones.unreadable")
    if f"bones.{key}" in wording.texts:
        return wording.text(f"bones.{key}")
    stem = key.rstrip("0123456789")
    return wording.text(wording.first(f"bones.{stem}n", "bones.unreadable"), n=key.removeprefix(stem))


def decimals(name: str) -> int:
    """How many decimals a number of this kind is printed with, as long as no limit asks for more."""
    return _DECIMALS.get(name, _DECIMALS["other"])


def _shown(fact: Fact, wording: Wording) -> str | None:
    """The fact with its date, None where we have no label for it."""
    match fact:
        case Measurement():
            return measured(fact, wording)
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
