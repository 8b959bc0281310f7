#!/usr/bin/env python3
"""Writes docs/traceability.csv and .html: each rule of the text with its numbers, its tests and its words on cards.

Run as `python -m scripts.traceability`. A test is a vignette that expects something of the rule; that the evaluation
agrees with each expectation is what tests/guideline/test_vignettes.py holds.
"""

import csv
import io
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from cds_service.guideline.provenance import (
    Rule,
    guideline_edition,
    interpretations,
    rules,
    rules_digest,
    rules_version,
)
from cds_service.guideline.tables import TABLES, Number
from cds_service.hooks.card_draft import PLAN
from cds_service.hooks.language import LANGUAGES
from tests.guideline.expectation import DOMAINS
from tests.guideline.vignette import load

DOCS = Path(__file__).parent.parent / "docs"
PAGE = Path(__file__).parent / "traceability.html"
RULE_ID = re.compile(r"[A-Z]{3}-\d(?:\d[a-z]?|\.[0-9T][a-z]?)")
NAMED = ("findings", "criteria", "biopsy", "checks", "shown", "facts", "reasons")
LISTED = ("consider", "refrain", "not-assessed")
SILENT = ("none", "not-met", "absent", "unknown", "ok", "nowhere", "not-assessed")
REACHED = {"fulfilled": True, "provisionally-fulfilled": True, "not-fulfilled": False}
WORDS: Mapping[str, tuple[str, ...]] = {
    "BGR-02": ("classification.adult",),
    "CLS-1.0": ("classification.entry",),
    "CLS-2.0": ("classification.exclusion",),
    "CLS-3.1": ("domains.bone_biopsy",),
    "CLS-3.2": ("domains.age_at_onset", "domains.age", "domains.age_from_record"),
    "CLS-3.3": ("domains.site",),
    "CLS-3.4": ("domains.distribution", "domains.open_side", "patterns"),
    "CLS-3.5": ("domains.coexisting_conditions",),
    "CLS-3.6": ("domains.hemoglobin",),
    "CLS-3.7": ("domains.fever",),
    "CLS-3.8": ("domains.esr",),
    "CLS-3.9": ("domains.crp",),
    "CLS-4.1": tuple(
        f"classification.{verdict}"
        for verdict in (*REACHED, "undetermined", "excluded", "not-applicable", "exclusion_present")
    ),
    "CLS-4.2": ("classification.undetermined",),
    "CLS-4.3": ("sources.criteria", "classification.not-fulfilled"),
    "BIO-09": ("biopsy",),
    "DDX-14": ("findings.also_in_cno",),
    "ZOL-04": ("infusion.paracetamol", "suggestions.paracetamol"),
    "ZOL-05": ("infusion.paracetamol", "suggestions.paracetamol"),
    "ZOL-06": ("infusion.paracetamol", "suggestions.paracetamol"),
    "ZOL-07": ("infusion.dose",),
    "ZOL-10": ("infusion.rate",),
    "ZOL-11": ("infusion.controls", "suggestions.calcium_first"),
    "ZOL-12": ("infusion.controls", "suggestions.calcium_second"),
    "KUS-01": ("groups.examination",),
    "KUS-05": ("groups.examination",),
    "KUS-06": ("groups.examination",),
    "BEH-01": ("remarks.evidence",),
    "BEH-02": ("remarks.goals",),
    "BEH-03": ("remarks.goals",),
    "OPP-06": ("remarks.shared",),
}
"""Words that belong to a rule and do not stand under its id."""
HEADINGS = (
    "clause", "section", "title", "place", "kind", "through", "reason", "numbers", "readings", "tests: fires",
    "tests: does not fire", *(f"card text {language}" for language in LANGUAGES),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One rule and all that hangs on it. A test is the file of a vignette and its name."""

    rule: Rule
    numbers: Sequence[str]
    readings: Sequence[str]
    fires: Sequence[tuple[str, str]]
    silent: Sequence[tuple[str, str]]
    words: Mapping[str, Mapping[str, str]]


def rows() -> list[Row]:
    """Every rule, in the order of the text."""
    tests = tests_by_rule()
    return [
        Row(
            rule,
            [f"{place} {number.value} {number.unit}{', ours' * number.ours}" for place, number in numbers(rule.id)],
            [reading.id for reading in interpretations() if rule.id in reading.clauses],
            tests.get((rule.id, True), []),
            tests.get((rule.id, False), []),
            {language: words(rule.id, language) for language in LANGUAGES},
        )
        for rule in rules()
    ]


def numbers(rule: str | None = None) -> list[tuple[str, Number]]:
    """The numbers of a rule, or all, with the file and the block in which each stands."""
    found = [
        (f"{table.FILE}:{field.name}", getattr(table, field.name))
        for table in TABLES.numbers
        for field in fields(table)  # type: ignore[arg-type]  # each is a dataclass
    ]
    return [(place, number) for place, number in found if rule in (None, number.clause)]


def tests_by_rule() -> dict[tuple[str, bool], list[tuple[str, str]]]:
    """Rule and side → the vignettes that name it so; those made of one by `each` are told as one, with their number."""
    counted: dict[tuple[str, bool], dict[tuple[str, str], int]] = {}
    for vignette in load().values():
        for side in sorted(set(sides(vignette.expect))):
            name = (f"tests/vignettes/{vignette.theme}.toml", vignette.name.partition(" [")[0])
            cases = counted.setdefault(side, {})
            cases[name] = cases.get(name, 0) + 1
    return {
        side: [(file, name if count == 1 else f"{name} (×{count})") for (file, name), count in cases.items()]
        for side, cases in counted.items()
    }


def sides(expect: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Which rules a vignette expects to fire, and which not. A rule that it does not name is not tested by it."""
    for part in ("findings", "criteria", "biopsy", "checks"):
        for rule, said in expect.get(part, {}).items():
            yield rule, said.split()[0] not in SILENT
    for part in LISTED:
        for rule in expect.get(part, ()):
            yield rule, part != "not-assessed"
    for word in expect.get("domains", "").split():
        yield f"CLS-3.{DOMAINS.index(word[0]) + 1}", not word[1:].startswith("0")
    yield from conclusions(expect)


def conclusions(expect: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """The same for what sums up the criteria."""
    if "entry" in expect:
        yield "CLS-1.0", expect["entry"] == "met"
    if "exclusion" in expect:
        yield "CLS-2.0", expect["exclusion"] == "present"
    if "score" in expect:
        yield "CLS-3.0", expect["score"] != "none"
    if "verdict" in expect:
        yield "CLS-4.1", REACHED.get(expect["verdict"], False)
    if expect.get("verdict") in REACHED:
        yield "CLS-3.T", REACHED[expect["verdict"]]
    if "deciding" in expect:
        yield "CLS-4.2", bool(expect["deciding"])


def expected_ids() -> set[str]:
    """Every rule id that a vignette names in what it expects."""
    expects = [vignette.expect for vignette in load().values()]
    return {rule for expect in expects for part in (*NAMED, *LISTED) for rule in expect.get(part, ())}


@cache
def texts(language: str) -> Mapping[tuple[str, ...], str]:
    """All words of a language, by the path of their keys."""
    path = files("cds_service.hooks") / f"wording.{language}.toml"
    return dict(_flat((), tomllib.loads(path.read_text("utf-8"))))


def words(rule: str, language: str) -> Mapping[str, str]:
    """The words of a rule: those under its id, those of the group that it is told with, and those that WORDS names."""
    also = (*WORDS.get(rule, ()), *(f"groups.{group}" for group, told in PLAN["groups"].items() if rule in told))
    return {
        ".".join(path): text
        for path, text in texts(language).items()
        if rule in path or any(f"{'.'.join(path)}.".startswith(f"{prefix}.") for prefix in also)
    }


def ids_in_words(language: str) -> set[str]:
    """Every rule id that the words of a language stand under."""
    return {part for path in texts(language) for part in path if RULE_ID.fullmatch(part)}


def gaps(row: Row) -> list[str]:
    """What is missing of a rule: a test on either side, words in a language."""
    missing = []
    if row.rule.kind == "rule":
        missing += [
            f"no test where it {side}" for side, tests in (("fires", row.fires), ("does not", row.silent)) if not tests
        ]
    if row.rule.kind in ("rule", "display"):
        missing += [f"no card text {language}" for language in LANGUAGES if not row.words[language]]
    return missing


def as_csv(all_rows: Sequence[Row]) -> str:
    """One line per rule; what is several stands on lines of its own inside a cell."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEADINGS)
    for row in all_rows:
        rule = row.rule
        told = [[f"{file}: {name}" for file, name in tests] for tests in (row.fires, row.silent)]
        cards = [[f"{key}: {text}" for key, text in row.words[language].items()] for language in LANGUAGES]
        several = (rule.through, [rule.reason], row.numbers, row.readings, *told, *cards)
        writer.writerow(
            [rule.id, rule.section, rule.title, rule.place, rule.kind, *("\n".join(part) for part in several)]
        )
    return file.getvalue()


def as_html(all_rows: Sequence[Row]) -> str:
    """The same as a page of its own, readable without script."""
    parts: dict[str, list[Row]] = {}
    for row in all_rows:
        parts.setdefault(row.rule.section, []).append(row)
    kinds = [row.rule.kind for row in all_rows]
    open_ones = [f"{row.rule.id}: {', '.join(missing)}" for row in all_rows if (missing := gaps(row))]
    return Template(PAGE.read_text("utf-8")).substitute(
        edition=escape(guideline_edition()),
        version=escape(f"{rules_version()}, {rules_digest()}"),
        counts=f"{len(kinds)} rules: " + ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)),
        gaps=_list(open_ones) if open_ones else "<p>None.</p>",
        body="\n".join(_section(section, members) for section, members in parts.items()),
    )


def _section(section: str, members: Sequence[Row]) -> str:
    head = f'<tr><th colspan="7" scope="rowgroup" lang="nb">{escape(section)}</th></tr>'
    return "\n".join(["<tbody>", head, *map(_html_row, members), "</tbody>"])


def _html_row(row: Row) -> str:
    rule = row.rule
    others = ", ".join(f'<a href="#{other}">{other}</a>' for other in rule.through)
    through = f" through {others}" if others else ""
    reason = f'<p lang="nb">{escape(rule.reason)}</p>' if rule.reason else ""
    cells = (
        f'<span lang="nb">{escape(rule.title)}<br><small>{escape(rule.place)}</small></span>',
        f"{rule.kind}{through}{reason}",
        _list([*row.numbers, *row.readings]),
        _folded("test", [f"{name} ({Path(file).name})" for file, name in row.fires]),
        _folded("test", [f"{name} ({Path(file).name})" for file, name in row.silent]),
        "".join(_folded(f"{language} text", list(row.words[language].values()), language) for language in LANGUAGES),
    )
    data = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr id="{rule.id}"><th scope="row">{rule.id}</th>{data}</tr>'


def _folded(what: str, items: Sequence[str], language: str = "en") -> str:
    if not items:
        return ""
    told = f"{len(items)} {what}{'s' * (len(items) > 1)}"
    return f'<details lang="{language}"><summary lang="en">{told}</summary>{_list(items)}</details>'


def _list(items: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>" if items else ""


def _flat(path: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    for key, value in table.items():
        if isinstance(value, str):
            yield (*path, key), value
        else:
            yield from _flat((*path, key), value)


def documents() -> dict[Path, str]:
    """The generated files."""
    all_rows = rows()
    return {DOCS / "traceability.csv": as_csv(all_rows), DOCS / "traceability.html": as_html(all_rows)}


def main() -> None:
    """Write them, and tell of what is missing."""
    DOCS.mkdir(exist_ok=True)
    for path, text in documents().items():
        path.write_text(text, "utf-8")
        sys.stdout.write(f"{path.relative_to(DOCS.parent)}\n")
    for row in rows():
        for gap in gaps(row):
            sys.stdout.write(f"{row.rule.id}: {gap}\n")


if __name__ == "__main__":
    main()
