"""Starts everything in one process, and says how to use it.

Killed at any point and started again without --fresh, it goes on with the same data: each thing it
makes is made under an Idempotency-Key, and noted in the state folder as soon as it exists.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.api.server import PortTakenError, open_socket, stop_on_signals
from gateway.bootstrap import build
from gateway.db.migrations import migrate
from gateway.demo import banner, files
from gateway.demo.seed import Demo, seed
from gateway.serving import serve_apps
from gateway.settings import Settings, environment, load
from gateway.simulator.running import RunningSimulator, running_simulator
from gateway.telemetry.logging import LogForm, configure_logging

HOST: Final = "127.0.0.1"
PANEL_STATE: Final = "panel.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """Where the demo listens, and where it keeps its state."""

    port: int
    panel_port: int
    control_port: int
    ops_port: int
    var: Path
    fresh: bool


async def run_demo(options: DemoOptions) -> None:
    """Run until SIGINT or SIGTERM.

    Raises:
        PortTakenError: another program listens on one of the ports.
        SettingsError: a GATEWAY_* variable is wrong.
    """
    files.prepare(options.var, fresh=options.fresh)
    variables = _variables(options)
    files.write_env(options.var, variables)
    settings, _ = load(environment() | variables)
    configure_logging(form=LogForm(settings.log_format), level=settings.log_level)
    api, ops = open_socket(f"{HOST}:{options.port}"), open_socket(f"{HOST}:{options.ops_port}")
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        stack.enter_context(stop_on_signals(stop))
        simulator = await stack.enter_async_context(_simulator(options))
        await migrate(settings.database_url)
        runtime = await stack.enter_async_context(build(settings))
        demo = await seed(runtime.ports, options.var, panel_url=simulator.base_url)
        await serve_apps(
            runtime,
            [(runtime.app(), api), (runtime.ops_app(), ops)],
            stop,
            with_workers=True,
            on_ready=lambda: _announce(options, settings, demo, simulator),
        )


def _variables(options: DemoOptions) -> dict[str, str]:
    """Return the settings of the demo; what the environment sets goes before them.

    The addresses come from the options: they are what the printed examples use.
    """
    var = options.var.resolve()
    defaults = {
        "GATEWAY_DATABASE_URL": f"sqlite:///{var}/gateway.db",
        "GATEWAY_ENCRYPTION_KEYS": files.encryption_key(options.var),
    }
    given = {name: text for name, text in environment().items() if name.startswith("GATEWAY_")}
    addresses = {
        "GATEWAY_BIND": f"{HOST}:{options.port}",
        "GATEWAY_OPS_BIND": f"{HOST}:{options.ops_port}",
        "GATEWAY_PUBLIC_URL": f"http://{HOST}:{options.port}",
    }
    return defaults | given | addresses


@asynccontextmanager
async def _simulator(options: DemoOptions) -> AsyncIterator[RunningSimulator]:
    async with AsyncExitStack() as stack:
        running = running_simulator(
            panel_bind=f"{HOST}:{options.panel_port}",
            control_bind=f"{HOST}:{options.control_port}",
            state=options.var / PANEL_STATE,
        )
        try:
            simulator = await stack.enter_async_context(running)
        except OSError as error:
            raise PortTakenError(str(error)) from error
        yield simulator


def _announce(
    options: DemoOptions, settings: Settings, demo: Demo, simulator: RunningSimulator
) -> None:
    described = {
        "base_url": settings.url,
        "ops_url": f"http://{HOST}:{options.ops_port}",
        "panel_url": simulator.base_url,
        "panel_control_url": simulator.control_url,
        "panel_id": demo.panel_id,
        "operator_key": demo.operator_key,
        "resellers": [
            {"id": reseller.id, "name": reseller.name, "key": reseller.key}
            for reseller in demo.resellers
        ],
        "pid": os.getpid(),
    }
    files.write_private_json(options.var / files.DEMO_JSON, described)
    banner.show(described)
