"""One call to a panel: through its breaker, in its turn, sent once, decoded, logged.

Nothing here is repeated. What an answer or its absence means for the caller, `client.py` says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, TypeVar

import structlog

from gateway.domain.errors import GatewayError, PanelOutcomeUnknown, PanelUnavailable
from gateway.domain.panels import Panel
from gateway.panels.breaker import Breakers, was_fair
from gateway.panels.dialect import (
    ANSWER_BYTES_MAX,
    Answer,
    Dialect,
    Form,
    Reason,
    Request,
    TransportFault,
)
from gateway.panels.limiter import Limiter, Limiters
from gateway.panels.pacing import Budget, Budgets
from gateway.panels.queueing import Priority
from gateway.panels.transport import Transport
from gateway.services.ports.system import Clock

#: Told of every call that was made: panel id, `action.sub`, outcome, seconds.
ReportCall: TypeAlias = Callable[[str, str, str, float], None]
#: Told of every call that was not made, for no turn came in time: panel id, priority.
ReportShed: TypeAlias = Callable[[str, str], None]

#: No call starts with less time left: nothing good can come of it.
LEAST_SECONDS: Final = 0.05

ResultT = TypeVar("ResultT")

_log: Final = structlog.get_logger("gateway.panels")


def report_nothing(_panel_id: str, _action: str, _outcome: str, _seconds: float) -> None:
    """Tell nobody."""


def report_no_shed(_panel_id: str, _priority: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Sending:
    """One call on its way to one panel."""

    panel: Panel
    dialect: Dialect
    action: str
    sub: str
    form: Form = field(repr=False)
    operation_id: str | None = None
    answer_bytes_max: int = ANSWER_BYTES_MAX

    def request(self) -> Request:
        """Return what travels."""
        made = self.dialect.request(self.panel, self.action, self.sub, self.form)
        return replace(made, answer_bytes_max=self.answer_bytes_max)

    def texts(self) -> tuple[str, ...]:
        """Return every value that is sent, to be masked in what the panel says."""
        key = self.panel.api_pass
        values = tuple(value for _name, value in self.form)
        return values if key is None else (*values, key.reveal())


class Exchange:
    """Makes calls to all panels."""

    def __init__(
        self,
        *,
        transport: Transport,
        budgets: Budgets,
        breakers: Breakers,
        limiters: Limiters,
        clock: Clock,
        report: ReportCall,
        report_shed: ReportShed = report_no_shed,
    ) -> None:
        self._transport = transport
        self._budgets = budgets
        self._breakers = breakers
        self._limiters = limiters
        self._clock = clock
        self._report = report
        self._report_shed = report_shed

    @asynccontextmanager
    async def turn(
        self,
        panel: Panel,
        deadline: float,
        priority: Priority,
        *,
        is_change: bool = False,
        least_seconds: float = LEAST_SECONDS,
    ) -> AsyncIterator[None]:
        """Wait for a turn and hold it for the length of one call.

        *least_seconds*: what must be left until *deadline* when the call starts.

        Raises:
            PanelUnavailable: none comes in time, too many wait, or the breaker is open.
            PanelMisconfigured: the breaker is open, because the panel shut us out.
        """
        entry = self._breakers.of(panel).entry(is_change=is_change)
        with entry as check_again:
            async with self._paced(panel, deadline - least_seconds, priority):
                check_again()
                yield

    @asynccontextmanager
    async def turn_to_probe(self, panel: Panel, deadline: float) -> AsyncIterator[None]:
        """Wait for a turn for an operator who wants to know now, whatever the breaker says.

        Raises:
            PanelUnavailable: none comes before *deadline*.
        """
        async with self._paced(panel, deadline - LEAST_SECONDS, Priority.READ):
            yield

    @asynccontextmanager
    async def _paced(self, panel: Panel, latest: float, priority: Priority) -> AsyncIterator[None]:
        """Wait for a turn until *latest* and hold it.

        Raises:
            PanelUnavailable: no call may start.
        """
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._budget(panel).turn(latest, priority))
                self._refuse_if_past(latest)
            except PanelUnavailable:
                self._report_shed(panel.id, priority.name.lower())
                raise
            yield

    def _refuse_if_past(self, latest: float) -> None:
        if self._clock.monotonic() > latest:
            raise PanelUnavailable("Too little time was left to ask the panel.")

    def _budget(self, panel: Panel) -> Budget:
        """Return the panel's budget, with as many calls at once as the panel can take now."""
        most = self._limiters.of(panel).calls_at_once
        if most != panel.budget.in_flight:
            panel = replace(panel, budget=replace(panel.budget, in_flight=most))
        return self._budgets.of(panel)

    async def once(
        self, sending: Sending, deadline: float, attempt: int, decode: Callable[[Answer], ResultT]
    ) -> ResultT:
        """Send, decode and log once, in a turn. Raises TransportFault, and what *decode* raises."""
        panel, started = sending.panel, self._clock.monotonic()
        breaker, given = self._breakers.of(panel), deadline - started
        learn = _Lesson(self._limiters.of(panel), f"{sending.action}.{sending.sub}", started)
        outcome, reason = "cancelled", ""
        try:
            answer = await self._transport.send(panel, sending.request(), timeout_seconds=given)
            outcome, reason = "internal_error", ""
            large = len(answer.body) > ANSWER_BYTES_MAX
            result = await asyncio.to_thread(decode, answer) if large else decode(answer)
            outcome, reason = "answered", type(result).__name__
            # A decoded result is no refusal; a probe takes the answer as it came.
            breaker.answered(sending.dialect.shut_out(answer) if result is answer else None)
            learn.answered()
        except TransportFault as fault:
            outcome, reason = ("maybe_sent" if fault.sent else "not_sent"), fault.reason
            breaker.failed(fault.reason, given)
            learn.no_answer(fault.reason, given)
            raise
        except GatewayError as error:
            outcome, reason = error.code, sending.dialect.reason(answer, sending.texts())
            breaker.answered(sending.dialect.shut_out(answer))
            learn.refused(error)
            raise
        finally:
            self._budget(panel)  # What was learnt holds for those who wait, too.
            seconds = self._clock.monotonic() - started
            self._report(panel.id, f"{sending.action}.{sending.sub}", outcome, seconds)
            _log.info(
                "panel.called",
                panel_id=panel.id,
                action=sending.action,
                sub=sending.sub,
                outcome=outcome,
                reason=reason,
                attempt=attempt,
                operation_id=sending.operation_id,
                milliseconds=round(seconds * 1000),
            )
        return result


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What a limiter learns from one call."""

    limiter: Limiter
    action: str
    began: float

    def answered(self) -> None:
        self.limiter.answered(self.action, self.began)

    def refused(self, error: GatewayError) -> None:
        """An answer that no decision can be based on says that the panel is in trouble."""
        if isinstance(error, PanelUnavailable | PanelOutcomeUnknown):
            self.limiter.failed(self.began)
        else:
            self.answered()

    def no_answer(self, reason: Reason, given: float) -> None:
        if reason is Reason.BROKEN_OFF or was_fair(reason, given):
            self.limiter.failed(self.began)
        else:
            self.limiter.gave_up(self.action, self.began)
