"""Facts → JSON of the contract's section 3. Numbers are decimals that print as they stand."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from cds_service.guideline.facts import Coded, Dated, Lesion, Measurement
from cds_service.guideline.interval import EXACT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cds_service.guideline.dates import When
    from cds_service.guideline.facts import Fact
    from cds_service.guideline.interval import Interval

Placed: TypeAlias = tuple[tuple[str, int, str], dict[str, object]]
"""Where a fact stands among the others, and the fact as JSON."""
Told: TypeAlias = dict[int, Placed | None]
MEASURED = frozenset(
    """hemoglobin crp esr platelets leukocytes neutrophils lymphocytes blasts ldh alp vitd25 calcium_free calcium_total
    calcium_albcorr albumin phosphate urate creatinine vitamin_c ft4 tsh fecal_calprotectin body_temperature
    body_weight body_height""".split()  # noqa: SIM905  a list of words
)
"""The measured names that may stand on the wire."""
_MOST_DECIMALS = 6
_LAST_DECIMAL = Decimal(1).scaleb(-_MOST_DECIMALS)
_ZERO = Decimal(0)
_PLACE = itemgetter(0)
_WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def facts(used: Iterable[Fact], told: Told | None = None) -> list[dict[str, object]]:
    """Facts as JSON: each once, by name, newest first, source. What has no place on the wire is left out.

    `told` remembers the facts of one evaluation, each under its identity, from one card to the next.
    """
    told = {} if told is None else told
    places = []
    for key, fact in {id(fact): fact for fact in used}.items():
        if key not in told:
            told[key] = _placed(fact)
        placed = told[key]
        if placed is not None:
            places.append(placed)
    places.sort(key=_PLACE)
    once: list[dict[str, object]] = []
    for _, group in groupby(places, _PLACE):
        same = [shown for _, shown in group]
        once += same if len(same) == 1 else {repr(shown): shown for shown in same}.values()
    return once


def _placed(fact: Fact) -> Placed | None:
    if isinstance(fact, Measurement):
        name, shown = fact.name, _measured(fact)
    elif isinstance(fact, Coded):
        name, shown = fact.name, _coded(fact)
    elif isinstance(fact, Lesion):
        name, shown = "lesion", _lesion(fact)
    else:
        name, shown = fact.name, _dated(fact)
    return None if shown is None else ((name, _newest_first(fact), fact.source), shown)


@lru_cache(4096)
def number(value: Decimal) -> Decimal:
    """The same number so that it prints without exponent or trailing zeros, with at most six decimals."""
    text = str(value)
    if "E" not in text:
        decimals = text.partition(".")[2]
        if not decimals or (len(decimals) <= _MOST_DECIMALS and decimals[-1] != "0"):
            return value
    rounded = value.quantize(_LAST_DECIMAL, context=EXACT)
    return Decimal(format(EXACT.normalize(rounded), "f")) if rounded else _ZERO


def partial_date(when: When | None) -> str | None:
    """The FHIR date that holds the whole of it: a day, a month or a year; None where none of them does."""
    if when is None:
        return None
    first = when.earliest.isoformat()
    if when.earliest == when.latest:
        return first
    last = when.latest.isoformat()
    return next((first[:length] for length in (7, 4) if first[:length] == last[:length]), None)


def _dated(fact: Dated) -> dict[str, object]:
    earliest, latest = fact.when.earliest.isoformat(), fact.when.latest.isoformat()
    return {"name": fact.name, "earliest": earliest, "latest": latest, "source": fact.source}


def _measured(fact: Measurement) -> dict[str, object] | None:
    low, high, low_open, high_open = fact.value
    if fact.name not in MEASURED or (low is None and high is None):
        return None
    members: dict[str, object] = {"name": fact.name}
    if low is not None:
        members["low"] = number(low)
    if high is not None:
        members["high"] = number(high)
    if low_open:
        members["lowOpen"] = True
    if high_open:
        members["highOpen"] = True
    members["unit"] = fact.unit
    date = partial_date(fact.when)
    if date is not None:
        members["date"] = date
    members["source"] = fact.source
    if fact.reference is not None:
        _add_reference(members, fact.reference)
    if fact.flag is not None:
        members["flag"] = fact.flag
    members["readFrom"] = fact.read_from
    return members


def _add_reference(members: dict[str, object], reference: Interval) -> None:
    if reference.low is not None:
        members["referenceLow"] = number(reference.low)
    if reference.high is not None:
        members["referenceHigh"] = number(reference.high)


def _coded(fact: Coded) -> dict[str, object] | None:
    if isinstance(fact.value, str) and _WORD.fullmatch(fact.value) is None:
        return None
    date = partial_date(fact.when)
    return present(
        {"name": fact.name, "value": fact.value, "date": date, "source": fact.source, "readFrom": fact.read_from}
    )


def _lesion(fact: Lesion) -> dict[str, object] | None:
    """A lesion whose bone could not be read is a note, not a fact."""
    if fact.bone is None:
        return None
    return present(
        {
            "name": "lesion",
            "bone": fact.bone,
            "side": fact.side,
            "zone": fact.zone,
            "features": sorted(fact.features) or None,
            "date": partial_date(fact.when),
            "source": fact.source,
        }
    )


def end(value: Decimal | None) -> Decimal | None:
    """`number` of an end that may be missing."""
    return None if value is None else number(value)


def present(members: dict[str, object]) -> dict[str, object]:
    """The members that have a value."""
    return {name: value for name, value in members.items() if value is not None}


def _newest_first(fact: Fact) -> int:
    """Undated facts come last."""
    return 1 if fact.when is None else -fact.when.latest.toordinal()
