"""Lines, and the references under which they were renewed.

Panels do not keep usernames unique, so this index does, over terminated lines too. An external id
is free again once its line is terminated; lines without reseller share the operator's names.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import Id, Json, OwnerPath, UtcDateTime, bytewise
from gateway.db.migrations.steps import limit_locks

revision = "0002_lines"
down_revision = "0001_panels_resellers_keys"

INDEXES = (
    ("ix_lines_owner_path_id", ["owner_path", "id"]),
    ("ix_lines_reseller_id_id", ["reseller_id", "id"]),
    ("ix_lines_reseller_id_status", ["reseller_id", "status"]),
    ("ix_lines_status_id", ["status", "id"]),
    ("ix_lines_plan_id_id", ["plan_id", "id"]),
    ("ix_lines_external_id_id", ["external_id", "id"]),
    ("ix_lines_username_norm", ["username_norm"]),
    ("ix_lines_external_id_norm", ["external_id_norm"]),
    ("ix_lines_expires_at", ["expires_at"]),
    ("ix_lines_updated_at", ["updated_at"]),
)


def upgrade() -> None:
    limit_locks()
    op.create_table(
        "lines",
        sa.Column("id", Id, nullable=False),
        sa.Column("panel_id", Id, nullable=False),
        sa.Column("reseller_id", Id, nullable=True),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.Column("external_owner", Id, nullable=False),
        sa.Column("external_id", bytewise(128), nullable=True),
        sa.Column("external_id_norm", bytewise(255), nullable=True),
        sa.Column("plan_id", Id, nullable=True),
        sa.Column("username", bytewise(255), nullable=False),
        sa.Column("username_norm", bytewise(255), nullable=False),
        sa.Column("password", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("suspended_by", sa.String(20), nullable=True),
        sa.Column("is_banned", sa.Boolean, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=True),
        sa.Column("max_connections", sa.Integer, nullable=True),
        sa.Column("bouquet_ids", Json, nullable=False),
        sa.Column("is_trial", sa.Boolean, nullable=False),
        sa.Column("is_restreamer", sa.Boolean, nullable=False),
        sa.Column("allowed_ips", Json, nullable=False),
        sa.Column("allowed_user_agents", Json, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("admin_notes", sa.Text, nullable=False),
        sa.Column("metadata", Json, nullable=False),
        sa.Column("member_id", sa.BigInteger, nullable=True),
        sa.Column("force_server_id", sa.BigInteger, nullable=True),
        sa.Column("isp_lock", sa.Boolean, nullable=False),
        sa.Column("extra", Json, nullable=False),
        sa.Column("panel_line_id", sa.BigInteger, nullable=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lines"),
        sa.UniqueConstraint("panel_id", "username_norm", name="uq_lines_panel_id_username_norm"),
        sa.ForeignKeyConstraint(["panel_id"], ["panels.id"], name="fk_lines_panel_id"),
        sa.ForeignKeyConstraint(["reseller_id"], ["resellers.id"], name="fk_lines_reseller_id"),
    )
    for name, columns in INDEXES:
        op.create_index(name, "lines", columns)
    op.create_index(
        "uq_lines_external_owner_external_id",
        "lines",
        ["external_owner", "external_id"],
        unique=True,
        sqlite_where=sa.text("status <> 'terminated'"),
        postgresql_where=sa.text("status <> 'terminated'"),
    )
    op.create_index(
        "ix_lines_reseller_id_created_at",
        "lines",
        ["reseller_id", "created_at"],
        sqlite_where=sa.text("is_trial"),
        postgresql_where=sa.text("is_trial"),
    )
    op.create_table(
        "line_references",
        sa.Column("line_id", Id, nullable=False),
        sa.Column("reference", bytewise(128), nullable=False),
        sa.Column("operation_id", Id, nullable=False),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.PrimaryKeyConstraint("line_id", "reference", name="pk_line_references"),
        sa.ForeignKeyConstraint(
            ["line_id"], ["lines.id"], name="fk_line_references_line_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_line_references_operation_id", "line_references", ["operation_id"])


def downgrade() -> None:
    limit_locks()
    op.drop_table("line_references")
    op.drop_table("lines")
