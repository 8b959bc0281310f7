"""What came of a visit: one line a step, each with its findings, and the whole as JSON or as a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

    from cds_service.simulate.findings import Finding
    from cds_service.simulate.vendor import Json, Vendor

Verdict: TypeAlias = Literal["ok", "not offered", "remark", "FAULT"]
_COLOURS: dict[Verdict, str] = {"ok": "green", "not offered": "dim", "remark": "yellow", "FAULT": "bold red"}


@dataclass(frozen=True, slots=True)
class Step:
    """One request and what is to be said of its answer."""

    step: str
    method: str
    path: str
    status: int | None
    """None: no answer came."""
    ms: int | None
    cards: int | None
    """None: none were asked for, or the answer could not be read."""
    findings: tuple[Finding, ...]
    is_offered: bool = True

    @property
    def verdict(self) -> Verdict:
        """The gravest of its findings in one word."""
        if not self.findings:
            return "ok" if self.is_offered else "not offered"
        return "FAULT" if any(finding.level == "fault" for finding in self.findings) else "remark"


@dataclass(frozen=True, slots=True)
class Report:
    """All steps of a visit."""

    vendor: Vendor
    url: str
    steps: tuple[Step, ...]

    @property
    def faults(self) -> int:
        """How many faults were found."""
        return self._count("fault")

    @property
    def remarks(self) -> int:
        """How many remarks there are."""
        return self._count("remark")

    def _count(self, level: str) -> int:
        return sum(finding.level == level for step in self.steps for finding in step.findings)

    def to_json(self) -> Json:
        """The whole, to be printed as JSON."""
        steps = [
            {
                **{
                    name: getattr(step, name) for name in ("step", "method", "path", "status", "ms", "cards", "verdict")
                },
                "findings": [asdict(finding) for finding in step.findings],
            }
            for step in self.steps
        ]
        told = {"vendor": self.vendor, "url": self.url, "faults": self.faults, "remarks": self.remarks}
        return {**told, "steps": steps}

    def draw(self, console: Console) -> None:
        """Draw the table, one sentence for each finding, and the sum."""
        table = Table(box=None, pad_edge=False)
        for name in ("Step", "Request", "Status", "ms", "Cards", "Verdict"):
            table.add_column(name, overflow="fold", justify="right" if name in {"ms", "Cards"} else "left")
        for step in self.steps:
            told = (step.step, f"{step.method} {step.path}", _shown(step.status), _shown(step.ms), _shown(step.cards))
            table.add_row(*map(Text, told), Text(step.verdict, style=_COLOURS[step.verdict]))
        console.print(table)
        for step in self.steps:
            for finding in step.findings:
                word: Verdict = "FAULT" if finding.level == "fault" else "remark"
                line = Text(f"{word} ", style=_COLOURS[word])
                console.print(line.append(f"{step.step}: {finding.sentence}", style="not bold default"))
        console.print(Text(self.summary))

    @property
    def summary(self) -> str:
        """The sum in one line."""
        verdicts = Counter(step.verdict for step in self.steps)
        parts = [f"{count} {verdict}" for verdict in _COLOURS if (count := verdicts[verdict])]
        faults, remarks = _several(self.faults, "fault"), _several(self.remarks, "remark")
        return f"{self.vendor}: {_several(len(self.steps), 'step')}, {', '.join(parts)}; {faults}, {remarks}."


def _shown(value: int | None) -> str:
    return "–" if value is None else str(value)


def _several(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
