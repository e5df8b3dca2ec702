"""Database engines: how we connect, how transactions begin, and how long anything may take.

`postgresql://` URLs go to asyncpg as they are, with all parameters that libpq knows; `sqlite:///`
URLs name a file (percent-encoding is undone), `sqlite://` alone a database in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import asyncpg
import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from gateway.db.failures import raise_unavailable, unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.connectors.asyncio import AsyncAdapt_dbapi_connection
    from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection
    from sqlalchemy.engine import Connection
    from sqlalchemy.pool import ConnectionPoolEntry

_POSTGRESQL: Final = ("postgresql", "postgres", "postgresql+asyncpg")
_SQLITE: Final = ("sqlite", "sqlite+aiosqlite")
#: The execution option that makes a transaction on SQLite take the write lock when it begins.
WRITES: Final = "gateway_writes"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLimits:
    """How many connections, and for how many seconds to wait, so that a dead database is told soon.

    A statement is stopped by the server, and, if that does not answer, by us a little later.
    """

    pool_size: int = 10
    pool_overflow: int = 10
    pool_timeout_seconds: float = 5.0
    connect_timeout_seconds: float = 5.0
    lock_timeout_seconds: float = 4.0
    statement_timeout_seconds: float = 8.0
    command_timeout_seconds: float = 10.0


#: For migrations, which may rightly take long.
MIGRATION_LIMITS: Final = EngineLimits(
    pool_size=1,
    pool_overflow=0,
    lock_timeout_seconds=60.0,
    statement_timeout_seconds=3_600.0,
    command_timeout_seconds=3_660.0,
)


def make_engine(url: str, limits: EngineLimits | None = None) -> AsyncEngine:
    """Return an engine; nothing is connected yet.

    A SQLite database in memory has a single connection: transactions on it wait for each other.

    Raises:
        ValueError: the URL is of another database. Its text, which may hold a password, is not in
            the message.
    """
    limits = limits or EngineLimits()
    scheme, separator, rest = url.partition("://")
    if separator and scheme in _POSTGRESQL:
        engine = _make_postgresql(f"postgresql://{rest}", limits)
    elif separator and scheme in _SQLITE:
        engine = _make_sqlite(unquote(rest.removeprefix("/")), limits)
    else:
        raise ValueError("the database URL must begin with sqlite:/// or postgresql://")
    event.listen(engine.sync_engine, "handle_error", raise_unavailable)
    return engine


def is_sqlite(engine: AsyncEngine) -> bool:
    """Tell which of the two databases it is."""
    return engine.dialect.name == "sqlite"


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


def _make_postgresql(dsn: str, limits: EngineLimits) -> AsyncEngine:
    settings = {
        "application_name": "xtream-gateway",
        "idle_in_transaction_session_timeout": _milliseconds(60),
        "lock_timeout": _milliseconds(limits.lock_timeout_seconds),
        "statement_timeout": _milliseconds(limits.statement_timeout_seconds),
        # A change is sent to a panel only after the row that says so is safe on disk.
        "synchronous_commit": "on",
    }

    async def connect(**_: object) -> object:
        """Connect by the whole URL, so that SQLAlchemy never holds the password."""
        try:
            return await asyncpg.connect(
                dsn,
                timeout=limits.connect_timeout_seconds,
                command_timeout=limits.command_timeout_seconds,
                server_settings=settings,
            )
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise unavailable() from error

    engine = create_async_engine(
        "postgresql+asyncpg://",
        connect_args={"async_creator_fn": connect},
        hide_parameters=True,
        pool_size=limits.pool_size,
        max_overflow=limits.pool_overflow,
        pool_timeout=limits.pool_timeout_seconds,
        pool_use_lifo=True,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(
    connection: AsyncAdapt_dbapi_connection, _entry: ConnectionPoolEntry, _proxy: object
) -> None:
    """Let the pool replace a connection that the server has closed; this asks no one."""
    if connection.driver_connection.is_closed():
        raise exc.DisconnectionError


def _make_sqlite(path: str, limits: EngineLimits) -> AsyncEngine:
    in_memory = path in {"", ":memory:"}
    url = sa.URL.create("sqlite+aiosqlite", database=path or ":memory:")
    engine = create_async_engine(
        url,
        connect_args={"timeout": limits.lock_timeout_seconds},
        hide_parameters=True,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1 if in_memory else limits.pool_size,
        max_overflow=0 if in_memory else limits.pool_overflow,
        pool_timeout=limits.pool_timeout_seconds,
        pool_use_lifo=True,
    )
    event.listen(engine.sync_engine, "connect", _set_up_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(
    connection: AsyncAdapt_aiosqlite_connection, _entry: ConnectionPoolEntry
) -> None:
    """Take transactions into our own hands, and make commits survive a power cut."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "recursive_triggers = ON",  # Else INSERT OR REPLACE would slip by the triggers on deletes.
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Begin at once as a writer or as a reader.

    A reader that starts to write later could find the database changed since it began to read, and
    would then fail at once instead of waiting its turn.
    """
    options: Mapping[str, object] = connection.get_execution_options()
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(WRITES) else "BEGIN DEFERRED")
