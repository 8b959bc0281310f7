"""Cards beyond their schema: what may be sent but does not work, or not at this vendor. Wrong types are not told."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from cds_service.simulate.address import is_loopback
from cds_service.simulate.documents import places
from cds_service.simulate.findings import Place, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cds_service.simulate.vendor import Json

_URGENCY = {"info": 0, "warning": 1, "critical": 2}
_HTTP = re.compile(r"http://(?:[^/?#@]*@)?(\[[^\]/]*\]|[^/?#:]+)", re.IGNORECASE)
_ALPHANUMERIC = re.compile(r"[A-Za-z0-9]{1,100}")
_MARKUP = {
    "detail-html": re.compile(r"<(?:[A-Za-z!/][^>\n]*)>"),
    "detail-image": re.compile(r"!\[[^\]]*\](?:\(|\[)|<img\b", re.IGNORECASE),
    "detail-table": re.compile(r"^ {0,3}\|?[ :]*-+[ :]*\|[ :|-]*$", re.MULTILINE),
    "detail-heading": re.compile(
        r"^ {0,3}(?:#{1,6}(?:\s|$)|(?![-*+>#|\d])\S.*\n {0,3}(?:=+|-{2,})[ \t]*$)", re.MULTILINE
    ),
}
_NO_MARKUP = re.compile(r"```.*?```|`[^`\n]*`|<https?://[^>\s]*>|<[^>\s@]+@[^>\s]+>", re.DOTALL)
_LONGEST_DETAIL = 20_000
"""Characters that are looked at."""


def objects(owner: Json, name: str, place: Place = ()) -> Iterator[tuple[Place, Json]]:
    """The objects in a list, with their places."""
    items = owner.get(name)
    for number, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            yield (*place, name, number), item


def card_remarks(document: Json) -> Iterator[Seen]:
    """What is to be said of the cards of an answer, but for their actions."""
    cards = list(objects(document, "cards"))
    yield from _urgencies(cards)
    yield from _same_uuids(document)
    for place, card in cards:
        yield from _card(place, card)
        yield from _source(place, card)
        for where, link in objects(card, "links", place):
            yield from _link(where, link)
    yield from extension_remarks(document)


def extension_remarks(document: Json) -> Iterator[Seen]:
    """Names of extensions that may clash; those of FHIR resources are URLs."""
    for place, value in places(document):
        if place[-1] == "extension" and isinstance(value, dict) and "resource" not in place:
            yield from (Seen("extension-name", (*place, name)) for name in value if "." not in name)


def uuids(document: Json) -> Iterator[tuple[Place, str]]:
    """The uuids of cards and suggestions."""
    for place, card in objects(document, "cards"):
        for where, owner in ((place, card), *objects(card, "suggestions", place)):
            if isinstance(uuid := owner.get("uuid"), str) and uuid:
                yield (*where, "uuid"), uuid.lower()


def _same_uuids(document: Json) -> Iterator[Seen]:
    stood: set[str] = set()
    for place, uuid in uuids(document):
        if uuid in stood:
            yield Seen("same-uuid", place, "G2" if "suggestions" in place else None)
        stood.add(uuid)


def _urgencies(cards: list[tuple[Place, Json]]) -> Iterator[Seen]:
    ranks = [(place, _URGENCY[card["indicator"]]) for place, card in cards if _has_indicator(card)]
    for (_, before), (place, rank) in pairwise(ranks):
        if rank > before:
            yield Seen("urgency", place)
    critical = sum(rank == _URGENCY["critical"] for _, rank in ranks)
    if critical > 1:
        yield Seen("several-critical", ("cards",), slots={"count": critical})


def _has_indicator(card: Json) -> bool:
    indicator = card.get("indicator")
    return isinstance(indicator, str) and indicator in _URGENCY


def _card(place: Place, card: Json) -> Iterator[Seen]:
    summary, detail = card.get("summary"), card.get("detail")
    if not card.get("uuid"):
        yield Seen("no-uuid", place)
    if isinstance(summary, str) and len(summary.splitlines()) > 1:
        yield Seen("several-lines", (*place, "summary"))
    if isinstance(detail, str):
        text = _NO_MARKUP.sub("", detail[:_LONGEST_DETAIL])
        yield from (Seen(check, (*place, "detail")) for check, markup in _MARKUP.items() if markup.search(text))
    if "selectionBehavior" in card and not card.get("suggestions"):
        yield Seen("lone-selection", (*place, "selectionBehavior"))
    if card.get("selectionBehavior", "any") != "any":
        yield Seen("selection-not-any", (*place, "selectionBehavior"))
    if card.get("links") and not detail and not card.get("suggestions"):
        yield Seen("only-links", place)


def _source(place: Place, card: Json) -> Iterator[Seen]:
    source = card.get("source")
    if not isinstance(source, dict):
        return
    for name in ("url", "icon"):
        if is_open_url(source.get(name)):
            yield Seen("source-not-https", (*place, "source", name))
    topic = source.get("topic")
    code = topic.get("code") if isinstance(topic, dict) else None
    if isinstance(code, str) and not _ALPHANUMERIC.fullmatch(code):
        yield Seen("topic-code", (*place, "source", "topic", "code"))


def _link(place: Place, link: Json) -> Iterator[Seen]:
    if is_open_url(link.get("url")):
        yield Seen("link-not-https", (*place, "url"))
    if link.get("autolaunchable") is True:
        yield Seen("autolaunch", (*place, "autolaunchable"))
    if "appContext" in link:
        yield Seen("app-context", (*place, "appContext"))


def is_open_url(url: Any) -> bool:  # noqa: ANN401  whatever stands there
    """Whether it is an http URL that leads off this machine."""
    told = _HTTP.match(url) if isinstance(url, str) else None
    return told is not None and not is_loopback(told[1])
