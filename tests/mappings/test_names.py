"""Names of laboratory tests, where no code is known."""

from __future__ import annotations

import pytest

from cds_service.mappings import names

_NAMES = {
    "hemoglobin": "B-Hemoglobin|Hb|B-Hb|Hemoglobin|haemoglobin|B-Hemoglobin (Hb)|He\u200bmoglobin",
    "crp": "CRP|S-CRP|P-CRP, høysensitiv|C-reaktivt protein|hs-CRP",
    "esr": "B-SR|SR|Senkning|Senkningsreaksjon|ESR",
    "platelets": "B-Trombocytter|Trombocytter|Platelets",
    "ldh": "LD|P-LD|S-LDH|Laktatdehydrogenase",
    "vitd25": "25-OH Vitamin D|P-Vitamin D (25-OH) (D2+D3)|S-Vitamin D|Kalsidiol|P-25-OH Vitamin D3",
    "calcium_free": "P-Kalsium, fritt (pH 7,4)|Ionisert kalsium|B-Kalsium, fritt",
    "calcium_albcorr": "S-Kalsium, korrigert|P-Kalsium alb.korr.",
    "calcium_total": "Kalsium|S-Kalsium",
    "alp": "ALP|P-Alkalisk fosfatase|S-Fosfatase, alkalisk",
    "phosphate": "P-Fosfat (uorg)|Fosfat",
    "urate": "P-Urat|S-Urinsyre",
    "leukocytes": "B-Leukocytter",
    "neutrophils": "-     Nøytrofile|B-Nøytrofile granulocytter|Neutrofile",
    "fecal_calprotectin": "F-Kalprotektin|F-Kalprotektin i feces",
}
_OTHER_NAMES = """HbA1c|B-HbA1c|Hb A1c|COHb|MetHb|B-Retikulocytt-Hb|U-Hb|Hemoglobin distribution width|U-CRP
LDL|P-LDL-kolesterol|P-LD isoenzym (liste)|P-1,25-(OH)2 Vitamin D3|1,25-dihydroksyvitamin D|Kalsitriol
P-25-OH Vitamin D2|U-Kalsium|U-Fosfat|Urat|Leukocytter|U-Leukocytter|B-Nøytrofile granulocytter %
Nøytrofile stavkjernede|P-Kalprotektin|Kalprotektin|Csv-Albumin|SRY|Trombocytter, volum|P-ALP isoenzym
P-Glukose|Kommentar"""


@pytest.mark.parametrize(("concept", "name"), [(key, name) for key, text in _NAMES.items() for name in text.split("|")])
def test_norwegian_names_of_tests_are_understood(concept, name):
    found = names.lab_of(name)
    assert (found.concept, found.read_from) == (concept, "name")


@pytest.mark.parametrize("name", [*_OTHER_NAMES.replace("\n", "|").split("|"), "Hb " * 50])
def test_names_of_other_tests_are_not_taken_for_ours(name):
    assert names.lab_of(name) is None


def test_a_name_of_vitamin_d3_alone_is_a_partial_analyte():
    assert names.lab_of("P-25-OH Vitamin D3").role == "part"
    assert names.lab_of("P-25-OH Vitamin D2+D3").role == "measure"
