"""After zoledronic acid: controls, hypocalcaemia, fever, the next infusion (ZOL-09, ZOL-11 to ZOL-14, ZOL-16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cds_service.guideline.case import Case
    from cds_service.guideline.results import Finding


def findings(case: Case) -> tuple[Finding, ...]:
    """All that fired."""
    del case
    return ()
