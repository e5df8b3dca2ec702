"""A panel is never asked more than its budget, and nobody waits past the deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from gateway.domain.errors import PanelUnavailable
from gateway.domain.panels import Budget, FloodGuard
from gateway.panels.pacing import LocalBudget, LocalBudgets
from tests.panels.makers import VirtualClock, a_panel

PLENTY = Budget(calls_per_second=1000, burst=1000, in_flight=1000, flood_guard=None)


@pytest.fixture
async def clock() -> AsyncIterator[VirtualClock]:
    virtual = VirtualClock()
    async with virtual.running():
        yield virtual


async def calls(
    budget: LocalBudget, clock: VirtualClock, count: int, *, lasting: float = 0, within: float = 900
) -> list[float]:
    """Make *count* calls at once; return when each one started, in seconds from now."""
    began = clock.monotonic()
    starts: list[float] = []

    async def call() -> None:
        async with budget.turn(began + within):
            starts.append(round(clock.monotonic() - began, 3))
            if lasting:
                await clock.sleep(lasting)

    await asyncio.gather(*(call() for _ in range(count)))
    return starts


def with_limits(clock: VirtualClock, **limits: object) -> LocalBudget:
    plenty = {"calls_per_second": 1000, "burst": 1000, "in_flight": 1000, "flood_guard": None}
    return LocalBudget(Budget(**{**plenty, **limits}), clock)  # type: ignore[arg-type]


async def test_a_burst_goes_at_once_and_the_rest_at_the_rate(clock: VirtualClock) -> None:
    budget = with_limits(clock, calls_per_second=5, burst=2)
    assert await calls(budget, clock, 5) == [0, 0, 0.2, 0.4, 0.6]


async def test_the_bucket_holds_no_more_than_the_burst(clock: VirtualClock) -> None:
    budget = with_limits(clock, calls_per_second=5, burst=2)
    await calls(budget, clock, 2)
    await clock.sleep(60)
    assert await calls(budget, clock, 3) == [0, 0, 0.2]


async def test_no_more_calls_are_in_flight_than_allowed(clock: VirtualClock) -> None:
    budget = with_limits(clock, in_flight=2)
    assert await calls(budget, clock, 5, lasting=3) == [0, 0, 3, 3, 6]


async def test_turns_come_in_the_order_of_asking(clock: VirtualClock) -> None:
    budget = with_limits(clock, calls_per_second=1, burst=1)
    order: list[int] = []

    async def call(number: int) -> None:
        async with budget.turn(clock.monotonic() + 60):
            order.append(number)

    await asyncio.gather(*(call(number) for number in range(6)))
    assert order == list(range(6))


async def test_after_a_row_of_calls_comes_a_pause(clock: VirtualClock) -> None:
    guard = FloodGuard(calls=3, gap_seconds=2)
    budget = with_limits(clock, flood_guard=guard)
    assert await calls(budget, clock, 7) == [0, 0, 0, 3.1, 3.1, 3.1, 6.2]


async def test_the_pause_counts_from_the_end_of_the_last_call(clock: VirtualClock) -> None:
    guard = FloodGuard(calls=2, gap_seconds=2)
    budget = with_limits(clock, flood_guard=guard)
    assert await calls(budget, clock, 3, lasting=4) == [0, 0, 7.1]


async def test_a_long_gap_starts_a_new_row(clock: VirtualClock) -> None:
    budget = with_limits(clock, flood_guard=FloodGuard(calls=2, gap_seconds=2))
    for _ in range(5):
        assert await calls(budget, clock, 1) == [0]
        await clock.sleep(3.2)


async def test_calls_a_little_apart_still_make_a_row(clock: VirtualClock) -> None:
    budget = with_limits(clock, flood_guard=FloodGuard(calls=2, gap_seconds=2))
    waits = []
    for _ in range(3):
        waits += await calls(budget, clock, 1)
        await clock.sleep(2.9)
    assert waits == pytest.approx([0, 0, 0.2])


@pytest.mark.parametrize("lasting", [0, 0.01, 1.7])
async def test_the_shipped_limits_of_a_panel_are_never_reached(
    clock: VirtualClock, lasting: float
) -> None:
    """20 a second with a burst of 8; banned by the 41st call with gaps of 2 whole seconds."""
    starts = sorted(await calls(LocalBudget(Budget(), clock), clock, 500, lasting=lasting))
    for first, ninth in zip(starts, starts[8:], strict=False):
        assert ninth - first > 8 / 20
    row = 1
    for before, after in pairwise(starts):
        row = row + 1 if int(after) - int(before) <= 2 else 1
        assert row <= 40


async def test_a_turn_that_cannot_come_in_time_is_refused_at_once(clock: VirtualClock) -> None:
    budget = with_limits(clock, calls_per_second=1, burst=1)
    await calls(budget, clock, 1)
    began = clock.monotonic()
    with pytest.raises(PanelUnavailable) as caught:
        await calls(budget, clock, 1, within=0.5)
    assert caught.value.retry_after_seconds == 1
    assert clock.monotonic() == began


async def test_those_already_waiting_count_for_a_newcomer(clock: VirtualClock) -> None:
    budget = with_limits(clock, calls_per_second=1, burst=1)
    waiting = asyncio.ensure_future(calls(budget, clock, 10))
    await asyncio.sleep(0)
    with pytest.raises(PanelUnavailable) as caught:
        await calls(budget, clock, 1, within=5)
    assert caught.value.retry_after_seconds == 10
    assert await waiting == list(range(10))


async def test_nobody_waits_past_the_deadline_for_a_slot(clock: VirtualClock) -> None:
    budget = with_limits(clock, in_flight=1)
    async with budget.turn(clock.monotonic() + 1):
        began = clock.monotonic()
        with pytest.raises(PanelUnavailable):
            await calls(budget, clock, 1, within=2)
        assert clock.monotonic() - began == pytest.approx(2)
    assert await calls(budget, clock, 1) == [0]


async def test_a_pause_that_is_too_long_is_refused(clock: VirtualClock) -> None:
    budget = with_limits(clock, flood_guard=FloodGuard(calls=1, gap_seconds=2))
    await calls(budget, clock, 1)
    with pytest.raises(PanelUnavailable) as caught:
        await calls(budget, clock, 1, within=2)
    assert caught.value.retry_after_seconds == 4


async def test_one_that_gives_up_leaves_its_place_to_the_next(clock: VirtualClock) -> None:
    budget = with_limits(clock, in_flight=1)
    async with budget.turn(clock.monotonic() + 1):
        first = asyncio.ensure_future(calls(budget, clock, 1))
        second = asyncio.ensure_future(calls(budget, clock, 1))
        await asyncio.sleep(0)
        first.cancel()
    assert await second == [0]
    assert first.cancelled()


async def test_a_call_that_fails_gives_its_turn_back(clock: VirtualClock) -> None:
    budget = with_limits(clock, in_flight=1)
    with pytest.raises(ValueError, match="of the call"):
        async with budget.turn(clock.monotonic() + 1):
            raise ValueError("of the call")
    assert await calls(budget, clock, 1) == [0]


async def test_each_panel_has_one_budget_with_its_present_limits(clock: VirtualClock) -> None:
    budgets = LocalBudgets(clock)
    one = budgets.of(a_panel(budget=PLENTY))
    slow = Budget(calls_per_second=1, burst=1, in_flight=1, flood_guard=None)
    assert budgets.of(a_panel(budget=slow)) is one
    assert one.limits == slow
    assert budgets.of(a_panel(id="pnl_2")) is not one
