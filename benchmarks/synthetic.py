"""Synthetic children for the cohort: a hospital's usual mixture, and among them some with CNO.

Made up from the seed alone; nobody's record. The lists are what a paediatric department codes, in rough proportion.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

Json: TypeAlias = dict[str, Any]

NOW = datetime(2025, 9, 15, 10, tzinfo=ZoneInfo("Europe/Oslo"))
TODAY = NOW.date()
NLK = "urn:oid:2.16.578.1.12.4.1.1.7280"
ICD10 = "urn:oid:2.16.578.1.12.4.1.1.7110"
ICPC2 = "urn:oid:2.16.578.1.12.4.1.1.7170"
ATC = "http://www.whocc.no/atc"
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
STATUSES = "http://terminology.hl7.org/CodeSystem/condition-"
FORM = "https://example.org/cno-cds/Questionnaire/cno-assessment"
VARIANTS = ("coded", "bone-pain", "form", "lesions", "zoledronic-acid")

DIAGNOSES = {
    "J45.9": 90, "H66.9": 90, "S52.5": 50, "S82.2": 25, "S42.0": 25, "M25.5": 50, "R10.4": 70, "M08.3": 8, "M08.4": 8,
    "L20.9": 60, "J03.9": 60, "J06.9": 70, "R50.9": 40, "K59.0": 50, "F90.0": 30, "G43.9": 20, "E10.9": 15, "K90.0": 15,
    "L40.0": 10, "K50.0": 6, "K51.0": 4, "M79.6": 25, "M93.2": 6, "M92.5": 8, "D50.9": 20, "R53": 15, "R59.0": 10,
    "D69.3": 5, "C91.0": 2, "M86.9": 4, "M86.1": 3, "M46.1": 1, "A69.2": 10, "D16.2": 4, "Q78.0": 2, "N39.0": 25,
}  # fmt: skip
"""ICD-10 → how often; fractures, asthma, ear infections, arthritis, pains. M86.9 and M86.1: osteomyelitis of no kind
that says CNO."""
LIKE_CNO = "M86.6"
"""Other chronic osteomyelitis: unifocal CNO is often coded so, and a card asks."""
SHARE_LIKE_CNO, SHARE_REFUTED = 0.005, 0.01
OFTEN, HALF, SOMETIMES, SELDOM = 0.95, 0.5, 0.3, 0.1
IN_GENERAL_PRACTICE = ("R96", "H71", "D01", "L72", "A03", "S87")
DRUGS = {"M01AE01": 40, "N02BE01": 60, "J01CA04": 50, "R03AC02": 50, "L04AX03": 4, "L04AB04": 3, "H02AB06": 10}
STUDIES = {"DX": 60, "US": 30, "MR": 15, "CT": 5}
ABNORMAL = 0.07
CRP, LOWEST_CRP = "NPU19748", 5
VITALS = {"8310-5": ("37.0", "Cel"), "29463-7": ("31", "kg"), "8302-2": ("135", "cm")}


@dataclass
class Child:
    """One chart. `variant` names the kind of CNO that was planted, None for all others."""

    number: int
    random: Random
    variant: str | None = None
    resources: list[Json] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"child-{self.number}"

    def add(self, kind: str, **members: object) -> None:
        """Put a resource about this child on its chart."""
        told = "patient" if kind == "AllergyIntolerance" else "subject"
        about = {told: {"reference": f"Patient/{self.id}"}}
        name = f"{kind.lower()}-{len(self.resources)}"
        self.resources.append({"resourceType": kind, "id": name, **about, **members})

    def some_day(self, most: int = 900) -> date:
        return TODAY - timedelta(days=self.random.randint(1, most))

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def request(self, types: Mapping[str, str]) -> bytes:
        """The chart as the body of patient-view; `types`: prefetch key → resource type. A list goes under one key."""
        months = self.random.randint(18, 17 * 12)
        patient = {"resourceType": "Patient", "id": self.id, "birthDate": f"{TODAY - timedelta(days=months * 30)}"}
        key_of = {kind: key for key, kind in reversed(types.items())}
        lists: dict[str, list[Json]] = {key: [] for key, kind in types.items() if kind != "Patient"}
        for resource in self.resources:
            lists[key_of[resource["resourceType"]]].append(resource)
        found = {
            key: {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in members]}
            for key, members in lists.items()
        }
        body = {
            "hook": "patient-view",
            "hookInstance": f"6f1d0e52-5b3c-4c1e-9f0a-{self.number:012d}",
            "context": {"userId": "Practitioner/cohort", "patientId": self.id},
            "prefetch": {"patient": patient, **found},
        }
        return json.dumps(body, default=float).encode()


def children(others: int, planted: int, seed: int = 1) -> Iterator[Child]:
    """So many other children, and so many of each variant with CNO among them."""
    order = [*[None] * others, *[variant for variant in VARIANTS for _ in range(planted)]]
    Random(seed).shuffle(order)  # noqa: S311  synthetic, and the same each time
    for number, variant in enumerate(order):
        child = Child(number, Random(f"{seed} {number}"), variant)  # noqa: S311  likewise
        background(child)
        if variant is not None:
            PLANT[variant](child)
        yield child


def background(child: Child) -> None:
    """What may stand on any chart."""
    random = child.random
    diagnoses(child)
    for _ in range(random.choice((0, 0, 1, 2, 5))):
        laboratory(child, child.some_day())
    for code, (value, unit) in VITALS.items():
        if child.chance(HALF):
            result(child, coded(LOINC, code), Decimal(value) + random.randint(-2, 2), unit, child.some_day())
    for atc in random.choices(list(DRUGS), list(DRUGS.values()), k=random.choice((0, 0, 1, 2))):
        drug(child, atc, random.choice(("active", "completed", "stopped")))
    for modality in random.choices(list(STUDIES), list(STUDIES.values()), k=random.choice((0, 0, 1))):
        child.add("ImagingStudy", status="available", started=f"{child.some_day()}", modality=[{"code": modality}])
    if child.chance(SELDOM):
        child.add("AllergyIntolerance", code=coded(ATC, random.choice(("J01CA04", "N02BE01"))))


def diagnoses(child: Child) -> None:
    """Other diseases, past and present; now and then a chronic osteomyelitis, or a CNO that was refuted."""
    random = child.random
    for code in random.choices(list(DIAGNOSES), list(DIAGNOSES.values()), k=random.choice((0, 1, 1, 2, 3))):
        diagnosis(child, ICD10, code, active=child.chance(HALF), confirmed=child.chance(OFTEN))
    if child.chance(SOMETIMES):
        diagnosis(child, ICPC2, random.choice(IN_GENERAL_PRACTICE))
    if child.variant is None and child.chance(SHARE_LIKE_CNO):
        diagnosis(child, ICD10, LIKE_CNO)
    if child.chance(SHARE_REFUTED):
        child.add("Condition", verificationStatus=status("ver-status", "refuted"), code=coded(ICD10, "M86.3"))


def coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def status(kind: str, code: str) -> Json:
    return coded(f"{STATUSES}{kind}", code)


def diagnosis(
    child: Child, system: str, code: str, *, active: bool = True, confirmed: bool = True, **members: object
) -> None:
    child.add(
        "Condition",
        clinicalStatus=status("clinical", "active" if active else "resolved"),
        verificationStatus=status("ver-status", "confirmed" if confirmed else "provisional"),
        code=coded(system, code),
        recordedDate=f"{child.some_day()}",
        **members,
    )


def laboratory(child: Child, day: date) -> None:
    """A taking: most results inside their range, some outside, a few told with a comparator or without a range."""
    random = child.random
    for row in LABORATORY:
        if child.chance(HALF):
            continue
        value = Decimal(row["value"]) + random.randint(-3, 3) * Decimal(row["step"])
        if child.chance(ABNORMAL):
            value = (value * Decimal(random.choice(("0.6", "0.8", "1.5", "2.5", "6")))).quantize(Decimal(row["step"]))
        code = {"coding": [{"system": NLK, "code": row["code"], "display": row["display"]}], "text": row["display"]}
        low_high = {end: quantity(Decimal(row[end]), row["unit"]) for end in ("low", "high") if row[end]}
        known = child.chance(OFTEN)
        result(child, code, value, row["unit"], day, **({"referenceRange": [low_high]} if known else {}))


def result(child: Child, code: Json, value: Decimal, unit: str, day: date, **members: object) -> None:
    told = quantity(value, unit)
    if code["coding"][0]["code"] == CRP and value < LOWEST_CRP:
        told |= {"value": LOWEST_CRP, "comparator": "<"}
    moment = f"{day}T08:15:00+02:00"
    child.add("Observation", status="final", code=code, effectiveDateTime=moment, valueQuantity=told, **members)


def quantity(value: Decimal, unit: str) -> Json:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def drug(child: Child, atc: str, state: str) -> None:
    child.add(
        "MedicationRequest",
        status=state,
        intent="order",
        medicationCodeableConcept=coded(ATC, atc),
        authoredOn=f"{child.some_day()}",
    )


# --- the planted ones -------------------------------------------------------------------------------------------------


def plant_code(child: Child) -> None:
    diagnosis(child, ICD10, "M86.3")


def plant_bone_pain(child: Child) -> None:
    onset = TODAY - timedelta(days=child.random.randint(43, 170))
    diagnosis(child, SNOMED, "12584003", onsetDateTime=f"{onset}")


def plant_form(child: Child) -> None:
    """A clinician has answered: three lesions in the metaphyses of the legs, nothing that speaks against CNO."""
    onset = TODAY - timedelta(days=child.random.randint(60, 400))
    answers = {
        "symptom-type": "bone-pain", "fever": "absent", "mimicker": "excluded", "antimicrobial-response": "none-given",
        "biopsy-status": "not-done", "coexisting": "none", "general-condition": "good", "classic-presentation": "yes",
    }  # fmt: skip
    items = [{"linkId": key, "answer": [{"valueCoding": {"code": code}}]} for key, code in answers.items()]
    places = [("12611008", "left"), ("12611008", "right"), ("71341001", "left")]
    lesions = [{"linkId": "lesion", "item": lesion_items(bone, side)} for bone, side in places]
    child.add(
        "QuestionnaireResponse",
        questionnaire=FORM,
        status="completed",
        authored=f"{TODAY - timedelta(days=child.random.randint(0, 3))}",
        item=[*items, {"linkId": "symptom-onset", "answer": [{"valueDate": f"{onset}"}]}, *lesions],
    )


def lesion_items(bone: str, side: str) -> list[Json]:
    codes = {
        "lesion-bone": {"system": SNOMED, "code": bone},
        "lesion-side": {"code": side},
        "lesion-zone": {"code": "metaphysis"},
        "lesion-feature": {"code": "marrow-oedema"},
    }
    return [{"linkId": key, "answer": [{"valueCoding": coding}]} for key, coding in codes.items()]


def plant_lesions(child: Child) -> None:
    """Two sclerotic lesions that imaging has found, and no diagnosis yet."""
    for bone in child.random.sample(("51299004", "12611008", "71341001", "91609006"), k=2):
        child.add(
            "Observation",
            status="final",
            code=coded(SNOMED, "49347007"),
            bodySite=coded(SNOMED, bone),
            effectiveDateTime=f"{child.some_day(90)}",
        )


def plant_zoledronic_acid(child: Child) -> None:
    """Infusions half a year apart, and none for longer than planned."""
    last = TODAY - timedelta(days=child.random.randint(230, 330))
    for back in (0, 185):
        child.add(
            "MedicationAdministration",
            status="completed",
            medicationCodeableConcept=coded(ATC, "M05BA08"),
            effectiveDateTime=f"{last - timedelta(days=back)}T09:00:00+01:00",
        )


PLANT = dict(
    zip(VARIANTS, (plant_code, plant_bone_pain, plant_form, plant_lesions, plant_zoledronic_acid), strict=True)
)


def laboratory_rows() -> list[dict[str, str]]:
    with (Path(__file__).parent / "labs.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


LABORATORY = laboratory_rows()
