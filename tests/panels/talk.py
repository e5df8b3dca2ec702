"""A panel port talking to a simulated panel over TCP, with short names for the calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.domain.calls import EditLine
from gateway.domain.clock import SystemClock
from gateway.domain.panels import Panel
from gateway.domain.secrets import SystemRandom
from gateway.panels.client import HttpPanels
from gateway.panels.pacing import LocalBudgets
from gateway.panels.transport import Transport
from gateway.simulator.panel import SimulatedPanel
from gateway.simulator.running import running_simulator
from tests.panels.makers import (
    MAC,
    TOKEN,
    a_create,
    a_device_create,
    a_device_edit,
    a_device_info,
    a_panel,
    an_edit,
    an_info,
)


class Talk:
    """One panel and its port, with short names for the calls."""

    def __init__(self, port: HttpPanels, panel: Panel, simulated: SimulatedPanel) -> None:
        self.port = port
        self.panel = panel
        self.simulated = simulated
        self.seconds = 5.0

    async def create(self, **changes: Any) -> object:
        call = a_create(**changes)
        return await self.port.change(self.panel, call, TOKEN, timeout_seconds=self.seconds)

    async def edit(self, call: EditLine | None = None, **changes: Any) -> object:
        call = call or an_edit(**changes)
        return await self.port.change(self.panel, call, TOKEN, timeout_seconds=self.seconds)

    async def info(self, username: str = "bob", password: str = "pw1") -> Any:
        return await self.port.read(
            self.panel, an_info(username, password), timeout_seconds=self.seconds
        )

    async def create_device(self, **changes: Any) -> object:
        call = a_device_create(**changes)
        return await self.port.change(self.panel, call, TOKEN, timeout_seconds=self.seconds)

    async def edit_device(self, **changes: Any) -> object:
        call = a_device_edit(**changes)
        return await self.port.change(self.panel, call, TOKEN, timeout_seconds=self.seconds)

    async def device_info(self, mac: str = MAC) -> Any:
        call = a_device_info(mac)
        return await self.port.read(self.panel, call, timeout_seconds=self.seconds)


@asynccontextmanager
async def talking(profile: str, **settings: Any) -> AsyncIterator[Talk]:
    clock = SystemClock()
    async with (
        running_simulator(profile=profile, settings=settings) as simulator,
        Transport.opened() as transport,
    ):
        port = HttpPanels(
            transport=transport, budgets=LocalBudgets(clock), clock=clock, random=SystemRandom()
        )
        panel = a_panel(base_url=simulator.base_url, extra_columns=("is_stalker",))
        yield Talk(port, panel, simulator.panel)
