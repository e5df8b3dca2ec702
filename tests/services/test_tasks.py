"""Work that outlives its request, and askers who share one answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.services.tasks import SingleFlight, TaskKeeper
from tests.workers.virtual_time import run_virtually


@pytest.fixture
async def keeper() -> AsyncIterator[TaskKeeper]:
    made = TaskKeeper()
    yield made
    await made.drain(0)


async def test_work_goes_on_when_who_asked_for_it_is_gone(keeper: TaskKeeper) -> None:
    gate, done = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        await gate.wait()
        done.set()
        return "done"

    async def request() -> None:
        await asyncio.wait({keeper.spawn(work(), "work")})

    asking = asyncio.create_task(request())
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    gate.set()
    assert await keeper.drain(5) == 0
    assert done.is_set()


async def test_a_failure_of_nobodys_work_is_in_the_log(keeper: TaskKeeper) -> None:
    async def work() -> None:
        raise ZeroDivisionError("a bug")

    with capture_logs() as logs:
        failing = keeper.spawn(work(), "operation:op_1")
        await keeper.drain(5)
        await asyncio.sleep(0)
    assert failing.done()
    assert [(entry["event"], entry["task"]) for entry in logs] == [
        ("task.failed", "operation:op_1")
    ]


def test_draining_waits_as_long_as_it_may_and_cancels_the_rest() -> None:
    ended: list[str] = []

    async def work(name: str, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
            ended.append(f"{name} done")
        except asyncio.CancelledError:
            ended.append(f"{name} cancelled")
            raise

    async def run() -> tuple[int, float]:
        keeper = TaskKeeper()
        tasks = [
            keeper.spawn(work("short", 3), "short"),
            keeper.spawn(work("long", 60), "long"),
        ]
        left = await keeper.drain(10)
        assert all(task.done() for task in tasks)
        return left, asyncio.get_running_loop().time()

    left, seconds = run_virtually(run())
    assert left == 1
    assert seconds == pytest.approx(10.0)
    assert ended == ["short done", "long cancelled"]


async def test_draining_nothing_is_nothing(keeper: TaskKeeper) -> None:
    assert await keeper.drain(1_000) == 0


class Counted:
    """Work that counts how often it is done, and can be held."""

    def __init__(self, *, error: Exception | None = None) -> None:
        self.calls = 0
        self.error = error
        self.gate = asyncio.Event()

    async def __call__(self) -> int:
        self.calls += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return self.calls


async def after(held: Counted, asked: list[Coroutine[Any, Any, int]]) -> list[Any]:
    tasks = [asyncio.create_task(each) for each in asked]
    await asyncio.sleep(0)
    held.gate.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_all_askers_of_one_thing_share_one_answer(keeper: TaskKeeper) -> None:
    flights, work = SingleFlight(keeper), Counted()
    assert await after(work, [flights.do("key", work) for _ in range(20)]) == [1] * 20
    assert work.calls == 1


async def test_other_things_are_asked_for_on_their_own(keeper: TaskKeeper) -> None:
    flights, work = SingleFlight(keeper), Counted()
    found = await after(work, [flights.do(("key", number), work) for number in range(3)])
    assert work.calls == 3
    assert len(found) == 3


async def test_all_askers_share_an_error_and_the_next_asks_again(keeper: TaskKeeper) -> None:
    flights, work = SingleFlight(keeper), Counted(error=ValueError("no"))
    with capture_logs() as logs:
        found = await after(work, [flights.do("key", work, linger_seconds=60) for _ in range(3)])
    assert [type(each) for each in found] == [ValueError] * 3
    assert not logs
    work.error = None
    assert await flights.do("key", work) == 2


async def test_an_asker_that_goes_away_stops_nobody(keeper: TaskKeeper) -> None:
    flights, work = SingleFlight(keeper), Counted()
    first, second = (asyncio.create_task(flights.do("key", work)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    work.gate.set()
    assert await second == 1
    assert first.cancelled()


def lingering(steps: Callable[[SingleFlight, Counted], Coroutine[Any, Any, None]]) -> Counted:
    async def run() -> Counted:
        keeper = TaskKeeper()
        work = Counted()
        work.gate.set()
        await steps(SingleFlight(keeper), work)
        return work

    return run_virtually(run())


def test_a_result_is_shared_a_little_longer_and_then_asked_for_again() -> None:
    async def steps(flights: SingleFlight, work: Counted) -> None:
        for pause in (0, 0.9, 0.2):
            await asyncio.sleep(pause)
            await flights.do("key", work, linger_seconds=1.0)

    assert lingering(steps).calls == 2


def test_without_lingering_every_later_asker_asks_again() -> None:
    async def steps(flights: SingleFlight, work: Counted) -> None:
        for _ in range(3):
            await flights.do("key", work)
            await asyncio.sleep(0)

    assert lingering(steps).calls == 3
