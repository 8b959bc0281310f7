#!/usr/bin/env python3
"""Writes docs/conformance.md and docs/threats.md: requirements and threats, how each is met, what proves it.

The answers stand in conformance.toml and threats.toml beside them. Run as `python -m scripts.conformance`; exit code 1
where a row is missing or pending, names a test that is not there or does not run, or has neither test nor reason.
"""

import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from scripts.locked import ROOT
from scripts.named_tests import fault, needs_a_server

DOCS = ROOT / "docs"
SPECIFICATION = "https://cds-hooks.hl7.org/2.0/#"
LEVELS = ("SHALL", "SHALL NOT", "SHOULD", "SHOULD NOT", "MAY", "DEPRECATED")
MANDATORY = frozenset({"SHALL", "SHALL NOT"})
OF_SERVICE = (
    "1-14 16 27-29 34-36 52 54-61 74-78 80-85 87-90 92-96 98-100 103-113 115-125 127-136 138-142 144-148 168 175-177 "
    "179 195 199-201 203 205-208 210-220"
)
"""Numbers of the requirements of CDS Hooks 2.0 that concern a service, as Inferno counts them."""
OWN = "T1-T8 D1-D12 R1-R10 C1-C9 P1-P9 PD1-PD12 A1-A9 S1-S7 K1-K15 G1-G7 H1-H9 L1-L6 Y1-Y2 F1-F9 J1-J17 O1-O2 X1 N1-N4"
"""Numbers of our own checklist, which says more than the specification where EHRs differ."""
THREATS = "T1-T36"
_RANGE = re.compile(r"([A-Z]*)(\d+)(?:-\1(\d+))?")


@dataclass(frozen=True)
class Row:
    """One requirement or threat and its answer. Tests are `tests/path.py::test_name`."""

    id: str
    asks: str
    level: str = ""
    anchor: str = ""
    """Where in the specification."""
    met: str = ""
    files: Sequence[str] = ()
    """Where the control is, for a threat."""
    tests: Sequence[str] = ()
    reason: str = ""
    """Why it does not apply, or why no test can prove it."""
    partial: str = ""
    """What the tests leave open."""
    through: Sequence[str] = ()
    """Rows of CDS Hooks 2.0 that answer this one as well."""
    pending: str = ""
    """What is not there yet; no document is whole while a row has this."""

    @property
    def is_tested(self) -> bool:
        """Whether a test proves it, at least in part."""
        return bool(self.tests or self.through)


@dataclass(frozen=True)
class Part:
    """A table of rows of which none may be missing; `expected` is None where nobody has numbered them but we."""

    title: str
    about: str
    rows: Sequence[Row]
    expected: Sequence[str] | None = None
    others: Mapping[str, Row] = field(default_factory=dict)
    """Rows that these may be answered through."""
    untested: str = "argued"
    """What an answer without a test is called."""

    @property
    def size(self) -> int:
        """How many rows there should be."""
        return len(self.rows if self.expected is None else self.expected)

    @property
    def answered(self) -> Sequence[Row]:
        """The rows that lack nothing."""
        return [row for row in self.rows if not any(gaps(row, self.others))]


def numbers(text: str) -> list[str]:
    """Each number of a list of numbers and ranges: `1-3 A1-A2` → 1, 2, 3, A1, A2."""
    found = []
    for prefix, first, last in _RANGE.findall(text):
        found += [f"{prefix}{number}" for number in range(int(first), int(last or first) + 1)]
    return found


def parts(data: Mapping[str, Any]) -> list[Part]:
    """The three tables of conformance.toml."""
    two, three, own = ([Row(**each) for each in data[name]] for name in ("service", "ballot", "own"))
    others = {row.id: row for row in two}
    return [
        Part("CDS Hooks 2.0", "Numbers are those of Inferno's list of requirements.", two, numbers(OF_SERVICE)),
        Part("What the ballot of 3.0 changes for a service", "Held already where it costs nothing.", three),
        Part("Our own checklist", "What EHRs need beyond the specification.", own, numbers(OWN), others),
    ]


def threats(data: Mapping[str, Any]) -> Part:
    """The table of threats.toml."""
    return Part("Threats", "", [Row(**each) for each in data["threat"]], numbers(THREATS), untested="not built yet")


def faults(part: Part) -> Iterator[str]:
    """A line for everything that keeps a table from being whole."""
    counted = Counter(row.id for row in part.rows)
    if part.expected is not None:
        yield from (f"{part.title}: {number} is missing" for number in part.expected if number not in counted)
        yield from (f"{part.title}: there is no {number}" for number in counted if number not in part.expected)
    yield from (f"{part.title}: {number} stands {count} times" for number, count in counted.items() if count > 1)
    yield from (f"{part.title}: {row.id} {told}" for row in part.rows for told in gaps(row, part.others))


def gaps(row: Row, others: Mapping[str, Row] = MappingProxyType({})) -> Iterator[str]:
    """What a row lacks. `others`: the rows that it may be answered through."""
    if row.pending:
        yield f"is pending: {row.pending}"
    if row.level and row.level not in LEVELS:
        yield f"has no level of the specification: {row.level}"
    if not row.asks:
        yield "does not say what it asks"
    if row.tests and not row.met:
        yield "does not say how it is met"
    if not (row.is_tested or row.reason or row.pending):
        yield "has neither a test nor a reason"
    yield from (f"goes through {other}, which is not answered" for other in row.through if not _holds(other, others))
    yield from (f"names {told}" for told in map(fault, row.tests) if told)
    yield from (f"names {file}, which is not there" for file in row.files if not (ROOT / file).exists())


def _holds(other: str, others: Mapping[str, Row]) -> bool:
    return other in others and not any(gaps(others[other], others))


def verdict(part: Part) -> str:
    """How much of a table is answered, in one line."""
    answered = part.answered
    told = f"{len(answered)} of {part.size} rows answered"
    if len(answered) < part.size:
        return f"{told}; open: {', '.join(row.id for row in part.rows if row not in answered)}"
    mandatory = ", every SHALL tested or argued" if any(row.level in MANDATORY for row in answered) else ""
    tested = sum(row.is_tested for row in answered)
    return f"{told}{mandatory} ({tested} tested, {len(answered) - tested} {part.untested})"


def conformance_page(all_parts: Sequence[Part]) -> str:
    """docs/conformance.md."""
    lines = ["# Conformance", "", f"**{verdict(all_parts[0])}.**", ""]
    lines += [f"{part.title}: {verdict(part)}." for part in all_parts[1:]]
    lines += [
        "",
        "Written by `make conformance` from `conformance.toml`; a test fails where a row is missing, or names a test",
        "that is not there or does not run. What only a part of the proof covers says so. Tests marked (server) run in",
        "`make test-services`, all others in `make test`.",
    ]
    for part in all_parts:
        lines += ["", f"## {part.title}", "", part.about, "", "| No. | Level | Asks | Answer | Proof |"]
        lines += ["|---|---|---|---|---|", *map(_requirement, part.rows)]
    return "\n".join([*lines, ""])


def threats_page(part: Part) -> str:
    """docs/threats.md."""
    lines = ["# Threats", "", f"**{verdict(part)}.**", ""]
    lines += [
        "Written by `make conformance` from `threats.toml`. How to report a fault: [SECURITY.md](../SECURITY.md).",
        "",
    ]
    lines += ["| No. | Threat | Control | Where | Proof |", "|---|---|---|---|---|", *map(_threat, part.rows)]
    return "\n".join([*lines, ""])


def _requirement(row: Row) -> str:
    number = f"[{row.id}]({SPECIFICATION}{row.anchor})" if row.anchor else row.id
    return _line(number, row.level or "ours", row.asks, row.met, _proof(row))


def _threat(row: Row) -> str:
    return _line(row.id, row.asks, row.met or "–", "<br>".join(f"`{file}`" for file in row.files), _proof(row))


def _proof(row: Row) -> str:
    told = [_link(test) for test in row.tests if not fault(test)]
    told += [f"as {', '.join(row.through)}"] if row.through else []
    told += [row.reason] if row.reason else []
    told += [f"*In part:* {row.partial}"] if row.partial else []
    told += [f"**Pending:** {row.pending}"] if row.pending else []
    return "<br>".join(told)


def _link(test: str) -> str:
    place, _, name = test.partition("::")
    server = " (server)" if needs_a_server(test) else ""
    return f"[`{place.rpartition('/')[2]}::{name}`](../{place}){server}"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def read(name: str) -> Mapping[str, Any]:
    """The data of a document."""
    return tomllib.loads((DOCS / name).read_text("utf-8"))


def main() -> str | None:
    """Write both documents; the complaint where one is not whole."""
    requirements, dangers = parts(read("conformance.toml")), threats(read("threats.toml"))
    (DOCS / "conformance.md").write_text(conformance_page(requirements), "utf-8")
    (DOCS / "threats.md").write_text(threats_page(dangers), "utf-8")
    for part in (*requirements, dangers):
        sys.stdout.write(f"{part.title}: {verdict(part)}\n")
    return "\n".join(told for part in (*requirements, dangers) for told in faults(part)) or None


if __name__ == "__main__":
    sys.exit(main())
