"""All that one simulated panel owns besides its sockets."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from gateway.simulator.bans import Ban, Bans, FloodGuard
from gateway.simulator.clock import Clock
from gateway.simulator.faults import Faults
from gateway.simulator.firewall import Firewall
from gateway.simulator.ledger import Ledger, Record
from gateway.simulator.limits import RateLimiter
from gateway.simulator.php import PhpArray
from gateway.simulator.scheduler import Scheduler
from gateway.simulator.schema import fresh_tables
from gateway.simulator.state import StateFile
from gateway.simulator.switches import LAGGING, BanStyle, Switches
from gateway.simulator.tables import Effect, Saved, Tables
from gateway.simulator.workers import Workers


class Gates:
    """Where held requests wait until somebody lets them go on."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def waiting(self) -> int:
        """How many are held now."""
        return sum(not held.done() for held in self._waiting)

    async def wait(self) -> None:
        """Wait for the next release."""
        held = asyncio.get_running_loop().create_future()
        self._waiting.append(held)
        try:
            await held
        finally:
            self._waiting.remove(held)

    def release(self, count: int | None = None) -> int:
        """Let the first *count* held requests go on, or all; return how many."""
        held = [one for one in self._waiting if not one.done()][:count]
        for one in held:
            one.set_result(None)
        return len(held)


class World:
    """Tables, ledger, faults, switches and clock of one panel."""

    def __init__(
        self,
        *,
        switches: Switches | None = None,
        seed: int = 0,
        clock: Clock | None = None,
        state: StateFile | None = None,
    ) -> None:
        self.first_switches: Final = switches or Switches()
        self.wanted: Switches = self.first_switches
        """The switches as last set; some work only after a while."""
        self._settings_at = 0.0
        self._settings_before = self.first_switches
        self.seed: Final = seed
        self.clock: Final = clock or Clock()
        self.state: Final = state
        self.ledger: Final = Ledger()
        self.faults: Final = Faults(random.Random(f"{seed}:faults"))  # noqa: S311 - repeatable.
        self.firewall: Final = Firewall(self.clock.now())
        self.flood_guard: Final = FloodGuard()
        self.bans: Final = Bans()
        self.workers: Final = Workers(self.first_switches.workers)
        self.scheduler: Final = Scheduler(seed)
        self.gates: Final = Gates()
        self.pause_at: set[str] = set()
        self.locked_until = 0.0
        """Until when the table of lines is locked by somebody else."""
        self.limiter: Final = RateLimiter()
        self.next_caller: str | None = None
        """The address that the next request seems to come from."""
        self.output_cache: dict[int, tuple[float, PhpArray]] = {}
        """The output formats of lines as last read, with the moment."""
        self.snapshots: Final[dict[str, Saved]] = {}
        self.restarts: Final[list[Callable[[float], None]]] = []
        """What a restart does to the ports: called with the seconds they stay closed."""
        self._timers: list[asyncio.Task[None]] = []
        self.tables: Tables = self._fresh_tables()
        if state is not None and not state.load(self.tables, self.ledger):
            state.clear(self.tables)

    @property
    def switches(self) -> Switches:
        """The switches that work now."""
        if self.clock.now() < self._settings_at:
            before = {name: getattr(self._settings_before, name) for name in LAGGING}
            return replace(self.wanted, **before)
        return self.wanted

    def set_switches(self, switches: Switches) -> None:
        """Change the switches; added columns appear in every row at once."""
        before = self.switches
        if switches.columns() != self.wanted.columns():
            saved = self.tables.snapshot()
            self.wanted = switches
            self.tables = self._fresh_tables()
            self.tables.restore(saved)
        self.wanted, self._settings_before = switches, before
        self._settings_at = self.clock.now() + switches.settings_lag_seconds
        self.workers.limit = switches.workers

    def empty(self) -> None:
        """Go back to a panel just installed: start data, ids from 1."""
        self.tables = self._fresh_tables()
        self.firewall.clear(self.clock.now())
        self.flood_guard.clear()
        self.limiter.clear()
        self.bans.lift()
        self.output_cache.clear()
        self.next_caller = None
        self.locked_until = 0.0

    def _fresh_tables(self) -> Tables:
        tables = fresh_tables(self.wanted.columns())
        tables.remember(self.clock.now)
        tables["users"].before_change = self.run_daemon
        return tables

    def run_daemon(self) -> None:
        """Let the firewall's daemon do what it should have done by now."""
        switches = self.switches
        if switches.firewall and switches.firewall_daemon:
            self.firewall.catch_up(self.clock.now(), self.tables["users"].rows.values(), switches)

    def ban(
        self, caller: str, *, style: BanStyle, seconds: float | None = None, reason: str = "order"
    ) -> None:
        """Answer *caller* no more, for so long or until the ban is lifted."""
        now = self.clock.now()
        until = math.inf if seconds is None else now + seconds
        self.bans.add(Ban(caller, now, until, style, reason))
        if seconds is not None:
            self._timers.append(asyncio.get_running_loop().create_task(self._expire_in(seconds)))

    async def _expire_in(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        self.bans.expire(self.clock.now())

    async def close(self) -> None:
        """End what waits in the background, and close the state file."""
        for timer in self._timers:
            timer.cancel()
        await asyncio.gather(*self._timers, return_exceptions=True)
        if self.state is not None:
            self.state.close()

    def reset(self) -> None:
        """Empty tables and ledger, and the state file with them."""
        self.empty()
        self.ledger.clear()
        if self.state is not None:
            self.state.clear(self.tables)

    def reset_settings(self) -> None:
        """Empty the tables and set every setting back; the ledger goes on."""
        self.set_switches(self.first_switches)
        self.empty()
        if self.state is not None:
            self.state.clear(self.tables)
            self.state.save(self.tables, self.ledger.records)

    def snapshot(self) -> str:
        """Keep a copy of all tables and return its name."""
        name = str(len(self.snapshots) + 1)
        self.snapshots[name] = self.tables.snapshot()
        return name

    def restore(self, name: str | None = None) -> str:
        """Go back to a copy, the latest by default; KeyError if there is none."""
        wanted = name if name is not None else next(reversed(self.snapshots), "")
        self.tables.restore(self.snapshots[wanted])
        self.commit()
        return wanted

    def roll_back(self, seconds: float) -> list[Effect]:
        """Let the tables go back in time, as when a backup so old is restored."""
        saved = self.tables.as_of(self.clock.now() - seconds)
        effects = [] if saved is None else self.tables.restore(saved)
        self.commit()
        return effects

    def commit(self, *records: Record) -> None:
        """Bring the state file up to date."""
        if self.state is not None:
            self.state.save(self.tables, records)
