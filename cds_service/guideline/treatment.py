"""Drugs for CNO: what to consider, and what is known of a drug that is ordered (BEH)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cds_service.guideline.case import Case
    from cds_service.guideline.results import Finding


def findings(case: Case) -> tuple[Finding, ...]:
    """All that fired."""
    del case
    return ()
