"""Composes the samples: `python fhir_samples/compose.py` writes request.json and bundle.json of every persona.

All children are invented. Each sample is one persona in one situation, as the hook request an EHR would send and as a
bare Bundle; `response.json` holds the expected answer and is written by `make samples`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cds_service.mappings.form import FORM

HERE = Path(__file__).parent
NLK = "urn:oid:2.16.578.1.12.4.1.1.7280"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10 = "urn:oid:2.16.578.1.12.4.1.1.7110"
ATC = "http://www.whocc.no/atc"
UCUM = "http://unitsofmeasure.org"
EHR = "https://ehr.example.org/fhir"
FORM_URL = "https://example.org/cno-cds/Questionnaire/cno-assessment"
FORM_CODES = "https://example.org/cno-cds/CodeSystem/cno-assessment"
FORM_ORDER = [item.link_id for item in FORM.items]
Json = dict[str, Any]

LABS = {  # analyte: NLK, LOINC, unit
    "hemoglobin": ("NOR05172", "718-7", "g/dL"),
    "platelets": ("NPU03568", "777-3", "10*9/L"),
    "leukocytes": ("NPU02593", "6690-2", "10*9/L"),
    "neutrophils": ("NPU02902", "751-8", "10*9/L"),
    "lymphocytes": ("NPU02636", "731-0", "10*9/L"),
    "ldh": ("NPU19658", "14804-9", "U/L"),
    "crp": ("NPU19748", "1988-5", "mg/L"),
    "esr": ("NPU03404", "30341-2", "mm/h"),
    "urate": ("NPU09356", "14933-6", "umol/L"),
    "vitd25": ("NPU10267", "68438-1", "nmol/L"),
    "calcium_free": ("NPU01446", "1994-3", "mmol/L"),
    "calcium_total": ("NPU01443", "2000-8", "mmol/L"),
    "alp": ("NPU27783", "6768-6", "U/L"),
}
BONES = {
    "tibia": "12611008", "femur": "71341001", "clavicle": "51299004", "calcaneus": "80144004", "ilium": "22356005",
    "sternum": "56873002", "vertebra_T6": "45296009", "vertebra_T9": "82687006", "vertebra_L3": "36470004",
}  # fmt: skip
NORMAL_COUNTS = (
    ("hemoglobin", "12.4", "11.0-15.5"), ("platelets", "310", "150-450"), ("leukocytes", "7.2", "4.5-13.5"),
    ("neutrophils", "3.9", "1.5-8.0"), ("lymphocytes", "2.4", "1.5-6.5"),
)  # fmt: skip


@dataclass
class Child:
    """One persona: a Patient and what stands in the record."""

    name: str
    born: str
    gender: str
    coding: str = "nlk"
    hook: str = "patient-view"
    resources: list[Json] = field(default_factory=list)
    drafts: list[Json] = field(default_factory=list)

    @property
    def subject(self) -> Json:
        return {"reference": f"Patient/{self.name}"}

    def add(self, resource_type: str, **members: Any) -> Child:
        number = 1 + sum(one["resourceType"] == resource_type for one in (*self.resources, *self.drafts))
        short = "".join(letter for letter in resource_type if letter.isupper()).lower()
        whose = "patient" if resource_type == "BodyStructure" else "subject"
        self.resources.append({"resourceType": resource_type, "id": f"{short}{number}", whose: self.subject, **members})
        return self

    def lab(self, name: str, value: str, reference: str = "", day: str = "2025-09-01", flag: str = "") -> Child:
        """A result; `value` may start with < or >, `reference` is low-high. Norwegian ranges arrive as text."""
        nlk, loinc, unit = LABS[name]
        code = {"system": NLK, "code": nlk} if self.coding == "nlk" else {"system": LOINC, "code": loinc}
        if self.coding == "nlk" and name == "esr":
            unit = "mm"
        comparator = value[0] if value[0] in "<>" else None
        quantity: Json = {"value": _number(value.lstrip("<>")), "unit": unit, "system": UCUM, "code": unit}
        if comparator:
            quantity["comparator"] = comparator
        members: Json = {"status": "final", "category": _category("laboratory"), "code": {"coding": [code]}}
        members |= {"effectiveDateTime": day, "valueQuantity": quantity}
        if flag:
            members["interpretation"] = [{"coding": [{"system": f"{HL7}/v3-ObservationInterpretation", "code": flag}]}]
        if reference:
            members["referenceRange"] = [self._range(reference, unit)]
        return self.add("Observation", **members)

    def _range(self, reference: str, unit: str) -> Json:
        low, _, high = reference.partition("-")
        if self.coding == "nlk":
            return {"text": f"{low.replace('.', ',')} - {high.replace('.', ',')}"}
        ends = {"low": low, "high": high}
        return {name: {"value": _number(end), "unit": unit, "system": UCUM, "code": unit} for name, end in ends.items()}

    def counts(self, day: str = "2025-09-01", **changed: str) -> Child:
        """Hb, platelets, leukocytes and differential, all inside their ranges unless changed."""
        for name, value, reference in NORMAL_COUNTS:
            self.lab(name, changed.get(name, value), reference, day)
        return self

    def vital(self, loinc: str, value: str, unit: str, day: str) -> Child:
        quantity = {"value": _number(value), "unit": unit, "system": UCUM, "code": unit}
        return self.add(
            "Observation", status="final", category=_category("vital-signs"),
            code={"coding": [{"system": LOINC, "code": loinc}]}, effectiveDateTime=day, valueQuantity=quantity,
        )  # fmt: skip

    def condition(self, system: str, code: str, recorded: str, **members: Any) -> Child:
        return self.add(
            "Condition",
            clinicalStatus={"coding": [{"system": f"{HL7}/condition-clinical", "code": "active"}]},
            verificationStatus={"coding": [{"system": f"{HL7}/condition-ver-status", "code": "confirmed"}]},
            code={"coding": [{"system": system, "code": code}]}, recordedDate=recorded, **members,
        )  # fmt: skip

    def whole_body_mri(self, day: str) -> Child:
        return self.add(
            "ImagingStudy", status="available", started=day,
            modality=[{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "MR"}],
            procedureCode=[{"coding": [{"system": SNOMED, "code": "426252008"}]}],
        )  # fmt: skip

    def form(self, authored: str, lesions: tuple[str, ...] = (), **answers: str | tuple[str, ...]) -> Child:
        """The clinician form; lesions read `bone side zone: feature, feature`, `-` where not told."""
        items = [_item(name.replace("_", "-"), answer) for name, answer in answers.items()]
        items += [_lesion(lesion) for lesion in lesions]
        items.sort(key=lambda item: FORM_ORDER.index(item["linkId"]))
        return self.add(
            "QuestionnaireResponse", questionnaire=FORM_URL, status="completed", authored=authored, item=items
        )

    def zoledronic_acid(self, planned: str, dose: str, *, rate: str = "", contained: bool = False) -> Child:
        """A draft order: dose in mg, rate in mL/h."""
        concept = {"coding": [{"system": ATC, "code": "M05BA08"}], "text": "zoledronsyre"}
        amount: Json = {"doseQuantity": {"value": _number(dose), "unit": "mg", "system": UCUM, "code": "mg"}}
        if rate:
            amount["rateQuantity"] = {"value": _number(rate), "unit": "mL/h", "system": UCUM, "code": "mL/h"}
        order: Json = {"resourceType": "MedicationRequest", "id": "zoledronate", "status": "draft", "intent": "order"}
        if contained:
            order["contained"] = [{"resourceType": "Medication", "id": "drug", "code": concept}]
            order["medicationReference"] = {"reference": "#drug"}
        else:
            order["medicationCodeableConcept"] = concept
        order |= {"subject": self.subject, "authoredOn": "2025-09-01"}
        order["dosageInstruction"] = [{"timing": {"event": [planned]}, "doseAndRate": [amount]}]
        self.drafts.append(order)
        return self

    def infused(self, moment: str) -> Child:
        """Zoledronic acid that was given."""
        drug = {"coding": [{"system": ATC, "code": "M05BA08"}]}
        return self.add(
            "MedicationAdministration", status="completed", effectiveDateTime=moment, medicationCodeableConcept=drug
        )

    def nsaid(self, since: str) -> Child:
        """Naproxen, taken since that day."""
        drug = {"coding": [{"system": ATC, "code": "M01AE02"}]}
        return self.add(
            "MedicationStatement", status="active", effectivePeriod={"start": since}, medicationCodeableConcept=drug
        )

    def draft(self, resource_type: str, name: str, **members: Any) -> Child:
        """A draft order of another kind."""
        order = {"resourceType": resource_type, "id": name, "status": "draft", "intent": "order", **members}
        self.drafts.append(order | {"subject": self.subject, "authoredOn": "2025-09-01"})
        return self

    def paracetamol(self) -> Child:
        self.drafts.append(
            {
                "resourceType": "MedicationRequest", "id": "paracetamol", "status": "draft", "intent": "order",
                "medicationCodeableConcept": {"coding": [{"system": ATC, "code": "N02BE01"}]},
                "subject": self.subject, "authoredOn": "2025-09-01",
            }
        )  # fmt: skip
        return self

    def patient(self) -> Json:
        return {"resourceType": "Patient", "id": self.name, "gender": self.gender, "birthDate": self.born}

    def bundle(self) -> Json:
        return _bundle("collection", [self.patient(), *self.resources, *self.drafts])

    def request(self) -> Json:
        context: Json = {"userId": "Practitioner/paediatrician", "patientId": self.name}
        if self.hook != "patient-view":
            if self.hook == "order-select":
                context["selections"] = [f"MedicationRequest/{self.drafts[0]['id']}"]
            context["draftOrders"] = _bundle("collection", self.drafts)
        prefetch: Json = {"patient": self.patient()}
        prefetch |= {key: self._found(of_key) for key, of_key in KEYS.items()}
        return {
            "hook": self.hook, "hookInstance": f"d1577c69-dfbe-44ad-ba6d-{abs(_checksum(self.name)):012x}",
            "context": context, "prefetch": prefetch,
        }  # fmt: skip

    def _found(self, wanted: tuple[str, str | None]) -> Json:
        resource_type, category = wanted
        found = [
            one for one in self.resources
            if one["resourceType"] == resource_type and (category is None or _has_category(one, category))
        ]  # fmt: skip
        return _bundle("searchset", found)


HL7 = "http://terminology.hl7.org/CodeSystem"
KEYS: dict[str, tuple[str, str | None]] = {
    "conditions": ("Condition", None),
    "labs": ("Observation", "laboratory"),
    "vitals": ("Observation", "vital-signs"),
    "imagingFindings": ("Observation", "imaging"),
    "imagingStudies": ("ImagingStudy", None),
    "serviceRequests": ("ServiceRequest", None),
    "encounters": ("Encounter", None),
    "reports": ("DiagnosticReport", None),
    "bodyStructures": ("BodyStructure", None),
    "procedures": ("Procedure", None),
    "medicationRequests": ("MedicationRequest", None),
    "medicationAdministrations": ("MedicationAdministration", None),
    "medicationStatements": ("MedicationStatement", None),
    "allergies": ("AllergyIntolerance", None),
    "assessment": ("QuestionnaireResponse", None),
}


def _bundle(kind: str, resources: list[Json]) -> Json:
    """A Bundle with the addresses of its entries; FHIR has no empty lists."""
    entries = [{"fullUrl": f"{EHR}/{one['resourceType']}/{one['id']}", "resource": one} for one in resources]
    return {"resourceType": "Bundle", "type": kind} | ({"entry": entries} if entries else {})


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def _checksum(text: str) -> int:
    return sum(ord(letter) * 31**place for place, letter in enumerate(text)) % 16**12


def _category(code: str) -> list[Json]:
    return [{"coding": [{"system": f"{HL7}/observation-category", "code": code}]}]


def _has_category(resource: Json, code: str) -> bool:
    return any(coding["code"] == code for one in resource.get("category", []) for coding in one["coding"])


def _item(link_id: str, answer: str | tuple[str, ...]) -> Json:
    if isinstance(answer, str) and answer[:2] in ("19", "20"):
        return {"linkId": link_id, "answer": [{"valueDate": answer}]}
    codes = (answer,) if isinstance(answer, str) else answer
    return {"linkId": link_id, "answer": [{"valueCoding": {"system": FORM_CODES, "code": code}} for code in codes]}


def _lesion(text: str) -> Json:
    place, _, features = text.partition(": ")
    bone, side, zone = place.split()
    parts: list[Json] = [
        {"linkId": "lesion-bone", "answer": [{"valueCoding": {"system": SNOMED, "code": BONES[bone]}}]}
    ]
    parts += [_item(name, told) for name, told in (("lesion-side", side), ("lesion-zone", zone)) if told != "-"]
    parts.append(_item("lesion-feature", tuple(features.split(", "))))
    return {"linkId": "lesion", "item": parts}


WELL = {
    "fever": "absent", "coexisting": ("none",), "antimicrobial_response": "none-given", "mimicker": "excluded",
    "biopsy_status": "not-done", "general_condition": "good",
}  # fmt: skip


def _infusion_girl(name: str, **options: Any) -> Child:
    """V15: seven years old, CNO on record, an NSAID tried, an earlier infusion."""
    child = Child(name, "2018-03-04", "female", hook="order-sign", **options)
    return child.condition(ICD10, "M86.3", "2024-11-20").nsaid("2024-11-20").infused("2025-02-20T10:00:00+01:00")


def personas() -> list[Child]:
    """All samples, in the order of their stories."""
    multifocal = (
        Child("girl-9-multifocal-symmetric", "2015-04-10", "female")
        .counts().lab("ldh", "215", "105-305").lab("crp", "6").lab("esr", "24").whole_body_mri("2025-08-20")
        .form("2025-09-15", (
            "tibia right metaphysis: marrow-oedema, stir-hyperintensity",
            "tibia left metaphysis: marrow-oedema, stir-hyperintensity",
            "femur left metaphysis: marrow-oedema, stir-hyperintensity",
        ), symptom_type=("bone-pain",), symptom_onset="2025-03-01", whole_body_imaging="done",
            classic_presentation="yes", malignancy_excluded="yes", **WELL)
    )  # fmt: skip
    clavicle = (
        Child("boy-12-clavicle-alone", "2013-01-20", "male")
        .counts("2025-08-10", hemoglobin="13.1", platelets="290").lab("ldh", "190", "105-205", "2025-08-10")
        .lab("crp", "12", day="2025-08-10").lab("esr", "30", day="2025-08-10")
        .form("2025-08-20", ("clavicle right -: sclerotic, hyperostosis, marrow-oedema",),
            symptom_type=("bone-pain",), symptom_onset="2025-05-05", whole_body_imaging="not-done",
            classic_presentation="yes", malignancy_excluded="yes", **WELL)
    )  # fmt: skip
    collapse = (
        Child("girl-10-vertebral-collapse", "2014-09-02", "female", coding="loinc")
        .counts("2025-06-20", hemoglobin="11.8", platelets="400").lab("ldh", "240", "105-305", "2025-06-20")
        .lab("crp", "18", day="2025-06-20").lab("esr", "42", day="2025-06-20").whole_body_mri("2025-06-10")
        .form("2025-06-30", (
            "vertebra_T6 - -: marrow-oedema, vertebral-collapse", "vertebra_T9 - -: marrow-oedema",
            "ilium left -: marrow-oedema",
        ), symptom_type=("bone-pain",), symptom_onset="2025-02-10", whole_body_imaging="done",
            malignancy_excluded="yes", **WELL)
    )  # fmt: skip
    leukaemia = (
        Child("boy-6-cytopenia", "2019-06-01", "male")
        .lab("hemoglobin", "8.9", "11.0-14.5", "2025-08-18").lab("platelets", "82", "150-450", "2025-08-18")
        .lab("leukocytes", "3.1", "4.5-13.5", "2025-08-18").lab("neutrophils", "0.7", "1.5-8.0", "2025-08-18")
        .lab("ldh", "690", "120-300", "2025-08-18").lab("urate", "420", "120-350", "2025-08-18")
        .lab("crp", "45", day="2025-08-18").lab("esr", "78", day="2025-08-18")
        .vital("8310-5", "38.6", "Cel", "2025-08-18")
        .form("2025-08-20", (
            "femur right metaphysis: marrow-oedema", "femur left metaphysis: marrow-oedema",
            "tibia right metaphysis: marrow-oedema", "tibia left metaphysis: marrow-oedema",
        ), symptom_type=("bone-pain",), symptom_onset="2025-07-01", fever="present-unexplained",
            red_flag=("hepatosplenomegaly", "night-pain", "pallor"), general_condition="affected",
            coexisting=("none",), antimicrobial_response="none-given", biopsy_status="not-done")
    )  # fmt: skip
    missing = (
        Child("boy-9-missing-data", "2016-07-07", "male", coding="loinc")
        .lab("hemoglobin", "12.2", day="2025-08-25").lab("platelets", "280", day="2025-08-25")
        .lab("ldh", "240", day="2025-08-25").lab("crp", "8", day="2025-08-25")
        .form("2025-09-01", ("tibia left metaphysis: marrow-oedema", "calcaneus right -: marrow-oedema"),
            symptom_type=("bone-pain",), symptom_onset="2025-06-15")
    )  # fmt: skip
    pustulosis = (
        Child("girl-15-pustulosis-sacroiliitis", "2010-02-02", "female", coding="loinc")
        .counts("2025-02-20", hemoglobin="12.6", platelets="350").lab("ldh", "200", "105-205", "2025-02-20")
        .lab("crp", "22", day="2025-02-20").lab("esr", "48", day="2025-02-20").whole_body_mri("2025-02-10")
        .condition(ICD10, "L40.3", "2024-05-10", onsetDateTime="2024-05-10")
        .form("2025-03-01", (
            "clavicle right -: marrow-oedema", "clavicle left -: marrow-oedema", "sternum - -: marrow-oedema",
            "vertebra_L3 - -: marrow-oedema",
        ), symptom_type=("bone-pain",), symptom_onset="2024-10-01", whole_body_imaging="done",
            classic_presentation="yes", malignancy_excluded="yes", axial_imaging="yes",
            **{**WELL, "coexisting": ("palmoplantar-pustulosis", "axial-arthritis")})
    )  # fmt: skip
    adult = (
        Child("man-24-adult-onset", "2001-01-15", "male", coding="loinc")
        .condition(SNOMED, "27520001", "2023-02-01")
        .form("2025-02-01", (
            "clavicle right -: sclerotic", "clavicle left -: sclerotic", "sternum - -: hyperostosis",
        ), symptom_type=("bone-pain",), symptom_onset="2024-06-01", coexisting=("palmoplantar-pustulosis",))
    )  # fmt: skip
    grown_up = (
        Child("woman-19-onset-at-17", "2006-06-02", "female")
        .counts("2025-01-20").lab("ldh", "180", "105-205", "2025-01-20").lab("crp", "<5", day="2025-01-20")
        .lab("esr", "12", day="2025-01-20")
        .form("2025-02-01", ("tibia left metaphysis: lytic", "femur right metaphysis: lytic"),
            symptom_type=("bone-pain",), symptom_onset="2024-06-01", **WELL)
    )  # fmt: skip
    ready = (
        _infusion_girl("girl-7-zoledronic-acid-ready")
        .lab("vitd25", "72", day="2025-09-01").lab("calcium_free", "1.24", "1.15-1.33", "2025-09-10")
        .vital("29463-7", "24.0", "kg", "2025-09-08").zoledronic_acid("2025-09-12T10:00:00+02:00", "0.6", rate="200")
        .paracetamol()
    )  # fmt: skip
    breach = (
        _infusion_girl("girl-7-zoledronic-acid-breach")
        .lab("vitd25", "38", day="2025-09-01").lab("calcium_free", "1.10", "1.15-1.33", "2025-09-10")
        .vital("29463-7", "24.0", "kg", "2025-09-08").zoledronic_acid("2025-09-12T10:00:00+02:00", "1.3", rate="300")
    )  # fmt: skip
    incomplete = (
        _infusion_girl("girl-7-zoledronic-acid-incomplete", coding="loinc")
        .lab("vitd25", "64", day="2025-08-10").zoledronic_acid("2025-09-12", "0.6")
    )  # fmt: skip
    selected = (
        _infusion_girl("girl-7-zoledronic-acid-selected", coding="loinc")
        .lab("vitd25", "64", day="2025-08-31").lab("calcium_total", "2.35", "2.24-2.60", "2025-09-05")
        .vital("29463-7", "24.0", "kg", "2025-09-05")
        .zoledronic_acid("2025-09-12", "0.9", rate="240", contained=True)
    )  # fmt: skip
    selected.hook = "order-select"
    unreadable = (
        Child("boy-11-unreadable-result", "2014-01-30", "male")
        .condition(ICD10, "M86.3", "2025-08-01").lab("hemoglobin", "8.6", day="2025-07-20")
        .lab("crp", "14", day="2025-07-20").lab("esr", "31", day="2025-07-20")
        .form("2025-08-15", ("tibia left metaphysis: marrow-oedema", "femur right metaphysis: marrow-oedema"),
            symptom_type=("bone-pain",), symptom_onset="2025-05", fever="absent")
    )  # fmt: skip
    unreadable.resources[1]["valueQuantity"] |= {"unit": "mg/dL", "code": "mg/dL"}
    record_only = (
        Child("girl-13-record-only", "2012-05-20", "female", coding="loinc")
        .condition(SNOMED, "240151005", "2025-06-01").counts("2025-05-20").lab("ldh", "190", "105-205", "2025-05-20")
        .lab("crp", "9", day="2025-05-20").lab("esr", "18", day="2025-05-20").whole_body_mri("2025-05-28")
        .add("BodyStructure", location={"coding": [{"system": SNOMED, "code": BONES["tibia"]}]},
             locationQualifier=[{"coding": [{"system": SNOMED, "code": "24028007"}]}])
    )  # fmt: skip
    after_infusion = (
        Child("girl-8-low-calcium-after-infusion", "2017-02-11", "female")
        .condition(ICD10, "M86.3", "2024-10-01").nsaid("2024-10-01").infused("2025-09-12T10:00:00+02:00")
        .lab("calcium_free", "1.05", "1.15-1.33", "2025-09-13T10:30:00+02:00")
    )  # fmt: skip
    screening = (
        Child("boy-10-whole-body-mri-first", "2015-06-06", "male", hook="order-select")
        .condition(SNOMED, "12584003", "2025-08-20", onsetDateTime="2025-06-15")
        .draft("ServiceRequest", "whole-body", code={"coding": [{"system": SNOMED, "code": "426252008"}]})
    )  # fmt: skip
    tnf_alone = (
        Child("girl-12-tnf-inhibitor-alone", "2013-04-04", "female", hook="order-sign")
        .condition(ICD10, "M86.3", "2025-06-10").nsaid("2025-06-10").counts("2025-08-20")
        .lab("ldh", "210", "105-305", "2025-08-20").whole_body_mri("2025-06-01")
        .form("2025-09-01", ("vertebra_T6 - -: marrow-oedema, vertebral-collapse",), symptom_type=("bone-pain",),
            symptom_onset="2025-02-10", whole_body_imaging="done", malignancy_excluded="yes", **WELL)
        .draft("MedicationRequest", "adalimumab",
            medicationCodeableConcept={"coding": [{"system": ATC, "code": "L04AB04"}]})
    )  # fmt: skip
    birth_date = Child("boy-5-birth-date-only", "2020-02-29", "male")
    unrelated = Child("woman-45-unrelated", "1980-03-03", "female", coding="loinc").condition(
        SNOMED, "38341003", "2019-01-01"
    )
    return [
        multifocal, clavicle, collapse, leukaemia, missing, pustulosis, adult, grown_up, ready, breach, incomplete,
        selected, unreadable, record_only, after_infusion, screening, tnf_alone, birth_date, unrelated,
    ]  # fmt: skip


def files() -> dict[Path, str]:
    """Every composed file and its text."""
    written: dict[Path, str] = {}
    for child in personas():
        folder = HERE / child.name
        for name, document in (("request.json", child.request()), ("bundle.json", child.bundle())):
            written[folder / name] = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    return written


if __name__ == "__main__":
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
