"""Bytes to what became of cards. Each item is judged by itself: a bad one costs itself, and says which field it is."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, TypeAlias, cast, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from cds_service.feedback.errors import NotFeedbackError, TooManyItemsError
from cds_service.feedback.kept_text import category_reason, coded_reason, kept_comment, kept_id

if TYPE_CHECKING:
    from collections.abc import Iterator

Outcome: TypeAlias = Literal["accepted", "overridden"]
Fault: TypeAlias = Literal["item", "card", "outcome", "outcomeTimestamp", "acceptedSuggestions", "overrideReason"]
"""The field for which an item is refused; `item` where it is no object."""
MOST_ITEMS = 1000
_MOST_SUGGESTIONS = 50
_MOST_REASONS = 20
_FAULTS = frozenset(get_args(Fault))
_EPIC_CATEGORY = "com.epic.cdshooks.feedback.overrideReason.reasonCategory"
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Item:
    """What one card led to, in the form that is kept: ids and reasons sorted, none twice; an empty comment is none."""

    card: str
    outcome: Outcome
    outcome_at: datetime
    suggestions: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class BadItem:
    """What is told of an item that cannot be read: the first field at fault, and the SHA256 of the whole in hex."""

    fault: Fault
    digest: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One request, item by item; never both empty."""

    items: tuple[Item, ...]
    bad: tuple[BadItem, ...]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The fields for which items were refused, each once."""
        return tuple(sorted({item.fault for item in self.bad}))


def read_feedback(body: bytes, *, keep_comments: bool) -> Reading:
    """What a request reports: the form of CDS Hooks 2.0, or with Epic's plural `overrideReasons`.

    Raises:
        NotFeedbackError: it is not JSON, or no object with items in `feedback`.
        TooManyItemsError: above MOST_ITEMS.
    """
    try:
        items = _items(body)
        read = [_read(item, keep_comments=keep_comments) for item in items]
    except RecursionError:
        raise NotFeedbackError("The body is nested too deeply.") from None
    return Reading(
        tuple(item for item in read if isinstance(item, Item)),
        tuple(item for item in read if isinstance(item, BadItem)),
    )


def _items(body: bytes) -> list[Any]:
    try:
        # A number means nothing here, and a whole one may have more digits than Python reads.
        content = json.loads(body.decode(), parse_int=float, parse_constant=_refuse)
    except ValueError:
        raise NotFeedbackError("The body is not JSON.") from None
    items = content.get("feedback") if isinstance(content, dict) else None
    if not isinstance(items, list) or not items:
        raise NotFeedbackError("The body must be an object with a list of at least one item in feedback.")
    if len(items) > MOST_ITEMS:
        raise TooManyItemsError(f"The body has more than {MOST_ITEMS} items in feedback.")
    return items


def _refuse(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _read(item: object, *, keep_comments: bool) -> Item | BadItem:
    accepted = isinstance(item, dict) and item.get("outcome") == "accepted"
    try:
        if accepted:
            return _Accepted.model_validate(item).item()
        return _Overridden.model_validate(item).item(keep_comments=keep_comments)
    except ValidationError as fault:
        canonical = json.dumps(item, sort_keys=True, separators=(",", ":"))
        return BadItem(_field(fault), sha256(canonical.encode()).hexdigest())


def _field(fault: ValidationError) -> Fault:
    place = fault.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
    name = place[0] if place else "item"
    return cast("Fault", name) if name in _FAULTS else "overrideReason"


def _moment(value: object) -> datetime:
    """A moment in UTC. Without an offset it is in UTC already: CDS Hooks knows no other."""
    if not isinstance(value, str) or _RFC_3339.fullmatch(value) is None:
        raise ValueError("not a moment")
    try:
        moment = datetime.fromisoformat(value.upper())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("before the first year or after the last") from None


def _listed(value: object) -> object:
    """Epic's plural holds one object; a list is as good, and null is none."""
    if value is None:
        return []
    return [value] if isinstance(value, dict) else value


class _Sent(BaseModel):
    """Members that we do not know are ignored; nothing is taken for what it is not."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)


_Id: TypeAlias = Annotated[str, AfterValidator(kept_id)]


class _Suggestion(_Sent):
    id: _Id


class _Coding(_Sent):
    code: str | None = None
    system: str | None = None


class _Override(_Sent):
    reason: _Coding | None = None
    comment: str | None = Field(None, alias="userComment")
    extension: Any = None

    def reasons(self) -> Iterator[str]:
        if self.reason is not None:
            yield coded_reason(self.reason.system, self.reason.code)
        category = self.extension.get(_EPIC_CATEGORY) if isinstance(self.extension, dict) else None
        if isinstance(category, str):
            yield category_reason(_EPIC_CATEGORY, category)


_Overrides: TypeAlias = Annotated[list[_Override], Field(max_length=_MOST_REASONS), BeforeValidator(_listed)]


class _Reported(_Sent):
    card: _Id
    outcome: Outcome
    outcome_at: Annotated[datetime, BeforeValidator(_moment), Field(alias="outcomeTimestamp")]


class _Accepted(_Reported):
    suggestions: list[_Suggestion] = Field(alias="acceptedSuggestions", min_length=1, max_length=_MOST_SUGGESTIONS)

    def item(self) -> Item:
        ids = tuple(sorted({suggestion.id for suggestion in self.suggestions}))
        return Item(self.card, self.outcome, self.outcome_at, suggestions=ids)


class _Overridden(_Reported):
    override: _Overrides = Field([], alias="overrideReason")
    overrides: _Overrides = Field([], alias="overrideReasons")

    def item(self, *, keep_comments: bool) -> Item:
        told = [*self.override, *self.overrides]
        reasons = tuple(sorted({reason for one in told for reason in one.reasons()}))
        comments = (one.comment for one in told if one.comment) if keep_comments else ()
        return Item(
            self.card, self.outcome, self.outcome_at, reasons=reasons, comment=kept_comment("\n".join(comments))
        )
