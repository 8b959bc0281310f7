"""An answer as HTTP: its status, its type, its time, what browsers ask of it, and the bodies of errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cds_service.simulate import documents
from cds_service.simulate.findings import Seen

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from cds_service.simulate.client import Answer, Limits
    from cds_service.simulate.vendor import Json

_JSON = re.compile(r"application/(?:[A-Za-z0-9.\-]+\+)?json", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9.+\-]{1,40}/[A-Za-z0-9.+\-]{1,60}")
_TARGET = re.compile(r"[A-Za-z0-9\-._~/%:\[\]]{1,120}")
_ERRORS = 400
_BREAKS = 500


@dataclass(frozen=True, slots=True)
class Private:
    """What of a request must not come back."""

    tokens: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """Of the patient: names and ids."""


def common_remarks(answer: Answer, limits: Limits) -> Iterator[Seen]:
    """What holds of any answer: a redirect, refused authentication, a breakdown, a long wait."""
    status = {"status": answer.status}
    if answer.ms > limits.remark_ms:
        yield Seen("slow", slots={"ms": answer.ms})
    if is_redirect(answer):
        yield Seen("redirect", slots={**status, "target": _target(answer.headers.get("location", ""))})
    elif answer.status in {401, 403}:
        yield Seen("unauthorised", slots=status)
    elif answer.status >= _BREAKS:
        yield Seen("server-error", slots=status)


def is_redirect(answer: Answer) -> bool:
    """Whether the answer sends the client elsewhere."""
    return answer.status // 100 == 3  # noqa: PLR2004  the class of the status


def is_success(answer: Answer) -> bool:
    """Whether the status is one of success."""
    return answer.status // 100 == 2  # noqa: PLR2004  the class of the status


def is_told(answer: Answer) -> bool:
    """Whether common_remarks says all that there is to its status."""
    return is_redirect(answer) or answer.status in {401, 403} or answer.status >= _BREAKS


def _target(location: str) -> str:
    """Where a redirect leads to, without what may identify someone."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return "elsewhere"
    place = f"{parts.scheme}://{parts.hostname}{parts.path}" if parts.hostname else parts.path
    return place if _TARGET.fullmatch(place) else "elsewhere"


def body_of(answer: Answer, seen: list[Seen], rule: str | None = None) -> Json | None:
    """The JSON object that an answer must be by a rule; None, with the reason among what was seen, if it is none."""
    told = answer.headers.get("content-type", "")
    media_type = told.partition(";")[0].strip()
    if not _JSON.fullmatch(media_type):
        seen.append(Seen("content-type", slots={"type": _shown(media_type)}))
        if not answer.body.lstrip().startswith((b"{", b"[")):
            return None
    return documents.read(answer.body, seen, rule)


def _shown(media_type: str) -> str:
    if not media_type:
        return "missing"
    return media_type if _MEDIA_TYPE.fullmatch(media_type) else "unreadable"


def is_outcome(document: Json | None) -> bool:
    """Whether it is an OperationOutcome with at least one issue that has severity and code."""
    if document is None or document.get("resourceType") != "OperationOutcome":
        return False
    issues = document.get("issue")
    return (
        isinstance(issues, list)
        and bool(issues)
        and all(
            isinstance(issue, dict) and all(isinstance(issue.get(name), str) for name in ("severity", "code"))
            for issue in issues
        )
    )


def error_remarks(answer: Answer, missing_outcome: str) -> Iterator[Seen]:
    """What is to be said of the body of an error; `missing_outcome` is the check that a body of another kind fails."""
    seen: list[Seen] = []
    document = body_of(answer, seen)
    if is_outcome(document):
        yield from seen
    else:
        yield Seen(missing_outcome)


def repeated(answer: Answer, private: Private) -> Iterator[Seen]:
    """Whether an answer holds a token, or an error what identifies the patient."""
    if any(token.encode() in answer.body for token in private.tokens):
        yield Seen("token-told")
    if answer.status >= _ERRORS and any(name.encode() in answer.body for name in private.names):
        yield Seen("patient-told")


def cors_remarks(answer: Answer, origin: str) -> Iterator[Seen]:
    """Whether a page of that origin may read the answer."""
    if answer.headers.get("access-control-allow-origin") not in {"*", origin}:
        yield Seen("cors-origin")


def preflight_remarks(answer: Answer, origin: str, method: str, asked: Collection[str]) -> Iterator[Seen]:
    """Whether the browser would then send the request itself, with the headers that it asked for."""
    if not is_success(answer):
        yield Seen("cors-refused", slots={"status": answer.status})
        return
    yield from cors_remarks(answer, origin)
    if lacking := sorted(set(asked) - _listed(answer.headers, "access-control-allow-headers")):
        yield Seen("cors-headers", slots={"names": " and ".join(lacking)})
    if not {method.lower(), "*"} & _listed(answer.headers, "access-control-allow-methods"):
        yield Seen("cors-methods", slots={"names": method})


def _listed(headers: Mapping[str, str], name: str) -> frozenset[str]:
    return frozenset(part.strip().lower() for part in headers.get(name, "").split(","))
