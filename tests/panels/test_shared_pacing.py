"""All processes together never ask a panel more than its budget."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
import redis

from gateway.domain.panels import Budget as Limits
from gateway.domain.panels import FloodGuard
from gateway.panels.queueing import QUEUE_MAX, Priority
from gateway.panels.shared_pacing import LEASE_MARGIN_SECONDS, SharedBudgets
from tests.panels.makers import VirtualClock, a_panel
from tests.panels.pacing import Callers, a_paced_panel, judged, processes


@pytest.fixture
async def clock() -> AsyncIterator[VirtualClock]:
    virtual = VirtualClock()
    async with virtual.running():
        yield virtual


@pytest.fixture
async def both(redis_url: str, clock: VirtualClock) -> AsyncIterator[list[SharedBudgets]]:
    async with processes(redis_url, clock, 2) as found:
        yield found


@pytest.mark.parametrize("lasting", [0.01, 1.7])
async def test_five_hundred_calls_of_two_processes_are_neither_refused_nor_banned(
    both: list[SharedBudgets], clock: VirtualClock, lasting: float
) -> None:
    panel, callers = a_panel(budget=Limits()), Callers(clock)
    await asyncio.gather(*(callers.calls(one.of(panel), 250, lasting=lasting) for one in both))
    assert len(callers.starts) == 500
    assert judged(callers.starts) == (0, 0)
    assert callers.most_at_once <= panel.budget.in_flight
    assert max(callers.starts) - min(callers.starts) < (200 if lasting < 1 else 350)


async def test_what_does_not_fit_is_refused_with_a_time_to_come_back(
    both: list[SharedBudgets], clock: VirtualClock
) -> None:
    panel, callers = a_panel(budget=Limits()), Callers(clock)
    await asyncio.gather(
        *(callers.calls(one.of(panel), 250, lasting=0.01, within=20) for one in both)
    )
    assert len(callers.starts) + len(callers.refused) == 500
    assert 50 <= len(callers.starts) <= 90
    assert max(callers.starts) - 1000 < 20
    assert all(error.retry_after_seconds for error in callers.refused)
    assert judged(callers.starts) == (0, 0)


async def test_the_rate_holds_for_all_together(
    both: list[SharedBudgets], clock: VirtualClock
) -> None:
    panel, callers = a_paced_panel(calls_per_second=5, burst=2), Callers(clock)
    await asyncio.gather(*(callers.calls(one.of(panel), 4) for one in both))
    gaps = [after - before for before, after in pairwise(callers.starts)]
    assert gaps == [pytest.approx(0.2, abs=0.002)] * 7


async def test_the_bucket_fills_up_to_the_burst(
    both: list[SharedBudgets], clock: VirtualClock
) -> None:
    panel, callers = a_paced_panel(calls_per_second=5, burst=3), Callers(clock)
    await callers.call(both[0].of(panel))
    await clock.sleep(60)
    began = clock.monotonic()
    await asyncio.gather(*(callers.calls(one.of(panel), 2) for one in both))
    waited = [round(start - began, 1) for start in callers.starts[1:]]
    assert waited == [0, 0, 0, 0.2]


async def test_no_more_calls_are_in_flight_than_allowed(
    both: list[SharedBudgets], clock: VirtualClock
) -> None:
    panel, callers = a_paced_panel(in_flight=3), Callers(clock)
    await asyncio.gather(*(callers.calls(one.of(panel), 8, lasting=1) for one in both))
    assert callers.most_at_once == 3
    # One after the other they would take 16 s; how well they overlap depends on the machine.
    assert max(callers.starts) - min(callers.starts) < 14


async def test_a_row_counts_the_calls_of_all(
    both: list[SharedBudgets], clock: VirtualClock
) -> None:
    panel, callers = a_paced_panel(flood_guard=FloodGuard(calls=6, gap_seconds=2)), Callers(clock)
    await callers.call(both[0].of(panel))
    await clock.sleep(4)
    await asyncio.gather(*(callers.calls(one.of(panel), 6) for one in both))
    assert [round(start - callers.starts[1], 1) for start in callers.starts[1:]] == (
        [0] * 6 + [3.1] * 6
    )


async def test_a_lost_state_counts_as_a_row_almost_full(
    both: list[SharedBudgets], clock: VirtualClock, redis_url: str
) -> None:
    guard = FloodGuard(calls=30, gap_seconds=2)
    panel, callers = a_paced_panel(calls_per_second=15, burst=5, flood_guard=guard), Callers(clock)
    await callers.call(both[0].of(panel))
    await clock.sleep(4)
    await callers.calls(both[0].of(panel), 30)
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    await callers.calls(both[1].of(panel), 30)
    starts = callers.starts[1:]
    assert judged(starts) == (0, 0)
    assert sum(start - starts[0] < 3.1 for start in starts) == 35


async def test_a_state_of_another_server_is_a_lost_one(
    both: list[SharedBudgets], clock: VirtualClock, redis_url: str
) -> None:
    panel, callers = a_paced_panel(flood_guard=FloodGuard(calls=6, gap_seconds=2)), Callers(clock)
    await callers.call(both[0].of(panel))
    with redis.Redis.from_url(redis_url) as client:
        client.hset(f"xgw:pace:1:state:{{{panel.id}}}", "run", "0" * 40)
    await clock.sleep(60)
    began = clock.monotonic()
    await callers.calls(both[1].of(panel), 2)
    assert [round(start - began, 1) for start in callers.starts[1:]] == [0, 3.1]


async def test_a_clock_set_back_stops_nobody_for_long(
    both: list[SharedBudgets], clock: VirtualClock
) -> None:
    panel, callers = a_paced_panel(calls_per_second=5, burst=1, in_flight=1), Callers(clock)
    await callers.calls(both[0].of(panel), 2, lasting=0.1)
    clock.seconds -= 500
    began = clock.monotonic()
    await callers.call(both[1].of(panel))
    assert callers.starts[-1] - began < 1


async def test_the_turn_of_a_process_that_died_ends_by_itself(
    both: list[SharedBudgets], clock: VirtualClock, redis_url: str
) -> None:
    panel, callers = a_paced_panel(in_flight=1), Callers(clock)
    async with processes(redis_url, clock, 1) as (dying,):
        turn = dying.of(panel).turn(clock.monotonic() + 10)
        await turn.__aenter__()
        began = clock.monotonic()
        await callers.call(both[0].of(panel))
        waited = callers.starts[0] - began
        assert waited == pytest.approx(10 + LEASE_MARGIN_SECONDS, abs=0.1)
        await turn.__aexit__(None, None, None)


async def test_changes_go_before_reads_and_reads_before_background_work_in_all_processes(
    both: list[SharedBudgets], clock: VirtualClock
) -> None:
    panel, callers = a_paced_panel(calls_per_second=1, burst=1), Callers(clock)
    one, other = (each.of(panel) for each in both)
    await callers.call(one)
    await asyncio.gather(
        callers.calls(one, 2, name="background", priority=Priority.BACKGROUND),
        callers.calls(one, 2, name="read"),
        callers.calls(other, 2, name="read"),
        callers.calls(other, 2, name="change", priority=Priority.CHANGE),
        callers.calls(other, 1, name="background", priority=Priority.BACKGROUND),
    )
    names = callers.order[1:]
    assert names == ["change"] * 2 + ["read"] * 4 + ["background"] * 3


async def test_a_turn_that_cannot_come_in_time_is_refused_at_once(
    both: list[SharedBudgets], clock: VirtualClock
) -> None:
    panel, callers = a_paced_panel(flood_guard=FloodGuard(calls=1, gap_seconds=20)), Callers(clock)
    await callers.call(both[0].of(panel))
    began = clock.monotonic()
    await callers.call(both[1].of(panel), within=10)
    assert clock.monotonic() == began
    assert [error.retry_after_seconds for error in callers.refused] == [22]


async def test_nobody_waits_past_the_deadline_for_another_process(
    both: list[SharedBudgets], clock: VirtualClock
) -> None:
    panel, callers = a_paced_panel(in_flight=1), Callers(clock)
    async with both[0].of(panel).turn(clock.monotonic() + 60):
        began = clock.monotonic()
        await callers.call(both[1].of(panel), within=2)
        assert clock.monotonic() - began == pytest.approx(2, abs=0.1)
    await callers.call(both[1].of(panel), within=2)
    assert (len(callers.refused), len(callers.starts)) == (1, 1)


async def test_a_queue_is_never_longer_than_its_bound(
    both: list[SharedBudgets], clock: VirtualClock
) -> None:
    panel, callers = a_paced_panel(in_flight=1), Callers(clock)
    budget = both[0].of(panel)
    async with budget.turn(clock.monotonic() + 60):
        await callers.calls(budget, QUEUE_MAX + 7, within=1)
        assert len(callers.refused) == QUEUE_MAX + 7
        assert clock.monotonic() - 1000 == pytest.approx(1, abs=0.1)


async def test_one_that_gives_up_leaves_its_place_to_the_next(
    both: list[SharedBudgets], clock: VirtualClock
) -> None:
    panel, callers = a_paced_panel(in_flight=1), Callers(clock)
    async with both[0].of(panel).turn(clock.monotonic() + 60):
        first = asyncio.ensure_future(callers.call(both[1].of(panel)))
        second = asyncio.ensure_future(callers.call(both[1].of(panel)))
        await clock.sleep(0.2)
        first.cancel()
    await second
    assert first.cancelled()
    assert len(callers.starts) == 1


async def test_one_that_is_cancelled_while_it_asks_leaves_no_turn_behind(
    both: list[SharedBudgets], clock: VirtualClock
) -> None:
    panel, callers = a_paced_panel(in_flight=1), Callers(clock)
    for turns in range(12):
        gone = asyncio.ensure_future(callers.call(both[0].of(panel), lasting=5))
        for _ in range(turns):
            await asyncio.sleep(0.0003)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
    await both[0].close()
    began = clock.monotonic()
    await callers.call(both[1].of(panel))
    assert callers.starts[-1] - began < 1


async def test_each_panel_has_a_budget_of_its_own_with_its_present_limits(
    both: list[SharedBudgets], clock: VirtualClock
) -> None:
    slow, quick = Limits(calls_per_second=1, burst=1), a_paced_panel()
    budget = both[0].of(quick)
    assert both[0].of(a_panel(budget=slow)) is budget
    assert budget.panel.budget == slow
    assert both[0].of(a_panel(id="pnl_2")) is not budget
