"""Reads tests/vignettes/*.toml: cases in clinical words, made into the facts that the guideline is asked about.

`given` describes a child; `like` names another vignette, and `but` what is different from it (one level, never two).
`each` makes one vignette of every word in its list, put in place of `{each}`; "a and b" in place of `{first}`, `{second}`.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cds_service.guideline.dates import When, add_months
from cds_service.guideline.facts import (
    BiopsyRecord,
    Coded,
    Condition,
    Dose,
    Drug,
    Facts,
    Form,
    Lesion,
    Measurement,
    Order,
    Planned,
    Rate,
    Study,
)
from cds_service.guideline.interval import Interval, Truth

FOLDER = Path(__file__).parent.parent / "vignettes"
OSLO = ZoneInfo("Europe/Oslo")
FORM = "QuestionnaireResponse/form"
UNITS = {
    "hemoglobin": "g/dL", "crp": "mg/L", "esr": "mm/h", "ldh": "U/L", "alp": "U/L", "vitd25": "nmol/L",
    "calcium_free": "mmol/L", "calcium_total": "mmol/L", "calcium_albcorr": "mmol/L", "urate": "umol/L",
    "vitamin_c": "umol/L", "body_temperature": "Cel", "body_weight": "kg",
    **dict.fromkeys(("platelets", "leukocytes", "neutrophils", "lymphocytes", "blasts"), "10*9/L"),
}  # fmt: skip
DATED_ANSWERS = frozenset(
    {"symptom-onset", "symptom-end", "pinned-crp", "pinned-esr", "pinned-hemoglobin"}
)  # fmt: skip
LISTS = ("lesions", "recorded-lesions", "conditions", "findings", "studies", "biopsies", "drugs", "orders")
_NUMBER = r"\d+(?:\.\d+)?"
_LAB = re.compile(
    rf"(?P<name>\w+) (?P<comparator>[<>≤≥]?)(?P<value>{_NUMBER}) (?P<unit>\S+)"
    r"(?: \((?P<range>[^)]+)\))?(?: (?P<flag>low|normal|high|abnormal))?(?P<part> partial)? (?P<when>\S+)"
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


@dataclass(frozen=True)
class Vignette:
    """One case: the facts, the day, and what is expected; `theme` is the file it stands in."""

    name: str
    theme: str
    facts: Facts
    today: date
    expect: Mapping[str, Any]


def load() -> dict[str, Vignette]:
    """All vignettes of all files, by name."""
    rows = [row for path in sorted(FOLDER.glob("*.toml")) for row in _expanded(path)]
    given = {row["name"]: row["given"] for row in rows if "given" in row}
    found = [_vignette(row, given) for row in rows]
    by_name = {vignette.name: vignette for vignette in found}
    if len(by_name) < len(found):
        raise ValueError("Two vignettes have one name.")
    return by_name


def _expanded(path: Path) -> Iterator[dict[str, Any]]:
    for found in tomllib.loads(path.read_text("utf-8"))["vignette"]:
        row = {**found, "theme": path.stem}
        words = row.pop("each", None)
        if words is None:
            yield row
        for word in words or ():
            yield _with_word({**row, "name": f"{row['name']} [{word}]"}, word)


def _with_word(part: Any, word: str) -> Any:
    if isinstance(part, dict):
        return {_with_word(key, word): _with_word(value, word) for key, value in part.items()}
    if isinstance(part, list):
        return [_with_word(value, word) for value in part]
    if not isinstance(part, str):
        return part
    first, _, second = word.partition(" and ")
    return part.replace("{each}", word).replace("{first}", first).replace("{second}", second)


def _vignette(row: Mapping[str, Any], given: Mapping[str, Mapping[str, Any]]) -> Vignette:
    unknown = set(row) - {"name", "theme", "given", "like", "but", "expect"}
    if unknown or ("given" in row) == ("like" in row):
        raise ValueError(f"{row['name']}: either given, or like and but; what is {unknown}?")
    case = row["given"] if "given" in row else _merged(given[row["like"]], row["but"])
    return Vignette(row["name"], row["theme"], facts_of(case), date.fromisoformat(case["today"]), row["expect"])


def _merged(base: Mapping[str, Any], but: Mapping[str, Any]) -> dict[str, Any]:
    """Answers replace answers (`unknown` takes one away), results those of the same name, all else as a whole."""
    case = {**base, **but}
    case["answers"] = {**base.get("answers", {}), **but.get("answers", {})}
    changed = {lab.split()[0] for lab in but.get("labs", ())}
    kept = [lab for lab in base.get("labs", ()) if lab.split()[0] not in changed]
    case["labs"] = [*kept, *(lab for lab in but.get("labs", ()) if not lab.endswith(" none"))]
    return case


def facts_of(case: Mapping[str, Any]) -> Facts:
    """The facts that a description stands for."""
    known = {*LISTS, "born", "today", "authored", "answers", "labs", "allergies", "not-received", "unreadable"}
    if set(case) - known:
        raise ValueError(f"Not understood: {set(case) - known}")
    return Facts(
        patient_id="child",
        born=when(case.get("born", "undated")),
        measurements=measurements(case.get("labs", ())),
        conditions=tuple(condition(text, at) for at, text in enumerate(case.get("conditions", ()))),
        lesions=tuple(recorded_lesion(text, at) for at, text in enumerate(case.get("recorded-lesions", ()))),
        findings=tuple(finding(text, at) for at, text in enumerate(case.get("findings", ()))),
        studies=tuple(study(text, at) for at, text in enumerate(case.get("studies", ()))),
        biopsies=tuple(biopsy(text, at) for at, text in enumerate(case.get("biopsies", ()))),
        drugs=tuple(drug(text, at) for at, text in enumerate(case.get("drugs", ()))),
        allergies=frozenset(case.get("allergies", ())),
        orders=tuple(order(text, at) for at, text in enumerate(case.get("orders", ()))),
        form=form(case),
        not_received=frozenset(case.get("not-received", ())),
        unreadable=frozenset(case.get("unreadable", ())),
    )  # fmt: skip


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
    """`img:wbmri whole-body 2025-08-20`; `regional`, or `unclear` where the clinician must be asked."""
    kind, reach, day = text.split()
    whole = {"whole-body": Truth.YES, "regional": Truth.NO, "unclear": Truth.UNKNOWN}[reach]
    return Study(kind, f"ImagingStudy/study-{at}", whole, when(day))


def biopsy(text: str, at: int) -> BiopsyRecord:
    """`procedure 2025-05-01` or `histology 2025-05-05`."""
    kind, day = text.split()
    return BiopsyRecord(kind, f"Procedure/biopsy-{at}", when(day))  # type: ignore[arg-type]


def drug(text: str, at: int) -> Drug:
    """`zoledronic_acid administration completed 2025-05-05`."""
    concept, kind, status, day = text.split()
    return Drug(f"drug:{concept}", kind, status, f"Medication/drug-{at}", when(day))  # type: ignore[arg-type]


def order(text: str, at: int) -> Order:
    """`drug:zoledronic_acid; dose 0.6 mg; rate 240 mL/h; volume 100 mL; planned 2025-10-20T10:00`."""
    concept, *words = text.split("; ")
    members: dict[str, Any] = {}
    for word in words:
        first, rest = word.split(" ", 1)
        amount, _, unit = rest.partition(" ")
        if rest == "unreadable":
            members[f"{first}_unreadable"] = True
        elif first == "dose":
            members["dose"] = Dose(Decimal(amount), per_kg={"mg": False, "mg/kg": True}[unit])
        elif first == "rate":
            members["rate"] = Rate(Decimal(amount), per_kg={"mL/h": False, "mL/kg/h": True}[unit])
        elif first == "volume":
            members["volume"] = Decimal(amount)
        else:
            members["planned"] = Planned(when(rest), "timing")
    return Order(concept, f"MedicationRequest/order-{at}", **members)


def form(case: Mapping[str, Any]) -> Form | None:
    """The clinician's answers, authored today unless said otherwise; none at all: no form."""
    answers = {name: [given] if isinstance(given, str) else given for name, given in case.get("answers", {}).items()}
    lesions = tuple(lesion(text, FORM) for text in case.get("lesions", ()))
    if not answers and not lesions:
        return None
    choices = {name: frozenset(given) - {"unknown"} for name, given in answers.items() if name not in DATED_ANSWERS}
    dates = {name: when(answers[name][0]) for name in answers if name in DATED_ANSWERS and answers[name] != ["unknown"]}
    return Form(
        FORM,
        when(case.get("authored", case["today"])),
        {name: codes for name, codes in choices.items() if codes},
        frozenset(name for name, given in answers.items() if "unknown" in given),
        {name: day for name, day in dates.items() if day},
        lesions,
    )
