"""The simulated panel as one object: a request in, an answer out, no socket needed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from gateway.simulator import verdict
from gateway.simulator.clock import Clock
from gateway.simulator.faults import Faults, Rule
from gateway.simulator.ledger import Ledger, Record, shown
from gateway.simulator.messages import PanelAnswer, PanelRequest, nothing_served, web_page
from gateway.simulator.pipeline import Run
from gateway.simulator.state import StateFile
from gateway.simulator.switches import Switches
from gateway.simulator.tables import Tables
from gateway.simulator.world import World

SCRIPT: Final = "/api.php"


class SimulatedPanel:
    """A panel for tests in the same process, and what the server serves."""

    def __init__(
        self,
        *,
        switches: Switches | None = None,
        seed: int = 0,
        clock: Clock | None = None,
        state: StateFile | None = None,
    ) -> None:
        self.world: Final = World(switches=switches, seed=seed, clock=clock, state=state)
        self._active = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._background: set[asyncio.Task[None]] = set()
        self._asked: dict[int, Record] = {}

    @property
    def tables(self) -> Tables:
        """The database."""
        return self.world.tables

    @property
    def ledger(self) -> Ledger:
        """What was asked, changed and answered."""
        return self.world.ledger

    @property
    def faults(self) -> Faults:
        """The fault rules in force."""
        return self.world.faults

    @property
    def clock(self) -> Clock:
        """The panel's time."""
        return self.world.clock

    @property
    def switches(self) -> Switches:
        """The switches as last set; assign to change them."""
        return self.world.wanted

    @switches.setter
    def switches(self, switches: Switches) -> None:
        self.world.set_switches(switches)

    async def handle(self, request: PanelRequest) -> PanelAnswer:
        """Answer one request. Without a socket, late work goes on in the background."""
        if self.cut_short(request) is not None:
            return PanelAnswer(0, lost=True, reset_after=0)
        answer = await self.prepare(request)
        self.finish(answer, len(answer.body) if answer.is_sent else 0)
        return answer

    def cut_short(self, request: PanelRequest) -> Rule | None:
        """Return the rule that breaks a request off while it is being read, and note it."""
        if not self.faults.rules:
            return None
        record = self._record(request)
        rule = self.faults.pick(Run(self.world, request, record).facts(), "reading")
        if rule is not None:
            self.ledger.open(record)
            record.fault, record.fault_id = rule.form.fault, rule.id
            record.step, record.matched = "read", True
            record.note_gone(self.clock.now())
            self.ledger.close(record)
            self.world.commit(record)
        return rule

    async def prepare(self, request: PanelRequest) -> PanelAnswer:
        """Work out the answer; whoever sends it must call `finish` then, once."""
        record = self._record(request)
        self.world.next_caller = None
        self.ledger.open(record)
        self._enter()
        self._asked[id(request)] = record
        try:
            run = Run(self.world, request, record)
            answer = await self._answer(run, request)
            await run.steps.pause("send")
        except BaseException:
            self._leave()
            raise
        finally:
            del self._asked[id(request)]
        if not record.brought_ban and self._is_banned(record):
            answer.silent = True  # A packet filter stops answers too.
        self._note(run, answer)
        return answer

    def finish(self, answer: PanelAnswer, sent: int, *, gone: bool = False) -> None:
        """Note how much of an answer really left, and begin what comes after it."""
        record = answer.record
        if record is not None:
            if record.sent_bytes != sent or record.ended is None:
                record.sent_bytes = sent
                self.ledger.close(record)
                self.world.commit(record)
            if gone:
                self._note_gone(record)
            if answer.afterwards is not None:
                self._spawn(answer.afterwards(), record)
        self._leave()

    def hung_up(self, request: PanelRequest) -> None:
        """Note that the caller of a request being worked on has gone away."""
        record = self._asked.get(id(request))
        if record is not None and record.gone_at is None:
            self._note_gone(record)

    @property
    def may_linger(self) -> bool:
        """Whether a request can take so long that its caller may go away meanwhile."""
        world, switches = self.world, self.switches
        return bool(
            world.faults.rules
            or world.pause_at
            or switches.flood
            or switches.workers is not None
            or switches.latency.base
            or switches.latency.spread
            or world.bans.all()
            or self.clock.now() < world.locked_until
        )

    async def wait_idle(self) -> None:
        """Wait until no request is being worked on, late work included."""
        await self._idle.wait()

    @property
    def active(self) -> int:
        """How many requests are being worked on."""
        return self._active

    async def close(self) -> None:
        """Drop late work and close the state file."""
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.world.close()

    def is_banned(self, caller: str) -> bool:
        """Tell whether the panel answers *caller* no more."""
        return self.world.bans.of(caller, self.clock.now()) is not None

    def _is_banned(self, record: Record) -> bool:
        return self.is_banned(record.caller)

    def _record(self, request: PanelRequest) -> Record:
        return Record(
            seq=self.ledger.next_seq,
            at=self.clock.now(),
            caller=self.world.next_caller or request.caller,
            port=request.port,
            method=request.method,
            query=shown(request.query.encode("utf-8", "surrogateescape")),
            body=shown(request.body),
            profile=self.switches.profile,
        )

    async def _answer(self, run: Run, request: PanelRequest) -> PanelAnswer:
        record = run.record
        if self._is_banned(record):
            record.banned = True
            return PanelAnswer(0, silent=True)
        if self.faults.rules:
            run.apply(self.faults.pick(run.facts(), "early"))
        await run.steps.pause("accept")
        page = _web_page(request)
        if page is not None:
            return page
        await run.steps.pause("rate_limit")
        limit, now = self.switches.rate_limit, self.clock.now()
        if self.world.limiter.refuses(record.caller, limit, now):
            return web_page(503)
        await run.steps.pause("read")
        await run.steps.pause("parse")
        if self.switches.php == "down":
            return web_page(502)
        async with self.world.workers.one():
            latency = self.switches.latency
            if latency.base or latency.spread:
                await self.clock.sleep(latency.drawn(run.random))
            return await run.answer()

    def _note(self, run: Run, answer: PanelAnswer) -> None:
        record = run.record
        answer.record = record
        if answer.is_sent:
            record.status = answer.status
            record.sent_bytes = len(answer.body)
            record.answer = shown(answer.body)
            record.answered_at = self.clock.now()
        record.matched = verdict.is_true(record, answer, claims_success=run.claims_success)
        if answer.drip is None:
            self.ledger.close(record)
        self.world.commit(record)

    def _note_gone(self, record: Record) -> None:
        record.note_gone(self.clock.now())
        record.matched = not verdict.has_effect(record)
        self.ledger.close(record)
        self.world.commit(record)

    def _spawn(self, work: Coroutine[Any, Any, None], record: Record) -> None:
        async def late() -> None:
            try:
                await work
                record.matched = not verdict.has_effect(record)
                self.world.commit(record)
            finally:
                self._leave()

        self._enter()
        task = asyncio.get_running_loop().create_task(late())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _enter(self) -> None:
        self._active += 1
        self._idle.clear()

    def _leave(self) -> None:
        self._active -= 1
        if not self._active:
            self._idle.set()


def _web_page(request: PanelRequest) -> PanelAnswer | None:
    """Return what the web server answers on its own, whatever its limits."""
    if request.method not in ("GET", "POST"):
        return nothing_served()
    if request.too_large:
        return web_page(413)
    return web_page(404) if request.path != SCRIPT else None
