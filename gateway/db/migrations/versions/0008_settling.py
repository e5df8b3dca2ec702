"""Operations are settled: who looks at one, how often it was done, and what is watched later.

A panel that makes no devices is remembered.

The columns have defaults, so that the code before this migration can still insert rows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import UtcDateTime
from gateway.db.migrations.steps import limit_locks

revision = "0008_settling"
down_revision = "0007_trusted_documents"

COUNTS = ("fence", "probes", "watches")
FLAGS = ("was_unknown", "said_done")
TIMES = ("lease_until", "watch_at")


def upgrade() -> None:
    limit_locks()
    with op.batch_alter_table("operations") as table:
        for name in COUNTS:
            table.add_column(sa.Column(name, sa.Integer, nullable=False, server_default="0"))
        for name in FLAGS:
            table.add_column(sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false()))
        for name in TIMES:
            table.add_column(sa.Column(name, UtcDateTime, nullable=True))
    flag = sa.Column("creates_devices", sa.Boolean, nullable=False, server_default=sa.true())
    op.add_column("panels", flag)
    op.create_index("ix_operations_state_settles_at", "operations", ["state", "settles_at"])
    op.create_index("ix_operations_watch_at", "operations", ["watch_at"])


def downgrade() -> None:
    limit_locks()
    op.drop_index("ix_operations_watch_at", "operations")
    op.drop_index("ix_operations_state_settles_at", "operations")
    # In place: other tables refer to this one, so a copy could not take its place.
    op.drop_column("panels", "creates_devices")
    with op.batch_alter_table("operations") as table:
        for name in (*TIMES, *FLAGS, *COUNTS):
            table.drop_column(name)
