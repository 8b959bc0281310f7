"""What SECURITY.md names is there."""

import re
from pathlib import Path

import pytest

from cds_service.settings import Settings

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
MADE = ("dist/", "var/")
"""What is not there until something was run."""


def test_each_make_target_that_it_names_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert {"audit", "sbom", "conformance"} <= set(re.findall(r"`make ([a-z-]+)", PAGE)) <= targets


@pytest.mark.parametrize("place", sorted(set(re.findall(r"\]\(([^):]+)\)|`((?:\w+/)[\w./]*)`", PAGE))))
def test_each_file_that_it_names_exists(place):
    (path,) = filter(None, place)
    assert (ROOT / path).exists() or path.startswith(MADE)


def test_each_variable_that_it_names_is_a_setting():
    named = set(re.findall(r"CNO_CDS_[A-Z_]+", PAGE))
    assert named
    assert named <= {f"CNO_CDS_{name.upper()}" for name in Settings.model_fields}
