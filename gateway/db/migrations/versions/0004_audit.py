"""The audit log: entries that are searched, and their bodies. Nothing is ever changed in it.

Updates, deletes and truncation are refused by triggers, so that a later mistake does not open the
log. There are no foreign keys to what an entry speaks of: the log outlives it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import Id, OwnerPath, UtcDateTime
from gateway.db.migrations.steps import (
    drop_refuse_change,
    limit_locks,
    make_append_only,
    make_refuse_change,
)

revision = "0004_audit"
down_revision = "0003_operations"

INDEXES = (
    ("ix_audit_entries_owner_path_id", ["owner_path", "id"]),
    ("ix_audit_entries_action_id", ["action", "id"]),
    ("ix_audit_entries_phase_id", ["phase", "id"]),
    ("ix_audit_entries_resource_id_id", ["resource_id", "id"]),
    ("ix_audit_entries_operation_id_id", ["operation_id", "id"]),
    ("ix_audit_entries_reseller_id_id", ["reseller_id", "id"]),
    ("ix_audit_entries_at", ["at"]),
)


def upgrade() -> None:
    limit_locks()
    op.create_table(
        "audit_entries",
        sa.Column("id", Id, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("phase", sa.String(20), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("reseller_id", Id, nullable=True),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.Column("operation_id", Id, nullable=True),
        sa.Column("resource_id", Id, nullable=True),
        sa.Column("leaf_hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
    )
    for name, columns in INDEXES:
        op.create_index(name, "audit_entries", columns)
    op.create_table(
        "audit_bodies",
        sa.Column("entry_id", Id, nullable=False),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.Column("salt", sa.LargeBinary(16), nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name="pk_audit_bodies"),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["audit_entries.id"], name="fk_audit_bodies_entry_id"
        ),
    )
    make_refuse_change()
    make_append_only("audit_entries")
    make_append_only("audit_bodies")


def downgrade() -> None:
    limit_locks()
    op.drop_table("audit_bodies")
    op.drop_table("audit_entries")
    drop_refuse_change()
