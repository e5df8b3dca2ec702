"""Many callers of one panel, and a judge who knows a hardened panel's limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

from gateway.domain.errors import PanelUnavailable
from gateway.domain.ids import PanelId
from gateway.domain.panels import Budget as Limits
from gateway.domain.panels import Panel
from gateway.domain.secrets import SystemRandom
from gateway.panels.pacing import Budget
from gateway.panels.queueing import Priority
from gateway.panels.redis_pace import RedisPace, new_client
from gateway.panels.shared_pacing import Pace, SharedBudgets, Wish
from gateway.simulator.bans import FloodGuard
from gateway.simulator.limits import RateLimiter
from gateway.simulator.switches import profile
from tests.panels.makers import VirtualClock, a_panel

PLENTY = Limits(calls_per_second=1000, burst=1000, in_flight=1000, flood_guard=None)


def a_paced_panel(**limits: Any) -> Panel:
    return a_panel(budget=replace(PLENTY, **limits))


class OutsidePace:
    """A Pace whose answers take real time, during which the virtual clock stands still."""

    def __init__(self, pace: RedisPace, clock: VirtualClock) -> None:
        self.pace = pace
        self._clock = clock

    @property
    def outages(self) -> int:
        return self.pace.outages

    async def take(self, wish: Wish) -> float:
        self._clock.outside += 1
        try:
            return await self.pace.take(wish)
        finally:
            self._clock.outside -= 1

    async def leave(self, panel_id: PanelId, lease: str) -> None:
        self._clock.outside += 1
        try:
            await self.pace.leave(panel_id, lease)
        finally:
            self._clock.outside -= 1


@asynccontextmanager
async def processes(
    url: str, clock: VirtualClock, count: int, *, patience: float = 20.0
) -> AsyncIterator[list[SharedBudgets]]:
    """Yield the budgets of several processes that share one Redis and one clock."""
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(count):
            client = new_client(url, patience=patience)
            stack.push_async_callback(client.aclose)
            pace = RedisPace(client, clock, SystemRandom(), patience=patience, now=clock.monotonic)
            outside: Pace = OutsidePace(pace, clock)
            budgets = SharedBudgets(outside, clock, SystemRandom(), processes=count)
            stack.push_async_callback(budgets.close)
            found.append(budgets)
        yield found


class Callers:
    """Calls to one panel: when each one started, from which budget, and who was turned away."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.starts: list[float] = []
        self.order: list[object] = []
        self.refused: list[PanelUnavailable] = []
        self.most_at_once = 0
        self._at_once = 0

    async def call(
        self,
        budget: Budget,
        *,
        name: object = None,
        lasting: float = 0,
        within: float = 900,
        priority: Priority = Priority.READ,
    ) -> None:
        try:
            async with budget.turn(self.clock.monotonic() + within, priority):
                self.starts.append(self.clock.monotonic())
                self.order.append(name)
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
                try:
                    if lasting:
                        await self.clock.sleep(lasting)
                finally:
                    self._at_once -= 1
        except PanelUnavailable as error:
            self.refused.append(error)

    async def calls(self, budget: Budget, count: int, **how: Any) -> None:
        await asyncio.gather(*(self.call(budget, **how) for _ in range(count)))


def judged(starts: Iterable[float]) -> tuple[int, int]:
    """Return how many calls a hardened panel answers with 503, and whether it bans (1) or not."""
    switches = profile("hardened")
    limiter, guard = RateLimiter(), FloodGuard()
    refused = banned = row = 0
    moments = sorted(starts)
    for moment in moments:
        refused += limiter.refuses("gateway", switches.rate_limit, moment)
        banned |= guard.is_flooding("gateway", switches, moment)
    for before, after in pairwise(moments):  # A real panel compares whole seconds.
        row = row + 1 if int(after) - int(before) <= switches.flood_seconds else 0
        banned |= row >= switches.flood_limit
    return refused, int(banned)
