"""FHIR resources out of files of any shape: lines, a Bundle, a list, a hook request; one bad line costs itself."""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import DecodeError, Raw

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_RAW = msgspec.json.Decoder(Raw)
_TEXT = msgspec.json.Decoder(str)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])
_MARK = b"\xef\xbb\xbf"
_NULL = b"null"


class Document(NamedTuple):
    """One JSON value of a file."""

    line: int | None
    """Its line, from 1; None where it is the whole file."""
    content: Raw | None
    """None where it is no JSON."""


class Sent(NamedTuple):
    """What was sent as a resource, with the `fullUrl` of its Bundle entry; whether it is one shows when it is read."""

    resource: Raw | None
    """None for a Bundle entry without any."""
    url: str | None = None


def lines_of(name: str) -> Iterator[bytes]:
    """The lines of a regular file; `-` is standard input.

    Raises:
        OSError: it cannot be read, or is a device or a pipe, which may never end.
    """
    if name == "-":
        yield from sys.stdin.buffer
        return
    path = Path(name)
    if path.exists() and not path.is_file():
        raise OSError("not a file")
    with path.open("rb") as file:
        yield from file


def documents(lines: Iterable[bytes]) -> Iterator[Document]:
    """The JSON values of a file: one on each line, or one over all of them."""
    numbered = ((number, line.strip()) for number, line in enumerate(_without_mark(lines), start=1))
    filled = ((number, line) for number, line in numbered if line)
    first = next(filled, None)
    if first is None:
        return
    if _decoded(first[1]) is not None:
        for number, line in chain([first], filled):
            yield Document(number, _decoded(line))
        return
    rest = [first, *filled]
    whole = _decoded(b"\n".join(line for _, line in rest))
    read = [] if whole is not None else [Document(number, _decoded(line)) for number, line in rest]
    yield from read if any(one.content is not None for one in read) else [Document(None, whole)]


def resources(content: Raw) -> Iterator[Sent]:
    """The resources of a JSON value: itself, or what a Bundle, a list or a hook request holds, at any depth.

    Raises:
        RecursionError: too deep.
    """
    if bytes(memoryview(content)[:1]) == b"[":
        for item in _LIST.decode(content):
            yield from resources(item)
        return
    fields = _fields(content)
    if "hook" in fields:
        drafts = _fields(fields.get("context")).get("draftOrders")
        for value in (*_fields(fields.get("prefetch")).values(), *([drafts] if drafts is not None else [])):
            if bytes(value) != _NULL:
                yield from resources(value)
    elif _text(fields.get("resourceType")) == "Bundle":
        yield from _entries(fields.get("entry"))
    elif "resource" in fields and "resourceType" not in fields:
        yield from resources(fields["resource"])
    else:
        yield Sent(content)


def _entries(entries: Raw | None) -> Iterator[Sent]:
    try:
        listed = _LIST.decode(entries) if entries is not None else []
    except DecodeError:
        listed = [entries] if entries is not None and bytes(entries) != _NULL else []
    for entry in listed:
        fields = _fields(entry)
        resource, url = fields.get("resource"), _text(fields.get("fullUrl"))
        if resource is None or bytes(resource) == _NULL:
            yield Sent(None)
        else:
            yield from (sent if sent.url else Sent(sent.resource, url) for sent in resources(resource))


def _without_mark(lines: Iterable[bytes]) -> Iterator[bytes]:
    first = True
    for line in lines:
        yield line.removeprefix(_MARK) if first else line
        first = False


def _decoded(text: bytes) -> Raw | None:
    try:
        text.decode()
        return _RAW.decode(text)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _fields(value: Raw | None) -> dict[str, Raw]:
    try:
        return _OBJECT.decode(value) if value is not None else {}
    except DecodeError:
        return {}


def _text(value: Raw | None) -> str | None:
    try:
        return _TEXT.decode(value) if value is not None else None
    except DecodeError:
        return None
