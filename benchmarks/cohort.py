"""Ten thousand synthetic charts are opened, fifty of them of children with CNO: who gets a card, and which?

Run as `python -m benchmarks.cohort`. Exit code 1 where a chart has more than three cards, more than two in a hundred
of the others have any, or a planted child lacks a topic that it should have.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from types import MappingProxyType

from benchmarks.synthetic import NOW, VARIANTS, Child, children
from cds_service.app import make_answers, random_uuid
from cds_service.hooks.answer import Answers
from cds_service.hooks.card_draft import TOPICS
from cds_service.hooks.services import BY_HOOK
from cds_service.hooks.wording import sentence, wording
from cds_service.settings import Settings

OTHERS, PLANTED = 9950, 10
MOST_CARDS = 3
MOST_OTHERS = 0.02
EXPECTED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "coded": frozenset({"classification", "next-steps"}),
        "bone-pain": frozenset({"classification", "next-steps"}),
        "form": frozenset({"classification", "biopsy", "next-steps"}),
        "lesions": frozenset({"classification", "next-steps"}),
        "zoledronic-acid": frozenset({"classification", "next-steps", "follow-up"}),
    }
)
"""Topics that a planted child must have, as a card or folded into one."""
_SERVICE = BY_HOOK["patient-view"]
_TOPIC_OF = {code: topic for topic, code in TOPICS.items()}
_WORDS = wording("nb")


@dataclass(frozen=True)
class Outcome:
    """What came of opening one chart."""

    chart: str
    variant: str | None
    shown: tuple[str, ...]
    folded: frozenset[str]

    @property
    def told(self) -> frozenset[str]:
        """Every topic that was told, on a card of its own or as a line of another."""
        return self.folded.union(self.shown)


def in_process() -> Answers:
    """The service as it stands, at one fixed moment."""
    return make_answers(Settings(language="nb"), lambda: NOW, random_uuid)


def opened(answers: Answers, child: Child) -> Outcome:
    """Open the chart of a child."""
    body = child.request(_SERVICE.prefetched_types)
    cards = json.loads(asyncio.run(answers.to_hook(_SERVICE, body, None)).body)["cards"]
    shown = tuple(_TOPIC_OF[card["source"]["topic"]["code"]] for card in cards)
    return Outcome(child.id, child.variant, shown, folded_into(cards[-1]["detail"]) if cards else frozenset())


def folded_into(detail: str) -> frozenset[str]:
    """Topics that the last card tells of in a line; that red flags are not assessed is no such line."""
    lines = [line for line in detail.splitlines() if line != _WORDS.text("classification.exclusion.red_flags_open")]
    names = {topic: f"- {sentence(_WORDS.text(f'topics.{topic}'))}: " for topic in TOPICS}
    return frozenset(topic for topic, name in names.items() if any(line.startswith(name) for line in lines))


def run(others: int, planted: int, seed: int) -> list[Outcome]:
    """Open all charts."""
    answers = in_process()
    return [opened(answers, child) for child in children(others, planted, seed)]


def complaints(outcomes: Sequence[Outcome]) -> list[str]:
    """What is not as it should be."""
    crowded = [one.chart for one in outcomes if len(one.shown) > MOST_CARDS]
    lacking = [
        f"{one.chart} ({one.variant}) lacks {', '.join(sorted(missing))}"
        for one in outcomes
        if one.variant is not None and (missing := EXPECTED[one.variant] - one.told)
    ]
    said = [f"{chart} has more than {MOST_CARDS} cards" for chart in crowded] + lacking
    if share_of_others(outcomes) > MOST_OTHERS:
        said.append(f"more than {MOST_OTHERS:.0%} of the others get a card")
    if not any(one.variant for one in outcomes):
        said.append("no child with CNO was among them")
    return said


def share_of_others(outcomes: Iterable[Outcome]) -> float:
    """How many of the children without CNO get any card, of one."""
    others = [bool(one.shown) for one in outcomes if one.variant is None]
    return sum(others) / len(others) if others else 0.0


def table(outcomes: Sequence[Outcome]) -> list[str]:
    """Kinds of planted children, with how many of them have a card of each topic; +n: folded into another card."""
    topics = [topic for topic in TOPICS if any(topic in one.told for one in outcomes)]
    rows = [["", "children", *topics]]
    for variant in (*VARIANTS, None):
        group = [one for one in outcomes if one.variant == variant]
        shown = Counter(topic for one in group for topic in one.shown)
        folded = Counter(topic for one in group for topic in one.folded)
        cells = [f"{shown[topic]}{f' +{folded[topic]}' if folded[topic] else ''}" for topic in topics]
        rows.append([variant or "others", str(len(group)), *cells])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def main() -> int:
    """Open the charts, print, judge."""
    arguments = argparse.ArgumentParser(description="Cards of a cohort of synthetic children.")
    arguments.add_argument("--seed", type=int, default=1)
    seed = arguments.parse_args().seed
    start = perf_counter()
    outcomes = run(OTHERS, PLANTED, seed)
    seconds = perf_counter() - start
    print(f"{len(outcomes)} charts in {seconds:.0f} s ({1000 * seconds / len(outcomes):.1f} ms each, made and opened)")
    print(f"cards on a chart: at most {max(len(one.shown) for one in outcomes)} (bound {MOST_CARDS})")
    print(f"others with any card: {share_of_others(outcomes):.2%} (bound {MOST_OTHERS:.0%})")
    print(*table(outcomes), sep="\n")
    said = complaints(outcomes)
    print(*said, sep="\n")
    return int(bool(said))


if __name__ == "__main__":
    sys.exit(main())
