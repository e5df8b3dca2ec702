"""Deliveries and attempts of webhooks: queries, and their mapping."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import aliased

from gateway.db.repository import Repository
from gateway.db.rows_webhooks import AttemptRow, DeliveryRow, DispatchRow, EndpointRow
from gateway.domain.deliveries import ORDERED_ATTEMPTS, Attempt, Delivery, DeliveryState
from gateway.domain.events import EventType
from gateway.domain.ids import AttemptId, DeliveryId, EndpointId, EventId
from gateway.domain.paging import page_of
from gateway.domain.webhooks import Tried

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from gateway.domain.paging import Page, PageRequest

_FIXED: Final = frozenset({"id", "owner_path", "endpoint_id", "event_id", "created_at"})
#: How many endpoints one claim looks at.
_ENDPOINTS: Final = 100


class SqlDeliveries(Repository):
    """The port Deliveries."""

    __slots__ = ()

    async def get(self, delivery_id: DeliveryId) -> Delivery:
        """Return a delivery. Raises NotFound."""
        return _delivery_of(
            await self.one(sa.select(DeliveryRow).where(DeliveryRow.id == delivery_id))
        )

    async def find(self, delivery_id: DeliveryId) -> Delivery | None:
        """Return it, locked."""
        query = sa.select(DeliveryRow).where(DeliveryRow.id == delivery_id)
        row = await self.one_or_none(query.with_for_update())
        return None if row is None else _delivery_of(row)

    async def list(
        self, endpoint_id: EndpointId, page: PageRequest, state: DeliveryState | None = None
    ) -> Page[Delivery]:
        """Return an endpoint's deliveries, newest first; with *state* only those."""
        query = sa.select(DeliveryRow).where(DeliveryRow.endpoint_id == endpoint_id)
        if state is not None:
            query = query.where(DeliveryRow.state == state.value)
        rows = await self.page(query, DeliveryRow.id.expression, page)
        return page_of([_delivery_of(row) for row in rows], page)

    async def add_missing(self, deliveries: Sequence[Delivery]) -> int:
        """Insert what is not there; the caller has the dispatch locked, so nobody else does."""
        row = DeliveryRow
        query = sa.select(row.endpoint_id, row.event_id).where(
            row.endpoint_id.in_({each.endpoint_id for each in deliveries}),  # As the index has it.
            row.event_id.in_({each.event_id for each in deliveries}),
        )
        found = await self.session.execute(query)
        there = {(endpoint_id, event_id) for endpoint_id, event_id in found}
        missing = [each for each in deliveries if (each.endpoint_id, each.event_id) not in there]
        self.session.add_all([DeliveryRow(**_columns_of(each)) for each in missing])
        await self.session.flush()
        return len(missing)

    async def save(self, delivery: Delivery) -> None:
        """Write the whole row but its owner. Raises NotFound."""
        values = {name: it for name, it in _columns_of(delivery).items() if name not in _FIXED}
        await self.save_version(DeliveryRow, delivery.id, values, expected_version=None)

    async def take_due(
        self,
        now: datetime,
        lease_until: datetime,
        *,
        busy: Mapping[EndpointId, int],
        each: int,
        failing: int,
        limit: int,
    ) -> tuple[Delivery, ...]:
        """Take up what is due, endpoint by endpoint."""
        row, endpoint = DeliveryRow, EndpointRow
        full = [endpoint_id for endpoint_id, count in busy.items() if count >= each]
        full_if_failing = [it for it, count in busy.items() if count >= failing]
        is_full = endpoint.id.in_(full) | (
            endpoint.failing_since.is_not(None) & endpoint.id.in_(full_if_failing)
        )
        # The first of each endpoint, from an index: what lies behind it may be very much.
        first = (
            sa.select(row.next_at)
            .where(row.endpoint_id == endpoint.id, row.next_at <= now)
            .order_by(row.next_at)
            .limit(1)
            .scalar_subquery()
        )
        query = (
            sa.select(endpoint.id, endpoint.failing_since)
            .where(sa.not_(is_full), first.is_not(None))
            .order_by(first)
            .limit(_ENDPOINTS)
        )
        taken: list[Delivery] = []
        for text, failing_since in (await self.session.execute(query)).all():
            endpoint_id = EndpointId(text)
            most = each if failing_since is None else failing
            room = min(most - busy.get(endpoint_id, 0), limit - len(taken))
            if room > 0:
                taken += await self._take(endpoint_id, now, lease_until, room)
        return tuple(taken)

    async def take_next(
        self, endpoint_id: EndpointId, now: datetime, lease_until: datetime, *, limit: int
    ) -> tuple[Delivery, ...]:
        """Take up more of this endpoint."""
        return await self._take(endpoint_id, now, lease_until, limit) if limit else ()

    async def end_delivered(self, delivery_ids: Sequence[DeliveryId], now: datetime) -> int:
        """Note that they are through, whoever has them now."""
        if not delivery_ids:
            return 0
        row = DeliveryRow
        ending = sa.update(row).where(
            row.id.in_(delivery_ids), row.state == DeliveryState.PENDING.value
        )
        ended = {"attempts": row.attempts + 1, "next_at": None, "ended_at": now}
        return await self.change(ending.values(state=DeliveryState.DELIVERED.value, **ended))

    async def release(self, taken: Sequence[Delivery], now: datetime) -> int:
        """Let go of what was not begun."""
        if not taken:
            return 0
        row = DeliveryRow
        # Back to its place: behind all others, who takes the next had to pass by what is held.
        due = sa.case((row.attempts == 0, row.created_at), else_=now)
        return await self.change(sa.update(row).where(_taken_rows(taken)).values(next_at=due))

    async def give_up(self, endpoint_id: EndpointId, now: datetime) -> int:
        """End all that are still to be made."""
        row = DeliveryRow
        ending = sa.update(row).where(row.endpoint_id == endpoint_id, row.next_at.is_not(None))
        failed = DeliveryState.FAILED.value
        return await self.change(ending.values(state=failed, next_at=None, ended_at=now))

    async def begin_failed(
        self, endpoint_id: EndpointId, event_ids: Sequence[EventId], now: datetime
    ) -> int:
        """Begin again what was given up."""
        row = DeliveryRow
        beginning = sa.update(row).where(
            row.endpoint_id == endpoint_id,
            row.event_id.in_(event_ids),
            row.state == DeliveryState.FAILED.value,
        )
        pending = DeliveryState.PENDING.value
        return await self.change(
            beginning.values(
                state=pending, attempts=0, next_at=now, fence=row.fence + 1, ended_at=None
            )
        )

    async def add_attempts(self, attempts: Sequence[Attempt]) -> None:
        """Insert."""
        self.session.add_all(
            AttemptRow(
                id=attempt.id,
                delivery_id=attempt.delivery_id,
                owner_path=attempt.owner_path,
                at=attempt.at,
                headers=attempt.headers,
                tried=msgspec.to_builtins(attempt.tried),
            )
            for attempt in attempts
        )
        await self.session.flush()

    async def list_attempts(
        self, delivery_ids: Sequence[DeliveryId]
    ) -> dict[DeliveryId, tuple[Attempt, ...]]:
        """Return the attempts of these deliveries."""
        query = sa.select(AttemptRow).where(AttemptRow.delivery_id.in_(delivery_ids))
        found = defaultdict(list)
        for row in await self.session.scalars(query.order_by(AttemptRow.id)):
            found[DeliveryId(row.delivery_id)].append(_attempt_of(row))
        return {each: tuple(found[each]) for each in delivery_ids}

    async def delete_older(self, before: datetime, limit: int) -> int:
        """Remove the oldest that are over, with their attempts."""
        row = DeliveryRow
        query = sa.select(row.id).where(row.created_at < before, row.next_at.is_(None))
        ids = list(await self.session.scalars(query.order_by(row.created_at).limit(limit)))
        await self.change(sa.delete(AttemptRow).where(AttemptRow.delivery_id.in_(ids)))
        return await self.change(sa.delete(row).where(row.id.in_(ids)))

    async def _take(
        self, endpoint_id: EndpointId, now: datetime, lease_until: datetime, limit: int
    ) -> tuple[Delivery, ...]:
        row = DeliveryRow
        query = (
            sa.select(row)
            .where(row.endpoint_id == endpoint_id, row.next_at <= now, sa.not_(_is_held()))
            .order_by(row.next_at, row.id)
            .limit(limit)
            .with_for_update(skip_locked=True, of=row)
        )
        found = [_delivery_of(each) for each in await self.session.scalars(query)]
        if not found:
            return ()
        # Locked as they are, or, on SQLite, with all others kept from writing.
        raised = {"next_at": lease_until, "fence": row.fence + 1}
        await self.change(sa.update(row).where(_taken_rows(found)).values(**raised))
        return tuple(replace(it, next_at=lease_until, fence=it.fence + 1) for it in found)


class SqlDispatch(Repository):
    """The port Dispatch."""

    __slots__ = ()

    async def lock(self, *, wait: bool = False) -> tuple[EventId | None] | None:
        """Return the last event, locked."""
        query = sa.select(DispatchRow).with_for_update(skip_locked=not wait)
        row = await self.one_or_none(query)
        if row is None:
            return None
        return (None if row.event_id is None else EventId(row.event_id),)

    async def move(self, event_id: EventId) -> None:
        """Note up to which event deliveries were made."""
        await self.change(sa.update(DispatchRow).values(event_id=event_id))


def _taken_rows(taken: Sequence[Delivery]) -> sa.ColumnElement[bool]:
    """Tell in SQL which of these rows nobody else has taken up since."""
    row = DeliveryRow
    of_these = row.id.in_([each.id for each in taken])
    same = sa.tuple_(row.id, row.fence).in_([(each.id, each.fence) for each in taken])
    return sa.and_(of_these, same, row.next_at.is_not(None))


def _is_held() -> sa.ColumnElement[bool]:
    """Tell in SQL whether an earlier event of the resource is to be sent first."""
    earlier = aliased(DeliveryRow)
    return (
        sa.select(earlier.id)
        .where(
            earlier.endpoint_id == DeliveryRow.endpoint_id,
            earlier.resource_id == DeliveryRow.resource_id,
            earlier.sequence < DeliveryRow.sequence,
            earlier.next_at.is_not(None),
            earlier.attempts < ORDERED_ATTEMPTS,
        )
        .exists()
    )


def _delivery_of(row: DeliveryRow) -> Delivery:
    return Delivery(
        id=DeliveryId(row.id),
        endpoint_id=EndpointId(row.endpoint_id),
        event_id=EventId(row.event_id),
        event_type=EventType(row.event_type),
        resource_id=row.resource_id,
        sequence=row.sequence,
        owner_path=row.owner_path,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        next_at=row.next_at,
        fence=row.fence,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def _columns_of(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "endpoint_id": delivery.endpoint_id,
        "event_id": delivery.event_id,
        "event_type": delivery.event_type.value,
        "resource_id": delivery.resource_id,
        "sequence": delivery.sequence,
        "owner_path": delivery.owner_path,
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "next_at": delivery.next_at,
        "fence": delivery.fence,
        "created_at": delivery.created_at,
        "ended_at": delivery.ended_at,
    }


def _attempt_of(row: AttemptRow) -> Attempt:
    return Attempt(
        id=AttemptId(row.id),
        delivery_id=DeliveryId(row.delivery_id),
        owner_path=row.owner_path,
        at=row.at,
        headers=row.headers,
        tried=msgspec.convert(row.tried, Tried),
    )
