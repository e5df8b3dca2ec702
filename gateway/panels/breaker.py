"""Leaving a panel alone that does not answer, or that has shut us out.

Closed: calls go out. Open: every call is refused at once and nothing is sent, for a pause that
grows, up to a bound, with each time the panel was still not well. Then one call, whichever comes
first, goes out while the others are still refused: an answer closes the breaker at once.

What opens it, and as what it is told (`BreakerState.reason`):
- `unreachable`, `tls_failed`, `timed_out`: several attempts in a row without any answer.
- `suspected_ban`: the same, all of them time-outs on connect, of a panel that has worked: a panel
  bans by dropping packets. The pauses are longer, since a ban does not end soon.
- `ip_refused`, `key_wrong`, `redirected`: one answer is enough, for it is definite. Calls are then
  refused with the error that such an answer is: PanelMisconfigured, for changes too.

A connection that breaks off, and a time-out of a caller in a hurry, count neither way. A change of
the panel's address, key or TLS starts anew. The state is this process's own: others find out by
themselves, at the cost of a few attempts each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

import structlog

from gateway.domain.errors import PanelError, PanelMisconfigured, PanelUnavailable
from gateway.domain.ids import PanelId
from gateway.domain.panels import Panel
from gateway.panels.dialect import Reason
from gateway.services.ports.system import Clock

#: Attempts in a row without an answer that open a breaker.
FAILURES: Final = 3
#: A time-out counts only if the panel was given so many seconds to accept, or to answer.
CONNECT_FAIR_SECONDS: Final = 2.0
ANSWER_FAIR_SECONDS: Final = 5.0

SUSPECTED_BAN: Final = "suspected_ban"

_log: Final = structlog.get_logger("gateway.panels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """Seconds that a breaker stays open: the first pause, doubled each time up to the longest.

    A panel that was away is to be found again soon after it is back, and a call in ten seconds
    harms none. One that refuses us is not mended by waiting, and a ban may grow with each try.
    """

    first: float = 2.0
    longest: float = 10.0
    refused_longest: float = 60.0
    ban_first: float = 30.0
    ban_longest: float = 300.0

    def after(self, times: int, reason: str) -> float:
        """Return the pause after a panel was found unwell *times* times, from 1."""
        first, longest = self.first, self.longest
        if reason == SUSPECTED_BAN:
            first, longest = self.ban_first, self.ban_longest
        elif reason in _SHUT_OUT:
            longest = self.refused_longest
        return float(min(longest, first * 2 ** min(times - 1, 30)))


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerState:
    """Where a breaker stands, for readiness and metrics. `reason` and `since`: while open."""

    panel_id: PanelId
    is_open: bool
    reason: str | None
    since: datetime | None
    retry_after_seconds: int | None


#: Told whenever a breaker is made, opens for another reason, or closes.
ReportState: TypeAlias = Callable[[BreakerState], None]


def report_nothing(_state: BreakerState) -> None:
    """Tell nobody."""


class Breaker:
    """The breaker of one panel at one address."""

    def __init__(
        self, panel_id: PanelId, clock: Clock, pauses: Pauses, report: ReportState
    ) -> None:
        self._panel_id = panel_id
        self._clock = clock
        self._pauses = pauses
        self._report = report
        self._failures = 0
        self._connects_timed_out = 0
        self._has_worked = False
        self._reason: str | None = None  # While open; the rest of this block too.
        self._since: datetime | None = None
        self._until = 0.0
        self._times = 0
        self._tries = 0  # Calls under way that were let in to try.
        self._tried_at = -math.inf

    @contextmanager
    def entry(self, *, is_change: bool = False) -> Iterator[Callable[[], None]]:
        """Let one call in; what is yielded checks again, for who had to wait for a turn.

        Raises:
            PanelUnavailable, PanelMisconfigured: the breaker is open; nothing may be sent.
        """
        is_try = self._let_in(is_change=is_change)

        def check_again() -> None:
            nonlocal is_try
            if not is_try:
                is_try = self._let_in(is_change=is_change)

        try:
            yield check_again
        finally:
            self._tries -= is_try

    def answered(self, shut_out: str | None) -> None:
        """Count an answer; *shut_out* names why it lets us do nothing."""
        self._failures = self._connects_timed_out = 0
        if shut_out is not None:
            self._unwell(shut_out)
            return
        self._has_worked = True
        if self._reason is not None:
            self._reason, self._since, self._times = None, None, 0
            _log.info("panel.breaker_closed", panel_id=self._panel_id)
            self._report(self.state())

    def failed(self, reason: Reason, seconds: float) -> None:
        """Count an attempt without an answer, for which there were *seconds*."""
        if not was_fair(reason, seconds):
            return
        self._failures += 1
        timed_out = reason is Reason.CONNECT_TIMED_OUT
        self._connects_timed_out = self._connects_timed_out + 1 if timed_out else 0
        is_try = self._reason is not None and self._tries
        if self._failures >= FAILURES or is_try:
            self._unwell(self._reason_of(reason))

    def state(self) -> BreakerState:
        """Return where it stands now."""
        is_open = self._reason is not None
        return BreakerState(
            panel_id=self._panel_id,
            is_open=is_open,
            reason=self._reason,
            since=self._since,
            retry_after_seconds=self._retry_after() if is_open else None,
        )

    def is_left_alone(self) -> bool:
        """Tell whether a read would be refused now because the panel does not answer.

        Not so where an operator may have to mend something: that is for a call to say.
        """
        is_silent = self._reason in _SILENT
        return is_silent and not self._may_try(is_change=False)

    def _reason_of(self, reason: Reason) -> str:
        if reason is not Reason.CONNECT_TIMED_OUT:
            return reason
        if self._reason == SUSPECTED_BAN:
            return SUSPECTED_BAN
        silent = self._has_worked and self._connects_timed_out >= FAILURES
        return SUSPECTED_BAN if silent else Reason.UNREACHABLE

    def _unwell(self, reason: str) -> None:
        was_open = self._reason is not None
        if was_open and not self._tries:
            return  # A call from before it opened; it says nothing new.
        self._times += 1
        pause = self._pauses.after(self._times, reason)
        self._until = self._clock.monotonic() + pause
        self._since = self._since or self._clock.now()
        if reason != self._reason:
            self._reason = reason
            _log.warning("panel.breaker_opened", panel_id=self._panel_id, reason=reason)
            self._report(self.state())

    def _let_in(self, *, is_change: bool) -> bool:
        """Let one call in, and tell whether it is a try.

        Raises:
            PanelUnavailable, PanelMisconfigured
        """
        if self._reason is None:
            return False
        if not self._may_try(is_change=is_change):
            raise self._refusal()
        self._tries += 1
        self._tried_at = self._clock.monotonic()
        return True

    def _may_try(self, *, is_change: bool) -> bool:
        """Tell whether one call may find out how the panel is.

        A try that takes long, of a panel that hangs, does not keep the next one waiting for more
        than a pause. Where the panel hangs, a change would be sent and its outcome be unknown: so
        it tries only where nobody reads for a pause more.
        """
        now, longest = self._clock.monotonic(), self._pauses.longest
        due = self._until
        if is_change and self._reason == Reason.TIMED_OUT:
            due += longest
        if self._tries:
            due = max(due, self._tried_at + longest)
        return now >= due

    def _refusal(self) -> PanelError:
        after = self._retry_after()
        if self._reason in _SHUT_OUT:
            refusal = PanelMisconfigured(_SHUT_OUT[self._reason], retry_after_seconds=after)
            refusal.unsent = True
            return refusal
        return PanelUnavailable("The panel does not answer.", retry_after_seconds=after)

    def _retry_after(self) -> int:
        return max(1, math.ceil(self._until - self._clock.monotonic()))


class Breakers:
    """The breaker of each panel."""

    def __init__(
        self,
        clock: Clock,
        *,
        pauses: Pauses | None = None,
        report: ReportState = report_nothing,
    ) -> None:
        self._clock = clock
        self._pauses = pauses or Pauses()
        self._report = report
        self._breakers: dict[PanelId, tuple[object, Breaker]] = {}

    def of(self, panel: Panel) -> Breaker:
        """Return the one breaker of *panel*, a new one once it has another address or key."""
        place = (panel.dialect, panel.base_url, panel.api_pass, panel.tls)
        held = self._breakers.get(panel.id)
        if held is not None and held[0] == place:
            return held[1]
        breaker = Breaker(panel.id, self._clock, self._pauses, self._report)
        self._breakers[panel.id] = (place, breaker)
        self._report(breaker.state())  # It may take the place of an open one.
        return breaker

    def is_left_alone(self, panel_id: PanelId) -> bool:
        """Tell whether a panel does not answer, and is not to be tried yet."""
        held = self._breakers.get(panel_id)
        return held is not None and held[1].is_left_alone()

    def states(self) -> tuple[BreakerState, ...]:
        """Return where each breaker stands, of the panels called since the start."""
        return tuple(breaker.state() for _place, breaker in self._breakers.values())


_SILENT: Final = frozenset({Reason.UNREACHABLE, Reason.TLS_FAILED, Reason.TIMED_OUT})
_SHUT_OUT: Final[dict[str | None, str]] = {
    "ip_refused": "The panel refuses the gateway's address.",
    "key_wrong": "The panel refuses the gateway's key.",
    "redirected": "The panel's address answers with a redirect.",
}


def was_fair(reason: Reason, seconds: float) -> bool:
    """Tell whether an attempt without an answer, for which there were *seconds*, says anything."""
    match reason:
        case Reason.BROKEN_OFF:
            return False
        case Reason.CONNECT_TIMED_OUT:
            return seconds >= CONNECT_FAIR_SECONDS
        case Reason.TIMED_OUT:
            return seconds >= ANSWER_FAIR_SECONDS
        case Reason.UNREACHABLE | Reason.TLS_FAILED:
            return True
