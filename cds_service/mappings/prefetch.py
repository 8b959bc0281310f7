"""Prefetch → the resources of the record, and which lists were not received: missing, null and failed differ."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cds_service.guideline.facts import Note
from cds_service.mappings.datatypes import Failed, TooManyError, is_next, self_urls
from cds_service.mappings.entries import Entries, is_short
from cds_service.mappings.fhir import R4_TYPES, Bundle, OperationOutcome
from cds_service.mappings.prefetch_keys import LISTS, OBSERVATION_LISTS, asked_for, category_of, mentioned

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sized

    from cds_service.mappings.fhir import Slot

_ODD = re.compile(r"[^A-Za-z0-9_.\-]")
MOST_KEYS = 200
_LONGEST_KEY = 64
_EVERYTHING = "$everything"
_LABORATORY = OBSERVATION_LISTS["laboratory"]
_OBSERVATIONS = frozenset(OBSERVATION_LISTS.values())
_SOME_OBSERVATIONS = _OBSERVATIONS - {_LABORATORY}


def require_few_keys(prefetch: Sized) -> None:
    """Nothing of a prefetch is read that is too large.

    Raises:
        TooManyError: there are more keys than any EHR sends.
    """
    if len(prefetch) > MOST_KEYS:
        raise TooManyError(f"More than {MOST_KEYS} prefetch keys.")


def gather(
    prefetch: Mapping[str, Slot], notes: Iterable[Note], templates: Mapping[str, str]
) -> tuple[Entries, frozenset[str]]:
    """The resources sent, and the lists that were not, or not wholly, received, by resource type.

    Observations are three lists: laboratory results go by the type, the others by names of their own (and only where
    some Observations came, but none of theirs).

    Raises:
        TooManyError: there are more keys than any EHR sends, or more resources than a chart holds.
    """
    require_few_keys(prefetch)
    entries = Entries(list(notes))
    received: set[str] = set()
    lost: set[str] = set()
    for key, value in prefetch.items():
        types = types_of(key, value, templates)
        before = len(entries.failed)
        if _add(entries, path_of(key), value):
            received |= _lists(key, value, types)
            _name_lost(entries.failed, before, types)
        else:
            lost |= _lists(key, value, types, at_loss=True) or mentioned(key)
    asked = LISTS | _SOME_OBSERVATIONS if received & _OBSERVATIONS else LISTS
    return entries, (asked - received) | lost


def _lists(key: str, value: Slot, types: set[str], *, at_loss: bool = False) -> set[str]:
    """The types, and of Observations only the list of the category that link or key tell; all three where none does."""
    if _LABORATORY not in types:
        return types
    told = _categories(key, value)
    every = {_LABORATORY} if at_loss else _OBSERVATIONS
    return (types - {_LABORATORY}) | ({OBSERVATION_LISTS[each] for each in told} or every)


def _categories(key: str, value: Slot) -> set[str]:
    urls = self_urls(value.link) if isinstance(value, Bundle) else []
    if urls:
        return {each for each in OBSERVATION_LISTS if any(f"category={each}" in url for url in urls)}
    named = category_of(key)
    return {named} if named in OBSERVATION_LISTS else set()


def path_of(key: str) -> str:
    """How notes name a prefetch key."""
    return f"prefetch.{_ODD.sub('_', key[:_LONGEST_KEY])}"


def _add(entries: Entries, path: str, value: Slot) -> bool:
    """Whether the value is the whole answer: null and an empty Bundle are, a failure and a first page are not."""
    if value is None:
        return True
    if isinstance(value, Failed):
        entries.add(value, path)
        return False
    if isinstance(value, OperationOutcome):
        entries.notes.append(Note(path, "prefetch-failed"))
        return False
    if not isinstance(value, Bundle):
        entries.add(value, path)
        return True
    entries.add_bundle(value, path)
    reason = _why_not_whole(value)
    if reason is not None:
        entries.notes.append(Note(path, reason))
    return reason is None


def _name_lost(failed: list[Failed], start: int, types: set[str]) -> None:
    """An entry that does not say what it is was one of its list: what it may have told stays open, and nothing else."""
    if len(types) == 1:
        (kind,) = types
        failed[start:] = [
            each if each.resource_type in R4_TYPES else Failed(kind, each.source) for each in failed[start:]
        ]


def _why_not_whole(bundle: Bundle) -> str | None:
    """A failure told inside of the list, or a next page; information such as "no results" is neither."""
    for entry in bundle.entry or ():
        if isinstance(entry.resource, OperationOutcome) and entry.resource.is_failure:
            return "prefetch-failed"
        if isinstance(entry.resource, Bundle) and (reason := _why_not_whole(entry.resource)):
            return reason
    more = any(is_next(link) for link in bundle.link or ())
    return "incomplete-page" if more or is_short([bundle]) else None


def types_of(key: str, value: Slot, templates: Mapping[str, str]) -> set[str]:
    """The lists that a key was asked for: by our templates, its own link, what it holds, or its name."""
    if key in templates:
        return {templates[key]}
    if isinstance(value, Bundle):
        return _by_link(value) or _by_entries(value) or asked_for(key)
    if value is None or isinstance(value, OperationOutcome | Failed):
        return asked_for(key)
    return {type(value).__name__}


def _by_link(bundle: Bundle) -> set[str]:
    urls = self_urls(bundle.link)
    if any(_EVERYTHING in url for url in urls):
        return set(LISTS)
    return {part for url in urls for part in url.partition("?")[0].split("/") if part in LISTS}


def _by_entries(bundle: Bundle) -> set[str]:
    return {type(entry.resource).__name__ for entry in bundle.entry or ()} & LISTS
