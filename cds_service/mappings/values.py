"""The value of a laboratory result: an interval in the canonical unit, whatever the element that it was sent in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.guideline.interval import Interval
from cds_service.mappings import units
from cds_service.mappings.datatypes import Quantity, UnusableError
from cds_service.mappings.numbers import decimal_of, interval_of, is_sent, written

if TYPE_CHECKING:
    from decimal import Decimal

    from cds_service.mappings.datatypes import Range
    from cds_service.mappings.fhir import Component, Observation
    from cds_service.mappings.terminology import Lab
    from cds_service.mappings.units import Unit


def has_value(result: Observation | Component) -> bool:
    """Whether a value of any type was sent."""
    return bool(
        result.valueQuantity
        or result.valueString
        or result.valueRange
        or is_sent(result.valueInteger)
        or result.valueCodeableConcept
        or result.valueBoolean is not None
    )


def value_of(result: Observation | Component, lab: Lab) -> tuple[Interval, Unit]:
    """The value in the canonical unit, and the unit in which it came.

    Raises:
        UnusableError: why the value cannot be used.
    """
    if result.dataAbsentReason is not None:
        raise UnusableError("data-absent")
    quantity = result.valueQuantity
    if quantity is not None:
        return _converted(decimal_of(quantity.value), quantity.comparator, unit_of(quantity, lab))
    if result.valueString:
        return _written(result.valueString, lab)
    if is_sent(result.valueInteger):
        return _converted(decimal_of(result.valueInteger), None, unit_of(Quantity(), lab))
    if result.valueRange is not None:
        return _between(result.valueRange, lab)
    raise UnusableError("value-wrong-type" if has_value(result) else "value-missing")


def unit_of(quantity: Quantity, lab: Lab) -> Unit:
    """The unit of a quantity under that code.

    Raises:
        UnusableError: as `units.unit_of`.
    """
    return units.unit_of(lab.concept, quantity, lab.unit, own_holds=lab.own_unit)


def _converted(number: Decimal, comparator: str | None, unit: Unit) -> tuple[Interval, Unit]:
    return interval_of(units.converted(number, unit), comparator), unit


def _written(text: str, lab: Lab) -> tuple[Interval, Unit]:
    """A result written as text; what may be `1.25` or `1250` and is plausible as the latter is no number."""
    found = written(text)
    unit = unit_of(Quantity(unit=found.unit), lab)
    if found.grouped is not None and units.is_plausible(lab.concept, units.converted(found.grouped, unit)):
        raise UnusableError("value-not-a-number")
    return _converted(found.number, found.comparator, unit)


def _between(value: Range, lab: Lab) -> tuple[Interval, Unit]:
    """A valueRange, each end in its own unit."""
    ends = [end for end in (value.low, value.high) if end is not None]
    if not ends:
        raise UnusableError("value-missing")
    if any(end.comparator for end in ends):
        raise UnusableError("value-not-a-number")
    low, high = (
        units.converted(decimal_of(end.value), unit_of(end, lab)) if end else None for end in (value.low, value.high)
    )
    if low is not None and high is not None and low > high:
        raise UnusableError("value-not-a-number")
    return Interval(low, high), unit_of(ends[0], lab)
