"""The budget of one process that cannot agree with the others: its share, at the common times.

Shares of a rate add up to the rate. Shares of a flood guard do not: pauses that each process makes
when it likes are filled by the others' calls, and the panel sees one long row. So all processes
call in the same windows of the clock on the wall, and are silent in between:

    |<- as long as a row takes at the rate ->|<- a pause, and a second for unequal clocks ->|

Within a window all of them together make no more calls than one row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from gateway.domain.ids import PanelId
from gateway.domain.panels import Budget as Limits
from gateway.domain.panels import Panel
from gateway.panels.pacing import LocalBudget, gap_seconds
from gateway.services.ports.system import Clock

#: How far the clocks of two machines may be apart.
SKEW_SECONDS: Final = 1.0
_WINDOW_SECONDS_MIN: Final = 1.0


@dataclass(frozen=True, slots=True)
class Windows:
    """Seconds in which calls may be made, and seconds of silence after them, for ever."""

    open_seconds: float
    silent_seconds: float

    @classmethod
    def of(cls, limits: Limits) -> Windows:
        """Return the windows in which *limits*, those of all processes together, are kept."""
        guard = limits.flood_guard
        row = 0 if guard is None else guard.calls
        return cls(
            max(_WINDOW_SECONDS_MIN, row / limits.calls_per_second),
            gap_seconds(limits) + SKEW_SECONDS,
        )

    def at(self, moment: float) -> tuple[int, float, float]:
        """Return the window's number, seconds until it ends (0: it did), and until the next."""
        cycle = self.open_seconds + self.silent_seconds
        number, past = divmod(moment, cycle)
        return int(number), max(0.0, self.open_seconds - past), cycle - past


class FallbackBudget(LocalBudget):
    """One process's share of a panel's budget."""

    def __init__(self, limits: Limits, clock: Clock, processes: int) -> None:
        super().__init__(_share(limits, processes), clock)
        self._processes = processes
        self._windows = Windows.of(limits)
        self._window = -1
        self._silent_until = -math.inf

    def set_limits(self, limits: Limits) -> None:
        """Take the present limits of all processes together."""
        self.limits = _share(limits, self._processes)
        self._windows = Windows.of(limits)

    def sit_out(self) -> None:
        """Be silent for a pause first: how many calls were made until now is not known here."""
        self._silent_until = self._clock.monotonic() + gap_seconds(self.limits)

    def _guard_wait(self, now: float) -> float | None:
        guard = self.limits.flood_guard
        if guard is None:
            return 0.0
        number, left, until_next = self._windows.at(self._clock.now().timestamp())
        if number != self._window:
            self._window, self._row = number, 0
        silent = max(0.0, self._silent_until - now)
        if left > silent and self._row < guard.calls:
            return silent
        return until_next


class FallbackBudgets:
    """The fallback budget of each panel; *processes* share the limits."""

    def __init__(self, clock: Clock, *, processes: int) -> None:
        self._clock = clock
        self._processes = processes
        self._budgets: dict[PanelId, FallbackBudget] = {}

    def of(self, panel: Panel) -> FallbackBudget:
        """Return the one budget of *panel*, with its present limits."""
        budget = self._budgets.get(panel.id)
        if budget is None:
            budget = FallbackBudget(panel.budget, self._clock, self._processes)
            self._budgets[panel.id] = budget
        budget.set_limits(panel.budget)
        return budget


def _share(limits: Limits, processes: int) -> Limits:
    """Return one process's part of *limits*: never less than one call at a time."""
    guard = limits.flood_guard
    return replace(
        limits,
        calls_per_second=limits.calls_per_second / processes,
        burst=max(1, limits.burst // processes),
        in_flight=max(1, limits.in_flight // processes),
        flood_guard=guard and replace(guard, calls=max(1, guard.calls // processes)),
    )
