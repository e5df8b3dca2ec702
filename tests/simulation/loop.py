"""An event loop in which time is a number and the order of things is drawn from a seed.

Whatever can run now is run in a random order; when nothing can, time leaps to the next timer. No
sockets, no threads, no machine's clock: the same seed always gives the same run.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from asyncio import base_events
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.simulation.process import Process

#: The process that the running code belongs to; None: the panel, the clients, the judge.
PROCESS: Final[ContextVar[Process | None]] = ContextVar("process", default=None)


class KilledError(BaseException):
    """The process is dead: not even its `except Exception` runs."""


class StuckError(Exception):
    """Nothing can run, and no timer is set: somebody waits for what never comes."""


class SeededLoop(base_events.BaseEventLoop):
    """The loop of one history."""

    def __init__(self, seed: object) -> None:
        super().__init__()
        self._now = 0.0
        self._draw: Final = random.Random(f"{seed}:order").random
        self._ready: list[asyncio.Handle] = []  # Drawn from: no queue.
        self._scheduled: list[asyncio.TimerHandle] = []
        self.steps = 0
        self.set_task_factory(_make_task)  # type: ignore[arg-type]  # It takes what all take.
        self.set_exception_handler(_on_error)

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled
        if not ready:
            while scheduled and scheduled[0]._cancelled:
                heapq.heappop(scheduled)
            if not scheduled:
                if self._stopping:  # type: ignore[attr-defined]
                    return
                raise StuckError
            self._now = max(self._now, scheduled[0].when())
        while scheduled and scheduled[0].when() <= self._now:
            timer = heapq.heappop(scheduled)
            timer._scheduled = False  # type: ignore[attr-defined]
            if not timer._cancelled:
                ready.append(timer)
        if not ready:
            return
        place = int(self._draw() * len(ready))
        handle = ready[place]
        ready[place] = ready[-1]
        ready.pop()
        self.steps += 1
        if not handle._cancelled:
            handle._run()

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are left out when their moment comes."""

    def _write_to_self(self) -> None:
        """There is one thread."""

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Run it here and now."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - handed on
            future.set_exception(error)
        return future


def _make_task(
    loop: asyncio.AbstractEventLoop,
    coro: Coroutine[Any, Any, Any],
    context: Context | None = None,
    **options: Any,
) -> asyncio.Task[Any]:
    """Let every task be known to the process that it dies with."""
    task: asyncio.Task[Any] = asyncio.Task(coro, loop=loop, context=context, **options)
    process = PROCESS.get() if context is None else context.get(PROCESS)
    if process is not None:
        process.tasks[task] = None
        task.add_done_callback(process.forget)
    return task


def _on_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Pass over what the dead leave behind; whatever else nobody looked at is a bug."""
    error = context.get("exception")
    if not isinstance(error, KilledError):
        loop.default_exception_handler(context)


def outside(coro: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
    """Run *coro* as part of the world: it goes on when processes die."""
    return asyncio.get_running_loop().create_task(coro, name=name, context=Context())


def run(seed: object, main: Callable[[SeededLoop], Coroutine[Any, Any, Any]]) -> Any:
    """Run *main* on a loop of its own, and leave nothing behind."""
    loop = SeededLoop(seed)
    try:
        return loop.run_until_complete(main(loop))
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
