"""A key may have a rate limit of its own.

What was there before has none: the one of the settings is its. The code before this migration can
still insert rows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.migrations.steps import limit_locks

revision = "0012_key_limits"
down_revision = "0011_oauth"


def upgrade() -> None:
    limit_locks()
    op.add_column("keys", sa.Column("rate_limit", sa.String(20), nullable=True))


def downgrade() -> None:
    limit_locks()
    op.drop_column("keys", "rate_limit")
