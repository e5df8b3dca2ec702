"""Who runs next, drawn from the seed: the same requests at once always interleave the same way."""

from __future__ import annotations

import asyncio
import random
from typing import Final


class Scheduler:
    """Lets one request at a time go on to its next step, chosen at random among those waiting."""

    def __init__(self, seed: object) -> None:
        self._random: Final = random.Random(f"{seed}:schedule")  # noqa: S311 - repeatable.
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._asked = False

    async def turn(self, seq: int) -> None:
        """Wait until request *seq* is chosen."""
        loop = asyncio.get_running_loop()
        place = loop.create_future()
        self._waiting[seq] = place
        self._ask(loop)
        try:
            await place
        finally:
            self._waiting.pop(seq, None)

    def _ask(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._asked:
            self._asked = True
            loop.call_soon(self._choose, loop)

    def _choose(self, loop: asyncio.AbstractEventLoop) -> None:
        self._asked = False
        candidates = sorted(seq for seq, place in self._waiting.items() if not place.done())
        if not candidates:
            return
        chosen = candidates[self._random.randrange(len(candidates))]
        self._waiting[chosen].set_result(None)
        if len(candidates) > 1:
            self._ask(loop)
