"""Bad inputs against the whole service: `python -m tests.fuzz --inputs 100000`. Exit code 1 on any failure.

No answer may be of 5xx, take more than a second, leave a traceback, or hold what the request holds; each refusal is a
FHIR OperationOutcome, each answer is as the OpenAPI document has it. An input that failed is saved; `--replay FILE`
sends it again. The second is one of CPU time of this process; by the clock on the wall an answer may take five, since
other processes share the machine. An input whose answer was slow is sent once more, and the better time counts.
"""

import argparse
import json
import sys
from pathlib import Path

from tests.fuzz.apps import applications, document
from tests.fuzz.judge import Judge
from tests.fuzz.report import replay, report, save
from tests.fuzz.runner import Plan, run
from tests.fuzz.sources import SOURCES

MOST_INPUTS = 5_000_000


def main() -> int:
    """Run or replay, print, judge."""
    arguments = _arguments()
    judge = Judge(json.loads(document()))
    with applications() as apps:
        if arguments.replay:
            return replay(arguments.replay, apps, judge)
        sources = [source for source in SOURCES if source.name in (arguments.source or [source.name])]
        plan = Plan(min(arguments.inputs, MOST_INPUTS), arguments.seed, arguments.minutes)
        found = run(apps, judge, sources, plan)
    save(found, arguments.save)
    print("\n".join(report(found, judge)))  # noqa: T201
    return int(not found.is_clean)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Bad inputs against the whole service.")
    parser.add_argument("--inputs", type=int, default=100_000, help=f"at least so many, at most {MOST_INPUTS}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60, help="stop, and fail, after so long")
    parser.add_argument("--source", action="append", choices=[source.name for source in SOURCES])
    parser.add_argument("--save", type=Path, default=Path("build/fuzz"), help="folder for inputs that failed")
    parser.add_argument("--replay", type=Path, help="send a saved input again")
    return parser.parse_args()


sys.exit(main())
