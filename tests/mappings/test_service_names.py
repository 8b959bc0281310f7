"""What requests ask for by name: in Norwegian, Swedish, Danish and English, as EHRs and people write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.mappings.service_names import asked, asks_infusion

BONE_SCAN, WHOLE_BODY = {"img:bone_scan"}, {"img:wbmri"}
MRI, CT, PET, PET_CT, XRAY = {"img:mr"}, {"img:ct"}, {"img:pet"}, {"img:petct"}, {"img:xray"}


@pytest.mark.parametrize(
    "text",
    [
        "Skjelettscintigrafi", "SKJELETTSCINTIGRAFI", "skjelettscint.", "Skjelett-scintigrafi", "Beinscintigrafi",
        "Helkroppsskjelettscintigrafi", "Scintigrafi av skjelett", "Scintigrafi, hele skjelettet", "Knokkelscintigrafi",
        "Skelettscintigrafi", "benscintigrafi", "Knoglescintigrafi", "Bone scan", "NM BONE SCAN WHOLE BODY",
        "Nuclear medicine bone scan", "Whole-body bone scintigraphy", "Skeletal scintigraphy", "SPECT/CT skjelett",
        "Bone SPECT", "Bone and/or joint imaging; whole body", "Sc\N{SOFT HYPHEN}intigrafi av skjelett",
    ],
)  # fmt: skip
def test_bone_scans(text):
    assert asked(text).kinds == BONE_SCAN


@pytest.mark.parametrize(
    "text",
    [
        "Helkropps-MR", "helkroppsMR", "MR helkropp", "Helkropp MR", "MR hele kroppen", "MR av heile kroppen",
        "Heilkropps-MR", "MR helkropp med STIR", "MRT helkropp", "helkrops-MR", "hel krops MR", "Whole body MRI",
        "Whole-body MRI with STIR", "MR WHOLE BODY W/WO CONTRAST", "WB-MRI", "WBMRI", "Total body MRI",
        "MR total kropp", "MR totalkropp",
        "Helkropps\N{EN DASH}MR", "Magnetic resonance imaging of whole body (procedure)", "Magnetkamera helkropp",
    ],
)  # fmt: skip
def test_whole_body_mri(text):
    assert asked(text).kinds == WHOLE_BODY


@pytest.mark.parametrize(
    "text",
    [
        "MR totalcolumna",
        "MR columna totalis",
        "MR hele ryggen",
        "MR heile ryggsøyla",
        "MRI whole spine",
        "MRI total spine",
    ],
)
def test_mri_of_the_whole_spine(text):
    assert asked(text).kinds == {"img:mr_total_spine"}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("MR kne", MRI),
        ("mr bekken og hofter", MRI),
        ("Kontroll-MR om 3 mnd", MRI),
        ("MRI KNEE LT", MRI),
        ("MR-undersøkelse av underekstremitet", MRI),
        ("Magnetic resonance imaging of left knee (procedure)", MRI),
        ("Magnetkamera knä", MRI),
        ("MR columna lumbalis", MRI),
        ("CT bekken", CT),
        ("Computed tomography of pelvis", CT),
        ("Computertomografi af bækken", CT),
        ("Skiktröntgen bäcken", CT),
        ("PET", PET),
        ("FDG-PET", PET),
        ("pet-scan", PET),
        ("PET-CT", PET_CT),
        ("PET/CT helkropp", PET_CT),
        ("PET CT skull base to mid-thigh", PET_CT),
        ("PET/MR", MRI | PET),
        ("Røntgen venstre tibia", XRAY),
        ("Ro\N{COMBINING DIAERESIS}ntgen knä", XRAY),
        ("Roentgen tibia", XRAY),
        ("Rtg. thorax", XRAY),
        ("Skjelettrøntgen", XRAY),
        ("X-ray left tibia", XRAY),
        ("XR FEMUR 2 VIEWS LEFT", XRAY),
        ("Skeletal survey", XRAY),
        ("MR kne og CT bekken", MRI | CT),
        ("PET-MR helkropp", WHOLE_BODY | PET),
        ("Scintigrafi", {"img:nm"}),
        ("Helkroppsscintigrafi", {"img:nm"}),
        ("Heilkroppsscintigrafi", {"img:nm"}),
    ],
)
def test_other_examinations(text, kinds):
    assert asked(text).kinds == kinds


@pytest.mark.parametrize(
    "text",
    [
        "", "Hemoglobin", "MRSA-screening", "Mr. Hansen, kontroll", "Henvisning Mr Smith", "MR-proANP",
        "Ekko: MR grad 2", "CT/NG PCR urin", "Chlamydia CT DNA", "plt ct", "Advokat", "Actigraph",
        "CT-veiledet beinbiopsi",
        "CT guided bone biopsy", "pet allergen panel", "PET DANDER IGE", "DEXA bone scan", "Bone density scan",
        "Nyrescintigrafi", "Scintigrafi nyrer", "Thyroid scintigraphy", "Leukocyttscintigrafi", "Benmargsbiopsi",
        "Henvisning til røntgenavdelingen", "Røntgenveiledet injeksjon", "OT vurdering", "Bone marrow",
        "Ultralyd hofte",
    ],
)  # fmt: skip
def test_what_is_no_examination_of_ours(text):
    assert asked(text).kinds == set()
    assert not asked(text).denied


@pytest.mark.parametrize(
    "text",
    [
        "Ikke MR", "ikkje MR av kneet", "Ingen skjelettscintigrafi", "No MRI", "Not a bone scan", "MR kontraindisert",
        "MRI contraindicated", "Bone scan not possible", "CT avlyst", "Svar på MR", "MR-svar", "MRI results",
        "Avbestill PET-CT", "Cancel MRI",
    ],
)  # fmt: skip
def test_an_examination_that_is_not_wanted_is_denied(text):
    assert (asked(text).kinds, asked(text).denied) == (set(), True)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("CT i stedet for MR", CT),
        ("MR kontraindisert, gjør CT", CT),
        ("MRI instead of bone scan", MRI),
        ("Not urgent: MRI knee", MRI),
        ("No known allergies. MRI pelvis", MRI),
        ("MR bekken, ingen kontrast", MRI),
        ("MRI without sedation", MRI),
    ],
)
def test_what_is_wanted_beside_what_is_not(text, kinds):
    assert (asked(text).kinds, asked(text).denied) == (kinds, False)


@pytest.mark.parametrize(
    ("text", "contrast"),
    [
        ("MRI KNEE LT W CONTRAST", True),
        ("MRI KNEE LT W IV CONTRAST", True),
        ("MRI knee with contrast", True),
        ("MRI knee with and without contrast", True),
        ("MR KNEE W/WO CONTRAST", True),
        ("MR bekken m/kontrast", True),
        ("MR bekken med kontrast", True),
        ("MR bekken med og uten kontrast", True),
        ("MR bekken uten narkose med kontrast", True),
        ("Contrast-enhanced MRI", True),
        ("MRI pelvis; without contrast material(s), followed by contrast material(s) and further sequences", True),
        ("MR bekken", False),
        ("MRI KNEE LT WO CONTRAST", False),
        ("MRI KNEE LT W/O CONTRAST", False),
        ("MRI knee without contrast", False),
        ("Non-contrast MRI", False),
        ("MR bekken u/kontrast", False),
        ("MR bekken uten kontrast", False),
        ("MRI with sedation without contrast", False),
        ("MR utan kontrast", False),
    ],
)
def test_contrast_is_told_apart_from_its_absence(text, contrast):
    assert (asked(text).kinds, asked(text).contrast) == (MRI, contrast)


@pytest.mark.parametrize("text", ["Infusjon zoledronsyre", "Zometa", "Gi Aclasta 5 mg", "IV zoledronic acid 0.5 mg"])
def test_an_infusion(text):
    assert asks_infusion(text)


@pytest.mark.parametrize(
    "text",
    [
        "Kalsium etter zoledronsyre", "Calcium 24 h after Zometa", "Tannlege før zoledronsyre", "Blodprøver, Aclasta",
        "Kontroll zoledronsyre", "Dental check, zoledronic acid planned", "Pamidronate infusion", "Infusjon", "",
    ],
)  # fmt: skip
def test_what_stands_beside_an_infusion_is_none(text):
    assert not asks_infusion(text)


@given(st.text(max_size=600))
def test_any_text_is_answered(text):
    assert all(kind.startswith("img:") for kind in asked(text).kinds)
    assert asks_infusion(text) in {True, False}


@given(
    st.sampled_from(["Skjelettscintigrafi", "Bone scan", "MR kne", "CT bekken", "Røntgen tibia"]), st.text(max_size=3)
)
def test_a_name_is_found_wherever_it_stands(name, blank):
    space = " " * len(blank)
    assert asked(f"{space}{name}{space}").kinds == asked(name).kinds
