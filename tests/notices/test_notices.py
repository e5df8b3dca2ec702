"""What holds for notices in memory and through Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from gateway.domain.errors import ServiceUnavailable
from gateway.notices.memory import MemoryNotices
from gateway.notices.redis import RedisNotices
from tests.notices.support import LINE, OTHER, not_woken, process, woken

Make = Callable[..., MemoryNotices | RedisNotices]


@pytest.fixture(params=["memory", "redis"])
def make(request: pytest.FixtureRequest) -> Make:
    if request.param == "memory":
        return MemoryNotices
    url = request.getfixturevalue("redis_url")
    return lambda **options: process(url, **options)


@pytest.fixture
async def notices(make: Make) -> AsyncIterator[MemoryNotices | RedisNotices]:
    async with make() as made:
        yield made


@pytest.fixture
async def settled(
    notices: MemoryNotices | RedisNotices,
) -> AsyncIterator[MemoryNotices | RedisNotices]:
    """Notices that have a listener for LINE already: nobody is woken by a new subscription."""
    async with notices.listen(LINE) as first:
        if isinstance(notices, RedisNotices):
            await woken(first)
        yield notices


async def test_a_listener_is_woken_by_a_change_of_its_resource_only(
    settled: MemoryNotices | RedisNotices,
) -> None:
    async with settled.listen(LINE) as listener:
        settled.publish([OTHER])
        await not_woken(listener)
        settled.publish([OTHER, LINE])
        await woken(listener)
        await not_woken(listener)


async def test_all_listeners_of_a_resource_are_woken(
    settled: MemoryNotices | RedisNotices,
) -> None:
    async with settled.listen(LINE) as one, settled.listen(LINE) as two:
        waiting = asyncio.create_task(two.wait(None))
        await asyncio.sleep(0)
        settled.publish({LINE})
        await woken(one)
        assert await waiting


async def test_many_changes_while_nobody_waits_are_one(
    settled: MemoryNotices | RedisNotices,
) -> None:
    async with settled.listen(LINE) as listener:
        for _ in range(100):
            settled.publish([LINE])
        await woken(listener)
        await not_woken(listener)


async def test_a_change_before_it_listened_does_not_wake_it(
    settled: MemoryNotices | RedisNotices,
) -> None:
    settled.publish([LINE])
    async with settled.listen(LINE) as listener:
        await not_woken(listener)


async def test_waiting_ends_in_time_and_what_comes_later_is_kept(
    settled: MemoryNotices | RedisNotices,
) -> None:
    async with settled.listen(LINE) as listener:
        assert not await listener.wait(0.001)
        settled.publish([LINE])
        assert await listener.wait(0)


async def test_who_goes_makes_room_and_more_than_allowed_are_refused(make: Make) -> None:
    async with make(listeners_max=2) as notices, AsyncExitStack() as stack:
        await stack.enter_async_context(notices.listen(LINE))
        async with notices.listen(OTHER):
            with pytest.raises(ServiceUnavailable) as refused:
                await stack.enter_async_context(notices.listen(LINE))
            assert refused.value.retry_after_seconds
        await stack.enter_async_context(notices.listen(LINE))


async def test_publishing_without_listeners_is_nothing(
    notices: MemoryNotices | RedisNotices,
) -> None:
    notices.publish([])
    notices.publish([LINE])


async def test_10_000_publishes_to_one_who_never_waits_leave_one_flag(
    settled: MemoryNotices | RedisNotices,
) -> None:
    async with settled.listen(LINE) as listener:
        for number in range(10_000):
            settled.publish([LINE])
            if number % 100 == 0:
                await asyncio.sleep(0)
            assert pending(settled) <= 1
        await woken(listener)


def pending(notices: MemoryNotices | RedisNotices) -> int:
    """Return how many things wait to be told; a listener itself has room for one."""
    return len(notices._untold) if isinstance(notices, RedisNotices) else 0


async def test_nothing_is_left_of_listeners_that_are_gone(
    notices: MemoryNotices | RedisNotices,
) -> None:
    for number in range(1_000):
        async with notices.listen(f"line_{number}"):
            pass
    assert not notices._listeners.resources()
