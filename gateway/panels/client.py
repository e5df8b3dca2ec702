"""The Panels port: what each call is, how often it is tried, and what its end means.

A change is sent at most once. A read is repeated a few times within the caller's time. The loop is
our own, because it runs on the injected clock and takes a turn of the budget each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from gateway.domain.calls import ChangeCall, ChangeResult, ReadCall, ReadResult
from gateway.domain.errors import (
    PanelOutcomeUnknown,
    PanelUnavailable,
    PanelUnsupported,
)
from gateway.domain.ids import PanelId
from gateway.domain.panels import Panel, Probe, ProbeWarning
from gateway.domain.secrets import MASK
from gateway.panels.breaker import Breakers
from gateway.panels.dialect import Answer, Ask, Dialect, Findings, Form, TransportFault, Verb
from gateway.panels.exchange import (
    LEAST_SECONDS,
    Exchange,
    ReportCall,
    ReportShed,
    Sending,
    report_no_shed,
    report_nothing,
)
from gateway.panels.limiter import Limiters
from gateway.panels.pacing import Budgets
from gateway.panels.queueing import Priority
from gateway.panels.registry import known_dialects, verb_for
from gateway.panels.retrying import RetryBudgets
from gateway.panels.transport import Transport
from gateway.services.ports.panels import PanelCall, SendingToken
from gateway.services.ports.system import Clock, Random

__all__ = ["HttpPanels", "ReportCall"]

#: Times that a read is sent at most.
READ_ATTEMPTS: Final = 3
#: Seconds before a read is repeated: doubling, stretched by up to as much again.
READ_PAUSE_SECONDS: Final = 0.25
#: The same, at least, when the panel answered, but not well: it may count us per second.
ANSWERED_PAUSE_SECONDS: Final = 1.0
#: A change starts only while this part of its time is left: sent with less, its answer would come
#: too late, and what could have been refused would be unknown.
CHANGE_LEAST_SHARE: Final = 0.25
#: Seconds that each of a probe's few calls may take, with the wait for its turn.
PROBE_CALL_SECONDS: Final = 15.0
#: What a caller is told to wait when a panel cannot be reached.
UNREACHABLE_PAUSE_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class _Failed:
    """A read that may come good, and the seconds to leave the panel alone at least."""

    error: PanelUnavailable
    pause: float


class HttpPanels:
    """All panels over HTTP, each in its dialect and within its budget. Implements `Panels`."""

    def __init__(  # noqa: PLR0913 - each guards a panel in its way
        self,
        *,
        transport: Transport,
        budgets: Budgets,
        clock: Clock,
        random: Random,
        report: ReportCall = report_nothing,
        report_shed: ReportShed = report_no_shed,
        breakers: Breakers | None = None,
        limiters: Limiters | None = None,
        retries: RetryBudgets | None = None,
    ) -> None:
        self._breakers = breakers or Breakers(clock)
        self._exchange = Exchange(
            transport=transport,
            budgets=budgets,
            breakers=self._breakers,
            limiters=limiters or Limiters(clock),
            clock=clock,
            report=report,
            report_shed=report_shed,
        )
        self._retries = retries or RetryBudgets(clock)
        self._clock = clock
        self._random = random
        self._dialects = known_dialects()

    async def read(
        self, panel: Panel, call: ReadCall, *, timeout_seconds: float, is_background: bool = False
    ) -> ReadResult:
        """Ask up to READ_ATTEMPTS times within *timeout_seconds*, waits for turns included.

        All reads of a panel share what may be repeated: see `retrying.py`.

        *is_background*: nobody waits for the answer, so others go first.

        Raises:
            PanelUnavailable, PanelMisconfigured, PanelLineGated, PanelUnsupported: see the port.
            PanelRefusedValues: the panel would look for other values than these; not sent.
        """
        deadline = self._clock.monotonic() + timeout_seconds
        verb, sending = self._prepared(panel, call)
        priority = Priority.BACKGROUND if is_background else Priority.READ
        retries, attempt = self._retries.of(panel), 1
        while True:
            async with self._exchange.turn(panel, deadline, priority):
                if attempt == 1:
                    retries.read()
                result = await self._asked(sending, verb, call, deadline, attempt)
            if not isinstance(result, _Failed):
                return result
            pause = max(result.pause, self._backoff_seconds(attempt))
            starts_at = self._clock.monotonic() + pause
            if attempt == READ_ATTEMPTS or starts_at >= deadline - LEAST_SECONDS:
                raise result.error
            if not retries.take():
                raise result.error
            await self._clock.sleep(pause)
            attempt += 1

    async def change(
        self,
        panel: Panel,
        call: ChangeCall,
        token: SendingToken,
        *,
        timeout_seconds: float,
        is_background: bool = False,
    ) -> ChangeResult:
        """Send once, and answer within *timeout_seconds*, the wait for a turn included.

        A turn that comes when too little of that is left is not taken: nothing is sent then.

        *is_background*: nobody waits for the answer, so others go first.

        Raises:
            PanelRefusedValues: the panel refused, or would change, a value; also raised before
                anything is sent.
            PanelUnavailable, PanelMisconfigured, PanelLineGated, PanelOutcomeUnknown,
            PanelUnsupported: see the port.
        """
        deadline = self._clock.monotonic() + timeout_seconds
        verb, sending = self._prepared(panel, call, token)
        priority = Priority.BACKGROUND if is_background else Priority.CHANGE
        least = max(LEAST_SECONDS, timeout_seconds * CHANGE_LEAST_SHARE)
        turn = self._exchange.turn(panel, deadline, priority, is_change=True, least_seconds=least)
        async with turn:
            try:
                result: ChangeResult = await self._exchange.once(
                    sending, deadline, token.attempt, lambda answer: verb.decode(answer, call)
                )
            except TransportFault as fault:
                if fault.sent:
                    raise PanelOutcomeUnknown("The change was sent; no answer came.") from fault
                raise _not_reached(fault) from fault
        return result

    def dialects(self) -> tuple[str, ...]:
        """Return the names of the dialects that can be spoken."""
        return tuple(sorted(self._dialects))

    def is_left_alone(self, panel_id: PanelId) -> bool:
        """Tell whether the circuit is open and not to be tried yet: see the port."""
        return self._breakers.is_left_alone(panel_id)

    def preview(self, panel: Panel, call: ChangeCall) -> PanelCall:
        """Encode and show: see the port."""
        _verb, sending = self._prepared(panel, call)
        request = sending.request()
        form = dict(sending.form) | ({} if panel.api_pass is None else {"api_pass": MASK})
        return PanelCall(
            method="POST",
            path=request.path,
            query=request.query,
            form={name: MASK if "password" in name else text for name, text in form.items()},
        )

    def check(self, panel: Panel, call: ChangeCall) -> None:
        """Encode and throw away: see the port."""
        self._prepared(panel, call)

    async def probe(self, panel: Panel) -> Probe:
        """Find out by reads only what the panel is and whether it lets us in; never raises."""
        dialect = self._dialects.get(panel.dialect)
        if dialect is None:
            unknown = ProbeWarning(
                code="dialect_unknown", detail="The gateway has no such dialect."
            )
            findings = Findings(reachable=False, warnings=(unknown,))
        else:
            findings = await dialect.probe(self._asker(panel, dialect), panel)
        return Probe(
            reachable=findings.reachable,
            dialect=findings.dialect,
            firewall=findings.firewall,
            credits=findings.credits,
            warnings=findings.warnings,
            checked_at=self._clock.now(),
        )

    def _asker(self, panel: Panel, dialect: Dialect) -> Ask:
        async def ask(action: str, sub: str, form: Form) -> Answer:
            deadline = self._clock.monotonic() + PROBE_CALL_SECONDS
            sending = Sending(panel, dialect, action, sub, form)
            async with self._exchange.turn_to_probe(panel, deadline):
                return await self._exchange.once(sending, deadline, 1, lambda answer: answer)

        return ask

    def _prepared(
        self, panel: Panel, call: object, token: SendingToken | None = None
    ) -> tuple[Verb[Any, Any], Sending]:
        dialect = self._dialects.get(panel.dialect)
        if dialect is None:
            raise PanelUnsupported("The gateway does not speak this panel's dialect.")
        verb = verb_for(dialect, call)
        form = verb.encode(call, panel)
        operation_id = None if token is None else token.operation_id
        most = verb.answer_bytes_max
        return verb, Sending(panel, dialect, verb.action, verb.sub, form, operation_id, most)

    async def _asked(
        self,
        sending: Sending,
        verb: Verb[Any, ReadResult],
        call: ReadCall,
        deadline: float,
        attempt: int,
    ) -> ReadResult | _Failed:
        """Return the result of one attempt, or _Failed if another one may bring more."""
        try:
            return await self._exchange.once(
                sending, deadline, attempt, lambda answer: verb.decode(answer, call)
            )
        except TransportFault as fault:
            return _Failed(_not_reached(fault), pause=0.0)
        except PanelUnavailable as error:
            return _Failed(error, pause=ANSWERED_PAUSE_SECONDS)

    def _backoff_seconds(self, attempt: int) -> float:
        return float(READ_PAUSE_SECONDS * 2 ** (attempt - 1) * (1 + self._random.uniform()))


def _not_reached(fault: TransportFault) -> PanelUnavailable:
    detail = "The panel did not answer." if fault.sent else "The panel could not be reached."
    return PanelUnavailable(detail, retry_after_seconds=UNREACHABLE_PAUSE_SECONDS)
