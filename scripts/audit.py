#!/usr/bin/env python3
"""Asks of each locked runtime package whether a vulnerability of it is known; what cannot be asked is a failure.

Run as `python -m scripts.audit`; options go to pip-audit (`-s osv`, `--ignore-vuln ID`).
Exit codes: 0 nothing known of any package, 1 a vulnerability, 2 not every package could be looked up.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from packaging.utils import canonicalize_name

from scripts.locked import ROOT, UV, exported, runtime

_PIP_AUDIT = ("run", "--quiet", "--isolated", "--no-project", "--with", "pip-audit>=2.10,<3", "pip-audit")
_STRICTLY = ("--strict", "--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json")
_SHOWN = 5


def judged(report: str, complaint: str, expected: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and sentence for what pip-audit printed on both streams. `expected`: name → version."""
    try:
        found = {canonicalize_name(each["name"]): each for each in json.loads(report)["dependencies"]}
    except (ValueError, LookupError, TypeError):
        return 2, f"Nothing was audited, for pip-audit ended without a report: {_last(complaint)}"
    lost = [name for name, version in expected.items() if not _is_looked_up(found.get(name), version)]
    if lost:
        return 2, f"{len(lost)} of {len(expected)} packages could not be looked up: {_few(lost)}."
    known = [f"{name} {each['version']} ({_ids(each)})" for name, each in found.items() if each.get("vulns")]
    if known:
        return 1, f"{len(known)} of {len(expected)} packages have a known vulnerability: {', '.join(known)}."
    return 0, f"No vulnerability is known of the {len(expected)} packages that run with the service."


def main(options: Sequence[str]) -> int:
    """Export, ask, judge, and say what came of it in one sentence."""
    try:
        requirements = exported()
    except subprocess.CalledProcessError:
        sys.stderr.write("Nothing was audited: uv.lock could not be read.\n")
        return 2
    with TemporaryDirectory() as folder:
        file = Path(folder) / "requirements.txt"
        file.write_text(requirements, "utf-8")
        command = [UV, *_PIP_AUDIT, *_STRICTLY, "--requirement", file, *options]
        run = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)  # noqa: S603  our own
    code, sentence = judged(run.stdout, run.stderr, runtime(requirements))
    if run.returncode and not code:
        code, sentence = 2, f"pip-audit failed: {_last(run.stderr)}"
    (sys.stderr if code else sys.stdout).write(f"{sentence}\n")
    return code


def _is_looked_up(found: Mapping[str, Any] | None, version: str) -> bool:
    return found is not None and "vulns" in found and "skip_reason" not in found and found.get("version") == version


def _ids(dependency: Mapping[str, Any]) -> str:
    return ", ".join(sorted({each["id"] for each in dependency["vulns"]}))


def _few(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _last(complaint: str) -> str:
    return next((line.strip() for line in reversed(complaint.splitlines()) if line.strip()), "nothing")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
