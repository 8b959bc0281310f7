"""The nine checks as lines: first what stands against, then what is missing, then remarks, then what is in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.guideline.criteria import is_outside
from cds_service.guideline.facts import Measurement
from cds_service.guideline.interval import Truth
from cds_service.guideline.tables import TABLES
from cds_service.hooks.card_draft import SEVERITY
from cds_service.hooks.card_facts import decimals, measured, number_of
from cds_service.hooks.card_infusion_warnings import is_too_young
from cds_service.hooks.wording import sentence

if TYPE_CHECKING:
    from cds_service.guideline.results import Check, Infusion
    from cds_service.hooks.wording import Wording

_NUMBERS = TABLES.infusion
_DOSE, _HIGHEST_DOSE = "ZOL-07", "ZOL-08"
_INTERVAL = "ZOL-09"
_SAMPLE_TIME, _VITAMIN_D, _CALCIUM = "ZOL-01", "ZOL-02", "ZOL-03"
_WITH_VALUE = frozenset({_VITAMIN_D, _CALCIUM})
_HELD_BACK = frozenset({"low-alp", "mimicker"})
_PLACES = 4
_OF_A_DOSE = frozenset({_DOSE, _HIGHEST_DOSE, "ZOL-10"})


def problems(infusion: Infusion, wording: Wording) -> list[str]:
    """What a summary says of each check that is not in order, the most severe first."""
    return [_text(check, "short", wording) for check in _problems(infusion)]


def problem_lines(infusion: Infusion, wording: Wording) -> tuple[str, ...]:
    """One line for each check that is not in order; equal lines once."""
    return tuple(dict.fromkeys(_text(check, "line", wording) for check in _problems(infusion)))


def remark_lines(infusion: Infusion, wording: Wording, *, allergy: bool) -> tuple[str, ...]:
    """One line for each check that is in order with a remark; not of an allergy, where that is warned of already."""
    told = [check for check in _by_severity(infusion) if check.indicator == "info" and not _is_settled(check)]
    return tuple(
        _text(check, "line", wording)
        for check in told
        if not _told_elsewhere(check) and (allergy or check.reason != "allergy")
    )


def settled_line(infusion: Infusion, wording: Wording) -> tuple[str, ...]:
    """The checks that are simply in order, in one line; no dose is for a child below the age of the recommendation."""
    checks = [check for check in infusion.checks if _is_settled(check)]
    if is_too_young(infusion):
        checks = [check for check in checks if check.id not in _OF_A_DOSE]
    names = [_settled_name(check, wording) for check in checks]
    return (wording.text("infusion.settled", names=", ".join(names)),) if names else ()


def _problems(infusion: Infusion) -> list[Check]:
    return [one for one in _by_severity(infusion) if one.indicator != "info" and not _is_repeated(one, infusion)]


def _is_repeated(check: Check, infusion: Infusion) -> bool:
    """Said elsewhere: a dose held back by a warning, the time of a sample that must be taken again anyway."""
    if check.id != _SAMPLE_TIME:
        return check.reason in _HELD_BACK
    value = next(one for one in infusion.checks if one.id == _VITAMIN_D)
    return value.status == "breach" or (value.reason == check.reason and value.status == check.status)


def _is_settled(check: Check) -> bool:
    return check.status == "ok" and check.reason is None


def _told_elsewhere(check: Check) -> bool:
    """Paracetamol and the rate, where simply not told, have lines of their own with the numbers for this child."""
    return check.status == "missing" and check.indicator == "info" and check.reason is None


def _by_severity(infusion: Infusion) -> list[Check]:
    """Not the recommended dose where the highest dose says the same, more sharply, or where no dose is recommended."""
    sharper = any(check.id == _HIGHEST_DOSE and check.status in ("breach", "attention") for check in infusion.checks)
    none_due = is_too_young(infusion)
    told = [
        check
        for check in infusion.checks
        if not (sharper and check.id == _DOSE and check.reason == "above-recommended")
        and not (none_due and check.id in _OF_A_DOSE and check.status in ("ok", "attention"))
    ]
    return sorted(told, key=lambda check: (SEVERITY[check.indicator], check.status == "ok"))


def _text(check: Check, part: str, wording: Wording) -> str:
    rule = f"checks.{check.id}"
    key = wording.first(
        f"{rule}.{check.status}.{_reason(check)}.{part}",
        f"{rule}.{check.status}.{part}",
        f"checks.{check.status}.{check.reason}.{part}",
        f"checks.{check.status}.{part}",
    )
    return wording.text(key, **_slots(check, wording))


def _reason(check: Check) -> str | None:
    """The check's reason; for calcium also a flag without a crossed limit, and an old value that was outside.

    For an interval that cannot be judged: `known` where an earlier dose is known all the same.
    """
    if check.id == _INTERVAL and check.status in ("missing", "unreadable") and check.told:
        return "known"
    if check.id != _CALCIUM:
        return check.reason
    result = next((fact for fact in check.evidence if isinstance(fact, Measurement)), None)
    if check.status == "breach":
        reference = result.reference if result else None
        crossed = result is not None and reference is not None and result.value.beyond(reference) is Truth.YES
        return check.reason if crossed and check.limit is not None else "flagged"
    was_outside = check.reason == "too-old" and result is not None and is_outside(result) is Truth.YES
    return "too-old-outside" if was_outside else check.reason


def _slots(check: Check, wording: Wording) -> dict[str, str]:
    result = next((fact for fact in check.evidence if isinstance(fact, Measurement)), None)
    limits = (
        _NUMBERS.dose_usual.value, _NUMBERS.dose_usual_low.value, _NUMBERS.dose_usual_high.value,
        _NUMBERS.dose_check_unit.value, _NUMBERS.dose_max.value,
    ) if check.unit == "mg/kg" else (() if check.limit is None else (check.limit,))  # fmt: skip
    places = decimals("dose_per_kg" if check.unit == "mg/kg" else "rate")
    value = "" if check.value is None else wording.number(check.value, places, limits)
    held = () if check.value is None else (check.value,)
    limit = "" if check.limit is None else wording.number(check.limit, decimals("limit"), held)
    return {
        "name": wording.text(f"checks.{check.id}.name"),
        "value": value if result is None or check.id not in _WITH_VALUE else number_of(result, wording),
        "limit": limit,
        "unit": wording.unit(check.unit or ""),
        "label": (wording.label(result.name) or "") if result else "",
        "found": sentence(measured(result, wording)) if result else "",
        "all": sentence(", ".join(measured(fact, wording) for fact in check.evidence if isinstance(fact, Measurement))),
        "ordered": "".join(_amounts(check, wording)[:1]),
        "others": wording.listed(_amounts(check, wording)[1:]),
        "date": wording.day(check.day) if check.day else wording.text("facts.undated"),
        "told": wording.when(check.told) if check.told else wording.text("facts.undated"),
        "from_days": str(_NUMBERS.vitamin_d_days_from.count),
        "to_days": str(_NUMBERS.vitamin_d_days_to.count),
        "calcium_days": str(_NUMBERS.calcium_days.count),
        "weight_days": str(_NUMBERS.weight_days.count),
        "months": str(_NUMBERS.interval_months.count),
        "overdue": str(_NUMBERS.overdue_months.count),
        "age": str(_NUMBERS.age_from.count),
    }


def _amounts(check: Check, wording: Wording) -> list[str]:
    """The ordered amount and those that differ from it, as they are written in the order."""
    units = ("mg", "mg/kg") if check.id == _DOSE else ("mL/h", "mL/kg/h")
    return [wording.quantity(wording.number(each.amount, _PLACES), units[each.per_kg]) for each in check.amounts]


def _settled_name(check: Check, wording: Wording) -> str:
    result = next((fact for fact in check.evidence if isinstance(fact, Measurement)), None)
    if result is not None and check.id in _WITH_VALUE:
        return measured(result, wording)
    return wording.text(wording.first(f"checks.{check.id}.settled", f"checks.{check.id}.name"))
