"""Feedback in: from the bytes of a request to what is stored, and what the EHR is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.feedback.errors import NotFeedbackError, StoreUnavailableError, TooManyItemsError
from cds_service.feedback.reading import read_feedback
from cds_service.operations.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cds_service.feedback.store import FeedbackStore
    from cds_service.hooks.door import CdsClient
    from cds_service.hooks.services import Service


@dataclass(frozen=True, slots=True)
class FeedbackDesk:
    """Takes feedback in. The clock gives zoned moments."""

    store: FeedbackStore
    clock: Callable[[], datetime]

    async def take(self, client: CdsClient, service: Service, body: bytes) -> dict[str, int]:
        """Store what can be read; how many items were stored, known before, and put aside.

        Raises:
            RequestError: 400 no feedback in the body, 413 too much of it, 503 it cannot be stored now.
        """
        try:
            reading = read_feedback(body, keep_comments=client.keep_comments)
            receipt = await self.store.kept(client.name, service.id, reading, self.clock())
        except NotFeedbackError as error:
            raise RequestError(400, "structure", str(error)) from None
        except TooManyItemsError:
            raise RequestError(413, "too-costly", "The field feedback has too many items.") from None
        except StoreUnavailableError as error:
            later = {"retry-after": str(error.retry_after)}
            raise RequestError(503, "no-store", "Feedback cannot be stored now.", later) from None
        if not reading.items:
            fields = ", ".join(reading.faults)
            raise RequestError(400, "value", f"No item of the field feedback can be read; at fault: {fields}.")
        return {"stored": receipt.stored, "repeated": receipt.repeated, "quarantined": receipt.quarantined}
