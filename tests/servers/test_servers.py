"""The servers are real, and each test finds them as if it were alone."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from sqlalchemy.ext.asyncio import create_async_engine

from tests.servers.postgres import Databases
from tests.servers.redis import RedisServer


async def _run_id(client: Redis) -> str:
    info: dict[str, str] = await client.info("server")
    return info["run_id"]


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_finds_redis_empty(redis_url: str, turn: int) -> None:
    async with Redis.from_url(redis_url) as client:
        assert await client.ping()
        assert await client.dbsize() == 0
        await client.set("left behind", turn)


@pytest.mark.parametrize("turn", [1, 2])
async def test_each_test_finds_postgres_empty(postgres_url: str, turn: int) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        assert await connection.fetchval("SELECT 1") == 1
        await connection.execute("CREATE TABLE left_behind (turn int)")
    finally:
        await connection.close()


async def test_a_database_made_from_a_template_holds_what_was_filled_in(
    databases: Databases,
) -> None:
    async def fill(url: str) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE filled AS SELECT 7 AS number")
        await connection.close()

    def fill_from_sync_code(url: str) -> None:
        asyncio.run(fill(url))

    template = await asyncio.to_thread(databases.template, "filled", fill_from_sync_code)
    url = databases.create(template)
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval("SELECT number FROM filled") == 7
    finally:
        await connection.close()
        databases.drop(url)


async def test_both_databases_answer(database_url: str) -> None:
    async_url = database_url.replace("sqlite:", "sqlite+aiosqlite:").replace(
        "postgresql:", "postgresql+asyncpg:"
    )
    engine = create_async_engine(async_url)
    async with engine.connect() as connection:
        answer = await connection.exec_driver_sql("SELECT 1")
        assert answer.scalar_one() == 1
    await engine.dispose()


async def test_a_killed_redis_comes_back_empty_at_the_same_address(
    stoppable_redis: RedisServer,
) -> None:
    async with Redis.from_url(stoppable_redis.url) as client:
        await client.set("name", "value")
        before = await _run_id(client)
    stoppable_redis.kill()
    async with Redis.from_url(stoppable_redis.url, retry=None) as client:
        with pytest.raises(RedisConnectionError):
            await client.ping()
    stoppable_redis.start()
    async with Redis.from_url(stoppable_redis.url) as client:
        assert await client.get("name") is None
        assert await _run_id(client) != before


async def test_a_paused_redis_hangs_until_it_is_resumed(stoppable_redis: RedisServer) -> None:
    async with Redis.from_url(stoppable_redis.url, socket_timeout=0.2, retry=None) as client:
        stoppable_redis.pause()
        with pytest.raises(RedisTimeoutError):
            await client.ping()
        stoppable_redis.resume()
        assert await client.ping()


def test_chromium_is_a_program(chromium: Path) -> None:
    assert chromium.is_file()


def test_php_is_a_program(php: Path) -> None:
    assert php.is_file()
