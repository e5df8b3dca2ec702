"""A simulated panel listening on real ports, for as long as a block lasts."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

from gateway.simulator.clock import Clock, ClockKind
from gateway.simulator.control import ControlServer
from gateway.simulator.panel import SimulatedPanel
from gateway.simulator.server import PanelServer
from gateway.simulator.state import StateFile
from gateway.simulator.switches import changed
from gateway.simulator.switches import profile as profile_switches


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    """Where the simulated panel listens, and the panel itself."""

    base_url: str
    control_url: str | None
    panel: SimulatedPanel


def build_panel(
    profile_name: str = "v2",
    *,
    settings: dict[str, Any] | None = None,
    seed: int = 0,
    clock: ClockKind = "wall",
    state: str | Path | None = None,
) -> SimulatedPanel:
    """Return a panel of the profile, changed by *settings*, going on from *state*."""
    switches = changed(profile_switches(profile_name), settings or {})
    return SimulatedPanel(
        switches=switches,
        seed=seed,
        clock=Clock(clock),
        state=None if state is None else StateFile(Path(state)),
    )


class PanelParts(TypedDict, total=False):
    """What a panel is made of, as `build_panel` takes it."""

    settings: dict[str, Any] | None
    seed: int
    clock: ClockKind
    state: str | Path | None


@contextlib.asynccontextmanager
async def running_simulator(
    panel_bind: str = "127.0.0.1:0",
    control_bind: str | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    profile: str = "v2",
    **options: Unpack[PanelParts],
) -> AsyncIterator[RunningSimulator]:
    """Serve a simulated panel; port 0 takes a free one, *tls* makes it speak HTTPS."""
    panel = build_panel(profile, **options)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(panel.close)
        server = PanelServer(panel, tls=tls)
        stack.push_async_callback(server.stop)
        base_url = await server.start(panel_bind)
        control_url = None
        if control_bind is not None:
            control = ControlServer(panel)
            stack.push_async_callback(control.stop)
            control_url = await control.start(control_bind)
        yield RunningSimulator(base_url, control_url, panel)
