"""Deliveries of webhooks by their state, for the log."""

from __future__ import annotations

from alembic import op

from gateway.db.migrations.steps import limit_locks

revision = "0016_delivery_states"
down_revision = "0015_inbound"

_INDEX = "ix_webhook_deliveries_endpoint_id_state_id"


def upgrade() -> None:
    limit_locks()
    op.create_index(_INDEX, "webhook_deliveries", ["endpoint_id", "state", "id"])


def downgrade() -> None:
    limit_locks()
    op.drop_index(_INDEX, "webhook_deliveries")
