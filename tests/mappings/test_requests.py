"""Requests of the record that are still to come, orders that end a treatment, and imaging with contrast."""

import json
from datetime import date

import msgspec
import pytest

from cds_service.guideline.facts import Note
from cds_service.mappings import fhir
from cds_service.mappings.outgoing import REQUESTS, TESTS, service_request
from cds_service.mappings.reading import Reader
from cds_service.mappings.record import facts_from_bundle, facts_from_hook
from cds_service.mappings.referrals import requested

ATC = "http://www.whocc.no/atc"
NCRP = "urn:oid:2.16.578.1.12.4.1.1.7270"
NLK = "urn:oid:2.16.578.1.12.4.1.1.7280"
SCT = "http://snomed.info/sct"
LOINC = "http://loinc.org"
TODAY = date(2025, 9, 15)
MINE = {"subject": {"reference": "Patient/p1"}}
MRI = {"coding": [{"system": SCT, "code": "113091000"}]}
CT = {"coding": [{"system": SCT, "code": "77477000"}]}
CONTRAST = {"coding": [{"system": NCRP, "code": "ZTX0EA"}]}
REFERRAL = {"coding": [{"system": SCT, "code": "3457005"}]}
CHILDRENS = "Barneavdelingen, St. Elsewhere"
TEMPLATES = {"serviceRequests": "ServiceRequest", "medicationRequests": "MedicationRequest"}


def decoded(members):
    return msgspec.json.decode(json.dumps(members), type=fhir.Slot)


def request_of(**fields):
    return {"resourceType": "ServiceRequest", "id": "r", "status": "active", "intent": "order", **MINE} | fields


def asked(**fields):
    reader = Reader(TODAY)
    return requested(decoded(request_of(**fields)), "ServiceRequest/r", reader), reader.notes


def hooked(prefetch, *drafts):
    def bundle(resources):
        return decoded({"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]})

    return facts_from_hook(
        {key: bundle(resources) for key, resources in prefetch.items()},
        bundle(drafts),
        (),
        patient_id="p1",
        selections=None,
        today=TODAY,
        templates=TEMPLATES,
    )


@pytest.mark.parametrize(
    ("status", "is_awaited"),
    [("active", True), ("on-hold", True), ("completed", False), ("revoked", False), ("draft", False), (None, False)],
)
def test_imaging_is_awaited_while_its_request_is_open(status, is_awaited):
    assert asked(status=status, code=MRI)[0] == ({"img:mr"} if is_awaited else set())


@pytest.mark.parametrize(
    "fields", [{"doNotPerform": True}, {"intent": "proposal"}, {"intent": "option"}, {"code": None}, {"code": {}}]
)
def test_what_nobody_asked_for_is_not_requested(fields):
    assert asked(**({"code": MRI} | fields)) == (set(), [])


def test_requested_imaging_with_contrast_is_known_as_such():
    assert asked(code=MRI, orderDetail=[CONTRAST])[0] == {"img:mr", "img:mr_contrast"}
    assert asked(code={"coding": MRI["coding"] + CONTRAST["coding"]})[0] == {"img:mr", "img:mr_contrast"}
    assert asked(code=CT, orderDetail=[CONTRAST])[0] == {"img:ct"}
    both = {"coding": MRI["coding"] + CT["coding"]}
    assert asked(code=both, orderDetail=[CONTRAST])[0] == {"img:mr", "img:ct"}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("MR bekken", {"img:mr"}),
        ("MR bekken med kontrast", {"img:mr", "img:mr_contrast"}),
        ("MR bekken uten kontrast", {"img:mr"}),
        ("Helkropps-MR", {"img:wbmri"}),
        ("Røntgen tibia", {"img:xray"}),
    ],
)
def test_imaging_is_awaited_by_its_name_where_no_code_tells_it(text, kinds):
    found, notes = asked(code={"coding": [{"system": "http://ris", "code": "7"}], "text": text})
    assert found == kinds
    assert notes == [Note("ServiceRequest/r", "read-by-name", kind) for kind in sorted(kinds - {"img:mr_contrast"})]
    assert asked(code={"coding": MRI["coding"], "text": "CT"}) == ({"img:mr"}, [])
    assert asked(code={"coding": [{"system": NLK, "code": "NPU1"}], "text": text}) == (set(), [])
    assert asked(code={"text": f"Ikke {text}"}) == (
        set(),
        [Note("ServiceRequest/r", "code-unreadable", "service_request")],
    )


@pytest.mark.parametrize("status", ["active", "on-hold", "completed"])
def test_a_referral_counts_also_when_it_is_completed(status):
    found = asked(status=status, code=REFERRAL, performer=[{"display": CHILDRENS}])
    assert found == ({"referral:paediatrics"}, [Note("ServiceRequest/r", "read-by-name", "referral:paediatrics")])


@pytest.mark.parametrize("status", ["revoked", "entered-in-error", "draft", "unknown", None])
def test_a_referral_that_was_not_sent_is_none(status):
    assert asked(status=status, code=REFERRAL, performer=[{"display": CHILDRENS}]) == (set(), [])


@pytest.mark.parametrize(
    "fields",
    [
        {"code": REFERRAL, "performerType": {"text": "Barnelege"}},
        {"code": {"coding": [{"system": "http://local", "code": "7", "display": "Henvisning barneklinikk"}]}},
        {"code": {"text": "Tilvising til barnerevmatolog"}},
        {"code": {"text": "Referral to pediatrics"}},
        {"code": {"text": "Paediatric rheumatology"}, "category": [{"text": "Referral"}]},
        {"code": {"text": "Vurdering"}, "category": [REFERRAL], "performer": [{"display": CHILDRENS}]},
        {"code": REFERRAL, "performer": [{"reference": "Organization/1"}, {"display": CHILDRENS}]},
    ],
)
def test_a_referral_to_paediatrics_is_told_by_code_or_name_and_by_whom_it_names(fields):
    assert asked(**fields)[0] == {"referral:paediatrics"}


@pytest.mark.parametrize(
    "fields",
    [
        {"code": REFERRAL},
        {"code": REFERRAL, "performer": [{"display": "Ortopedisk avdeling"}]},
        {"code": {"text": "Tilsyn"}, "performer": [{"display": CHILDRENS}]},
        {"code": REFERRAL, "performer": [{"display": "Barnepsykiatrisk klinikk, barneavdeling"}]},
        {"code": {"text": "Referral to pediatric surgery"}},
        {"code": {"coding": [{"system": "http://other", "code": "3457005"}]}, "performer": [{"display": CHILDRENS}]},
        {"code": {"text": " " * 400 + "Henvisning til barneavdeling"}},
    ],
)
def test_what_is_no_referral_to_paediatrics_is_none(fields):
    assert asked(**fields) == (set(), [])


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("Henvisning til sarkomgruppen", "referral:sarcoma_centre"),
        ("Referral, sarcoma team", "referral:sarcoma_centre"),
        ("Henvist Oslo universitetssykehus", "referral:university_hospital"),
        ("Tilvist universitetssjukehuset", "referral:university_hospital"),
        ("Referral to a university hospital", "referral:university_hospital"),
        ("Henvisning kjevekirurg", "referral:jaw"),
        ("Henvisning til tannlege", "referral:jaw"),
        ("Referral: maxillofacial unit", "referral:jaw"),
        ("Referral to oral surgery", "referral:jaw"),
        ("Referral to a paediatric dentist", "referral:jaw"),
    ],
)
def test_other_referrals_are_told_by_name(text, concept):
    assert asked(code={"text": text})[0] == {concept}


def test_one_referral_may_go_to_two_places():
    found, notes = asked(code={"text": "Henvisning til barneklinikken, universitetssykehuset"})
    assert found == {"referral:paediatrics", "referral:university_hospital"}
    assert [note.concept for note in notes] == ["referral:paediatrics", "referral:university_hospital"]


def test_awaited_imaging_of_the_record_is_no_order_and_an_order_is_not_awaited():
    record = {"serviceRequests": [request_of(code=MRI), request_of(id="d", status="draft", code=CT)]}
    facts = hooked(record, request_of(id="w", status="draft", code={"coding": [{"system": SCT, "code": "426252008"}]}))
    assert facts.requested == {"img:mr"}
    assert [order.concept for order in facts.orders] == ["img:wbmri"]
    assert "ServiceRequest" not in facts.not_received


def test_an_order_at_hand_is_not_awaited_even_if_the_record_holds_it():
    facts = hooked({"serviceRequests": [request_of(code=MRI)]}, request_of(code=MRI))
    assert facts.requested == set()
    assert [order.concept for order in facts.orders] == ["img:mr"]


def test_another_childs_request_is_not_ours():
    facts = hooked({"serviceRequests": [request_of(code=MRI, subject={"reference": "Patient/p2"})]})
    assert facts.requested == set()
    assert [note.reason for note in facts.notes] == ["foreign-patient"]


def test_imaging_orders_tell_contrast():
    def contrasts(**fields):
        return [(order.concept, order.contrast) for order in hooked({}, request_of(**fields)).orders]

    assert contrasts(code=MRI) == [("img:mr", False)]
    assert contrasts(code=MRI, orderDetail=[CONTRAST]) == [("img:mr", True)]
    assert contrasts(code={"coding": [{"system": LOINC, "code": "42299-8"}]}) == [("img:mr_contrast", True)]
    both = {"coding": [*MRI["coding"], {"system": NLK, "code": "NPU19748"}]}
    assert contrasts(code=both, orderDetail=[CONTRAST]) == [("img:mr", True), ("lab:crp", False)]


_SAMPLES = {"histology": "report:histology", "tissue_culture": "lab:tissue_culture"}


@pytest.mark.parametrize("key", sorted(REQUESTS))
def test_what_we_suggest_is_known_once_it_is_requested(key):
    suggested = service_request(key, "p1", due=None, language="nb") | {"id": "s", "status": "active"}
    facts = hooked({"serviceRequests": [suggested]})
    if key in TESTS or key in _SAMPLES:
        assert [order.concept for order in facts.orders] == [_SAMPLES.get(key, f"lab:{key}")]
        return
    expected = {
        "xray": {"img:xray"},
        "mri": {"img:mr"},
        "mri_contrast": {"img:mr", "img:mr_contrast"},
        "mri_whole_body": {"img:wbmri"},
        "mri_total_spine": {"img:mr_total_spine"},
    }
    assert facts.requested == expected.get(key, {key.replace("_", ":", 1)})


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
@pytest.mark.parametrize("key", [key for key in sorted(REQUESTS) if key.startswith("referral")])
def test_our_referrals_are_read_back_in_every_language(key, language):
    suggested = service_request(key, "p1", due=None, language=language) | {"id": "s", "status": "completed"}
    assert hooked({"serviceRequests": [suggested]}).requested == {key.replace("_", ":", 1)}


def drug_order(code, status="draft", identifier="m", **fields):
    return {
        "resourceType": "MedicationRequest",
        "id": identifier,
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": {"coding": [{"system": ATC, "code": code}]},
        **MINE,
        **fields,
    }


@pytest.mark.parametrize(
    ("status", "stops"),
    [("draft", [False]), ("active", [False]), ("stopped", [True]), (None, [False]), ("cancelled", [])],
)
def test_a_stopped_order_ends_a_treatment_and_a_cancelled_one_is_none(status, stops):
    facts = hooked({}, drug_order("M01AE01", status))
    assert [(order.concept, order.stops) for order in facts.orders] == [("drug:nsaid", each) for each in stops]
    assert bool(facts.drugs) is (status == "stopped")


def test_a_stopped_zoledronic_acid_order_is_judged_and_is_no_earlier_dose():
    facts = hooked({"medicationRequests": [drug_order("M05BA08", "active")]}, drug_order("M05BA08", "stopped"))
    assert [(order.concept, order.stops) for order in facts.orders] == [("drug:zoledronic_acid", True)]
    assert facts.drugs == ()


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_of_zoledronic_acid_a_withdrawn_order_is_judged_only_where_no_other_stands(status):
    withdrawn, standing = drug_order("M05BA08", status), drug_order("M05BA08", identifier="z")
    assert [order.source for order in hooked({}, withdrawn, standing).orders] == ["MedicationRequest/z"]
    assert [order.source for order in hooked({}, withdrawn).orders] == ["MedicationRequest/m"]


def test_an_order_that_ends_a_drug_shows_that_it_was_taken():
    facts = hooked({}, drug_order("M01AE01", "stopped", authoredOn="2025-06-01"))
    assert [(drug.concept, drug.status, drug.when.earliest) for drug in facts.drugs] == [
        ("drug:nsaid", "stopped", date(2025, 6, 1))
    ]
    assert hooked({}, drug_order("M01AE01", "draft")).drugs == ()


def test_ending_paracetamol_gives_none():
    facts = hooked({}, drug_order("N02BE01", "stopped"), drug_order("M05BA08", identifier="z"))
    assert [order.concept for order in facts.orders] == ["drug:zoledronic_acid"]


def test_in_a_bundle_a_stopped_request_is_history():
    resources = [{"resourceType": "Patient", "id": "p1"}, drug_order("M01AE01", "stopped")]
    bundle = decoded({"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]})
    facts = facts_from_bundle(bundle, (), today=TODAY)
    assert facts.orders == ()
    assert [drug.status for drug in facts.drugs] == ["stopped"]


@pytest.mark.parametrize(
    ("code", "concept"),
    [
        ("H02AB06", "drug:glucocorticoid"),
        ("L04AC10", "drug:il17_inhibitor"),
        ("L04AC13", "drug:il17_inhibitor"),
        ("L04AC21", "drug:il17_inhibitor"),
        ("L04AF01", "drug:jak_inhibitor"),
        ("L04AA37", "drug:jak_inhibitor"),
        ("L04AB04", "drug:tnf_inhibitor"),
        ("M01AE02", "drug:nsaid"),
        ("L04AX03", "drug:methotrexate"),
        ("L01BA01", "drug:methotrexate"),
        ("A07EC01", "drug:sulfasalazine"),
        ("M05BA03", "drug:pamidronate"),
    ],
)
def test_orders_of_the_treatment_are_kept_under_their_drug(code, concept):
    assert [order.concept for order in hooked({}, drug_order(code)).orders] == [concept]


@pytest.mark.parametrize("code", ["D07AC01", "S01BA04", "R03BA02", "A07EA06", "H02AA02"])
def test_a_glucocorticoid_for_skin_eye_lung_or_gut_is_none_of_the_whole_body(code):
    assert hooked({}, drug_order(code)).orders == ()
