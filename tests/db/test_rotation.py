"""Rotation: everything ends under the first key, whatever happens in between."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from gateway.db import rotation
from gateway.db.columns import Base
from gateway.db.encryption import Keyring
from gateway.db.rotation import SEALED, Progress, rotate
from gateway.db.store import SqlDatabase
from gateway.domain.lines import Line, LineFilter
from gateway.domain.paging import PageRequest
from gateway.domain.secrets import Secret
from gateway.services.ports.sealer import SealBrokenError
from gateway.services.scope import system_scope
from tests.db.conftest import KEYRING, opened
from tests.factories import (
    NOW,
    a_kept_answer,
    a_line,
    a_panel,
    a_signing_key,
    a_source,
    an_endpoint,
    an_inbound_event,
    an_operation,
)

NEW_KEY = ("k2", b"2" * 32)
BOTH = Keyring([NEW_KEY, ("k1", b"1" * 32)])
NEW_ONLY = Keyring([NEW_KEY])


async def fill(database: SqlDatabase, lines: int) -> list[Line]:
    made = [a_line() for _ in range(lines)]
    async with database.write(system_scope()) as store:
        for line in made:
            await store.lines.add(line)
        await store.operations.add(an_operation(desired=b"d", result=b"r"))
        await store.operations.add(an_operation())
        await store.answers.add(a_kept_answer())
        await store.signing_keys.add(a_signing_key())
        source = a_source()
        await store.inbound_sources.add(source)
        await store.inbound_events.add(an_inbound_event(source))
        await store.endpoints.add(an_endpoint())
    return made


async def key_ids(database: SqlDatabase) -> set[str]:
    """Return the ids of all keys that anything is still sealed under."""
    found: set[str] = set()
    async with database.session(system_scope(), writable=False) as session:
        for row, columns in SEALED:
            for column in columns:
                values = await session.scalars(sa.select(getattr(row, column)))
                found |= {"k2" if BOTH.is_primary(it) else "k1" for it in values if it is not None}
    return found


def test_every_sealed_column_is_rotated() -> None:
    # What is not sealed: digests, hashes, salts and the log, which is public to its owner.
    open_bytes = {
        "keys.digest",
        *("clients.secret_digest", "clients.former_digest"),
        "audit_entries.leaf_hash",
        "audit_bodies.salt",
        "audit_bodies.leaf",
    }
    all_bytes = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, sa.LargeBinary)
    }
    sealed = {f"{row.__tablename__}.{name}" for row, names in SEALED for name in names}
    assert sealed == all_bytes - open_bytes


async def test_afterwards_the_old_key_is_not_needed(
    registry: SqlDatabase, migrated_url: str
) -> None:
    lines = await fill(registry, lines=5)
    async with opened(migrated_url, BOTH) as database:
        reports = [it async for it in rotate(database, BOTH, batch_size=2)]
    assert await key_ids(registry) == {"k2"}
    async with opened(migrated_url, NEW_ONLY) as database, database.read(system_scope()) as store:
        page = await store.lines.list(LineFilter(), PageRequest(), NOW)
        assert page.items == tuple(reversed(lines))
        assert await store.panels.get(a_panel().id) == a_panel()
    assert [it for it in reports if it.table == "lines"] == [
        Progress(table="lines", done=done, total=5, resealed=done, missed=0)
        for done in (0, 2, 4, 5)
    ]
    assert reports[-1].table == "webhook_endpoints"


async def test_a_second_run_finds_nothing_to_do(registry: SqlDatabase) -> None:
    await fill(registry, lines=2)
    async for _ in rotate(registry, BOTH):
        pass
    again = [it async for it in rotate(registry, BOTH)]
    assert all(it.resealed == 0 for it in again)
    assert again[-1].done == again[-1].total == 1


async def test_a_run_that_was_stopped_can_be_started_again(registry: SqlDatabase) -> None:
    await fill(registry, lines=6)
    async for progress in rotate(registry, BOTH, batch_size=2):
        if progress.table == "lines" and progress.done:
            break
    assert await key_ids(registry) == {"k1", "k2"}
    async for _ in rotate(registry, BOTH, batch_size=2):
        pass
    assert await key_ids(registry) == {"k2"}


async def test_what_the_service_writes_meanwhile_is_kept(
    registry: SqlDatabase, migrated_url: str
) -> None:
    lines = await fill(registry, lines=3)
    changed = replace(lines[2], password=Secret("changed meanwhile"), version=2)
    async with opened(migrated_url, BOTH) as service:
        async for progress in rotate(registry, BOTH, batch_size=1):
            if progress == Progress(table="lines", done=1, total=3, resealed=1, missed=0):
                async with service.write(system_scope()) as store:
                    await store.lines.save(changed)
        async with service.read(system_scope()) as store:
            assert await store.lines.get(changed.id) == changed
    assert await key_ids(registry) == {"k2"}


async def test_a_value_that_changed_in_between_is_not_overwritten(registry: SqlDatabase) -> None:
    (line,) = await fill(registry, lines=1)
    table = rotation._Table(*SEALED[1], BOTH, 10)
    stale = KEYRING.seal(b"as it was read", f"lines.password:{line.id}")
    async with registry.session(system_scope(), writable=True) as session:
        await table._reseal(session, line.id, "password", stale)
    assert table.progress() == Progress(table="lines", done=0, total=0, resealed=0, missed=1)
    async with registry.read(system_scope()) as store:
        assert await store.lines.get(line.id) == line


async def test_without_the_old_key_nothing_is_lost(registry: SqlDatabase) -> None:
    await fill(registry, lines=1)
    with pytest.raises(SealBrokenError, match=r"panels\.api_pass"):
        async for _ in rotate(registry, NEW_ONLY):
            pass
    assert await key_ids(registry) == {"k1"}
