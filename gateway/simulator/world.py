"""All that one simulated panel owns besides its sockets."""

from __future__ import annotations

import asyncio
import random
from typing import Final

from gateway.simulator.access import Firewall
from gateway.simulator.clock import Clock
from gateway.simulator.faults import Faults
from gateway.simulator.ledger import Ledger, Record
from gateway.simulator.limits import RateLimiter
from gateway.simulator.schema import fresh_tables
from gateway.simulator.state import StateFile
from gateway.simulator.switches import Switches
from gateway.simulator.tables import Row, Tables

Saved = dict[str, tuple[int, dict[int, Row]]]


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
        self.switches = self.first_switches
        self.seed: Final = seed
        self.clock: Final = clock or Clock()
        self.state: Final = state
        self.ledger: Final = Ledger()
        self.faults: Final = Faults(random.Random(f"{seed}:faults"))  # noqa: S311 - repeatable.
        self.firewall: Final = Firewall()
        self.gates: Final = Gates()
        self.pause_at: set[str] = set()
        self.locked_until = 0.0
        """Until when the table of lines is locked by somebody else."""
        self.limiter: Final = RateLimiter()
        self.next_caller: str | None = None
        """The address that the next request seems to come from."""
        self.snapshots: Final[dict[str, Saved]] = {}
        self.tables: Tables = fresh_tables(self.switches.columns())
        if state is not None and not state.load(self.tables, self.ledger):
            state.clear(self.tables)

    def set_switches(self, switches: Switches) -> None:
        """Change the switches; added columns appear in every row at once."""
        columns = switches.columns()
        if columns != self.switches.columns():
            saved = self.tables.snapshot()
            self.tables = fresh_tables(columns)
            self.tables.restore(saved)
        self.switches = switches

    def empty(self) -> None:
        """Go back to a panel just installed: start data, ids from 1."""
        self.tables = fresh_tables(self.switches.columns())
        self.firewall.tokens.clear()
        self.firewall.blacklist.clear()
        self.next_caller = None
        self.locked_until = 0.0

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

    def commit(self, *records: Record) -> None:
        """Bring the state file up to date."""
        if self.state is not None:
            self.state.save(self.tables, records)
