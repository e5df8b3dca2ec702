"""When operators are to be written to about a webhook endpoint that was disabled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import UtcDateTime
from gateway.db.migrations.steps import limit_locks

revision = "0017_endpoint_mails"
down_revision = "0016_delivery_states"

_TABLE = "webhook_endpoints"
_INDEX = "ix_webhook_endpoints_mail_at"


def upgrade() -> None:
    limit_locks()
    op.add_column(_TABLE, sa.Column("mail_at", UtcDateTime, nullable=True))
    op.create_index(_INDEX, _TABLE, ["mail_at"])


def downgrade() -> None:
    limit_locks()
    op.drop_index(_INDEX, _TABLE)
    op.drop_column(_TABLE, "mail_at")
