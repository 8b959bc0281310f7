"""The mapping report as tables or JSON, and the list of units that are read otherwise than by UCUM."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cds_service.hooks.wording import wording
from cds_service.mappings import mapping_report as report
from cds_service.mappings import report_codes, units

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from cds_service.mappings.mapping_report import MappingReport, Row, Unread
    from cds_service.mappings.report_codes import Key

_WIDE = 160
"""Columns of what is not drawn on a terminal."""
_CODES = ("Resource", "System", "Code", "Unit")
_SENTENCES = {
    report_codes.TYPE_NOT_READ: "No rule asks for resources of this type.",
    report_codes.WITH_AN_ORDER: "Read only together with an order.",
    report_codes.NO_CODE: "No code was sent.",
    report_codes.NOTHING_SAID: "Nothing is said that counts: refuted, cancelled, or without a value.",
    report_codes.UNKNOWN_SYSTEM: "A code system that this service does not know; a ConceptMap may tell what it means.",
    report_codes.NOT_ASKED_FOR: "No rule asks for this code.",
    report_codes.NO_BONE: "The body site is no bone of ours.",
    report_codes.IN_PARTS: "What it says was read in its components.",
    report.NOT_JSON: "not JSON, or nested too deep",
    report.NO_RESOURCE: "not a FHIR resource",
    report.NO_FILE: "cannot be opened",
}


def members(found: MappingReport) -> dict[str, Any]:
    """The report as JSON members."""
    return {
        "files": found.files,
        "resources": found.resources,
        "unread": [{name: value for name, value in one._asdict().items() if value is not None} for one in found.unread],
        "rows": [_row(key, row) for key, row in found.sorted_rows()],
    }


def draw_report(found: MappingReport) -> None:
    """Draw what was read, what was not and why, and what the reasons mean."""
    console = _console()
    read = _table(f"Read (of {found.resources} resources)", *_CODES, "Read as", "Read", "Notes")
    left = _table("Not read", *_CODES, "Why", "Count")
    reasons: set[str] = set()
    for key, row in found.sorted_rows():
        if row.read:
            read.add_row(*_cells(key), _counted(row.concepts), f"{row.read} of {row.count}", _counted(row.notes))
        if row.why_not:
            left.add_row(*_cells(key), _counted(row.why_not), str(row.count - row.read))
        reasons |= row.notes.keys() | row.why_not.keys()
    for table in (read, left):
        if table.row_count:
            console.print(table)
    for reason in sorted(reasons):
        console.print(Text(f"{reason}: {_sentence(reason)}"))
    for one in found.unread:
        console.print(Text(in_words(one), style="red"))


def in_words(one: Unread) -> str:
    """Which file or line could not be read, by number."""
    place = f"file {one.file}" if one.line is None else f"file {one.file}, line {one.line}"
    return f"Not read: {place}: {_sentence(one.reason)}"


def draw_units() -> None:
    """Draw the spellings of units that UCUM does not know or reads otherwise, each with our reading."""
    console = _console()
    spellings = _table("Units read otherwise than by UCUM", "Quantity", "Written", "One of it is", "In UCUM")
    for one in units.other_spellings():
        spellings.add_row(one.quantity, one.spelling, one.reading, "something else" if one.is_ucum else "unknown")
    words = _table("Parts of units that are read alike", "Written", "Read as", "For example", "Is")
    for row in units.SPELLINGS:
        words.add_row(row["sent"], row["read"] or "nothing", row["example"], units.folded_spelling(row["example"]))
    console.print(spellings)
    console.print(words)
    console.print(
        Text("Capitals, blanks, {annotations} and characters that nobody sees do not matter, but in G/L and K.")
    )


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_WIDE)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _cells(key: Key) -> tuple[Text, ...]:
    systems, codes = "\n".join(system for system, _ in key.codings), "\n".join(code for _, code in key.codings)
    return tuple(Text(cell) for cell in (key.resource_type, systems or "–", codes or "–", key.unit))


def _counted(told: Counter[str]) -> Text:
    return Text("\n".join(f"{name} × {count}" if count > 1 else name for name, count in sorted(told.items())))


def _row(key: Key, row: Row) -> dict[str, Any]:
    return {
        "resourceType": key.resource_type,
        "codings": [{"system": system, "code": code} for system, code in key.codings],
        "unit": key.unit,
        "count": row.count,
        "read": row.read,
        "concepts": _sorted(row.concepts.items()),
        "notes": _sorted(row.notes.items()),
        "notRead": _sorted(row.why_not.items()),
    }


def _sorted(told: Iterable[tuple[str, int]]) -> dict[str, int]:
    return dict(sorted(told))


def _sentence(reason: str) -> str:
    return _SENTENCES.get(reason) or wording("en").note(reason)
