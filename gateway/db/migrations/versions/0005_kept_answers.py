"""Kept answers: what was answered under an Idempotency-Key, once per owner and key; sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import Id, UtcDateTime, bytewise
from gateway.db.migrations.steps import limit_locks

revision = "0005_kept_answers"
down_revision = "0004_audit"


def upgrade() -> None:
    limit_locks()
    op.create_table(
        "kept_answers",
        sa.Column("id", bytewise(64), nullable=False),
        sa.Column("owner", Id, nullable=False),
        sa.Column("key", bytewise(255), nullable=False),
        sa.Column("digest", sa.String(200), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("operation_id", Id, nullable=True),
        sa.Column("result", sa.LargeBinary, nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_kept_answers"),
        sa.UniqueConstraint("owner", "key", name="uq_kept_answers_owner_key"),
    )
    op.create_index("ix_kept_answers_created_at", "kept_answers", ["created_at"])


def downgrade() -> None:
    limit_locks()
    op.drop_table("kept_answers")
