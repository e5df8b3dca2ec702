"""The column types and the base classes that all tables share; no tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

#: Names of constraints and indexes; errors are told apart by them, so every one has a name.
NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment: aware in, aware UTC out, to the microsecond, on both databases.

    SQLite keeps no time zone, so there the UTC wall time is stored. Naive values are refused:
    nobody can say which moment they mean.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC. Raises ValueError for a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without time zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, _: Dialect) -> datetime | None:
        """Return the moment as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def bytewise(length: int) -> sa.types.TypeEngine[str]:
    """Return a text type that sorts and compares by bytes, as ranges and keyset paging need.

    SQLite does so by itself, PostgreSQL under the collation C.
    """
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


#: Ids, owner paths, and JSON whose None is NULL.
Id: Final = bytewise(40)
OwnerPath: Final = bytewise(400)
Json: Final = sa.JSON(none_as_null=True)


class Base(DeclarativeBase):
    """All tables. A row shows its class and id only: the rest may be sealed or private.

    `about` names the column that says which line or device a row is about. A scope that is bound
    to one sees the rows about that one; those of tables without such a column, which are most, it
    does not see. `bound_may_add`: such a scope may add rows of this table all the same.
    """

    metadata = sa.MetaData(naming_convention=NAMES)
    about: ClassVar[str | None] = None
    bound_may_add: ClassVar[bool] = False

    def __repr__(self) -> str:
        state: Any = sa.inspect(self)
        return f"<{type(self).__name__} {state.identity}>"


class Owned:
    """A row that belongs to a reseller, or with the root path to the operator.

    The scope guard narrows every statement to the `owner_path` range of its session.
    """

    owner_path: Mapped[str] = mapped_column(OwnerPath)


class Watched:
    """A row with an `id` whose changes are told to those who watch it; see `db/touched.py`."""

    id: Any
