"""One input: a request as bytes, as a server hands it on, and as a file from which it can be sent again."""

import json
from dataclasses import asdict, dataclass
from urllib.parse import quote

HOST = (b"host", b"cds.example.no")
"""Every application under test answers under this name."""
JSON_HEADERS = (HOST, (b"content-type", b"application/json"))
CANARY = "Olav Nordmann Ødegård"
"""Stands wherever free text does: no answer, no header and no log line may hold any of it."""
TRACES = tuple(word.encode() for word in ("Olav Nordmann", "Nordmann Ødegård", "Nordmann \\u00d8deg", "Nordmann%20"))


@dataclass(frozen=True, slots=True)
class Input:
    """A request. `target` is the path and the query as they stand in the first line, in ASCII."""

    method: str
    target: str
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = JSON_HEADERS
    chunks: int = 1
    """In how many parts the body comes."""
    is_cut_off: bool = False
    """Whether the client goes away before the last part."""

    @property
    def path(self) -> str:
        """The path without its query."""
        return self.target.partition("?")[0]

    def to_text(self) -> str:
        """As JSON; bytes stand as the code points of the same numbers."""
        return json.dumps(asdict(self), default=lambda part: part.decode("latin-1"), indent=1)


def from_text(text: str) -> Input:
    """What to_text wrote."""
    members = json.loads(text)
    headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in members["headers"])
    return Input(**{**members, "body": members["body"].encode("latin-1"), "headers": headers})


def post(path: str, body: bytes, **members) -> Input:
    """A body sent as JSON."""
    return Input("POST", path, body, **members)


def ascii_path(text: str) -> str:
    """Any text as a part of a path."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="/:@!$&'()*+,;=-._~")
