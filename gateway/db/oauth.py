"""The authorization server's tables: queries, and their mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from gateway.db.repository import Repository
from gateway.db.rows_oauth import RevokedTokenRow, SigningKeyRow, UsedAssertionRow
from gateway.domain.errors import StateConflict
from gateway.domain.oauth import RevokedToken
from gateway.domain.secrets import Secret
from gateway.domain.signing import SigningKey

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.services.ports.sealer import Sealer

#: A primary key that is there already, as each database tells it.
_ID_TAKEN: Final = ("pk_{}", "uq_{}_id")


class SqlSigningKeys(Repository):
    """The port SigningKeys."""

    __slots__ = ()

    async def list(self) -> tuple[SigningKey, ...]:
        """Return all of them, the newest first."""
        rows = await self.session.scalars(
            sa.select(SigningKeyRow).order_by(SigningKeyRow.number.desc())
        )
        return tuple(_key_of(row, self.sealer) for row in rows)

    async def add(self, key: SigningKey) -> None:
        """Insert. Raises StateConflict when there is a key of this number."""
        row = SigningKeyRow(
            id=key.id,
            number=key.number,
            alg=key.alg,
            private_jwk=self.sealer.seal(key.private_jwk.reveal().encode(), _place_of(key.id)),
            created_at=key.created_at,
            used_from=key.used_from,
            retired_at=key.retired_at,
            gone_at=key.gone_at,
        )
        there = StateConflict("Another process has made this key.")
        await self.insert(row, {"uq_signing_keys_number": there})

    async def retire(self, key_id: str, at: datetime, gone_at: datetime) -> None:
        """Set when it stops signing, and until when it is shown."""
        statement = sa.update(SigningKeyRow).where(SigningKeyRow.id == key_id)
        await self.change(statement.values(retired_at=at, gone_at=gone_at))

    async def delete_gone(self, before: datetime) -> int:
        """Remove those that are not shown any more."""
        return await self.change(sa.delete(SigningKeyRow).where(SigningKeyRow.gone_at < before))


class SqlRevokedTokens(Repository):
    """The port RevokedTokens."""

    __slots__ = ()

    async def add(self, token: RevokedToken) -> None:
        """Insert; one that is there already is left as it is."""
        row = RevokedTokenRow(id=token.id, revoked_at=token.revoked_at, expires_at=token.expires_at)
        await _insert_once(self, row)

    async def list_since(self, since: datetime, now: datetime) -> tuple[RevokedToken, ...]:
        """Return those revoked at *since* or later whose time is not over by *now*."""
        rows = await self.session.scalars(
            sa.select(RevokedTokenRow).where(
                RevokedTokenRow.revoked_at >= since, RevokedTokenRow.expires_at > now
            )
        )
        return tuple(
            RevokedToken(id=row.id, revoked_at=row.revoked_at, expires_at=row.expires_at)
            for row in rows
        )

    async def delete_older(self, before: datetime, limit: int) -> int:
        """Remove the oldest ones; return how many."""
        return await _delete_ended(self, RevokedTokenRow, before, limit)


class SqlUsedAssertions(Repository):
    """The port UsedAssertions."""

    __slots__ = ()

    async def add(self, digest: str, expires_at: datetime) -> bool:
        """Insert; False: it is there already."""
        return await _insert_once(self, UsedAssertionRow(id=digest, expires_at=expires_at))

    async def delete_older(self, before: datetime, limit: int) -> int:
        """Remove the oldest ones; return how many."""
        return await _delete_ended(self, UsedAssertionRow, before, limit)


async def _insert_once(rows: Repository, row: RevokedTokenRow | UsedAssertionRow) -> bool:
    there = StateConflict("It is there already.")
    names = [name.format(row.__tablename__) for name in _ID_TAKEN]
    try:
        await rows.insert(row, dict.fromkeys(names, there))
    except StateConflict:
        return False
    return True


async def _delete_ended(rows: Repository, row: type[Any], before: datetime, limit: int) -> int:
    old = sa.select(row.id).where(row.expires_at < before).order_by(row.expires_at).limit(limit)
    ids = list(await rows.session.scalars(old))
    return await rows.change(sa.delete(row).where(row.id.in_(ids)))


def _key_of(row: SigningKeyRow, sealer: Sealer) -> SigningKey:
    return SigningKey(
        id=row.id,
        number=row.number,
        alg=row.alg,
        private_jwk=Secret(sealer.unseal(row.private_jwk, _place_of(row.id)).decode()),
        created_at=row.created_at,
        used_from=row.used_from,
        retired_at=row.retired_at,
        gone_at=row.gone_at,
    )


def _place_of(key_id: str) -> str:
    return f"signing_keys.private_jwk:{key_id}"
