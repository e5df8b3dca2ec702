"""How often the reads of a panel may be repeated: a budget, so that trouble stays small.

Each read may be repeated twice. That is right for one that met a moment's trouble, and wrong when
all of them fail: three times the calls is what a panel in trouble needs least. So repeating costs,
and what it costs has to be earned: a tenth by every read, and some as time goes by, so that a panel
that is seldom asked has its reads repeated too.

In each process by itself. Over ten seconds or more, repeats are at most a tenth of the reads and
ten a second; of a panel whose budget is small, a fifth of that budget in place of the ten.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from gateway.domain.ids import PanelId
from gateway.domain.panels import Panel
from gateway.services.ports.system import Clock

#: Repeats that each read earns.
EARNED_BY_READ: Final = 0.1
#: Repeats earned a second at most, with a full bucket below ten a second over ten seconds.
EARNED_A_SECOND: Final = 9.0
#: The same as a part of the panel's calls per second.
SHARE_OF_BUDGET: Final = 0.2
#: Repeats that can be saved up: at least those of one read, and a second's worth.
SAVED_MIN: Final = 2.0
SAVED_MAX: Final = 10.0
#: What ten tenths may lack of one.
ROUNDING: Final = 1e-9

#: Told of every read that could be repeated: panel id, whether it is.
ReportRetry: TypeAlias = Callable[[str, bool], None]


def report_nothing(_panel_id: str, _granted: bool) -> None:  # noqa: FBT001 - told by position
    """Tell nobody."""


class RetryBudget:
    """The repeats that one panel's reads have earned."""

    def __init__(self, panel: Panel, clock: Clock, report: ReportRetry) -> None:
        self._panel_id = panel.id
        self._clock = clock
        self._report = report
        self.set_rate(panel.budget.calls_per_second)
        self._saved = self._saved_max
        self._filled_at = clock.monotonic()

    def set_rate(self, calls_per_second: float) -> None:
        """Take the panel's present budget."""
        self._a_second = min(EARNED_A_SECOND, SHARE_OF_BUDGET * calls_per_second)
        self._saved_max = min(SAVED_MAX, max(SAVED_MIN, self._a_second))

    def read(self) -> None:
        """Count a read that is sent for the first time."""
        self._earn(EARNED_BY_READ)

    def take(self) -> bool:
        """Tell whether a read may be repeated, and count that it is."""
        self._earn(0.0)
        is_granted = self._saved >= 1 - ROUNDING
        if is_granted:
            self._saved -= 1
        self._report(self._panel_id, is_granted)
        return is_granted

    def _earn(self, repeats: float) -> None:
        now = self._clock.monotonic()
        repeats += (now - self._filled_at) * self._a_second
        self._saved = min(self._saved_max, self._saved + repeats)
        self._filled_at = now


class RetryBudgets:
    """The retry budget of each panel."""

    def __init__(self, clock: Clock, *, report: ReportRetry = report_nothing) -> None:
        self._clock = clock
        self._report = report
        self._budgets: dict[PanelId, RetryBudget] = {}

    def of(self, panel: Panel) -> RetryBudget:
        """Return the one retry budget of *panel*."""
        budget = self._budgets.get(panel.id)
        if budget is None:
            budget = self._budgets[panel.id] = RetryBudget(panel, self._clock, self._report)
        budget.set_rate(panel.budget.calls_per_second)
        return budget
