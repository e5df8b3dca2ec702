"""Overload is answered at once: nothing is sent, nobody sleeps, and the least urgent goes first."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from gateway.domain.errors import PanelUnavailable
from gateway.panels.queueing import QUEUE_MAX
from tests.panels.makers import TOKEN, VirtualClock, a_create, an_info
from tests.panels.stand_in import Bench, a_bench


class Sleeps:
    """Counts who sleeps on a clock."""

    def __init__(self, clock: VirtualClock) -> None:
        self.count = 0
        self._sleep = clock.sleep
        clock.sleep = self.sleep  # type: ignore[method-assign]

    async def sleep(self, seconds: float) -> None:
        self.count += 1
        await self._sleep(seconds)


async def ask(bench: Bench, priority: str, within: float = 900) -> object:
    if priority == "change":
        return await bench.port.change(bench.panel, a_create(), TOKEN, timeout_seconds=within)
    return await bench.port.read(
        bench.panel,
        an_info(),
        timeout_seconds=within,
        is_background=priority == "background",
    )


async def fill(bench: Bench, priority: str, count: int = QUEUE_MAX) -> list[asyncio.Task[object]]:
    """Let so many wait; one holds the only turn of a panel that hangs."""
    waiting = [asyncio.ensure_future(ask(bench, priority)) for _ in range(count)]
    for _ in range(5):  # Until everybody has done all that can be done without waiting.
        await asyncio.sleep(0)
    return waiting


async def refusal(bench: Bench, priority: str) -> PanelUnavailable | None:
    """Return how one more is refused: without a sleep, a call, or a turn of the loop."""
    sleeps, sent = Sleeps(bench.clock), len(bench.stand_in.sent)
    began = bench.clock.monotonic()
    asking = asyncio.ensure_future(ask(bench, priority))
    await asyncio.sleep(0)
    if not asking.done():
        asking.cancel()
        return None
    error = asking.exception()
    assert isinstance(error, PanelUnavailable)
    assert error.retry_after_seconds is not None
    assert error.retry_after_seconds >= 1
    assert (sleeps.count, len(bench.stand_in.sent)) == (0, sent)
    assert bench.clock.monotonic() == began
    return error


@pytest.mark.parametrize(
    ("waiting", "shed"),
    [
        ("background", {"background"}),
        ("read", {"background", "read"}),
        ("change", {"background", "read", "change"}),
    ],
)
async def test_background_is_shed_first_then_reads_then_changes(
    waiting: str, shed: set[str]
) -> None:
    async with a_bench(in_flight=1) as bench:
        bench.stand_in.behaviour = bench.stand_in.hangs()
        filled = await fill(bench, waiting, QUEUE_MAX + 1)
        assert len(bench.stand_in.sent) == 1
        refused = {
            priority
            for priority in ("background", "read", "change")
            if await refusal(bench, priority) is not None
        }
        assert refused == shed
        assert Counter(bench.shed) == Counter(shed)
        for one in filled:
            one.cancel()


async def test_an_empty_queue_sheds_nobody() -> None:
    async with a_bench(in_flight=1) as bench:
        bench.stand_in.behaviour = bench.stand_in.hangs()
        filled = await fill(bench, "read", QUEUE_MAX // 2)
        for priority in ("background", "read", "change"):
            assert await refusal(bench, priority) is None
        for one in filled:
            one.cancel()


async def test_who_could_not_have_a_turn_in_time_is_told_at_once() -> None:
    """The panel takes a second for each call, one at a time: of 30 readers 15 can be served."""
    async with a_bench(in_flight=1) as bench:
        bench.stand_in.behaviour = bench.stand_in.answers(after=1.0)
        for _ in range(20):
            await ask(bench, "read")
        bench.stand_in.sent.clear()
        began = bench.clock.monotonic()
        told: list[float] = []

        async def reader() -> None:
            try:
                await ask(bench, "read", 15.0)
            except PanelUnavailable:
                told.append(bench.clock.monotonic() - began)

        await asyncio.gather(*(reader() for _ in range(30)))
        assert 14 <= len(bench.stand_in.sent) <= 16
        assert len(told) == 30 - len(bench.stand_in.sent)
        assert sum(moment == 0 for moment in told) >= 12


async def test_after_a_slow_time_a_quick_panel_is_asked_again() -> None:
    async with a_bench(in_flight=1) as bench:
        bench.stand_in.behaviour = bench.stand_in.answers(after=9.0)
        for _ in range(10):
            await ask(bench, "read")
        bench.stand_in.behaviour = bench.stand_in.answers(after=0.02)
        done = await asyncio.gather(
            *(ask(bench, "read", 15.0) for _ in range(10)), return_exceptions=True
        )
        served = [one for one in done if not isinstance(one, PanelUnavailable)]
        assert len(served) >= 2
        for _ in range(20):
            await ask(bench, "read", 15.0)
        await asyncio.gather(*(ask(bench, "read", 15.0) for _ in range(100)))
