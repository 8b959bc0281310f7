"""Why a request cannot be answered with cards: the status, and the FHIR issue that says so."""

from __future__ import annotations


class RequestError(Exception):
    """A request that cannot be answered. `status` is of HTTP, `code` an R4 issue-type; no value is ever quoted."""

    def __init__(self, status: int, code: str, diagnostics: str) -> None:
        super().__init__(diagnostics)
        self.status = status
        self.code = code
        self.diagnostics = diagnostics
