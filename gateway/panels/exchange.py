"""One call to a panel: through its breaker, in its turn, sent once, decoded, logged.

Nothing here is repeated. What an answer or its absence means for the caller, `client.py` says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, TypeVar

import structlog

from gateway.domain.errors import GatewayError
from gateway.domain.panels import Panel
from gateway.panels.breaker import Breakers
from gateway.panels.dialect import (
    ANSWER_BYTES_MAX,
    Answer,
    Dialect,
    Form,
    Request,
    TransportFault,
)
from gateway.panels.pacing import Budgets
from gateway.panels.queueing import Priority
from gateway.panels.transport import Transport
from gateway.services.ports.system import Clock

#: Told of every call that was made: panel id, `action.sub`, outcome, seconds.
ReportCall: TypeAlias = Callable[[str, str, str, float], None]

ResultT = TypeVar("ResultT")

_log: Final = structlog.get_logger("gateway.panels")


def report_nothing(_panel_id: str, _action: str, _outcome: str, _seconds: float) -> None:
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
        clock: Clock,
        report: ReportCall,
    ) -> None:
        self._transport = transport
        self._budgets = budgets
        self._breakers = breakers
        self._clock = clock
        self._report = report

    @asynccontextmanager
    async def turn(self, panel: Panel, deadline: float, priority: Priority) -> AsyncIterator[None]:
        """Wait for a turn and hold it for the length of one call.

        Raises:
            PanelUnavailable: none comes before *deadline*, or the breaker is open.
            PanelMisconfigured: the breaker is open, because the panel shut us out.
        """
        with self._breakers.of(panel).entry() as check_again:
            async with self._budgets.of(panel).turn(deadline, priority):
                check_again()
                yield

    @asynccontextmanager
    async def turn_to_probe(self, panel: Panel, deadline: float) -> AsyncIterator[None]:
        """Wait for a turn for an operator who wants to know now, whatever the breaker says.

        Raises:
            PanelUnavailable: none comes before *deadline*.
        """
        async with self._budgets.of(panel).turn(deadline, Priority.READ):
            yield

    async def once(
        self, sending: Sending, deadline: float, attempt: int, decode: Callable[[Answer], ResultT]
    ) -> ResultT:
        """Send, decode and log once, in a turn. Raises TransportFault, and what *decode* raises."""
        panel, started = sending.panel, self._clock.monotonic()
        breaker, given = self._breakers.of(panel), deadline - started
        outcome, reason = "cancelled", ""
        try:
            answer = await self._transport.send(panel, sending.request(), timeout_seconds=given)
            outcome, reason = "internal_error", ""
            large = len(answer.body) > ANSWER_BYTES_MAX
            result = await asyncio.to_thread(decode, answer) if large else decode(answer)
            outcome, reason = "answered", type(result).__name__
            # A decoded result is no refusal; a probe takes the answer as it came.
            breaker.answered(sending.dialect.shut_out(answer) if result is answer else None)
        except TransportFault as fault:
            outcome, reason = ("maybe_sent" if fault.sent else "not_sent"), fault.reason
            breaker.failed(fault.reason, given)
            raise
        except GatewayError as error:
            outcome, reason = error.code, sending.dialect.reason(answer, sending.texts())
            breaker.answered(sending.dialect.shut_out(answer))
            raise
        finally:
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
