"""Webhook endpoints, their deliveries and attempts, and how far events were dispatched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import Id, Json, OwnerPath, UtcDateTime, bytewise
from gateway.db.migrations.steps import limit_locks

revision = "0014_webhooks"
down_revision = "0013_events"


def upgrade() -> None:
    limit_locks()
    _endpoints()
    _deliveries()
    _attempts()
    _dispatch()


def _endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", Id, nullable=False),
        sa.Column("reseller_id", Id, nullable=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("event_types", Json, nullable=False),
        sa.Column("signature", sa.String(10), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("state", bytewise(20), nullable=False),
        sa.Column("disabled_reason", sa.String(20), nullable=True),
        sa.Column("secrets", sa.LargeBinary, nullable=False),
        sa.Column("public_key", sa.String(100), nullable=True),
        sa.Column("failing_since", UtcDateTime, nullable=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_endpoints"),
        sa.ForeignKeyConstraint(
            ["reseller_id"], ["resellers.id"], name="fk_webhook_endpoints_reseller_id"
        ),
    )
    op.create_index("ix_webhook_endpoints_owner_path_id", "webhook_endpoints", ["owner_path", "id"])
    op.create_index(
        "ix_webhook_endpoints_reseller_id_id", "webhook_endpoints", ["reseller_id", "id"]
    )


def _deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", Id, nullable=False),
        sa.Column("endpoint_id", Id, nullable=False),
        sa.Column("event_id", Id, nullable=False),
        sa.Column("event_type", sa.String(40), nullable=False),
        sa.Column("resource_id", Id, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("state", bytewise(20), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", UtcDateTime, nullable=True),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["webhook_endpoints.id"], name="fk_webhook_deliveries_endpoint_id"
        ),
        sa.UniqueConstraint(
            "endpoint_id", "event_id", name="uq_webhook_deliveries_endpoint_id_event_id"
        ),
    )
    for columns in (
        *(["endpoint_id", "id"], ["endpoint_id", "next_at"]),
        *(["endpoint_id", "resource_id", "sequence"], ["next_at"], ["created_at"]),
    ):
        op.create_index(f"ix_webhook_deliveries_{'_'.join(columns)}", "webhook_deliveries", columns)


def _attempts() -> None:
    op.create_table(
        "webhook_attempts",
        sa.Column("id", Id, nullable=False),
        sa.Column("delivery_id", Id, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("headers", Json, nullable=False),
        sa.Column("tried", Json, nullable=False),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_attempts"),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["webhook_deliveries.id"], name="fk_webhook_attempts_delivery_id"
        ),
    )
    op.create_index("ix_webhook_attempts_delivery_id_id", "webhook_attempts", ["delivery_id", "id"])


def _dispatch() -> None:
    made = op.create_table(
        "webhook_dispatch",
        sa.Column("id", Id, nullable=False),
        sa.Column("event_id", Id, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_dispatch"),
    )
    op.bulk_insert(made, [{"id": "events", "event_id": None}])


def downgrade() -> None:
    limit_locks()
    op.drop_table("webhook_dispatch")
    op.drop_table("webhook_attempts")
    op.drop_table("webhook_deliveries")
    op.drop_table("webhook_endpoints")
