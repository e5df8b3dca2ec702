"""What the repositories of lines and of devices share: all but their names."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

import sqlalchemy as sa

from gateway.db.repository import not_found
from gateway.db.rows_operations import OperationRow
from gateway.db.rows_subscriptions import OPERATOR, SubscriptionRow
from gateway.db.subscription_rows import in_state, with_prefix
from gateway.db.told_subscriptions import ToldSubscriptions
from gateway.db.touched import touching
from gateway.domain.errors import ExternalIdTaken, GatewayError, StateConflict
from gateway.domain.ids import OperationId
from gateway.domain.paging import page_of
from gateway.domain.subscriptions import Status, SubscriptionT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from gateway.db.rows_subscriptions import ReferenceRow
    from gateway.domain.ids import PanelId, ResellerId
    from gateway.domain.paging import Page, PageRequest
    from gateway.domain.subscriptions import Filter

RowT = TypeVar("RowT", bound=SubscriptionRow)

#: What `save` leaves alone; the owner is the scope's business.
_FIXED: Final = frozenset({"id", "owner_path", "created_at", "compared_at", "tell_at"})
#: As a constant in the statement, since only so the database sees that the partial index fits.
_TERMINATED: Final = sa.literal("terminated", literal_execute=True)
#: What is on its panel for sure, or was: only there is something to compare.
_COMPARED: Final = (Status.LIVE.value, Status.TERMINATED.value)


class SqlSubscriptions(ToldSubscriptions[SubscriptionT, RowT], Generic[SubscriptionT, RowT]):
    """The port Subscriptions. A subclass knows the rows, and the name that is unique on a panel."""

    __slots__ = ()

    reference_rows: ClassVar[type[ReferenceRow]]
    #: The constraints that keep a reference from being used twice, as each database names them.
    reference_used: ClassVar[tuple[str, ...]]

    @abstractmethod
    def columns_of(self, resource: SubscriptionT) -> dict[str, Any]:
        """Return all columns of the row that holds *resource*."""

    @abstractmethod
    def taken(self) -> dict[str, GatewayError]:
        """Return the refusals of names in use. They say nothing of the owner, who may be foreign.

        By the names of the violated constraints.
        """

    @abstractmethod
    def prefixes(self, q: str) -> Mapping[str, str]:
        """Return which columns a search looks at, and how they must begin."""

    async def get(self, resource_id: str) -> SubscriptionT:
        """Return one; in a write transaction others who get it wait until this one ends."""
        query = sa.select(self.rows).where(self.rows.id == resource_id)
        if self.writable:
            query = query.with_for_update(key_share=True)
        return self.resource_of(await self.one(query))

    async def list_by_ids(self, resource_ids: Sequence[str]) -> tuple[SubscriptionT, ...]:
        """Return those that there are, terminated ones too, in any order."""
        found = await self.session.scalars(
            sa.select(self.rows).where(self.rows.id.in_(resource_ids))
        )
        return tuple(self.resource_of(row) for row in found)

    async def find_by_external_id(
        self, reseller_id: ResellerId | None, external_id: str
    ) -> SubscriptionT | None:
        """Return the one that is not terminated."""
        return await self.found(
            self.rows.external_owner == (reseller_id or OPERATOR),
            self.rows.external_id == external_id,
            self.not_terminated(),
        )

    async def add(self, resource: SubscriptionT) -> None:
        """Insert. Raises UsernameTaken or MacTaken, ExternalIdTaken."""
        await self.insert(self.rows(**self.columns_of(resource)), self._all_taken())

    async def save(self, resource: SubscriptionT, *, expected_version: int | None = None) -> None:
        """Write the whole row but its owner. Raises NotFound, ExternalIdTaken, VersionMismatch."""
        columns = self.columns_of(resource)
        values = {name: value for name, value in columns.items() if name not in _FIXED}
        values["tell_at"] = self._telling_after(values)
        await self.save_version(
            self.rows,
            columns["id"],
            values,
            expected_version=expected_version,
            taken=self._all_taken(),
        )

    async def raise_epoch(self, resource_id: str) -> int:
        """Add one in the database, so that no raise is lost."""
        epoch = self.rows.epoch
        statement = touching(sa.update(self.rows).where(self.rows.id == resource_id), resource_id)
        raising = statement.values(epoch=epoch + 1).returning(epoch)
        raised: int | None = await self.session.scalar(raising)
        if raised is None:
            raise not_found()
        return raised

    async def delete(self, resource_id: str) -> None:
        """Remove the row and its references. Raises NotFound."""
        statement = sa.delete(self.rows).where(self.rows.id == resource_id)
        if not await self.change(touching(statement, resource_id)):
            raise not_found()

    async def count(self, reseller_id: ResellerId) -> int:
        """Count what is not terminated."""
        return await self._count(self.rows.reseller_id == reseller_id, self.not_terminated())

    async def count_trials(self, reseller_id: ResellerId, since: datetime) -> int:
        """Count trials made since then."""
        rows = self.rows
        return await self._count(
            rows.reseller_id == reseller_id, rows.is_trial, rows.created_at >= since
        )

    async def find_reference(self, resource_id: str, reference: str) -> OperationId | None:
        """Return the renewal's operation."""
        rows = self.reference_rows
        query = sa.select(rows.operation_id).where(
            rows.resource_id == resource_id, rows.reference == reference
        )
        found = await self.session.scalar(query)
        return None if found is None else OperationId(found)

    async def add_reference(
        self, resource_id: str, reference: str, operation_id: OperationId
    ) -> None:
        """Keep a reference. Raises StateConflict when it exists, NotFound without its resource."""
        query = sa.select(self.rows.owner_path).where(self.rows.id == resource_id)
        owner_path = await self.session.scalar(query)
        if owner_path is None:
            raise not_found()
        row = self.reference_rows(
            resource_id=resource_id,
            reference=reference,
            operation_id=operation_id,
            owner_path=owner_path,
        )
        used = StateConflict("This reference was used for another renewal.")
        await self.insert(row, dict.fromkeys(self.reference_used, used))

    async def delete_reference(self, operation_id: OperationId) -> None:
        """Remove what this operation kept, if anything."""
        rows = self.reference_rows
        await self.change(sa.delete(rows).where(rows.operation_id == operation_id))

    async def take_uncompared(
        self, panel_id: PanelId, before: datetime, until: datetime, limit: int
    ) -> tuple[SubscriptionT, ...]:
        """Return those of a panel that were not compared since *before*, the longest ago first."""
        rows = self.rows
        is_held = sa.exists().where(OperationRow.holds_resource == rows.id)
        query = (
            sa.select(rows)
            .where(
                rows.panel_id == panel_id,
                rows.compared_at <= before,
                rows.status.in_(_COMPARED),
                ~is_held,
            )
            .order_by(rows.compared_at)
            .limit(limit)
            .with_for_update(skip_locked=True, key_share=True)
        )
        taken = list(await self.session.scalars(query))
        if taken:
            statement = sa.update(rows).where(rows.id.in_([row.id for row in taken]))
            await self.change(touching(statement).values(compared_at=until))
        return tuple(self.resource_of(row) for row in taken)

    async def set_compared(self, resource_id: str, at: datetime) -> None:
        """Note that it was compared; nobody is told, for nothing that is shown changes."""
        statement = sa.update(self.rows).where(self.rows.id == resource_id)
        await self.change(touching(statement).values(compared_at=at))

    async def list_compared(self, panel_id: PanelId, limit: int) -> tuple[str, ...]:
        """Return the ids of those of a panel that were compared last, the last one first."""
        rows = self.rows
        query = (
            sa.select(rows.id)
            .where(rows.panel_id == panel_id)
            .order_by(rows.compared_at.desc())
            .limit(limit)
        )
        return tuple(await self.session.scalars(query))

    def not_terminated(self) -> sa.ColumnElement[bool]:
        """Return the test for what still is, or may come to be."""
        return self.rows.status != _TERMINATED

    async def found(self, *tests: sa.ColumnExpressionArgument[bool]) -> SubscriptionT | None:
        """Return the one that passes all tests, or None."""
        row = await self.one_or_none(sa.select(self.rows).where(*tests))
        return None if row is None else self.resource_of(row)

    async def all_found(
        self, *tests: sa.ColumnExpressionArgument[bool]
    ) -> tuple[SubscriptionT, ...]:
        """Return those that pass all tests and are not terminated, newest first."""
        query = sa.select(self.rows).where(*tests, self.not_terminated())
        found = await self.session.scalars(query.order_by(self.rows.id.desc()))
        return tuple(self.resource_of(row) for row in found)

    async def listed(
        self,
        criteria: Filter,
        page: PageRequest,
        now: datetime,
        *tests: sa.ColumnExpressionArgument[bool],
    ) -> Page[SubscriptionT]:
        """Return a page of those that *criteria* describe and that pass all tests."""
        query = self._filtered(criteria, now).where(*tests)
        rows = await self.page(query, self.rows.id.expression, page)
        return page_of([self.resource_of(row) for row in rows], page)

    def _all_taken(self) -> dict[str, GatewayError]:
        name = f"uq_{self.rows.__tablename__}_external_owner_external_id"
        return {**self.taken(), name: ExternalIdTaken("This external_id is in use.")}

    async def _count(self, *tests: sa.ColumnExpressionArgument[bool]) -> int:
        query = sa.select(sa.func.count(self.rows.id)).where(*tests)
        return await self.session.scalar(query) or 0

    def _filtered(self, criteria: Filter, now: datetime) -> sa.Select[RowT]:
        rows = self.rows
        query = sa.select(rows)
        equal = (
            (rows.external_id, criteria.external_id),
            (rows.plan_id, criteria.plan_id),
            (rows.reseller_id, criteria.reseller_id),
        )
        for column, value in equal:
            if value is not None:
                query = query.where(column == value)
        if criteria.state is not None:
            query = query.where(in_state(rows, criteria.state, now))
        if criteria.expires_before is not None:
            query = query.where(rows.expires_at < criteria.expires_before)
        if criteria.expires_after is not None:
            query = query.where(rows.expires_at > criteria.expires_after)
        if criteria.updated_since is not None:
            query = query.where(rows.updated_at >= criteria.updated_since)
        if criteria.q and criteria.q.strip():
            query = query.where(with_prefix(rows, self.prefixes(criteria.q.strip())))
        return query
