"""Inbound sources and their events: queries, and their mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
import sqlalchemy as sa

from gateway.db.repository import Repository
from gateway.db.rows_inbound import InboundEventRow, InboundSourceRow, InboundSubjectRow
from gateway.domain.errors import StateConflict
from gateway.domain.ids import InboundEventId, ResellerId, SourceId
from gateway.domain.inbound import (
    EventState,
    IgnoredFor,
    InboundEvent,
    Source,
    SourceKind,
    SourceSecret,
)
from gateway.domain.operations import Problem
from gateway.domain.paging import page_of
from gateway.services.ports.sealer import Sealer

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.paging import Page, PageRequest

T = TypeVar("T")

_FIXED: Final = frozenset({"id", "owner_path", "reseller_id", "source_id", "created_at"})
#: A sender's id that is there already.
_EVENT_THERE: Final = "uq_inbound_events_source_id_event_id"
_WAITING_MAX: Final = 200


class SqlInboundSources(Repository):
    """The port InboundSources."""

    __slots__ = ()

    async def get(self, source_id: SourceId) -> Source:
        """Return a source. Raises NotFound."""
        row = await self.one(sa.select(InboundSourceRow).where(InboundSourceRow.id == source_id))
        return _source_of(row, self.sealer)

    async def list(self, page: PageRequest, reseller_id: ResellerId | None) -> Page[Source]:
        """Return sources, newest first."""
        query = sa.select(InboundSourceRow)
        if reseller_id is not None:
            query = query.where(InboundSourceRow.reseller_id == reseller_id)
        rows = await self.page(query, InboundSourceRow.id.expression, page)
        return page_of([_source_of(row, self.sealer) for row in rows], page)

    async def add(self, source: Source) -> None:
        """Insert."""
        await self.insert(InboundSourceRow(**_source_columns(source, self.sealer)))

    async def save(self, source: Source, *, expected_version: int | None = None) -> None:
        """Write the whole row but its owner. Raises NotFound, VersionMismatch."""
        columns = _source_columns(source, self.sealer)
        values = {name: value for name, value in columns.items() if name not in _FIXED}
        await self.save_version(
            InboundSourceRow, source.id, values, expected_version=expected_version
        )

    async def delete(self, source_id: SourceId) -> None:
        """Remove it with all that hangs on it. Raises NotFound."""
        await self.one(sa.select(InboundSourceRow).where(InboundSourceRow.id == source_id))
        for row in (InboundEventRow, InboundSubjectRow):
            await self.change(sa.delete(row).where(row.source_id == source_id))
        await self.change(sa.delete(InboundSourceRow).where(InboundSourceRow.id == source_id))


class SqlInboundEvents(Repository):
    """The port InboundEvents."""

    __slots__ = ()

    async def get(self, event_id: InboundEventId) -> InboundEvent:
        """Return an event. Raises NotFound."""
        row = await self.one(sa.select(InboundEventRow).where(InboundEventRow.id == event_id))
        return _event_of(row, self.sealer)

    async def list(self, page: PageRequest, source_id: SourceId) -> Page[InboundEvent]:
        """Return a source's events, newest first."""
        query = sa.select(InboundEventRow).where(InboundEventRow.source_id == source_id)
        rows = await self.page(query, InboundEventRow.id.expression, page)
        return page_of([_event_of(row, self.sealer) for row in rows], page)

    async def add(self, event: InboundEvent) -> bool:
        """Insert; False: it is there already."""
        row = InboundEventRow(**_event_columns(event, self.sealer))
        return await insert_once(self, row, (_EVENT_THERE,))

    async def save(self, event: InboundEvent) -> None:
        """Write what became of it. Raises NotFound."""
        columns = _event_columns(event, self.sealer)
        values = {name: value for name, value in columns.items() if name not in _FIXED}
        await self.save_version(InboundEventRow, event.id, values, expected_version=None)

    async def take_received(self) -> InboundEvent | None:
        """Return the oldest unread one, locked."""
        query = (
            sa.select(InboundEventRow)
            .where(InboundEventRow.state == EventState.RECEIVED.value)
            .order_by(InboundEventRow.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = await self.one_or_none(query)
        return None if row is None else _event_of(row, self.sealer)

    async def list_waiting(self, subject_id: str) -> tuple[InboundEvent, ...]:
        """Return those that wait on one subject, oldest first."""
        row = InboundEventRow
        query = (
            sa.select(row)
            .where(row.subject_id == subject_id, row.state == EventState.WAITING.value)
            .order_by(row.id)
            .limit(_WAITING_MAX)
        )
        return tuple(_event_of(each, self.sealer) for each in await self.session.scalars(query))

    async def delete_older(self, before: datetime, limit: int) -> int:
        """Remove the oldest ones that are over; return how many."""
        row = InboundEventRow
        is_open = row.state.in_([EventState.RECEIVED.value, EventState.WAITING.value])
        old = (
            sa.select(row.id)
            .where(row.received_at < before, sa.not_(is_open))
            .order_by(row.received_at)
            .limit(limit)
        )
        ids = list(await self.session.scalars(old))
        return await self.change(sa.delete(row).where(row.id.in_(ids)))


async def insert_once(
    rows: Repository, row: InboundEventRow | InboundSubjectRow, names: tuple[str, ...]
) -> bool:
    """Insert; False: one of the constraints *names* says that it is there already."""
    try:
        await rows.insert(row, dict.fromkeys(names, StateConflict("It is there already.")))
    except StateConflict:
        return False
    return True


def _secrets_place(source_id: str) -> str:
    return f"inbound_sources.secrets:{source_id}"


def _payload_place(event_id: str) -> str:
    return f"inbound_events.payload:{event_id}"


def _source_of(row: InboundSourceRow, sealer: Sealer) -> Source:
    secrets = sealer.unseal(row.secrets, _secrets_place(row.id))
    return Source(
        id=SourceId(row.id),
        kind=SourceKind(row.kind),
        reseller_id=None if row.reseller_id is None else ResellerId(row.reseller_id),
        owner_path=row.owner_path,
        secrets=msgspec.json.decode(secrets, type=tuple[SourceSecret, ...]),
        rules=row.rules,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _source_columns(source: Source, sealer: Sealer) -> dict[str, Any]:
    secrets = msgspec.json.encode(source.secrets)
    return {
        "id": source.id,
        "kind": source.kind.value,
        "reseller_id": source.reseller_id,
        "owner_path": source.owner_path,
        "secrets": sealer.seal(secrets, _secrets_place(source.id)),
        "rules": source.rules,
        "version": source.version,
        "created_at": source.created_at,
        "updated_at": source.updated_at,
    }


def _event_of(row: InboundEventRow, sealer: Sealer) -> InboundEvent:
    sealed = row.payload
    return InboundEvent(
        id=InboundEventId(row.id),
        source_id=SourceId(row.source_id),
        owner_path=row.owner_path,
        event_id=row.event_id,
        type=row.type,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        payload=None if sealed is None else sealer.unseal(sealed, _payload_place(row.id)),
        state=EventState(row.state),
        reason=None if row.reason is None else IgnoredFor(row.reason),
        rule=row.rule,
        action=row.action,
        subject_id=row.subject_id,
        resource_kind=row.resource_kind,
        external_id=row.external_id,
        due_at=row.due_at,
        operation_ids=tuple(row.operation_ids),
        problem=read(row.problem, Problem),
    )


def _event_columns(event: InboundEvent, sealer: Sealer) -> dict[str, Any]:
    payload = event.payload
    return {
        "id": event.id,
        "source_id": event.source_id,
        "owner_path": event.owner_path,
        "event_id": event.event_id,
        "type": event.type,
        "occurred_at": event.occurred_at,
        "received_at": event.received_at,
        "payload": None if payload is None else sealer.seal(payload, _payload_place(event.id)),
        "state": event.state.value,
        "reason": None if event.reason is None else event.reason.value,
        "rule": event.rule,
        "action": event.action,
        "subject_id": event.subject_id,
        "resource_kind": event.resource_kind,
        "external_id": event.external_id,
        "due_at": event.due_at,
        "operation_ids": list(event.operation_ids),
        "problem": written(event.problem),
    }


def written(value: object) -> dict[str, Any] | None:
    """Return a part of a row as JSON can hold it."""
    return None if value is None else msgspec.to_builtins(value)


def read(value: dict[str, Any] | None, into: type[T]) -> T | None:
    """Return what `written` wrote."""
    return None if value is None else msgspec.convert(value, into)
