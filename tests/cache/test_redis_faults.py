"""A Redis that is down, hangs, comes back as another, or will not take writes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis
import redis.asyncio

from gateway.cache.events import CacheEvent
from gateway.cache.keys import value_key
from gateway.cache.redis import ANSWER_SECONDS, PAUSE_MAX_SECONDS, RedisCache
from gateway.services.ports.cache import Claim, Lookup
from tests.cache.support import (
    LINE,
    LIVES,
    OTHER_LINE,
    PATIENT_SECONDS,
    Rig,
    an_entry,
    know,
    ready,
    until,
)
from tests.servers.redis import RedisServer

NOTHING = Lookup(entry=None, epoch=None)


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def kept(cache: RedisCache, line: str = LINE, epoch: int = 5) -> None:
    await know(cache, line, epoch)
    await cache.put(line, an_entry(epoch=epoch))
    assert (await cache.look_up(line)).entry is not None


@pytest.fixture
async def cache(rig: Rig, stoppable_redis: RedisServer) -> AsyncIterator[RedisCache]:
    async with rig.process(stoppable_redis.url) as cache:
        yield cache


async def test_down_from_the_start_everything_is_absent_and_it_comes_by_itself(
    rig: Rig, stoppable_redis: RedisServer
) -> None:
    stoppable_redis.kill()
    async with rig.process(stoppable_redis.url) as cache:
        assert not await cache.is_ready()
        assert await cache.look_up(LINE) == NOTHING
        await cache.put(LINE, an_entry())
        assert await cache.claim(LINE) is None
        await cache.teach(LINE, 5, Claim("?1"))
        assert rig.events[CacheEvent.BYPASSED] == 2
        assert rig.events[CacheEvent.RAISE_QUEUED] == 0
        await asyncio.to_thread(stoppable_redis.start)
        await ready(cache)
        await kept(cache)


async def test_when_it_dies_callers_get_nothing_and_no_error(
    rig: Rig, cache: RedisCache, stoppable_redis: RedisServer
) -> None:
    await kept(cache)
    stoppable_redis.kill()
    found = await asyncio.gather(*(cache.look_up(LINE) for _ in range(20)))
    assert found == [NOTHING] * 20
    await cache.put(LINE, an_entry())
    await ready(cache, is_so=False)
    assert rig.events[CacheEvent.FAILED] >= 1


async def test_a_restarted_server_is_cold(cache: RedisCache, stoppable_redis: RedisServer) -> None:
    await kept(cache)
    stoppable_redis.kill()
    await asyncio.to_thread(stoppable_redis.start)
    await cache.look_up(LINE)  # Finds out.
    await ready(cache)
    assert await cache.look_up(LINE) == NOTHING
    await kept(cache)


async def test_a_server_restored_from_an_old_copy_is_cold(
    cache: RedisCache, stoppable_redis: RedisServer
) -> None:
    """The copy lacks the last invalidation: what it holds must not be reached (R04)."""
    await kept(cache)
    async with redis.asyncio.Redis.from_url(stoppable_redis.url) as server:
        run_id = (await server.info("server"))["run_id"]
        await server.save()
        await cache.raise_epoch(LINE, 6)
    stoppable_redis.kill()
    await asyncio.to_thread(stoppable_redis.start)
    async with redis.asyncio.Redis.from_url(stoppable_redis.url) as server:
        assert await server.get(value_key(run_id, LINE)) is not None  # It is there ...
    await cache.look_up(LINE)
    await ready(cache)
    assert await cache.look_up(LINE) == NOTHING  # ... and out of reach.


async def test_the_read_that_meets_a_restored_server_is_not_served_by_it(
    rig: Rig, cache: RedisCache, stoppable_redis: RedisServer
) -> None:
    """Between two reads the server was exchanged; redis-py would have reconnected by itself."""
    await kept(cache)
    async with redis.asyncio.Redis.from_url(stoppable_redis.url) as server:
        await server.save()
    await cache.raise_epoch(LINE, 6)
    stoppable_redis.kill()
    await asyncio.to_thread(stoppable_redis.start)
    found = [await cache.look_up(LINE) for _ in range(3)]
    assert [it.entry for it in found] == [None] * 3


async def test_a_hanging_server_costs_those_who_wait_their_bound_and_then_nobody(
    rig: Rig, stoppable_redis: RedisServer
) -> None:
    async with rig.process(stoppable_redis.url, answer_seconds=ANSWER_SECONDS) as cache:
        await ready(cache)
        stoppable_redis.pause()
        loop = asyncio.get_running_loop()
        began = loop.time()
        found = await asyncio.gather(*(cache.look_up(f"line_{n}") for n in range(1_000)))
        assert found == [NOTHING] * 1_000
        assert loop.time() - began < PATIENT_SECONDS  # All together, not one after the other.
        assert not await cache.is_ready()
        bypassed = rig.events[CacheEvent.BYPASSED]
        for _ in range(1_000):
            await cache.look_up(LINE)
        assert rig.events[CacheEvent.BYPASSED] == bypassed + 1_000  # None of them waited.
        stoppable_redis.resume()
        await ready(cache)


async def test_a_server_that_hangs_from_the_start_does_not_hold_the_start_up(
    rig: Rig, stoppable_redis: RedisServer
) -> None:
    stoppable_redis.pause()
    async with asyncio.timeout(PATIENT_SECONDS), rig.process(stoppable_redis.url) as cache:
        assert not await cache.is_ready()
    stoppable_redis.resume()


async def test_a_raise_that_could_not_reach_it_lands_later_and_before_any_read(
    rig: Rig, stoppable_redis: RedisServer
) -> None:
    """A pause keeps the server's memory and run_id: the old value is still there to be served."""
    async with (
        rig.process(stoppable_redis.url, answer_seconds=ANSWER_SECONDS) as writer,
        rig.process(stoppable_redis.url) as reader,
    ):
        while (await reader.look_up(LINE)).entry is None:  # A slow machine may lose a write.
            await know(reader, LINE, 5)
            await know(reader, OTHER_LINE, 1)
            await reader.put(LINE, an_entry(epoch=5))
        stoppable_redis.pause()
        await writer.raise_epoch(LINE, 6)
        await writer.raise_epoch(LINE, 7)
        await writer.raise_epoch(OTHER_LINE, 2)
        assert rig.events[CacheEvent.RAISE_QUEUED] == 3
        stoppable_redis.resume()
        await ready(writer)
        assert rig.events[CacheEvent.RAISE_LANDED] == 2
        assert await reader.look_up(LINE) == Lookup(entry=None, epoch=7)
        assert (await reader.look_up(OTHER_LINE)).epoch == 2


async def test_the_raise_of_a_request_that_was_cancelled_lands_too(
    rig: Rig, stoppable_redis: RedisServer
) -> None:
    async with rig.process(stoppable_redis.url, answer_seconds=ANSWER_SECONDS) as cache:
        await ready(cache)
        stoppable_redis.pause()
        task = asyncio.create_task(cache.raise_epoch(LINE, 6))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        await until(lambda: rig.events[CacheEvent.RAISE_QUEUED] == 1)
        stoppable_redis.resume()
        await until(lambda: rig.events[CacheEvent.RAISE_LANDED] == 1)


async def test_tries_become_rarer_while_it_is_down(
    rig: Rig, cache: RedisCache, stoppable_redis: RedisServer
) -> None:
    stoppable_redis.kill()
    await cache.look_up(LINE)
    await until(lambda: len(rig.clock.pauses) >= 9)
    pauses = rig.clock.pauses
    assert pauses[0] == 0.0
    assert pauses == sorted(pauses)
    assert pauses[-1] == PAUSE_MAX_SECONDS


async def test_a_server_that_became_a_replica_is_not_used(
    rig: Rig, cache: RedisCache, stoppable_redis: RedisServer
) -> None:
    await kept(cache)
    async with redis.asyncio.Redis.from_url(stoppable_redis.url) as server:
        await server.replicaof("127.0.0.1", 1)  # Nobody is there; it is read-only from now on.
        await cache.raise_epoch(LINE, 6)
        assert rig.events[CacheEvent.RAISE_QUEUED] == 1
        assert await cache.look_up(LINE) == NOTHING
        assert not await cache.is_ready()
        await server.replicaof("NO", "ONE")
    await ready(cache)
    assert await cache.look_up(LINE) == Lookup(entry=None, epoch=6)


async def test_a_process_that_only_reads_learns_of_a_change_of_role(
    rig: Rig, stoppable_redis: RedisServer
) -> None:
    async with rig.process(stoppable_redis.url, check_every_seconds=0.02) as reader:
        await kept(reader)
        async with redis.asyncio.Redis.from_url(stoppable_redis.url) as server:
            await server.replicaof("127.0.0.1", 1)
        await ready(reader, is_so=False)


async def test_killed_connections_cost_a_miss_each_and_nothing_else(
    rig: Rig, cache: RedisCache, stoppable_redis: RedisServer
) -> None:
    await kept(cache)
    async with redis.asyncio.Redis.from_url(stoppable_redis.url) as server:
        for _ in range(3):
            await server.client_kill_filter(_type="normal", skipme=True)
            await asyncio.gather(*(cache.look_up(LINE) for _ in range(10)))
            await ready(cache)
            assert (await cache.look_up(LINE)).entry is not None


async def test_without_redis_entries_are_kept_here_for_the_database_to_judge(rig: Rig) -> None:
    cache = rig.process("redis://127.0.0.1:1")
    assert await cache.look_up(LINE) == NOTHING
    async with cache:
        await cache.raise_epoch(LINE, 5)
        await cache.put(LINE, an_entry(epoch=5))
        assert await cache.look_up(LINE) == Lookup(entry=an_entry(epoch=5), epoch=None)
        await cache.raise_epoch(LINE, 6)
        assert (await cache.look_up(LINE)).epoch is None
        rig.clock.seconds += LIVES.value_seconds
        assert await cache.look_up(LINE) == NOTHING


async def test_waiters_are_let_go_when_the_cache_closes(
    rig: Rig, stoppable_redis: RedisServer
) -> None:
    cache = rig.process(stoppable_redis.url)
    async with cache:
        await ready(cache)
        stoppable_redis.pause()
        waiting = [asyncio.create_task(cache.look_up(f"line_{n}")) for n in range(300)]
        await asyncio.sleep(0.01)
    assert await asyncio.gather(*waiting) == [NOTHING] * 300
    stoppable_redis.resume()
