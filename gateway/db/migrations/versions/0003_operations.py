"""Operations: one change asked of a panel each.

`holds_resource` is unique: the database itself refuses a second change of a resource whose first
one may still be under way. The columns that may hold passwords are sealed.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import Id, Json, OwnerPath, UtcDateTime, bytewise
from gateway.db.migrations.steps import limit_locks

revision = "0003_operations"
down_revision = "0002_lines"

INDEXES = (
    ("ix_operations_owner_path_id", ["owner_path", "id"]),
    ("ix_operations_state_id", ["state", "id"]),
    ("ix_operations_state_updated_at", ["state", "updated_at"]),
    ("ix_operations_kind_id", ["kind", "id"]),
    ("ix_operations_resource_id_id", ["resource_id", "id"]),
)


def upgrade() -> None:
    limit_locks()
    op.create_table(
        "operations",
        sa.Column("id", Id, nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("resource_id", Id, nullable=False),
        sa.Column("holds_resource", Id, nullable=True),
        sa.Column("panel_id", Id, nullable=False),
        sa.Column("reseller_id", Id, nullable=True),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.Column("asker", Json, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("problem", Json, nullable=True),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("desired", sa.LargeBinary, nullable=True),
        sa.Column("result", sa.LargeBinary, nullable=True),
        sa.Column("idempotency_id", bytewise(64), nullable=True),
        sa.Column("sent_at", UtcDateTime, nullable=True),
        sa.Column("settles_at", UtcDateTime, nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_operations"),
        sa.UniqueConstraint("holds_resource", name="uq_operations_holds_resource"),
        sa.ForeignKeyConstraint(["panel_id"], ["panels.id"], name="fk_operations_panel_id"),
        sa.ForeignKeyConstraint(
            ["reseller_id"], ["resellers.id"], name="fk_operations_reseller_id"
        ),
    )
    for name, columns in INDEXES:
        op.create_index(name, "operations", columns)


def downgrade() -> None:
    limit_locks()
    op.drop_table("operations")
