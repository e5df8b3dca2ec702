"""OAuth clients, with the SHA-256 of their secrets or the public half of their keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import Id, Json, OwnerPath, UtcDateTime
from gateway.db.migrations.steps import limit_locks

revision = "0010_clients"
down_revision = "0009_drifts"


def upgrade() -> None:
    limit_locks()
    op.create_table(
        "clients",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("reseller_id", Id, nullable=True),
        sa.Column("permissions", Json, nullable=False),
        sa.Column("origins", Json, nullable=False),
        sa.Column("jwks", Json, nullable=True),
        sa.Column("needs_dpop", sa.Boolean, nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(32), nullable=True),
        sa.Column("former_digest", sa.LargeBinary(32), nullable=True),
        sa.Column("former_ends_at", UtcDateTime, nullable=True),
        sa.Column("last_used_at", UtcDateTime, nullable=True),
        sa.Column("revoked_at", UtcDateTime, nullable=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_clients"),
        sa.ForeignKeyConstraint(["reseller_id"], ["resellers.id"], name="fk_clients_reseller_id"),
    )
    op.create_index("ix_clients_owner_path_id", "clients", ["owner_path", "id"])
    op.create_index("ix_clients_reseller_id_id", "clients", ["reseller_id", "id"])


def downgrade() -> None:
    limit_locks()
    op.drop_table("clients")
