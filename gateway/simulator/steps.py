"""The named points in the life of a request: where others run, and where it can be held or ended.

Checks and writes are separate points, so that races happen as they do on a panel.
"""

from __future__ import annotations

import asyncio
import random
from typing import Final

from gateway.simulator.faults import Rule
from gateway.simulator.ledger import Record
from gateway.simulator.messages import PanelRequest
from gateway.simulator.world import World

LOCKED: Final = ("check", "write_1")
"""Points that wait while the table of lines is locked."""
MAX_YIELDS: Final = 2
HELD_BEFORE: Final = ("delay_before", "ghost_write")


class Interrupted(Exception):
    """A fault ends the request here, between two steps."""


class Steps:
    """Where one request is, and what waits for it there."""

    def __init__(
        self, world: World, request: PanelRequest, record: Record, source: random.Random
    ) -> None:
        self.rule: Rule | None = None
        """The fault that is applied to this request."""
        self._world: Final = world
        self._request: Final = request
        self._record: Final = record
        self._random: Final = source
        self._held = False
        self._paused: set[str] = set()
        self._last_write: str | None = None

    async def at(self, name: str) -> None:
        """Let others run; wait or end here if a fault or a test asks for it."""
        self._record.step = name
        if self._world.switches.scheduler == "seeded":
            await self._world.scheduler.turn(self._record.seq)
        else:
            for _ in range(self._random.randint(0, MAX_YIELDS)):
                await asyncio.sleep(0)
        self._end_if_due(name)
        if name.startswith("write"):
            self._last_write = name
            await self.hold()
        if name in LOCKED:
            await self._wait_for_lock()
        await self.pause(name)

    async def pause(self, name: str) -> None:
        """Wait to be released, if a fault or a test holds requests here; once at each step."""
        self._record.step = name
        if name in self._paused:
            return
        if name in self._world.pause_at or self._pauses_at(name):
            self._paused.add(name)
            await self._world.gates.wait()

    async def hold(self) -> None:
        """Before the first write (or the answer, if nothing is written): the ordered wait."""
        if self._held or self.rule is None or self.rule.form.fault not in HELD_BEFORE:
            return
        self._held = True
        if self.rule.form.fault == "ghost_write" and self._request.gone is not None:
            await self._request.gone.wait()
            self._record.note_gone(self._world.clock.now())
        await self._world.clock.sleep(self.rule.seconds())

    def _end_if_due(self, name: str) -> None:
        """End the request at the first step after the write that the rule names."""
        if self.rule is None or self._last_write is None or name == self._last_write:
            return
        if self.rule.after_step == self._last_write:
            raise Interrupted

    async def _wait_for_lock(self) -> None:
        clock, world = self._world.clock, self._world
        while clock.now() < world.locked_until:
            await clock.sleep(world.locked_until - clock.now())

    def _pauses_at(self, name: str) -> bool:
        rule = self.rule
        return rule is not None and rule.form.fault == "pause_at" and rule.step == name
