"""Which draft orders were selected, however `context.selections` names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.mappings import datatypes, fhir

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def chosen(
    draft_orders: fhir.Bundle | None, selections: tuple[str, ...] | None, sources: Mapping[int, str]
) -> frozenset[str] | None:
    """The sources of the selected draft orders; None (all) where nothing is selected or no selection is found.

    `sources` tells under which source a resource (by identity) is kept. Where some selection leads nowhere, it may
    have meant an order without an id: those are chosen too.
    """
    if draft_orders is None or not selections:
        return None
    names: dict[str, set[str]] = {}
    nameless: set[str] = set()
    for entry in _entries(draft_orders):
        source, own = _named(entry, sources)
        for name in own:
            names.setdefault(name, set()).add(source)
        if not own:
            nameless.add(source)
    found = [_found(each, names) for each in selections]
    resolved = frozenset(source for one in found for source in one)
    if not resolved:
        return None
    return resolved if all(found) else resolved | nameless


def _entries(bundle: fhir.Bundle) -> Iterator[fhir.Entry]:
    """The entries of a Bundle and of Bundles within it."""
    for entry in bundle.entry or ():
        if isinstance(entry.resource, fhir.Bundle):
            yield from _entries(entry.resource)
        else:
            yield entry


def _named(entry: fhir.Entry, sources: Mapping[int, str]) -> tuple[str, list[str]]:
    """The source of an entry, and all names by which it may be selected."""
    resource = entry.resource
    if resource is None or isinstance(resource, datatypes.Failed):
        source = resource.source if resource is not None else ""
        name = source if "/" in source else ""
    else:
        name = f"{type(resource).__name__}/{resource.id}" if resource.id else ""
        source = sources.get(id(resource), name)
    return source, [told for reference in (name, entry.fullUrl) if reference for told in _names(reference)]


def _found(selection: str, names: Mapping[str, set[str]]) -> set[str]:
    """The orders that a selection may name: by the whole of it where one is named so, last by the id alone."""
    return next((names[name] for name in _names(selection) if name in names), set())


def _names(reference: str) -> list[str]:
    """The reference without its version, `Type/id` at its end, and the id alone."""
    plain = reference.partition("/_history/")[0]
    parts = plain.split("/")
    return [plain, "/".join(parts[-2:]), parts[-1].rpartition(":")[2]]
