"""Differential diagnoses beside leukaemia and vitamin C deficiency (DDX-02 to DDX-07, DDX-09 to DDX-13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cds_service.guideline.case import Case
    from cds_service.guideline.results import Finding


def findings(case: Case) -> tuple[Finding, ...]:
    """All that fired."""
    del case
    return ()
