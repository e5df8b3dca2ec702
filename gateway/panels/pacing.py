"""What we may ask of a panel, kept: calls in flight, calls per second, and its flood guard.

Panels ban an address for asking too often: by the web server's limit per second (503), and by a
counter that grows with every request that follows another one within `flood_seconds`, whole
seconds of the panel's clock, and only starts again after a longer gap. The ban is a packet filter,
so it shows as connect time-outs.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

from gateway.domain.errors import PanelUnavailable
from gateway.domain.ids import PanelId
from gateway.domain.panels import Budget as Limits
from gateway.domain.panels import Panel
from gateway.panels.queueing import QUEUE_MAX, Holds, Place, Priority, Queue
from gateway.services.ports.system import Clock

#: Added to the flood guard's gap: the panel compares whole seconds, so a gap of 2.9 s may count
#: as 2, and a request may take a moment to arrive.
GAP_MARGIN_SECONDS: Final = 1.1
#: Seconds too short to wait for: what is left of a wait after rounding.
AT_ONCE: Final = 1e-6


class Budget(Protocol):
    """The turns of one panel: better priority first, then first come, first served."""

    def turn(
        self, deadline: float, priority: Priority = Priority.READ
    ) -> AbstractAsyncContextManager[None]:
        """Wait for a turn and hold it for the length of one call.

        Raises:
            PanelUnavailable: no turn comes before *deadline* (monotonic seconds), or too many
                wait; nothing may be sent. `retry_after_seconds` says when there may be one.
        """


class Budgets(Protocol):
    """The budget of each panel."""

    def of(self, panel: Panel) -> Budget:
        """Return the one budget of *panel*, with its present limits."""


def gap_seconds(limits: Limits) -> float:
    """Return the length of a pause that ends a row; 0 without a flood guard."""
    guard = limits.flood_guard
    return 0.0 if guard is None else guard.gap_seconds + GAP_MARGIN_SECONDS


def refuse_unless_due(wait: float, deadline: float, clock: Clock) -> None:
    """Refuse who would wait for *wait* seconds, or longer, if that is too late.

    Raises:
        PanelUnavailable
    """
    if clock.monotonic() + wait >= deadline:
        raise too_much(wait)


def too_much(wait: float) -> PanelUnavailable:
    """Return the error for a turn that comes too late."""
    seconds = max(1, math.ceil(wait))
    return PanelUnavailable("The panel is asked too much.", retry_after_seconds=seconds)


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
        self._queue = Queue(clock)
        self._holds = Holds()
        self._in_flight = 0
        self._tokens = float(limits.burst)
        self._filled_at = clock.monotonic()
        self._row = 0
        self._active_at = -math.inf

    @asynccontextmanager
    async def turn(
        self, deadline: float, priority: Priority = Priority.READ
    ) -> AsyncIterator[None]:
        """Wait for a turn and hold it; see Budget."""
        await self._come(deadline, priority)
        began = self._clock.monotonic()
        try:
            yield
        finally:
            self._in_flight -= 1
            self._active_at = self._clock.monotonic()
            self._holds.ended(self._active_at - began)
            self._queue.call_first()

    async def _come(self, deadline: float, priority: Priority) -> None:
        least = self._least_wait(priority)
        if self._queue.ahead_of(priority) >= QUEUE_MAX:
            raise too_much(least)
        refuse_unless_due(least, deadline, self._clock)
        with self._queue.place(priority) as place:
            while (wait := self._wait(place)) != 0:
                refuse_unless_due(wait or 0.0, deadline, self._clock)
                until = deadline if wait is None else self._clock.monotonic() + wait
                await self._queue.rest(place, until)
                if wait is None:
                    refuse_unless_due(0.0, deadline, self._clock)
            self._take()

    def _wait(self, place: Place) -> float | None:
        """Return seconds until *place* may start; None: first it must be called."""
        if not self._queue.is_first(place) or self._in_flight >= self.limits.in_flight:
            return None
        now = self._clock.monotonic()
        guarded = self._guard_wait(now)
        if guarded != 0:
            return guarded
        self._fill(now)
        wait = (1 - self._tokens) / self.limits.calls_per_second
        return wait if wait > AT_ONCE else 0.0

    def _guard_wait(self, now: float) -> float | None:
        """Return seconds until the flood guard allows a call; None: a call must end first."""
        gap_left = self._active_at + gap_seconds(self.limits) - now
        if not self._in_flight and gap_left < AT_ONCE:
            self._row = 0
        guard = self.limits.flood_guard
        if guard is None or self._row < guard.calls:
            return 0.0
        return None if self._in_flight else gap_left

    def _take(self) -> None:
        self._tokens -= 1
        self._in_flight += 1
        self._row += 1
        self._active_at = self._clock.monotonic()

    def _fill(self, now: float) -> None:
        earned = (now - self._filled_at) * self.limits.calls_per_second
        self._tokens = min(float(self.limits.burst), self._tokens + earned)
        self._filled_at = now

    def _least_wait(self, priority: Priority) -> float:
        """Return seconds that a newcomer waits at least, since those before it need turns too."""
        self._fill(self._clock.monotonic())
        ahead = self._queue.ahead_of(priority)
        for_tokens = (ahead + 1 - self._tokens) / self.limits.calls_per_second
        return max(0.0, for_tokens, self._holds.wait(ahead, self.limits.in_flight))
