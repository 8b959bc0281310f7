"""What the readers of all resource types share: statuses, dates, codes, and the notes on what could not be used."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time
from typing import TYPE_CHECKING, Protocol, TypeVar

from cds_service.guideline.dates import When
from cds_service.guideline.facts import Note
from cds_service.mappings import dates
from cds_service.mappings.datatypes import UnusableError
from cds_service.mappings.spelling import plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from cds_service.mappings.datatypes import CodeableConcept, Coding, Period

FINAL = frozenset({"final", "amended", "corrected"})
REPORTED = FINAL | {"appended"}
_MIDNIGHT = time.min


class _Sourced(Protocol):
    @property
    def source(self) -> str: ...

    @property
    def when(self) -> When | None: ...


F = TypeVar("F", bound=_Sourced)


@dataclass(slots=True)
class Reader:
    """Collects the notes of one request; `today` is the date in Europe/Oslo."""

    today: date
    notes: list[Note] = field(default_factory=list)

    def note(self, source: str, reason: str, concept: str | None = None) -> None:
        """Say what could not be used, and why."""
        self.notes.append(Note(source, reason, concept))

    def sorted_notes(self) -> tuple[Note, ...]:
        """Each note once, by source, then reason."""
        return tuple(sorted(set(self.notes), key=lambda note: (note.source, note.reason, note.concept or "")))

    def has_status(self, source: str, concept: str, status: str | None, wanted: frozenset[str]) -> bool:
        """Whether the status is one of those that count; noted if not."""
        if status in wanted:
            return True
        self.note(source, "status-not-final" if status else "status-missing", concept)
        return False

    def when(self, source: str, concept: str, text: str | None, period: Period | None = None) -> When | None:
        """The date, or the start of the period; None where there is none or it cannot be read, which is noted."""
        start = text or (period.start or period.end if period else None)
        if not start:
            return None
        try:
            return dates.when(start)
        except UnusableError as fault:
            self.note(source, fault.reason, concept)
            return None

    def has_happened(self, source: str, concept: str, when: When | None) -> bool:
        """Whether it is not dated after today; noted if it is."""
        if when is None or when.earliest <= self.today:
            return True
        self.note(source, "date-in-future", concept)
        return False


def newest_first(facts: Sequence[F]) -> tuple[F, ...]:
    """Sorted by date and time, the newest first, undated ones last, and by source within."""
    if _is_newest_first(facts):
        return tuple(facts)
    by_source = sorted(facts, key=lambda fact: fact.source)
    dated = [(when, fact) for fact in by_source if (when := fact.when) is not None]
    dated.sort(key=lambda pair: clock(pair[0]), reverse=True)
    return (*(fact for _, fact in dated), *(fact for fact in by_source if fact.when is None))


def _is_newest_first(facts: Sequence[F]) -> bool:
    """Whether each is dated on an earlier day than the one before it, as servers mostly send them."""
    before = None
    for fact in facts:
        when = fact.when
        if when is None or (before is not None and when.latest >= before):
            return len(facts) == 1
        before = when.latest
    return True


def clock(when: When) -> tuple[date, date, time]:
    """Sorts by date, then by time of the day where one was given."""
    return when.latest, when.earliest, when.moment.time() if when.moment else _MIDNIGHT


MOST_CODINGS = 50
"""Of one concept that are looked at; none has more."""


def codings(*concepts: CodeableConcept | None) -> Iterator[Coding]:
    """All codings of all concepts."""
    for concept in concepts:
        if concept is not None and concept.coding:
            yield from concept.coding[:MOST_CODINGS]


def texts(concepts: Iterable[CodeableConcept | None]) -> Iterator[str]:
    """The texts and displays. They are compared with names, never shown."""
    for concept in concepts:
        if concept is not None:
            for text in (concept.text, *(coding.display for coding in (concept.coding or ())[:MOST_CODINGS])):
                if text:
                    yield text if text.isascii() else plain_text(text)


def code_words(concept: CodeableConcept | None) -> Iterator[str]:
    """The codes of a status-like concept in lower case, then its text, as STU3 sends a bare word."""
    for coding in codings(concept):
        if coding.code:
            yield coding.code.casefold()
    if concept is not None and concept.text:
        yield concept.text.strip().casefold()
