"""What was seen before: in one process, and in several that share a Redis."""

from __future__ import annotations

import pytest

from gateway.domain.clock import SystemClock
from gateway.domain.errors import ServiceUnavailable
from gateway.identity.redis_replays import RETRY_SECONDS, RedisReplays
from gateway.identity.replays import MemoryReplays
from tests.identity.times import SetClock
from tests.servers.redis import RedisServer


async def test_a_name_is_first_once_until_it_is_forgotten() -> None:
    clock = SetClock()
    replays = MemoryReplays(clock)
    assert await replays.is_first(b"a", 10)
    assert not await replays.is_first(b"a", 10)
    assert await replays.is_first(b"b", 10)
    clock.past_seconds = 9.9
    assert not await replays.is_first(b"a", 10)
    clock.past_seconds = 10
    assert await replays.is_first(b"a", 10)


async def test_nothing_is_forgotten_early_for_want_of_room() -> None:
    clock = SetClock()
    replays = MemoryReplays(clock, remembered_max=2)
    assert await replays.is_first(b"a", 10)
    assert await replays.is_first(b"b", 10)
    with pytest.raises(ServiceUnavailable):
        await replays.is_first(b"c", 10)
    assert not await replays.is_first(b"a", 10)
    clock.past_seconds = 10
    assert await replays.is_first(b"c", 10)


async def test_processes_that_share_a_redis_share_what_they_saw(redis_url: str) -> None:
    async with (
        RedisReplays.opened(redis_url, SystemClock()) as here,
        RedisReplays.opened(redis_url, SystemClock()) as there,
    ):
        assert await here.is_first(b"a", 60)
        assert not await there.is_first(b"a", 60)
        assert not await here.is_first(b"a", 60)
        assert await there.is_first(b"b", 60)


async def test_without_redis_each_process_goes_by_what_it_saw(
    stoppable_redis: RedisServer,
) -> None:
    clock = SetClock()
    async with RedisReplays.opened(stoppable_redis.url, clock) as replays:
        assert await replays.is_first(b"a", 60)
        stoppable_redis.kill()
        assert await replays.is_first(b"b", 60)
        assert not await replays.is_first(b"b", 60)
        assert not await replays.is_first(b"a", 60)
        stoppable_redis.start()
        clock.past_seconds = RETRY_SECONDS
        assert await replays.is_first(b"c", 60)
        async with RedisReplays.opened(stoppable_redis.url, clock) as there:
            assert not await there.is_first(b"c", 60)
