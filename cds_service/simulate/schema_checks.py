"""A message against its JSON Schema, draft 2020-12: each fault is told by its rule and place. What is empty is T4's."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from jsonschema import Draft202012Validator

from cds_service.simulate.documents import at
from cds_service.simulate.findings import Place, Seen
from cds_service.simulate.vendor import Json, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SCHEMAS = files("cds_service") / "schemas"
Message: TypeAlias = Literal["DiscoveryResponse", "Response", "Request"]
_FORMS = {
    "uuid": "a UUID",
    "url": "an absolute http or https URL",
    "icon": "an absolute http or https URL",
    "id": "letters, digits and -._~ only",
    "hook": "letters, digits, dots and hyphens only",
    "resourceId": "Type/id",
}
_EXCLUDED = {"appContext": "L4", "resource": "H5", "resourceId": "H3"}
_OF_ACTIONS = re.compile(r"actions|systemActions")


@dataclass(frozen=True, slots=True)
class _Violation:
    """One fault as jsonschema tells it."""

    place: Place
    instance: Any
    """What stands there."""
    demand: Any
    """The value of the keyword."""
    schema: Any


def violations(document: Json, message: Message) -> Iterator[Seen]:
    """What keeps a document from being such a message."""
    rules = table("members")[message]
    for error in validator(message).iter_errors(document):
        tell = _KEYWORDS.get(str(error.validator))
        if tell is not None and error.instance not in ("", None):
            violation = _Violation(tuple(error.absolute_path), error.instance, error.validator_value, error.schema)
            for seen in tell(violation):
                if not _is_let_pass(seen, document):
                    yield Seen(seen.check, seen.place, seen.rule or _rule(seen, rules), seen.slots)


@cache
def validator(message: Message) -> Draft202012Validator:
    """The validator of one kind of message."""
    schema = json.loads((SCHEMAS / "cds-hooks.schema.json").read_text("utf-8"))
    return Draft202012Validator({**schema, "$ref": f"#/$defs/{message}"})


def _rule(seen: Seen, rules: Mapping[str, str]) -> str | None:
    """The rule of the place; of a member that there is not, only where it has one of its own."""
    names = [str(name) for name in seen.place if not isinstance(name, int)]
    if seen.check.startswith("extra-member"):
        return rules.get(".".join(names))
    return next(rules[".".join(names[:end])] for end in range(len(names), -1, -1) if ".".join(names[:end]) in rules)


def _missing(one: _Violation) -> Iterator[Seen]:
    yield from (Seen("missing", (*one.place, name)) for name in one.demand if name not in one.instance)


def _dependent(one: _Violation) -> Iterator[Seen]:
    for name, needed in one.demand.items():
        if name in one.instance:
            yield from (Seen("missing", (*one.place, other)) for other in needed if other not in one.instance)


def _type(one: _Violation) -> Iterator[Seen]:
    yield Seen("wrong-type", one.place, slots={"type": one.demand})


def _values(one: _Violation) -> Iterator[Seen]:
    yield Seen("not-one-of", one.place, slots={"values": ", ".join(one.demand)})


def _length(one: _Violation) -> Iterator[Seen]:
    yield Seen("too-long", one.place, slots={"length": len(one.instance), "most": one.demand})


def _form(one: _Violation) -> Iterator[Seen]:
    form = _FORMS.get(str(one.place[-1]))
    if form is not None and "prefetch" not in one.place:
        yield Seen("wrong-form", one.place, slots={"form": form})


def _excluded(one: _Violation) -> Iterator[Seen]:
    yield from (Seen("must-not-stand", (*one.place, name), _EXCLUDED[name]) for name in one.demand["required"])


def _recommended(one: _Violation) -> Iterator[Seen]:
    yield Seen("too-many-recommended", one.place, "K10")


def _extra(one: _Violation) -> Iterator[Seen]:
    check = "extra-member-of-service" if "services" in one.place else "extra-member"
    yield from (Seen(check, (*one.place, name)) for name in one.instance if name not in one.schema["properties"])


_KEYWORDS: Mapping[str, Callable[[_Violation], Iterator[Seen]]] = {
    "required": _missing,
    "dependentRequired": _dependent,
    "type": _type,
    "enum": _values,
    "maxLength": _length,
    "pattern": _form,
    "not": _excluded,
    "maxContains": _recommended,
    "additionalProperties": _extra,
}


def _is_let_pass(seen: Seen, document: Json) -> bool:
    """An id that is to be deleted in `resource`, which is deprecated; system actions without words, as of 3.0."""
    if seen.place[:1] == ("systemActions",) and seen.place[-1:] == ("description",):
        return True
    if not any(isinstance(name, str) and _OF_ACTIONS.fullmatch(name) for name in seen.place):
        return False
    action = at(document, seen.place[:-1])
    is_old = isinstance(action, dict) and action.get("type") == "delete" and isinstance(action.get("resource"), str)
    return is_old and seen.place[-1] in {"resource", "resourceId"} and "resourceId" not in action
