"""Why feedback cannot be taken. No message holds a value of the request."""

from __future__ import annotations


class NotFeedbackError(Exception):
    """The body is no feedback at all; one sentence that names the field."""


class TooManyItemsError(Exception):
    """The body reports on more cards than one request may."""


class StoreUnavailableError(Exception):
    """Nothing of the batch was acknowledged: it may be sent again, `retry_after` seconds later.

    The message is for operators: a name of the database's own for what is wrong, such as SQLITE_FULL, or an SQLSTATE.
    """

    def __init__(self, cause: str, retry_after: int = 1) -> None:
        super().__init__(cause)
        self.retry_after = retry_after


class NewerSchemaError(StoreUnavailableError):
    """The database was written by a later version of this service, which alone may use it."""

    def __init__(self) -> None:
        super().__init__("The database has a newer schema than this version of cno-cds.")


def cause_of(fault: Exception) -> str:
    """What the database calls a failure, without its words: they may hold values."""
    origin = getattr(fault, "orig", None) or fault
    name = getattr(origin, "sqlite_errorname", None) or getattr(origin, "sqlstate", None)
    return name or type(origin).__name__
