"""What all repositories share: inserting, saving by version, and paging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from gateway.db.failures import violated_unique
from gateway.db.touched import touching
from gateway.domain.errors import NotFound, VersionMismatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.ext.asyncio import AsyncSession

    from gateway.db.columns import Base
    from gateway.domain.errors import GatewayError
    from gateway.domain.paging import PageRequest
    from gateway.services.ports.sealer import Sealer
    from gateway.services.scope import Scope

RowT = TypeVar("RowT", bound="Base")


@dataclass(frozen=True, slots=True)
class Repository:
    """The session of one transaction, and what rows need to become domain objects."""

    session: AsyncSession
    sealer: Sealer

    @property
    def scope(self) -> Scope:
        """Return the scope that the session is narrowed to."""
        scope: Scope = self.session.info["scope"]
        return scope

    @property
    def writable(self) -> bool:
        """Tell whether this is a write transaction."""
        return bool(self.session.info["writable"])

    async def insert(self, row: Base, taken: Mapping[str, GatewayError] | None = None) -> None:
        """Insert a row at once; the transaction stays usable when it is refused.

        Raises:
            GatewayError: the one that *taken* has for the violated unique constraint. The cause is
                left out, since it names what another owner has.
        """
        try:
            async with self.session.begin_nested():
                self.session.add(row)
        except IntegrityError as error:
            raise _refusal(error, taken) from None

    async def change(
        self,
        statement: sa.Update | sa.Delete,
        taken: Mapping[str, GatewayError] | None = None,
    ) -> int:
        """Run a bulk change and return how many rows of the scope it found.

        With *taken*, in a savepoint as `insert` does.
        """
        if taken is None:
            result: Any = await self.session.execute(statement)
            return int(result.rowcount)
        try:
            async with self.session.begin_nested():
                result = await self.session.execute(statement)
        except IntegrityError as error:
            raise _refusal(error, taken) from None
        return int(result.rowcount)

    async def one(self, query: sa.Select[RowT]) -> RowT:
        """Return the one row of a query. Raises NotFound, whether it is absent or foreign."""
        row = await self.one_or_none(query)
        if row is None:
            raise not_found()
        return row

    async def one_or_none(self, query: sa.Select[RowT]) -> RowT | None:
        """Return the one row of a query, or None."""
        return (await self.session.scalars(query)).one_or_none()

    async def page(
        self, query: sa.Select[RowT], column: sa.ColumnElement[Any], request: PageRequest
    ) -> list[RowT]:
        """Return rows after the cursor by descending *column*, one more than the limit."""
        if request.after is not None:
            query = query.where(column < request.after)
        query = query.order_by(column.desc()).limit(request.limit + 1)
        return list(await self.session.scalars(query))

    async def save_version(
        self,
        row: type[Any],
        row_id: str,
        values: dict[str, Any],
        *,
        expected_version: int | None,
        taken: Mapping[str, GatewayError] | None = None,
    ) -> None:
        """Write *values*, in one statement together with the test of the version.

        Raises:
            NotFound: no such row in the scope.
            VersionMismatch: another version than the expected one.
            GatewayError: as `insert`.
        """
        statement = touching(sa.update(row).where(row.id == row_id), row_id)
        if expected_version is not None:
            statement = statement.where(row.version == expected_version)
        if await self.change(statement.values(**values), taken):
            return
        if await self.session.scalar(sa.select(row.id).where(row.id == row_id)) is None:
            raise not_found()
        raise VersionMismatch("It was changed since you read it.")


def not_found() -> NotFound:
    """Return the one answer for absent and foreign."""
    return NotFound("There is no such thing.")


def _refusal(error: IntegrityError, taken: Mapping[str, GatewayError] | None) -> Exception:
    """Return what the caller is told; any other violation is a bug and stays as it is."""
    return (taken or {}).get(violated_unique(error) or "") or error
