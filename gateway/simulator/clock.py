"""Time of the simulated panel: the machine's, or one that only moves when told to.

Everything the panel does with time goes through one clock: creation dates, delays, late writes,
daemons, the Date header. Under the virtual clock a test decides when a delayed write lands.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from typing import Final, Literal

ClockKind = Literal["wall", "virtual"]

VIRTUAL_START: Final = 1_795_600_000.0
"""Where virtual time begins (November 2026): fixed, so that runs can be compared."""

LAST_MOMENT: Final = 200_000_000_000.0
"""The year 8307: dates beyond have no place in a header."""

SETTLING_TURNS: Final = 100
"""Turns of the event loop that whoever wakes gets before time moves on."""


class Clock:
    """Unix seconds that can be moved forwards; sleepers wake at their moment."""

    def __init__(self, kind: ClockKind = "wall", *, start: float = VIRTUAL_START) -> None:
        self.kind: Final = kind
        self._offset = 0.0 if kind == "wall" else start
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._alarm: asyncio.TimerHandle | None = None

    def now(self) -> float:
        """Return Unix seconds as the panel sees them."""
        return self._offset + (time.time() if self.kind == "wall" else 0.0)

    def advance(self, seconds: float) -> None:
        """Move time forwards in one leap and wake whoever slept until a moment now past."""
        self._check(seconds)
        self._offset += seconds
        self._wake(self.now())

    async def travel(self, seconds: float) -> None:
        """Move time forwards from sleeper to sleeper: each acts at its own moment."""
        self._check(seconds)
        target = self.now() + seconds
        while self._sleepers and self._sleepers[0][0] <= target:
            moment = self._sleepers[0][0]
            self._offset += max(0.0, moment - self.now())
            self._wake(moment)
            await settle()
        self._offset += max(0.0, target - self.now())
        self._wake(self.now())
        await settle()

    async def sleep(self, seconds: float) -> None:
        """Wait for *seconds* of this clock; zero or less only yields."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiter = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now() + seconds, next(self._order), waiter))
        self._set_alarm()
        await waiter

    @property
    def sleepers(self) -> int:
        """How many wait for a moment to come."""
        return sum(not waiter.done() for _, _, waiter in self._sleepers)

    def _check(self, seconds: float) -> None:
        if not (seconds >= 0 and self.now() + seconds <= LAST_MOMENT):
            raise ValueError("A clock moves forwards by a number of seconds.")

    def _wake(self, until: float) -> None:
        while self._sleepers and self._sleepers[0][0] <= until:
            waiter = heapq.heappop(self._sleepers)[2]
            if not waiter.done():
                waiter.set_result(None)
        self._set_alarm()

    def _ring(self) -> None:
        self._wake(self.now())

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self.kind == "wall" and self._sleepers:
            wait = max(0.0, self._sleepers[0][0] - self.now())
            self._alarm = asyncio.get_running_loop().call_later(wait, self._ring)


async def settle() -> None:
    """Let whoever can go on do so until it waits again."""
    for _ in range(SETTLING_TURNS):
        await asyncio.sleep(0)
