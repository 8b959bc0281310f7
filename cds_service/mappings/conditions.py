"""Condition → diagnoses, lesions and findings. Refuted and entered-in-error ones say nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from cds_service.guideline.dates import When, add_months, birthday
from cds_service.guideline.facts import Coded, Condition, Lesion
from cds_service.guideline.interval import Truth
from cds_service.mappings import terminology
from cds_service.mappings.datatypes import UnusableError
from cds_service.mappings.lesions import FEATURES, place
from cds_service.mappings.numbers import decimal_of
from cds_service.mappings.reading import code_words, codings, texts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from cds_service.mappings import datatypes, fhir
    from cds_service.mappings.reading import Reader

_ACTIVE = {
    "active": Truth.YES,
    "recurrence": Truth.YES,
    "relapse": Truth.YES,
    "inactive": Truth.NO,
    "remission": Truth.NO,
    "resolved": Truth.NO,
}
_CONFIRMED = {
    "confirmed": Truth.YES,
    "unconfirmed": Truth.UNKNOWN,
    "provisional": Truth.UNKNOWN,
    "differential": Truth.UNKNOWN,
    "refuted": Truth.NO,
    "entered-in-error": Truth.NO,
}
_CNO = frozenset({"cno", "sapho"})
_UNSPECIFIC = frozenset({"osteomyelitis_unspecified", "autoinflammatory_other", "mimic_malignancy_other"})
_CHRONIC = r"\b(?:chroni\w{1,6}|kronisk)\b"
_NAMES_CNO = re.compile(
    rf"\b(?:CNO|CRMO)\b"
    rf"|{_CHRONIC}.{{0,40}}\b(?:non|ikke|ikkje|icke|nicht)[- ]?ba[ck]teri\w{{1,8}} osteomy\w"
    rf"|{_CHRONIC} (?:re[ck]urr|rekurr|residiver|tilbakevend|återkomm)\w{{1,8}} multifo[ck]al\w{{0,3}} osteomy\w",
    re.IGNORECASE,
).search
"""Its letters and its names, in the languages of our users and their neighbours (BGR-03)."""
_MONTHS = {"a": 12, "mo": 1}
"""UCUM units of an age in which onset is told to the birthday or the day of the month."""


@dataclass(slots=True)
class Diagnoses:
    """What the Conditions of a record say."""

    conditions: list[Condition] = field(default_factory=list)
    lesions: list[Lesion] = field(default_factory=list)
    findings: list[Coded] = field(default_factory=list)


def read(condition: fhir.Condition, source: str, born: When | None, reader: Reader, into: Diagnoses) -> None:
    """Read one Condition: each of its known concepts is a fact."""
    confirmed, confirmed_given = _status(condition.verificationStatus, _CONFIRMED, source, reader)
    if confirmed is Truth.NO:
        return
    rows = _rows(condition.code)
    found = _findings(condition.code)
    if not rows and not found and not _is_read_by_name(condition.code, source, reader):
        reason = _why_unread(condition.code)
        if reason is not None:
            reader.note(source, reason, "condition")
            into.conditions.append(
                _dated(Condition("unreadable", source, confirmed=confirmed), condition, born, reader)
            )
        return
    active, active_given = _status(condition.clinicalStatus, _ACTIVE, source, reader)
    named = found | {row.concept for row in rows}
    base = Condition("cno_possible", source, confirmed=confirmed, active=active)
    base = replace(_dated(base, condition, born, reader), status_given=confirmed_given and active_given)
    if not rows and not found:
        into.conditions.append(replace(base, read_from="text"))
    into.conditions += [
        replace(
            base, concept=row.concept, value=row.value, early_infection=row.early_infection,
            cell_lines=row.cell_lines,
        )
        for row in rows
    ]  # fmt: skip
    if confirmed is Truth.YES:
        _lesions(condition, base, named, reader, into)
    _note_contradiction(named, source, reader)


def unreadable(source: str) -> Condition:
    """What stands for a Condition that could not be read at all: it may be any disease."""
    return Condition("unreadable", source, confirmed=Truth.UNKNOWN, active=Truth.UNKNOWN, status_given=False)


def _status(
    concept: datatypes.CodeableConcept | None, meaning: Mapping[str, Truth], source: str, reader: Reader
) -> tuple[Truth, bool]:
    """Truth of a status and whether it was given: missing counts as YES, a word that nobody knows is UNKNOWN."""
    words = list(code_words(concept))
    if not words:
        return Truth.YES, False
    known = [meaning[word] for word in words if word in meaning]
    if known:
        return known[0], True
    reader.note(source, "code-unreadable", "condition")
    return Truth.UNKNOWN, False


def _rows(code: datatypes.CodeableConcept | None) -> list[terminology.ConditionCode]:
    """The concepts of the code. Codings translate each other: an unspecific one yields to one that says more."""
    rows: dict[str, terminology.ConditionCode] = {}
    for coding in codings(code):
        row = terminology.condition(coding.system, coding.code)
        if row is not None and (row.concept not in rows or rows[row.concept].value is True):
            rows[row.concept] = row
    specific = [
        row for row in rows.values() if not row.concept.endswith("_possible") and row.concept not in _UNSPECIFIC
    ]
    return specific or list(rows.values())


def _findings(code: datatypes.CodeableConcept | None) -> frozenset[str]:
    rows = (terminology.finding(coding.system, coding.code) for coding in codings(code))
    return frozenset(row.concept for row in rows if row is not None and row.concept.startswith("finding:"))


def _is_read_by_name(code: datatypes.CodeableConcept | None, source: str, reader: Reader) -> bool:
    if not any(_NAMES_CNO(text) for text in texts((code,))):
        return False
    reader.note(source, "read-by-name", "cno_possible")
    return True


def _why_unread(code: datatypes.CodeableConcept | None) -> str | None:
    """Why nobody can say which disease it is: no code, or none of a system that we know. It may be any."""
    coded = [coding for coding in codings(code) if coding.code]
    if not coded:
        return "code-unreadable"
    is_known = any(terminology.key_of(coding.system) in terminology.CONDITION_SYSTEMS for coding in coded)
    return None if is_known else "code-unmapped-local"


def _dated(found: Condition, condition: fhir.Condition, born: When | None, reader: Reader) -> Condition:
    source, concept = found.source, "condition"
    started = condition.onsetPeriod.start if condition.onsetPeriod else None
    onset = reader.when(source, concept, condition.onsetDateTime or started)
    if onset is None:
        onset = _onset_at_age(condition.onsetAge, born)
    recorded = reader.when(source, concept, condition.recordedDate)
    return replace(
        found,
        onset=onset if reader.has_happened(source, concept, onset) else None,
        recorded=recorded if reader.has_happened(source, concept, recorded) else None,
    )


def _onset_at_age(age: datatypes.Quantity | None, born: When | None) -> When | None:
    """From the day on which the age is reached to the day before the next one, by years or months."""
    months = _MONTHS.get((age.code or age.unit or "").casefold()) if age else None
    if age is None or born is None or months is None:
        return None
    try:
        number = decimal_of(age.value)
    except UnusableError:
        return None
    if number != int(number) or not 0 <= number * months <= 12 * 120:
        return None
    return _while_aged(born, number, months)


def _while_aged(born: When, number: Decimal, months: int) -> When:
    ages = int(number), int(number) + 1
    if months == 1:
        first, after = (add_months(day, age) for day, age in zip((born.earliest, born.latest), ages, strict=True))
    else:
        first, after = (birthday(day, age) for day, age in zip((born.earliest, born.latest), ages, strict=True))
    return When(first, after - timedelta(days=1))


def _lesions(
    condition: fhir.Condition, base: Condition, named: frozenset[str], reader: Reader, into: Diagnoses
) -> None:
    """The bones that a CNO diagnosis or an imaging finding in the problem list names: a minimum, never a whole list."""
    found = sorted(name for name in named if name.startswith("finding:"))
    features = frozenset(FEATURES[name] for name in found if name in FEATURES)
    spots = [place((site,), base.source, reader) for site in condition.bodySite or ()]
    bones = [spot for spot in spots if spot.bone is not None] if features or named & _CNO else []
    into.lesions += [Lesion(spot.bone, base.source, spot.side, spot.zone, features, base.when) for spot in bones]
    unplaced = found if not bones else [name for name in found if name not in FEATURES]
    into.findings += [Coded(name, value=True, source=base.source, when=base.when) for name in unplaced]


def _note_contradiction(concepts: frozenset[str], source: str, reader: Reader) -> None:
    if concepts & _CNO and any(concept.startswith("mimic_") for concept in concepts):
        reader.note(source, "coding-contradiction", "condition")
