"""Events: queries, and their mapping.

Whoever follows events by a cursor must not miss one that is committed late. On PostgreSQL an event
bears the number of its transaction, and is shown once no transaction with a lower number is open:
what is committed later has a higher one, so it comes after whatever was shown. It never bears a
lower one than the event of its resource before it, so they come in the order of their sequence.
Events of a database that was moved to another cluster may bear numbers from the future; they are
shown, and `settle` puts them first.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from gateway.db.repository import Repository
from gateway.db.rows_events import EventRow, EventSequenceRow
from gateway.domain.errors import StateConflict
from gateway.domain.events import Event, EventOrder, EventType
from gateway.domain.ids import EventId, PanelId, ResellerId
from gateway.domain.paging import page_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gateway.domain.events import EventFilter
    from gateway.domain.paging import Page, PageRequest

#: After one of these an operation has no other.
_LAST: Final = (EventType.OPERATION_SUCCEEDED.value, EventType.OPERATION_FAILED.value)
_ORDER: Final = (EventRow.xact, EventRow.number)
#: A sequence that another transaction began a moment ago, as each database tells it.
_BEGUN: Final = ("pk_event_sequences", "uq_event_sequences_resource_id")


class SqlEvents(Repository):
    """The port Events."""

    __slots__ = ()

    async def append(self, event: Event) -> Event:
        """Insert with the next sequence; others who append to the resource wait for the end."""
        sequence, xact = await self._next(event.resource_id)
        numbered = replace(event, sequence=sequence)
        self.session.add(
            EventRow(
                xact=xact,
                id=numbered.id,
                type=numbered.type.value,
                resource_id=numbered.resource_id,
                sequence=numbered.sequence,
                panel_id=numbered.panel_id,
                reseller_id=numbered.reseller_id,
                owner_path=numbered.owner_path,
                at=numbered.at,
                data=numbered.data,
            )
        )
        await self.session.flush()
        return numbered

    async def find(self, event_id: EventId) -> Event | None:
        """Return an event."""
        row = await self.one_or_none(sa.select(EventRow).where(EventRow.id == event_id))
        return None if row is None else _event_of(row)

    async def list(self, criteria: EventFilter, page: PageRequest) -> Page[Event]:
        """Return events, in the order that *criteria* says."""
        equal = (
            (EventRow.type, None if criteria.type is None else criteria.type.value),
            (EventRow.resource_id, criteria.resource_id),
            (EventRow.reseller_id, criteria.reseller_id),
        )
        query = sa.select(EventRow).where(
            self._is_settled(), *[column == value for column, value in equal if value is not None]
        )
        if criteria.since is not None:
            query = query.where(EventRow.at >= criteria.since)
        if (place := await self._place_of(criteria.after_id)) is not None:
            query = query.where(sa.tuple_(*_ORDER) > place)
        is_oldest_first = criteria.order is EventOrder.OLDEST
        if (place := await self._place_of(page.after)) is not None:
            order = sa.tuple_(*_ORDER)
            query = query.where(order > place if is_oldest_first else order < place)
        # Of one resource that is the same order, and one that an index has.
        columns = _ORDER if criteria.resource_id is None else (EventRow.sequence,)
        by = columns if is_oldest_first else [column.desc() for column in columns]
        rows = await self.session.scalars(query.order_by(*by).limit(page.limit + 1))
        return page_of([_event_of(row) for row in rows], page)

    async def list_ids(self, event_ids: Sequence[EventId]) -> tuple[Event, ...]:
        """Return those of these events that are kept."""
        rows = await self.session.scalars(sa.select(EventRow).where(EventRow.id.in_(event_ids)))
        return tuple(_event_of(row) for row in rows)

    async def list_after(self, event_id: EventId | None, limit: int) -> tuple[Event, ...]:
        """Return what came after, oldest first."""
        query = sa.select(EventRow).where(self._is_settled())
        if (place := await self._place_of(event_id)) is not None:
            query = query.where(sa.tuple_(*_ORDER) > place)
        rows = await self.session.scalars(query.order_by(*_ORDER).limit(limit))
        return tuple(_event_of(row) for row in rows)

    async def delete_older(self, before: datetime, limit: int) -> int:
        """Remove the oldest, and the sequences of operations that are over."""
        query = sa.select(EventRow).where(EventRow.at < before).order_by(EventRow.at).limit(limit)
        rows = list(await self.session.scalars(query))
        over = [row.resource_id for row in rows if row.type in _LAST]
        await self.change(sa.delete(EventSequenceRow).where(EventSequenceRow.resource_id.in_(over)))
        numbers = [row.number for row in rows]
        return await self.change(sa.delete(EventRow).where(EventRow.number.in_(numbers)))

    async def settle(self) -> int:
        """Put those first that another cluster numbered."""
        if not self._is_postgresql:
            return 0
        end = _number_of(sa.func.pg_snapshot_xmax(_SNAPSHOT))
        moved = await self.change(sa.update(EventRow).where(EventRow.xact >= end).values(xact=0))
        if moved:
            rows = EventSequenceRow
            await self.change(sa.update(rows).where(rows.xact >= end).values(xact=0))
        return moved

    async def _next(self, resource_id: str) -> tuple[int, int]:
        """Return the next sequence of a resource, and its transaction's number or a higher one."""
        for _ in range(2):
            raised = await self._raise(resource_id)
            if raised is not None:
                return raised
            begun = StateConflict("Another transaction began its sequence.")
            row = EventSequenceRow(resource_id=resource_id, last=0, xact=0)
            with suppress(StateConflict):  # Its end was waited for; now there is one to raise.
                await self.insert(row, dict.fromkeys(_BEGUN, begun))
        raised = await self._raise(resource_id)
        if raised is None:
            raise StateConflict("Its events are being swept by another process.")
        return raised

    async def _raise(self, resource_id: str) -> tuple[int, int] | None:
        rows = EventSequenceRow
        xact: Any = rows.xact
        if self._is_postgresql:
            xact = sa.func.greatest(rows.xact, _number_of(sa.func.pg_current_xact_id()))
        raising = sa.update(rows).where(rows.resource_id == resource_id)
        raising = raising.values(last=rows.last + 1, xact=xact)
        found = (await self.session.execute(raising.returning(rows.last, rows.xact))).one_or_none()
        return None if found is None else (found[0], found[1])

    async def _place_of(self, event_id: str | None) -> tuple[int, int] | None:
        if event_id is None:
            return None
        row = await self.one_or_none(sa.select(EventRow).where(EventRow.id == event_id))
        return None if row is None else (row.xact, row.number)

    @property
    def _is_postgresql(self) -> bool:
        return self.session.get_bind().dialect.name == "postgresql"

    def _is_settled(self) -> sa.ColumnElement[bool]:
        if not self._is_postgresql:
            return sa.true()
        lowest = _number_of(sa.func.pg_snapshot_xmin(_SNAPSHOT))
        beyond = _number_of(sa.func.pg_snapshot_xmax(_SNAPSHOT))
        return sa.or_(EventRow.xact < lowest, EventRow.xact >= beyond)


_SNAPSHOT: Final = sa.func.pg_current_snapshot()


def _number_of(xid8: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """Return PostgreSQL's 64-bit number of a transaction as a number; there is no direct cast."""
    return sa.cast(sa.cast(xid8, sa.Text), sa.BigInteger)


def _event_of(row: EventRow) -> Event:
    return Event(
        id=EventId(row.id),
        type=EventType(row.type),
        resource_id=row.resource_id,
        panel_id=None if row.panel_id is None else PanelId(row.panel_id),
        reseller_id=None if row.reseller_id is None else ResellerId(row.reseller_id),
        owner_path=row.owner_path,
        at=row.at,
        data=row.data,
        sequence=row.sequence,
    )
