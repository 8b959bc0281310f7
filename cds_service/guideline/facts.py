"""What a rule may ask about a patient. Nothing unknown stands here: what is missing was not recorded.

What comes in hundreds is a named tuple, everything else a frozen dataclass: a tuple is built in a third of the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from cds_service.guideline.dates import When
from cds_service.guideline.interval import Interval, Truth

Flag: TypeAlias = Literal["low", "normal", "high", "abnormal"]
ReadFrom: TypeAlias = Literal["code", "name", "text", "answer"]
Side: TypeAlias = Literal["left", "right", "bilateral", "midline"]
Zone: TypeAlias = Literal["metaphysis", "diaphysis", "epiphysis", "other"]
NOTHING: Mapping[str, frozenset[str]] = MappingProxyType({})


class Note(NamedTuple):
    """Something meant for us that could not be used, and why (contract section 3, `notes`).

    `source` is `Type/id` or a path, `reason` a word of the contract's list, `concept` what it was meant for.
    """

    source: str
    reason: str
    concept: str | None = None


class Measurement(NamedTuple):
    """A final laboratory or vital-sign result in its canonical unit, exact and unrounded."""

    name: str
    value: Interval
    unit: str
    when: When | None
    source: str
    reference: Interval | None = None
    flag: Flag | None = None
    read_from: ReadFrom = "code"
    preferred: bool = True
    """False for a partial analyte that yields to its total of the same day (25-OH vitamin D3 beside D2+D3)."""
    alarm: bool = False
    """Whether the laboratory itself flagged it as critical (LL, HH, AA)."""


class Coded(NamedTuple):
    """A coded fact or an answer: `name` is a concept key, `value` a word or True."""

    name: str
    value: str | bool
    source: str
    when: When | None = None
    read_from: ReadFrom = "code"


@dataclass(frozen=True, slots=True)
class Lesion:
    """A bone lesion on imaging. `bone` is a key of bones.toml, None where the bone could not be read."""

    bone: str | None
    source: str
    side: Side | None = None
    zone: Zone | None = None
    features: frozenset[str] = frozenset()
    when: When | None = None


@dataclass(frozen=True, slots=True)
class Dated:
    """A date that rules count from: symptom_onset, symptom_end or cno_diagnosis."""

    name: str
    when: When
    source: str


Fact: TypeAlias = Measurement | Coded | Lesion | Dated


@dataclass(frozen=True, slots=True)
class Condition:
    """A diagnosis of the record. Refuted and entered-in-error ones never come here.

    `concept` is a key of the terminology (`mimic_leukemia`, `coexist_skin`, `cno_possible`, …) or `unreadable`;
    `confirmed` is UNKNOWN for provisional, differential and unconfirmed; `active` is NO for inactive, remission and
    resolved, YES for active, recurrence, relapse and for a missing status.
    """

    concept: str
    source: str
    value: str | bool = True
    confirmed: Truth = Truth.YES
    active: Truth = Truth.YES
    status_given: bool = True
    """Whether both statuses were written in the record: CLS-1.1 asks for that, other rules do not."""
    onset: When | None = None
    recorded: When | None = None
    early_infection: bool = False
    """ICD-10 M86.0, M86.1, M86.4, M86.5: CNO is first coded so, often (AMB-08)."""
    cell_lines: frozenset[str] = frozenset()
    """For `redflag_cytopenia`: which of platelets, neutrophils, hemoglobin the code says are low."""
    read_from: ReadFrom = "code"

    @property
    def when(self) -> When | None:
        """Onset where there is one, else the day of recording."""
        return self.onset or self.recorded

    @property
    def told(self) -> When | None:
        """When it was known: the day of recording, else the onset. An older answer knew nothing of it."""
        return self.recorded or self.onset

    def fact(self) -> Coded:
        """The condition as it stands in the evaluation."""
        return Coded(self.concept, self.value, self.source, self.told, self.read_from)


@dataclass(frozen=True, slots=True)
class Study:
    """A completed imaging study. `whole_body` is UNKNOWN where the clinician must be asked (AMB-15)."""

    kind: str
    """`img:mr`, `img:wbmri`, `img:ct`, `img:xray`, `img:bone_scan`, `img:pet`, `img:petct`, `img:nm`, …"""
    source: str
    whole_body: Truth = Truth.NO
    when: When | None = None
    contrast: bool = False
    """Whether a code says that contrast was given; its absence says nothing."""

    def fact(self) -> Coded:
        """The study as it stands in the evaluation."""
        return Coded(self.kind, "whole-body" if self.whole_body is Truth.YES else "done", self.source, self.when)


@dataclass(frozen=True, slots=True)
class BiopsyRecord:
    """A bone-biopsy Procedure, or a final histology report, found in the record."""

    kind: Literal["procedure", "histology"]
    source: str
    when: When | None = None


@dataclass(frozen=True, slots=True)
class Drug:
    """A medication in the record: given, requested or stated. Draft orders are `Order`s."""

    concept: str
    """`drug:zoledronic_acid`, `drug:paracetamol`, … ; `drug:unreadable` where the drug could not be read."""
    kind: Literal["administration", "request", "statement"]
    status: str
    """The FHIR status: `completed`, `active`, `stopped`, `on-hold`, …"""
    source: str
    when: When | None = None
    """When it was given, started or authored."""
    end: When | None = None

    def fact(self) -> Coded:
        """The drug as it stands in the evaluation."""
        return Coded(self.concept, self.status, self.source, self.when)

    @property
    def is_unread_dose(self) -> bool:
        """Whether something was given of which nobody could read what: it may have been any drug."""
        return self.concept == "drug:unreadable" and self.kind == "administration"


@dataclass(frozen=True, slots=True)
class Dose:
    """An ordered dose: milligrams, or milligrams per kilogram body weight."""

    amount: Decimal
    per_kg: bool


@dataclass(frozen=True, slots=True)
class Rate:
    """An ordered infusion rate: millilitres per hour, or per kilogram and hour."""

    amount: Decimal
    per_kg: bool


@dataclass(frozen=True, slots=True)
class Planned:
    """When an infusion is meant to be given, and which element said so."""

    when: When
    told_by: Literal["timing", "occurrence", "appointment", "authored-on", "today"]


@dataclass(frozen=True, slots=True)
class Order:
    """A draft order that the guideline may speak about.

    `concept` is a drug, imaging or procedure key; `order:unreadable` where a drug could not be read at all.
    `dose_unreadable` and `rate_unreadable` say that something was written there which could not be read,
    `dose_ambiguous` that it was several doses. `other_doses` and `other_rates` stand beside the ordered ones, such as
    calculated ones; `volume` is what is infused, in mL. `stops`: it ends a treatment; `contrast`: imaging with it.
    """

    concept: str
    source: str
    planned: Planned | None = None
    dose: Dose | None = None
    dose_unreadable: bool = False
    dose_ambiguous: bool = False
    other_doses: tuple[Dose, ...] = ()
    rate: Rate | None = None
    other_rates: tuple[Rate, ...] = ()
    volume: Decimal | None = None
    rate_unreadable: bool = False
    stops: bool = False
    contrast: bool = False
    reference: str = ""
    """`Type/id` as `context.selections` names it; empty without an id."""


@dataclass(frozen=True, slots=True)
class Form:
    """The newest completed `cno-assessment` response (contract section 5). `unknown` and unanswered stand nowhere."""

    source: str
    authored: When | None
    choices: Mapping[str, frozenset[str]] = field(default_factory=lambda: NOTHING)
    """linkId → answered codes without `unknown`; one code for an item that does not repeat."""
    open_lists: frozenset[str] = frozenset()
    """linkIds of repeating items in which `unknown` was ticked too or an answer was unreadable: not exhaustive."""
    dates: Mapping[str, When] = field(default_factory=dict)
    lesions: tuple[Lesion, ...] = ()

    def choice(self, link_id: str) -> str | None:
        """The one answer of an item, None while unknown."""
        return next(iter(self.choices.get(link_id, ())), None)

    def yes(self, link_id: str) -> Truth:
        """A yes-no item as truth."""
        return {"yes": Truth.YES, "no": Truth.NO}.get(self.choice(link_id) or "", Truth.UNKNOWN)

    def fact(self, link_id: str) -> tuple[Coded, ...]:
        """The answers of an item as they stand in the evaluation."""
        codes = self.choices.get(link_id)
        if not codes:
            return ()
        name, source = link_id.replace("-", "_"), f"{self.source}#{link_id}"
        return tuple(Coded(name, code, source, self.authored, "answer") for code in sorted(codes))


NO_FORM = Form("", None)
"""Stands in where no response was found: every answer is unknown."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was read about one patient, with the notes on what could not be read."""

    patient_id: str | None = None
    born: When | None = None
    measurements: Mapping[str, tuple[Measurement, ...]] = field(default_factory=dict)
    """Concept → results, newest first, undated last. Results dated after today are notes, not facts."""
    conditions: tuple[Condition, ...] = ()
    lesions: tuple[Lesion, ...] = ()
    """Lesions of the record (not of the form): always a minimum."""
    findings: tuple[Coded, ...] = ()
    """Imaging findings without a bone, `finding:lytic_possible`, and other coded results: `ana` (`done`),
    `blood_culture` and `tissue_culture` (`positive`, `negative`, `done`), `blood_pressure` and `visit` (`done`)."""
    studies: tuple[Study, ...] = ()
    biopsies: tuple[BiopsyRecord, ...] = ()
    drugs: tuple[Drug, ...] = ()
    allergies: frozenset[str] = frozenset()
    """Drug concepts with an active allergy or intolerance."""
    orders: tuple[Order, ...] = ()
    requested: frozenset[str] = frozenset()
    """Imaging (`img:…`) requested and still to come; referrals (`referral:…`) requested, also if completed."""
    form: Form | None = None
    not_received: frozenset[str] = frozenset()
    """Resource types whose list could be neither received nor fetched."""
    unreadable: frozenset[str] = frozenset()
    """Concepts for which at least one entry could not be read."""
    notes: tuple[Note, ...] = ()

    @property
    def answers(self) -> Form:
        """The form, or one without answers."""
        return self.form or NO_FORM

    def of(self, name: str) -> tuple[Measurement, ...]:
        """The results of a concept, newest first."""
        return self.measurements.get(name, ())

    def confirmed(self, concept: str) -> tuple[Condition, ...]:
        """The confirmed diagnoses of a concept, active or not."""
        return tuple(one for one in self.conditions if one.concept == concept and one.confirmed is Truth.YES)
