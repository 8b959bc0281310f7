"""The page at `/`: sample patients, each with a curl line that can be pasted."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from shlex import quote
from string import Template
from typing import TYPE_CHECKING

import msgspec

from cds_service.hooks.services import BY_HOOK

if TYPE_CHECKING:
    from pathlib import Path

_TEXT = (files("cds_service.hooks") / "landing.html").read_text(encoding="utf-8")
_PAGE = Template(_TEXT)
_NO_SAMPLES = "<p>No sample patients are installed here.</p>"


def _policy(page: str) -> str:
    """Nothing may be loaded or run; the styles of the page are allowed by their digest."""
    digests = [b64encode(sha256(style.encode()).digest()).decode() for style in _STYLES.findall(page)]
    styles = " ".join(f"'sha256-{digest}'" for digest in digests)
    return f"default-src 'none'; style-src {styles}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


_STYLES = re.compile(r"<style>(.*?)</style>", re.DOTALL)
HEADERS = {"content-security-policy": _policy(_TEXT), "x-frame-options": "DENY"}
"""What the answer with the page must carry for browsers to show it as it is meant."""


class _Kind(msgspec.Struct):
    hook: str


def landing_page(samples: Path, base_url: str) -> str:
    """The page as HTML. `samples` holds one folder per patient, with a `request.json` in each; it may be missing."""
    requests = sorted(samples.glob("*/request.json"))
    return _PAGE.substitute(samples="\n".join(_sample(path, base_url) for path in requests) or _NO_SAMPLES)


def _sample(path: Path, base_url: str) -> str:
    hook = msgspec.json.decode(path.read_bytes(), type=_Kind).hook
    url = f"{base_url}/cds-services/{BY_HOOK[hook].id}"
    file = "/".join(path.parts[-3:])
    line = f"curl -s -H 'Content-Type: application/json' --data-binary {quote('@' + file)} {quote(url)}"
    return f"<h2>{escape(path.parent.name)}</h2>\n<pre><code>{escape(line)}</code></pre>"
