"""Panels, resellers and API keys: who may ask, and whom we ask for them.

Of a key only the SHA-256 of its secret is kept, a panel's `api_pass` is sealed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import Id, Json, OwnerPath, UtcDateTime
from gateway.db.migrations.steps import limit_locks

revision = "0001_panels_resellers_keys"
down_revision = None


def upgrade() -> None:
    limit_locks()
    op.create_table(
        "panels",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("dialect", sa.String(40), nullable=False),
        sa.Column("base_url", sa.String(2000), nullable=False),
        sa.Column("api_pass", sa.LargeBinary, nullable=True),
        sa.Column("tls_verify", sa.Boolean, nullable=False),
        sa.Column("tls_ca_pem", sa.Text, nullable=True),
        sa.Column("budget", Json, nullable=False),
        sa.Column("settle_seconds", sa.Integer, nullable=False),
        sa.Column("suspend_by", sa.String(20), nullable=True),
        sa.Column("credit_mode", sa.String(20), nullable=False),
        sa.Column("bouquets", Json, nullable=False),
        sa.Column("extra_columns", Json, nullable=False),
        sa.Column("probe", Json, nullable=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_panels"),
    )
    op.create_table(
        "resellers",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("parent_id", Id, nullable=True),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("panel_accounts", Json, nullable=False),
        sa.Column("policy", Json, nullable=False),
        sa.Column("metadata", Json, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_resellers"),
        sa.ForeignKeyConstraint(["parent_id"], ["resellers.id"], name="fk_resellers_parent_id"),
    )
    op.create_index("ix_resellers_owner_path_id", "resellers", ["owner_path", "id"])
    op.create_index("ix_resellers_parent_id", "resellers", ["parent_id"])
    op.create_table(
        "keys",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("reseller_id", Id, nullable=True),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.Column("prefix", sa.String(40), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("permissions", Json, nullable=False),
        sa.Column("allowed_ips", Json, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=True),
        sa.Column("last_used_at", UtcDateTime, nullable=True),
        sa.Column("revoked_at", UtcDateTime, nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_keys"),
        sa.UniqueConstraint("digest", name="uq_keys_digest"),
        sa.ForeignKeyConstraint(["reseller_id"], ["resellers.id"], name="fk_keys_reseller_id"),
    )
    op.create_index("ix_keys_owner_path_id", "keys", ["owner_path", "id"])
    op.create_index("ix_keys_reseller_id_id", "keys", ["reseller_id", "id"])


def downgrade() -> None:
    limit_locks()
    op.drop_table("keys")
    op.drop_table("resellers")
    op.drop_table("panels")
