"""Events, and what is kept to tell them once: marks, states of panels, thresholds of credits.

What was there before is looked at from this migration on: an expiry that has passed is not told.
The column has a default, so that the code before this migration can still insert rows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.db.columns import Id, Json, OwnerPath, UtcDateTime
from gateway.db.migrations.steps import limit_locks
from gateway.domain.clock import SystemClock

revision = "0013_events"
down_revision = "0012_key_limits"

TOLD = ("lines", "devices")
INDEXES = (
    ("ix_events_xact_number", ["xact", "number"]),
    ("ix_events_owner_path_xact_number", ["owner_path", "xact", "number"]),
    ("ix_events_at", ["at"]),
)


def upgrade() -> None:
    limit_locks()
    now = SystemClock().now().strftime("%Y-%m-%d %H:%M:%S")
    for table in TOLD:
        since = sa.text(f"'{now}'" if op.get_bind().dialect.name == "sqlite" else f"'{now}+00'")
        op.add_column(table, sa.Column("tell_at", UtcDateTime, nullable=True, server_default=since))
        op.create_index(f"ix_{table}_tell_at", table, ["tell_at"])
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "events",
        sa.Column("number", number, nullable=False, autoincrement=True),
        sa.Column("xact", sa.BigInteger, nullable=False),
        sa.Column("id", Id, nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("resource_id", Id, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("panel_id", Id, nullable=True),
        sa.Column("reseller_id", Id, nullable=True),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_events"),
        sa.UniqueConstraint("id", name="uq_events_id"),
        sa.UniqueConstraint("resource_id", "sequence", name="uq_events_resource_id_sequence"),
        sqlite_autoincrement=True,
    )
    for name, columns in INDEXES:
        op.create_index(name, "events", columns)
    op.create_table(
        "event_sequences",
        sa.Column("resource_id", Id, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("xact", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("resource_id", name="pk_event_sequences"),
    )
    op.create_table(
        "panel_states",
        sa.Column("panel_id", Id, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("panel_id", name="pk_panel_states"),
        sa.ForeignKeyConstraint(["panel_id"], ["panels.id"], name="fk_panel_states_panel_id"),
    )
    op.create_table(
        "credit_alerts",
        sa.Column("reseller_id", Id, nullable=False),
        sa.Column("low_threshold", sa.String(20), nullable=False),
        sa.Column("low_on", Json, nullable=False),
        sa.Column("owner_path", OwnerPath, nullable=False),
        sa.PrimaryKeyConstraint("reseller_id", name="pk_credit_alerts"),
        sa.ForeignKeyConstraint(
            ["reseller_id"], ["resellers.id"], name="fk_credit_alerts_reseller_id"
        ),
    )
    op.create_index(
        "ix_credit_alerts_owner_path_reseller_id", "credit_alerts", ["owner_path", "reseller_id"]
    )


def downgrade() -> None:
    limit_locks()
    for table in ("credit_alerts", "panel_states", "event_sequences", "events"):
        op.drop_table(table)
    for table in TOLD:
        op.drop_index(f"ix_{table}_tell_at", table)
        op.drop_column(table, "tell_at")
