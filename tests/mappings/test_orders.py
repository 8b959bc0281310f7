"""Draft orders: what, how much, how fast and when."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.guideline.dates import When
from cds_service.guideline.facts import Dose, Note, Planned, Rate
from cds_service.mappings import datatypes, fhir
from cds_service.mappings.medications import Pool
from cds_service.mappings.orders import (
    MOST_REFERENCES,
    Visits,
    read_medication,
    read_service,
    unreadable,
    visits,
)
from cds_service.mappings.patient import Whose
from cds_service.mappings.reading import Reader

ATC = "http://www.whocc.no/atc"
SCT = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
TODAY = date(2025, 9, 15)
ZOL = {"coding": [{"system": ATC, "code": "M05BA08"}]}
SOURCE = "MedicationRequest/z1"
decode = msgspec.json.Decoder(fhir.Resource).decode
NO_VISITS = Visits()


def resource(kind, fields):
    return decode(msgspec.json.encode({"resourceType": kind, **fields}))


def quantity(value, unit):
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def ordered(*dosages, coming=NO_VISITS, source=SOURCE, **fields):
    reader = Reader(TODAY)
    members = {"status": "draft", "medicationCodeableConcept": ZOL, "dosageInstruction": list(dosages), **fields}
    (order,) = read_medication(resource("MedicationRequest", members), source, Pool([], {}), coming, reader)
    return order, reader.notes


def dose(value, unit, kind=None):
    told = {"type": {"coding": [{"code": kind}]}} if kind else {}
    return {"doseQuantity": quantity(value, unit), **told}


def rates(**fields):
    return ordered({"doseAndRate": [fields]})


@pytest.mark.parametrize(
    ("value", "unit", "amount", "per_kg"),
    [
        (0.75, "mg", "0.75", False),
        (750, "ug", "0.75", False),
        (750, "mcg", "0.75", False),
        (750, "µg", "0.75", False),
        (0.00075, "g", "0.75", False),
        (0.025, "mg/kg", "0.025", True),
        (25, "ug/kg", "0.025", True),
    ],
)
def test_doses_in_units_of_mass(value, unit, amount, per_kg):
    order, notes = ordered({"doseAndRate": [dose(value, unit)]})
    assert order.dose == Dose(Decimal(amount), per_kg)
    assert not order.dose_unreadable
    assert not notes


def test_the_dose_as_ordered_counts_before_the_calculated_one():
    parts = [dose(0.75, "mg", "calculated"), dose(15, "mL", "admin-amount"), dose(0.025, "mg/kg", "ordered")]
    order, notes = ordered({"doseAndRate": parts})
    assert order.dose == Dose(Decimal("0.025"), per_kg=True)
    assert order.volume == 15
    assert not notes


def test_the_kind_of_dose_may_be_mere_text():
    parts = [dose(0.75, "mg"), {**dose(0.05, "mg/kg"), "type": {"text": "Ordered"}}]
    assert ordered({"doseAndRate": parts})[0].dose == Dose(Decimal("0.05"), per_kg=True)


def test_an_ordered_volume_leaves_the_only_mass():
    assert ordered({"doseAndRate": [dose(15, "mL", "ordered"), dose(0.75, "mg", "calculated")]})[0].dose == Dose(
        Decimal("0.75"), per_kg=False
    )


def test_the_same_dose_twice_is_one_dose():
    assert ordered({"doseAndRate": [dose(0.75, "mg"), dose(750, "ug")]})[0].dose == Dose(Decimal("0.75"), per_kg=False)


@pytest.mark.parametrize(
    "dosages",
    [
        [{"doseAndRate": [dose(0.75, "mg"), dose(1, "mg")]}],
        [{"doseAndRate": [dose(0.75, "mg"), dose(0.025, "mg/kg")]}],
        [{"doseAndRate": [dose(0.75, "mg")]}, {"doseAndRate": [dose(1, "mg")]}],
        [{"doseAndRate": [dose(0.75, "mg")]}, {"doseAndRate": [dose(0.75, "mg")]}],
        [{"doseAndRate": [{"doseRange": {"low": quantity(0.5, "mg"), "high": quantity(1, "mg")}}]}],
        [{"doseAndRate": [{"doseRange": {"high": quantity(1, "mg")}}]}],
    ],
)
def test_several_doses_are_told_and_never_summed(dosages):
    order, notes = ordered(*dosages)
    assert (order.dose, order.dose_unreadable, order.dose_ambiguous) == (None, True, True)
    assert notes == [Note(SOURCE, "dose-ambiguous", "drug:zoledronic_acid")]


def test_a_range_without_breadth_is_a_dose():
    ends = {"low": quantity(1, "mg"), "high": quantity(1, "mg")}
    assert ordered({"doseAndRate": [{"doseRange": ends}]})[0].dose == Dose(Decimal(1), per_kg=False)


@pytest.mark.parametrize(
    "written",
    [
        quantity(15, "mL"),
        quantity(1, "{tbl}"),
        quantity("0.75", "mg"),
        quantity(0, "mg"),
        quantity(-1, "mg"),
        {"value": 0.75},
        {"unit": "mg"},
        {**quantity(1, "mg"), "comparator": "<"},
        {"value": 0.025, "code": "mg", "system": UCUM, "unit": "mg/kg"},
    ],
)
def test_a_dose_that_is_no_mass_is_unreadable(written):
    order, notes = ordered({"doseAndRate": [{"doseQuantity": written}]})
    assert (order.dose, order.dose_unreadable) == (None, True)
    assert notes == [Note(SOURCE, "dose-unreadable", "drug:zoledronic_acid")]


def test_no_dose_is_missing_not_unreadable():
    order, notes = ordered()
    assert (order.dose, order.dose_unreadable, order.rate, order.rate_unreadable) == (None, False, None, False)
    assert not notes


def test_a_dose_in_the_old_place_is_read():
    assert ordered({"doseQuantity": quantity(0.75, "mg")})[0].dose == Dose(Decimal("0.75"), per_kg=False)


@pytest.mark.parametrize(
    ("rate", "amount", "per_kg"),
    [
        ({"rateQuantity": quantity(200, "mL/h")}, "200", False),
        ({"rateQuantity": quantity(2, "mL/min")}, "120", False),
        ({"rateQuantity": quantity(10, "mL/kg/h")}, "10", True),
        ({"rateQuantity": quantity(200, "ml/t")}, "200", False),
        ({"rateRatio": {"numerator": quantity(100, "mL"), "denominator": quantity(15, "min")}}, "400", False),
        ({"rateRatio": {"numerator": quantity(8, "ml"), "denominator": quantity(1, "min")}}, "480", False),
        ({"rateRatio": {"numerator": quantity(10, "mL/kg"), "denominator": quantity(1, "h")}}, "10", True),
        ({"rateRatio": {"numerator": quantity(10, "mL"), "denominator": quantity(1, "kg.h")}}, "10", True),
    ],
)
def test_rates(rate, amount, per_kg):
    order, notes = rates(**rate)
    assert order.rate == Rate(Decimal(amount), per_kg)
    assert not notes


@pytest.mark.parametrize(
    "rate",
    [
        {"rateQuantity": quantity(5, "mg/h")},
        {"rateQuantity": quantity(0, "mL/h")},
        {"rateRatio": {"numerator": quantity(100, "mL"), "denominator": quantity(0, "min")}},
        {"rateRatio": {"numerator": quantity(100, "mL")}},
        {"rateRatio": {"numerator": quantity(100, "mL"), "denominator": quantity("1", "h")}},
        {"rateRange": {"low": quantity(100, "mL/h"), "high": quantity(200, "mL/h")}},
    ],
)
def test_a_rate_that_cannot_be_read_is_told(rate):
    order, notes = rates(**rate)
    assert (order.rate, order.rate_unreadable) == (None, True)
    assert notes == [Note(SOURCE, "rate-unreadable", "drug:zoledronic_acid")]


@pytest.mark.parametrize(
    ("parts", "rate"),
    [
        ([("calculated", quantity(100, "mL/h")), ("ordered", quantity(5, "mL/kg/h"))], Rate(Decimal(5), per_kg=True)),
        ([("ordered", quantity(5, "mL/kg/h")), ("calculated", quantity(5, "mg/h"))], Rate(Decimal(5), per_kg=True)),
        ([("ordered", quantity(5, "mL/h")), ("ordered", quantity(6, "mL/h"))], None),
        ([("calculated", quantity(5, "mL/h")), ("admin-amount", quantity(6, "mL/h"))], None),
        ([("ordered", quantity(5, "mg/h")), ("calculated", quantity(100, "mL/h"))], None),
    ],
)
def test_the_rate_as_ordered_counts_before_the_calculated_one(parts, rate):
    amounts = [{"type": {"coding": [{"code": kind}]}, "rateQuantity": amount} for kind, amount in parts]
    order, notes = ordered({"doseAndRate": amounts})
    assert (order.rate, order.rate_unreadable) == (rate, rate is None)
    assert [note.reason for note in notes] == ([] if rate else ["rate-unreadable"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("4 mg = 1 EA", "dose-unreadable"),
        ("0,6 mg i.v.", "dose-unreadable"),
        ("25 mikrogram/kg", "dose-unreadable"),
        ("600 µg", "dose-unreadable"),
        ("100 mL/hr, IV", "rate-unreadable"),
        ("10 ml/kg/time", "rate-unreadable"),
        ("Zometa 4 mg/5 mL, 1 EA", None),
        ("5 mg/h", None),
        ("over 30 min", None),
        ("Gis langsomt", None),
    ],
)
def test_an_amount_in_text_alone_is_unreadable(text, reason):
    order, notes = ordered({"text": text})
    assert [note.reason for note in notes] == ([reason] if reason else [])
    assert (order.dose_unreadable, order.rate_unreadable) == (reason == "dose-unreadable", reason == "rate-unreadable")


def test_a_text_beside_amounts_is_not_read():
    told = {"doseAndRate": [{**dose(0.75, "mg"), "rateQuantity": quantity(200, "mL/h")}], "text": "4 mg, 10 mL/h"}
    order, notes = ordered(told)
    assert (order.dose, order.rate, notes) == (
        Dose(Decimal("0.75"), per_kg=False),
        Rate(Decimal(200), per_kg=False),
        [],
    )


def timed(volume, duration, unit):
    timing = {"repeat": {"duration": duration, "durationUnit": unit}}
    return {"timing": timing, "doseAndRate": [dose(volume, "mL"), dose(0.75, "mg")]}


@pytest.mark.parametrize(
    ("duration", "unit", "per_hour"),
    [(15, "min", 400), (0.25, "h", 400), (900, "s", 400), (4, "h", 25), (0.5, "d", "8.3333"), (30, "min", 200)],
)
def test_volume_over_duration_is_a_rate(duration, unit, per_hour):
    order, _ = ordered(timed(100, duration, unit))
    assert abs(order.rate.amount - Decimal(per_hour)) < Decimal("0.0001")
    assert order.volume == 100


@pytest.mark.parametrize(("duration", "unit"), [(0, "min"), (-5, "min"), ("15", "min"), (15, "fortnight"), (15, None)])
def test_a_duration_that_cannot_be_read_makes_the_rate_unreadable(duration, unit):
    order, _ = ordered(timed(100, duration, unit))
    assert (order.rate, order.rate_unreadable) == (None, True)


def test_a_duration_without_volume_is_no_rate():
    order, notes = ordered({"timing": {"repeat": {"duration": 15, "durationUnit": "min"}}})
    assert (order.rate, order.rate_unreadable, notes) == (None, False, [])


@given(st.integers(1, 2000), st.integers(1, 600))
def test_a_rate_over_minutes_is_not_rounded_where_it_need_not_be(volume, minutes):
    order, _ = ordered(timed(volume, minutes, "min"))
    assert abs(order.rate.amount * minutes - volume * 60) < Decimal("1e-20")
    if volume * 60 % minutes == 0:
        assert order.rate.amount == volume * 60 // minutes


def test_the_timing_tells_the_planned_date():
    event = {"timing": {"event": ["2025-10-03T09:00:00+02:00", "2025-10-01"]}}
    assert ordered(event, authoredOn="2025-09-14")[0].planned == Planned(When.on(date(2025, 10, 1)), "timing")
    bounds = {"timing": {"repeat": {"boundsPeriod": {"start": "2025-10-02"}}}}
    assert ordered(bounds)[0].planned == Planned(When.on(date(2025, 10, 2)), "timing")


def visit(**fields):
    return resource("Appointment", {"status": "booked", "start": "2025-09-30T08:00:00Z", **fields})


def coming(*appointments, reader=None):
    numbered = [(f"Appointment/{number}", each) for number, each in enumerate(appointments)]
    return visits(numbered, Whose("p1"), reader or Reader(TODAY))


def test_an_appointment_tells_it_where_the_timing_does_not():
    planned = ordered(coming=coming(visit(), visit(start="2025-09-20")), authoredOn="2025-09-14")[0].planned
    assert planned == Planned(When.on(date(2025, 9, 20)), "appointment")


def test_the_appointment_made_for_the_order_comes_first():
    made = visit(basedOn=[{"reference": f"https://ehr.example.org/fhir/{SOURCE}"}])
    planned = ordered(coming=coming(visit(start="2025-09-20"), made))[0].planned
    assert planned.when.earliest == date(2025, 9, 30)


def test_an_appointment_for_another_order_tells_nothing():
    other = visit(basedOn=[{"reference": "ServiceRequest/mri"}])
    assert ordered(coming=coming(other))[0].planned.told_by == "today"


def test_of_two_appointments_made_for_an_order_the_sooner_counts():
    later, sooner = (visit(start=day, basedOn=[{"reference": SOURCE}]) for day in ("2025-09-30", "2025-09-21"))
    for made in ((later, sooner), (sooner, later)):
        assert ordered(coming=coming(*made))[0].planned.when.earliest == date(2025, 9, 21)


def test_of_an_appointment_for_more_orders_than_a_session_holds_the_first_are_read_and_the_rest_is_noted():
    others = [{"reference": f"ServiceRequest/{number}"} for number in range(MOST_REFERENCES - 1)]
    for made, told_by, reasons in (
        ([*others, {"reference": SOURCE}], "appointment", []),
        ([{"reference": "ServiceRequest/x"}, *others, {"reference": SOURCE}], "today", ["reference-unresolved"]),
    ):
        reader = Reader(TODAY)
        assert ordered(coming=coming(visit(basedOn=made), reader=reader))[0].planned.told_by == told_by
        assert [note.reason for note in reader.notes] == reasons


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "cancelled"},
        {"start": "2025-09-14"},
        {"start": None},
        {"participant": [{"actor": {"reference": "Patient/p2"}}]},
    ],
)
def test_appointments_that_do_not_count(fields):
    assert coming(visit(**fields)) == NO_VISITS


def test_an_appointment_that_names_nothing_is_not_taken_for_an_order_without_id():
    nameless = visit(start="2025-09-21", basedOn=[{"reference": "/_history/1"}])
    assert ordered(coming=coming(nameless), source="context.draftOrders.entry[0]")[0].planned.told_by == "today"


def test_an_appointment_may_name_others_beside_the_patient():
    people = [{"actor": {"reference": "Practitioner/d"}}, {"actor": {"reference": "Patient/p1"}}]
    assert coming(visit(participant=people)).other
    assert coming(visit(participant=[{"actor": {"reference": "Practitioner/d"}}])).other


def test_then_the_order_s_own_date_and_then_today():
    assert ordered(authoredOn="2025-09-10")[0].planned == Planned(When.on(date(2025, 9, 10)), "authored-on")
    assert ordered()[0].planned == Planned(When.on(TODAY), "today")


def test_an_unreadable_timing_is_noted_and_passed_over():
    order, notes = ordered({"timing": {"event": ["snart"]}}, authoredOn="2025-09-10")
    assert order.planned.told_by == "authored-on"
    assert notes == [Note(SOURCE, "date-unreadable", "drug:zoledronic_acid")]


def test_an_order_whose_drug_cannot_be_read():
    order, notes = ordered(medicationCodeableConcept=None)
    assert order.concept == "order:unreadable"
    assert notes == [Note(SOURCE, "medication-unreadable", "order:unreadable")]


def test_an_order_that_the_guideline_does_not_speak_of_is_none():
    reader, pool = Reader(TODAY), Pool([], {})
    metformin = resource("MedicationRequest", {"medicationCodeableConcept": {"text": "Metformin"}})
    forbidden = resource("MedicationRequest", {"medicationCodeableConcept": ZOL, "doNotPerform": True})
    assert not read_medication(metformin, SOURCE, pool, NO_VISITS, reader)
    assert not read_medication(forbidden, SOURCE, pool, NO_VISITS, reader)


def service(**fields):
    return read_service(resource("ServiceRequest", fields), "ServiceRequest/s1", NO_VISITS, Reader(TODAY))


@pytest.mark.parametrize(
    ("system", "code", "concepts"),
    [
        (SCT, "13861005", ["proc:bone_biopsy"]),
        (SCT, "426252008", ["img:wbmri"]),
        ("http://loinc.org", "25031-6", ["img:bone_scan"]),
        (ATC, "M05BA08", ["drug:zoledronic_acid"]),
        (SCT, "73761001", []),
    ],
)
def test_examinations_and_procedures(system, code, concepts):
    assert [order.concept for order in service(code={"coding": [{"system": system, "code": code}]})] == concepts


def test_the_occurrence_of_a_service_is_its_planned_date():
    code = {"coding": [{"system": SCT, "code": "13861005"}]}
    assert service(code=code, occurrenceDateTime="2025-10")[0].planned == Planned(
        When(date(2025, 10, 1), date(2025, 10, 31)), "occurrence"
    )
    assert service(code=code, authoredOn="2025-09-01")[0].planned.told_by == "authored-on"
    assert not service(code=code, doNotPerform=True)


def test_what_could_not_be_read_at_all_may_be_any_order():
    order = unreadable(datatypes.Failed("MedicationOrder", "MedicationOrder/7"))
    assert (order.concept, order.dose_unreadable, order.reference) == ("order:unreadable", True, "MedicationOrder/7")
    assert unreadable(datatypes.Failed("MedicationOrder", "context.draftOrders.entry[0]")).reference == ""


def test_two_durations_leave_the_rate_unreadable():
    order, _ = ordered(timed(100, 15, "min"), {"timing": {"repeat": {"duration": 30, "durationUnit": "min"}}})
    assert (order.rate, order.rate_unreadable) == (None, True)


def test_a_rate_range_without_breadth_is_a_rate():
    ends = {"low": quantity(100, "mL/h"), "high": quantity(100, "mL/h")}
    assert rates(rateRange=ends)[0].rate == Rate(Decimal(100), per_kg=False)


def test_two_rates_cannot_be_read():
    order, _ = ordered(
        {"doseAndRate": [{"rateQuantity": quantity(100, "mL/h")}, {"rateQuantity": quantity(50, "mL/h")}]}
    )
    assert (order.rate, order.rate_unreadable) == (None, True)


def test_a_range_of_another_dimension_is_no_dose():
    ends = {"low": quantity(1, "mL"), "high": quantity(2, "mL")}
    assert ordered({"doseAndRate": [{"doseRange": ends}]})[1] == [
        Note(SOURCE, "dose-unreadable", "drug:zoledronic_acid")
    ]


def heard(**fields):
    reader = Reader(TODAY)
    found = read_service(resource("ServiceRequest", fields), "ServiceRequest/s1", NO_VISITS, reader)
    return [(order.concept, order.contrast) for order in found], [(note.reason, note.concept) for note in reader.notes]


@pytest.mark.parametrize(
    ("code", "found", "notes"),
    [
        ({"text": "Skjelettscintigrafi"}, [("img:bone_scan", False)], [("read-by-name", "img:bone_scan")]),
        ({"text": "MR kne med kontrast"}, [("img:mr", True)], [("read-by-name", "img:mr")]),
        (
            {"text": "MR kne med kontrast, CT bekken"},
            [("img:ct", False), ("img:mr", False)],
            [("read-by-name", "img:ct"), ("read-by-name", "img:mr")],
        ),
        (
            {"coding": [{"system": SCT, "code": "1", "display": "CT"}]},
            [("img:ct", False)],
            [("read-by-name", "img:ct")],
        ),
        ({"coding": [{"system": SCT, "code": "77477000"}], "text": "MR kne"}, [("img:ct", False)], []),
        ({"text": "CT-veiledet beinbiopsi"}, [("proc:bone_biopsy", False)], [("read-by-name", "proc:bone_biopsy")]),
        ({"text": "Zometa"}, [("drug:zoledronic_acid", False)], [("read-by-name", "drug:zoledronic_acid")]),
        ({"text": "Ikke MR"}, [], [("code-unreadable", "service_request")]),
        ({"text": "x" * 200 + " MR"}, [], [("code-unreadable", "service_request")]),
        ({"text": "MR " + "x" * 200}, [("img:mr", False)], [("read-by-name", "img:mr")]),
        ({"coding": [{}]}, [], [("code-unreadable", "service_request")]),
        (None, [], [("code-unreadable", "service_request")]),
        ({"text": "Blodtrykk"}, [], []),
        ({"coding": [{"system": SCT, "code": "1"}]}, [], []),
    ],
)
def test_services_by_name_where_no_code_tells_them(code, found, notes):
    assert heard(code=code) == (found, notes)


def test_contrast_may_stand_beside_the_name():
    contrast = {"coding": [{"system": "urn:oid:2.16.578.1.12.4.1.1.7270", "code": "ZTX0EA"}]}
    assert heard(code={"text": "MR kne"}, orderDetail=[contrast])[0] == [("img:mr", True)]
    assert heard(code={"text": "MR kne og CT bekken"}, orderDetail=[contrast])[0] == [
        ("img:ct", False),
        ("img:mr", False),
    ]


def test_a_bone_biopsy_by_name_is_noted():
    reader = Reader(TODAY)
    request = resource("ServiceRequest", {"code": {"text": "Beinbiopsi fra tibia"}})
    assert [order.concept for order in read_service(request, "ServiceRequest/s", NO_VISITS, reader)] == [
        "proc:bone_biopsy"
    ]
    assert reader.notes == [Note("ServiceRequest/s", "read-by-name", "proc:bone_biopsy")]
    assert not service(code={"text": "Hudbiopsi"})


def test_dosage_instructions_lost_in_the_reading_are_unreadable():
    reader = Reader(TODAY, [Note(SOURCE, "dose-unreadable")])
    members = {"medicationCodeableConcept": ZOL}
    (order,) = read_medication(resource("MedicationRequest", members), SOURCE, Pool([], {}), NO_VISITS, reader)
    assert (order.dose_unreadable, order.rate_unreadable) == (True, True)


@pytest.mark.parametrize("name", ["Åpen biopsi klavikula", "CT-veiledet biopsi av lesjon i ilium", "Biopsy of tibia"])
def test_the_order_of_a_biopsy_of_a_bone(name):
    assert heard(code={"text": name}) == ([("proc:bone_biopsy", False)], [("read-by-name", "proc:bone_biopsy")])


def test_the_body_site_of_an_order_tells_that_a_biopsy_is_of_bone():
    code = {"coding": [{"system": SCT, "code": "86273004"}]}
    for site, found in (("12611008", [("proc:bone_biopsy", False)]), ("39937001", [])):
        assert heard(code=code, bodySite=[{"coding": [{"system": SCT, "code": site}]}]) == (found, [])
