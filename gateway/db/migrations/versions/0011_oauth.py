"""Keys that sign tokens, tokens that were revoked, and assertions that were used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import Id, UtcDateTime, bytewise
from gateway.db.migrations.steps import limit_locks

revision = "0011_oauth"
down_revision = "0010_clients"

INDEXES = (
    ("revoked_tokens", "revoked_at"),
    ("revoked_tokens", "expires_at"),
    ("used_assertions", "expires_at"),
)


def upgrade() -> None:
    limit_locks()
    op.create_table(
        "signing_keys",
        sa.Column("id", bytewise(64), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("alg", sa.String(20), nullable=False),
        sa.Column("private_jwk", sa.LargeBinary, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("used_from", UtcDateTime, nullable=False),
        sa.Column("retired_at", UtcDateTime, nullable=True),
        sa.Column("gone_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_signing_keys"),
        sa.UniqueConstraint("number", name="uq_signing_keys_number"),
    )
    op.create_table(
        "revoked_tokens",
        sa.Column("id", Id, nullable=False),
        sa.Column("revoked_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revoked_tokens"),
    )
    op.create_table(
        "used_assertions",
        sa.Column("id", bytewise(64), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_used_assertions"),
    )
    for table, column in INDEXES:
        op.create_index(f"ix_{table}_{column}", table, [column])


def downgrade() -> None:
    limit_locks()
    for table in ("used_assertions", "revoked_tokens", "signing_keys"):
        op.drop_table(table)
