"""How long NSAIDs were tried, and whether the effect was judged since (BEH-06, AMB-34)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.guideline.dates import When, not_after
from cds_service.guideline.interval import Truth, all_of
from cds_service.guideline.results import Finding

if TYPE_CHECKING:
    from datetime import date

    from cds_service.guideline.case import Case
    from cds_service.guideline.facts import Coded, Drug
    from cds_service.guideline.results import Indicator

NSAID = "drug:nsaid"
_CURRENT = frozenset({"active", "unknown", "in-progress"})


@dataclass(frozen=True, slots=True)
class Trial:
    """An NSAID from its start to its end or today, and the days that it surely lasted."""

    drug: Drug
    start: When
    days: int


def trials(nsaids: tuple[Drug, ...], today: date) -> tuple[Trial, ...]:
    """Current ones until today, or an end already told; past ones need their end."""
    found: list[Trial] = []
    for drug in nsaids:
        until = drug.end or (When.on(today) if drug.status in _CURRENT else None)
        if drug.when and until and drug.when.earliest <= until.latest:
            found.append(Trial(drug, drug.when, (min(until.earliest, today) - drug.when.latest).days))
    return tuple(found)


def insufficient_effect(case: Case, nsaids: tuple[Drug, ...]) -> Finding | None:
    """BEH-06: four weeks with too little effect is told, six are an indication; before four nothing is said."""
    form, numbers = case.facts.answers, case.tables.treatment
    response, answered = form.choice("treatment-response"), form.fact("treatment-response")
    least = numbers.nsaid_trial_days.count
    tried = tuple(trial for trial in trials(nsaids, case.course.today) if trial.days >= least)
    if not tried:
        renewed = any(drug.status in _CURRENT for drug in nsaids)
        earliest = When.on(case.course.today).shifted(-least)
        unclear = tuple(drug for drug in nsaids if _may_have_lasted(drug, earliest, renewed=renewed))
        return _asked(answered, unclear) if unclear and response != "adequate" else None
    judged = all_of(not_after(trial.start.shifted(least), form.authored) for trial in tried)
    if response is None or judged is not Truth.YES:
        return _asked(answered, tuple(trial.drug for trial in tried))
    if response == "adequate":
        return None
    is_long = max(trial.days for trial in tried) >= numbers.nsaid_long_trial_days.count
    indicator: Indicator = "warning" if is_long else "info"
    shown = dict.fromkeys((*answered, *(trial.drug.fact() for trial in tried)))
    return Finding("BEH-06", indicator, tuple(shown))


def _may_have_lasted(drug: Drug, earliest: When, *, renewed: bool) -> bool:
    """Whether it may have lasted long enough: no start, one that is vague, an end before it, a renewed prescription."""
    start, end = drug.when, drug.end
    may_be_old = start is None or not_after(start, earliest) is not Truth.NO
    if end is not None:
        return start is None or start.earliest > end.latest or not (start.is_precise and end.is_precise)
    return may_be_old and (drug.status in _CURRENT or drug.status == "on-hold" or renewed)


def _asked(answered: tuple[Coded, ...], drugs: tuple[Drug, ...]) -> Finding:
    """The start, or an answer on the effect that was given in time, is missing."""
    return Finding("BEH-06", "info", tuple(dict.fromkeys((*answered, *(drug.fact() for drug in drugs)))), "ask")
