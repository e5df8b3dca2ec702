"""Work that outlives the request which asked for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from typing import Any, TypeVar

import structlog

T = TypeVar("T")

log = structlog.get_logger(__name__)


class TaskKeeper:
    """Holds running tasks, so that none is lost, and waits for them when the process stops."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run *work* apart from the caller: a cancelled request does not cancel it."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task.failed", task=task.get_name(), exc_info=error)

    async def drain(self, seconds: float) -> int:
        """Wait up to *seconds* for what runs; return how many had to be left behind.

        What is left behind is cancelled; its operations say in the database how far they came.
        """
        if not self._tasks:
            return 0
        _, pending = await asyncio.wait(self._tasks, timeout=seconds)
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending, timeout=1.0)
        return len(pending)


class SingleFlight:
    """Lets many askers of one thing wait for one answer."""

    def __init__(self, tasks: TaskKeeper) -> None:
        self._tasks = tasks
        self._flights: dict[Hashable, asyncio.Task[Any]] = {}

    async def do(
        self,
        key: Hashable,
        work: Callable[[], Coroutine[Any, Any, T]],
        *,
        linger_seconds: float = 0.0,
    ) -> T:
        """Return the result of *work*; askers under the same *key* meanwhile share it.

        A result, but not an error, is shared for *linger_seconds* more: askers that set out before
        it landed may arrive a little after. An asker that goes away does not stop the flight.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._tasks.spawn(_quiet(work()), name=f"flight:{key}")
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done, linger_seconds))
        found, error = await asyncio.shield(flight)
        if error is not None:
            raise error
        result: T = found
        return result

    def _landed(self, key: Hashable, flight: asyncio.Task[Any], linger_seconds: float) -> None:
        failed = flight.cancelled() or flight.result()[1] is not None
        if failed or not linger_seconds:
            self._flights.pop(key, None)
            return
        flight.get_loop().call_later(linger_seconds, self._flights.pop, key, None)


async def _quiet(work: Awaitable[T]) -> tuple[T | None, Exception | None]:
    """Return an error as a value: each asker raises it, and nobody else hears of it."""
    try:
        return await work, None
    except Exception as error:  # noqa: BLE001 - handed on to every asker
        return None, error
