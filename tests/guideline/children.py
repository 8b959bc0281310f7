"""Random children: facts as no clinician would write them down, but as a record may hold them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
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
        "treatment-response": ("adequate", "inadequate"),
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
DAYS = st.integers(0, 500).map(lambda back: TODAY - timedelta(days=back))
PRECISE = DAYS.map(When.on)
STRETCHES = st.tuples(DAYS, st.integers(1, 60)).map(lambda pair: When(pair[0] - timedelta(days=pair[1]), pair[0]))
WHENS = st.one_of(PRECISE, PRECISE, STRETCHES, st.none())
TRUTHS = st.sampled_from([Truth.YES, Truth.YES, Truth.YES, Truth.UNKNOWN, Truth.NO])
CONFIRMED = st.sampled_from([Truth.YES, Truth.YES, Truth.UNKNOWN])


@st.composite
def values(draw, name):
    """An exact number, or one with a comparator, near a limit."""
    number = Decimal(draw(st.sampled_from(AROUND[name])))
    shape = draw(st.sampled_from(["exact", "exact", "exact", "below", "above"]))
    if shape == "below":
        return Interval(None, number, high_open=draw(st.booleans()))
    return Interval(number, None, low_open=draw(st.booleans())) if shape == "above" else Interval.exactly(number)


@st.composite
def results(draw, name, whens):
    """A result of one kind, with or without range and flag."""
    ends = RANGES.get(name)
    return Measurement(
        name, draw(values(name)), UNITS[name], draw(whens), f"Observation/{name}-{draw(st.integers(0, 9))}",
        Interval(Decimal(ends[0]), Decimal(ends[1])) if ends and draw(st.booleans()) else None,
        draw(st.sampled_from([None, None, None, "low", "normal", "high", "abnormal"])) if ends else None,
    )  # fmt: skip


@st.composite
def measurements(draw, whens):
    """Up to three results of each kind."""
    found = {name: draw(st.lists(results(name, whens), max_size=3)) for name in AROUND if draw(st.booleans())}
    return {name: newest_first(of_name) for name, of_name in found.items() if of_name}


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
        draw(
            st.sampled_from(
                ["drug:zoledronic_acid", "drug:pamidronate", "drug:antibacterial", "drug:paracetamol", "drug:nsaid"]
            )
        ),
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
                    "drug:paracetamol",
                    "drug:pamidronate",
                    "lab:calcium_free",
                ]
            )
        ),
        f"MedicationRequest/{draw(st.integers(0, 99))}",
        planned=draw(st.none() | planned),
        dose=draw(st.none() | st.builds(Dose, amounts, st.booleans())),
        dose_unreadable=draw(st.booleans()),
        rate=draw(
            st.none() | st.builds(Rate, st.sampled_from(["10", "10.1", "240", "300"]).map(Decimal), st.booleans())
        ),
        volume=draw(st.none() | st.sampled_from(["50", "100"]).map(Decimal)),
        rate_unreadable=draw(st.booleans()),
    )


@st.composite
def forms(draw, authored=WHENS, *, known=False):
    """A form with some answers; `known` answers all that can be, on a day that knows all else."""
    often = st.sampled_from([True] if known else [True, False])
    choices = {item: frozenset({draw(st.sampled_from(codes))}) for item, codes in ONE_OF.items() if draw(often)}
    for item, codes in SEVERAL_OF.items():
        if draw(often):
            choices[item] = draw(st.frozensets(st.sampled_from(codes), max_size=2)) or frozenset({"none"})
    dates = {"symptom-onset": draw(PRECISE if known else PRECISE | STRETCHES)} if draw(often) else {}
    if not known and draw(st.booleans()):
        dates["symptom-end"] = draw(PRECISE)
    pins = ("pinned-crp", "pinned-esr", "pinned-hemoglobin")
    dates |= {pin: draw(PRECISE) for pin in pins if not known and draw(st.booleans())}
    opened = frozenset() if known else draw(st.frozensets(st.sampled_from(list(SEVERAL_OF)), max_size=1))
    bones = tuple(draw(st.lists(lesions(FORM), max_size=3)))
    return Form(FORM, draw(authored), choices, opened, dates, bones)


BIRTHS = st.integers(200, 8000).map(lambda days: When.on(TODAY - timedelta(days=days)))


@st.composite
def children(draw):
    """Any child at all."""
    return Facts(
        "child",
        draw(st.none() | BIRTHS | STRETCHES),
        draw(measurements(WHENS)),
        tuple(draw(st.lists(conditions(), max_size=3))),
        tuple(draw(st.lists(lesions("Observation/lesion"), max_size=2))),
        tuple(Coded(name, "present", "Observation/finding", draw(WHENS)) for name in draw(FINDINGS)),
        tuple(draw(st.lists(STUDIES, max_size=2))),
        tuple(draw(st.lists(BIOPSIES, max_size=1))),
        tuple(draw(st.lists(drugs(), max_size=3))),
        draw(st.frozensets(st.sampled_from(["drug:paracetamol", "drug:nsaid"]), max_size=1)),
        tuple(draw(st.lists(orders(), max_size=2))),
        draw(st.none() | forms() | forms()),
        draw(st.frozensets(st.sampled_from(["Condition", "MedicationRequest"]), max_size=1)),
        draw(st.frozensets(st.sampled_from(["vitd25", "body_weight", "calcium_total"]), max_size=1)),
    )


FINDINGS = st.lists(
    st.sampled_from(["finding:lytic_possible", "finding:cortical_destruction", "blasts_pct"]), max_size=1
)
STUDIES = st.builds(
    Study, st.sampled_from(["img:wbmri", "img:mr", "img:petct"]), st.just("ImagingStudy/1"), TRUTHS, WHENS
)
BIOPSIES = st.builds(BiopsyRecord, st.sampled_from(["procedure", "histology"]), st.just("Procedure/1"), WHENS)


@st.composite
def known_children(draw):
    """A child about whom all is answered today, with dated results and diagnoses: nothing is newer than the answers."""
    form = draw(forms(authored=st.just(When.on(TODAY)), known=True))
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
