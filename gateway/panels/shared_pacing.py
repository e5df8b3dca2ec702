"""Budgets that hold across processes: each turn is agreed with the others through a Pace.

Within a process callers queue by priority, and only the first of them asks. The Pace (Redis, see
`redis_pace.py`) answers at once: granted, or how long to wait before asking again. When the Pace
is away, each process falls back to its share, see `fallback_pacing.py`; the change over costs one
pause, because nobody knows how long the panel's present row of calls is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.domain.errors import PanelUnavailable
from gateway.domain.ids import PanelId
from gateway.domain.panels import Budget as Limits
from gateway.domain.panels import Panel
from gateway.panels.fallback_pacing import FallbackBudget, FallbackBudgets
from gateway.panels.pacing import gap_seconds, refuse_unless_due, too_much
from gateway.panels.queueing import QUEUE_MAX, Holds, Priority, Queue
from gateway.services.ports.system import Clock, Random

#: A lease outlives its call's deadline by this, and then ends by itself: its process died.
LEASE_MARGIN_SECONDS: Final = 5.0
_LEASE_CHARACTERS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one caller asks of the Pace. `changed_over`: this process was without it before."""

    panel_id: PanelId
    lease: str
    lease_seconds: float
    limits: Limits
    gap_seconds: float
    priority: Priority
    changed_over: bool


class PaceAway(Exception):
    """The other processes cannot be asked now."""


class Pace(Protocol):
    """The common state of all processes."""

    @property
    def outages(self) -> int:
        """How often it was away, as this process saw it."""

    async def take(self, wish: Wish) -> float:
        """Return 0.0 when the turn is granted, else seconds after which to ask again.

        Raises:
            PaceAway
        """

    async def leave(self, panel_id: PanelId, lease: str) -> None:
        """Give a turn back, or no longer want one. Never raises: leases end by themselves."""


class SharedBudgets:
    """Budgets that all processes with the same Pace keep together. Close it at the end."""

    def __init__(self, pace: Pace, clock: Clock, random: Random, *, processes: int) -> None:
        self._pace = pace
        self._clock = clock
        self._random = random
        self._fallback = FallbackBudgets(clock, processes=processes)
        self._budgets: dict[PanelId, SharedBudget] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    def of(self, panel: Panel) -> SharedBudget:
        """Return the one budget of *panel*; changed limits hold from the next turn on."""
        budget = self._budgets.get(panel.id)
        if budget is None:
            budget = self._budgets[panel.id] = SharedBudget(panel, self)
        budget.panel = panel
        return budget

    async def close(self) -> None:
        """Wait until the last turns are given back."""
        await asyncio.gather(*self._leaving)

    # --- for SharedBudget -----------------------------------------------------------------------

    @property
    def pace(self) -> Pace:
        """What is agreed with."""
        return self._pace

    @property
    def clock(self) -> Clock:
        """The clock of all budgets."""
        return self._clock

    @property
    def fallback(self) -> FallbackBudgets:
        """The budgets of this process alone."""
        return self._fallback

    def new_lease(self) -> str:
        """Return a name that no other turn has."""
        return self._random.text(_LEASE_CHARACTERS)

    def leave(
        self, panel_id: PanelId, lease: str, queue: Queue, after: asyncio.Future[float] | None
    ) -> None:
        """Give a turn back in the background: the caller has its answer already, or went away.

        *after* is a question about the lease that is still to be answered.
        """

        async def give_back() -> None:
            if after is not None:
                await asyncio.wait({after})
                if after.exception() is not None:
                    return  # The Pace is away, and with it the lease.
            await self._pace.leave(panel_id, lease)
            queue.call_first()

        task = asyncio.create_task(give_back())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)


class SharedBudget:
    """One panel's turns among all processes."""

    def __init__(self, panel: Panel, shared: SharedBudgets) -> None:
        self.panel = panel
        self._shared = shared
        self._clock = shared.clock
        self._queue = Queue(shared.clock)
        self._holds = Holds()
        self._asking = asyncio.Lock()
        self._outages_told = 0
        self._outages_sat_out = 0

    @asynccontextmanager
    async def turn(
        self, deadline: float, priority: Priority = Priority.READ
    ) -> AsyncIterator[None]:
        """Wait for a turn and hold it; see Budget."""
        lease = self._shared.new_lease()
        try:
            await self._come(lease, deadline, priority)
        except PaceAway:
            async with self._alone().turn(deadline, priority):
                yield
            return
        began = self._clock.monotonic()
        try:
            yield
        finally:
            self._holds.ended(self._clock.monotonic() - began)
            self._leave(lease)

    async def _come(self, lease: str, deadline: float, priority: Priority) -> None:
        ahead = self._queue.ahead_of(priority)
        limits = self.panel.budget
        for_tokens = max(0, ahead + 1 - limits.burst) / limits.calls_per_second
        least = max(for_tokens, self._holds.wait(ahead, limits.in_flight))
        if ahead >= QUEUE_MAX:
            raise too_much(least)
        refuse_unless_due(least, deadline, self._clock)
        with self._queue.place(priority) as place:
            while True:
                until = deadline
                if self._queue.is_first(place):
                    # One question at a time: of two, the later answer could hide a better wish.
                    async with self._asking:
                        wait = await self._ask(lease, deadline, priority)
                    if not wait:
                        return
                    until = self._clock.monotonic() + wait
                await self._queue.rest(place, until)
                refuse_unless_due(0.0, deadline, self._clock)

    async def _ask(self, lease: str, deadline: float, priority: Priority) -> float:
        """Return 0.0 once *lease* is held, else how long to wait.

        Raises:
            PanelUnavailable: that would be too late.
            PaceAway
        """
        pace, outages = self._shared.pace, self._shared.pace.outages
        wish = Wish(
            panel_id=self.panel.id,
            lease=lease,
            lease_seconds=deadline - self._clock.monotonic() + LEASE_MARGIN_SECONDS,
            limits=self.panel.budget,
            gap_seconds=gap_seconds(self.panel.budget),
            priority=priority,
            changed_over=outages != self._outages_told,
        )
        # Who goes away meanwhile does not break the exchange off: its connection stays usable, and
        # the lease is given back after it was taken, not before.
        question = asyncio.ensure_future(pace.take(wish))
        try:
            wait = await asyncio.shield(question)
        except asyncio.CancelledError:
            self._leave(lease, after=question)
            raise
        self._outages_told = outages
        try:
            refuse_unless_due(wait, deadline, self._clock)
        except PanelUnavailable:
            self._leave(lease)
            raise
        return wait

    def _leave(self, lease: str, *, after: asyncio.Future[float] | None = None) -> None:
        self._shared.leave(self.panel.id, lease, self._queue, after)

    def _alone(self) -> FallbackBudget:
        budget = self._shared.fallback.of(self.panel)
        if self._outages_sat_out != self._shared.pace.outages:
            self._outages_sat_out = self._shared.pace.outages
            budget.sit_out()
        return budget
