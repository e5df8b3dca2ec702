"""Who may work now: a number of workers, and the rest in a queue."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator


class Workers:
    """So many at once, first come, first served. The number may change at any time."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._busy = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int | None:
        """How many may work at once; None: all."""
        return self._limit

    @limit.setter
    def limit(self, limit: int | None) -> None:
        self._limit = limit
        self._admit()

    @property
    def waiting(self) -> int:
        """How many are in the queue."""
        return len(self._queue)

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Be at work for as long as the block lasts, once there is room."""
        if self._queue or not self._has_room():
            await self._wait()
        else:
            self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            self._admit()

    def _has_room(self) -> bool:
        return self._limit is None or self._busy < self._limit

    async def _wait(self) -> None:
        place = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if not place.cancelled():  # Admitted in the same moment: somebody else takes the place.
                self._busy -= 1
                self._admit()
            elif place in self._queue:
                self._queue.remove(place)
            raise

    def _admit(self) -> None:
        while self._queue and self._has_room():
            place = self._queue.popleft()
            if not place.done():
                self._busy += 1
                place.set_result(None)
