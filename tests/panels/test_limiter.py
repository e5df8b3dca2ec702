"""As many calls at once as a panel can take: fewer when it is late or fails, else more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from gateway.domain.errors import PanelUnavailable
from gateway.domain.panels import Budget
from gateway.panels.dialect import Reason
from gateway.panels.limiter import FORGET_SECONDS, Limiter, Limiters
from tests.panels.makers import TOKEN, VirtualClock, a_create, a_panel, an_info
from tests.panels.stand_in import BUSY, Behaviour, Bench, StandIn, a_bench

INFO = "user.info"


class Ladder:
    """One limiter on a clock that is set by hand."""

    def __init__(self, in_flight: int = 16) -> None:
        self.clock = VirtualClock()
        self.told: list[int] = []
        self.limiters = Limiters(self.clock, report=lambda _panel, limit: self.told.append(limit))
        self.in_flight = in_flight

    @property
    def limiter(self) -> Limiter:
        budget = Budget(calls_per_second=5, burst=5, in_flight=self.in_flight, flood_guard=None)
        return self.limiters.of(a_panel(budget=budget))

    @property
    def limit(self) -> int:
        return self.limiter.calls_at_once

    def answer(self, seconds: float = 0.05, action: str = INFO) -> None:
        began = self.clock.monotonic()
        self.clock.seconds += seconds
        self.limiter.answered(action, began)

    def fail(self, seconds: float = 0.05) -> None:
        began = self.clock.monotonic()
        self.clock.seconds += seconds
        self.limiter.failed(began)


def test_it_begins_with_what_the_budget_allows() -> None:
    ladder = Ladder(4)
    assert ladder.limit == 4
    for _ in range(10):
        ladder.answer()
    assert (ladder.limit, ladder.told) == (4, [4])


def test_each_failure_halves_it_down_to_one() -> None:
    ladder = Ladder(16)
    limits = []
    for _ in range(6):
        ladder.fail()
        limits.append(ladder.limit)
    assert limits == [8, 4, 2, 1, 1, 1]
    assert ladder.told == [16, 8, 4, 2, 1]


def test_calls_that_were_under_way_together_are_one_piece_of_news() -> None:
    ladder = Ladder(16)
    began = ladder.clock.monotonic()
    ladder.clock.seconds += 1
    for _ in range(16):
        ladder.limiter.failed(began)
    assert ladder.limit == 8


def test_it_grows_by_one_a_second_while_answers_are_good() -> None:
    ladder = Ladder(4)
    for _ in range(4):
        ladder.fail()
    limits = []
    for _ in range(16):
        ladder.answer(0.25)
        limits.append(ladder.limit)
    assert limits == [1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4]


def test_silence_alone_does_not_make_it_grow() -> None:
    ladder = Ladder(4)
    ladder.fail()
    ladder.clock.seconds += FORGET_SECONDS / 2
    assert ladder.limit == 2
    ladder.answer()
    assert ladder.limit == 3


@pytest.mark.parametrize(
    ("usual", "seconds", "is_late"),
    [
        (0.05, 0.45, False),  # A panel's ups and downs.
        (0.05, 0.55, True),
        (1.0, 3.9, False),
        (1.0, 4.1, True),
        (9.0, 10.1, True),  # Late by any measure.
    ],
)
def test_what_counts_as_late(usual: float, seconds: float, is_late: bool) -> None:
    ladder = Ladder(16)
    ladder.answer(usual)
    ladder.answer(seconds)
    assert ladder.limit == (8 if is_late else 16)


def test_each_action_has_its_own_measure() -> None:
    ladder = Ladder(16)
    ladder.answer(0.02)
    for _ in range(3):
        ladder.answer(5.0, action="stream.list")
    assert ladder.limit == 16


def test_a_panel_that_has_become_slow_by_itself_gets_its_calls_back() -> None:
    ladder = Ladder(8)
    ladder.answer(0.05)
    limits = []
    for _ in range(60):
        ladder.answer(2.0)
        limits.append(ladder.limit)
    assert limits[:4] == [4, 2, 1, 1]
    assert limits[-1] == 8


def test_what_was_learnt_is_forgotten_after_half_a_minute_without_bad_news() -> None:
    ladder = Ladder(16)
    for _ in range(4):
        ladder.fail()
    ladder.clock.seconds += FORGET_SECONDS - 0.1
    assert ladder.limit == 1
    ladder.clock.seconds += 0.1
    assert ladder.limit == 16


def test_bad_news_at_a_limit_of_one_is_not_forgotten_early() -> None:
    ladder = Ladder(16)
    for _ in range(4):
        ladder.fail()
    for _ in range(10):
        ladder.clock.seconds += FORGET_SECONDS / 2
        ladder.fail()
        assert ladder.limit == 1


def test_it_goes_with_the_budget() -> None:
    ladder = Ladder(4)
    assert ladder.limit == 4
    ladder.in_flight = 8
    assert ladder.limit == 8
    ladder.fail()
    ladder.in_flight = 2
    assert ladder.limit == 2
    ladder.in_flight = 16
    assert ladder.limit == 16


def test_a_reduced_limit_does_not_jump_with_the_budget() -> None:
    ladder = Ladder(4)
    ladder.fail()
    ladder.in_flight = 16
    assert ladder.limit == 2


def test_another_address_begins_anew() -> None:
    ladder = Ladder(4)
    ladder.fail()
    budget = a_panel().budget
    moved = ladder.limiters.of(a_panel(base_url="http://127.0.0.1:2", budget=budget))
    assert moved.calls_at_once == budget.in_flight


# --- through the port -------------------------------------------------------------------------


async def read(bench: Bench, within: float = 60.0) -> None:
    await bench.port.read(bench.panel, an_info(), timeout_seconds=within)


async def test_a_panel_that_takes_two_at_once_is_asked_by_about_two() -> None:
    async with a_bench(in_flight=16) as bench:
        await read(bench)
        bench.stand_in.behaviour = bench.stand_in.crowded(capacity=2, quick=0.05, slow=3.0)
        await asyncio.gather(*(read(bench, 900) for _ in range(16)))
        assert bench.stand_in.most_at_once == 16
        bench.stand_in.most_at_once = 0
        await asyncio.gather(*(read(bench, 900) for _ in range(400)))
        assert bench.stand_in.most_at_once <= 8
        bench.stand_in.sent.clear()
        began = bench.clock.monotonic()
        await asyncio.gather(*(read(bench, 900) for _ in range(200)))
        assert bench.stand_in.most_at_once <= 8
        # Two at once take 5 s; sixteen at once would take 200 / 16 * 3 s = 37 s.
        assert bench.clock.monotonic() - began < 19


@pytest.mark.parametrize(
    "behave",
    [
        lambda it: it.answers(BUSY),
        lambda it: it.fails(Reason.BROKEN_OFF, sent=True),
        lambda it: it.hangs(),
    ],
    ids=["busy", "broken off", "hanging"],
)
async def test_trouble_of_every_sort_leaves_one_call_at_once(
    behave: Callable[[StandIn], Behaviour],
) -> None:
    async with a_bench(in_flight=8) as bench:
        bench.stand_in.behaviour = behave(bench.stand_in)
        for _ in range(4):
            with pytest.raises(PanelUnavailable):
                await read(bench)
        assert bench.limits[-1] == 1


async def test_changes_teach_it_too() -> None:
    async with a_bench(in_flight=8) as bench:
        await bench.port.change(bench.panel, a_create(), TOKEN, timeout_seconds=60)
        bench.stand_in.behaviour = bench.stand_in.answers(after=6.0)
        await bench.port.change(bench.panel, a_create(), TOKEN, timeout_seconds=60)
        assert bench.limits == [8, 4]


async def test_those_who_wait_go_first_by_priority_below_a_reduced_limit() -> None:
    async with a_bench(in_flight=4) as bench:
        bench.stand_in.behaviour = bench.stand_in.answers(BUSY, after=0.1)
        for _ in range(2):
            with pytest.raises(PanelUnavailable):
                await read(bench)
        assert bench.limits[-1] == 1
        order: list[str] = []

        async def ask(name: str, **how: bool) -> None:
            await bench.port.read(bench.panel, an_info(), timeout_seconds=60, **how)
            order.append(name)

        async def change() -> None:
            await bench.port.change(bench.panel, a_create(), TOKEN, timeout_seconds=60)
            order.append("change")

        bench.stand_in.behaviour = bench.stand_in.answers(after=1)
        asking = [asyncio.ensure_future(ask("first"))]
        await asyncio.sleep(0)
        asking += [asyncio.ensure_future(ask("background", is_background=True))]
        asking += [asyncio.ensure_future(ask("read")), asyncio.ensure_future(change())]
        await asyncio.gather(*asking)
        assert order == ["first", "change", "read", "background"]


async def test_a_caller_in_a_hurry_teaches_nothing_but_how_long_it_was() -> None:
    async with a_bench(in_flight=8) as bench:
        await read(bench)
        bench.stand_in.behaviour = bench.stand_in.hangs()
        with pytest.raises(PanelUnavailable):
            await read(bench, within=0.3)
        assert bench.limits == [8]
        with pytest.raises(PanelUnavailable):
            await read(bench, within=2.0)
        assert bench.limits == [8, 4]
