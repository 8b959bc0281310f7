"""What the rules say: one type per section of the evaluation. Each keeps the facts it used as evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, TypeAlias

from cds_service.guideline.dates import When
from cds_service.guideline.facts import Dose, Fact, Facts, Note, Planned, Rate
from cds_service.guideline.interval import Truth

Indicator: TypeAlias = Literal["info", "warning", "critical"]
Verdict: TypeAlias = Literal[
    "fulfilled", "provisionally-fulfilled", "not-fulfilled", "undetermined", "excluded", "not-applicable"
]
Readiness: TypeAlias = Literal["ready", "attention", "not-ready", "incomplete"]
About: TypeAlias = Literal["chart", "order", "both"]
"""Whether a finding speaks of what is on record, of an order, or of either: where it is told."""
CheckStatus: TypeAlias = Literal["ok", "attention", "breach", "missing", "unreadable"]


@dataclass(frozen=True, slots=True)
class Criterion:
    """An entry or exclusion criterion: YES is met or present, NO is not met or absent."""

    id: str
    truth: Truth
    evidence: tuple[Fact, ...] = ()
    reason: str | None = None
    """A word for the wording: which of several readings led here (`platelets`, `ldh`, `malignancy`, …)."""
    met_on: date | None = None
    indicator: Indicator = "info"
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Domain:
    """One of the nine domains: the least and the most points that are still possible."""

    id: str
    name: str
    low: int
    high: int
    assumed: bool = False
    """Biopsy status unknown: counted 0, said so, and 17 where `not-fulfilled` is decided (CLS-3.1)."""
    evidence: tuple[Fact, ...] = ()
    reason: str | None = None
    notes: tuple[Note, ...] = ()

    @property
    def known(self) -> bool:
        """Whether the points are settled."""
        return self.low == self.high and not self.assumed


@dataclass(frozen=True, slots=True)
class Classification:
    """CLS-4.1. `low` and `high` are sums of the domains and stand even where the score is not shown."""

    verdict: Verdict
    low: int
    high: int
    threshold: int
    entry: Truth
    entry_criteria: tuple[Criterion, ...]
    exclusion: Truth
    exclusion_criteria: tuple[Criterion, ...]
    domains: tuple[Domain, ...]
    deciding: tuple[str, ...]

    @property
    def has_score(self) -> bool:
        """No score is shown while an entry criterion is not met."""
        return self.verdict != "not-applicable"


@dataclass(frozen=True, slots=True)
class Reason:
    """A line of the biopsy lists that holds or could not be assessed."""

    id: str
    truth: Truth
    evidence: tuple[Fact, ...] = ()
    indicator: Indicator = "info"
    reason: str | None = None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Biopsy:
    """BIO-02 to BIO-19: reasons to consider, reasons to refrain, what was not assessed. Never a net decision."""

    consider: tuple[Reason, ...]
    refrain: tuple[Reason, ...]
    not_assessed: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One of the nine checks before zoledronic acid."""

    id: str
    status: CheckStatus
    indicator: Indicator
    reason: str | None = None
    value: Decimal | None = None
    limit: Decimal | None = None
    unit: str | None = None
    day: date | None = None
    evidence: tuple[Fact, ...] = ()
    amounts: tuple[Dose, ...] | tuple[Rate, ...] = ()
    """The ordered amount and those written beside it that differ from it."""
    told: When | None = None
    """The date that it rests on, as precise as it is known: of a dose, or of another order (ZOL-09)."""


@dataclass(frozen=True, slots=True)
class Infusion:
    """Readiness of one zoledronic acid order, and the numbers that its card shows."""

    order: str
    also_ordered: tuple[str, ...]
    planned: Planned
    readiness: Readiness
    checks: tuple[Check, ...]
    weight: Decimal | None = None
    """kg; None while it is missing, older than allowed or implausible."""
    dose_mg: Decimal | None = None
    usual_dose_mg: Decimal | None = None
    highest_dose_mg: Decimal | None = None
    highest_rate_ml_h: Decimal | None = None
    shortest_minutes: int | None = None
    """Shortest infusion time for the ordered volume, never below the product's own minimum."""
    paracetamol_mg: Decimal | None = None
    paracetamol_order_allowed: bool = False
    low_alp: bool = False
    """A low ALP keeps readiness at `attention` at best (LAB-18)."""
    mimicker: str | None = None
    """`hypophosphatasia` (also possible), or the kind of a confirmed mimicker: it does so too (DDX-12, ours)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Another rule that fired."""

    id: str
    indicator: Indicator
    evidence: tuple[Fact, ...] = ()
    reason: str | None = None
    """A word for the wording: which of several readings led here (`planned`, `ask`, `overdue`, …)."""
    about: About = "chart"

    @property
    def is_judged(self) -> bool:
        """Whether an answer that knew of it says that it is no concern."""
        return (self.reason or "").endswith("-judged")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that the guideline says about one patient on one day."""

    today: date
    facts: Facts
    classification: Classification
    biopsy: Biopsy
    infusion: Infusion | None
    findings: tuple[Finding, ...]
    notes: tuple[Note, ...]
    """The notes of the reading and those of the rules (an outdated answer, a contradiction)."""
    suspected: tuple[Fact, ...] = ()
    """What makes infection or malignancy suspected: told beside the order of a drug (OUR-41)."""
