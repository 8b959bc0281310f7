"""Every FHIR R4 resource that we emit: outcomes, the form, and the draft orders of suggestions."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from cds_service.guideline.tables import TABLES
from cds_service.mappings.form import FORM, LANGUAGES, Language

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cds_service.mappings.form import FormItem, Titles

Json: TypeAlias = dict[str, object]

UCUM = "http://unitsofmeasure.org"
SNOMED_CT = "http://snomed.info/sct"
TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"
_TABLES: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("terminology").joinpath("outgoing.toml").read_text("utf-8")
)
TESTS = frozenset(_TABLES["test"])
"""The laboratory tests that can be suggested, by concept."""
_REQUESTS: dict[str, Any] = _TABLES["test"] | _TABLES["imaging"] | _TABLES["biopsy"] | _TABLES["referral"]
REQUESTS = frozenset(_REQUESTS)
"""All that can be suggested as a ServiceRequest: TESTS, imaging, what belongs to a biopsy, and referrals."""
_ID = re.compile(r"[A-Za-z0-9.\-_]{1,256}").fullmatch
_CODE = re.compile(r"[a-z]+(?:-[a-z]+)*").fullmatch


def is_sound_id(text: str | None) -> bool:
    """Whether a reference to that id may stand in what we emit."""
    return bool(text) and _ID(text or "") is not None


def operation_outcome(code: str, diagnostics: str) -> Json:
    """An error as FHIR tells it: `code` of the issue types, `diagnostics` naming fields and codes, never values.

    Raises:
        ValueError: `code` cannot be one.
    """
    if not _CODE(code):
        raise ValueError("An issue type consists of small letters and hyphens.")
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": code, "diagnostics": diagnostics}],
    }


def service_request(key: str, patient_id: str, *, due: date | None, language: Language) -> Json:
    """A draft order of one of REQUESTS, for a day.

    Raises:
        KeyError: no such request.
        ValueError: an id that is none.
    """
    row = _REQUESTS[key]
    request = _draft("ServiceRequest", patient_id) | {"code": _code(row, language)}
    if "details" in row:
        request["orderDetail"] = [{"coding": _codings(row["details"])}]
    return request if due is None else request | {"occurrenceDateTime": due.isoformat()}


def paracetamol_request(patient_id: str, dose_mg: Decimal, *, planned: date, language: Language) -> Json:
    """A draft order of paracetamol before the infusion, after it, and then as needed (ZOL-04 to ZOL-06).

    Raises:
        ValueError: an id that is none, or a dose that is no positive number.
    """
    if not dose_mg.is_finite() or dose_mg <= 0:
        raise ValueError("The dose is not a positive number of milligrams.")
    words = _TABLES["paracetamol"]
    numbers = TABLES.infusion
    hours, most = numbers.paracetamol_hours.count, numbers.paracetamol_doses_per_day.count
    dose: Json = {"doseAndRate": [{"doseQuantity": _milligrams(dose_mg)}]}
    return _draft("MedicationRequest", patient_id) | {
        "medicationCodeableConcept": _code(words, language),
        "dosageInstruction": [
            {"sequence": 1, "text": words["before"][language], "timing": {"event": [planned.isoformat()]}, **dose},
            {"sequence": 2, "text": words["after"][language].format(hours=hours), **dose},
            {
                "sequence": 3,
                "text": words["later"][language].format(hours=hours, most=most),
                "timing": {"repeat": {"frequency": 1, "period": hours, "periodUnit": "h"}},
                "asNeededBoolean": True,
                **dose,
                "maxDosePerPeriod": {
                    "numerator": _milligrams(dose_mg * most),
                    "denominator": {"value": 24, "unit": "h", "system": UCUM, "code": "h"},
                },
            },
        ],
    }


def questionnaire(canonical_base: str) -> Json:
    """The clinician form as an R4 Questionnaire: Norwegian (nb), with the other languages as translations."""
    codes = f"{canonical_base}/CodeSystem/cno-assessment"
    return {
        "resourceType": "Questionnaire",
        "id": "cno-assessment",
        "language": LANGUAGES[0],
        "url": f"{canonical_base}/Questionnaire/cno-assessment",
        "name": "CnoAssessment",
        **_told("title", FORM.titles),
        "status": "active",
        "subjectType": ["Patient"],
        "item": [_form_item(item, codes) for item in FORM.items],
    }


def check_templates() -> None:
    """Validate one of each resource that we emit.

    Raises:
        ValueError: one is not valid R4.
    """
    # fhir.resources takes a third of a second to import, and only the start and the tests need it.
    from fhir.resources.R4B import get_fhir_model_class  # noqa: PLC0415  slow to load

    for resource in _examples():
        get_fhir_model_class(str(resource["resourceType"])).model_validate(resource)


def _examples() -> Iterable[Json]:
    day = date(2000, 2, 29)
    yield operation_outcome("structure", "The body is not a JSON object.")
    yield questionnaire("https://example.org/cno-cds")
    for language in LANGUAGES:
        yield paracetamol_request("p-1", Decimal("247.5"), planned=day, language=language)
        for key in sorted(REQUESTS):
            yield service_request(key, "p-1", due=day, language=language)
            yield service_request(key, "p-1", due=None, language=language)


def _draft(resource_type: str, patient_id: str) -> Json:
    if not is_sound_id(patient_id):
        raise ValueError("The patient's id is not a FHIR id.")
    subject = {"reference": f"Patient/{patient_id}"}
    return {"resourceType": resource_type, "status": "draft", "intent": "order", "subject": subject}


def _code(row: Mapping[str, Any], language: Language) -> Json:
    """The codes, if there are any, and the text."""
    told: Json = {"coding": _codings(row["codes"])} if "codes" in row else {}
    return told | {"text": row[language]}


def _codings(codes: Iterable[tuple[str, str]]) -> list[Json]:
    return [{"system": system, "code": code} for system, code in codes]


def _milligrams(amount: Decimal) -> Json:
    return {"value": Decimal(f"{amount.normalize():f}"), "unit": "mg", "system": UCUM, "code": "mg"}


def _form_item(item: FormItem, codes: str) -> Json:
    members: Json = {"linkId": item.link_id, **_told("text", item.titles)}
    members["type"] = item.kind if item.kind in {"date", "group"} else "choice"
    if item.repeats:
        members["repeats"] = True
    if item.items:
        members["item"] = [_form_item(inner, codes) for inner in item.items]
    if members["type"] == "choice":
        offered = FORM.bones if item.kind == "bone" else item.answers
        system = SNOMED_CT if item.kind == "bone" else codes
        options = [_option(system, code, titles) for code, titles in offered.items()]
        members["answerOption"] = [*options, _option(codes, "unknown", FORM.unknown)]
    return members


def _option(system: str, code: str, titles: Titles) -> Json:
    return {"valueCoding": {"system": system, "code": code, **_told("display", titles)}}


def _told(member: str, titles: Titles) -> Json:
    """A text member with its translations."""
    first, *others = LANGUAGES
    translations = [
        {
            "url": TRANSLATION,
            "extension": [{"url": "lang", "valueCode": language}, {"url": "content", "valueString": titles[language]}],
        }
        for language in others
    ]
    return {member: titles[first], f"_{member}": {"extension": translations}}
