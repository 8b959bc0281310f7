"""The amounts of a drug order: dose, infusion rate and volume out of its dosage instructions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from cds_service.guideline.interval import EXACT, Interval
from cds_service.mappings import datatypes, units
from cds_service.mappings.datatypes import UnusableError
from cds_service.mappings.numbers import decimal_of
from cds_service.mappings.reading import code_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_Amount: TypeAlias = datatypes.Quantity | datatypes.Range
_PER_HOUR = {"s": (3600, 1), "min": (60, 1), "h": (1, 1), "d": (1, 24)}
"""How many of a UCUM unit of time make an hour, as a fraction."""
_ORDERED = "ordered"
_ORDERED_DOSE, _OTHER_DOSE = "ordered-dose", "admin-amount"
"""How the addresses of Epic's extensions end that hold a dose."""
_LONGEST_TEXT = 400
_TEXT = msgspec.json.Decoder(str)
_TELLS_DOSE = re.compile(
    r"\d\s*(?:mg|milligr\w*|mcg|[uµμ]g|mi[ck]rogr\w*|g|gram)\b(?!\s*/\s*[\d.,]*\s*(?:d?l|ml|h|hr|t|time|min)\b)",
    re.IGNORECASE,
)
"""An amount of a drug; a strength (4 mg/5 mL) and a rate (4 mg/h) are none."""
_TELLS_RATE = re.compile(r"\d\s*(?:ml|dl|l)\s*/\s*(?:kg\s*/\s*)?(?:h|hr|hour|t|time|min)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Told:
    """What an order says of an amount: nothing, one amount, or the reason why it cannot be read."""

    amount: Decimal | None = None
    per_kg: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Written:
    """A quantity or range as written: as ordered, or calculated from it."""

    quantity: _Amount
    is_ordered: bool
    instruction: int


def dose_of(dosages: Sequence[datatypes.Dosage]) -> Told:
    """The dose in mg or mg/kg: of type ordered, else the only one in units of mass; text alone is not read."""
    masses = _masses(dosages)
    chosen = [pair for pair in masses if pair[0].is_ordered] or masses
    if not chosen:
        return (
            Told(reason="dose-unreadable") if any(_doses(dosages)) or _stands_in_text(dosages, _TELLS_DOSE) else Told()
        )
    several = len({each.instruction for each, _ in chosen}) > 1 or len({told for _, told in chosen}) > 1
    if several or chosen[0][1].amount is None:
        return Told(reason="dose-ambiguous")
    return chosen[0][1]


def other_doses_of(dosages: Sequence[datatypes.Dosage]) -> tuple[Told, ...]:
    """The doses in mg or mg/kg beside those of type ordered, both ends of a range; none where none is ordered."""
    masses = _masses(dosages)
    if not any(each.is_ordered for each, _ in masses):
        return ()
    ends = (end for each, _ in masses if not each.is_ordered for end in _ends(each.quantity, "drug_dose"))
    return tuple(dict.fromkeys(end for end in ends if end is not None))


def rate_of(dosages: Sequence[datatypes.Dosage]) -> Told:
    """The rate in mL/h or mL/kg/h: of type ordered, else as written, else the volume over the duration."""
    pairs = [pair for dosage in dosages for pair in _rates(dosage)]
    written = [told for told, is_ordered in pairs if is_ordered] or [told for told, _ in pairs]
    if written:
        return written[0] if len(set(written)) == 1 else Told(reason="rate-unreadable")
    repeats = [dosage.timing.repeat for dosage in dosages if dosage.timing and dosage.timing.repeat]
    timed = [repeat for repeat in repeats if bytes(repeat.duration) not in {b"", b"null"}]
    volume = volume_of(dosages)
    if not timed or volume is None:
        return Told(reason="rate-unreadable") if _stands_in_text(dosages, _TELLS_RATE) else Told()
    if len(timed) > 1:
        return Told(reason="rate-unreadable")
    return _over(volume, timed[0])


def other_rates_of(dosages: Sequence[datatypes.Dosage]) -> tuple[Told, ...]:
    """The readable rates beside those of type ordered; none where none is ordered."""
    pairs = [pair for dosage in dosages for pair in _rates(dosage)]
    if not any(is_ordered for _, is_ordered in pairs):
        return ()
    return tuple(dict.fromkeys(told for told, is_ordered in pairs if not is_ordered and told.amount is not None))


def volume_of(dosages: Sequence[datatypes.Dosage]) -> Decimal | None:
    """The one volume in mL that the instructions tell."""
    told = {_amount(each.quantity, "infusion_volume") for each in _doses(dosages)} - {None}
    one = told.pop() if len(told) == 1 else None
    return one.amount if one is not None else None


def _masses(dosages: Sequence[datatypes.Dosage]) -> list[tuple[_Written, Told]]:
    """The doses in units of mass."""
    read = ((each, _amount(each.quantity, "drug_dose")) for each in _doses(dosages))
    return [(each, told) for each, told in read if told is not None]


def _doses(dosages: Sequence[datatypes.Dosage]) -> Iterator[_Written]:
    for number, dosage in enumerate(dosages):
        for each in dosage.doseAndRate or ():
            dose = each.doseQuantity or each.doseRange
            if dose is not None:
                yield _Written(dose, _is_ordered(each), number)
        for older in (dosage.doseQuantity, dosage.doseRange):
            if older is not None:
                yield _Written(older, is_ordered=False, instruction=number)
        for name, amount in _extended(dosage):
            yield _Written(amount, name == _ORDERED_DOSE, number)


def _extended(dosage: datatypes.Dosage) -> Iterator[tuple[str, datatypes.Quantity]]:
    """The doses that Epic writes in extensions, by the last part of their addresses."""
    for extension in dosage.extension or ():
        name = (extension.url or "").rpartition("/")[2]
        if extension.valueQuantity is not None and name in {_ORDERED_DOSE, _OTHER_DOSE}:
            yield name, extension.valueQuantity


def _is_ordered(part: datatypes.DoseAndRate) -> bool:
    return _ORDERED in code_words(part.type)


def _stands_in_text(dosages: Iterable[datatypes.Dosage], tells: re.Pattern[str]) -> bool:
    """Whether an instruction tells the amount in words."""
    return any(tells.search(_text(dosage)[:_LONGEST_TEXT]) for dosage in dosages)


def _text(dosage: datatypes.Dosage) -> str:
    try:
        return _TEXT.decode(dosage.text)
    except msgspec.DecodeError:
        return ""


def _amount(written: _Amount, concept: str) -> Told | None:
    """The amount in the concept's unit; None in another dimension; no amount where a range leaves it open."""
    ends = _ends(written, concept)
    if isinstance(written, datatypes.Quantity):
        return ends[0]
    told = [end for end in ends if end is not None]
    if not told:
        return None
    return told[0] if len(ends) == len(told) == 2 and told[0] == told[1] else Told()  # noqa: PLR2004  low and high


def _ends(written: _Amount, concept: str) -> list[Told | None]:
    """The amount, or both ends of a range as far as they are written; None in another dimension."""
    ends = (written,) if isinstance(written, datatypes.Quantity) else (written.low, written.high)
    return [_convert(end, concept) for end in ends if end is not None]


def _rates(dosage: datatypes.Dosage) -> Iterator[tuple[Told, bool]]:
    """All rates written in an instruction, the unreadable ones as such, and whether each is the ordered one."""
    for each in (*(dosage.doseAndRate or ()), dosage):
        is_ordered = isinstance(each, datatypes.DoseAndRate) and _is_ordered(each)
        for amount in (each.rateQuantity, each.rateRange):
            if amount is not None:
                yield _rate(_amount(amount, "infusion_rate")), is_ordered
        if each.rateRatio is not None:
            yield _rate(_of_ratio(each.rateRatio)), is_ordered


def _rate(told: Told | None) -> Told:
    return told if told is not None and told.amount is not None else Told(reason="rate-unreadable")


def _of_ratio(ratio: datatypes.Ratio) -> Told | None:
    """Volume per time, such as 100 mL per 15 min; the numerator is converted first, so that nothing is rounded."""
    above, below = ratio.numerator, ratio.denominator
    if above is None or below is None:
        return None
    time = below.code or below.unit or ""
    unit = f"{above.code or above.unit or ''}/{f'({time})' if '.' in time else time}"
    told = _convert(datatypes.Quantity(value=above.value, comparator=above.comparator, unit=unit), "infusion_rate")
    try:
        number = decimal_of(below.value)
    except UnusableError:
        return None
    if told is None or told.amount is None or number <= 0:
        return None
    return Told(EXACT.divide(told.amount, number), told.per_kg)


def _over(volume: Decimal, repeat: datatypes.Repeat) -> Told:
    times, parts = _PER_HOUR.get(repeat.durationUnit or "", (0, 1))
    try:
        duration = decimal_of(repeat.duration)
    except UnusableError:
        return Told(reason="rate-unreadable")
    if not times or duration <= 0:
        return Told(reason="rate-unreadable")
    return Told(EXACT.divide(EXACT.multiply(volume, Decimal(times)), EXACT.multiply(duration, Decimal(parts))))


def _convert(quantity: datatypes.Quantity, concept: str) -> Told | None:
    """A positive amount in the concept's unit; None for another dimension, for `<`, and for what is no number."""
    if quantity.comparator:
        return None
    try:
        unit = units.unit_of(concept, quantity)
        number = decimal_of(quantity.value)
    except UnusableError:
        return None
    beside = units.known(concept, quantity.unit) if quantity.unit else None
    if number <= 0 or (beside is not None and beside.dimension != unit.dimension):
        return None
    amount = units.convert(Interval.exactly(number), unit).low
    return Told(amount, per_kg=unit.dimension == "per_kg")
