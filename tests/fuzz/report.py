"""What a run found, for a reader and for another try."""

import asyncio
import json
from pathlib import Path

from tests.fuzz.inputs import from_text
from tests.fuzz.judge import Judge
from tests.fuzz.runner import Overheard, Run, Tally, judged


def report(found: Run, judge: Judge) -> list[str]:
    """The lines to print: inputs per source, then the sums, then what failed."""
    lines = [f"{'source':<16} {'inputs':>7} {'slowest':>9}  statuses"]
    for name, tally in found.tallies.items():
        statuses = ", ".join(f"{status}: {times}" for status, times in sorted(tally.statuses.items()))
        lines.append(f"{name:<16} {tally.inputs:>7} {tally.slowest * 1000:>6.0f} ms  {statuses}")
    stutters = sum(tally.stutters for tally in found.tallies.values())
    lines.append(
        f"{found.inputs} inputs in {found.seconds:.0f} s ({found.inputs / found.seconds:.0f}/s), "
        f"{len(judge.refusals)} different refusals, {stutters} answers asked for a second time"
    )
    lines += [] if found.is_complete else ["The time was up before all inputs were sent."]
    failed = {name: tally.failed for name, tally in found.tallies.items() if tally.failed}
    lines += [f"FAILED: {name}: {times}" for name, times in failed.items()]
    return lines + [f"  {each.source}, {each.app}: {'; '.join(each.faults)}" for each in found.failures]


def save(found: Run, folder: Path) -> None:
    """One file per failure."""
    for number, failure in enumerate(found.failures):
        folder.mkdir(parents=True, exist_ok=True)
        told = {"app": failure.app, "faults": failure.faults, "detail": failure.detail}
        text = json.dumps({**told, "input": json.loads(failure.one.to_text())}, indent=1)
        (folder / f"{failure.source}-{number}.json").write_text(text, "utf-8")


def replay(file: Path, apps: list, judge: Judge) -> int:
    """Send a saved input to the application that failed on it."""
    told = json.loads(file.read_text("utf-8"))
    one = from_text(json.dumps(told["input"]))
    app = next(app for name, app, _ in apps if name == told["app"])
    answer, faults = asyncio.run(judged(app, judge, one, Overheard(), Tally()))
    print(answer.status, answer.raised or answer.body.decode("utf-8", "replace"))  # noqa: T201
    print("\n".join(faults) or "as it must be")  # noqa: T201
    return int(bool(faults))
