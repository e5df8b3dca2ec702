"""Runs workers: each in its own rhythm, none stops another, all stop together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

import structlog

from gateway.domain.errors import GatewayError
from gateway.workers.heart import Heart

log = structlog.get_logger(__name__)

#: A worker that fails waits this much longer each time, up to the greatest pause.
FAILURE_PAUSE_SECONDS: Final = 5.0
FAILURE_PAUSE_SECONDS_MAX: Final = 60.0
#: How long a tick has to finish when its worker is stopped.
PATIENCE_SECONDS: Final = 30.0


class Worker(Protocol):
    """Something to do again and again."""

    name: str
    every_seconds: float
    batch: int

    async def tick(self) -> int:
        """Do a bounded amount of work and return how much; a full batch comes again at once."""


async def run_workers(
    workers: Sequence[Worker],
    stop: asyncio.Event,
    *,
    heart: Heart | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Run *workers* until *stop* is set. *heart* beats meanwhile.

    A tick that is under way then has *patience_seconds* to finish, and is cancelled after that: its
    operations say in the database how far they came.
    """
    heart = heart or Heart()
    async with asyncio.TaskGroup() as living:
        beating = living.create_task(heart.beat_on(), name="heart")
        running = [
            living.create_task(_run(worker, stop, heart), name=f"worker:{worker.name}")
            for worker in workers
        ]
        ending = living.create_task(_end_late_ticks(running, stop, patience_seconds))
        if running:
            await asyncio.wait(running)
        beating.cancel()
        ending.cancel()


async def _end_late_ticks(
    running: Sequence[asyncio.Task[None]], stop: asyncio.Event, patience_seconds: float
) -> None:
    await stop.wait()
    await asyncio.sleep(patience_seconds)
    for task in running:
        if not task.done():
            log.warning("worker.cut_off", worker=task.get_name().removeprefix("worker:"))
            task.cancel()


async def _run(worker: Worker, stop: asyncio.Event, heart: Heart) -> None:
    failures = 0
    while not stop.is_set():
        pause = worker.every_seconds
        try:
            with heart.tick(worker.name):
                done = await worker.tick()
        except GatewayError as error:
            failures += 1
            log.warning("worker.failed", worker=worker.name, code=error.code)
        except Exception:
            failures += 1
            log.exception("worker.broke", worker=worker.name)
        else:
            failures = 0
            if done:
                log.info("worker.done", worker=worker.name, done=done)
            if done >= worker.batch:
                pause = 0.0
        if failures:
            pause += min(FAILURE_PAUSE_SECONDS * failures, FAILURE_PAUSE_SECONDS_MAX)
        await _sleep(stop, pause)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
