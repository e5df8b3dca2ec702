"""How many calls a panel can take at once just now: found out by asking, below its budget.

The budget's `in_flight` is what an operator allows. A panel that is slow or failing can take less,
and calls that it cannot take make it slower. So, as TCP does for a path that it cannot see into:

- answers as quick as usual add to the limit: one more call after each second of them;
- a call that fails, or takes much longer than usual, halves it, down to one. Calls that were under
  way at that moment count once: they are one piece of news.
- what was learnt is forgotten after half a minute without bad news.

What is usual is the quickest answer to the same action. At a limit of one there is nothing left to
give way with: what a call takes then is what the panel takes by itself, and becomes the measure. So
a panel that has become slow for other reasons gets its calls back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeAlias

from gateway.domain.ids import PanelId
from gateway.domain.panels import Panel
from gateway.services.ports.system import Clock

#: An answer is late when it took so many times as long as the quickest one to the same action...
LATE_FACTOR: Final = 4.0
#: ...but not below this, where a panel's ups and downs are noise; seconds.
LATE_SECONDS_MIN: Final = 0.5
#: Longer than this is late, whatever is usual; seconds.
LATE_SECONDS_MAX: Final = 10.0
#: At least so long between one more call and the next one more; seconds.
GROW_SECONDS: Final = 1.0
#: After so long without bad news the limit is the budget's again; seconds.
FORGET_SECONDS: Final = 30.0

#: Told whenever the limit of a panel changes: panel id, calls at once.
ReportLimit: TypeAlias = Callable[[str, int], None]


def report_nothing(_panel_id: str, _limit: int) -> None:
    """Tell nobody."""


class Limiter:
    """The limit of one panel at one address, in this process."""

    def __init__(self, panel: Panel, clock: Clock, report: ReportLimit) -> None:
        self._panel_id = panel.id
        self._most = panel.budget.in_flight
        self._clock = clock
        self._report = report
        self._limit = self._most
        self._changed_at = -math.inf
        self._shrunk_at = -math.inf
        self._bad_at = -math.inf
        self._quickest: dict[str, float] = {}
        self._told = 0
        self._tell()

    @property
    def calls_at_once(self) -> int:
        """Return how many calls may be under way: from one up to the budget's `in_flight`."""
        if self._limit < self._most and self._now() - self._bad_at >= FORGET_SECONDS:
            self._limit = self._most
            self._tell()
        return self._limit

    def allow(self, most: int) -> None:
        """Take the budget's present `in_flight`; a limit that was not reduced goes with it."""
        is_reduced = self._limit < self._most
        self._limit = min(self._limit, most) if is_reduced else most
        self._most = most
        self._tell()

    def answered(self, action: str, began: float) -> None:
        """Learn from an answer to *action*, of a call that began then (monotonic seconds)."""
        seconds = self._now() - began
        is_late = self._is_late(action, seconds)
        usual = self._quickest.get(action, math.inf)
        is_alone = self.calls_at_once == 1 and began >= self._shrunk_at
        self._quickest[action] = seconds if is_alone else min(usual, seconds)
        if is_late:
            self._shrink(began)
        elif self._limit < self._most and self._now() - self._changed_at >= GROW_SECONDS:
            self._change(self._limit + 1)

    def failed(self, began: float) -> None:
        """Learn that a call failed: no answer, or one that says that the panel is in trouble."""
        self._shrink(began)

    def gave_up(self, action: str, began: float) -> None:
        """Learn from a call whose caller had too little time: it says only how long it was."""
        if self._is_late(action, self._now() - began):
            self._shrink(began)

    def _is_late(self, action: str, seconds: float) -> bool:
        usual = self._quickest.get(action, math.inf)
        return seconds > min(LATE_SECONDS_MAX, max(LATE_SECONDS_MIN, LATE_FACTOR * usual))

    def _shrink(self, began: float) -> None:
        self._bad_at = self._now()
        if began < self._shrunk_at or self._limit <= 1:
            return
        self._shrunk_at = self._bad_at
        self._change(self._limit // 2)

    def _change(self, limit: int) -> None:
        self._limit, self._changed_at = limit, self._now()
        self._tell()

    def _tell(self) -> None:
        if self._limit != self._told:
            self._told = self._limit
            self._report(self._panel_id, self._limit)

    def _now(self) -> float:
        return self._clock.monotonic()


class Limiters:
    """The limiter of each panel."""

    def __init__(self, clock: Clock, *, report: ReportLimit = report_nothing) -> None:
        self._clock = clock
        self._report = report
        self._limiters: dict[PanelId, tuple[str, Limiter]] = {}

    def of(self, panel: Panel) -> Limiter:
        """Return the one limiter of *panel*, a new one once it has another address."""
        held = self._limiters.get(panel.id)
        if held is None or held[0] != panel.base_url:
            held = panel.base_url, Limiter(panel, self._clock, self._report)
            self._limiters[panel.id] = held
        held[1].allow(panel.budget.in_flight)
        return held[1]
