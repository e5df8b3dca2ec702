"""Inbound sources, their events, and what those want of lines and devices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import Id, Json, OwnerPath, UtcDateTime, bytewise
from gateway.db.migrations.steps import limit_locks

revision = "0015_inbound"
down_revision = "0014_webhooks"


def upgrade() -> None:
    limit_locks()
    _sources()
    _events()
    _subjects()


def _sources() -> None:
    op.create_table(
        "inbound_sources",
        sa.Column("id", Id, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("reseller_id", Id, nullable=True),
        sa.Column("secrets", sa.LargeBinary, nullable=False),
        sa.Column("rules", Json, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_inbound_sources"),
        sa.ForeignKeyConstraint(
            ["reseller_id"], ["resellers.id"], name="fk_inbound_sources_reseller_id"
        ),
    )
    op.create_index("ix_inbound_sources_owner_path_id", "inbound_sources", ["owner_path", "id"])
    op.create_index("ix_inbound_sources_reseller_id_id", "inbound_sources", ["reseller_id", "id"])


def _events() -> None:
    op.create_table(
        "inbound_events",
        sa.Column("id", Id, nullable=False),
        sa.Column("source_id", Id, nullable=False),
        sa.Column("event_id", bytewise(255), nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("occurred_at", UtcDateTime, nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=True),
        sa.Column("state", bytewise(20), nullable=False),
        sa.Column("reason", sa.String(40), nullable=True),
        sa.Column("rule", sa.Integer, nullable=True),
        sa.Column("action", sa.String(20), nullable=True),
        sa.Column("subject_id", bytewise(64), nullable=True),
        sa.Column("resource_kind", sa.String(20), nullable=True),
        sa.Column("external_id", sa.String(128), nullable=True),
        sa.Column("due_at", UtcDateTime, nullable=True),
        sa.Column("operation_ids", Json, nullable=False),
        sa.Column("problem", Json, nullable=True),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_inbound_events"),
        sa.ForeignKeyConstraint(
            ["source_id"], ["inbound_sources.id"], name="fk_inbound_events_source_id"
        ),
        sa.UniqueConstraint("source_id", "event_id", name="uq_inbound_events_source_id_event_id"),
    )
    for columns in (
        *(["source_id", "id"], ["state", "id"], ["subject_id", "state"]),
        ["received_at"],
    ):
        op.create_index(f"ix_inbound_events_{'_'.join(columns)}", "inbound_events", columns)


def _subjects() -> None:
    op.create_table(
        "inbound_subjects",
        sa.Column("id", bytewise(64), nullable=False),
        sa.Column("source_id", Id, nullable=False),
        sa.Column("resource", sa.String(20), nullable=False),
        sa.Column("external_id", sa.String(128), nullable=False),
        sa.Column("term", Json, nullable=True),
        sa.Column("switch", Json, nullable=True),
        sa.Column("is_suspended", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", UtcDateTime, nullable=True),
        sa.Column("lease_until", UtcDateTime, nullable=True),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_inbound_subjects"),
        sa.ForeignKeyConstraint(
            ["source_id"], ["inbound_sources.id"], name="fk_inbound_subjects_source_id"
        ),
    )
    op.create_index("ix_inbound_subjects_source_id", "inbound_subjects", ["source_id"])
    op.create_index("ix_inbound_subjects_next_at", "inbound_subjects", ["next_at"])


def downgrade() -> None:
    limit_locks()
    op.drop_table("inbound_subjects")
    op.drop_table("inbound_events")
    op.drop_table("inbound_sources")
