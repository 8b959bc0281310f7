"""The list of services beyond its schema, and its prefetch templates."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from cds_service.simulate.card_checks import extension_remarks, objects
from cds_service.simulate.findings import Place, Seen, safe
from cds_service.simulate.vendor import Json, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TOKEN = re.compile(r"\{\{([^{}]{0,200})\}\}")
_LONGEST_TEMPLATE = 4000
_TYPE = r"[A-Z][A-Za-z]+"
_READ_OR_SEARCH = re.compile(rf"{_TYPE}/[A-Za-z0-9\-._]+|{_TYPE}\?[^\s?#]+")
_WHOLE_REFERENCE = re.compile(r"\{\{\s*context\.\w+\s*\}\}")
_EXPRESSION = re.compile(r"today\(\).*|now\(\).*|%.*|.*\.ofType\(.*")
_USER = frozenset({"userPractitionerId", "userPractitionerRoleId", "userPatientId", "userRelatedPersonId"})
_SIMPLE = re.compile(r"_sort|_count|_maxresults|[a-z][A-Za-z\-]*(?::in)?|_id|_lastUpdated")
_ODD_PREFIX = re.compile(r"(?:ne|sa|eb|ap)\d{4}(?:-.*)?")


def discovery_remarks(document: Json) -> Iterator[Seen]:
    """What is to be said of the services that are listed."""
    stood: set[str] = set()
    for place, service in objects(document, "services"):
        name = service.get("id")
        if isinstance(name, str):
            if name in stood:
                yield Seen("duplicate-service", (*place, "id"))
            stood.add(name)
        if "title" not in service:
            yield Seen("title", (*place, "title"))
        yield from _templates(place, service)
    yield from extension_remarks(document)


def _templates(place: Place, service: Json) -> Iterator[Seen]:
    templates, hook = service.get("prefetch"), service.get("hook")
    for key, template in templates.items() if isinstance(templates, dict) else ():
        if isinstance(template, str) and template:
            yield from template_remarks(template, hook if isinstance(hook, str) else "", (*place, "prefetch", key))


def template_remarks(template: str, hook: str, place: Place = ()) -> Iterator[Seen]:
    """What is to be said of one prefetch template of a service of that hook."""
    if len(template) > _LONGEST_TEMPLATE:
        yield Seen("template-form", place)
        return
    for token in _TOKEN.findall(template):
        yield from _token(token.strip(), hook, place)
    query = _TOKEN.sub("x", template)
    if not (_READ_OR_SEARCH.fullmatch(query) or _WHOLE_REFERENCE.fullmatch(template)):
        yield Seen("template-form", place)
        return
    parameters = [tuple(part.partition("=")[::2]) for part in query.partition("?")[2].split("&") if part]
    yield from _parameters(parameters, place)


def _token(token: str, hook: str, place: Place) -> Iterator[Seen]:
    scope, _, name = token.partition(".")
    known: Sequence[str] | None = _contexts().get(hook)
    is_member = re.fullmatch(r"\w+", name) if known is None else name in known
    if _EXPRESSION.fullmatch(token):
        yield Seen("template-expression", place)
    elif token not in _USER and not (scope == "context" and is_member):
        yield Seen("template-token", place, slots={"hook": hook if hook in _contexts() else "the hook"})


def _parameters(parameters: Sequence[Sequence[str]], place: Place) -> Iterator[Seen]:
    names = [name for name, _ in parameters]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield Seen("repeated-parameter", place, slots={"name": safe(name)})
    for name, value in parameters:
        if not _SIMPLE.fullmatch(name) or _ODD_PREFIX.fullmatch(value):
            yield Seen("template-parameter", place, slots={"name": safe(name)})
    if "_count" in names and "_sort" not in names:
        yield Seen("count-without-sort", place)


@cache
def _contexts() -> Mapping[str, Sequence[str]]:
    return table("hooks")
