"""Which drug a medication is, by code, by reference, by ingredient and last by name."""

from datetime import date

import msgspec
import pytest

from cds_service.guideline.dates import When
from cds_service.guideline.facts import Drug, Note
from cds_service.mappings import fhir
from cds_service.mappings.drug_names import named_in
from cds_service.mappings.medications import Named, Pool, name, read, read_allergy, unreadable
from cds_service.mappings.reading import Reader

ATC = "http://www.whocc.no/atc"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
FEST = "http://dmp.no/fhir/NamingSystem/festLegemiddelMerkevare"
TODAY = date(2025, 9, 15)
NOTHING = Pool([], {})


def coded(*codes, text=None, system=ATC):
    return {"coding": [{"system": system, "code": code} for code in codes], "text": text}


def request(**fields):
    return msgspec.convert({"resourceType": "MedicationRequest", "status": "active", **fields}, fhir.MedicationRequest)


def medication(**fields):
    return msgspec.convert({"resourceType": "Medication", **fields}, fhir.Medication)


def named(pool=NOTHING, **fields):
    return name(request(**fields), pool)


@pytest.mark.parametrize(
    ("code", "concept"),
    [
        ("M05BA08", "drug:zoledronic_acid"),
        ("M05BA03", "drug:pamidronate"),
        ("M05BA04", "drug:bisphosphonate"),
        ("M05BB03", "drug:bisphosphonate"),
        ("N02BE01", "drug:paracetamol"),
        ("J01CF01", "drug:antibacterial"),
    ],
)
def test_atc_codes(code, concept):
    assert named(medicationCodeableConcept=coded(code)) == Named((concept,))


def test_a_class_yields_to_the_drug():
    assert named(medicationCodeableConcept=coded("M05BA", "M05BA08")) == Named(("drug:zoledronic_acid",))


def test_another_drug_is_none_of_ours():
    assert named(medicationCodeableConcept=coded("A10BA02")) == Named(())
    assert named(medicationCodeableConcept={"text": "Metformin 500 mg"}) == Named(())


def test_codes_that_contradict_each_other_are_unreadable():
    both = coded("M05BA08", "N02BE01")
    assert named(medicationCodeableConcept=both) == Named(("drug:unreadable",), "coding-contradiction")


def test_rxnorm_ingredients():
    assert named(medicationCodeableConcept=coded("77655", system=RXNORM)) == Named(("drug:zoledronic_acid",))


def test_a_contained_medication():
    inside = [{"resourceType": "Medication", "id": "m", "code": coded("M05BA08")}]
    assert named(medicationReference={"reference": "#m"}, contained=inside) == Named(("drug:zoledronic_acid",))


@pytest.mark.parametrize(
    "reference",
    ["Medication/m9", "https://ehr.example.org/fhir/Medication/m9", "Medication/m9/_history/2", "urn:uuid:nine"],
)
def test_a_medication_of_the_record(reference):
    pool = Pool([("Medication/m9", medication(id="m9", code=coded("M05BA08")))], {"Medication/m9": "urn:uuid:nine"})
    assert named(pool, medicationReference={"reference": reference}) == Named(("drug:zoledronic_acid",))


def test_ingredients_tell_what_the_product_code_does_not():
    parts = [{"itemCodeableConcept": coded("N02BE01")}]
    pool = Pool([("Medication/m", medication(id="m", code=coded("x1", system=FEST), ingredient=parts))], {})
    assert named(pool, medicationReference={"reference": "Medication/m"}) == Named(("drug:paracetamol",))


def test_an_ingredient_may_be_a_reference():
    substance = medication(id="s", code=coded("M05BA08"))
    product = medication(id="m", ingredient=[{"itemReference": {"reference": "Medication/s"}}])
    pool = Pool([("Medication/m", product), ("Medication/s", substance)], {})
    assert named(pool, medicationReference={"reference": "Medication/m"}) == Named(("drug:zoledronic_acid",))


def test_a_medication_of_very_many_ingredients_may_be_any_drug():
    parts = [{"itemCodeableConcept": coded("A12AA04")}] * 51
    pool = Pool([("Medication/m", medication(id="m", ingredient=parts))], {})
    asked = {"medicationReference": {"reference": "Medication/m"}}
    assert named(pool, **asked) == Named(("drug:unreadable",), "medication-unreadable")


def test_calcium_and_vitamin_d_are_their_combination():
    parts = [{"itemCodeableConcept": coded("A12AA04")}, {"itemCodeableConcept": coded("A11CC05")}]
    pool = Pool([("Medication/m", medication(id="m", ingredient=parts))], {})
    assert named(pool, medicationReference={"reference": "Medication/m"}) == Named(("drug:calcium_vitamin_d",))


def test_a_name_is_the_last_resort():
    reference = {"reference": "Medication/gone", "display": "ZOLEDRONIC ACID 5 MG/100ML IV SOLN"}
    assert named(medicationReference=reference) == Named(("drug:zoledronic_acid",), "read-by-name")


def test_a_display_of_a_brand_is_read():
    code = {"coding": [{"system": FEST, "code": "ID_1", "display": "Aclasta inf oppl 5 mg"}]}
    assert named(medicationCodeableConcept=code) == Named(("drug:zoledronic_acid",), "read-by-name")


def test_of_several_unlike_names_or_codes_zoledronic_acid_is_told():
    unlike = named(medicationCodeableConcept={"text": "zoledronic acid, premed. paracetamol"})
    assert (unlike.concepts, unlike.may_be_infused) == (("drug:unreadable",), True)
    assert named(medicationCodeableConcept=coded("M05BA08", "N02BE01")).may_be_infused
    others = ("pamidronate, not zoledronic acid", "Zometa or alendronate", "paracetamol, ibuprofen")
    assert not any(named(medicationCodeableConcept={"text": text}).may_be_infused for text in others)


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("M05BA", "Zometa 4 mg", Named(("drug:zoledronic_acid",), "read-by-name")),
        ("M05BA", "bisphosphonate", Named(("drug:bisphosphonate",))),
        ("M05BA", "Fosamax", Named(("drug:bisphosphonate",))),
        ("M05BA04", "alendronate (not zoledronic acid)", Named(("drug:bisphosphonate",))),
        ("M05BA08", "pamidronate", Named(("drug:zoledronic_acid",), "coding-contradiction")),
        ("M05BA03", "Zometa", Named(("drug:unreadable",), "coding-contradiction")),
        ("N02BE01", "Zometa", Named(("drug:paracetamol",))),
    ],
)
def test_a_code_comes_before_a_name_but_that_of_the_class_before_one_of_its_drugs(code, text, expected):
    assert named(medicationCodeableConcept=coded(code, text=text)) == expected


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("bisphosphonate: zoledronic acid", ("drug:zoledronic_acid",)),
        ("bisfosfonat", ("drug:bisphosphonate",)),
        ("Alendronate (bisphosphonate)", ("drug:bisphosphonate",)),
        ("alendronate instead of zoledronic acid", ("drug:unreadable",)),
    ],
)
def test_the_name_of_the_class_says_nothing_beside_the_name_of_a_drug(text, concepts):
    assert named(medicationCodeableConcept={"text": text}).concepts == concepts


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("Alendronate / Cholecalciferol Pill", "drug:bisphosphonate"),
        ("risedronate, calcium carbonate and colecalciferol, sequential", "drug:bisphosphonate"),
        ("zoledronic acid, calcium carbonate and colecalciferol, sequential", "drug:zoledronic_acid"),
    ],
)
def test_what_a_bisphosphonate_is_combined_with_yields_to_it(text, concept):
    assert named(medicationCodeableConcept={"text": text}) == Named((concept,), "read-by-name")


def test_a_text_too_long_to_be_searched_may_name_any_drug():
    text = "Metformin " + "x" * 400
    assert named(medicationCodeableConcept={"text": text}) == Named(("drug:unreadable",), "medication-unreadable")
    assert named(medicationCodeableConcept={"text": f"Zometa {text}"}).concepts == ("drug:zoledronic_acid",)


@pytest.mark.parametrize(
    ("reference", "url", "identifier"),
    [
        ("Medication/m9", "https://ehr.example.org/fhir/Medication/m9/_history/2", None),
        ("urn:uuid:nine", None, "nine"),
        ("urn:uuid:nine", "urn:uuid:nine", "other"),
        ("m9", None, "m9"),
    ],
)
def test_a_medication_is_found_by_its_address_and_by_its_id(reference, url, identifier):
    source = "context.draftOrders.entry[0]"
    pool = Pool([(source, medication(id=identifier, code=coded("M05BA08")))], {source: url} if url else {})
    assert named(pool, medicationReference={"reference": reference}) == Named(("drug:zoledronic_acid",))


def test_a_contained_medication_is_found_with_and_without_the_mark():
    inside = [{"resourceType": "Medication", "id": "m", "code": coded("M05BA08")}]
    pool = Pool([("Medication/m", medication(id="m", code=coded("N02BE01")))], {})
    for reference in ("#m", "m", "https://ehr.example.org/fhir/MedicationRequest/z#m"):
        found = named(pool, medicationReference={"reference": reference}, contained=inside)
        assert found == Named(("drug:zoledronic_acid",))
    assert named(pool, medicationReference={"reference": "#x"}, contained=inside).reason == "reference-unresolved"
    assert named(pool, medicationReference={"reference": "Medication/m"}) == Named(("drug:paracetamol",))


def test_the_one_element_of_r5_is_read():
    assert named(medication={"concept": coded("M05BA08")}) == Named(("drug:zoledronic_acid",))
    told = {"reference": {"reference": "Medication/gone", "display": "Aclasta"}}
    assert named(medication=told) == Named(("drug:zoledronic_acid",), "read-by-name")


def test_two_names_cannot_be_read():
    text = {"text": "zoledronic acid, premed. ibuprofen"}
    assert named(medicationCodeableConcept=text) == Named(("drug:unreadable",), "medication-unreadable")


def test_a_reference_that_leads_nowhere_is_unresolved():
    assert named(medicationReference={"reference": "Medication/gone"}) == Named(
        ("drug:unreadable",), "reference-unresolved"
    )
    assert named(medicationReference={"reference": "#gone"}) == Named(("drug:unreadable",), "reference-unresolved")


def test_nothing_to_read_is_unreadable():
    assert named() == Named(("drug:unreadable",), "medication-unreadable")
    assert named(medicationCodeableConcept=coded("123", system=FEST)).concepts == ("drug:unreadable",)
    assert named(medicationReference={}).reason == "medication-unreadable"


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("Zoledronsyre 4 mg/5 ml", ["drug:zoledronic_acid"]),
        ("PARACET stikkpille 250 mg", ["drug:paracetamol"]),
        ("Pinex forte tab", ["drug:paracetamol_comb"]),
        ("Pinex 500 mg", ["drug:paracetamol"]),
        ("Calcium/Vit D tabs", ["drug:calcium_vitamin_d"]),
        ("D-vitamin dråper", ["drug:vitamin_d"]),
        ("dikloksacillin", ["drug:antibacterial"]),
        ("Solu-Medrol pulver", ["drug:glucocorticoid"]),
        ("Paracetamolum", []),
        ("Zometa 4 mg/5 mL inf kons", ["drug:zoledronic_acid"]),
        ("ZOL infusjon", ["drug:zoledronic_acid"]),
        ("zoledronic acid-mannitol-water 5 mg/100 mL IVPB", ["drug:zoledronic_acid"]),
        ("ZOLEDRONSYRE", ["drug:zoledronic_acid"]),
        ("Zoledronsyra Fresenius Kabi", ["drug:zoledronic_acid"]),
        ("zoledronat", ["drug:zoledronic_acid"]),
        ("Acide zolédronique", ["drug:zoledronic_acid"]),
        ("ZOLE\N{COMBINING ACUTE ACCENT}DRONIQUE", ["drug:zoledronic_acid"]),
        ("zole\N{SOFT HYPHEN}dron\N{ZERO WIDTH SPACE}syre", ["drug:zoledronic_acid"]),
        ("zoledronsyre\N{NO-BREAK SPACE}4 mg", ["drug:zoledronic_acid"]),
        ("Zoledronic acid, zolendronate", ["drug:zoledronic_acid"] * 2),
        ("Aclasta®", ["drug:zoledronic_acid"]),
        ("no zoledronic acid", ["drug:zoledronic_acid"]),
        ("Zolmitriptan 5 mg", []),
        ("Zometamycin", []),
        ("Zoladex", []),
        ("atorvastatin calcium", []),
        ("", []),
    ],
)
def test_names_are_whole_words(text, concepts):
    assert list(named_in(text)) == concepts


def heard(resource, pool=NOTHING):
    reader = Reader(TODAY)
    return read(resource, "X/1", pool, reader), reader.notes


def test_a_request_of_the_record():
    drugs, notes = heard(request(medicationCodeableConcept=coded("N02BE01"), authoredOn="2025-09-01"))
    assert drugs == [Drug("drug:paracetamol", "request", "active", "X/1", When.on(date(2025, 9, 1)))]
    assert not notes


def test_another_drug_of_the_record_is_nothing():
    assert heard(request(medicationCodeableConcept=coded("A10BA02"))) == ([], [])


def administration(**fields):
    members = {"resourceType": "MedicationAdministration", "medicationCodeableConcept": coded("M05BA08"), **fields}
    return msgspec.convert(members, fhir.MedicationAdministration)


def test_an_administration_has_a_start_and_an_end():
    period = {"start": "2025-03-01T10:00:00+01:00", "end": "2025-03-01T10:30:00+01:00"}
    (drug,), notes = heard(administration(status="completed", effectivePeriod=period))
    assert (drug.kind, drug.status) == ("administration", "completed")
    assert drug.when is not None
    assert drug.end is not None
    assert (drug.when.moment.hour, drug.end.moment.minute) == (10, 30)
    assert not notes


def test_an_administration_without_date_is_kept_and_noted():
    (drug,), notes = heard(administration(status="completed"))
    assert drug.when is None
    assert notes == [Note("X/1", "date-missing", "drug:zoledronic_acid")]


def test_an_administration_after_today_is_no_history():
    drugs, notes = heard(administration(status="completed", effectiveDateTime="2025-09-16"))
    assert not drugs
    assert notes == [Note("X/1", "date-in-future", "drug:zoledronic_acid")]


def test_what_was_entered_in_error_is_nothing():
    assert heard(administration(status="entered-in-error")) == ([], [])


def test_a_missing_status_is_kept_as_unknown_and_noted():
    (drug,), notes = heard(administration(effectiveDateTime="2025-03-01"))
    assert drug.status == "unknown"
    assert notes == [Note("X/1", "status-missing", "drug:zoledronic_acid")]


def test_an_order_not_to_give_is_no_drug():
    assert heard(request(medicationCodeableConcept=coded("N02BE01"), doNotPerform=True)) == ([], [])
    assert heard(request(medicationCodeableConcept=coded("N02BE01"), intent="proposal")) == ([], [])


def test_a_statement_is_dated_by_when_it_was_taken():
    members = {"resourceType": "MedicationStatement", "status": "active", "medicationCodeableConcept": coded("N02BE01")}
    statement = msgspec.convert({**members, "dateAsserted": "2025-01-01"}, fhir.MedicationStatement)
    (drug,), _ = heard(statement)
    assert (drug.kind, drug.when) == ("statement", None)


def test_an_unreadable_drug_of_the_record_is_told():
    drugs, notes = heard(request())
    assert [drug.concept for drug in drugs] == ["drug:unreadable"]
    assert notes == [Note("X/1", "medication-unreadable", "drug:unreadable")]


def test_what_could_not_be_read_at_all_stands_as_unreadable():
    assert unreadable("administration", "X/1") == Drug("drug:unreadable", "administration", "unknown", "X/1")


def allergy(**fields):
    reader = Reader(TODAY)
    resource = msgspec.convert({"resourceType": "AllergyIntolerance", **fields}, fhir.AllergyIntolerance)
    return read_allergy(resource, "AllergyIntolerance/a", reader), reader.notes


def state(code):
    return {"coding": [{"code": code}]}


def test_an_allergy_by_code_and_by_name():
    assert allergy(code=coded("N02BE01")) == ({"drug:paracetamol"}, [])
    found, notes = allergy(code={"text": "Paracetamol – utslett"})
    assert found == {"drug:paracetamol"}
    assert notes == [Note("AllergyIntolerance/a", "read-by-name", "drug:paracetamol")]


@pytest.mark.parametrize(
    "fields",
    [
        {"clinicalStatus": state("resolved")},
        {"clinicalStatus": state("inactive")},
        {"verificationStatus": state("refuted")},
        {"verificationStatus": state("entered-in-error")},
    ],
)
def test_an_allergy_that_is_over_or_refuted_is_none(fields):
    assert allergy(code=coded("N02BE01"), **fields) == (frozenset(), [])


def test_an_unconfirmed_allergy_counts():
    assert allergy(code=coded("N02BE01"), verificationStatus=state("unconfirmed"))[0] == {"drug:paracetamol"}


def test_an_allergy_to_nothing_named_is_noted():
    assert allergy()[1] == [Note("AllergyIntolerance/a", "code-unreadable", "allergy")]
    assert allergy(code={"text": "Bjørkepollen"}) == (frozenset(), [])


@pytest.mark.parametrize("system", ["https://local.example.org/allergy", None])
def test_an_allergy_under_a_local_code_alone_may_be_to_any_drug(system):
    found, notes = allergy(code={"coding": [{"system": system, "code": "A17"}]})
    assert not found
    assert notes == [Note("AllergyIntolerance/a", "code-unmapped-local", "allergy")]


def test_an_allergy_to_something_else_that_is_named_is_none_of_ours():
    assert allergy(code={"coding": [{"system": "https://local.example.org", "code": "A1", "display": "Egg"}]}) == (
        frozenset(),
        [],
    )
