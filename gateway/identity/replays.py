"""What was seen before: a proof of a key is good once."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Protocol

from gateway.domain.errors import ServiceUnavailable

if TYPE_CHECKING:
    from gateway.services.ports.system import Clock

REMEMBERED_MAX: Final = 100_000


class Replays(Protocol):
    """Remembers names for a while."""

    async def is_first(self, name: bytes, seconds: int) -> bool:
        """Tell whether *name* was not seen for so long, and remember it for *seconds*.

        Raises:
            ServiceUnavailable: there is no room to remember more.
        """


class MemoryReplays:
    """Those that this process saw. All names are remembered for about equally long."""

    def __init__(self, clock: Clock, *, remembered_max: int = REMEMBERED_MAX) -> None:
        self._clock = clock
        self._remembered_max = remembered_max
        self._ends: OrderedDict[bytes, float] = OrderedDict()

    async def is_first(self, name: bytes, seconds: int) -> bool:
        """See the port."""
        now = self._clock.monotonic()
        self._forget(now)
        ends = self._ends.get(name)
        if ends is not None and now < ends:
            return False
        if len(self._ends) >= self._remembered_max:
            # To forget one would let it be used again.
            raise ServiceUnavailable("Too many proofs were used of late.", retry_after_seconds=5)
        self._ends[name] = now + seconds
        self._ends.move_to_end(name)
        return True

    def _forget(self, now: float) -> None:
        while self._ends and next(iter(self._ends.values())) <= now:
            self._ends.popitem(last=False)
