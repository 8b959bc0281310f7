import json
from datetime import date, datetime
from decimal import Decimal
from importlib.resources import files
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cds_service.guideline.dates import When
from cds_service.guideline.evaluation import evaluate
from cds_service.guideline.facts import (
    Coded,
    Condition,
    Dated,
    Dose,
    Facts,
    Form,
    Lesion,
    Measurement,
    Note,
    Order,
    Planned,
    Rate,
)
from cds_service.guideline.interval import Interval
from cds_service.hooks.report import notes, report, sections
from cds_service.hooks.report_facts import facts, number, partial_date

SCHEMA = json.loads((files("cds_service") / "schemas" / "evaluation.schema.json").read_text("utf-8"))
VALID = Draft202012Validator(SCHEMA)
TODAY = date(2025, 9, 15)
OSLO = ZoneInfo("Europe/Oslo")
TO_JSON = msgspec.json.Encoder(decimal_format="number")
numbers = st.decimals(min_value=0, max_value=10**6, places=4)
days = st.dates(date(2023, 1, 1), TODAY)
UNITS = {"crp": "mg/L", "esr": "mm/h", "hemoglobin": "g/dL", "platelets": "10*9/L", "vitd25": "nmol/L", "alt": "U/L"}


def when(day):
    return When.on(date.fromisoformat(day))


def told(evaluation):
    return json.loads(TO_JSON.encode({**report(evaluation, str.upper), "cards": []}))


@st.composite
def measurements(draw):
    name = draw(st.sampled_from(sorted(UNITS)))
    ends = sorted((draw(numbers), draw(numbers)))
    value = draw(
        st.sampled_from(
            [
                Interval.exactly(ends[0]),
                Interval(*ends, high_open=True),
                Interval(None, ends[1], high_open=True),
                Interval(ends[0], None, low_open=True),
            ]
        )
    )
    taken = draw(st.none() | days.map(When.on))
    flag = draw(st.sampled_from([None, "low", "normal", "high", "abnormal"]))
    source = f"Observation/o{draw(st.integers(0, 9))}"
    return Measurement(
        name, value, UNITS[name], taken, source, draw(st.none() | st.just(Interval(None, ends[0]))), flag
    )


@st.composite
def children(draw):
    values = draw(st.lists(measurements(), max_size=12))
    by_name = {name: tuple(value for value in values if value.name == name) for name in UNITS}
    conditions = draw(st.lists(st.sampled_from(["cno", "sym_bone_pain", "mimic_leukemia", "coexist_ibd"]), max_size=3))
    bones = draw(st.lists(st.sampled_from([None, "tibia", "clavicle", "vertebra_T5", "mandible"]), max_size=3))
    answers = {
        "fever": frozenset({draw(st.sampled_from(["absent", "present-unexplained"]))}),
        "biopsy-status": frozenset({draw(st.sampled_from(["done", "not-done", "pending"]))}),
    }
    form = Form("QuestionnaireResponse/q", When.on(TODAY), answers) if draw(st.booleans()) else None
    order = Order(
        "drug:zoledronic_acid",
        "MedicationRequest/z",
        Planned(When.on(draw(st.dates(TODAY, date(2025, 12, 1)))), "timing"),
        draw(st.sampled_from([None, Dose(Decimal("0.8"), per_kg=False), Dose(Decimal("0.0253"), per_kg=True)])),
        rate=draw(st.sampled_from([None, Rate(Decimal(120), per_kg=False)])),
    )
    return Facts(
        patient_id=draw(st.sampled_from([None, "p1"])),
        born=draw(st.sampled_from([None, when("2014-04-10"), When(date(2014, 1, 1), date(2014, 12, 31))])),
        measurements=by_name,
        conditions=tuple(Condition(concept, f"Condition/{concept}") for concept in conditions),
        lesions=tuple(Lesion(bone, "BodyStructure/b", features=frozenset({"lytic"})) for bone in bones),
        orders=(order,) if draw(st.booleans()) else (),
        form=form,
        notes=(Note("Observation/x", "unit-missing", "crp"),) * draw(st.integers(0, 2)),
    )


@given(children())
def test_the_evaluation_of_any_child_is_valid_and_its_score_is_the_sum_of_its_domains(child):
    members = told(evaluate(child, TODAY))
    VALID.validate(members)
    classification = members["classification"]
    if classification["score"]:
        for end in ("low", "high"):
            assert classification["score"][end] == sum(domain[end] for domain in classification["domains"])
    for domain in classification["domains"]:
        assert domain["known"] is (domain["low"] == domain["high"] and "assumed" not in domain)


@given(children())
def test_the_sections_of_cards_hold_nothing_null_or_empty(child):
    def gaps(part):
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        return part in (None, [], {}, "") or any(gaps(item) for item in inner)

    told_on_cards = sections(evaluate(child, TODAY))
    assert [name for name in ("classification", "biopsy") if gaps(told_on_cards[name])] == []


@pytest.mark.parametrize(
    ("exact", "shown"),
    [
        ("12.400", "12.4"),
        ("1E+2", "100"),
        ("1.5E-3", "0.0015"),
        ("0.0000004", "0"),
        ("0.0000015", "0.000002"),
        ("74.8800000", "74.88"),
        ("0E-20", "0"),
        ("-2.50", "-2.5"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
    ],
)
def test_a_number_prints_without_exponent_or_trailing_zeros(exact, shown):
    assert TO_JSON.encode(number(Decimal(exact))).decode() == shown


@pytest.mark.parametrize(
    ("earliest", "latest", "shown"),
    [
        ("2025-03-01", "2025-03-01", "2025-03-01"),
        ("2025-03-01", "2025-03-31", "2025-03"),
        ("2025-03-04", "2025-03-09", "2025-03"),
        ("2025-02-20", "2025-03-09", "2025"),
        ("2024-12-31", "2025-01-01", None),
    ],
)
def test_an_imprecise_date_prints_as_the_day_month_or_year_that_holds_it(earliest, latest, shown):
    assert partial_date(When(date.fromisoformat(earliest), date.fromisoformat(latest))) == shown


def test_a_value_below_the_limit_of_detection_keeps_its_open_end():
    crp = Measurement(
        "crp", Interval(Decimal(0), Decimal(5), high_open=True), "mg/L", when("2025-09-01"), "Observation/c"
    )
    assert facts([crp]) == [
        {
            "name": "crp",
            "low": 0,
            "high": 5,
            "highOpen": True,
            "unit": "mg/L",
            "date": "2025-09-01",
            "source": "Observation/c",
            "readFrom": "code",
        }
    ]


def test_facts_stand_by_name_newest_first_undated_last_and_once():
    def crp(source, day):
        return Measurement("crp", Interval.exactly(Decimal(3)), "mg/L", day, f"Observation/{source}")

    used = [crp("c", None), crp("b", when("2025-01-01")), crp("a", when("2025-01-01")), crp("d", when("2025-08-01"))]
    used += [Coded("fever", "absent", "QuestionnaireResponse/q#fever"), used[0]]
    shown = facts(used)
    assert [(fact["name"], fact["source"][-1]) for fact in shown] == [
        ("crp", "d"),
        ("crp", "a"),
        ("crp", "b"),
        ("crp", "c"),
        ("fever", "r"),
    ]


def test_what_has_no_place_on_the_wire_is_left_out():
    unknown_bone = Lesion(None, "BodyStructure/b")
    liver = Measurement("alt", Interval.exactly(Decimal(30)), "U/L", None, "Observation/alt")
    boundless = Measurement("crp", Interval(None, None), "mg/L", None, "Observation/crp")
    onset = Dated("symptom_onset", When(date(2025, 3, 1), date(2025, 3, 31)), "QuestionnaireResponse/q#symptom-onset")
    assert [fact["name"] for fact in facts([unknown_bone, liver, boundless, onset])] == ["symptom_onset"]


def test_notes_stand_by_source_and_reason_once_with_a_sentence():
    told_notes = notes(
        [Note("Observation/b", "unit-missing"), Note("Observation/a", "value-missing", "crp")] * 2,
        lambda word: f"<{word}>",
    )
    assert told_notes == [
        {"source": "Observation/a", "reason": "value-missing", "concept": "crp", "detail": "<value-missing>"},
        {"source": "Observation/b", "reason": "unit-missing", "detail": "<unit-missing>"},
    ]


def test_an_infusion_planned_to_the_minute_tells_the_minute():
    moment = datetime(2025, 10, 1, 9, 30, tzinfo=OSLO)
    planned = Planned(When(moment.date(), moment.date(), moment), "timing")
    order = Order("drug:zoledronic_acid", "MedicationRequest/z", planned)
    members = told(evaluate(Facts(born=when("2014-04-10"), orders=(order,)), TODAY))
    VALID.validate(members)
    assert members["infusion"]["order"] == "MedicationRequest/z"
    assert members["infusion"]["planned"] == {"date": "2025-10-01", "time": "2025-10-01T09:30+02:00", "from": "timing"}


def test_a_patient_of_whom_nothing_is_known_has_no_invented_members():
    members = told(evaluate(Facts(), TODAY))
    VALID.validate(members)
    assert members["patient"] == {}
    assert (members["facts"], members["notes"], members["infusion"]) == ([], [], None)
