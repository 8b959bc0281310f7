"""Reads tests/vignettes/*.toml: cases in clinical words, made into the facts that the guideline is asked about.

`given` describes a child; `like` names another vignette, and `but` what is different from it (one level, never two).
`each` makes one vignette of every word in its list, put in place of `{each}`; of "a and b", `{first}` and `{second}`.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from cds_service.guideline.facts import Facts, Form
from tests.guideline.clinical_words import (
    biopsy,
    condition,
    drug,
    finding,
    lesion,
    measurements,
    order,
    recorded_lesion,
    study,
    when,
)

FOLDER = Path(__file__).parent.parent / "vignettes"
FORM = "QuestionnaireResponse/form"
DATED_ANSWERS = frozenset(
    {"symptom-onset", "symptom-end", "pinned-crp", "pinned-esr", "pinned-hemoglobin"}
)  # fmt: skip
WORDS = ("allergies", "not-received", "unreadable", "requested")
LISTS = ("lesions", "recorded-lesions", "conditions", "findings", "studies", "biopsies", "drugs", "orders")


@dataclass(frozen=True)
class Vignette:
    """One case: the facts, the day, and what is expected; `theme` is the file it stands in."""

    name: str
    theme: str
    facts: Facts
    today: date
    moment: datetime | None
    whole_body_mri: bool
    expect: Mapping[str, Any]


@cache
def load() -> dict[str, Vignette]:
    """All vignettes of all files, by name; read once."""
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
    now = when(case["now"]) if "now" in case else None
    return Vignette(
        row["name"],
        row["theme"],
        facts_of(case),
        date.fromisoformat(case["today"]),
        now.moment if now else None,
        case.get("whole-body-mri", True),
        row["expect"],
    )


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
    known = {*LISTS, *WORDS, "born", "today", "now", "whole-body-mri", "authored", "answers", "labs"}
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
        requested=frozenset(case.get("requested", ())),
        form=form(case),
        not_received=frozenset(case.get("not-received", ())),
        unreadable=frozenset(case.get("unreadable", ())),
    )  # fmt: skip


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
