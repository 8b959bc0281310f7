"""What we emit is valid FHIR R4, whatever fills its slots."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given
from hypothesis import strategies as st

from cds_service.mappings import terminology
from cds_service.mappings.form import FORM, LANGUAGES
from cds_service.mappings.outgoing import (
    REQUESTS,
    TESTS,
    check_templates,
    operation_outcome,
    paracetamol_request,
    questionnaire,
    service_request,
)

ids = st.from_regex(r"\A[A-Za-z0-9.\-]{1,64}\Z")
languages = st.sampled_from(LANGUAGES)
days = st.dates(date(2000, 1, 1), date(2100, 1, 1))
doses = st.decimals(Decimal("0.01"), Decimal(1000), places=3).filter(lambda dose: dose > 0)


def valid(resource):
    sent = msgspec.json.Encoder(decimal_format="number").encode(resource)
    return get_fhir_model_class(resource["resourceType"]).model_validate_json(sent)


def walk(value):
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from walk(each)


def test_the_templates_are_valid():
    check_templates()


@given(st.sampled_from(sorted(REQUESTS)), ids, st.none() | days, languages)
def test_a_request_is_a_valid_draft_order(key, patient, due, language):
    resource = service_request(key, patient, due=due, language=language)
    valid(resource)
    assert (resource["status"], resource["intent"]) == ("draft", "order")
    assert resource["subject"] == {"reference": f"Patient/{patient}"}
    assert resource.get("occurrenceDateTime") == (due.isoformat() if due else None)
    assert all(each not in (None, "", [], {}) for each in walk(resource))


@given(ids, doses, days, languages)
def test_paracetamol_is_a_valid_draft_order(patient, dose, planned, language):
    resource = paracetamol_request(patient, dose, planned=planned, language=language)
    valid(resource)
    quantities = [each["doseAndRate"][0]["doseQuantity"] for each in resource["dosageInstruction"]]
    assert [quantity["value"] for quantity in quantities] == [dose] * 3
    assert "E" not in str(quantities[0]["value"])


def test_every_code_that_we_suggest_is_one_that_we_read():
    for test in TESTS:
        resource = service_request(test, "p1", due=None, language="nb")
        read = [terminology.lab(coding["system"], coding["code"]) for coding in resource["code"]["coding"]]
        assert {row.concept for row in read} == {test}
    drug = paracetamol_request("p1", Decimal(1), planned=date(2025, 1, 1), language="nb")["medicationCodeableConcept"]
    assert [terminology.drug(each["system"], each["code"]).concept for each in drug["coding"]] == ["drug:paracetamol"]


def test_all_that_the_work_up_asks_for_can_be_ordered():
    assert {
        "hemoglobin", "platelets", "leukocytes", "differential_count", "creatinine", "alt", "ast", "ggt", "crp", "esr",
        "tsh", "ft4", "sodium", "potassium", "phosphate", "calcium_total", "calcium_free", "vitd25", "urate", "ldh",
        "alp", "ana", "rheumatoid_factor", "anti_ccp", "hlab27", "urine_dipstick", "blood_culture", "vitamin_c",
        "fecal_calprotectin",
    } == TESTS  # fmt: skip
    assert {
        "xray", "mri", "mri_contrast", "mri_whole_body", "mri_total_spine", "referral_paediatrics",
        "referral_sarcoma_centre", "referral_jaw", "referral_university_hospital", "histology", "tissue_culture",
    } == REQUESTS - TESTS  # fmt: skip


@pytest.mark.parametrize("test", sorted(TESTS))
def test_the_norwegian_code_stands_first(test):
    codings = service_request(test, "p1", due=None, language="nb")["code"]["coding"]
    assert [coding["system"] for coding in codings] == ["urn:oid:2.16.578.1.12.4.1.1.7280", "http://loinc.org"][
        : len(codings)
    ]


def test_a_blood_culture_is_one_request_for_both_kinds():
    for language, text in (("nb", "aerob og anaerob"), ("nn", "aerob og anaerob"), ("en", "aerobic and anaerobic")):
        code = service_request("blood_culture", "p1", due=None, language=language)["code"]
        assert [coding["code"] for coding in code["coding"]] == ["NPU58580"]
        assert code["text"].endswith(text)


def test_a_referral_has_words_only_and_contrast_is_a_detail_of_the_order():
    assert service_request("referral_jaw", "p1", due=None, language="en")["code"] == {
        "text": "Referral to an oral surgeon or dentist"
    }
    detail = service_request("mri_contrast", "p1", due=None, language="nb")["orderDetail"]
    assert detail == [{"coding": [{"system": "urn:oid:2.16.578.1.12.4.1.1.7270", "code": "ZTX0EA"}]}]
    assert "orderDetail" not in service_request("mri", "p1", due=None, language="nb")


@pytest.mark.parametrize("patient", ["", "a b", "x/../y", "æ", "a" * 257, "<b>"])
def test_an_id_that_is_none_is_refused(patient):
    with pytest.raises(ValueError, match="id"):
        service_request("vitd25", patient, due=None, language="nb")


@pytest.mark.parametrize("dose", ["0", "-1", "NaN", "Infinity"])
def test_a_dose_that_is_none_is_refused(dose):
    with pytest.raises(ValueError, match="dose"):
        paracetamol_request("p1", Decimal(dose), planned=date(2025, 1, 1), language="nb")


def test_a_test_that_we_do_not_suggest_is_refused():
    with pytest.raises(KeyError):
        service_request("cortisol", "p1", due=None, language="nb")


def test_an_outcome_is_valid():
    resource = operation_outcome("not-found", "There is no such service.")
    assert valid(resource).issue[0].code == "not-found"
    with pytest.raises(ValueError, match="issue type"):
        operation_outcome("Not found", "x")


def items(form_items):
    for item in form_items:
        yield item
        yield from items(item.get("item", ()))


def test_the_form_is_a_valid_questionnaire_in_three_languages():
    resource = questionnaire("https://cds.example.no/cno")
    assert valid(resource).url == "https://cds.example.no/cno/Questionnaire/cno-assessment"
    for item in items(resource["item"]):
        told = item["_text"]["extension"]
        assert [each["extension"][0]["valueCode"] for each in told] == ["nn", "en"]


def test_the_form_offers_unknown_wherever_it_takes_a_code():
    for item in items(questionnaire("https://cds.example.no")["item"]):
        if item["type"] == "choice":
            assert item["answerOption"][-1]["valueCoding"]["code"] == "unknown"


def test_every_bone_offered_is_one_that_we_read():
    bones = [terminology.body_site("http://snomed.info/sct", code).bone for code in FORM.bones]
    assert all(bones)
    assert len(set(bones)) == len(bones)
    assert "si_joint" not in bones
