"""A panel in place of the transport, on a virtual clock: what it does, and what was sent to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from structlog.testing import capture_logs

from gateway.domain.panels import Budget, Panel
from gateway.panels.breaker import Breakers, Pauses
from gateway.panels.client import HttpPanels
from gateway.panels.dialect import Answer, Reason, Request, TransportFault
from gateway.panels.limiter import Limiters
from gateway.panels.pacing import LocalBudgets
from gateway.panels.retrying import RetryBudgets
from gateway.panels.transport import Transport
from tests.panels.makers import NoChance, VirtualClock, a_panel, an_answer

NOT_EXISTS = an_answer('{"result":false,"error":"NOT EXISTS"}')
CREATED = an_answer('{"result":true,"created_id":14,"username":"bob","password":"pw1"}')
BUSY = an_answer("<html></html>", status=503)

Behaviour = Callable[[Request], Awaitable[Answer]]


class StandIn(Transport):
    """Answers as `behaviour` does, and keeps when each call was sent and how long it could take."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(AsyncExitStack())
        self.clock = clock
        self.behaviour: Behaviour = self.answers()
        self.sent: list[float] = []
        self.given: list[float] = []
        self.at_once = 0
        self.most_at_once = 0

    async def send(self, panel: Panel, request: Request, *, timeout_seconds: float) -> Answer:
        self.sent.append(self.clock.monotonic())
        self.given.append(timeout_seconds)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._within(request, timeout_seconds)
        finally:
            self.at_once -= 1

    async def _within(self, request: Request, seconds: float) -> Answer:
        answering = asyncio.ensure_future(self.behaviour(request))
        alarm = asyncio.ensure_future(self.clock.sleep(seconds))
        try:
            await asyncio.wait({answering, alarm}, return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                return answering.result()
        finally:
            answering.cancel()
            alarm.cancel()
        raise TransportFault(Reason.TIMED_OUT, sent=True)

    def sends_between(self, begin: float, end: float) -> int:
        return sum(begin <= moment < end for moment in self.sent)

    # --- behaviours ---------------------------------------------------------------------------

    def answers(self, answer: Answer | None = None, *, after: float = 0.02) -> Behaviour:
        """Answer after so long: always the same, or as a panel without lines that makes any."""

        async def behave(request: Request) -> Answer:
            await self.clock.sleep(after)
            return answer or _usual(request)

        return behave

    def crowded(self, *, capacity: int, quick: float, slow: float) -> Behaviour:
        """Answer quickly up to so many calls at once, and slowly beyond."""

        async def behave(request: Request) -> Answer:
            await self.clock.sleep(quick if self.at_once <= capacity else slow)
            return _usual(request)

        return behave

    def fails(self, reason: Reason, *, sent: bool = False, after: float = 0.0) -> Behaviour:
        async def behave(_request: Request) -> Answer:
            await self.clock.sleep(after)
            raise TransportFault(reason, sent=sent)

        return behave

    def hangs(self) -> Behaviour:
        return self.answers(after=1e6)


def _usual(request: Request) -> Answer:
    return CREATED if "sub=create" in request.query else NOT_EXISTS


@dataclass
class Bench:
    """A panel port whose panel is a stand-in, and what it tells."""

    clock: VirtualClock
    stand_in: StandIn
    panel: Panel
    budget: Budget
    port: HttpPanels = field(init=False)
    limits: list[int] = field(default_factory=list)
    retries: list[bool] = field(default_factory=list)
    shed: list[str] = field(default_factory=list)
    called: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        clock = self.clock
        self.breakers = Breakers(clock, pauses=Pauses())
        self.limiters = Limiters(clock, report=lambda _panel, limit: self.limits.append(limit))
        self.port = HttpPanels(
            transport=self.stand_in,
            budgets=LocalBudgets(clock),
            clock=clock,
            random=NoChance(),
            report=lambda _panel, _action, outcome, _seconds: self.called.append(outcome),
            report_shed=lambda _panel, priority: self.shed.append(priority),
            breakers=self.breakers,
            limiters=self.limiters,
            retries=RetryBudgets(
                clock, report=lambda _panel, granted: self.retries.append(granted)
            ),
        )


@asynccontextmanager
async def a_bench(**budget: object) -> AsyncIterator[Bench]:
    """Yield a bench whose clock runs; *budget* changes the panel's generous one."""
    plenty = {"calls_per_second": 1000, "burst": 1000, "in_flight": 16, "flood_guard": None}
    limits = Budget(**{**plenty, **budget})  # type: ignore[arg-type]
    clock = VirtualClock()
    with capture_logs():  # Writing tens of thousands of lines takes longer than all else.
        async with clock.running():
            yield Bench(clock, StandIn(clock), a_panel(budget=limits), limits)
