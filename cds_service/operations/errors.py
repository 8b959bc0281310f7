"""Why a request cannot be answered with cards: the status, and the FHIR issue that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CLOSE = {"connection": "close"}
"""The headers of a refusal after which the connection is of no more use."""


class RequestError(Exception):
    """A request that cannot be answered. `status` is of HTTP, `code` an R4 issue-type; no value is ever quoted."""

    def __init__(self, status: int, code: str, diagnostics: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(diagnostics)
        self.status = status
        self.code = code
        self.diagnostics = diagnostics
        self.headers: Mapping[str, str] = headers or {}
        """What the answer carries beside its body, such as `retry-after`; names in small letters."""


class DisconnectedError(RequestError):
    """The client went away before its request was whole: nobody is left to be answered."""

    def __init__(self) -> None:
        super().__init__(400, "incomplete", "The body was cut off.", CLOSE)
