"""Alembic runs this for every command; the connection is handed in by `gateway.db.migrations`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import context

from gateway.db import (  # noqa: F401 - the tables
    rows,
    rows_clients,
    rows_credits,
    rows_devices,
    rows_documents,
    rows_drifts,
    rows_events,
    rows_inbound,
    rows_lines,
    rows_oauth,
    rows_operations,
    rows_webhooks,
)
from gateway.db.columns import Base
from gateway.db.migrations.steps import take_lock

if TYPE_CHECKING:
    from sqlalchemy import Connection


def run() -> None:
    """Run all steps in one transaction, so that the schema is never between two of them.

    On SQLite the transaction itself is the lock (BEGIN IMMEDIATE).
    """
    connection: Connection | None = context.config.attributes.get("connection")
    if connection is None:
        raise RuntimeError("run migrations by `xtream-gateway migrate`, not by alembic itself")
    context.configure(connection=connection, target_metadata=Base.metadata, transactional_ddl=True)
    with context.begin_transaction():
        take_lock(connection)
        context.run_migrations()


run()
