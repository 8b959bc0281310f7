"""Work-up: referral, examination, laboratory, screening outside the skeleton (UTR, KUS, LAB, KLN-01, KLN-04, EXO)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cds_service.guideline.case import Case
    from cds_service.guideline.results import Finding


def findings(case: Case) -> tuple[Finding, ...]:
    """All that fired."""
    del case
    return ()
