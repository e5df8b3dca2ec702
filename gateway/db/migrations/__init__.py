"""The schema's steps, and how they are applied: by program, under a lock, from package data.

Steps only ever add to what running code uses (expand, fill, contract in a later release), so the
previous release runs on a newer schema. On PostgreSQL each sets its own lock and statement limits.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.db.engine import MIGRATION_LIMITS, WRITES, is_sqlite, make_engine

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

_FOLDER: Final = Path(__file__).parent
HEAD: Final = "head"
BASE: Final = "base"


async def migrate(database_url: str) -> None:
    """Bring the database at this URL to the newest schema; does nothing where it is.

    Two processes that migrate at once wait for each other, and the second finds nothing to do.
    Within a process it must run once at a time: Alembic keeps its state in globals.

    Raises:
        ServiceUnavailable: it cannot be reached, or another migration held the lock for too long.
    """
    engine = make_engine(database_url, MIGRATION_LIMITS)
    if is_sqlite(engine) and engine.url.database:
        Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
    try:
        await upgrade(engine)
    finally:
        await engine.dispose()


async def upgrade(engine: AsyncEngine, revision: str = HEAD) -> None:
    """Go up to *revision*; for a database in memory, which lives in its engine."""
    async with engine.execution_options(**{WRITES: True}).connect() as connection:
        await connection.run_sync(lambda it: command.upgrade(_config(it), revision))


async def downgrade(engine: AsyncEngine, revision: str = BASE) -> None:
    """Go down to *revision*. Data of later steps is lost."""
    async with engine.execution_options(**{WRITES: True}).connect() as connection:
        await connection.run_sync(lambda it: command.downgrade(_config(it), revision))


async def pending(engine: AsyncEngine) -> tuple[str, ...]:
    """Return the revisions that are not applied yet, in order.

    A revision that this code does not know is a newer one, which it can run on: nothing is pending.

    Raises:
        ServiceUnavailable: the database cannot be reached.
    """
    async with engine.connect() as connection:
        applied = await connection.run_sync(_applied)
    known = _revisions()
    if applied is None:
        return known
    return known[known.index(applied) + 1 :] if applied in known else ()


def _applied(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@cache
def _revisions() -> tuple[str, ...]:
    """Return all revisions that this code knows, the first one first."""
    steps = ScriptDirectory(str(_FOLDER)).walk_revisions()
    return tuple(reversed([step.revision for step in steps]))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
