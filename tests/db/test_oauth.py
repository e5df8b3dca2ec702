"""The authorization server's tables."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from gateway.db.rows_oauth import SigningKeyRow
from gateway.db.store import SqlDatabase
from gateway.domain.errors import StateConflict
from gateway.domain.oauth import RevokedToken
from gateway.services.scope import system_scope
from tests.factories import NOW, a_signing_key

HOUR = timedelta(hours=1)


async def test_a_key_is_kept_sealed_and_comes_back_whole(database: SqlDatabase) -> None:
    key = a_signing_key()
    async with database.write(system_scope()) as store:
        await store.signing_keys.add(key)
    async with database.read(system_scope()) as store:
        assert await store.signing_keys.list() == (key,)
    async with database.session(system_scope(), writable=False) as session:
        (sealed,) = await session.scalars(sa.select(SigningKeyRow.private_jwk))
    assert key.private_jwk.reveal().encode() not in sealed
    assert b'"d"' not in sealed


async def test_of_a_number_there_is_one_key(database: SqlDatabase) -> None:
    async with database.write(system_scope()) as store:
        await store.signing_keys.add(a_signing_key(number=1))
    async with database.write(system_scope()) as store:
        with pytest.raises(StateConflict):
            await store.signing_keys.add(a_signing_key(number=1))
        await store.signing_keys.add(a_signing_key(number=2))
    async with database.read(system_scope()) as store:
        assert [key.number for key in await store.signing_keys.list()] == [2, 1]


async def test_a_retired_key_is_removed_once_it_is_gone(database: SqlDatabase) -> None:
    old, new = a_signing_key(number=1), a_signing_key(number=2)
    async with database.write(system_scope()) as store:
        await store.signing_keys.add(old)
        await store.signing_keys.add(new)
        await store.signing_keys.retire(old.id, NOW, NOW + HOUR)
        assert await store.signing_keys.delete_gone(NOW) == 0
        assert await store.signing_keys.delete_gone(NOW + 2 * HOUR) == 1
        assert [key.id for key in await store.signing_keys.list()] == [new.id]


async def test_a_token_is_revoked_once_and_forgotten_when_it_has_ended(
    database: SqlDatabase,
) -> None:
    first = RevokedToken(id="tok_1", revoked_at=NOW, expires_at=NOW + HOUR)
    again = RevokedToken(id="tok_1", revoked_at=NOW + HOUR, expires_at=NOW + 2 * HOUR)
    second = RevokedToken(id="tok_2", revoked_at=NOW + HOUR / 2, expires_at=NOW + 2 * HOUR)
    async with database.write(system_scope()) as store:
        for token in (first, again, second):
            await store.revoked_tokens.add(token)
        listed = store.revoked_tokens.list_since
        assert set(await listed(NOW, NOW)) == {first, second}
        assert await listed(NOW + HOUR / 4, NOW) == (second,)
        assert await listed(NOW, NOW + HOUR) == (second,)
        assert await store.revoked_tokens.delete_older(NOW + 3 * HOUR, 1) == 1
        assert await listed(NOW, NOW) == (second,)


async def test_an_assertion_counts_once(database: SqlDatabase) -> None:
    async with database.write(system_scope()) as store:
        assert await store.used_assertions.add("a", NOW)
    async with database.write(system_scope()) as store:
        assert not await store.used_assertions.add("a", NOW)
        assert await store.used_assertions.add("b", NOW + HOUR)
        assert await store.used_assertions.delete_older(NOW + HOUR, 10) == 1
        assert await store.used_assertions.add("a", NOW)
