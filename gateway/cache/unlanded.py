"""Raises that did not reach Redis, kept until they do or until nothing old can be left."""

from __future__ import annotations

from itertools import islice

from gateway.cache.batch import Raise
from gateway.cache.events import CacheEvent, CountEvent
from gateway.services.ports.system import Clock


class Unlanded:
    """A bounded queue, oldest first, with one place for each resource: its newest epoch.

    An epoch is forgotten when the values under the older one have died by themselves
    (*life_seconds*). Where it is full, the oldest is dropped and counted: other processes may then
    serve that resource's old answer until it expires.
    """

    def __init__(self, clock: Clock, count: CountEvent, *, life_seconds: int, size: int) -> None:
        self._clock = clock
        self._count = count
        self._life_seconds = life_seconds
        self._size = size
        self._raises: dict[str, tuple[int, float]] = {}

    def __len__(self) -> int:
        return len(self._raises)

    def add(self, wanted: Raise) -> None:
        """Keep a raise, or the one that is kept already if its epoch is greater."""
        self._count(CacheEvent.RAISE_QUEUED)
        kept, _until = self._raises.pop(wanted.resource_id, (0, 0.0))
        until = self._clock.monotonic() + self._life_seconds
        self._raises[wanted.resource_id] = (max(kept, wanted.epoch), until)
        if len(self._raises) > self._size:
            del self._raises[next(iter(self._raises))]
            self._count(CacheEvent.RAISE_DROPPED)

    def oldest(self, number: int) -> list[Raise]:
        """Return up to *number* that are still of use, and forget those that are not."""
        now = self._clock.monotonic()
        while self._raises and next(iter(self._raises.values()))[1] <= now:
            del self._raises[next(iter(self._raises))]
        first = islice(self._raises.items(), number)
        return [Raise(resource_id, epoch) for resource_id, (epoch, _) in first]

    def landed(self, raises: list[Raise]) -> None:
        """Forget those, except where a greater epoch was queued meanwhile."""
        for done in raises:
            self._count(CacheEvent.RAISE_LANDED)
            if self._raises.get(done.resource_id, (0, 0.0))[0] <= done.epoch:
                self._raises.pop(done.resource_id, None)
