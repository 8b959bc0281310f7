"""What is known of imaging: MRI done and to come, what it suggests, what makes a worse disease suspected (IMG)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.guideline.dates import known_to, not_after
from cds_service.guideline.differentials import answered_yes
from cds_service.guideline.domains import whole_body_imaging
from cds_service.guideline.interval import Truth
from cds_service.guideline.lesions import with_any

if TYPE_CHECKING:
    from cds_service.guideline.case import Case
    from cds_service.guideline.facts import Coded, Fact, Order, Study

REGIONAL_MRI = "img:mr"
"""How the kinds of regional MRI begin: `img:mr`, `img:mr_spine`, `img:mr_contrast`, …"""
WHOLE_BODY_MRI = "img:wbmri"
MRI = (REGIONAL_MRI, WHOLE_BODY_MRI)
_SEEN_ON_MRI = frozenset({"marrow-oedema", "stir-hyperintensity"})
_AGGRESSIVE = frozenset({"cortical-destruction", "rapid-growth"})
_ALARMS = frozenset({"DDX-01", "DDX-03", "DDX-04", "DDX-06", "LAB-17"})
_INFECTION_OR_MALIGNANCY = frozenset({"infection", "malignancy"})
_AGGRESSIVE_FINDING = "finding:cortical_destruction"


@dataclass(frozen=True, slots=True)
class Imaging:
    """What of MRI is known, and what is still to come."""

    regional: tuple[Fact, ...]
    """What shows that a region was examined by MRI."""
    mri: tuple[Fact, ...]
    """The same for any MRI."""
    suspicious: tuple[Fact, ...]
    """The regional MRI and what says that it suggests CNO; nothing while it does not."""
    orders: tuple[Order, ...]
    """Imaging that is ordered now."""
    coming: frozenset[str]
    """Kinds that are ordered, or requested and awaited."""

    def has_ordered(self, *kinds: str) -> bool:
        """Whether one of these is ordered now."""
        return any(order.concept in kinds for order in self.orders)

    @property
    def mri_is_coming(self) -> bool:
        """Whether any MRI is ordered or awaited."""
        return any(kind.startswith(MRI) for kind in self.coming)


def imaging_of(case: Case) -> Imaging:
    """Gather studies, answers and lesions that tell of MRI, and what is ordered or awaited."""
    facts, form = case.facts, case.facts.answers
    classic = form.fact("classic-presentation") if form.yes("classic-presentation") is Truth.YES else ()
    lesions = with_any((*form.lesions, *facts.lesions), _SEEN_ON_MRI)
    suggesting: tuple[Fact, ...] = (*form.fact("mri-suggests-cno"), *classic, *lesions)
    told = (*suggesting, *form.fact("atypical-mri"))
    of_now = of_this_disease(case)
    regional = tuple(study.fact() for study in of_now if is_regional_mri(study))
    studies = tuple(study.fact() for study in of_now if study.kind.startswith(MRI))
    orders = tuple(order for order in facts.orders if order.concept.startswith("img:") and not order.stops)
    requested = {kind for kind in facts.requested if kind.startswith("img:")}
    coming = frozenset(requested | {order.concept for order in orders})
    suspicious = (*regional, *suggesting) if _suggests_cno(case) else ()
    return Imaging((*regional, *told), (*studies, *told), suspicious, orders, coming)


def of_this_disease(case: Case) -> tuple[Study, ...]:
    """The studies that are not surely from before the symptoms: an old one says nothing of them (OUR-21)."""
    onset, days = case.course.onset, case.tables.criteria.safety_window_days.count
    if onset is None:
        return case.facts.studies
    first = onset.when.shifted(-days)
    return tuple(study for study in case.facts.studies if not_after(first, study.when) is not Truth.NO)


def is_regional_mri(study: Study) -> bool:
    """Whether a study is MRI of a region."""
    return study.kind.startswith(REGIONAL_MRI) and study.whole_body is not Truth.YES


def _suggests_cno(case: Case) -> bool:
    """The answer; without one a classic picture, or a lesion that only MRI shows. A newer lesion reopens a no."""
    form = case.facts.answers
    answer = form.yes("mri-suggests-cno")
    recorded = with_any(case.facts.lesions, _SEEN_ON_MRI)
    newer = any(not known_to(lesion.when, form.authored) for lesion in recorded)
    if answer is Truth.NO and form.authored and not newer:
        return False
    said = Truth.YES in {answer, form.yes("classic-presentation")}
    return said or bool(with_any(case.picture.lesions, _SEEN_ON_MRI))


def answers(case: Case, *link_ids: str) -> tuple[Coded, ...]:
    """The answers of some items, in this order."""
    return tuple(fact for link_id in link_ids for fact in case.facts.answers.fact(link_id))


def suspected(case: Case) -> tuple[Fact, ...]:
    """What makes infection or malignancy suspected: answers, red flags not judged since, an aggressive picture."""
    flags = (flag for flag in case.flags if flag.id in _ALARMS and not flag.is_judged)
    mimicker = case.classification.exclusion_criteria[0]
    shown: tuple[Fact, ...] = (
        *answered_yes(case.facts, "infection-suspected"), *answered_yes(case.facts, "malignancy-suspected"),
        *(fact for fact in answers(case, "malignancy-excluded") if fact.value == "no"),
        *(one.fact() for one in case.possible_malignancies), *aggressive(case),
        *(fact for flag in flags for fact in flag.evidence),
        *(mimicker.evidence if mimicker.truth is Truth.YES and mimicker.reason in _INFECTION_OR_MALIGNANCY else ()),
    )  # fmt: skip
    return tuple(dict.fromkeys(shown))


def aggressive(case: Case) -> tuple[Fact, ...]:
    """An atypical MRI, a destroyed cortex, rapid growth."""
    return (
        *answered_yes(case.facts, "atypical-mri"),
        *with_any(case.picture.lesions, _AGGRESSIVE),
        *(one for one in case.facts.findings if one.name == _AGGRESSIVE_FINDING),
    )


def _whole_body_open(case: Case) -> tuple[Truth, tuple[Fact, ...]]:
    """Is whole-body imaging still to be done? UNKNOWN: ask. A study in the record counts whatever is said."""
    facts = case.facts
    done, shown, _ = whole_body_imaging(facts)
    if any(study.whole_body is Truth.YES for study in facts.studies):
        return Truth.NO, shown
    authored = facts.answers.authored
    unclear = [s for s in facts.studies if s.whole_body is Truth.UNKNOWN and not known_to(s.when, authored)]
    asks = done is Truth.NO and unclear
    return (Truth.UNKNOWN if asks else ~done), (*shown, *(study.fact() for study in unclear))


def whole_body_wanted(case: Case, known: Imaging) -> tuple[bool, str | None, tuple[Fact, ...]]:
    """Does regional MRI suggest CNO, with the rest of the skeleton not seen? With the question that is left."""
    still_open, shown = _whole_body_open(case)
    wanted = bool(known.suspicious) and still_open is not Truth.NO
    evidence = tuple(dict.fromkeys((*known.suspicious, *shown)))
    return wanted, "ask" if still_open is Truth.UNKNOWN else None, evidence
