"""Workers: each in its own rhythm, none stops another, all stop together."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator

import pytest
from structlog.testing import capture_logs

from gateway.domain.errors import ServiceUnavailable
from gateway.workers.runner import (
    FAILURE_PAUSE_SECONDS,
    FAILURE_PAUSE_SECONDS_MAX,
    run_workers,
)
from tests.workers.virtual_time import run_virtually


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Pretty tracebacks of bugs on purpose take longer than all else here."""
    with capture_logs():
        yield


DOWN = ServiceUnavailable("The gateway's database is not available.")
BUG = ZeroDivisionError("a bug")
Step = int | Exception


class Scripted:
    """A worker that does as told, tick by tick, and notes when; the last tick sets `stop`."""

    def __init__(
        self, steps: Iterable[Step], stop: asyncio.Event, *, name: str = "scripted"
    ) -> None:
        self.name = name
        self.every_seconds = 5.0
        self.batch = 10
        self.steps = list(steps)
        self.stop = stop
        self.ticks: list[float] = []

    async def tick(self) -> int:
        self.ticks.append(asyncio.get_running_loop().time())
        step = self.steps.pop(0)
        if not self.steps:
            self.stop.set()
        if isinstance(step, Exception):
            raise step
        return step


def moments_of(*steps: Step) -> list[float]:
    """Return when each tick began."""

    async def run() -> list[float]:
        stop = asyncio.Event()
        worker = Scripted(steps, stop)
        await run_workers([worker], stop)
        return worker.ticks

    return run_virtually(run())


@pytest.mark.parametrize(
    ("steps", "moments"),
    [
        ((0, 0, 0), [0, 5, 10]),
        ((9, 1, 0), [0, 5, 10]),
        ((10, 10, 3, 0), [0, 0, 0, 5]),
        ((11, 0, 0), [0, 0, 5]),
        ((BUG, 0, 0), [0, 10, 15]),
        ((DOWN, DOWN, DOWN, 0, 0), [0, 10, 25, 45, 50]),
        ((10, BUG, 10, 0), [0, 0, 10, 10]),
    ],
)
def test_a_worker_comes_again_after_its_pause_and_at_once_after_a_full_batch(
    steps: tuple[Step, ...], moments: list[float]
) -> None:
    assert moments_of(*steps) == pytest.approx(moments)


def test_the_pause_of_a_failing_worker_grows_to_its_greatest() -> None:
    moments = moments_of(*[BUG] * 20, 0)
    pauses = [round(after - before, 6) for before, after in itertools.pairwise(moments)]
    assert pauses == [
        5.0 + min(FAILURE_PAUSE_SECONDS * failures, FAILURE_PAUSE_SECONDS_MAX)
        for failures in range(1, 21)
    ]


def in_company(make: Callable[[asyncio.Event], list[Scripted]]) -> list[Scripted]:
    async def run() -> list[Scripted]:
        stop = asyncio.Event()
        workers = make(stop)
        await run_workers(workers, stop)
        return workers

    return run_virtually(run())


def test_a_worker_that_always_breaks_stops_no_other() -> None:
    broken, well = in_company(
        lambda stop: [
            Scripted([BUG] * 100, stop, name="broken"),
            Scripted([0] * 30, stop, name="well"),
        ]
    )
    assert len(well.ticks) == 30
    assert 1 < len(broken.ticks) < 30


def test_a_stop_ends_a_long_pause_at_once() -> None:
    async def run() -> tuple[list[float], float]:
        stop = asyncio.Event()
        worker = Scripted([0, 0], stop)
        worker.every_seconds = 3600.0
        loop = asyncio.get_running_loop()
        loop.call_later(7.0, stop.set)
        await run_workers([worker], stop)
        return worker.ticks, loop.time()

    ticks, ended = run_virtually(run())
    assert ticks == [0.0]
    assert ended == pytest.approx(7.0)


def test_a_tick_under_way_is_finished_when_all_stop() -> None:
    class Slow:
        name, every_seconds, batch = "slow", 5.0, 10
        finished = False

        async def tick(self) -> int:
            await asyncio.sleep(30)
            self.finished = True
            return 10

    async def run() -> tuple[Slow, float]:
        stop, slow = asyncio.Event(), Slow()
        loop = asyncio.get_running_loop()
        loop.call_later(1.0, stop.set)
        await run_workers([slow], stop)
        return slow, loop.time()

    slow, ended = run_virtually(run())
    assert slow.finished
    assert ended == pytest.approx(30.0)


def test_after_a_stop_nothing_is_begun() -> None:
    async def run() -> list[float]:
        stop = asyncio.Event()
        stop.set()
        worker = Scripted([0], stop)
        await run_workers([worker], stop)
        return worker.ticks

    assert run_virtually(run()) == []


def test_the_log_tells_a_known_failure_from_a_bug_and_work_from_idling() -> None:
    with capture_logs() as logs:
        moments_of(DOWN, BUG, 3, 0, 0)
    told = [(entry["event"], entry["log_level"]) for entry in logs]
    assert told == [
        ("worker.failed", "warning"),
        ("worker.broke", "error"),
        ("worker.done", "info"),
    ]
    assert logs[0]["code"] == "service_unavailable"
    assert logs[1]["exc_info"]
    assert (logs[2]["worker"], logs[2]["done"]) == ("scripted", 3)


class Long:
    """A worker whose tick takes so long."""

    name, every_seconds, batch = "long", 5.0, 10

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ticks = 0
        self.ended: list[str] = []

    async def tick(self) -> int:
        self.ticks += 1
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        self.ended.append("finished")
        return self.batch  # There is more to do at once.


@pytest.mark.parametrize(
    ("seconds", "ended", "at"), [(8.0, "finished", 8.0), (80.0, "cancelled", 15.0)]
)
def test_a_stopped_worker_finishes_its_tick_within_a_time_and_takes_no_other(
    seconds: float, ended: str, at: float
) -> None:
    worker = Long(seconds)

    async def run() -> float:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(5.0, stop.set)
        await run_workers([worker], stop, patience_seconds=10.0)
        return asyncio.get_running_loop().time()

    assert run_virtually(run()) == pytest.approx(at)
    assert (worker.ticks, worker.ended) == (1, [ended])


def test_no_workers_are_no_work() -> None:
    async def run() -> None:
        await run_workers([], asyncio.Event())

    asyncio.run(run())
