"""Draft orders: what is ordered, how much, how fast and when. Several candidates are told, never summed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from cds_service.guideline.course import ZOLEDRONIC_ACID
from cds_service.guideline.dates import When
from cds_service.guideline.facts import Dose, Order, Planned, Rate
from cds_service.guideline.infusion import PARACETAMOL
from cds_service.guideline.other_amounts import differ
from cds_service.guideline.tables import TABLES
from cds_service.mappings import datatypes, fhir, imaging, lesions, medications, service_names, terminology
from cds_service.mappings.doses import dose_of, other_doses_of, other_rates_of, rate_of, volume_of
from cds_service.mappings.reading import Reader, codings, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from cds_service.guideline.facts import Facts
    from cds_service.mappings.patient import Whose

Request: TypeAlias = fhir.MedicationRequest | fhir.ServiceRequest
Chosen: TypeAlias = frozenset[str] | None
"""The sources of the orders to judge, None for all."""
UNREADABLE = "order:unreadable"
FOREIGN = "foreign-patient"
"""The note on a resource of another patient; its concept is told for draft orders of zoledronic acid alone."""
ORDERS = (fhir.MedicationRequest, fhir.ServiceRequest)
DRUG_ORDERS = frozenset({"MedicationRequest", "MedicationOrder"})
"""Resource types, of R4 and before, in which a drug is ordered."""
AWAITED = frozenset({"draft", "active", "on-hold"})
"""Statuses of a laboratory request whose result may still come."""
MOST_REFERENCES = 200
"""No appointment is made for more orders than one session holds."""
_LOST = frozenset({"dose-unreadable"})
"""Notes of the reading by which an order lost its dosage instructions."""
_WITHDRAWN = frozenset({"cancelled", "revoked", "entered-in-error"})
_BOOKED = frozenset({"booked", "pending", "proposed"})


@dataclass(frozen=True, slots=True)
class Visits:
    """The patient's coming appointments: by `Type/id` of an order the soonest that was made for it.

    `other` is the soonest that was made for no order.
    """

    made_for: Mapping[str, When] = field(default_factory=dict)
    other: When | None = None


def visits(appointments: Iterable[tuple[str, fhir.Appointment]], whose: Whose, reader: Reader) -> Visits:
    """The patient's coming appointments, put in order once: requests ask for them by the thousand."""
    found: list[tuple[When, str, set[str]]] = []
    for source, appointment in appointments:
        if appointment.status not in _BOOKED or not _takes_part(appointment, whose):
            continue
        when = reader.when(source, "appointment", appointment.start)
        if when is not None and when.latest >= reader.today:
            found.append((when, source, _made_for(appointment, source, reader)))
    made_for: dict[str, When] = {}
    other: When | None = None
    for when, _, references in sorted(found, key=lambda visit: (visit[0].earliest, visit[0].latest, visit[1])):
        if not references:
            other = other or when
        for reference in references:
            made_for.setdefault(reference, when)
    return Visits(made_for, other)


def read_session(
    requests: Iterable[tuple[str, Request]], chosen: Chosen, pool: medications.Pool, coming: Visits, reader: Reader
) -> list[Order]:
    """The draft orders to judge, and of the others what a check looks for beside them.

    What is withdrawn is not given: zoledronic acid is judged even so, unless another order of it stands.
    """
    found: list[Order] = []
    withdrawn: list[Order] = []
    unheard = replace(reader, notes=[])
    for source, request in requests:
        judged = is_chosen(source, chosen)
        read = _read(request, source, pool, coming, reader if judged else unheard)
        kept = [order for order in read if judged or is_alongside(order)]
        if request.status in _WITHDRAWN:
            withdrawn += [order for order in kept if order.concept == ZOLEDRONIC_ACID]
        else:
            found += kept
    stands = any(order.concept == ZOLEDRONIC_ACID for order in found)
    return found if stands else found + withdrawn


def foreign(request: Request, source: str, pool: medications.Pool, today: date) -> str | None:
    """Zoledronic acid, where the draft order of another patient is of it: it may be signed by mistake."""
    read = _read(request, source, pool, Visits(), Reader(today))
    return ZOLEDRONIC_ACID if any(order.concept == ZOLEDRONIC_ACID for order in read) else None


def names_another(facts: Facts) -> bool:
    """Whether zoledronic acid is ordered in this session for another patient, as the notes tell."""
    return any(note.reason == FOREIGN and note.concept == ZOLEDRONIC_ACID for note in facts.notes)


def is_chosen(source: str, chosen: Chosen) -> bool:
    """Whether the order is to be judged."""
    return chosen is None or source in chosen


def read_medication(
    request: fhir.MedicationRequest, source: str, pool: medications.Pool, coming: Visits, reader: Reader
) -> list[Order]:
    """Read the order of a drug; none where the guideline does not speak of the drug."""
    if request.doNotPerform:
        return []
    named = medications.name(request, pool)
    if not named.concepts:
        return []
    concept = UNREADABLE if named.concepts[0] == medications.UNREADABLE else named.concepts[0]
    if named.reason:
        reader.note(source, named.reason, concept)
    if named.may_be_infused:  # what may be the drug that limits are for is held against them
        concept = ZOLEDRONIC_ACID
    order = Order(concept, source, stops=ends(request), reference=_reference(source))
    if order.stops and concept in PARACETAMOL:  # it gives none (ZOL-04), and no rule asks why it ends
        return []
    dosages = request.dosageInstruction or []
    if concept == ZOLEDRONIC_ACID:  # the drug whose dose and rate are judged (ZOL-07 to ZOL-10)
        is_lost = not dosages and any(note.source == source and note.reason in _LOST for note in reader.notes)
        lost = replace(order, dose_unreadable=True, rate_unreadable=True)
        order = lost if is_lost else _with_amounts(order, dosages, reader)
    return [replace(order, planned=_planned(order, dosages, request.authoredOn, coming, reader))]


def read_service(request: fhir.ServiceRequest, source: str, coming: Visits, reader: Reader) -> list[Order]:
    """Read the order of an examination, a biopsy or an infusion; none where the guideline does not speak of it."""
    if request.doNotPerform:
        return []
    concepts, contrast = _services(request, source, reader)
    if not concepts:
        if _may_be_any(request.code):
            reader.note(source, "code-unreadable", "service_request")
        return []
    period = request.occurrencePeriod
    occurrence = reader.when(source, concepts[0], request.occurrenceDateTime, period)
    orders = [
        Order(concept, source, contrast=contrast and concept.startswith("img:"), reference=_reference(source))
        for concept in concepts
    ]
    if occurrence is not None:
        return [replace(order, planned=Planned(occurrence, "occurrence")) for order in orders]
    return [replace(order, planned=_planned(order, (), request.authoredOn, coming, reader)) for order in orders]


def ends(request: fhir.MedicationRequest) -> bool:
    """Whether the order ends a treatment. A cancelled one is withdrawn: it ends nothing."""
    return request.status == "stopped"


def is_examination(order: Order) -> bool:
    """Whether a result is ordered that a check asks for: a laboratory test or histology (ZOL-02, ZOL-03, BIO-20)."""
    return order.concept.startswith(("lab:", "report:"))


def is_alongside(order: Order) -> bool:
    """Whether a check looks for it beside the order that is judged: an examination, or paracetamol (ZOL-04)."""
    return order.concept in PARACETAMOL or is_examination(order)


def unread(failed: Iterable[datatypes.Failed], chosen: Chosen) -> list[Order]:
    """What stands for the entries that may have been drug orders: by type, or without a type that R4 knows."""
    return [
        unreadable(one)
        for one in failed
        if (one.resource_type in DRUG_ORDERS or one.resource_type not in fhir.R4_TYPES)
        and is_chosen(one.source, chosen)
    ]


def unreadable(failed: datatypes.Failed) -> Order:
    """What stands for a drug order that could not be read at all."""
    return Order(
        UNREADABLE, failed.source, dose_unreadable=True, rate_unreadable=True, reference=_reference(failed.source)
    )


def _read(request: Request, source: str, pool: medications.Pool, coming: Visits, reader: Reader) -> list[Order]:
    if isinstance(request, fhir.MedicationRequest):
        return read_medication(request, source, pool, coming, reader)
    return read_service(request, source, coming, reader)


def _services(request: fhir.ServiceRequest, source: str, reader: Reader) -> tuple[list[str], bool]:
    """Imaging, biopsy and histology, laboratory tests, and drugs (an infusion ordered as a service); with contrast?"""
    kinds = imaging.kinds((request.code,), source, reader)
    found = set(kinds)
    for coding in codings(request.code):
        test = terminology.lab(coding.system, coding.code)
        if test is not None and test.concept:
            found.add(f"lab:{test.concept}")
        for row in (terminology.histology(coding.system, coding.code), terminology.drug(coding.system, coding.code)):
            if row is not None:
                found.add(row.concept)
    if found:
        return sorted(found), imaging.with_contrast(kinds, (request.code, *(request.orderDetail or ())))
    if lesions.is_bone_biopsy(request.code, request.bodySite or (), source, reader):
        return [lesions.BIOPSY], False
    if any(service_names.asks_infusion(text) for text in texts((request.code,))):
        reader.note(source, "read-by-name", ZOLEDRONIC_ACID)
        return [ZOLEDRONIC_ACID], False
    named, contrast = imaging.named(request, source, reader)
    return sorted(named), contrast


def _may_be_any(code: datatypes.CodeableConcept | None) -> bool:
    """Whether a code says nothing, or more than is searched for names."""
    names = list(texts((code,)))
    if any(len(name) > service_names.LONGEST_TEXT for name in names):
        return True
    return not names and not any(coding.code for coding in codings(code))


def _with_amounts(order: Order, dosages: Sequence[datatypes.Dosage], reader: Reader) -> Order:
    dose, rate, volume = dose_of(dosages), rate_of(dosages), volume_of(dosages)
    for told in (dose, rate):
        if told.reason is not None:
            reader.note(order.source, told.reason, order.concept)
    doses = [Dose(each.amount, each.per_kg) for each in (dose, *other_doses_of(dosages)) if each.amount is not None]
    rates = [Rate(each.amount, each.per_kg) for each in (rate, *other_rates_of(dosages)) if each.amount is not None]
    if dose.amount is not None and any(differ(doses[0], other, None, TABLES.infusion) for other in doses[1:]):
        reader.note(order.source, "dose-ambiguous", order.concept)
    return replace(
        order,
        dose=None if dose.amount is None else doses[0],
        other_doses=() if dose.amount is None else tuple(doses[1:]),
        dose_unreadable=dose.reason is not None,
        dose_ambiguous=dose.reason == "dose-ambiguous",
        rate=None if rate.amount is None else rates[0],
        other_rates=() if rate.amount is None else tuple(rates[1:]),
        rate_unreadable=rate.reason is not None,
        volume=volume,
    )


def _planned(
    order: Order, dosages: Sequence[datatypes.Dosage], authored: str | None, coming: Visits, reader: Reader
) -> Planned:
    """The planned date by the first element that tells it: timing, appointment, authoredOn, else today."""
    timed = [when for text in _timings(dosages) if (when := reader.when(order.source, order.concept, text)) is not None]
    if timed:
        return Planned(min(timed, key=lambda when: (when.earliest, when.latest)), "timing")
    visit = (coming.made_for.get(order.reference) if order.reference else None) or coming.other
    if visit is not None:
        return Planned(visit, "appointment")
    written = reader.when(order.source, order.concept, authored)
    return Planned(written, "authored-on") if written is not None else Planned(When.on(reader.today), "today")


def _timings(dosages: Sequence[datatypes.Dosage]) -> list[str]:
    timings = [dosage.timing for dosage in dosages if dosage.timing is not None]
    events = [event for timing in timings for event in timing.event or ()]
    if events:
        return events
    bounds = [timing.repeat.boundsPeriod for timing in timings if timing.repeat is not None]
    return [period.start for period in bounds if period is not None and period.start]


def _takes_part(appointment: fhir.Appointment, whose: Whose) -> bool:
    """Whether the patient is among those who take part, or no patient is named."""
    actors = [each.actor for each in appointment.participant or () if each.actor and each.actor.reference]
    patients = [actor for actor in actors if "Patient/" in (actor.reference or "")]
    return not patients or any(whose.is_mine(actor) for actor in patients)


def _made_for(appointment: fhir.Appointment, source: str, reader: Reader) -> set[str]:
    """The `Type/id` of the orders that an appointment was made for; more than are read are noted."""
    references = [each.reference for each in islice(appointment.basedOn or (), MOST_REFERENCES + 1) if each.reference]
    if len(references) > MOST_REFERENCES:
        reader.note(source, "reference-unresolved", "appointment")
    return {_local(reference) for reference in references[:MOST_REFERENCES]}


def _local(reference: str) -> str:
    return "/".join(reference.partition("/_history/")[0].split("/")[-2:])


def _reference(source: str) -> str:
    """`Type/id`, or nothing where the source is only a path."""
    return source if source[0].isupper() and not source.startswith("Bundle.") else ""
