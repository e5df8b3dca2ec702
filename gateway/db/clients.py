"""OAuth clients: queries, and their mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from gateway.db.repository import Repository
from gateway.db.rows_clients import ClientRow
from gateway.domain.caller import Permission
from gateway.domain.clients import Client
from gateway.domain.ids import ClientId, ResellerId
from gateway.domain.paging import page_of

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.paging import Page, PageRequest

#: What a save leaves alone; the last use is noted beside it, and must not go back.
_FIXED: Final = frozenset({"id", "owner_path", "reseller_id", "created_at", "last_used_at"})


class SqlClients(Repository):
    """The port Clients."""

    __slots__ = ()

    async def get(self, client_id: ClientId) -> Client:
        """Return a client. Raises NotFound."""
        return _client_of(await self.one(sa.select(ClientRow).where(ClientRow.id == client_id)))

    async def find(self, client_id: ClientId) -> Client | None:
        """Return the client, whatever its state."""
        row = await self.one_or_none(sa.select(ClientRow).where(ClientRow.id == client_id))
        return None if row is None else _client_of(row)

    async def origins(self) -> frozenset[str]:
        """Return the origins of all that are not revoked."""
        query = sa.select(ClientRow.origins).where(ClientRow.revoked_at.is_(None))
        return frozenset(it for found in await self.session.scalars(query) for it in found)

    async def list(self, page: PageRequest, reseller_id: ResellerId | None) -> Page[Client]:
        """Return clients, newest first; with *reseller_id* only those of that reseller."""
        query = sa.select(ClientRow)
        if reseller_id is not None:
            query = query.where(ClientRow.reseller_id == reseller_id)
        rows = await self.page(query, ClientRow.id.expression, page)
        return page_of([_client_of(row) for row in rows], page)

    async def add(self, client: Client) -> None:
        """Insert."""
        await self.insert(ClientRow(**_columns_of(client)))

    async def save(self, client: Client, *, expected_version: int | None = None) -> None:
        """Write the whole row but its owner and its last use. Raises NotFound, VersionMismatch."""
        columns = _columns_of(client)
        values = {name: value for name, value in columns.items() if name not in _FIXED}
        await self.save_version(ClientRow, client.id, values, expected_version=expected_version)

    async def touch(self, client_id: ClientId, at: datetime) -> None:
        """Note the last use; a client that is gone is no error."""
        statement = sa.update(ClientRow).where(ClientRow.id == client_id)
        await self.change(statement.values(last_used_at=at))


def _client_of(row: ClientRow) -> Client:
    return Client(
        id=ClientId(row.id),
        name=row.name,
        reseller_id=None if row.reseller_id is None else ResellerId(row.reseller_id),
        owner_path=row.owner_path,
        permissions=frozenset(Permission(word) for word in row.permissions),
        origins=tuple(row.origins),
        jwks=row.jwks,
        needs_dpop=row.needs_dpop,
        secret_digest=row.secret_digest,
        former_digest=row.former_digest,
        former_ends_at=row.former_ends_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _columns_of(client: Client) -> dict[str, Any]:
    return {
        "id": client.id,
        "name": client.name,
        "reseller_id": client.reseller_id,
        "owner_path": client.owner_path,
        "permissions": sorted(permission.value for permission in client.permissions),
        "origins": list(client.origins),
        "jwks": client.jwks,
        "needs_dpop": client.needs_dpop,
        "secret_digest": client.secret_digest,
        "former_digest": client.former_digest,
        "former_ends_at": client.former_ends_at,
        "last_used_at": client.last_used_at,
        "revoked_at": client.revoked_at,
        "version": client.version,
        "created_at": client.created_at,
        "updated_at": client.updated_at,
    }
