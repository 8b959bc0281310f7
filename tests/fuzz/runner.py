"""Sends inputs to applications, has the answers judged, counts, and keeps what failed."""

import asyncio
import contextlib
import io
import logging
import sys
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from random import Random
from time import monotonic

from tests.fuzz.driver import ask
from tests.fuzz.inputs import TRACES
from tests.fuzz.judge import is_slow

MOST_KEPT = 20
"""Failures that are kept of one source; more tell nothing new."""


@dataclass(frozen=True)
class Plan:
    """How many inputs at least, of which seed, within how many minutes."""

    inputs: int
    seed: int
    minutes: float


@dataclass(frozen=True)
class Failure:
    """An input whose answer was not as it must be."""

    source: str
    app: str
    one: object
    faults: list
    detail: str


@dataclass
class Tally:
    """What came of the inputs of one source."""

    inputs: int = 0
    statuses: Counter = field(default_factory=Counter)
    slowest: float = 0.0
    stutters: int = 0
    """Answers that were slow once, and not when asked for again."""
    failed: int = 0


@dataclass
class Run:
    """All that a run has seen."""

    tallies: dict = field(default_factory=lambda: defaultdict(Tally))
    failures: list = field(default_factory=list)
    seconds: float = 0.0
    is_complete: bool = True
    """False where the time was up first."""

    @property
    def inputs(self):
        """How many were sent."""
        return sum(tally.inputs for tally in self.tallies.values())

    @property
    def is_clean(self):
        """Whether every input was sent, and every answer was as it must be."""
        return self.is_complete and not any(tally.failed for tally in self.tallies.values())


def shares(sources, inputs):
    """How many inputs each source sends; all together at least so many."""
    whole = sum(source.weight for source in sources)
    return {source.name: -(-inputs * source.weight // whole) for source in sources}


def run(apps, judge, sources, plan):
    """Send the inputs of a plan."""
    result, started = Run(), monotonic()
    with overheard() as said, asyncio.Runner() as runner:
        sender = _Sender(apps, judge, said, result, started + plan.minutes * 60)
        for source in sources:
            count = shares(sources, plan.inputs)[source.name]
            generated = source.generate(Random(f"{plan.seed} {source.name}"), count)  # noqa: S311  the same each time
            runner.run(sender.send(source.name, generated))
    result.seconds = monotonic() - started
    return result


@dataclass
class _Sender:
    """Sends inputs to the applications in turns, until the deadline."""

    apps: list
    judge: object
    said: object
    result: Run
    deadline: float

    async def send(self, name, generated):
        """All inputs of one source."""
        turns = [(label, app) for label, app, times in self.apps for _ in range(times)]
        tally = self.result.tallies[name]
        for number, one in enumerate(generated):
            if monotonic() > self.deadline:
                self.result.is_complete = False
                return
            label, app = turns[number % len(turns)]
            answer, faults = await judged(app, self.judge, one, self.said, tally)
            tally.inputs += 1
            tally.statuses[answer.status] += 1
            tally.slowest = max(tally.slowest, answer.seconds)
            if faults:
                tally.failed += 1
                if tally.failed <= MOST_KEPT:
                    detail = answer.raised or str(answer.events)[:2000]
                    self.result.failures.append(Failure(name, label, one, faults, detail))


async def judged(app, judge, one, said, tally):
    """An answer and its faults. One that was slow is asked for again: the machine may have been busy elsewhere."""
    answer = await ask(app, one)
    if is_slow(answer):
        again = await ask(app, one)
        tally.stutters += not is_slow(again)
        answer = min(answer, again, key=lambda each: (is_slow(each), each.seconds))
    return answer, [*judge.faults(one, answer), *said.faults()]


class Overheard(io.StringIO):
    """What was printed or logged since it was last asked."""

    def faults(self):
        """Why it may not have been said."""
        if not self.tell():
            return []
        text = self.getvalue()
        self.seek(0)
        self.truncate()
        if any(trace.decode() in text for trace in TRACES):
            return ["free text of the request was printed or logged"]
        return ["a traceback was printed or logged"] if "Traceback" in text else []


class _Records(logging.Handler):
    """Writes records with all that they carry; a record of an error counts as a traceback."""

    def __init__(self, stream):
        super().__init__()
        self._stream = stream

    def emit(self, record):
        text = f"{record.levelname} {self.format(record)} {record.args!r} {vars(record).get('exc_text')}"
        self._stream.write(f"{text}\n" + ("Traceback\n" if record.levelno >= logging.ERROR else ""))


@contextlib.contextmanager
def overheard():
    """Everything that is printed or logged meanwhile; warnings are exceptions."""
    said = Overheard()
    root, handler, hook = logging.getLogger(), _Records(said), sys.unraisablehook
    level = root.level
    sys.unraisablehook = lambda unraised: said.write(f"Traceback {unraised.exc_value!r}\n")
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), warnings.catch_warnings():
            warnings.simplefilter("error")
            yield said
    finally:
        sys.unraisablehook = hook
        root.removeHandler(handler)
        root.setLevel(level)
