"""A site's ConceptMap: local codes are read as what they mean, and nothing else changes."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.mappings import fhir
from cds_service.mappings.record import facts_from_bundle, facts_from_hook
from cds_service.mappings.site_map import NO_MAP, SiteMapError, read_site_map

TODAY = date(2025, 9, 15)
EXAMPLE = (Path(__file__).parents[2] / "docs" / "concept-map.example.json").read_bytes()
LOCAL = "urn:oid:2.16.578.1.12.4.1.1.8212"
NLK = "urn:oid:2.16.578.1.12.4.1.1.7280"
LOINC = "http://loinc.org"
SCT = "http://snomed.info/sct"
HOSPITAL = "http://hospital.example/codes"
decode = msgspec.json.Decoder(fhir.Bundle).decode


def concept_map(*groups, **fields):
    return json.dumps({"resourceType": "ConceptMap", "group": list(groups)} | fields).encode()


def group(source, target, *mappings, word="equivalence"):
    """Mappings are (code, target code, equivalence)."""
    elements = [{"code": code, "target": [{"code": meant, word: same}]} for code, meant, same in mappings]
    return {"source": source, "target": target, "element": elements}


def coded(system, code, **more):
    return {"coding": [{"system": system, "code": code} | more]}


def observation(code, value=12.4, unit="g/dL", **more):
    resource = {"resourceType": "Observation", "id": "o1", "status": "final", "code": code}
    return resource | {"effectiveDateTime": "2025-09-01", "valueQuantity": {"value": value, "unit": unit}} | more


def facts_of(*resources, site):
    entries = [{"resource": resource} for resource in resources]
    return facts_from_bundle(decode(json.dumps({"entry": entries}).encode()), (), today=TODAY, site=site)


def measured(facts):
    return {(one.name, str(one.value.low), one.read_from) for found in facts.measurements.values() for one in found}


@pytest.fixture
def site():
    return read_site_map(EXAMPLE)


def test_a_local_laboratory_code_is_read_as_what_it_means(site):
    local = observation(coded(LOCAL, "B-HB"))
    assert measured(facts_of(local, site=site)) == {("hemoglobin", "12.4", "code")}
    unmapped = facts_of(local, site=NO_MAP)
    assert measured(unmapped) == set()
    assert [note.reason for note in unmapped.notes] == ["code-unmapped-local"]


@pytest.mark.parametrize(
    "coding", [(LOCAL, "\u200bB-HB "), ("2.16.578.1.12.4.1.1.8212", "B-HB"),
               ("http://ehelse.no/fhir/CodeSystem/no-kodeverk-8212", "B-HB")]
)  # fmt: skip
def test_the_local_system_and_code_may_be_written_otherwise(coding, site):
    assert measured(facts_of(observation(coded(*coding)), site=site)) == {("hemoglobin", "12.4", "code")}


def test_a_local_result_without_a_unit_does_not_get_that_of_the_code_it_means(site):
    bare = observation(coded(LOCAL, "B-HB"), valueQuantity={"value": 12.4})
    facts = facts_of(bare, site=site)
    assert measured(facts) == set()
    assert [(note.reason, note.concept) for note in facts.notes] == [("unit-missing", "hemoglobin")]
    assert measured(facts_of(bare | {"code": coded(NLK, "NOR05172")}, site=site)) == {("hemoglobin", "12.4", "code")}


def test_a_code_that_we_hold_but_do_not_use_may_be_mapped(site):
    ionized = observation(coded(LOINC, "47596-2"), 1.2, "mmol/L")
    assert [note.reason for note in facts_of(ionized, site=NO_MAP).notes] == ["excluded-code"]
    assert measured(facts_of(ionized, site=site)) == {("calcium_free", "1.2", "code")}


def test_a_map_that_contradicts_a_code_sent_beside_is_noted(site):
    both = {"coding": [*coded(LOCAL, "B-HB")["coding"], *coded(LOINC, "1988-5")["coding"]]}
    facts = facts_of(observation(both), site=site)
    assert measured(facts) == set()
    assert [note.reason for note in facts.notes] == ["coding-contradiction"]


def test_diagnoses_drugs_body_sites_and_imaging_are_translated_too(site):
    condition = {
        "resourceType": "Condition", "id": "c1", "code": coded(f"{HOSPITAL}/diagnoses", "CNO1"),
        "bodySite": [coded(f"{HOSPITAL}/sites", "TIB")],
    }  # fmt: skip
    given = {
        "resourceType": "MedicationAdministration", "id": "m1", "status": "completed",
        "effectiveDateTime": "2025-03-01", "medicationReference": {"reference": "#m"},
        "contained": [{"resourceType": "Medication", "id": "m", "code": coded(f"{HOSPITAL}/drugs", "4711")}],
    }  # fmt: skip
    study = {
        "resourceType": "ImagingStudy", "id": "i1", "status": "available", "started": "2025-03-01",
        "procedureCode": [coded(f"{HOSPITAL}/imaging", "MRWB")],
    }  # fmt: skip
    facts = facts_of(condition, given, study, site=site)
    assert [one.concept for one in facts.conditions] == ["cno"]
    assert [one.bone for one in facts.lesions] == ["tibia"]
    assert [one.concept for one in facts.drugs] == ["drug:zoledronic_acid"]
    assert [one.kind for one in facts.studies] == ["img:wbmri"]


def test_components_and_the_series_of_a_study_are_translated_too():
    site = read_site_map(
        concept_map(
            group(HOSPITAL, "http://dicom.nema.org/resources/ontology/DCM", ("MRI", "MR", "equal")),
            group(HOSPITAL, SCT, ("ALL", "38266002", "equal")),
            group(HOSPITAL, LOINC, ("HB", "718-7", "equal")),
        )
    )
    study = {
        "resourceType": "ImagingStudy", "id": "i1", "status": "available",
        "series": [{"modality": {"system": HOSPITAL, "code": "MRI"}, "bodySite": {"system": HOSPITAL, "code": "ALL"}}],
    }  # fmt: skip
    part = {"code": coded(HOSPITAL, "HB"), "valueQuantity": {"value": 118, "unit": "g/L"}}
    panel = observation(coded(HOSPITAL, "PANEL"), valueQuantity=None, component=[part])
    facts = facts_of(study, panel, site=site)
    assert [(one.kind, one.whole_body.name) for one in facts.studies] == [("img:mr", "YES")]
    assert measured(facts) == {("hemoglobin", "11.8", "code")}


def test_a_draft_order_under_a_local_code_is_an_order_in_a_bundle_and_in_a_hook(site):
    draft = {
        "resourceType": "MedicationRequest", "id": "d1", "status": "draft", "intent": "order",
        "medicationCodeableConcept": coded(f"{HOSPITAL}/drugs", "4711"),
    }  # fmt: skip
    assert [one.concept for one in facts_of(draft, site=site).orders] == ["drug:zoledronic_acid"]
    drafts = decode(json.dumps({"entry": [{"resource": draft}]}).encode())
    facts = facts_from_hook(
        {}, drafts, (), patient_id="p1", selections=None, today=TODAY, templates={}, site=site
    )  # fmt: skip
    assert [one.concept for one in facts.orders] == ["drug:zoledronic_acid"]


def test_a_coding_without_a_system_is_meant_by_a_group_without_a_source():
    site = read_site_map(concept_map(group(None, LOINC, ("HB", "718-7", "equal"))))
    assert measured(facts_of(observation(coded(None, "HB")), site=site)) == {("hemoglobin", "12.4", "code")}
    assert measured(facts_of(observation(coded(HOSPITAL, "HB")), site=site)) == set()


def test_what_stands_in_the_form_is_not_translated():
    site = read_site_map(concept_map(group(HOSPITAL, SCT, ("yes", "240151005", "equal"))))
    form = {
        "resourceType": "QuestionnaireResponse", "id": "q1", "status": "completed", "authored": "2025-09-01",
        "questionnaire": "https://example.org/cno-cds/Questionnaire/cno-assessment",
        "item": [{"linkId": "trauma", "answer": [{"valueCoding": {"system": HOSPITAL, "code": "yes"}}]}],
    }  # fmt: skip
    assert facts_of(form, site=site) == facts_of(form, site=NO_MAP)


@pytest.mark.parametrize(("word", "same"), [("equivalence", "equal"), ("equivalence", "equivalent"),
                                           ("relationship", "equivalent")])  # fmt: skip
def test_equal_and_equivalent_are_read_in_r4_and_r5(word, same):
    site = read_site_map(concept_map(group(HOSPITAL, LOINC, ("HB", "718-7", same), word=word)))
    assert measured(facts_of(observation(coded(HOSPITAL, "HB")), site=site)) == {("hemoglobin", "12.4", "code")}
    assert site.summary() == "codes read: 1"


@pytest.mark.parametrize(
    "word",
    ["relatedto", "wider", "subsumes", "narrower", "specializes", "inexact", "unmatched", "disjoint"],
)
def test_codes_that_do_not_mean_the_same_are_told_and_not_read(word):
    site = read_site_map(
        concept_map(group(HOSPITAL, LOINC, ("HB", "718-7", "equal"), ("HBX", "718-7", word), ("PLT", "777-3", word)))
    )
    assert measured(facts_of(observation(coded(HOSPITAL, "HBX")), site=site)) == set()
    assert site.summary() == f"codes read: 1; not read: 2 {word}"


def test_what_cannot_be_used_is_counted_by_its_reason():
    conditional = {"code": "X", "target": [{"code": "718-7", "equivalence": "equal", "product": [{"property": "y"}]}]}
    groups = (
        group(HOSPITAL, LOINC, ("HB", "718-7", "equal"), ("GLU", "2345-7", "equal"), ("LYM", "736-9", "equal"),
              ("A", "718-7", "same"), ("B", "718-7", None), ("C", None, "equal")),
        {"source": HOSPITAL, "target": LOINC, "element": [conditional]},
        group(HOSPITAL, "http://other.example", ("D", "718-7", "equal")),
    )  # fmt: skip
    assert read_site_map(concept_map(*groups)).left_out == {
        "to a code in none of the tables": 3,
        "without a code or an equivalence": 3,
        "only under a condition": 1,
    }


@pytest.mark.parametrize(
    "content",
    [b"", b"no", b"[]", b"{}", b'{"resourceType": "ValueSet"}', b'{"resourceType": "ConceptMap", "group": 3}', b"\xff"],
)
def test_what_is_no_concept_map_is_refused(content):
    with pytest.raises(SiteMapError, match="is not a FHIR ConceptMap"):
        read_site_map(content)


@pytest.mark.parametrize(
    "mappings", [[], [("HB", "718-7", "wider")], [("G", "2345-7", "equal")], [("HB", "718-7", None)]]
)
def test_a_map_of_nothing_is_refused(mappings):
    with pytest.raises(SiteMapError, match="maps no code"):
        read_site_map(concept_map(group(HOSPITAL, LOINC, *mappings)))


def test_the_example_of_the_documentation_maps_what_it_says(site):
    assert site.summary() == "codes read: 8; not read: 1 wider"


codes = st.tuples(st.sampled_from([LOCAL, LOINC, HOSPITAL, SCT]), st.sampled_from(["B-HB", "718-7", "X", "B-TROMBO"]))


@given(st.lists(codes, max_size=4), st.permutations(range(4)))
def test_with_a_map_too_the_order_of_codings_does_not_matter(sent, order):
    site = read_site_map(EXAMPLE)
    shuffled = [sent[place] for place in order if place < len(sent)]
    told = [
        facts_of(observation({"coding": [{"system": system, "code": code} for system, code in each]}), site=site)
        for each in (sent, shuffled)
    ]
    assert told[0] == told[1]


@given(st.lists(codes, max_size=3))
def test_a_map_of_other_codes_changes_nothing(sent):
    site = read_site_map(concept_map(group("http://elsewhere.example", LOINC, ("B-HB", "1988-5", "equal"))))
    resource = observation({"coding": [{"system": system, "code": code} for system, code in sent]})
    assert facts_of(resource, site=site) == facts_of(resource, site=NO_MAP)


def test_the_empty_map_is_empty():
    assert not NO_MAP.codings
    assert NO_MAP.meaning(LOCAL, "B-HB") == ()
