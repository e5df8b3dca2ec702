"""Without Redis each process keeps to its share, and to the common windows of the wall clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from gateway.domain.clock import SystemClock
from gateway.domain.panels import Budget as Limits
from gateway.domain.panels import FloodGuard
from gateway.domain.secrets import SystemRandom
from gateway.panels.fallback_pacing import FallbackBudgets, Windows
from gateway.panels.redis_pace import RETRY_SECONDS, RedisPace, new_client
from gateway.panels.shared_pacing import SharedBudgets
from tests.panels.makers import VirtualClock, a_panel
from tests.panels.pacing import Callers, a_paced_panel, judged, processes
from tests.panels.servers import free_port
from tests.servers.redis import RedisServer


@pytest.fixture
async def clock() -> AsyncIterator[VirtualClock]:
    virtual = VirtualClock()
    async with virtual.running():
        yield virtual


@pytest.mark.parametrize("lasting", [0, 0.01, 0.9])
@pytest.mark.parametrize("count", [1, 2, 7])
async def test_processes_without_redis_are_neither_refused_nor_banned(
    clock: VirtualClock, count: int, lasting: float
) -> None:
    panel, callers = a_panel(budget=Limits()), Callers(clock)
    shares = [FallbackBudgets(clock, processes=count).of(panel) for _ in range(count)]
    await asyncio.gather(*(callers.calls(one, 300 // count, lasting=lasting) for one in shares))
    assert len(callers.starts) == 300 // count * count
    assert judged(callers.starts) == (0, 0)


async def test_processes_that_come_one_after_the_other_keep_the_silences(
    clock: VirtualClock,
) -> None:
    panel, callers = a_panel(budget=Limits()), Callers(clock)
    shares = [FallbackBudgets(clock, processes=3).of(panel) for _ in range(3)]

    async def now_and_then(number: int) -> None:
        for _ in range(100):
            await clock.sleep(0.3 + 0.13 * number)
            await callers.call(shares[number])

    await asyncio.gather(*(now_and_then(number) for number in range(3)))
    assert judged(callers.starts) == (0, 0)


async def test_without_a_flood_guard_there_are_no_windows(clock: VirtualClock) -> None:
    panel, callers = a_paced_panel(calls_per_second=10, burst=1), Callers(clock)
    share = FallbackBudgets(clock, processes=2).of(panel)
    await callers.calls(share, 10)
    assert [round(after - before, 3) for before, after in pairwise(callers.starts)] == [0.2] * 9


async def test_a_share_is_never_less_than_one_call(clock: VirtualClock) -> None:
    guard = FloodGuard(calls=3, gap_seconds=2)
    panel = a_panel(budget=Limits(calls_per_second=5, burst=2, in_flight=2, flood_guard=guard))
    share = FallbackBudgets(clock, processes=10).of(panel)
    assert share.limits == Limits(
        calls_per_second=0.5,
        burst=1,
        in_flight=1,
        flood_guard=FloodGuard(calls=1, gap_seconds=2),
    )


def test_windows_are_the_same_for_everybody_who_has_the_same_clock() -> None:
    windows = Windows.of(Limits())
    assert (windows.open_seconds, windows.silent_seconds) == pytest.approx((6, 4.1))
    assert windows.at(0) == pytest.approx((0, 6, 10.1))
    assert windows.at(5.5) == pytest.approx((0, 0.5, 4.6))
    assert windows.at(8) == pytest.approx((0, 0, 2.1))
    assert windows.at(10.2)[0] == 1


async def test_when_redis_dies_and_comes_back_no_row_grows_too_long(
    clock: VirtualClock, stoppable_redis: RedisServer
) -> None:
    panel, callers = a_panel(budget=Limits()), Callers(clock)
    async with processes(stoppable_redis.url, clock, 2) as both:
        calling = [
            asyncio.ensure_future(callers.calls(one.of(panel), 150, lasting=0.01)) for one in both
        ]
        await clock.sleep(15)
        stoppable_redis.kill()
        await clock.sleep(40)
        alone = len(callers.starts)
        clock.outside += 1  # Starting a server takes real time.
        await asyncio.to_thread(stoppable_redis.start)
        clock.outside -= 1
        await asyncio.gather(*calling)
        assert [one.pace.outages for one in both] == [1, 1]
    assert len(callers.starts) == 300
    assert alone > 80
    assert judged(callers.starts) == (0, 0)


async def test_a_redis_that_hangs_is_left_alone_for_a_while(
    clock: VirtualClock, stoppable_redis: RedisServer
) -> None:
    panel, callers = a_paced_panel(), Callers(clock)
    async with processes(stoppable_redis.url, clock, 1, patience=0.3) as (one,):
        stoppable_redis.pause()
        began = asyncio.get_running_loop().time()
        await callers.calls(one.of(panel), 50)
        assert asyncio.get_running_loop().time() - began < 3
        stoppable_redis.resume()
        await clock.sleep(RETRY_SECONDS)
        for _ in range(20):  # A machine may be slow to wake it.
            await callers.call(one.of(panel))
            await clock.sleep(RETRY_SECONDS)
        assert one.pace.outages >= 1
    assert len(callers.starts) == 70


async def test_a_process_without_redis_from_the_start_calls_alone(clock: VirtualClock) -> None:
    panel, callers = a_panel(budget=Limits()), Callers(clock)
    url = f"redis://127.0.0.1:{free_port()}/0"
    async with processes(url, clock, 2) as both:
        await asyncio.gather(*(callers.calls(one.of(panel), 20) for one in both))
    assert len(callers.starts) == 40
    assert judged(callers.starts) == (0, 0)


async def test_redis_keeps_the_time_for_all(redis_url: str) -> None:
    clock, random = SystemClock(), SystemRandom()
    panel = a_paced_panel(calls_per_second=20, burst=1)
    async with (
        RedisPace.opened(redis_url, clock, random) as one,
        RedisPace.opened(redis_url, clock, random) as other,
    ):
        both = [SharedBudgets(pace, clock, random, processes=2) for pace in (one, other)]
        began = clock.monotonic()
        for _ in range(5):
            for budgets in both:
                async with budgets.of(panel).turn(clock.monotonic() + 10):
                    pass
        assert clock.monotonic() - began > 0.4
        for budgets in both:
            await budgets.close()


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="scheme"):
        _ = new_client("http://127.0.0.1")
