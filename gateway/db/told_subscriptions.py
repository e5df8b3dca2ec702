"""Which lines and devices there is something to tell of by now, though nobody changes them.

`tell_at` is when to look next, and from when on: of the moments that a row's expiry and its
reseller's marks make, those before it are told already, or never will be. It is set anew wherever
the expiry or the existence changes, and moved on in the transaction that tells.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import sqlalchemy as sa

from gateway.db.repository import Repository
from gateway.db.rows_subscriptions import SubscriptionRow
from gateway.db.touched import touching
from gateway.domain.subscriptions import Status, SubscriptionT

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.ids import ResellerId

RowT = TypeVar("RowT", bound=SubscriptionRow)


class ToldSubscriptions(Repository, Generic[SubscriptionT, RowT]):
    """The part of the port Subscriptions that the clock drives."""

    __slots__ = ()

    @property
    @abstractmethod
    def rows(self) -> type[RowT]:
        """Return the class of the rows."""

    @abstractmethod
    def resource_of(self, row: RowT) -> SubscriptionT:
        """Return what a row holds."""

    async def take_telling(
        self, now: datetime, limit: int
    ) -> tuple[tuple[SubscriptionT, datetime], ...]:
        """Lock those that are due, the earliest first; pass over what others have locked."""
        rows = self.rows
        query = (
            sa.select(rows)
            .where(rows.tell_at <= now)
            .order_by(rows.tell_at)
            .limit(limit)
            .with_for_update(skip_locked=True, key_share=True)
        )
        found = await self.session.scalars(query)
        return tuple(
            (self.resource_of(row), row.tell_at) for row in found if row.tell_at is not None
        )

    async def set_telling(self, resource_id: str, at: datetime | None) -> None:
        """Set when to look next; nobody is told, for nothing that is shown changes."""
        statement = sa.update(self.rows).where(self.rows.id == resource_id)
        await self.change(touching(statement).values(tell_at=at))

    async def look_anew(self, reseller_id: ResellerId, at: datetime) -> None:
        """Let all of a reseller's that expire later be looked at from *at* on."""
        rows = self.rows
        statement = sa.update(rows).where(
            rows.reseller_id == reseller_id,
            rows.status == Status.LIVE.value,
            rows.expires_at > at,
            sa.or_(rows.tell_at.is_(None), rows.tell_at > at),
        )
        await self.change(touching(statement).values(tell_at=at))

    def _telling_after(self, values: dict[str, Any]) -> sa.ColumnElement[Any]:
        """Return when to look once *values* are written: from now on, if they move the end."""
        rows = self.rows
        moved = sa.or_(
            rows.expires_at.is_distinct_from(values["expires_at"]),
            rows.status != values["status"],
        )
        return sa.case((moved, values["updated_at"]), else_=rows.tell_at)
