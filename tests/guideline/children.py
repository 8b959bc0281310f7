"""Random children: facts as no clinician would write them down, but as a record may hold them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations, product
from types import MappingProxyType

from hypothesis import strategies as st

from cds_service.guideline.dates import When
from cds_service.guideline.facts import (
    BiopsyRecord,
    Coded,
    Condition,
    Dose,
    Drug,
    Facts,
    Form,
    Lesion,
    Measurement,
    Order,
    Planned,
    Rate,
    Study,
)
from cds_service.guideline.interval import Interval, Truth
from tests.guideline.clinical_words import UNITS, newest_first
from tests.guideline.vignette import FORM

TODAY = date(2025, 9, 15)
ONE_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "imaging-typical": ("yes", "no"), "xray-result": ("normal", "abnormal", "not-done"),
        "whole-body-imaging": ("done", "not-done"),
        "fever": ("absent", "present-unexplained", "present-infection-only"),
        "mimicker": ("excluded", "present"), "ldh-concern": ("yes", "no"), "platelet-artefact": ("yes", "no"),
        "antimicrobial-response": ("none-given", "none", "partial", "transient", "complete-sustained"),
        "biopsy-status": ("not-done", "pending", "done"), "biopsy-inflammation": ("yes", "no"),
        "biopsy-fibrosis": ("yes", "no"), "axial-imaging": ("yes", "no"), "general-condition": ("good", "affected"),
        "classic-presentation": ("yes", "no"), "atypical-mri": ("yes", "no"), "imaging-inconclusive": ("yes", "no"),
        "malignancy-excluded": ("yes", "no"), "malignancy-suspected": ("yes", "no"),
        "infection-suspected": ("yes", "no"), "symptom-active": ("yes", "no"),
        "treatment-response": ("adequate", "inadequate"), "imaging-activity": ("active", "inactive"),
        "mri-suggests-cno": ("yes", "no"), "vertebral-risk": ("yes", "no"), "jaw-symptoms": ("yes", "no"),
        "gi-symptoms": ("yes", "no"), "malnutrition": ("yes", "no"), "trauma": ("yes", "no"), "crps": ("yes", "no"),
        "hypocalcemia-symptoms": ("yes", "no"),
    }
)  # fmt: skip
SEVERAL_OF: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "symptom-type": ("bone-pain", "limited-function"),
        "coexisting": (
            "ibd", "psoriasis", "palmoplantar-pustulosis", "pyoderma-gangrenosum", "acne-fulminans",
            "hidradenitis-suppurativa", "axial-arthritis", "enthesitis-related-arthritis",
        ),
        "red-flag": ("hepatosplenomegaly", "lymphadenopathy", "weight-loss", "pallor", "night-pain", "fatigue"),
    }
)  # fmt: skip
BONES = (
    "clavicle", "mandible", "tibia", "femur", "humerus", "ilium", "sacrum", "sternum", "vertebra_T6", "vertebra_L3",
    "metatarsal_2", "calcaneus", "patella", "skull", "maxilla", "hand", "foot", "rib", "pelvis", "spine", "tarsal",
    "jaw_region", "sc_joint",
)  # fmt: skip
FEATURES = (
    "lytic",
    "sclerotic",
    "periosteal-reaction",
    "marrow-oedema",
    "cortical-destruction",
    "rapid-growth",
    "vertebral-collapse",
)
CONDITIONS = (
    "mimic_leukemia", "mimic_infectious_osteomyelitis", "mimic_lymphoma_possible", "mimic_lch", "unreadable", "cno",
    "cno_possible", "coexist_ibd", "coexist_skin", "coexist_skin_possible", "coexist_psa", "coexist_era",
    "coexist_axial_arthritis_possible", "sym_bone_pain", "sym_fever", "redflag_pallor", "redflag_malaise",
    "redflag_cytopenia", "redflag_weight_loss", "ddx_crps",
)  # fmt: skip
AROUND: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "hemoglobin": ("8.9", "9.9", "10", "10.1", "12.4"), "crp": ("0.5", "29", "30", "31", "60"),
        "esr": ("10", "59", "60", "61"), "platelets": ("80", "99", "100", "101", "310"),
        "leukocytes": ("3", "7"), "neutrophils": ("0.7", "3"), "lymphocytes": ("1", "3"), "blasts": ("0", "0.1"),
        "ldh": ("200", "300", "301", "600", "601"), "urate": ("200", "400"), "alp": ("60", "200"),
        "vitamin_c": ("10", "40"), "body_temperature": ("37", "38", "38.1", "39"), "body_weight": ("12", "24", "31"),
        "vitd25": ("40", "50", "51", "90"), "calcium_free": ("1.1", "1.2", "1.4"), "calcium_total": ("2.0", "2.4"),
    }
)  # fmt: skip
RANGES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "hemoglobin": ("11", "15"), "platelets": ("150", "450"), "leukocytes": ("4", "12"), "neutrophils": ("1.5", "8"),
        "lymphocytes": ("1.5", "6"), "ldh": ("100", "300"), "urate": ("100", "350"), "alp": ("100", "400"),
        "vitamin_c": ("26", "85"), "calcium_free": ("1.15", "1.33"), "calcium_total": ("2.2", "2.6"),
    }
)  # fmt: skip
DRUGS = (
    "drug:pamidronate", "drug:antibacterial", "drug:paracetamol", "drug:nsaid", "drug:methotrexate",
    "drug:tnf_inhibitor", "drug:jak_inhibitor", "drug:glucocorticoid",
)  # fmt: skip
IMAGING = ("img:wbmri", "img:mr", "img:ct", "img:bone_scan", "img:petct")
BACK = (0, 0, 1, 5, 7, 8, 14, 15, 29, 30, 31, 41, 42, 43, 60, 89, 90, 91, 120, 200, 230, 238, 364, 365, 366, 400, 500)
EXACT_DAYS = tuple(When.on(TODAY - timedelta(days=back)) for back in BACK)
STRETCHES = tuple(When(day.earliest - timedelta(days=20), day.earliest) for day in EXACT_DAYS)
PRECISE = st.sampled_from(EXACT_DAYS)
WHENS = st.sampled_from((*EXACT_DAYS, *STRETCHES, None))
TRUTHS = st.sampled_from([Truth.YES, Truth.YES, Truth.YES, Truth.UNKNOWN, Truth.NO])
CONFIRMED = st.sampled_from([Truth.YES, Truth.YES, Truth.UNKNOWN])


def all_results() -> dict[str, tuple[Measurement, ...]]:
    """Every value near a limit, exact and with each comparator, with and without range, with each flag."""
    found = {}
    for name, numbers in AROUND.items():
        ends = RANGES.get(name)
        ranges = [None, Interval(Decimal(ends[0]), Decimal(ends[1]))] if ends else [None]
        flags = [None, None, "low", "normal", "high", "abnormal"] if ends else [None]
        shapes = [shape for number in numbers for shape in shapes_of(Decimal(number))]
        found[name] = tuple(
            Measurement(name, shape, UNITS[name], None, f"Observation/{name}-{at}", reference, flag)
            for at, (shape, reference, flag) in enumerate(product(shapes, ranges, flags))
        )
    return found


def shapes_of(number: Decimal) -> tuple[Interval, ...]:
    """The number exactly (as often as not), and beyond it on either side."""
    exact = Interval.exactly(number)
    return (
        exact, exact, exact, exact, Interval(None, number), Interval(None, number, high_open=True),
        Interval(number, None), Interval(number, None, low_open=True),
    )  # fmt: skip


RESULTS = st.sampled_from(list(all_results().values())).flatmap(st.sampled_from)


@st.composite
def measurements(draw, whens):
    """Up to fourteen results of any kind and day."""
    found: dict[str, list[Measurement]] = {}
    for one in draw(st.lists(RESULTS, max_size=14)):
        found.setdefault(one.name, []).append(one._replace(when=draw(whens)))
    return {name: newest_first(of_name) for name, of_name in found.items()}


@st.composite
def lesions(draw, source, bones=BONES):
    """A lesion anywhere."""
    return Lesion(
        draw(st.sampled_from([*bones, None])),
        source,
        draw(st.sampled_from(["left", "right", "left", "right", "bilateral", "midline", None])),
        draw(st.sampled_from(["metaphysis", "metaphysis", "diaphysis", "epiphysis", "other", None])),
        draw(st.frozensets(st.sampled_from(FEATURES), max_size=2)),
        None if source == FORM else draw(WHENS),
    )


@st.composite
def conditions(draw, whens=WHENS, concepts=CONDITIONS):
    """A diagnosis of any standing."""
    concept = draw(st.sampled_from(concepts))
    return Condition(
        concept, f"Condition/{draw(st.integers(0, 9))}", confirmed=draw(CONFIRMED), active=draw(TRUTHS),
        status_given=draw(st.booleans()), onset=draw(whens) if draw(st.booleans()) else None,
        recorded=draw(whens), early_infection=concept == "mimic_infectious_osteomyelitis" and draw(st.booleans()),
        cell_lines=frozenset({"platelets"}) if concept == "redflag_cytopenia" else frozenset(),
    )  # fmt: skip


@st.composite
def drugs(draw, whens=WHENS):
    """A medication of the record."""
    return Drug(
        draw(st.sampled_from(["drug:zoledronic_acid", "drug:zoledronic_acid", *DRUGS])),
        draw(st.sampled_from(["administration", "request", "statement"])),
        draw(st.sampled_from(["completed", "active", "stopped", "not-done", "in-progress"])),
        f"Medication/{draw(st.integers(0, 9))}",
        draw(whens),
    )


@st.composite
def orders(draw):
    """A draft order of zoledronic acid or of what belongs to it."""
    amounts = st.sampled_from(["0.01", "0.025", "0.05", "0.06", "0.3", "0.6", "1.2", "1.3"]).map(Decimal)
    planned = st.integers(0, 30).map(lambda days: Planned(When.on(TODAY + timedelta(days=days)), "timing"))
    return Order(
        draw(
            st.sampled_from(
                [
                    "drug:zoledronic_acid",
                    "drug:zoledronic_acid",
                    "lab:calcium_free",
                    *DRUGS,
                    *IMAGING,
                ]
            )
        ),
        f"MedicationRequest/{draw(st.integers(0, 99))}",
        planned=draw(st.none() | planned),
        dose=draw(st.none() | st.builds(Dose, amounts, st.booleans())),
        other_doses=tuple(draw(st.lists(st.builds(Dose, amounts, st.booleans()), max_size=1))),
        dose_unreadable=draw(st.booleans()),
        rate=draw(
            st.none() | st.builds(Rate, st.sampled_from(["10", "10.1", "240", "300"]).map(Decimal), st.booleans())
        ),
        volume=draw(st.none() | st.sampled_from(["50", "100"]).map(Decimal)),
        rate_unreadable=draw(st.booleans()),
    )


ANSWERS = [(item, frozenset({code})) for item, codes in ONE_OF.items() for code in codes] + [
    (item, frozenset(some))
    for item, codes in SEVERAL_OF.items()
    for some in (*combinations(codes, 1), *combinations(codes, 2), ("none",))
]


@st.composite
def forms(draw):
    """A form with some answers, on any day."""
    choices = dict(draw(st.lists(st.sampled_from(ANSWERS), max_size=20)))
    dated = ("symptom-onset", "symptom-onset", "symptom-end", "pinned-crp", "pinned-esr", "pinned-hemoglobin")
    items = draw(st.lists(st.sampled_from(dated), max_size=3))
    opened = draw(st.frozensets(st.sampled_from(list(SEVERAL_OF)), max_size=1))
    bones = tuple(draw(st.lists(lesions(FORM), max_size=3)))
    return Form(FORM, draw(WHENS), choices, opened, {item: draw(WHENS) or EXACT_DAYS[9] for item in items}, bones)


@st.composite
def full_forms(draw):
    """A form of today in which all is answered."""
    of_item: dict[str, list[frozenset[str]]] = {}
    for item, codes in ANSWERS:
        of_item.setdefault(item, []).append(codes)
    choices = {item: draw(st.sampled_from(codes)) for item, codes in of_item.items()}
    bones = tuple(draw(st.lists(lesions(FORM), max_size=3)))
    return Form(FORM, When.on(TODAY), choices, dates={"symptom-onset": draw(PRECISE)}, lesions=bones)


BIRTHS = st.integers(200, 8000).map(lambda days: When.on(TODAY - timedelta(days=days)))


@st.composite
def children(draw):
    """Any child at all."""
    return Facts(
        "child",
        draw(st.none() | BIRTHS | BIRTHS | BIRTHS | st.sampled_from(STRETCHES)),
        draw(measurements(WHENS)),
        tuple(draw(st.lists(conditions(), max_size=3))),
        tuple(draw(st.lists(lesions("Observation/lesion"), max_size=2))),
        tuple(Coded(name, "present", "Observation/finding", draw(WHENS)) for name in draw(FINDINGS)),
        tuple(draw(st.lists(STUDIES, max_size=2))),
        tuple(draw(st.lists(BIOPSIES, max_size=1))),
        tuple(draw(st.lists(drugs(), max_size=3))),
        draw(st.frozensets(st.sampled_from(["drug:paracetamol", "drug:nsaid"]), max_size=1)),
        tuple(draw(st.lists(orders(), max_size=2))),
        draw(st.frozensets(st.sampled_from(["img:mr", "img:wbmri", "referral:paediatrics"]), max_size=1)),
        draw(st.none() | forms() | forms() | forms()),
        draw(st.frozensets(st.sampled_from(["Condition", "MedicationRequest", "ImagingStudy"]), max_size=1)),
        draw(st.frozensets(st.sampled_from(["vitd25", "body_weight", "calcium_total"]), max_size=1)),
    )


FINDINGS = st.lists(
    st.sampled_from(["finding:lytic_possible", "finding:cortical_destruction", "blasts_pct", "visit"]), max_size=1
)
STUDIES = st.builds(
    Study, st.sampled_from(["img:wbmri", "img:mr", "img:petct", "img:xray"]), st.just("ImagingStudy/1"), TRUTHS, WHENS
)
BIOPSIES = st.builds(BiopsyRecord, st.sampled_from(["procedure", "histology"]), st.just("Procedure/1"), WHENS)


@st.composite
def known_children(draw):
    """A child about whom all is answered today, with dated results and diagnoses: nothing is newer than the answers."""
    form = draw(full_forms())
    certain = [concept for concept in CONDITIONS if concept not in ("cno", "cno_possible")]
    return Facts(
        "child",
        draw(BIRTHS),
        draw(measurements(PRECISE)),
        tuple(draw(st.lists(conditions(PRECISE, certain), max_size=2))),
        studies=tuple(replace(study, when=draw(PRECISE)) for study in draw(st.lists(STUDIES, max_size=1))),
        drugs=tuple(draw(st.lists(drugs(PRECISE), max_size=2))),
        form=form,
    )
