"""What we may ask of a panel, kept: calls in flight, calls per second, and its flood guard.

Panels ban an address for asking too often: by the web server's limit per second (503), and by a
counter that grows with every request that follows another one within `flood_seconds`, whole
seconds of the panel's clock, and only starts again after a longer gap. The ban is a packet filter,
so it shows as connect time-outs.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

from gateway.domain.errors import PanelUnavailable
from gateway.domain.ids import PanelId
from gateway.domain.panels import Budget as Limits
from gateway.domain.panels import Panel
from gateway.services.ports.system import Clock

#: Added to the flood guard's gap: the panel compares whole seconds, so a gap of 2.9 s may count
#: as 2, and a request may take a moment to arrive.
GAP_MARGIN_SECONDS: Final = 1.1
#: Seconds too short to wait for: what is left of a wait after rounding.
_AT_ONCE: Final = 1e-6


class Budget(Protocol):
    """The turns of one panel, first come, first served."""

    def turn(self, deadline: float) -> AbstractAsyncContextManager[None]:
        """Wait for a turn and hold it for the length of one call.

        Raises:
            PanelUnavailable: no turn comes before *deadline* (monotonic seconds); nothing may be
                sent. `retry_after_seconds` says when there may be one.
        """


class Budgets(Protocol):
    """The budget of each panel."""

    def of(self, panel: Panel) -> Budget:
        """Return the one budget of *panel*, with its present limits."""


class LocalBudgets:
    """Budgets that hold within this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._budgets: dict[PanelId, LocalBudget] = {}

    def of(self, panel: Panel) -> LocalBudget:
        """Return the one budget of *panel*; changed limits hold from the next turn on."""
        budget = self._budgets.get(panel.id)
        if budget is None:
            budget = self._budgets[panel.id] = LocalBudget(panel.budget, self._clock)
        budget.limits = panel.budget
        return budget


class LocalBudget:
    """One panel's turns: a token bucket, a limit of calls in flight, and pauses between rows.

    A row is a run of calls without a sufficient gap. After `flood_guard.calls` of them we wait
    until none is in flight, and then for the gap: a call may reach the panel at any moment while
    it is in flight.
    """

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.limits = limits
        self._clock = clock
        self._queue: deque[asyncio.Event] = deque()  # Who waits; the first one is next.
        self._in_flight = 0
        self._tokens = float(limits.burst)
        self._filled_at = clock.monotonic()
        self._row = 0
        self._active_at = -math.inf

    @asynccontextmanager
    async def turn(self, deadline: float) -> AsyncIterator[None]:
        """Wait for a turn and hold it; see Budget."""
        await self._come(deadline)
        try:
            yield
        finally:
            self._in_flight -= 1
            self._active_at = self._clock.monotonic()
            self._wake_first()

    async def _come(self, deadline: float) -> None:
        self._refuse_unless_due(self._least_wait(), deadline)
        called = asyncio.Event()
        self._queue.append(called)
        try:
            while (wait := self._wait(called)) != 0:
                self._refuse_unless_due(wait or 0.0, deadline)
                called.clear()
                until = deadline if wait is None else self._clock.monotonic() + wait
                await self._rest(called, until)
                if wait is None:
                    self._refuse_unless_due(0.0, deadline)
            self._take()
        finally:
            self._queue.remove(called)
            self._wake_first()

    def _wait(self, called: asyncio.Event) -> float | None:
        """Return seconds until *called* may start; None: first it must be woken."""
        now = self._clock.monotonic()
        if self._queue[0] is not called or self._in_flight >= self.limits.in_flight:
            return None
        gap_left = self._active_at + self._gap() - now
        if not self._in_flight and gap_left < _AT_ONCE:
            self._row = 0
        guard = self.limits.flood_guard
        if guard is not None and self._row >= guard.calls:
            return None if self._in_flight else gap_left
        self._fill(now)
        wait = (1 - self._tokens) / self.limits.calls_per_second
        return wait if wait > _AT_ONCE else 0.0

    async def _rest(self, called: asyncio.Event, until: float) -> None:
        """Wait until *called* is woken, or until that moment of our clock."""

        def ring(alarm: asyncio.Future[None]) -> None:
            if not alarm.cancelled():
                called.set()

        alarm = asyncio.ensure_future(self._clock.sleep(until - self._clock.monotonic()))
        alarm.add_done_callback(ring)
        try:
            await called.wait()
        finally:
            alarm.cancel()

    def _take(self) -> None:
        self._tokens -= 1
        self._in_flight += 1
        self._row += 1
        self._active_at = self._clock.monotonic()

    def _gap(self) -> float:
        guard = self.limits.flood_guard
        return 0.0 if guard is None else guard.gap_seconds + GAP_MARGIN_SECONDS

    def _fill(self, now: float) -> None:
        earned = (now - self._filled_at) * self.limits.calls_per_second
        self._tokens = min(float(self.limits.burst), self._tokens + earned)
        self._filled_at = now

    def _least_wait(self) -> float:
        """Return seconds that a newcomer waits at least, since those before it need tokens too."""
        self._fill(self._clock.monotonic())
        return max(0.0, (len(self._queue) + 1 - self._tokens) / self.limits.calls_per_second)

    def _refuse_unless_due(self, wait: float, deadline: float) -> None:
        if self._clock.monotonic() + wait >= deadline:
            seconds = max(1, math.ceil(wait))
            raise PanelUnavailable("The panel is asked too much.", retry_after_seconds=seconds)

    def _wake_first(self) -> None:
        if self._queue:
            self._queue[0].set()
