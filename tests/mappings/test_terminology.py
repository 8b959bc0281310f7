"""The code tables: aliases of systems, spellings of codes, the longest row."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.guideline.facts import Flag, Side, Zone
from cds_service.guideline.interval import Truth
from cds_service.mappings import terminology, units
from cds_service.mappings.terminology import ANOTHER_ANALYTE, Role, table

NLK = "urn:oid:2.16.578.1.12.4.1.1.7280"
LOINC = "http://loinc.org"
SCT = "http://snomed.info/sct"
ICD10 = "urn:oid:2.16.578.1.12.4.1.1.7110"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ATC = "http://www.whocc.no/atc"
NCRP = "urn:oid:2.16.578.1.12.4.1.1.7270"


def _concept(found):
    return found.concept if found else None


@pytest.mark.parametrize(
    ("uri", "key"),
    [
        ("http://loinc.org/", "loinc"),
        ("https://LOINC.org", "loinc"),
        ("http://loinc.org|2.77", "loinc"),
        ("HTTP://LOINC.ORG", "loinc"),
        ("http://loinc.org//", "loinc"),
        ("http://loinc.org/|2.77", "loinc"),
        ("http://www.loinc.org/", "loinc"),
        ("loinc.org", "loinc"),
        ("LOINC", "loinc"),
        ("https://ucum.org", "ucum"),
        ("\u200bhttp://loinc.org\u00a0", "loinc"),
        ("http://loinc.\u00adorg", "loinc"),
        ("URN:OID:2.16.840.1.113883.6.1", "loinc"),
        ("oid:2.16.840.1.113883.6.1", "loinc"),
        ("urn:oid:2.16.840.1.113883.6.1/", "loinc"),
        ("urn:oid:2.16.840.1.113883.6.1", "loinc"),
        ("2.16.578.1.12.4.1.1.7280", "nlk"),
        ("urn:oid:2.16.578.1.12.4.1.1.7230", "nlk"),
        ("http://helsedir.no/fhir/CodeSystem/no-kodeverk-7280-nlk", "nlk"),
        ("https://www.ehelse.no/fhir/CodeSystem/no-kodeverk-7280-nlk", "nlk"),
        ("http://npu-terminology.org", "npu"),
        ("urn:oid:1.2.208.176.2.1", "npu"),
        ("urn:oid:1.2.752.108.1", "npu"),
        ("http://ehelse.no/fhir/CodeSystem/no-kodeverk-8212", "local_lab"),
        ("http://snomed.info/sct/51000202101/version/20250915", "sct"),
        ("HTTP://SNOMED.INFO/SCT", "sct"),
        ("http://hl7.org/fhir/sid/icd-10-no", "icd10"),
        ("http://hl7.org/fhir/sid/icd-10", "icd10"),
        ("http://hl7.org/fhir/sid/icd-10-cm", "icd10cm"),
        ("https://whocc.no/atc", "atc"),
        ("http://unitsofmeasure.org/", "ucum"),
        ("http://dmp.no/fhir/NamingSystem/festLegemiddelVirkestoff", "fest"),
        ("http://example.org/codes", ""),
        ("http://loinc.org.example.com", ""),
        ("", ""),
    ],
)
def test_every_alias_of_a_system_has_one_key(uri, key):
    assert terminology.system_key(uri) == key


@pytest.mark.parametrize(
    ("system", "code", "concept"),
    [
        (NLK, "NOR05172", "hemoglobin"),
        (NLK, " nor05172 ", "hemoglobin"),
        (NLK, "NPU 03404", "esr"),
        ("2.16.578.1.12.4.1.1.7230", "NPU19748", "crp"),
        ("http://npu-terminology.org", "NPU02319", "hemoglobin"),
        (NLK, "NPU28309", "hemoglobin"),
        ("urn:oid:1.2.208.176.2.1", "NPU19748", "crp"),
        ("http://loinc.org/", "777-3", "platelets"),
        (LOINC, "777-3\u200b", "platelets"),
        (LOINC, "\ufeff777-3\u00a0", "platelets"),
        (LOINC, "777\u20113", "platelets"),
        (LOINC, "777\u20133", "platelets"),
        (NLK, "NPU\u00ad19748", "crp"),
        (NLK, "npu\u00a003568", "platelets"),
        (SCT, "27113001", "body_weight"),
        (f"{SCT}/", "\u200b27113001", "body_weight"),
    ],
)
def test_a_laboratory_code_is_found_under_every_address(system, code, concept):
    assert terminology.lab(system, code).concept == concept


@pytest.mark.parametrize(("system", "code"), [(LOINC, "4548-4"), (NLK, "NPU27300"), (LOINC, "nonsense")])
def test_other_codes_of_a_laboratory_system_are_other_analytes(system, code):
    assert terminology.lab(system, code) is ANOTHER_ANALYTE


@pytest.mark.parametrize(
    ("system", "code"), [(None, "718-7"), (LOINC, None), ("", ""), (SCT, "718-7"), ("x" * 300, "718-7")]
)
def test_a_laboratory_code_of_no_or_another_system_is_nothing(system, code):
    assert terminology.lab(system, code) is None


@pytest.mark.parametrize(("system", "code"), [(NLK, "B-HB"), ("urn:oid:1.2.752.108.1", "FLX00285"), (NLK, "NPU1974")])
def test_what_is_no_npu_code_under_the_address_of_npu_is_a_local_code(system, code):
    assert terminology.lab(system, code) is None


@pytest.mark.parametrize(
    ("code", "concept", "unit"),
    [
        ("49765-1", "calcium_total", "mg/dL"),
        ("1996-8", "calcium_total", "mmol/L"),
        ("30352-9", "hemoglobin", "g/dL"),
        ("75928-2", "hemoglobin", "mmol/L"),
        ("38483-4", "creatinine", "mg/dL"),
    ],
)
def test_tests_in_whole_capillary_and_arterial_blood_are_the_same_tests(code, concept, unit):
    found = terminology.lab(LOINC, code)
    assert (found.concept, found.unit, found.role) == (concept, unit, "measure")


@pytest.mark.parametrize(
    "code",
    [
        "30350-3",
        "48421-2",
        "71426-1",
        "82477-1",
        "1783-0",
        "13959-2",
        "83064-6",
        "13056-7",
        "4538-5",
        "47596-2",
        "59470-5",
        "1990-1",
        "18184-2",
        "62290-2",
    ],
)
def test_unverified_and_excluded_laboratory_codes_are_never_measured(code):
    assert terminology.lab(LOINC, code).role == "exclude"


def test_only_nlk_codes_bring_their_own_unit():
    assert terminology.lab(NLK, "NOR05172").own_unit
    assert not terminology.lab(NLK, "NPU02319").own_unit
    assert not terminology.lab(LOINC, "718-7").own_unit


@pytest.mark.parametrize(
    ("code", "concept"),
    [
        ("C910", "mimic_leukemia"),
        ("C91.0", "mimic_leukemia"),
        ("c91.00", "mimic_leukemia"),
        ("C402", "mimic_primary_bone_malignancy"),
        ("K50.9", "coexist_ibd"),
        ("M0810", "coexist_axial_arthritis_possible"),
        ("M08.3", "ddx_arthritis"),
        ("M863", "cno"),
        ("M86.31", "cno"),
        ("M86.3†", "cno"),
        ("M86.3*", "cno"),
        (" m86.9 ", "osteomyelitis_unspecified"),
        ("Q78.0", "mimic_monogenic_bone_disease"),
        ("Q78.1", "mimic_monogenic_bone_disease_possible"),
        ("L40.5", "coexist_psa"),
        ("E83.3", "mimic_hypophosphatasia_possible"),
        ("M86", None),
        ("D76.0", None),
        ("Z00.0", None),
        ("C", None),
        ("", None),
    ],
)
def test_an_icd_10_code_matches_by_its_longest_row(code, concept):
    assert _concept(terminology.condition(ICD10, code)) == concept


def test_both_icd_10_editions_are_read_and_other_systems_match_whole_codes_only():
    assert terminology.condition(ICD10CM, "M86.321").concept == "cno"
    assert terminology.condition(SCT, "240151005").concept == "cno"
    assert terminology.condition(SCT, "2401510051") is None
    assert terminology.condition(SCT, "55146009") is None


@pytest.mark.parametrize(
    ("system", "code", "value"),
    [
        (ICD10, "L40.3", "palmoplantar-pustulosis"),
        (SCT, "27520001", "palmoplantar-pustulosis"),
        (SCT, "81271001", "palmoplantar-pustulosis"),
        (ICD10, "L40.9", "psoriasis"),
        (ICD10CM, "L40.0", "psoriasis"),
        (ICD10, "L88", "pyoderma-gangrenosum"),
        (ICD10, "L73.2", "hidradenitis-suppurativa"),
        (ICD10, "K51.0", True),
    ],
)
def test_skin_diseases_are_told_apart(system, code, value):
    assert terminology.condition(system, code).value == value


def test_early_infection_marks_the_codes_under_which_cno_often_begins():
    codes = ("M86.0", "M86.1", "M86.2", "M86.4", "M86.5", "M86.05", "A18.0")
    marked = [code for code in codes if terminology.condition(ICD10, code).early_infection]
    assert marked == ["M86.0", "M86.1", "M86.4", "M86.5", "M86.05"]


def test_cytopenia_codes_say_how_many_cell_lines_are_low():
    assert terminology.condition(ICD10, "D69.6").cell_lines == {"platelets"}
    assert terminology.condition(ICD10, "D70").cell_lines == {"neutrophils"}
    assert len(terminology.condition(ICD10, "D46.9").cell_lines) == 2
    assert len(terminology.condition(ICD10, "D61.9").cell_lines) == 2


@pytest.mark.parametrize(
    ("code", "concept"),
    [
        ("M05BA08", "drug:zoledronic_acid"),
        ("m05ba08", "drug:zoledronic_acid"),
        ("M05BA03", "drug:pamidronate"),
        ("M05BA04", "drug:bisphosphonate"),
        ("M05BA", "drug:bisphosphonate"),
        ("M05BB03", "drug:bisphosphonate"),
        ("M05BX04", "drug:denosumab"),
        ("M01AE01", "drug:nsaid"),
        ("M01AX01", "drug:nsaid"),
        ("M01AX05", None),
        ("N02BE01", "drug:paracetamol"),
        ("N02AJ06", "drug:paracetamol_comb"),
        ("N02AJ", None),
        ("J01CF02", "drug:antibacterial"),
        ("L04AB03", "drug:tnf_inhibitor"),
        ("M05", None),
    ],
)
def test_an_atc_code_matches_by_its_longest_row(code, concept):
    assert _concept(terminology.drug(ATC, code)) == concept


def test_unverified_rxnorm_codes_are_not_read():
    rxnorm = "http://www.nlm.nih.gov/research/umls/rxnorm"
    assert terminology.drug(rxnorm, "77655").concept == "drug:zoledronic_acid"
    assert terminology.drug(rxnorm, "11473") is None


@pytest.mark.parametrize(
    ("system", "code", "kind", "whole_body"),
    [
        (SCT, "426252008", "img:wbmri", Truth.YES),
        (LOINC, "46305-9", "img:ct", Truth.NO),
        (LOINC, "42175-0", "img:nm", Truth.UNKNOWN),
        (NCRP, "SNA0KG", "img:mr_total_spine", Truth.NO),
        (NCRP, "SPH1BG", "img:mr", Truth.NO),
        (NCRP, "SSC0DA", "img:xray", Truth.NO),
        (NCRP, "sjf0ad", "img:ct", Truth.NO),
        ("urn:oid:2.16.578.1.12.4.1.1.7275", "SXY0AK", "img:us", Truth.NO),
        (NCRP, "TFY0DN", "img:nm", Truth.NO),
        (NCRP, "ZTX0XA", "img_add:right", Truth.NO),
        ("http://dicom.nema.org/resources/ontology/DCM", "PT", "img:pet", Truth.NO),
    ],
)
def test_imaging_codes_tell_modality_and_coverage(system, code, kind, whole_body):
    assert terminology.imaging(system, code) == terminology.Imaging(kind, whole_body)


@pytest.mark.parametrize(("system", "code"), [(NCRP, "ZTX0BG"), (NCRP, "SNA0"), (NCRP, "SNA0AX"), (SCT, "SNA0AG")])
def test_the_sixth_letter_tells_a_modality_only_in_whole_examination_codes(system, code):
    assert terminology.imaging(system, code) is None


def test_body_sites_give_bone_side_zone_and_coverage():
    assert terminology.body_site(SCT, "52687003") == terminology.BodySite("tibia", zone="diaphysis")
    assert terminology.body_site(SCT, "24028007").side == "right"
    assert terminology.body_site(SCT, "38266002").whole_body
    assert terminology.body_site(SCT, "131190003") is None


def test_findings_and_histology_match_by_prefix_where_the_system_has_children():
    assert terminology.finding(ICD10, "M48.55").concept == "finding:vertebral_collapse"
    assert terminology.finding(SCT, "2667000").concept == "qualifier:absent"
    norpat = "urn:oid:2.16.578.1.12.4.1.1.7010"
    assert terminology.histology(norpat, "M 43000").concept == "histo:inflammation"
    assert terminology.histology(norpat, "M49000") is None
    assert terminology.histology(SCT, "13861005").concept == "proc:bone_biopsy"


def test_flags_are_read_from_hl7_and_from_the_norwegian_list():
    v3 = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
    assert [terminology.flag(v3, code) for code in ("HH", "LU", "N", "AA", "POS")] == [
        "high", "low", "normal", "abnormal", None,
    ]  # fmt: skip
    norwegian = "urn:oid:2.16.578.1.12.4.1.1.8244"
    assert [terminology.flag(norwegian, code) for code in "1234"] == ["high", "low", "abnormal", None]
    assert terminology.flag(None, "L") == "low"
    assert terminology.flag("http://example.org/flags", "L") is None
    assert terminology.flag(v3, None) is None


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text_can_be_looked_up(system, code):
    for look_up in (terminology.lab, terminology.condition, terminology.imaging, terminology.drug):
        assert look_up(system, code) is None
    assert terminology.condition(ICD10, code) is None or len(code) >= 3


def test_every_row_of_the_tables_is_well_formed():
    assert {row["flag"] for row in table("interpretations.csv")} <= set(get_args(Flag))
    assert {row["role"] for row in table("labs.csv")} <= set(get_args(Role))
    sites = table("bodysites.csv")
    assert {row["side"] for row in sites} - {""} <= set(get_args(Side))
    assert {row["zone"] for row in sites} - {""} <= set(get_args(Zone))
    keys = [row["concept"] for name in ("labs", "conditions", "findings", "histology") for row in table(f"{name}.csv")]
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*(:[a-z0-9_]+)?", key) for key in keys)


def test_every_measured_code_has_a_unit_that_its_concept_converts():
    for row in table("labs.csv"):
        if row["role"] in {"measure", "part", "blood"}:
            assert units.known(row["concept"], row["unit"]) is not None, row


def test_no_code_stands_for_two_concepts_in_one_table():
    for name in ("labs", "conditions", "bodysites", "imaging", "findings", "histology", "drugs"):
        rows = table(f"{name}.csv")
        codes = [(key, row["code"]) for row in rows for key in (row.get("systems") or row["system"]).split()]
        assert len(codes) == len(set(codes)), name


def test_outcomes_and_alarms_are_looked_up_in_their_own_systems():
    v3 = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
    assert [terminology.outcome(v3, code) for code in ("POS", "NEG", "A", "H")] == ["positive", "negative", None, None]
    assert terminology.outcome(SCT, "10828004") == "positive"
    assert terminology.outcome("word", "positiv") is None
    assert terminology.outcome(SCT, "positiv") is None
    assert (terminology.outcome_word("ingen vekst"), terminology.outcome_word("10828004")) == ("negative", None)
    assert [code for code in ("LL", "L", "HH", "H", "AA", "A", "<", ">") if terminology.is_alarm(v3, code)] == [
        "LL", "HH", "AA",
    ]  # fmt: skip
    assert not terminology.is_alarm(v3, None)


def test_tests_whose_presence_counts_measure_nothing():
    rows = [row for row in table("labs.csv") if row["role"] == "presence"]
    assert rows
    assert not {row["concept"] for row in rows} & units.CANONICAL.keys()
    assert {row["confidence"] for row in rows} <= {"high", "medium"}
