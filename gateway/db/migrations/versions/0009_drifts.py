"""Drifts, and when each line and device was last compared with its panel.

What was there before counts as never compared. The column has a default, so that the code before
this migration can still insert rows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import Id, Json, OwnerPath, UtcDateTime
from gateway.db.migrations.steps import limit_locks

revision = "0009_drifts"
down_revision = "0008_settling"

COMPARED = ("lines", "devices")
INDEXES = (
    ("ix_drifts_owner_path_id", ["owner_path", "id"]),
    ("ix_drifts_resource_id_id", ["resource_id", "id"]),
    ("ix_drifts_panel_id_id", ["panel_id", "id"]),
    ("ix_drifts_reseller_id_id", ["reseller_id", "id"]),
    ("ix_drifts_kind_id", ["kind", "id"]),
)


def upgrade() -> None:
    limit_locks()
    for table in COMPARED:
        never = sa.text("'1970-01-01 00:00:00'")
        column = sa.Column("compared_at", UtcDateTime, nullable=False, server_default=never)
        op.add_column(table, column)
        op.create_index(f"ix_{table}_panel_id_compared_at", table, ["panel_id", "compared_at"])
    op.create_table(
        "drifts",
        sa.Column("id", Id, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("resource_id", Id, nullable=False),
        sa.Column("panel_id", Id, nullable=False),
        sa.Column("reseller_id", Id, nullable=True),
        sa.Column("differences", Json, nullable=False),
        sa.Column("first_seen_at", UtcDateTime, nullable=False),
        sa.Column("last_seen_at", UtcDateTime, nullable=False),
        sa.Column("closed_at", UtcDateTime, nullable=True),
        sa.Column("closed_by", sa.String(20), nullable=True),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_drifts"),
        sa.ForeignKeyConstraint(["panel_id"], ["panels.id"], name="fk_drifts_panel_id"),
        sa.ForeignKeyConstraint(["reseller_id"], ["resellers.id"], name="fk_drifts_reseller_id"),
    )
    for name, columns in INDEXES:
        op.create_index(name, "drifts", columns)
    is_open = sa.text("closed_at IS NULL")
    for name, key, is_unique in (
        ("uq_drifts_resource_id", "resource_id", True),
        ("ix_drifts_id_open", "id", False),
    ):
        op.create_index(
            name,
            "drifts",
            [key],
            unique=is_unique,
            sqlite_where=is_open,
            postgresql_where=is_open,
        )


def downgrade() -> None:
    limit_locks()
    op.drop_table("drifts")
    for table in COMPARED:
        op.drop_index(f"ix_{table}_panel_id_compared_at", table)
        op.drop_column(table, "compared_at")
