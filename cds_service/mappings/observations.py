"""Laboratory and vital-sign Observations in, measurements in canonical units out, and notes on what was not usable."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cds_service.guideline.facts import Coded, Measurement, Note
from cds_service.guideline.interval import Interval, Truth
from cds_service.mappings import dates, presence, units
from cds_service.mappings.concepts import lab_of
from cds_service.mappings.datatypes import NO_VALUE, UnusableError
from cds_service.mappings.fhir import Component, Observation
from cds_service.mappings.interpretations import NOT_INTERPRETED, Interpreted, interpreted
from cds_service.mappings.numbers import decimal_of
from cds_service.mappings.reference_ranges import reference
from cds_service.mappings.terminology import Lab
from cds_service.mappings.values import has_value, unit_of, value_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from decimal import Decimal

    from msgspec import Raw

    from cds_service.guideline.dates import When
    from cds_service.guideline.facts import ReadFrom
    from cds_service.mappings.units import Unit

_Result: TypeAlias = Observation | Component
_Key: TypeAlias = tuple[str | None, ...]

FINAL = frozenset({"final", "amended", "corrected"})


class _Analyte(NamedTuple):
    """What one code and one unit mean together."""

    concept: str
    unit: Unit
    measured_in: str
    lowest: Decimal
    highest: Decimal
    preferred: bool


class Laboratory:
    """Reads the Observations of one request. What comes again and again in it, a code or a time, is read once."""

    __slots__ = ("_analytes", "_observation", "_source", "_times", "coded", "measurements", "notes", "today")

    def __init__(self, today: date) -> None:
        self.today = today
        self.measurements: dict[str, list[Measurement]] = {}
        self.coded: list[Coded] = []
        self.notes: list[Note] = []
        self._analytes: dict[_Key, _Analyte] = {}
        self._times: dict[str, When] = {}
        self._observation = Observation()
        self._source = ""

    def read(self, observation: Observation, source: str) -> None:
        """Read one with its components; nothing and no note where it is meant for no concept that we read."""
        self._observation, self._source = observation, source
        key = _plain(observation)
        analyte = self._analytes.get(key) if key else None
        if analyte is not None:
            self._read_again(observation, analyte)
            return
        found = lab_of(observation, observation)
        if found is None and not observation.component:
            return
        parts = [(component, lab_of(component, observation)) for component in observation.component or ()]
        known = len(self.coded)
        if not (_is_panel(observation) and any(lab == found for _, lab in parts)):
            self.take(observation, found)
        if key and isinstance(found, Lab):
            self._remember(key, found)
        for component, lab in parts:
            self.take(component, lab)
        if isinstance(found, Lab) and found.concept in presence.CULTURES and observation.status in FINAL:
            strange = (part for part, lab in parts if not isinstance(lab, Lab))
            self._note_growth(found.concept, strange, {one.value for one in self.coded[known:]})

    def _note_growth(self, concept: str, strange: Iterable[Component], told: set[str | bool]) -> None:
        """Say of a culture that is not positive anyhow that a part under another code may tell of growth."""
        if "positive" not in told and any(presence.may_tell_growth(one, has_value=has_value(one)) for one in strange):
            self.note(presence.UNJUDGED, concept)

    def _remember(self, key: _Key, lab: Lab) -> None:
        """Code and unit of a plain result: the next one of the same two is read without looking them up."""
        quantity = self._observation.valueQuantity
        if lab.role not in {"measure", "part"} or lab.read_from != "code" or quantity is None:
            return
        try:
            self._analytes[key] = _analyte(lab, unit_of(quantity, lab))
        except UnusableError:
            return

    def _read_again(self, observation: Observation, analyte: _Analyte) -> None:
        quantity = observation.valueQuantity
        try:
            number = decimal_of(quantity.value if quantity else NO_VALUE)
            if not analyte.unit.is_canonical:
                number = units.converted(number, analyte.unit)
            if analyte.lowest <= number <= analyte.highest:
                self._add(observation, analyte, Interval(number, number), self._when(analyte.concept))
            else:
                self.note("value-implausible", analyte.concept)
        except UnusableError as fault:
            self.note(fault.reason, analyte.concept)

    def note(self, reason: str, concept: str | None) -> None:
        """Say why the Observation at hand, or a part of it, is not used."""
        self.notes.append(Note(self._source, reason, concept))

    def take(self, result: _Result, found: Lab | str | None) -> None:
        """Read one part: `found` is its concept, the reason why it has none, or None."""
        if found is None:
            return
        if isinstance(found, str):
            self.note(found, None)
            return
        is_present = found.role == "presence"
        if found.role == "other" or (not is_present and result is self._observation and _is_panel(self._observation)):
            return
        try:
            self._require_final()
            if is_present:
                self._be_present(result, found.concept)
            else:
                self._measure(result, found)
        except UnusableError as fault:
            self.note(fault.reason, found.concept)

    def _require_final(self) -> None:
        status = self._observation.status
        if status not in FINAL:
            raise UnusableError("status-not-final" if status else "status-missing")

    def _be_present(self, result: _Result, concept: str) -> None:
        """A test of which it counts that it was taken; each part of a panel that says the same is told once."""
        parts = _filled_in(self._observation) if result is self._observation else 0
        found = presence.found_in(result, concept, parts, has_value=has_value(result))
        when = self._when(concept)
        for reason in found.reasons:
            self.note(reason, concept)
        coded = Coded(concept, found.value, self._source, when, found.read_from)
        if not self.coded or self.coded[-1] != coded:
            self.coded.append(coded)

    def _measure(self, result: _Result, lab: Lab) -> None:
        if lab.role in {"exclude", "blood"}:
            raise UnusableError("excluded-code")
        value, unit = value_of(result, lab)
        value = units.plausible(lab.concept, value)
        when = self._when(lab.concept)
        if lab.role == "share":
            if value.above(units.ZERO) is Truth.YES:
                self.coded.append(Coded(lab.concept, "present", self._source, when))
            return
        if lab.read_from == "name":
            self.note("read-by-name", lab.concept)
        self._add(result, _analyte(lab, unit), value, when, lab.read_from)

    def _add(
        self, result: _Result, analyte: _Analyte, value: Interval, when: When | None, read_from: ReadFrom = "code"
    ) -> None:
        concept = analyte.concept
        normal = self._reference(result.referenceRange, concept, analyte.unit)
        told = self._interpreted(result.interpretation, concept)
        measured = Measurement(
            concept, value, analyte.measured_in, when, self._source, normal, told.flag, read_from, analyte.preferred,
            told.alarm,
        )  # fmt: skip
        same = self.measurements.get(concept)
        if same is None:
            self.measurements[concept] = [measured]
        else:
            same.append(measured)

    def _reference(self, raw: Raw, concept: str, unit: Unit) -> Interval | None:
        try:
            return reference(bytes(raw), concept, unit)
        except UnusableError as fault:
            self.note(fault.reason, concept)
            return None

    def _interpreted(self, raw: Raw, concept: str) -> Interpreted:
        try:
            return interpreted(bytes(raw))
        except UnusableError as fault:
            self.note(fault.reason, concept)
            return NOT_INTERPRETED

    def _when(self, concept: str) -> When | None:
        """When the sample was taken; a result without a readable date counts as undated. `issued` is no such date."""
        text = self._observation.effectiveDateTime or self._observation.effectiveInstant or ""
        when = self._times.get(text)
        if when is None:
            try:
                when = _effective(self._observation, self.today)
            except UnusableError as fault:
                self.note(fault.reason, concept)
                return None
            if when is None:
                self.note("date-missing", concept)
                return None
            if text:
                self._times[text] = when
        if when.earliest > self.today:
            raise UnusableError("date-in-future")
        return when


def _analyte(lab: Lab, unit: Unit) -> _Analyte:
    limits = units.CANONICAL[lab.concept]
    return _Analyte(lab.concept, unit, limits.unit, limits.lowest, limits.highest, lab.role == "measure")


def _plain(observation: Observation) -> _Key | None:
    """What tells one plain final result from another: its one code and its unit. None for all others."""
    quantity, code = observation.valueQuantity, observation.code
    if quantity is None or quantity.comparator or code is None or observation.status not in FINAL:
        return None
    codings = code.coding
    if not codings or len(codings) > 1 or observation.component or observation.dataAbsentReason is not None:
        return None
    coding = codings[0]
    return coding.system, coding.code, quantity.system, quantity.code, quantity.unit


def _effective(observation: Observation, today: date) -> When | None:
    text = observation.effectiveDateTime or observation.effectiveInstant
    if text:
        return dates.when(text)
    period = observation.effectivePeriod
    return None if period is None else dates.of_period(period, today)


def _is_panel(observation: Observation) -> bool:
    """Whether the Observation only holds its components together."""
    return bool(observation.component) and not has_value(observation) and observation.dataAbsentReason is None


def _filled_in(observation: Observation) -> int:
    """How many of its parts hold something; of members in other Observations that cannot be seen here."""
    parts = (part for part in observation.component or () if has_value(part) and part.dataAbsentReason is None)
    return sum(1 for _ in parts) + len(observation.hasMember or ())
