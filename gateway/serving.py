"""The two processes: one that serves requests, one that works beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from socket import socket
from typing import Final

import structlog
from starlette.types import ASGIApp

from gateway.api.server import open_socket, serving, stop_on_signals
from gateway.bootstrap import Runtime, build
from gateway.exposure import check_exposure, warnings_of
from gateway.settings import Settings
from gateway.workers.runner import run_workers

#: What answers that could not be given earlier may take, once nobody waits any longer.
ANSWER_SECONDS: Final = 2.0

_log: Final = structlog.get_logger("gateway")


async def serve_until_stopped(settings: Settings, *, with_workers: bool) -> None:
    """Serve the API and, where it has an address, the operations port.

    Raises:
        PortTakenError: another program listens there.
        SettingsError: a setting that only shows here to be wrong, or that is dangerous in public.
    """
    _check(settings)
    listeners = [open_socket(bind) for bind in (settings.bind, settings.ops_bind) if bind]
    stop = asyncio.Event()
    with stop_on_signals(stop):
        async with build(settings) as runtime:
            apps = (runtime.app(), runtime.ops_app())
            served = list(zip(apps, listeners, strict=False))
            await serve_apps(runtime, served, stop, with_workers=with_workers)


def _check(settings: Settings) -> None:
    check_exposure(settings)
    for sentence in warnings_of(settings):
        _log.warning("setting.exposed", detail=sentence)


async def serve_apps(
    runtime: Runtime,
    served: Sequence[tuple[ASGIApp, socket]],
    stop: asyncio.Event,
    *,
    with_workers: bool,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until *stop* is set, then drain; tells when requests are taken.

    First /readyz says `draining` while requests are still served: whoever sends them here has
    `drain_notice_seconds` to notice. Then no connection is taken and no change is begun, and what
    was begun has `drain_seconds` to finish. A request whose change takes longer is answered 202.
    """
    settings = runtime.settings
    seconds = settings.drain_notice_seconds + settings.drain_seconds
    async with asyncio.TaskGroup() as group:
        if with_workers:
            group.create_task(_work(runtime, stop, seconds), name="workers")
        async with serving(
            served,
            drain_seconds=settings.drain_seconds + ANSWER_SECONDS,
            request_seconds=settings.limits.request_seconds,
        ):
            on_ready()
            await stop.wait()
            notice_seconds = settings.drain_notice_seconds
            runtime.ports.lifecycle.drain(seconds, notice_seconds=notice_seconds)
            await asyncio.sleep(settings.drain_notice_seconds)


async def _work(runtime: Runtime, stop: asyncio.Event, patience_seconds: float) -> None:
    await run_workers(
        runtime.workers(), stop, heart=runtime.heart(), patience_seconds=patience_seconds
    )


async def work_until_stopped(settings: Settings) -> None:
    """Run the workers.

    Raises:
        SettingsError: a setting that only shows here to be wrong.
    """
    _check(settings)
    stop = asyncio.Event()
    with stop_on_signals(stop):
        async with build(settings) as runtime, asyncio.TaskGroup() as group:
            group.create_task(_work(runtime, stop, settings.drain_seconds), name="workers")
            await stop.wait()
            runtime.ports.lifecycle.drain(settings.drain_seconds)
