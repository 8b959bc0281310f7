"""The amounts of a drug order: dose, infusion rate and volume out of its dosage instructions."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from cds_service.guideline.interval import EXACT, Interval
from cds_service.mappings import datatypes, units
from cds_service.mappings.datatypes import UnusableError
from cds_service.mappings.numbers import decimal_of
from cds_service.mappings.reading import code_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PER_HOUR = {"s": (3600, 1), "min": (60, 1), "h": (1, 1), "d": (1, 24)}
"""How many of a UCUM unit of time make an hour, as a fraction."""


@dataclass(frozen=True, slots=True)
class Told:
    """What an order says of an amount: nothing, one amount, or the reason why it cannot be read."""

    amount: Decimal | None = None
    per_kg: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Written:
    """A quantity or range as written: as ordered, or calculated from it."""

    quantity: datatypes.Quantity | datatypes.Range
    is_ordered: bool
    instruction: int


def dose_of(dosages: Sequence[datatypes.Dosage]) -> Told:
    """The dose in mg or mg/kg: of type ordered, else the only one in units of mass."""
    written = list(_doses(dosages))
    masses = [(each, told) for each in written if (told := _amount(each.quantity, "drug_dose")) is not None]
    ordered = [pair for pair in masses if pair[0].is_ordered]
    chosen = ordered or masses
    if not chosen:
        return Told(reason="dose-unreadable") if written else Told()
    several = len({each.instruction for each, _ in chosen}) > 1 or len({told for _, told in chosen}) > 1
    if several or chosen[0][1].amount is None:
        return Told(reason="dose-ambiguous")
    return chosen[0][1]


def rate_of(dosages: Sequence[datatypes.Dosage]) -> Told:
    """The rate in mL/h or mL/kg/h: as written, else the volume over the duration."""
    written = [told for dosage in dosages for told in _rates(dosage)]
    if written:
        return written[0] if len(set(written)) == 1 else Told(reason="rate-unreadable")
    repeats = [dosage.timing.repeat for dosage in dosages if dosage.timing and dosage.timing.repeat]
    timed = [repeat for repeat in repeats if bytes(repeat.duration) not in {b"", b"null"}]
    volume = volume_of(dosages)
    if not timed or volume is None:
        return Told()
    if len(timed) > 1:
        return Told(reason="rate-unreadable")
    return _over(volume, timed[0])


def volume_of(dosages: Sequence[datatypes.Dosage]) -> Decimal | None:
    """The one volume in mL that the instructions tell."""
    told = {_amount(each.quantity, "infusion_volume") for each in _doses(dosages)} - {None}
    one = told.pop() if len(told) == 1 else None
    return one.amount if one is not None else None


def _doses(dosages: Sequence[datatypes.Dosage]) -> Iterator[_Written]:
    for number, dosage in enumerate(dosages):
        for each in dosage.doseAndRate or ():
            dose = each.doseQuantity or each.doseRange
            if dose is not None:
                yield _Written(dose, "ordered" in code_words(each.type), number)
        if dosage.doseQuantity is not None:
            yield _Written(dosage.doseQuantity, is_ordered=False, instruction=number)


def _amount(written: datatypes.Quantity | datatypes.Range, concept: str) -> Told | None:
    """The amount in the concept's unit; None in another dimension; no amount where a range leaves it open."""
    if isinstance(written, datatypes.Quantity):
        return _convert(written, concept)
    ends = [_convert(end, concept) for end in (written.low, written.high) if end is not None]
    told = [end for end in ends if end is not None]
    if not told:
        return None
    return told[0] if len(ends) == len(told) == 2 and told[0] == told[1] else Told()  # noqa: PLR2004  low and high


def _rates(dosage: datatypes.Dosage) -> Iterator[Told]:
    """All rates written in an instruction, the unreadable ones as such."""
    for each in (*(dosage.doseAndRate or ()), dosage):
        if each.rateQuantity is not None:
            yield _convert(each.rateQuantity, "infusion_rate") or Told(reason="rate-unreadable")
        if each.rateRatio is not None:
            yield _of_ratio(each.rateRatio) or Told(reason="rate-unreadable")
        if isinstance(each, datatypes.DoseAndRate) and each.rateRange is not None:
            told = _amount(each.rateRange, "infusion_rate")
            yield told if told is not None and told.amount is not None else Told(reason="rate-unreadable")


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
