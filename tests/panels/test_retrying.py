"""Repeats of reads are earned: with a panel in trouble, calls stay near what was asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.domain.calls import NotOnPanel
from gateway.domain.errors import PanelUnavailable
from gateway.panels.dialect import Answer, Reason, Request
from gateway.panels.retrying import RetryBudget, RetryBudgets
from tests.panels.makers import TOKEN, VirtualClock, a_create, a_panel, an_info
from tests.panels.stand_in import BUSY, Bench, a_bench


def a_budget(clock: VirtualClock, calls_per_second: float = 1000) -> RetryBudget:
    panel = a_panel()
    limits = replace(panel.budget, calls_per_second=calls_per_second)
    return RetryBudgets(clock).of(a_panel(budget=limits))


def granted(budget: RetryBudget, asked: int = 1000) -> int:
    return sum(budget.take() for _ in range(asked))


def test_a_panel_that_is_seldom_asked_has_its_reads_repeated() -> None:
    assert granted(a_budget(VirtualClock())) == 9
    assert granted(a_budget(VirtualClock(), calls_per_second=5)) == 2


@pytest.mark.parametrize(("calls_per_second", "a_minute"), [(1000, 540), (40, 480), (5, 60)])
def test_time_earns_repeats(calls_per_second: float, a_minute: int) -> None:
    clock = VirtualClock()
    budget = a_budget(clock, calls_per_second)
    granted(budget)
    total = 0
    for _ in range(240):
        clock.seconds += 0.25
        total += granted(budget)
    assert total in {a_minute - 1, a_minute}


def test_ten_reads_earn_one() -> None:
    budget = a_budget(VirtualClock())
    granted(budget)
    earned = []
    for _ in range(30):
        budget.read()
        earned.append(granted(budget))
    assert sum(earned) == 3
    assert [number for number, got in enumerate(earned, start=1) if got] == [10, 20, 30]


def test_no_more_is_saved_than_a_second_is_worth() -> None:
    clock = VirtualClock()
    budget = a_budget(clock)
    for _ in range(10_000):
        budget.read()
    clock.seconds += 3_600
    assert granted(budget) == 9


async def reads(bench: Bench, a_second: int, seconds: int) -> int:
    """Read steadily; return how many got an answer."""

    async def read() -> bool:
        try:
            found = await bench.port.read(bench.panel, an_info(), timeout_seconds=15)
        except PanelUnavailable:
            return False
        return found == NotOnPanel()

    asking = []
    for _ in range(a_second * seconds):
        asking.append(asyncio.ensure_future(read()))
        await bench.clock.sleep(1 / a_second)
    return sum(await asyncio.gather(*asking))


@pytest.mark.parametrize("a_second", [1, 20, 200])
@pytest.mark.timeout(600)  # Many calls, on a machine that may be busy.
async def test_calls_to_a_panel_that_only_fails_stay_near_what_was_asked(a_second: int) -> None:
    """These faults never open the circuit, so that nothing but the retry budget holds them back."""
    seconds = 60 if a_second < 100 else 12
    for trouble in ("busy", "broken off"):
        async with a_bench(in_flight=64) as bench:
            stand_in = bench.stand_in
            stand_in.behaviour = (
                stand_in.answers(BUSY)
                if trouble == "busy"
                else stand_in.fails(Reason.BROKEN_OFF, sent=True)
            )
            began = bench.clock.monotonic()
            assert await reads(bench, a_second, seconds) == 0
            lasted = bench.clock.monotonic() - began  # With those who waited until the end.
            asked = a_second * seconds - len(bench.shed)
            repeats = bench.retries.count(True)
            assert len(stand_in.sent) <= asked + repeats
            assert repeats <= 0.1 * asked + 10 * lasted
            assert len(stand_in.sent) <= 1.1 * asked + 10 * lasted
            assert (bench.retries.count(False) > 0) is (a_second > 10)


async def test_a_moments_trouble_is_still_overcome() -> None:
    async with a_bench() as bench:
        well, calls = bench.stand_in.answers(), iter(range(1_000))

        async def one_in_ten_fails(request: Request) -> Answer:
            failing = next(calls) % 10 == 0
            return await (bench.stand_in.answers(BUSY) if failing else well)(request)

        bench.stand_in.behaviour = one_in_ten_fails
        assert await reads(bench, 20, 30) == 600


async def test_a_change_earns_and_costs_nothing() -> None:
    async with a_bench() as bench:
        bench.stand_in.behaviour = bench.stand_in.fails(Reason.UNREACHABLE)
        with pytest.raises(PanelUnavailable):
            await bench.port.change(bench.panel, a_create(), TOKEN, timeout_seconds=5)
        assert (len(bench.stand_in.sent), bench.retries) == (1, [])
