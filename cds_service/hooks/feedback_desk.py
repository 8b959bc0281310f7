"""Feedback in: from the bytes of a request to what is stored, and what the EHR is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.feedback.errors import NotFeedbackError, StoreUnavailableError
from cds_service.feedback.reading import read_feedback
from cds_service.operations.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cds_service.feedback.store import FeedbackStore
    from cds_service.hooks.door import CdsClient
    from cds_service.hooks.services import Service

_LATER = {"retry-after": "30"}


@dataclass(frozen=True, slots=True)
class FeedbackDesk:
    """Takes feedback in. The clock gives zoned moments."""

    store: FeedbackStore
    clock: Callable[[], datetime]

    async def take(self, client: CdsClient, service: Service, body: bytes) -> dict[str, int]:
        """Store what can be read; how many items were stored, known before, and put aside.

        Raises:
            RequestError: 400 where the body is no feedback, 503 where it cannot be stored now.
        """
        try:
            reading = read_feedback(body, keep_comments=client.keep_comments)
            receipt = await self.store.kept(client.name, service.id, reading, self.clock())
        except NotFeedbackError as error:
            raise RequestError(400, "structure", str(error)) from None
        except StoreUnavailableError:
            raise RequestError(503, "transient", "Feedback cannot be stored now.", _LATER) from None
        return {"stored": receipt.stored, "repeated": receipt.repeated, "quarantined": receipt.quarantined}
