"""Bone biopsies by their name, or by a code for any biopsy with a bone as body site."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache, partial
from typing import Any

from cds_service.mappings.numbers import plain
from cds_service.mappings.terminology import FOLDER, key_of

LONGEST_TEXT = 200
"""Characters of a text that are searched for names."""
_compiled = partial(re.compile, flags=re.IGNORECASE)
_TABLE: dict[str, Any] = tomllib.loads((FOLDER / "biopsy_names.toml").read_text(encoding="utf-8"))
_CODES = frozenset((system, code) for system, code in _TABLE["codes"])
_BIOPSY, _WHOLE, _ASIDE = _compiled(_TABLE["biopsy"]), _compiled(_TABLE["whole"]), _compiled(_TABLE["aside"])
_BONE, _OTHER = _compiled("|".join(_TABLE["bone"])), _compiled("|".join(_TABLE["other"]))


def is_biopsy_code(system: str | None, code: str | None) -> bool:
    """Whether a coding is a biopsy of whatever tissue."""
    return (key_of(system), code) in _CODES


def names_bone(text: str) -> bool:
    """Whether a text names a bone, and no tissue that is none."""
    text = _plain(text)
    return _BONE.search(text) is not None and _OTHER.search(text) is None


def names_other_tissue(text: str) -> bool:
    """Whether a text names a tissue that is no bone, such as marrow."""
    return _OTHER.search(_plain(text)) is not None


def names_biopsy(text: str) -> bool:
    """Whether a text names a biopsy that is to be done or was done, of whatever tissue."""
    return _BIOPSY.search(_ASIDE.sub(" ", _plain(text))) is not None


@lru_cache(1024)
def names_bone_biopsy(text: str) -> bool:
    """Whether a text names a biopsy of bone."""
    wanted = _ASIDE.sub(" ", _plain(text))
    return _WHOLE.search(wanted) is not None or (_BIOPSY.search(wanted) is not None and names_bone(text))


def _plain(text: str) -> str:
    return plain(text[:LONGEST_TEXT])
