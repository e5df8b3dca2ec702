"""Migrations: up, down and up again on both; the tables are what the rows say; one at a time."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.db import rows_clients, rows_devices, rows_drifts, rows_lines, rows_operations
from gateway.db.columns import Base, Owned
from gateway.db.engine import make_engine
from gateway.db.migrations import BASE, _revisions, downgrade, migrate, pending, upgrade
from gateway.db.rows import PanelRow
from gateway.db.store import SqlDatabase
from gateway.domain.ids import OperationId
from gateway.services.scope import system_scope
from tests.db.conftest import KEYRING, opened
from tests.db.kinds import KINDS
from tests.factories import a_client, a_document, a_drift, a_panel, an_audit_entry

ALL = _revisions()
ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def made(url: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(url)
    try:
        yield engine
    finally:
        await engine.dispose()


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    async with made(database_url) as engine:
        yield engine


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    async with engine.begin() as connection:
        yield connection


async def tables(engine: AsyncEngine) -> set[str]:
    async with engine.connect() as connection:
        names = await connection.run_sync(lambda it: sa.inspect(it).get_table_names())
    return set(names) - {"alembic_version"}


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))


async def test_the_tables_are_what_the_rows_say(engine: AsyncEngine) -> None:
    await upgrade(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    assert await tables(engine) == set(Base.metadata.tables)


def shape(connection: Connection) -> set[str]:
    """Return everything there is, one sentence each; what a comparison leaves out too."""
    inspector = sa.inspect(connection)
    found: list[object] = []
    for table in set(inspector.get_table_names()) - {"alembic_version"}:
        columns = inspector.get_columns(table)
        found += [(table, it["name"], str(it["type"]), it["nullable"]) for it in columns]
        found += [(table, "index", _sorted(it)) for it in inspector.get_indexes(table)]
        found += [(table, "unique", _sorted(it)) for it in inspector.get_unique_constraints(table)]
        found += [(table, "foreign key", _sorted(it)) for it in inspector.get_foreign_keys(table)]
        found.append((table, "primary key", _sorted(inspector.get_pk_constraint(table))))
    return {str(it) for it in found}


def _sorted(description: Any) -> list[tuple[str, object]]:
    return sorted(
        (key, _sorted(value) if isinstance(value, dict) else str(value))
        for key, value in description.items()
    )


async def test_indexes_and_keys_are_what_the_rows_say() -> None:
    async with made("sqlite://") as engine, writing(engine) as connection:
        await connection.run_sync(Base.metadata.create_all)
        expected = await connection.run_sync(shape)
    async with made("sqlite://") as engine:
        await upgrade(engine)
        async with engine.connect() as connection:
            assert await connection.run_sync(shape) == expected


async def test_a_step_only_adds(engine: AsyncEngine) -> None:
    before: set[str] = set()
    for revision in ALL:
        await upgrade(engine, revision)
        async with engine.connect() as connection:
            after = await connection.run_sync(shape)
        assert before < after, revision
        before = after


async def test_up_down_and_up_again(engine: AsyncEngine) -> None:
    for revision in ALL:
        await upgrade(engine, revision)
    for revision in (*reversed(ALL[:-1]), BASE):
        await downgrade(engine, revision)
        assert revision == BASE or (await pending(engine))[0] == ALL[ALL.index(revision) + 1]
    assert await tables(engine) == set()
    assert await pending(engine) == ALL
    await upgrade(engine)
    assert await pending(engine) == ()
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_downgrades_work_with_data(database_url: str) -> None:
    await migrate(database_url)
    async with opened(database_url) as database:
        async with database.write(system_scope()) as store:
            await store.panels.add(a_panel())
            await store.audit.append(an_audit_entry())
            await store.documents.add([a_document()])
            await store.drifts.add(a_drift())
            await store.clients.add(a_client())
            for kind in KINDS:
                one = kind.make()
                await kind.of(store).add(one)
                await kind.of(store).add_reference(one.id, "invoice", OperationId("op_1"))
        await downgrade(database._engine)
        assert not await database.is_ready()
        await upgrade(database._engine)
        assert await database.is_ready()


MIGRATE = """
import asyncio, sys
from gateway.db.migrations import migrate
asyncio.run(migrate(sys.argv[1]))
"""


async def test_two_processes_that_migrate_at_once_do_not_collide(database_url: str) -> None:
    command = (sys.executable, "-c", MIGRATE, database_url)
    processes = [await asyncio.create_subprocess_exec(*command, cwd=ROOT) for _ in range(2)]
    assert [await process.wait() for process in processes] == [0, 0]
    async with opened(database_url) as database:
        assert await database.is_ready()


async def test_a_newer_schema_is_ready_and_an_older_one_is_not(engine: AsyncEngine) -> None:
    await upgrade(engine)
    database = SqlDatabase(engine, KEYRING)
    for revision, ready in (("0999_of_the_next_release", True), (ALL[-2], False)):
        async with writing(engine) as connection:
            await connection.execute(
                sa.text("UPDATE alembic_version SET version_num = :it"), {"it": revision}
            )
        assert await database.is_ready() is ready


async def test_a_database_in_memory_lives_in_its_engine() -> None:
    for url in ("sqlite://", "sqlite:///:memory:"):
        async with opened(url) as database:
            await upgrade(database._engine)
            async with database.write(system_scope()) as store:
                await store.panels.add(a_panel())
            async with database.read(system_scope()) as store:
                assert await store.panels.get(a_panel().id) == a_panel()
            assert await database.is_ready()


CHANGES = [
    "UPDATE audit_entries SET phase = 'succeeded'",
    "DELETE FROM audit_entries",
    "UPDATE audit_bodies SET leaf = salt",
    "DELETE FROM audit_bodies",
]
ONLY_SQLITE = [
    "INSERT OR REPLACE INTO audit_entries SELECT * FROM audit_entries",
    "INSERT OR REPLACE INTO audit_bodies SELECT * FROM audit_bodies",
]
ONLY_POSTGRESQL = ["TRUNCATE audit_entries CASCADE", "TRUNCATE audit_bodies"]


async def test_the_audit_log_cannot_be_changed(engine: AsyncEngine) -> None:
    await upgrade(engine)
    database = SqlDatabase(engine, KEYRING)
    async with database.write(system_scope()) as store:
        await store.audit.append(an_audit_entry())
    special = ONLY_SQLITE if engine.dialect.name == "sqlite" else ONLY_POSTGRESQL
    for change in (*CHANGES, *special):
        with pytest.raises(exc.DBAPIError, match="append-only"):
            async with writing(engine) as connection:
                await connection.execute(sa.text(change))


def test_every_table_has_an_owner_or_a_reason() -> None:
    # Panels and their states belong to the operator; kept answers are narrowed by their `owner`;
    # the authorization server's own tables, the last sequences of events, and up to which event
    # deliveries were made, are read by the gateway only.
    mappers = list(Base.registry.mappers)
    without = {it.local_table.name for it in mappers if not issubclass(it.class_, Owned)}  # type: ignore[attr-defined]
    assert without == {
        *("panels", "panel_states", "kept_answers", "event_sequences"),
        *("signing_keys", "revoked_tokens", "used_assertions", "webhook_dispatch"),
    }
    assert {
        rows_lines.LineRow,
        rows_devices.DeviceRow,
        rows_clients.ClientRow,
        rows_drifts.DriftRow,
        rows_operations.OperationRow,
        PanelRow,
    } <= {it.class_ for it in mappers}
