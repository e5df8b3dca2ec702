"""Webhook endpoints: queries, and their mapping."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
import sqlalchemy as sa

from gateway.db.repository import Repository
from gateway.db.rows_webhooks import AttemptRow, DeliveryRow, EndpointRow
from gateway.domain.events import EventType
from gateway.domain.ids import EndpointId, ResellerId
from gateway.domain.paging import page_of
from gateway.domain.webhooks import (
    DisabledReason,
    Endpoint,
    EndpointSecret,
    EndpointState,
    SignatureKind,
)

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.paging import Page, PageRequest
    from gateway.services.ports.sealer import Sealer

#: The first half of the number that making endpoints locks by; the second names the owner.
_LOCK: Final = 1_684_366_196
_FIXED: Final = frozenset({"id", "owner_path", "reseller_id", "created_at"})


class SqlEndpoints(Repository):
    """The port Endpoints."""

    __slots__ = ()

    async def get(self, endpoint_id: EndpointId) -> Endpoint:
        """Return an endpoint. Raises NotFound."""
        row = await self.one(sa.select(EndpointRow).where(EndpointRow.id == endpoint_id))
        return _endpoint_of(row, self.sealer)

    async def list(self, page: PageRequest, reseller_id: ResellerId | None) -> Page[Endpoint]:
        """Return endpoints, newest first."""
        query = sa.select(EndpointRow)
        if reseller_id is not None:
            query = query.where(EndpointRow.reseller_id == reseller_id)
        rows = await self.page(query, EndpointRow.id.expression, page)
        return page_of([_endpoint_of(row, self.sealer) for row in rows], page)

    async def lock(self, owner_path: str) -> None:
        """Lock by a number on PostgreSQL; on SQLite a write transaction is alone anyway."""
        if not (self.writable and self.scope.covers(owner_path, None)):
            raise RuntimeError("only what is one's own is locked, and only to write")
        connection = await self.session.connection()
        if connection.dialect.name == "postgresql":
            number = sa.func.hashtext(owner_path)
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK, number)))

    async def count(self, owner_path: str) -> int:
        """Return how many the owner has itself."""
        mine = EndpointRow.owner_path == owner_path
        return await self.session.scalar(sa.select(sa.func.count(EndpointRow.id)).where(mine)) or 0

    async def add(self, endpoint: Endpoint) -> None:
        """Insert."""
        await self.insert(EndpointRow(**_endpoint_columns(endpoint, self.sealer)))

    async def save(self, endpoint: Endpoint, *, expected_version: int | None = None) -> None:
        """Write the whole row but its owner. Raises NotFound, VersionMismatch."""
        columns = _endpoint_columns(endpoint, self.sealer)
        values = {name: value for name, value in columns.items() if name not in _FIXED}
        await self.save_version(EndpointRow, endpoint.id, values, expected_version=expected_version)

    async def delete(self, endpoint_id: EndpointId) -> None:
        """Remove it with its deliveries. Raises NotFound."""
        await self.one(_locked(endpoint_id))
        ours = sa.select(DeliveryRow.id).where(DeliveryRow.endpoint_id == endpoint_id)
        await self.change(sa.delete(AttemptRow).where(AttemptRow.delivery_id.in_(ours)))
        await self.change(sa.delete(DeliveryRow).where(DeliveryRow.endpoint_id == endpoint_id))
        await self.change(sa.delete(EndpointRow).where(EndpointRow.id == endpoint_id))

    async def list_active(self) -> tuple[Endpoint, ...]:
        """Return all that get events."""
        active = EndpointRow.state == EndpointState.ACTIVE.value
        rows = await self.session.scalars(sa.select(EndpointRow).where(active))
        return tuple(_endpoint_of(row, self.sealer) for row in rows)

    async def take_mail_due(self, now: datetime, lease_until: datetime) -> Endpoint | None:
        """Take up one."""
        row = EndpointRow
        query = sa.select(row).where(row.mail_at <= now).order_by(row.mail_at).limit(1)
        found = await self.one_or_none(query.with_for_update(skip_locked=True))
        if found is None:
            return None
        await self.set_mail_at(EndpointId(found.id), found.mail_at, lease_until)
        return replace(_endpoint_of(found, self.sealer), mail_at=lease_until)

    async def set_mail_at(
        self, endpoint_id: EndpointId, was: datetime | None, mail_at: datetime | None
    ) -> bool:
        """Note when to try next, unless somebody else has meanwhile."""
        row = EndpointRow
        noting = sa.update(row).where(row.id == endpoint_id, row.mail_at == was)
        return await self.change(noting.values(mail_at=mail_at)) > 0

    async def look(self, endpoint_id: EndpointId) -> Endpoint | None:
        """Return it, not locked."""
        row = await self.one_or_none(sa.select(EndpointRow).where(EndpointRow.id == endpoint_id))
        return None if row is None else _endpoint_of(row, self.sealer)

    async def find(self, endpoint_id: EndpointId) -> Endpoint | None:
        """Return it, locked."""
        row = await self.one_or_none(_locked(endpoint_id))
        return None if row is None else _endpoint_of(row, self.sealer)


def _locked(endpoint_id: EndpointId) -> sa.Select[EndpointRow]:
    return sa.select(EndpointRow).where(EndpointRow.id == endpoint_id).with_for_update()


def _place(endpoint_id: str) -> str:
    return f"webhook_endpoints.secrets:{endpoint_id}"


def _endpoint_of(row: EndpointRow, sealer: Sealer) -> Endpoint:
    secrets = sealer.unseal(row.secrets, _place(row.id))
    return Endpoint(
        id=EndpointId(row.id),
        url=row.url,
        event_types=tuple(map(EventType, row.event_types)),
        signature=SignatureKind(row.signature),
        description=row.description,
        reseller_id=None if row.reseller_id is None else ResellerId(row.reseller_id),
        owner_path=row.owner_path,
        state=EndpointState(row.state),
        disabled_reason=None
        if row.disabled_reason is None
        else DisabledReason(row.disabled_reason),
        secrets=msgspec.json.decode(secrets, type=tuple[EndpointSecret, ...]),
        public_key=row.public_key,
        failing_since=row.failing_since,
        mail_at=row.mail_at,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _endpoint_columns(endpoint: Endpoint, sealer: Sealer) -> dict[str, Any]:
    reason = endpoint.disabled_reason
    secrets = msgspec.json.encode(endpoint.secrets)
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "event_types": [each.value for each in endpoint.event_types],
        "signature": endpoint.signature.value,
        "description": endpoint.description,
        "reseller_id": endpoint.reseller_id,
        "owner_path": endpoint.owner_path,
        "state": endpoint.state.value,
        "disabled_reason": None if reason is None else reason.value,
        "secrets": sealer.seal(secrets, _place(endpoint.id)),
        "public_key": endpoint.public_key,
        "failing_since": endpoint.failing_since,
        "mail_at": endpoint.mail_at,
        "version": endpoint.version,
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
    }
