"""What prefetch left out is asked of the caller's own server, all at once, and put where prefetch would have put it.

Nothing is asked where the answer cannot depend on it, where no server was granted, or where the server is not listed.
"""

from __future__ import annotations

import re
from asyncio import TaskGroup
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cds_service.guideline.facts import Note
from cds_service.hooks.envelope import tolerantly
from cds_service.mappings.datatypes import Failed, TooManyError
from cds_service.mappings.entries import MOST_ENTRIES
from cds_service.mappings.fetched import Wanted, joined
from cds_service.mappings.fhir import Bundle, Entry, Medication, OperationOutcome
from cds_service.mappings.prefetch import path_of
from cds_service.mappings.prefetch_keys import mentioned
from cds_service.mappings.prefetch_missing import further_pages, resources, unanswered, unresolved_medications
from cds_service.operations.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cds_service.fhir_access.access import FhirAccess
    from cds_service.fhir_access.client import Fetched, Session
    from cds_service.hooks.protocol import HookRequest
    from cds_service.mappings.fhir import Slot

MOST_MEDICATIONS = 20
"""Medications that are read one by one; no list of drugs needs more to be understood."""
_ID = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9.\-_]{1,256}")
_TOKEN = "{{context.patientId}}"  # noqa: S105  a prefetch token
_WHY = {
    "fhirServer": "{} is not listed in a tenant file",
    "fhirAuthorization": "{} is missing or cannot be used",
    "context": "{} is no FHIR id",
}
_REFERENCES = "references"
"""The key under which Medications stand that were read one by one."""


async def completed(request: HookRequest, queries: Mapping[str, str], access: FhirAccess) -> HookRequest:
    """The request with what could be fetched in its prefetch, and a note on each list that could not.

    `queries` are the prefetch templates of the service, by key.
    """
    grant = request.grant
    if grant is None:
        return request
    missing = _Missing.of(request, queries)
    if missing is None:
        return request
    session = grant.fault or access.session(grant.server, grant.token)
    if _ID.fullmatch(request.patient_id) is None:
        session = "context.patientId"
    if isinstance(session, str):
        return replace(request, notes=(*request.notes, Note(session, "not-fetched")))
    return await _Completion(request, session, missing).run()


def why_not_fetched(request: HookRequest) -> str:
    """Why a list that is missing could not be fetched, for those who connect an EHR: fields and keys, never values."""
    if request.grant is None:
        return "no fhirServer was named"
    sources = sorted({note.source for note in request.notes if note.reason == "not-fetched"})
    words = [_WHY.get(source.partition(".")[0], "{} was not answered").format(source) for source in sources]
    return ", ".join(words) or "it was not asked for"


@dataclass(frozen=True, slots=True)
class _Missing:
    """Queries and next links by prefetch key, and references to Medications by id."""

    queries: Mapping[str, str]
    pages: Mapping[str, str]
    medications: Mapping[str, set[str]]

    @classmethod
    def of(cls, request: HookRequest, queries: Mapping[str, str]) -> _Missing | None:
        keys = unanswered(request.prefetch, queries)
        pages = further_pages(request.prefetch)
        medications = unresolved_medications([*request.prefetch.values(), request.draft_orders])
        if not keys and not pages and not medications:
            return None
        return cls({key: queries[key] for key in keys}, pages, medications)


@dataclass(slots=True)
class _Completion:
    request: HookRequest
    session: Session
    missing: _Missing
    prefetch: dict[str, Slot] = field(init=False)
    notes: list[Note] = field(init=False)
    medications: dict[str, Slot] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    """The resource types of which a list was fetched to its end."""
    room: int = field(init=False)

    def __post_init__(self) -> None:
        self.prefetch = dict(self.request.prefetch)
        self.notes = list(self.request.notes)
        self.room = MOST_ENTRIES - sum(1 for _ in resources([*self.prefetch.values(), self.request.draft_orders]))

    async def run(self) -> HookRequest:
        """Ask for everything at once; an answer may lead to Medications, which are asked for as soon as it is there."""
        async with TaskGroup() as tasks:
            self._read_medications(self.missing.medications, tasks)
            for key, query in self.missing.queries.items():
                tasks.create_task(self._first(key, query, tasks))
            for key, link in self.missing.pages.items():
                tasks.create_task(self._further(key, link, tasks))
        self._forget_replaced()
        found = [Entry(resource=each) for each in self.medications.values() if isinstance(each, Medication)]
        if found:
            self.prefetch[self._free_key()] = Bundle(type="collection", entry=found)
        return replace(self.request, prefetch=self.prefetch, notes=tuple(self.notes))

    async def _first(self, key: str, query: str, tasks: TaskGroup) -> None:
        """What a query asks for, a resource or a list."""
        asked = query.replace(_TOKEN, self.request.patient_id)
        kind, _, parameters = asked.partition("?")
        if parameters:
            fetched = await self.session.search(asked)
            self._keep(key, kind, fetched, [], tasks)
            return
        fetched = await self.session.read(asked)
        resource = self._resource(fetched, key)
        if resource is None or isinstance(resource, OperationOutcome | Failed):
            self._not_fetched(key)
        else:
            self._put(key, resource)

    async def _further(self, key: str, link: str, tasks: TaskGroup) -> None:
        """The pages of a prefetched list that prefetch did not bring."""
        first = self.prefetch[key]
        if not isinstance(first, Bundle):
            return
        fetched = await self.session.follow(link)
        if fetched.pages:
            self._keep(key, None, fetched, [first], tasks)

    def _keep(self, key: str, kind: str | None, fetched: Fetched, before: list[Bundle], tasks: TaskGroup) -> None:
        pages = [None if self.session.is_over else self._page(body, key) for body in fetched.pages]
        sound = [page for page in pages if page is not None]
        if not sound:
            self._not_fetched(key)
            return
        whole = fetched.failure is None and len(sound) == len(pages)
        wanted = Wanted(kind, self.request.patient_id, path_of(key))
        counted = sum(len(page.entry or ()) for page in before)
        bundle, notes = joined([*before, *sound], wanted, whole=whole, room=self.room + counted)
        self.room -= len(bundle.entry or ()) - counted
        self.notes += notes
        self._put(key, bundle)
        if bundle.link is None and kind is not None:
            self.whole.add(kind)
        self._read_medications(unresolved_medications([*self.request.prefetch.values(), bundle]), tasks)

    def _put(self, key: str, value: Slot) -> None:
        """In place of what could not be read under the key, of which only the failure is still told."""
        if isinstance(self.request.prefetch.get(key), Failed):
            path = path_of(key)
            told = {note for note in self.request.notes if note.source == path}
            self.notes = [note for note in self.notes if note not in told] + [Note(path, "prefetch-failed")]
        self.prefetch[key] = value

    def _page(self, body: bytes, key: str) -> Bundle | None:
        resource = self._resource_of(body, key)
        return resource if isinstance(resource, Bundle) else None

    def _resource(self, fetched: Fetched, key: str) -> Slot:
        return self._resource_of(fetched.pages[0], key) if fetched.pages else None

    def _resource_of(self, body: bytes, key: str) -> Slot:
        """Read with the same tolerance as prefetch; what makes a whole request too costly makes one answer unread."""
        try:
            resource, notes = tolerantly(body, path_of(key))
        except (RequestError, TooManyError, ValueError):
            return Failed(None, path_of(key))
        self.notes += notes
        return resource

    def _read_medications(self, wanted: Mapping[str, set[str]], tasks: TaskGroup) -> None:
        for identifier, references in wanted.items():
            if identifier in self.medications or len(self.medications) == MOST_MEDICATIONS:
                continue
            if not any(self.session.holds(reference) for reference in references):
                continue
            self.medications[identifier] = None
            tasks.create_task(self._medication(identifier))

    async def _medication(self, identifier: str) -> None:
        fetched = await self.session.read(f"Medication/{identifier}")
        resource = self._resource(fetched, _REFERENCES)
        if isinstance(resource, Medication) and resource.id == identifier:
            self.medications[identifier] = resource

    def _not_fetched(self, key: str) -> None:
        self.prefetch[key] = Failed(None, path_of(key))
        self.notes.append(Note(path_of(key), "not-fetched"))

    def _forget_replaced(self) -> None:
        """What could not be read under a key of the caller's own, and was fetched instead, is no gap any more."""
        for key, value in self.request.prefetch.items():
            lists = mentioned(key)
            if isinstance(value, Failed) and isinstance(self.prefetch[key], Failed) and lists and lists <= self.whole:
                del self.prefetch[key]

    def _free_key(self) -> str:
        key = _REFERENCES
        while key in self.prefetch:
            key += "_"
        return key
