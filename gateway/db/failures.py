"""What the database's errors mean: unavailable, taken, or a bug of ours, which stays loud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import exc

from gateway.domain.errors import ServiceUnavailable

if TYPE_CHECKING:
    from sqlalchemy.engine import ExceptionContext

#: SQLSTATE classes: connection, resources, intervention (time-outs too), system, internal.
_DOWN_CLASSES: Final = frozenset({"08", "53", "57", "58", "XX"})
#: Lock not available; read only, as after a failover; no such table, as before a migration.
_DOWN_STATES: Final = frozenset({"55P03", "25006", "42P01"})
#: Serialisation failure, deadlock: a second try will probably do.
_TRY_AGAIN_STATES: Final = frozenset({"40001", "40P01"})
_TRY_AGAIN_SQLITE: Final = ("SQLITE_BUSY", "SQLITE_LOCKED")
#: Not migrated yet; SQLite has no code of its own for it.
_NO_TABLE_SQLITE: Final = "no such table"
_DOWN_SQLITE: Final = (
    "SQLITE_CANTOPEN",
    "SQLITE_CORRUPT",
    "SQLITE_FULL",
    "SQLITE_INTERRUPT",
    "SQLITE_IOERR",
    "SQLITE_NOMEM",
    "SQLITE_NOTADB",
    "SQLITE_PROTOCOL",
    "SQLITE_READONLY",
)


def unavailable(*, retry_after_seconds: int = 5) -> ServiceUnavailable:
    """Return the error that a caller is told when the database cannot serve us."""
    return ServiceUnavailable(
        "The gateway's database is not available.", retry_after_seconds=retry_after_seconds
    )


def raise_unavailable(context: ExceptionContext) -> None:
    """Listen to an engine's errors and replace those that are the database's, not ours.

    Raises:
        ServiceUnavailable: with the original error as its cause.
    """
    original = context.original_exception
    if isinstance(original, TimeoutError | OSError):
        # Nobody knows what the connection still waits for, so it is not used again.
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = False
        raise unavailable() from original
    seconds = 5 if context.is_disconnect else _wait_of(original)
    if seconds is not None:
        raise unavailable(retry_after_seconds=seconds) from original


def violated_unique(error: exc.IntegrityError) -> str | None:
    """Return the name of the unique constraint or index that refused a row, or None.

    PostgreSQL tells the name, SQLite the columns; our names are made of the columns.
    """
    name = getattr(error.orig.__cause__, "constraint_name", None) if error.orig else None
    if isinstance(name, str):
        return name
    _, found, text = str(error.orig).partition("UNIQUE constraint failed: ")
    if not found:
        return None
    columns = [column.split(".") for column in text.split(", ")]
    return "_".join(["uq", columns[0][0], *(column for _, column in columns)])


def _wait_of(error: BaseException) -> int | None:
    """Return after how many seconds to try again, or None where trying again is no use."""
    state = getattr(error, "sqlstate", None) or ""
    name = getattr(error, "sqlite_errorname", None) or ""
    if state in _TRY_AGAIN_STATES or name.startswith(_TRY_AGAIN_SQLITE):
        return 1
    if str(error).startswith(_NO_TABLE_SQLITE):
        return 5
    if state[:2] in _DOWN_CLASSES or state in _DOWN_STATES or name.startswith(_DOWN_SQLITE):
        return 5
    return None
