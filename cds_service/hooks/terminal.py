"""What the command line shows: cards as panels, and the review sheet that a clinician ticks off against the text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.panel import Panel
from rich.text import Text

from cds_service.guideline.provenance import guideline_edition, interpretations, rules_digest, rules_version
from cds_service.guideline.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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


def review_sheet() -> Iterator[str]:
    """Every number and every open reading, line by line, with the rule it belongs to."""
    yield f"{guideline_edition()}"
    yield f"{rules_version()} {rules_digest()}"
    for table in TABLES.numbers:
        yield ""
        yield from _table(table)
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


def _table(table: Numbers) -> Iterator[str]:
    yield table.FILE
    rows = table.rows()
    width = max((len(row.label) for row in rows), default=0)
    for row in rows:
        yield f"[ ] {row.clause:<8} {row.label:<{width}} {row.value:>8} {row.unit:<9} {row.place}{_marks(row)}"


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
