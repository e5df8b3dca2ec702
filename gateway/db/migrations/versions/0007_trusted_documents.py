"""Trusted documents: GraphQL texts by the SHA-256 of each, once for each owner."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import Id, OwnerPath, UtcDateTime, bytewise
from gateway.db.migrations.steps import limit_locks

revision = "0007_trusted_documents"
down_revision = "0006_devices"


def upgrade() -> None:
    limit_locks()
    op.create_table(
        "trusted_documents",
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.Column("id", bytewise(71), nullable=False),
        sa.Column("entry_id", Id, nullable=False),
        sa.Column("reseller_id", Id, nullable=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("owner_path", "id", name="pk_trusted_documents"),
        sa.UniqueConstraint("entry_id", name="uq_trusted_documents_entry_id"),
        sa.ForeignKeyConstraint(
            ["reseller_id"], ["resellers.id"], name="fk_trusted_documents_reseller_id"
        ),
    )
    for column in ("owner_path", "reseller_id"):
        op.create_index(
            f"ix_trusted_documents_{column}_entry_id", "trusted_documents", [column, "entry_id"]
        )


def downgrade() -> None:
    limit_locks()
    op.drop_table("trusted_documents")
