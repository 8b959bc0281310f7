"""Red flags that exclusion and biopsy rest on (BGR-01, BGR-02, DDX-01, DDX-08, LAB-17, LAB-18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.guideline.counts import blasts_by_percent
from cds_service.guideline.course import Course, Window, was_taken
from cds_service.guideline.criteria import BISPHOSPHONATES, Doubt, is_lowered, is_raised, without_artefacts
from cds_service.guideline.dates import When, age_reached, known_to, not_after
from cds_service.guideline.facts import Coded, Condition, Fact, Facts, Measurement
from cds_service.guideline.interval import EXACT, Truth
from cds_service.guideline.results import Finding

if TYPE_CHECKING:
    from cds_service.guideline.results import Indicator
    from cds_service.guideline.tables import Tables

_CELL_LINES = {
    "hemoglobin": "hemoglobin", "platelets": "platelets", "leukocytes": "white cells", "neutrophils": "white cells"
}  # fmt: skip
_CLINICAL_FLAGS = frozenset({"hepatosplenomegaly", "lymphadenopathy", "weight-loss", "pallor"})
_UNASKED = frozenset({"malaise", "night-sweats"})
"""Signs that the form's `red-flag` does not ask for."""
_UNSPECIFIC = ("redflag_", "osteomyelitis_unspecified", "cno_possible")
"""How the concepts of codes begin that may mean CNO, an infection or another general disease (AMB-08)."""
_CULTURES = frozenset({"blood_culture", "tissue_culture"})
_ADDED_ANSWERS = frozenset({"night-pain", "fatigue"})


def red_flags(facts: Facts, course: Course, fever: Truth, tables: Tables) -> tuple[Finding, ...]:
    """All that fired, in rule order. Flags advise; they never exclude by themselves (DDX-14)."""
    found = (
        early_onset(facts, course, tables),
        adult_onset(facts, course, tables),
        malignancy_markers(facts, course, tables),
        low_alp_finding(facts),
        leukaemia_flags(facts, course, fever, tables),
        low_vitamin_c(facts),
    )
    return tuple(finding for finding in found if finding)


def early_onset(facts: Facts, course: Course, tables: Tables) -> Finding | None:
    """BGR-01: onset before the age at which CNO is rare; never an exclusion."""
    age = tables.workup.early_onset_age.count
    if course.onset is None or age_reached(facts.born, age, course.onset.when) is not Truth.NO:
        return None
    return Finding("BGR-01", "info", (course.onset,))


def adult_onset(facts: Facts, course: Course, tables: Tables) -> Finding | None:
    """BGR-02: onset as an adult is outside these criteria."""
    adult = tables.criteria.onset_below_age.count
    if course.onset is None or age_reached(facts.born, adult, course.onset.when) is not Truth.YES:
        return None
    return Finding("BGR-02", "info", (course.onset,))


def malignancy_markers(facts: Facts, course: Course, tables: Tables) -> Finding | None:
    """LAB-17: newest urate or LD above its own limit; critical for LD over twice its limit and not judged since."""
    recent = recent_results(course, tables)
    urate = [value for value in newest(facts, "urate", recent) if is_raised(value) is Truth.YES]
    ldh = [value for value in newest(facts, "ldh", recent) if is_raised(value) is Truth.YES]
    if not urate and not ldh:
        return None
    factor = tables.criteria.ldh_ratio_above.value
    authored = facts.answers.authored if facts.answers.choice("ldh-concern") == "no" else None
    open_ldh = [value for value in ldh if not known_to(value.when, authored)]
    very_high = any(
        value.when and value.reference and value.reference.high is not None
        and value.value.above(EXACT.multiply(value.reference.high, factor)) is Truth.YES
        for value in open_ldh
    )  # fmt: skip
    reason = "both" if urate and ldh else "urate" if urate else "ldh"
    if ldh and not open_ldh:
        reason = f"{reason}-judged"
    indicator: Indicator = "critical" if very_high else "warning"
    return Finding("LAB-17", indicator, (*ldh, *urate), reason, about="both")


def low_alp(facts: Facts) -> tuple[Measurement, ...]:
    """LAB-18: the newest ALP before any bisphosphonate, where it is below the lower limit of its own report."""
    given = [d.when for d in facts.drugs if d.concept in BISPHOSPHONATES and was_taken(d) and d.when]
    first = min(given, key=lambda when: when.earliest, default=None)
    before = [v for v in facts.of("alp") if first is None or not_after(first, v.when) is not Truth.YES]
    return tuple(value for value in _maybe_newest(before) if is_lowered(value) is Truth.YES)


def low_alp_finding(facts: Facts) -> Finding | None:
    """LAB-18: low ALP calls for hypophosphatasia to be ruled out."""
    low = low_alp(facts)
    return Finding("LAB-18", "warning", low, about="both") if low else None


def vitamin_c_doubt(facts: Facts) -> tuple[Measurement, ...]:
    """DDX-08: the newest vitamin C, where it is below the lower limit of its own report."""
    return tuple(v for v in _maybe_newest(list(facts.of("vitamin_c"))) if is_lowered(v) is Truth.YES)


def doubts(facts: Facts, tables: Tables) -> tuple[Doubt, ...]:
    """What speaks against `mimicker` excluded until it is answered again (CLS-2.1, rules.md section 6.3)."""
    limit = tables.biopsy.blasts_above.value
    blasts = tuple(value for value in facts.of("blasts") if value.value.above(limit) is Truth.YES)
    coded = tuple(c.fact() for c in facts.conditions if c.concept.startswith(_UNSPECIFIC))
    return (
        *low_alp(facts), *vitamin_c_doubt(facts), *blasts, *blasts_by_percent(facts), *positive_cultures(facts), *coded
    )  # fmt: skip


def positive_cultures(facts: Facts) -> tuple[Coded, ...]:
    """Growth in blood or tissue: a warning, and CLS-2.1 unknown until it is answered again (DDX-06)."""
    return tuple(one for one in facts.findings if one.name in _CULTURES and one.value == "positive")


def low_vitamin_c(facts: Facts) -> Finding | None:
    """DDX-08 as a finding."""
    low = vitamin_c_doubt(facts)
    return Finding("DDX-08", "warning", low) if low else None


def leukaemia_flags(facts: Facts, course: Course, fever: Truth, tables: Tables) -> Finding | None:
    """DDX-01: blasts, cytopenias and clinical signs; the combinations that are critical are ours."""
    recent = recent_results(course, tables)
    blasts, lines, low_counts = _counts(facts, recent, tables)
    flags, shown = signs_told(facts, _CLINICAL_FLAGS)
    limit = tables.criteria.platelets_below.value
    counts = newest_of(without_artefacts(facts, limit), recent)
    few_platelets = [value for value in counts if value.value.below(limit) is Truth.YES]
    numbers = tables.workup
    critical = (
        blasts or any(value.when for value in few_platelets)
        or len(lines) >= numbers.cell_lines.count
        or (lines and flags)
        or len(flags) >= numbers.clinical_flags.count
    )  # fmt: skip
    if not (critical or lines or flags or few_platelets):
        return None
    evidence = dict.fromkeys((*blasts, *few_platelets, *low_counts, *shown, *_added(facts, fever)))
    reason = "blasts" if blasts else "lines" if lines or few_platelets else "flags"
    return Finding("DDX-01", "critical" if critical else "warning", tuple(evidence), reason, about="both")


def _counts(facts: Facts, recent: Window, tables: Tables) -> tuple[list[Fact], set[str], list[Fact]]:
    """Blasts found, the cell lines below range, and the counts and codes that say so."""
    limit = tables.biopsy.blasts_above.value
    blasts: list[Fact] = [v for v in newest(facts, "blasts", recent) if v.value.above(limit) is Truth.YES]
    blasts += blasts_by_percent(facts)
    lines: set[str] = set()
    low: list[Fact] = []
    platelets = without_artefacts(facts, tables.criteria.platelets_below.value)
    for name, line in _CELL_LINES.items():
        for value in newest_of(platelets if name == "platelets" else facts.of(name), recent):
            if is_lowered(value) is Truth.YES:
                lines.add(line)
                low.append(value)
    for condition in facts.conditions:
        if condition.concept == "redflag_cytopenia" and _holds(condition):
            lines |= {_CELL_LINES.get(name, name) for name in condition.cell_lines}
            low.append(condition.fact())
    return blasts, lines, low


def signs_told(facts: Facts, names: frozenset[str]) -> tuple[set[str], list[Fact]]:
    """Which of these signs are there: ticked, or coded, confirmed and active; a dated list overrides what it knew of.

    The names are those of `red-flag`; what that list does not ask for stands in codes alone and is never overridden.
    """
    form = facts.answers
    ticked = form.choices.get("red-flag")
    closed = ticked is not None and "red-flag" not in form.open_lists
    present = set((ticked or frozenset()) & names)
    shown: list[Fact] = [fact for fact in form.fact("red-flag") if fact.value in present]
    for condition in facts.conditions:
        if not condition.concept.startswith("redflag_"):
            continue
        name = condition.concept.removeprefix("redflag_").replace("_", "-")
        overridden = closed and name not in _UNASKED and known_to(condition.told, form.authored)
        if name in names and _holds(condition) and not overridden:
            present.add(name)
            shown.append(condition.fact())
    return present, shown


def _added(facts: Facts, fever: Truth) -> list[Fact]:
    """What adds to the list without making it critical: fever, reduced condition, night pain, fatigue."""
    form = facts.answers
    added: list[Fact] = [fact for fact in form.fact("red-flag") if fact.value in _ADDED_ANSWERS]
    added += [fact for fact in form.fact("general-condition") if fact.value == "affected"]
    if fever is Truth.YES:
        added += form.fact("fever")
    return added


def _holds(condition: Condition) -> bool:
    return condition.confirmed is Truth.YES and condition.active is Truth.YES


def signs(facts: Facts) -> tuple[Coded, ...]:
    """Imaging findings that may be a metastasis and are never a typical feature (CLS-1.3, BIO-19)."""
    return tuple(finding for finding in facts.findings if finding.name == "finding:lytic_possible")


def recent_results(course: Course, tables: Tables) -> Window:
    """The days in which the newest result speaks for now."""
    return Window(When.on(course.today).shifted(-tables.workup.red_flag_window_days.count), When.on(course.today))


def newest(facts: Facts, name: str, window: Window) -> list[Measurement]:
    """`newest_of` the results of a concept."""
    return newest_of(facts.of(name), window)


def newest_of(values: tuple[Measurement, ...], window: Window) -> list[Measurement]:
    """The results of the window that may be of the newest day.

    One of an uncertain day, or one without the range that others have, takes no other's place.
    """
    sure, possible = window.split(values)
    return _maybe_newest([*sure, *possible])


def _maybe_newest(values: list[Measurement]) -> list[Measurement]:
    ranged = [value for value in values if value.reference is not None or value.flag is not None]
    newest_day = max((value.when.earliest for value in ranged or values if value.when), default=None)
    if newest_day is None:
        return values
    return [value for value in values if value.when is None or value.when.latest >= newest_day]
