"""A database that is down, slow, full of locks or broken: 503 soon, and bugs stay loud."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from gateway.db.engine import EngineLimits, make_engine
from gateway.db.migrations import migrate
from gateway.db.rows import PanelRow
from gateway.db.store import SqlDatabase
from gateway.domain.errors import ServiceUnavailable
from gateway.domain.ids import LineId
from gateway.domain.paging import PageRequest
from gateway.services.scope import system_scope
from tests.db.conftest import Family, opened
from tests.factories import a_line, a_panel
from tests.servers.postgres import PostgresServer
from tests.servers.processes import free_port

SHORT = EngineLimits(
    pool_size=1,
    pool_overflow=0,
    pool_timeout_seconds=0.2,
    connect_timeout_seconds=0.5,
    lock_timeout_seconds=0.3,
    statement_timeout_seconds=0.5,
    command_timeout_seconds=5.0,
)


@pytest.fixture
def dead_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return f"postgresql://somebody:SECRET@127.0.0.1:{free_port()}/x"
    if request.param == "folder":
        return f"sqlite:///{tmp_path}"
    (tmp_path / "broken.db").write_bytes(b"SECRET" * 1000)
    return f"sqlite:///{tmp_path}/broken.db"


@pytest.mark.parametrize("dead_url", ["postgresql", "folder", "garbage"], indirect=True)
async def test_a_database_that_is_not_there_is_unavailable(dead_url: str) -> None:
    async with opened(dead_url) as database:
        for begin in (database.read, database.write):
            with pytest.raises(ServiceUnavailable) as caught:
                await begin(system_scope()).__aenter__()
            assert caught.value.retry_after_seconds == 5
            assert caught.value.__cause__ is not None
            assert "SECRET" not in str(caught.value)
        assert not await database.is_ready()
    with pytest.raises(ServiceUnavailable):
        await migrate(dead_url)


async def test_a_server_that_does_not_answer_is_unavailable_soon() -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(3), opened(f"postgresql://a@127.0.0.1:{port}/x", limits=SHORT) as it:
        with pytest.raises(ServiceUnavailable):
            await it.read(system_scope()).__aenter__()
    server.close()
    await server.wait_closed()


async def test_a_server_that_stops_is_unavailable_within_the_transaction_and_after() -> None:
    server = await asyncio.to_thread(PostgresServer.started)
    try:
        url = f"{server.address}/postgres"
        await migrate(url)
        async with opened(url, limits=SHORT) as database:
            with pytest.raises(ServiceUnavailable):
                await write_while(database, lambda: asyncio.to_thread(server.close), read=True)
            with pytest.raises(ServiceUnavailable):
                await database.read(system_scope()).__aenter__()
            assert not await database.is_ready()
    finally:
        server.close()


async def test_a_server_that_stops_before_the_commit_is_unavailable() -> None:
    server = await asyncio.to_thread(PostgresServer.started)
    try:
        url = f"{server.address}/postgres"
        await migrate(url)
        async with opened(url) as database:
            with pytest.raises(ServiceUnavailable):
                await write_while(database, lambda: asyncio.to_thread(server.close), read=False)
    finally:
        server.close()


async def test_connections_that_the_server_closed_are_replaced_unnoticed(
    postgres_url: str,
) -> None:
    await migrate(postgres_url)
    async with opened(postgres_url) as database:
        assert await database.is_ready()
        await close_all_others(postgres_url)
        async with database.read(system_scope()) as store:
            assert (await store.panels.list(PageRequest())).items == ()


async def test_a_connection_that_is_closed_under_a_transaction_is_unavailable(
    postgres_url: str,
) -> None:
    await migrate(postgres_url)
    async with opened(postgres_url) as database:
        with pytest.raises(ServiceUnavailable):
            await write_while(database, lambda: close_all_others(postgres_url), read=True)
        async with database.read(system_scope()) as store:
            assert (await store.panels.list(PageRequest())).items == ()


async def write_while(
    database: SqlDatabase, strike: Callable[[], Awaitable[None]], *, read: bool
) -> None:
    """Write, let something happen, and go on reading or commit at once."""
    async with database.write(system_scope()) as store:
        await store.panels.add(a_panel())
        await strike()
        if read:
            await store.panels.get(a_panel().id)


async def close_all_others(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    await connection.close()
    await asyncio.sleep(0.05)


async def test_an_empty_pool_is_unavailable_soon(migrated_url: str) -> None:
    async with opened(migrated_url, limits=SHORT) as database, database.read(system_scope()):
        with pytest.raises(ServiceUnavailable) as caught:
            await database.read(system_scope()).__aenter__()
        assert caught.value.retry_after_seconds == 1
        assert not await database.is_ready()


async def test_a_lock_that_is_held_for_long_is_unavailable_soon(
    registry: SqlDatabase, migrated_url: str, family: Family
) -> None:
    async with opened(migrated_url, limits=SHORT) as impatient:
        async with registry.write(system_scope()) as store:
            await store.resellers.lock(family.ann.id)
            with pytest.raises(ServiceUnavailable):
                async with impatient.write(system_scope()) as elsewhere:
                    await elsewhere.resellers.lock(family.ann.id)
        async with impatient.write(system_scope()) as elsewhere:
            await elsewhere.resellers.lock(family.ann.id)


async def test_a_statement_that_takes_too_long_is_unavailable(postgres_url: str) -> None:
    await migrate(postgres_url)
    async with opened(postgres_url) as database, database.write(system_scope()) as store:
        await store.panels.add(a_panel())
    slow = sa.select(PanelRow.id, sa.func.pg_sleep(20))
    impatient = EngineLimits(command_timeout_seconds=0.3, pool_size=1, pool_overflow=0)
    for limits in (SHORT, impatient):  # Stopped by the server, and by us.
        async with asyncio.timeout(5), opened(postgres_url, limits=limits) as database:
            with pytest.raises(ServiceUnavailable):
                async with database.session(system_scope(), writable=False) as session:
                    await session.execute(slow)
            async with database.read(system_scope()) as store:
                assert await store.panels.get(a_panel().id) == a_panel()


async def test_a_database_that_is_not_migrated_is_unavailable(database_url: str) -> None:
    async with opened(database_url) as database:
        assert not await database.is_ready()
        with pytest.raises(ServiceUnavailable):
            async with database.read(system_scope()) as store:
                await store.lines.get(LineId("line_x"))


async def test_a_row_that_refers_to_nothing_is_a_mistake(database: SqlDatabase) -> None:
    async with database.write(system_scope()) as store:
        with pytest.raises(exc.IntegrityError) as caught:
            await store.lines.add(a_line(notes="SECRET"))
    assert "SECRET" not in str(caught.value)


async def write_and_raise(database: SqlDatabase, error: BaseException) -> None:
    async with database.write(system_scope()) as store:
        await store.panels.save(a_panel(name="changed"))
        raise error


async def test_errors_of_the_caller_pass_through_and_roll_back(registry: SqlDatabase) -> None:
    for error in (TimeoutError("mine"), OSError("mine"), asyncio.CancelledError()):
        with pytest.raises(type(error)) as caught:
            await write_and_raise(registry, error)
        assert caught.value is error
    async with registry.read(system_scope()) as store:
        assert await store.panels.get(a_panel().id) == a_panel()


@pytest.mark.parametrize("url", ["mysql://u:SECRET@h/x", "SECRET", "sqlite:SECRET", ""])
def test_another_kind_of_url_is_refused_without_its_text(url: str) -> None:
    with pytest.raises(ValueError, match="must begin with sqlite:/// or postgresql://") as caught:
        make_engine(url)
    assert "SECRET" not in str(caught.value)


def test_an_engine_does_not_show_the_password() -> None:
    assert "SECRET" not in repr(make_engine("postgresql://somebody:SECRET@127.0.0.1/x"))
