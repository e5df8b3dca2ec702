"""The two processes: one that serves requests, one that works beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from socket import socket

from starlette.types import ASGIApp

from gateway.api.server import open_socket, serving, stop_on_signals
from gateway.bootstrap import Runtime, build
from gateway.settings import Settings
from gateway.workers.runner import run_workers


async def serve_until_stopped(settings: Settings, *, with_workers: bool) -> None:
    """Serve the API and, where it has an address, the operations port.

    Raises:
        PortTakenError: another program listens there.
        SettingsError: a setting that only shows here to be wrong.
    """
    listeners = [open_socket(bind) for bind in (settings.bind, settings.ops_bind) if bind]
    stop = asyncio.Event()
    with stop_on_signals(stop):
        async with build(settings) as runtime:
            apps = (runtime.app(), runtime.ops_app())
            served = list(zip(apps, listeners, strict=False))
            await serve_apps(runtime, served, stop, with_workers=with_workers)


async def serve_apps(
    runtime: Runtime,
    served: Sequence[tuple[ASGIApp, socket]],
    stop: asyncio.Event,
    *,
    with_workers: bool,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until *stop* is set, then finish what runs; tells when requests are taken."""
    async with serving(served, drain_seconds=runtime.settings.drain_seconds):
        on_ready()
        if with_workers:
            await run_workers(runtime.workers(), stop, heart=runtime.heart())
        await stop.wait()


async def work_until_stopped(settings: Settings) -> None:
    """Run the workers.

    Raises:
        SettingsError: a setting that only shows here to be wrong.
    """
    stop = asyncio.Event()
    with stop_on_signals(stop):
        async with build(settings) as runtime:
            await run_workers(runtime.workers(), stop, heart=runtime.heart())
