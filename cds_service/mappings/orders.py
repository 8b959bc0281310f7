"""Draft orders: what is ordered, how much, how fast and when. Several candidates are told, never summed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from cds_service.guideline.course import ZOLEDRONIC_ACID
from cds_service.guideline.dates import When
from cds_service.guideline.facts import Dose, Order, Planned, Rate
from cds_service.guideline.infusion import PARACETAMOL
from cds_service.mappings import datatypes, fhir, imaging, lesions, medications, terminology
from cds_service.mappings.doses import dose_of, rate_of, volume_of
from cds_service.mappings.reading import codings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cds_service.mappings.patient import Whose
    from cds_service.mappings.reading import Reader

UNREADABLE = "order:unreadable"
ORDERS = (fhir.MedicationRequest, fhir.ServiceRequest)
DRUG_ORDERS = frozenset({"MedicationRequest", "MedicationOrder"})
"""Resource types, of R4 and before, in which a drug is ordered."""
AWAITED = frozenset({"draft", "active", "on-hold"})
"""Statuses of a laboratory request whose result may still come."""
MOST_REFERENCES = 200
"""No appointment is made for more orders than one session holds."""
_LOST = frozenset({"dose-unreadable"})
"""Notes of the reading by which an order lost its dosage instructions."""
_BOOKED = frozenset({"booked", "pending", "proposed"})


@dataclass(frozen=True, slots=True)
class Visits:
    """The patient's coming appointments: by `Type/id` of an order the soonest that was made for it.

    `other` is the soonest that was made for no order.
    """

    made_for: Mapping[str, When] = field(default_factory=dict)
    other: When | None = None


def chosen(draft_orders: fhir.Bundle | None, selections: tuple[str, ...] | None) -> frozenset[str] | None:
    """The `Type/id` of the selected draft orders; None (all) where nothing is selected or no selection is found."""
    if draft_orders is None or not selections:
        return None
    known: dict[str, str] = {}
    for entry in draft_orders.entry or ():
        resource = entry.resource
        if isinstance(resource, datatypes.Failed):
            known[resource.source] = resource.source
        elif resource is not None and resource.id:
            source = f"{type(resource).__name__}/{resource.id}"
            known[source] = source
            if entry.fullUrl:
                known[entry.fullUrl] = source
    found = {known.get(each) or known.get("/".join(each.split("/")[-2:])) for each in selections}
    return frozenset(source for source in found if source is not None) or None


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
    concepts = _services(request, source, reader)
    if not concepts:
        return []
    period = request.occurrencePeriod
    occurrence = reader.when(source, concepts[0], request.occurrenceDateTime, period)
    kinds = [concept for concept in concepts if concept.startswith("img:")]
    contrast = imaging.with_contrast(kinds, (request.code, *(request.orderDetail or ())))
    orders = [
        Order(concept, source, contrast=contrast and concept in kinds, reference=_reference(source))
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


def may_be_drug(failed: datatypes.Failed) -> bool:
    """Whether what could not be read may have been a drug order: it is one by type, or has no type that R4 knows."""
    return failed.resource_type in DRUG_ORDERS or failed.resource_type not in fhir.R4_TYPES


def unreadable(failed: datatypes.Failed) -> Order:
    """What stands for a drug order that could not be read at all."""
    return Order(
        UNREADABLE, failed.source, dose_unreadable=True, rate_unreadable=True, reference=_reference(failed.source)
    )


def _services(request: fhir.ServiceRequest, source: str, reader: Reader) -> list[str]:
    """Imaging, biopsy and histology, laboratory tests, and drugs (an infusion ordered as a service)."""
    found = set(imaging.kinds((request.code,), source, reader))
    for coding in codings(request.code):
        test = terminology.lab(coding.system, coding.code)
        if test is not None and test.concept:
            found.add(f"lab:{test.concept}")
        for row in (terminology.histology(coding.system, coding.code), terminology.drug(coding.system, coding.code)):
            if row is not None:
                found.add(row.concept)
    if not found and lesions.is_named_biopsy(request.code, source, reader):
        found.add(lesions.BIOPSY)
    return sorted(found)


def _with_amounts(order: Order, dosages: Sequence[datatypes.Dosage], reader: Reader) -> Order:
    dose, rate, volume = dose_of(dosages), rate_of(dosages), volume_of(dosages)
    for told in (dose, rate):
        if told.reason is not None:
            reader.note(order.source, told.reason, order.concept)
    return replace(
        order,
        dose=None if dose.amount is None else Dose(dose.amount, dose.per_kg),
        dose_unreadable=dose.reason is not None,
        rate=None if rate.amount is None else Rate(rate.amount, rate.per_kg),
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
