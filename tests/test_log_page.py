"""docs/log.md tells every key of a log line, every reason of a refused token and every code of a refused request."""

import re
from pathlib import Path
from typing import get_args

from cds_service.operations.log_keys import ISSUES, OWN_EVENTS, SHAPELESS_KEYS, Words, shapes
from cds_service.trust.tokens import Reason

ROOT = Path(__file__).parent.parent
KEYS, REASONS, CODES = (ROOT / "docs" / "log.md").read_text("utf-8").split("\n## ")[1:]


def named(section):
    """What the first column of a section's table names."""
    cells = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)} - {"refusal", "code"}


def test_every_key_and_event_is_told():
    assert named(KEYS) | {"refusal", "code"} == {*shapes(Words()), *SHAPELESS_KEYS}
    assert set(re.findall(r"`([^`]+)`", KEYS)) >= OWN_EVENTS


def test_every_reason_of_a_refused_token_is_told():
    assert named(REASONS) == set(get_args(Reason))


def test_every_code_of_a_refused_request_is_told():
    assert named(CODES) == ISSUES
