"""Who waits for a turn at a panel: by priority, then in the order of asking; never too many."""

from __future__ import annotations

import asyncio
import itertools
from bisect import insort
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Final

from gateway.services.ports.system import Clock

#: Callers of one priority, and of better ones, that may wait at one panel in one process.
QUEUE_MAX: Final = 1_000
#: What the last turn weighs in how long turns are held.
HOLD_WEIGHT: Final = 0.2


class Priority(IntEnum):
    """Who goes first. Background work waits while anybody else does; its deadline bounds that."""

    CHANGE = 0
    READ = 1
    BACKGROUND = 2


class Place:
    """A place in the queue. `called` rings when something changed for whoever is first."""

    __slots__ = ("called", "rank")

    def __init__(self, rank: tuple[int, int]) -> None:
        self.rank = rank
        self.called = asyncio.Event()


class Holds:
    """How long turns at one panel are held, of late."""

    def __init__(self) -> None:
        self._typical = 0.0

    def ended(self, seconds: float) -> None:
        """Count a turn that was held so long."""
        self._typical += HOLD_WEIGHT * (seconds - self._typical)

    def wait(self, ahead: int, at_once: int) -> float:
        """Return seconds until *ahead* others have had their turns, so many of them at once."""
        return ahead // at_once * self._typical


class Queue:
    """The queue at one panel."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._places: list[Place] = []
        self._waiting = [0] * len(Priority)
        self._numbers = itertools.count()

    @contextmanager
    def place(self, priority: Priority) -> Iterator[Place]:
        """Hold a place for the length of a block; then whoever is first is called."""
        place = Place((priority, next(self._numbers)))
        insort(self._places, place, key=lambda one: one.rank)
        self._waiting[priority] += 1
        try:
            yield place
        finally:
            self._places.remove(place)
            self._waiting[priority] -= 1
            self.call_first()

    def is_first(self, place: Place) -> bool:
        """Tell whether it is this one's turn to ask."""
        return self._places[0] is place

    def ahead_of(self, priority: Priority) -> int:
        """Return how many go before a newcomer of this priority."""
        return sum(self._waiting[: priority + 1])

    def call_first(self) -> None:
        """Let whoever is first look again."""
        if self._places:
            self._places[0].called.set()

    async def rest(self, place: Place, until: float) -> None:
        """Wait until *place* is called, or until that moment of the clock."""
        called = place.called

        def ring(alarm: asyncio.Future[None]) -> None:
            if not alarm.cancelled():
                called.set()

        called.clear()
        alarm = asyncio.ensure_future(self._clock.sleep(until - self._clock.monotonic()))
        alarm.add_done_callback(ring)
        try:
            await called.wait()
        finally:
            alarm.cancel()
