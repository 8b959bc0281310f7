"""The tables. What they hold of a request is chosen in kept_text.py; comments have a table of their own."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, ForeignKey, Index, MetaData, String, Table, Text

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)
_DIGEST = String(64)

FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("digest", _DIGEST, primary_key=True),  # SHA256 of the columns from tenant to reasons, in hex
    Column("tenant", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("card", Text, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("outcome_at", DateTime(timezone=True), nullable=False),
    Column("suggestions", Text, nullable=False),  # ids, sorted, a space between
    Column("reasons", Text, nullable=False),  # system|code, sorted, a space between
    Column("received_at", DateTime(timezone=True), nullable=False),
    Index(None, "card"),
    Index(None, "received_at"),
)
FEEDBACK_COMMENT = Table(
    "feedback_comment",
    METADATA,
    Column("feedback", _DIGEST, ForeignKey("feedback.digest", ondelete="CASCADE"), primary_key=True),
    Column("digest", _DIGEST, primary_key=True),  # SHA256 of the comment
    Column("comment", Text, nullable=False),
)
QUARANTINE = Table(
    "feedback_quarantine",
    METADATA,
    Column("digest", _DIGEST, primary_key=True),  # SHA256 of tenant, service and the item, which is not kept
    Column("tenant", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("fault", String(20), nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Index(None, "tenant", "received_at"),
    Index(None, "received_at"),
)
