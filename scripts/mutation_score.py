#!/usr/bin/env python3
"""Judges what mutmut has counted: of the mutants of guideline/, at least 95 in 100 must be noticed by a test."""

import json
import sys
from pathlib import Path

COUNTS = Path("mutants/mutmut-cicd-stats.json")
NOTICED = ("killed", "timeout")
NOT_JUDGED = ("skipped", "total")
LEAST_PERCENT = 95


def main() -> str | None:
    """The complaint, or None where the score is high enough."""
    counts = json.loads(COUNTS.read_text("utf-8"))
    noticed = sum(counts[outcome] for outcome in NOTICED)
    judged = sum(count for outcome, count in counts.items() if outcome not in NOT_JUDGED)
    if not judged:
        return "No mutant was tried."
    percent = 100 * noticed / judged
    sys.stdout.write(f"mutation score of guideline/: {percent:.1f} % ({noticed} of {judged})\n")
    return None if percent >= LEAST_PERCENT else f"Below {LEAST_PERCENT} %: see `mutmut results`."


if __name__ == "__main__":
    sys.exit(main())
