"""The chart of the simulated child, as dates of today's, and what a FHIR server would find in it."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from datetime import date, timedelta
from functools import cache
from string import Template
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from cds_service.simulate.vendor import DATA, Json, Profile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_DAY = re.compile(r"@([+-]\d+)(T.*)?")
_TOKEN = re.compile(r"\{\{([^{}]{1,200})\}\}")
_NO_RESULTS = {
    "severity": "warning",
    "code": "processing",
    "details": {
        "coding": [{"system": "urn:oid:1.2.840.114350.1.13.861.1.7.2.657369", "code": "4101"}],
        "text": "Resource request returns no results.",
    },
}


class UnknownSlotError(Exception):
    """A text has a slot that nothing is known for."""


def fill(part: Any, slots: Mapping[str, str], today: date, server: str = "") -> Any:  # noqa: ANN401  JSON  any JSON
    """A piece of JSON with its $slots and @days filled; references become absolute where a server is named.

    Raises:
        UnknownSlotError: a slot has no value.
    """
    if isinstance(part, dict):
        return {name: _member(name, value, slots, today, server) for name, value in part.items()}
    if isinstance(part, list):
        return [fill(item, slots, today, server) for item in part]
    return _text(part, slots, today) if isinstance(part, str) else part


def _member(name: str, value: Any, slots: Mapping[str, str], today: date, server: str) -> Any:  # noqa: ANN401  JSON
    filled = fill(value, slots, today, server)
    return f"{server}/{filled}" if server and name == "reference" else filled


def _text(text: str, slots: Mapping[str, str], today: date) -> str:
    if day := _DAY.fullmatch(text):
        return f"{today + timedelta(days=int(day[1]))}{day[2] or ''}"
    try:
        return Template(text).substitute(slots)
    except KeyError:
        raise UnknownSlotError(text) from None


class Chart:
    """The chart as one vendor's FHIR server shows it."""

    def __init__(self, vendor: Profile, today: date) -> None:
        self._vendor = vendor
        server = vendor.fhir_server if vendor.absolute_references else ""
        self.slots = {
            "patient": vendor.patient,
            "user": vendor.user,
            "userId": vendor.user.partition("/")[2],
            "draft": vendor.draft,
            **({"encounter": vendor.encounter} if vendor.encounter else {}),
        }
        self._parts: dict[str, Json] = fill(_chart(), self.slots, today, server)
        self._resources = [resource for part in self._parts.values() for resource in part["found"]]

    @property
    def names(self) -> tuple[str, ...]:
        """What the child is called."""
        name = self._parts["patient"]["found"][0]["name"][0]
        return (name["family"], *name["given"])

    def by_keys(self, keys: Mapping[str, str]) -> Json:
        """Prefetch under the site's own keys, each for a part of the chart."""
        return {key: self._answer(self._parts[part]["query"]) for key, part in keys.items()}

    def by_templates(self, templates: Mapping[str, object], context: Json) -> Json:
        """Prefetch as templates ask for it. What cannot be filled or found is left out, as the EHRs do."""
        queries = {key: _resolved(text, context) for key, text in templates.items() if isinstance(text, str)}
        found = {key: self._answer(query) for key, query in queries.items() if "{{" not in query}
        return {key: answer for key, answer in found.items() if answer is not None or "?" in queries[key]}

    def _answer(self, query: str) -> Json | None:
        place, _, parameters = query.partition("?")
        if not parameters:
            read = (one for one in self._resources if f"{one['resourceType']}/{one['id']}" == place)
            return deepcopy(next(read, None))
        wanted = parse_qsl(parameters)
        found = [one for one in self._resources if one["resourceType"] == place and _is_wanted(one, wanted)]
        return self._searchset(query, found)

    def _searchset(self, query: str, found: Sequence[Json]) -> Json | None:
        server = self._vendor.fhir_server
        entries: list[Json] = [
            {
                "fullUrl": f"{server}/{one['resourceType']}/{one['id']}",
                "resource": deepcopy(one),
                "search": {"mode": "match"},
            }
            for one in found
        ]
        if not found and self._vendor.nothing_found == "null":
            return None
        if not found and self._vendor.nothing_found == "outcome":
            outcome = {"resourceType": "OperationOutcome", "issue": [deepcopy(_NO_RESULTS)]}
            entries = [{"resource": outcome, "search": {"mode": "outcome"}}]
        link = [{"relation": "self", "url": f"{server}/{query}"}]
        bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": link}
        return {**bundle, "entry": entries} if entries else bundle


@cache
def _chart() -> Json:
    chart: Json = json.loads((DATA / "chart.json").read_text("utf-8"))
    return chart


def _resolved(template: str, context: Json) -> str:
    user_type, _, user = context["userId"].partition("/")
    values = {f"context.{name}": value for name, value in context.items() if isinstance(value, str)}
    values[f"user{user_type}Id"] = user
    return _TOKEN.sub(lambda token: values.get(token[1].strip(), token[0]), template)


def _is_wanted(resource: Json, parameters: Sequence[tuple[str, str]]) -> bool:
    """Whether a search finds it. What a server does not know it ignores; all belongs to the one patient."""
    return all(
        any(token in _tokens(resource.get(name)) for token in value.split(","))
        for name, value in parameters
        if name in {"code", "category", "status"}
    )


def _tokens(element: object) -> Iterator[str]:
    """An element as a search would name it: `code` and `system|code`."""
    if isinstance(element, str):
        yield element
    for concept in element if isinstance(element, list) else [element]:
        for coding in concept.get("coding", ()) if isinstance(concept, dict) else ():
            yield coding["code"]
            yield f"{coding['system']}|{coding['code']}"
