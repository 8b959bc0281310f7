"""Clinical words, as a vignette writes them, made into facts: one line of text is one result, lesion or diagnosis."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from cds_service.guideline.dates import When, add_months
from cds_service.guideline.facts import (
    BiopsyRecord,
    Coded,
    Condition,
    Dose,
    Drug,
    Lesion,
    Measurement,
    Order,
    Planned,
    Rate,
    Study,
)
from cds_service.guideline.interval import Interval, Truth

OSLO = ZoneInfo("Europe/Oslo")
UNITS = {
    "hemoglobin": "g/dL", "crp": "mg/L", "esr": "mm/h", "ldh": "U/L", "alp": "U/L", "vitd25": "nmol/L",
    "calcium_free": "mmol/L", "calcium_total": "mmol/L", "calcium_albcorr": "mmol/L", "urate": "umol/L",
    "vitamin_c": "umol/L", "body_temperature": "Cel", "body_weight": "kg", "body_height": "cm", "creatinine": "umol/L",
    **dict.fromkeys(("alt", "ast", "ggt"), "U/L"), "tsh": "m[IU]/L", "ft4": "pmol/L", "fecal_calprotectin": "mg/kg",
    **dict.fromkeys(("sodium", "potassium", "phosphate"), "mmol/L"),
    **dict.fromkeys(("platelets", "leukocytes", "neutrophils", "lymphocytes", "blasts"), "10*9/L"),
}  # fmt: skip
_NUMBER = r"\d+(?:\.\d+)?"
_LAB = re.compile(
    rf"(?P<name>\w+) (?P<comparator>[<>≤≥]?)(?P<value>{_NUMBER}) (?P<unit>\S+)"
    r"(?: \((?P<range>[^)]+)\))?(?: (?P<flag>low|normal|high|abnormal))?(?P<alarm> alarm)?(?P<part> partial)?"
    r" (?P<when>\S+)"
)
_LESION = re.compile(
    r"(?P<bone>\w+|\?)(?: (?P<side>left|right|bilateral|midline))?(?: (?P<zone>metaphysis|diaphysis|epiphysis|other))?"
    r"(?:: (?P<features>[a-z -]+?))?(?: on (?P<when>\S+))?"
)
_CONDITION_WORDS: Mapping[str, tuple[str, Any]] = {
    "unconfirmed": ("confirmed", Truth.UNKNOWN),
    "inactive": ("active", Truth.NO),
    "status missing": ("status_given", False),
    "early infection": ("early_infection", True),
}


def when(text: str) -> When | None:
    """A day, a month, a year, a moment in Oslo, or `undated`."""
    if text == "undated":
        return None
    if "T" in text:
        moment = datetime.fromisoformat(text).replace(tzinfo=OSLO)
        return When(moment.date(), moment.date(), moment)
    parts = [int(part) for part in text.split("-")]
    if len(parts) == 3:
        return When.on(date(*parts))
    first = date(*parts, *[1] * (3 - len(parts)))
    return When(first, add_months(first, 1 if len(parts) == 2 else 12) - timedelta(days=1))


def interval(comparator: str, value: str) -> Interval:
    """What a result with a comparator says of the number."""
    number = Decimal(value)
    return {
        "": Interval.exactly(number),
        "<": Interval(None, number, high_open=True),
        "≤": Interval(None, number),
        ">": Interval(number, None, low_open=True),
        "≥": Interval(number, None),
    }[comparator]


def measurements(labs: list[str]) -> dict[str, tuple[Measurement, ...]]:
    """Results by name, newest first, undated last."""
    found: dict[str, list[Measurement]] = {}
    for at, text in enumerate(labs):
        one = measurement(text, at)
        found.setdefault(one.name, []).append(one)
    return {name: newest_first(values) for name, values in found.items()}


def newest_first(values: list[Measurement]) -> tuple[Measurement, ...]:
    """As the reader of FHIR orders them."""
    return tuple(sorted(values, key=lambda one: one.when.latest if one.when else date.min, reverse=True))


def measurement(text: str, at: int) -> Measurement:
    """`hemoglobin 12.4 g/dL (11.5–15.5) 2025-09-01`: a range and a flag where the report has one."""
    found = _LAB.fullmatch(text)
    if found is None or UNITS[found["name"]] != found["unit"]:
        raise ValueError(f"No result: {text}")
    return Measurement(
        name=found["name"],
        value=interval(found["comparator"], found["value"]),
        unit=found["unit"],
        when=when(found["when"]),
        source=f"Observation/{found['name']}-{at}",
        reference=reference(found["range"]) if found["range"] else None,
        flag=found["flag"],
        preferred=not found["part"],
        alarm=bool(found["alarm"]),
    )


def reference(text: str) -> Interval:
    """`11.5–15.5`, `<12`, `≤300`, `≥150`."""
    if "–" in text:
        low, high = text.split("–")
        return Interval(Decimal(low), Decimal(high))
    return interval(text[0], text[1:])


def lesion(text: str, source: str) -> Lesion:
    """`tibia right metaphysis: marrow-oedema lytic on 2025-08-20`; `?` for a bone that could not be read."""
    found = _LESION.fullmatch(text)
    if found is None:
        raise ValueError(f"No lesion: {text}")
    return Lesion(
        bone=None if found["bone"] == "?" else found["bone"],
        source=source,
        side=found["side"],
        zone=found["zone"],
        features=frozenset((found["features"] or "").split()),
        when=when(found["when"] or "undated"),
    )


def recorded_lesion(text: str, at: int) -> Lesion:
    """The same, from the record."""
    return lesion(text, f"Observation/lesion-{at}")


def condition(text: str, at: int) -> Condition:
    """`mimic_leukemia; unconfirmed; onset 2025-05; recorded 2025-06-01`: confirmed and active unless said otherwise."""
    concept, *words = text.split("; ")
    members: dict[str, Any] = {}
    for word in words:
        first, _, rest = word.partition(" ")
        if word in _CONDITION_WORDS:
            key, value = _CONDITION_WORDS[word]
            members[key] = value
        elif first in ("onset", "recorded"):
            members[first] = when(rest)
        elif first == "lines":
            members["cell_lines"] = frozenset(rest.split())
        else:
            members["value"] = word
    return Condition(concept, f"Condition/{concept}-{at}", **members)


def finding(text: str, at: int) -> Coded:
    """`finding:lytic_possible present 2025-09-01`."""
    name, value, day = text.split()
    return Coded(name, value, f"Observation/finding-{at}", when(day))


def study(text: str, at: int) -> Study:
    """`img:wbmri whole-body 2025-08-20`; `regional`, or `unclear` where the clinician must be asked; `contrast`."""
    kind, reach, day, *contrast = text.split()
    whole = {"whole-body": Truth.YES, "regional": Truth.NO, "unclear": Truth.UNKNOWN}[reach]
    return Study(kind, f"ImagingStudy/study-{at}", whole, when(day), contrast == ["contrast"])


def biopsy(text: str, at: int) -> BiopsyRecord:
    """`procedure 2025-05-01` or `histology 2025-05-05`."""
    kind, day = text.split()
    return BiopsyRecord(kind, f"Procedure/biopsy-{at}", when(day))  # type: ignore[arg-type]


def drug(text: str, at: int) -> Drug:
    """`zoledronic_acid administration completed 2025-05-05`, also with the day it ended; no day where none is told."""
    concept, kind, status, *days = text.split()
    start, end = (*(when(day) for day in days), None, None)[:2]
    return Drug(f"drug:{concept}", kind, status, f"Medication/drug-{at}", start, end)  # type: ignore[arg-type]


def order(text: str, at: int) -> Order:
    """`drug:zoledronic_acid; dose 0.6 mg; rate 240 mL/h; volume 100 mL; planned 2025-10-20`; `stops`, `contrast`.

    `other 6 mg`, `other 100 mL/h`: a dose or rate beside the ordered one.
    """
    concept, *words = text.split("; ")
    members: dict[str, Any] = {}
    for word in words:
        first, _, rest = word.partition(" ")
        amount, _, unit = rest.partition(" ")
        if not rest:
            members[first] = True
        elif rest == "unreadable":
            members[f"{first}_unreadable"] = True
        elif first == "other":
            kind = Dose if unit.startswith("mg") else Rate
            members[f"other_{kind.__name__.lower()}s"] = (kind(Decimal(amount), per_kg="/kg" in unit),)
        elif first == "dose":
            members["dose"] = Dose(Decimal(amount), per_kg={"mg": False, "mg/kg": True}[unit])
        elif first == "rate":
            members["rate"] = Rate(Decimal(amount), per_kg={"mL/h": False, "mL/kg/h": True}[unit])
        elif first == "volume":
            members["volume"] = Decimal(amount)
        else:
            members["planned"] = Planned(when(rest), "timing")
    return Order(concept, f"MedicationRequest/order-{at}", **members)
