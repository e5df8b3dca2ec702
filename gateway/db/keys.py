"""API keys: queries, and their mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway.db.repository import Repository, not_found
from gateway.db.rows import KeyRow
from gateway.domain.caller import Permission
from gateway.domain.ids import KeyId, ResellerId
from gateway.domain.keys import Key
from gateway.domain.limits import Rate
from gateway.domain.paging import page_of

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.paging import Page, PageRequest


class SqlKeys(Repository):
    """The port Keys."""

    __slots__ = ()

    async def get(self, key_id: KeyId) -> Key:
        """Return a key. Raises NotFound."""
        return _key_of(await self.one(sa.select(KeyRow).where(KeyRow.id == key_id)))

    async def find_by_digest(self, digest: bytes) -> Key | None:
        """Return the key of this secret, whatever its state."""
        row = await self.one_or_none(sa.select(KeyRow).where(KeyRow.digest == digest))
        return None if row is None else _key_of(row)

    async def list(self, page: PageRequest, reseller_id: ResellerId | None) -> Page[Key]:
        """Return keys, newest first; with *reseller_id* only those of that reseller."""
        query = sa.select(KeyRow)
        if reseller_id is not None:
            query = query.where(KeyRow.reseller_id == reseller_id)
        rows = await self.page(query, KeyRow.id.expression, page)
        return page_of([_key_of(row) for row in rows], page)

    async def add(self, key: Key, digest: bytes) -> None:
        """Insert."""
        row = KeyRow(
            id=key.id,
            name=key.name,
            reseller_id=key.reseller_id,
            owner_path=key.owner_path,
            prefix=key.prefix,
            digest=digest,
            permissions=sorted(permission.value for permission in key.permissions),
            allowed_ips=list(key.allowed_ips),
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
            revoked_at=key.revoked_at,
            created_at=key.created_at,
            rate_limit=None if key.rate_limit is None else str(key.rate_limit),
        )
        await self.insert(row)

    async def revoke(self, key_id: KeyId, at: datetime) -> None:
        """Set revoked_at where it is not set: the first moment stays. Raises NotFound."""
        revoked_at = sa.func.coalesce(
            KeyRow.revoked_at, sa.bindparam("at", at, KeyRow.revoked_at.type)
        )
        statement = sa.update(KeyRow).where(KeyRow.id == key_id).values(revoked_at=revoked_at)
        if not await self.change(statement):
            raise not_found()

    async def touch(self, key_id: KeyId, at: datetime) -> None:
        """Note the last use; a key that is gone is no error."""
        await self.change(sa.update(KeyRow).where(KeyRow.id == key_id).values(last_used_at=at))


def _key_of(row: KeyRow) -> Key:
    return Key(
        id=KeyId(row.id),
        name=row.name,
        reseller_id=None if row.reseller_id is None else ResellerId(row.reseller_id),
        owner_path=row.owner_path,
        prefix=row.prefix,
        permissions=frozenset(Permission(word) for word in row.permissions),
        allowed_ips=tuple(row.allowed_ips),
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        created_at=row.created_at,
        rate_limit=None if row.rate_limit is None else Rate.parse(row.rate_limit),
    )
