"""The simulated panel as one object: a request in, an answer out, no socket needed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from gateway.simulator.clock import Clock
from gateway.simulator.faults import Faults
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
        self._workers: tuple[int, asyncio.Semaphore] | None = None

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
        """The switches in force; assign to change them."""
        return self.world.switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        self.world.set_switches(switches)

    async def handle(self, request: PanelRequest) -> PanelAnswer:
        """Answer one request. Without a socket, late work goes on in the background."""
        answer = await self.prepare(request)
        self.finish(answer, 0 if answer.lost else len(answer.body))
        return answer

    async def prepare(self, request: PanelRequest) -> PanelAnswer:
        """Work out the answer; whoever sends it must call `finish` then, once."""
        record = self._open(request)
        self._enter()
        try:
            answer = self._web_server(request, record) or await self._work(request, record)
        except BaseException:
            self._leave()
            raise
        answer.record = record
        record.status = None if answer.lost else answer.status
        record.sent_bytes = 0 if answer.lost else len(answer.body)
        record.answer = "" if answer.lost else shown(answer.body)
        record.answered_at = None if answer.lost else self.clock.now()
        self.world.commit(record)
        return answer

    def finish(self, answer: PanelAnswer, sent: int, *, gone: bool = False) -> None:
        """Note how much of an answer really left, and begin what comes after it."""
        record = answer.record
        if record is not None and (record.sent_bytes != sent or gone):
            record.sent_bytes = sent
            record.gone_at = self.clock.now() if gone else record.gone_at
            self.world.commit(record)
        if answer.afterwards is not None:
            self._spawn(answer.afterwards())
        self._leave()

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
        if self.world.state is not None:
            self.world.state.close()

    def _open(self, request: PanelRequest) -> Record:
        caller, self.world.next_caller = self.world.next_caller or request.caller, None
        record = Record(
            seq=self.ledger.next_seq,
            at=self.clock.now(),
            caller=caller,
            port=request.port,
            method=request.method,
            query=shown(request.query.encode("utf-8", "surrogateescape")),
            body=shown(request.body),
            profile=self.switches.profile,
        )
        self.ledger.open(record)
        return record

    def _web_server(self, request: PanelRequest, record: Record) -> PanelAnswer | None:
        """Return what the web server answers on its own, before any script runs."""
        if request.method not in ("GET", "POST"):
            return nothing_served()
        if request.too_large:
            return web_page(413)
        if request.path != SCRIPT:
            return web_page(404)
        limit, now = self.switches.rate_limit, self.clock.now()
        if self.world.limiter.refuses(record.caller, limit, now):
            return web_page(503)
        return web_page(502) if self.switches.php == "down" else None

    async def _work(self, request: PanelRequest, record: Record) -> PanelAnswer:
        run = Run(self.world, request, record)
        latency = self.switches.latency
        if latency.base or latency.spread:
            await self.clock.sleep(latency.base + latency.spread * run.random.random())
        slots = self._slots()
        if slots is None:
            return await run.answer()
        async with slots:
            return await run.answer()

    def _slots(self) -> asyncio.Semaphore | None:
        workers = self.switches.workers
        if workers is None:
            return None
        if self._workers is None or self._workers[0] != workers:
            self._workers = (workers, asyncio.Semaphore(workers))
        return self._workers[1]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        async def late() -> None:
            try:
                await work
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
