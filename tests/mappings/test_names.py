"""Names of laboratory tests, where no code is known."""

from __future__ import annotations

import pytest

from cds_service.mappings import names

_NAMES = {
    "hemoglobin": """B-Hemoglobin|Hb|B-Hb|Hemoglobin|haemoglobin|B-Hemoglobin (Hb)|He\u200bmoglobin|Hgb|Hæmoglobin
Hämoglobin|Ha\u0308moglobin|B—Hæmoglobin(Fe); stofk. = ? mmol/L|Hemoglobin [Mass/volume] in Blood
Haemoglobin, blood""",
    "crp": """CRP|S-CRP|P-CRP, høysensitiv|C-reaktivt protein|hs-CRP
P—C-reaktivt protein; massek. = ? mg/L|C-reaktives Protein|C-reactive protein
C reactive protein [Mass/volume] in Serum or Plasma|P-CRP (C-reaktivt protein)""",
    "esr": """B-SR|SR|Senkning|Senkningsreaksjon|ESR|B-SR (sänka)|Sänkningsreaktion|Sænkningsreaktion|BSG
BKS|Blutsenkungsgeschwindigkeit|Blutkörperchensenkungsgeschwindigkeit|Erythrocyte sedimentation rate|Sed rate
BSG 1 h|Erythrocyte sedimentation rate by Westergren method""",
    "platelets": """B-Trombocytter|Trombocytter|Platelets|Trombocyter|B-TPK|Thrombozyten|Thrombozytenzahl
Platelet count|PLT|B—Trombocytter; antalk. = ? × 10^9/L|Platelets [#/volume] in Blood by Automated count
Thrombocytes""",
    "ldh": """LD|P-LD|S-LDH|Laktatdehydrogenase|Laktatdehydrogenas|P—Laktatdehydrogenase; kat.k. = ? U/L
Lactate dehydrogenase|Lactatdehydrogenase (LDH)""",
    "vitd25": """25-OH Vitamin D|P-Vitamin D (25-OH) (D2+D3)|S-Vitamin D|Kalsidiol|P-25-OH Vitamin D3|25(OH)D
Calcidiol|25-OH-Vitamin D|25-Hydroxyvitamin D|Vitamin D, 25-hydroxy
25-hydroxyvitamin D3+25-hydroxyvitamin D2 [Mass/volume] in Serum or Plasma""",
    "calcium_free": """P-Kalsium, fritt (pH 7,4)|Ionisert kalsium|B-Kalsium, fritt|Calcium, ionized
Ionisiertes Calcium|P—Calcium-ion(frit); stofk. = ? mmol/L|Joniserat calcium|Free calcium|Ca++ ionisiert""",
    "calcium_albcorr": """S-Kalsium, korrigert|P-Kalsium alb.korr.|Calcium (corrected)|Albumin-korrigeret calcium
Calcium korrigiert""",
    "calcium_total": """Kalsium|S-Kalsium|Calcium|P-Calcium|Kalcium|Calcium, total|Calcium (gesamt)
P—Calcium; stofk. = ? mmol/L|Calcium [Mass/volume] in Serum or Plasma""",
    "alp": """ALP|P-Alkalisk fosfatase|S-Fosfatase, alkalisk|Alkaliskt fosfatas|Alkalische Phosphatase
Alkaline phosphatase|Basisk fosfatase|P-ALP (alkalisk fosfatas)""",
    "phosphate": "P-Fosfat (uorg)|Fosfat|Phosphate|Phosphat|Phosphorus|P-Fosfat, oorganiskt",
    "urate": "P-Urat|S-Urinsyre|P-Urinsyra|S-Harnsäure|S-Uric acid",
    "leukocytes": """B-Leukocytter|B-Leukocyter|B-LPK|B-Leukozyten|B-White blood cell count
B—Leukocytter; antalk. = ? × 10^9/L""",
    "neutrophils": """-     Nøytrofile|B-Nøytrofile granulocytter|Neutrofile|Neutrofila|Neutrophils
Neutrophile Granulozyten|B—Neutrophilocytter; antalk. = ? × 10^9/L|Neutrophils, absolute""",
    "fecal_calprotectin": """F-Kalprotektin|F-Kalprotektin i feces|Calprotectin im Stuhl|Fecal calprotectin
Calprotectin, faeces""",
}
_OTHER_NAMES = """HbA1c|B-HbA1c|Hb A1c|COHb|MetHb|B-Retikulocytt-Hb|U-Hb|Hemoglobin distribution width|U-CRP
LDL|P-LDL-kolesterol|P-LD isoenzym (liste)|P-1,25-(OH)2 Vitamin D3|1,25-dihydroksyvitamin D|Kalsitriol
P-25-OH Vitamin D2|U-Kalsium|U-Fosfat|Urat|Leukocytter|U-Leukocytter|B-Nøytrofile granulocytter %
Nøytrofile stavkjernede|P-Kalprotektin|Kalprotektin|Csv-Albumin|SRY|Trombocytter, volum|P-ALP isoenzym
P-Glukose|Kommentar|Haptoglobin|Hemoglobin A1c|Hämoglobin A1c|HbA1|Mean corpuscular hemoglobin
Hemoglobin i urin|Hb, feces|Okkult Hb|MCH|Freies Hämoglobin|Oxyhemoglobin|CRP i ledd|CRP/albumin-kvote
SR 2 timer|BSG 2. Stunde|Trombocyttvolum|Platelet function|Thrombozytenantikörper|Umodne trombocytter
Platelets in plasma|LDH isoenzym 1|LDH im Liquor|Calcium im Urin|Calcium score|Calcium/kreatinin
Calcium.ionized [Moles/volume] in Blood drawn from CRRT circuit|Knochenspezifische alkalische Phosphatase
Alkaline phosphatase isoenzymes|Uric acid|Harnsäure|White blood cells|WBC|LPK|U-Leukozyten|Neutrophils %
Stabkernige Neutrophile|Segmented neutrophils|Calprotectin|S-Calprotectin|Phosphat im Urin
25-hydroxyergocalciferol|24,25-dihydroxyvitamin D"""


@pytest.mark.parametrize(
    ("concept", "name"), [(key, name) for key, text in _NAMES.items() for name in text.replace("\n", "|").split("|")]
)
def test_names_of_tests_are_understood_in_the_languages_of_our_users(concept, name):
    found = names.lab_of(name)
    assert (found.concept, found.read_from) == (concept, "name")


@pytest.mark.parametrize("name", [*_OTHER_NAMES.replace("\n", "|").split("|"), "Hb " * 50])
def test_names_of_other_tests_are_not_taken_for_ours(name):
    assert names.lab_of(name) is None


def test_a_name_of_vitamin_d3_alone_is_a_partial_analyte():
    assert names.lab_of("P-25-OH Vitamin D3").role == "part"
    assert names.lab_of("P-25-OH Vitamin D2+D3").role == "measure"


@pytest.mark.parametrize("material", ["Urin", "24 h urine", "Spinalvæske", "Pleurapunktat", "Stuhl"])
def test_a_test_in_blood_is_not_read_from_another_material(material):
    assert names.lab_of("CRP", "Serum").concept == "crp"
    assert names.lab_of("CRP", material) is None
    assert names.lab_of("F-Kalprotektin", "Feces").concept == "fecal_calprotectin"


@pytest.mark.parametrize(
    ("name", "concept"),
    [
        ("Vekt", "body_weight"), ("Kroppsvekt", "body_weight"), ("Body weight", "body_weight"), ("Vikt", "body_weight"),
        ("Körpergewicht", "body_weight"), ("Temperatur", "body_temperature"), ("Body temperature", "body_temperature"),
        ("Temp", "body_temperature"),
    ],
)  # fmt: skip
def test_weight_and_temperature_are_read_by_name(name, concept):
    assert names.lab_of(name).concept == concept


@pytest.mark.parametrize(
    "name",
    ["Fødselsvekt", "Birth weight", "Idealvekt", "Vekt ved utskriving i fjor", "Vektendring", "Romtemperatur", "Tempo"],
)
def test_other_weights_and_temperatures_are_not(name):
    assert names.lab_of(name) is None
