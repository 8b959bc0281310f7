"""Feedback, its comments and what could not be read."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "feedback",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("card", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("outcome_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("suggestions", sa.Text, nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_feedback"),
    )
    op.create_index("ix_feedback_card", "feedback", ["card"])
    op.create_index("ix_feedback_received_at", "feedback", ["received_at"])
    op.create_table(
        "feedback_comment",
        sa.Column("feedback", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("feedback", "digest", name="pk_feedback_comment"),
        sa.ForeignKeyConstraint(
            ["feedback"], ["feedback.digest"], name="fk_feedback_comment_feedback", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "feedback_quarantine",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("fault", sa.String(20), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_feedback_quarantine"),
    )
    op.create_index("ix_feedback_quarantine_tenant_received_at", "feedback_quarantine", ["tenant", "received_at"])
    op.create_index("ix_feedback_quarantine_received_at", "feedback_quarantine", ["received_at"])
