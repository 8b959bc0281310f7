"""What the command line shows: cards as panels, and the review sheet that a clinician ticks off against the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.panel import Panel
from rich.text import Text

from cds_service.guideline.provenance import guideline_edition, interpretations, rules, rules_digest, rules_version
from cds_service.guideline.source_check import Held, hold_against, not_found
from cds_service.guideline.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

    from cds_service.guideline.tables import Number, Numbers

_COLOURS = {"critical": "red", "warning": "yellow", "info": "blue"}


def draw(console: Console, evaluation: Mapping[str, Any]) -> None:
    """Draw the cards of an Evaluation, or say why there are none."""
    for card in evaluation["cards"]:
        colour = _COLOURS[card["indicator"]]
        title = Text(f" {card['indicator']} ", style=f"bold {colour}")
        text = Text(card["summary"], style="bold").append(f"\n\n{card['detail']}", style="not bold")
        console.print(Panel(text, title=title, title_align="left", border_style=colour))
        for suggestion in card.get("suggestions", ()):
            console.print(Text(f"  + {suggestion['label']}"))
    if not evaluation["cards"]:
        console.print(Text(f"No card ({evaluation.get('silence', 'nothing to say')})."))


def held_against(text: str) -> tuple[Held, ...]:
    """Every number of the tables, looked for in the text of the recommendations."""
    headings = dict.fromkeys(rule.section.partition(" – ")[0].partition(",")[0] for rule in rules())
    return hold_against(text, (row for table in TABLES.numbers for row in table.rows()), headings)


def review_sheet(held: Sequence[Held] = ()) -> Iterator[str]:
    """Every number and every open reading, line by line, with the rule it belongs to.

    `held` are the numbers as they were looked for in the text: each line then says what came of it, and what was not
    found is told again at the end.
    """
    outcomes = {id(one.number): one for one in held}
    yield f"{guideline_edition()}"
    yield f"{rules_version()} {rules_digest()}"
    for table in TABLES.numbers:
        yield ""
        yield from _table(table, outcomes)
    yield ""
    yield "lesions.toml"
    yield from _bones()
    yield ""
    yield "interpretations.toml"
    for reading in interpretations():
        yield f"{reading.id:<8} [{reading.status}] {', '.join(reading.clauses)}"
        yield f"         ? {reading.problem}"
        yield f"         = {reading.reading}"
        yield f"         > {reading.effect}"
    if held:
        yield ""
        yield from _missing(held)


def _table(table: Numbers, outcomes: Mapping[int, Held]) -> Iterator[str]:
    yield table.FILE
    rows = table.rows()
    width = max((len(row.label) for row in rows), default=0)
    for row in rows:
        told = f"{row.clause:<8} {row.label:<{width}} {row.value:>8} {row.unit:<9} {row.place}{_marks(row)}"
        yield f"[ ] {_outcome(outcomes.get(id(row)))}{told}"


def _outcome(held: Held | None) -> str:
    """What came of looking for a number, with the line of the text where it stands."""
    if held is None:
        return ""
    line = f" {held.line:>5}" if held.state == "found" else " " * 6
    return f"{held.state:<9}{line}  "


def _missing(held: Sequence[Held]) -> Iterator[str]:
    missing = not_found(held)
    yield f"{len(missing)} not found in the text" if missing else "Every number that is the text's was found in it."
    for one in missing:
        elsewhere = f" (line {one.line}, elsewhere in the text: {one.words})" if one.line else ""
        number = one.number
        yield f"- {number.clause} {number.label}: {number.value} {number.unit}, {number.place}{elsewhere}"


def _marks(row: Number) -> str:
    marks = [mark for mark, holds in (("ours", row.ours), ("display only", row.display_only)) if holds]
    return f" ({', '.join(marks)})" if marks else ""


def _bones() -> Iterator[str]:
    bones = TABLES.bones
    yield f"[ ] typical_features: {', '.join(sorted(bones.typical_features))}"
    groups = ("clavicle_mandible", "skull_hand", "either_jaw", "either_sternoclavicular", "not_a_bone", "symmetric")
    for name in (*groups, "paired", "regions", "long_bones", "typical_anywhere", "vertebrae", "lower_limb"):
        keys = getattr(bones, name)
        yield f"[ ] {name}: {', '.join([*sorted(keys.exact), *(f'{prefix}*' for prefix in keys.prefixes)])}"
    for region, keys in bones.inside.items():
        yield f"[ ] inside {region}: {', '.join([*sorted(keys.exact), *(f'{prefix}*' for prefix in keys.prefixes)])}"
