"""What migrations share: limits, locks and triggers, in each database's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from alembic import op

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Any number, as long as nothing else in the database uses it for an advisory lock.
_LOCK: Final = 7_210_448_119


def take_lock(connection: Connection) -> None:
    """Let one process migrate at a time; the lock ends with the transaction.

    SQLite needs none: the transaction began as a writer.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def limit_locks(*, lock_seconds: int = 4, statement_seconds: int = 60) -> None:
    """Give up rather than make the running service wait; SQLite's busy timeout does this there."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"SET LOCAL lock_timeout = '{lock_seconds}s'")
        op.execute(f"SET LOCAL statement_timeout = '{statement_seconds}s'")


def make_append_only(table: str) -> None:
    """Refuse updates, deletes and truncation of *table* by triggers."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def make_refuse_change() -> None:
    """Create the function that PostgreSQL's append-only triggers call."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )


def drop_refuse_change() -> None:
    """Drop that function, after the tables that use it."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")
