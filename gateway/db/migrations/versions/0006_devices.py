"""Devices, and the references under which they were renewed.

As for lines: panels do not keep MACs unique, so this index does, over terminated devices too. An
external id is free again once its device is terminated, and a line may have the same one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import Id, Json, OwnerPath, UtcDateTime, bytewise
from gateway.db.migrations.steps import limit_locks

revision = "0006_devices"
down_revision = "0005_kept_answers"

INDEXES = (
    ("ix_devices_owner_path_id", ["owner_path", "id"]),
    ("ix_devices_reseller_id_id", ["reseller_id", "id"]),
    ("ix_devices_reseller_id_status", ["reseller_id", "status"]),
    ("ix_devices_status_id", ["status", "id"]),
    ("ix_devices_plan_id_id", ["plan_id", "id"]),
    ("ix_devices_external_id_id", ["external_id", "id"]),
    ("ix_devices_mac_id", ["mac", "id"]),
    ("ix_devices_external_id_norm", ["external_id_norm"]),
    ("ix_devices_expires_at", ["expires_at"]),
    ("ix_devices_updated_at", ["updated_at"]),
)


def upgrade() -> None:
    limit_locks()
    op.create_table(
        "devices",
        sa.Column("id", Id, nullable=False),
        sa.Column("panel_id", Id, nullable=False),
        sa.Column("reseller_id", Id, nullable=True),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.Column("external_owner", Id, nullable=False),
        sa.Column("external_id", bytewise(128), nullable=True),
        sa.Column("external_id_norm", bytewise(255), nullable=True),
        sa.Column("plan_id", Id, nullable=True),
        sa.Column("mac", bytewise(17), nullable=False),
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
        sa.Column("panel_device_id", sa.BigInteger, nullable=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_devices"),
        sa.UniqueConstraint("panel_id", "mac", name="uq_devices_panel_id_mac"),
        sa.ForeignKeyConstraint(["panel_id"], ["panels.id"], name="fk_devices_panel_id"),
        sa.ForeignKeyConstraint(["reseller_id"], ["resellers.id"], name="fk_devices_reseller_id"),
    )
    for name, columns in INDEXES:
        op.create_index(name, "devices", columns)
    op.create_index(
        "uq_devices_external_owner_external_id",
        "devices",
        ["external_owner", "external_id"],
        unique=True,
        sqlite_where=sa.text("status <> 'terminated'"),
        postgresql_where=sa.text("status <> 'terminated'"),
    )
    op.create_index(
        "ix_devices_reseller_id_created_at",
        "devices",
        ["reseller_id", "created_at"],
        sqlite_where=sa.text("is_trial"),
        postgresql_where=sa.text("is_trial"),
    )
    op.create_table(
        "device_references",
        sa.Column("device_id", Id, nullable=False),
        sa.Column("reference", bytewise(128), nullable=False),
        sa.Column("operation_id", Id, nullable=False),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.PrimaryKeyConstraint("device_id", "reference", name="pk_device_references"),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name="fk_device_references_device_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_device_references_operation_id", "device_references", ["operation_id"])


def downgrade() -> None:
    limit_locks()
    op.drop_table("device_references")
    op.drop_table("devices")
