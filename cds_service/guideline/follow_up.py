"""Follow-up and prognosis (OPP)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cds_service.guideline.course import was_taken
from cds_service.guideline.criteria import BISPHOSPHONATES
from cds_service.guideline.dates import When, add_months, known_to
from cds_service.guideline.imaging_known import MRI, WHOLE_BODY_MRI, imaging_of, whole_body_wanted
from cds_service.guideline.interval import Truth
from cds_service.guideline.lesions import in_bones
from cds_service.guideline.results import Finding

if TYPE_CHECKING:
    from cds_service.guideline.case import Case
    from cds_service.guideline.facts import Coded, Fact, Measurement, Order, Study

_ESCALATION = BISPHOSPHONATES | {
    "drug:methotrexate", "drug:tnf_inhibitor", "drug:glucocorticoid", "drug:il17_inhibitor", "drug:jak_inhibitor"
}  # fmt: skip
_TREATMENT = _ESCALATION | {"drug:nsaid", "drug:sulfasalazine"}
_MARKERS = ("crp", "esr")
_FRACTURE = "finding:pathological_fracture"


def findings(case: Case) -> tuple[Finding, ...]:
    """All that fired; but for OPP-01, which asks for the code itself, only behind the CNO gate."""
    found: tuple[Finding | None, ...] = (monitoring(case),)
    if case.has_cno:
        found = (
            *found, control_imaging(case), silent_activity(case), silent_spine(case), pain_alone(case), taper(case),
        )  # fmt: skip
        prognosis = (
            damage(case), multifocal_disease(case), leg_or_spine(case), lasting_inflammation(case), outside_bone(case)
        )  # fmt: skip
        barred = case.is_barred
        found = (*found, *(replace(one, reason="barred") if one and barred else one for one in prognosis))
    return tuple(finding for finding in found if finding)


def monitoring(case: Case) -> Finding | None:
    """OPP-01: CNO on record, and neither a visit nor an inflammatory marker surely of the last months."""
    diagnoses = tuple(condition.fact() for condition in case.facts.confirmed("cno"))
    facts, months = case.facts, case.tables.follow_up.monitoring_months.count
    visits = (finding.when for finding in facts.findings if finding.name == "visit")
    measured = (value.when for name in _MARKERS for value in facts.of(name))
    if not diagnoses or any(_is_recent(when, months, case.now) for when in (*visits, *measured)):
        return None
    unread = facts.not_received & {"Observation", "Encounter"} or facts.unreadable & {*_MARKERS, "observation", "visit"}
    return Finding("OPP-01", "info", diagnoses, "ask" if unread else None)


def _is_recent(when: When | None, months: int, now: When) -> bool:
    """Surely no older than so many calendar months."""
    return when is not None and now.latest <= add_months(when.earliest, months)


def control_imaging(case: Case) -> Finding | None:
    """OPP-02: MRI ordered under treatment, without a lesion of the spine and without a drug being stopped.

    `first` of a first whole-body MRI, `suspected` where something worse is (OUR-44).
    """
    orders = case.facts.orders
    ordered = any(order.concept.startswith(MRI) and not order.stops for order in orders)
    treated = _taken(case)
    if not ordered or not treated or case.vertebral_lesions or any(_stops_a_drug(order) for order in orders):
        return None
    first_of_all = (
        any(order.concept == WHOLE_BODY_MRI for order in orders) and whole_body_wanted(case, imaging_of(case))[0]
    )
    reason = "first" if first_of_all else "suspected" if case.suspected else None
    return Finding("OPP-02", "info", treated, reason, about="order")


def _stops_a_drug(order: Order) -> bool:
    return order.stops and order.concept.startswith("drug:")


def _taken(case: Case) -> tuple[Coded, ...]:
    """Drugs for CNO that were, or may have been, given."""
    return tuple(drug.fact() for drug in case.facts.drugs if drug.concept in _TREATMENT and was_taken(drug))


def _activity(case: Case, imaging: str, symptoms: Truth) -> tuple[Fact, ...]:
    """The two answers, where they are these."""
    form = case.facts.answers
    if form.choice("imaging-activity") != imaging or form.yes("symptom-active") is not symptoms:
        return ()
    return (*form.fact("imaging-activity"), *form.fact("symptom-active"))


def silent_activity(case: Case) -> Finding | None:
    """OPP-03: active on imaging, without symptoms; shared decision where a stronger treatment is ordered."""
    answers = _activity(case, "active", Truth.NO)
    stronger = any(order.concept in _ESCALATION and not order.stops for order in case.facts.orders)
    if not answers:
        return None
    return Finding("OPP-03", "info", answers, *(("escalation", "both") if stronger else ()))


def silent_spine(case: Case) -> Finding | None:
    """OPP-04: the same with a lesion of the spine."""
    answers, spine = _activity(case, "active", Truth.NO), case.vertebral_lesions
    return Finding("OPP-04", "info", (*answers, *spine)) if answers and spine else None


def pain_alone(case: Case) -> Finding | None:
    """OPP-05: symptoms, and recent imaging without activity. A study after the answer takes the answer away."""
    answers, authored = _activity(case, "inactive", Truth.YES), case.facts.answers.authored
    study = _newest_study(case)
    imaged = study.when if study else authored
    recent = _is_recent(imaged, case.tables.follow_up.recent_imaging_months.count, case.now)
    if not answers or not recent or not known_to(imaged, authored):
        return None
    return Finding("OPP-05", "info", (*answers, study.fact()) if study else answers)


def _newest_study(case: Case) -> Study | None:
    dated = [(s.when.latest, s.when.earliest, s.source, s) for s in case.facts.studies if s.when and _is_imaging(s)]
    return max(dated, key=lambda one: one[:3])[-1] if dated else None


def _is_imaging(study: Study) -> bool:
    return study.kind.startswith("img:")


def taper(case: Case) -> Finding | None:
    """OPP-07: a drug for CNO is being stopped."""
    ended = {order.concept for order in case.facts.orders if order.stops} & _TREATMENT
    evidence = tuple(drug for drug in _taken(case) if drug.name in ended)
    return Finding("OPP-07", "info", evidence, about="order") if ended else None


def damage(case: Case) -> Finding | None:
    """OPP-08: a pathological fracture. Of a collapsed vertebra BEH-08 speaks; growth is not read."""
    fractures = tuple(finding for finding in case.facts.findings if finding.name == _FRACTURE)
    return Finding("OPP-08", "info", fractures) if fractures else None


def multifocal_disease(case: Case) -> Finding | None:
    """OPP-09: more than one bone."""
    return Finding("OPP-09", "info", case.picture.lesions) if case.several is Truth.YES else None


def leg_or_spine(case: Case) -> Finding | None:
    """OPP-10: the lower limb, the spine or both; each is a factor of its own."""
    leg, spine = in_bones(case.picture.lesions, case.tables.bones.lower_limb), case.vertebral_lesions
    if not leg and not spine:
        return None
    return Finding("OPP-10", "info", (*leg, *spine), "both" if leg and spine else "leg" if leg else "spine")


def lasting_inflammation(case: Case) -> Finding | None:
    """OPP-11: CRP or ESR surely above normal in two measurements so many months apart (OUR-35)."""
    numbers = case.tables.follow_up
    limits = {"crp": numbers.crp_normal_to.value, "esr": numbers.esr_normal_to.value}
    high: list[tuple[When, Measurement]] = [
        (value.when, value)
        for name in _MARKERS
        for value in case.facts.of(name)
        if value.when and value.value.above(limits[name]) is Truth.YES and not case.infused.covers(value.when)
    ]
    if not high:
        return None
    first = min(high, key=lambda one: (one[0].latest, one[1].source))
    last = max(high, key=lambda one: (one[0].earliest, one[1].source))
    if add_months(first[0].latest, numbers.markers_apart_months.count) > last[0].earliest:
        return None
    return Finding("OPP-11", "info", (last[1], first[1]))


def outside_bone(case: Case) -> Finding | None:
    """OPP-12: a disease of skin, joints or gut beside CNO, recorded or answered."""
    conditions = case.facts.conditions
    recorded = (c.fact() for c in conditions if c.concept.startswith("coexist_") and c.confirmed is Truth.YES)
    answered = (fact for fact in case.facts.answers.fact("coexisting") if fact.value != "none")
    evidence = (*answered, *recorded)
    return Finding("OPP-12", "info", evidence) if evidence else None
