"""What uv.lock installs of packages that run with the service, on a machine such as this one."""  # noqa: INP001  beside the scripts that need it

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
UV = ROOT / "scripts" / "uv"
_EXPORT = (
    "export",
    "--quiet",
    "--locked",
    "--no-dev",
    "--no-emit-project",
    "--no-header",
    "--format",
    "requirements-txt",
)


def exported() -> str:
    """The runtime packages as requirements with versions and hashes.

    Raises:
        subprocess.CalledProcessError: uv could not read uv.lock, or it does not fit pyproject.toml.
    """
    run = subprocess.run([UV, *_EXPORT], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own
    return run.stdout


def runtime(requirements: str) -> dict[str, str]:
    """Name → version of those that are meant for this kind of machine."""
    return dict(_pinned(requirements))


def _pinned(requirements: str) -> Iterator[tuple[str, str]]:
    for line in re.sub(r"\\\n\s*", " ", requirements).splitlines():
        text = line.partition(" --hash")[0].partition("#")[0].strip()
        if not text:
            continue
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate():
            (version,) = (one.version for one in requirement.specifier)
            yield canonicalize_name(requirement.name), version
