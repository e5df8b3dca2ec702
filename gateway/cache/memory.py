"""The cache of one process, in its memory: the default without Redis.

Nothing is sealed, for nobody else can reach it. Other processes do not hear of raises: with several
processes, what they serve may be as old as `info_ttl_seconds`, so use Redis there.
"""

from __future__ import annotations

from collections import OrderedDict
from secrets import token_hex
from typing import Final, Self

from gateway.cache.agreement import lookup_of
from gateway.cache.keys import Lifetimes
from gateway.services.ports.cache import CacheEntry, Claim, Lookup
from gateway.services.ports.system import Clock

ENTRIES_MAX: Final = 20_000
BYTES_MAX: Final = 32 * 1024 * 1024
#: What an entry costs besides its own texts; measured, rounded up.
ENTRY_OVERHEAD_BYTES: Final = 800
#: Epochs are small, and one that is forgotten costs a database read: keep more of them.
EPOCHS_PER_ENTRY: Final = 4


class MemoryCache:
    """The `Cache` port in memory: bounded by number and bytes, least recently used go first."""

    def __init__(
        self,
        clock: Clock,
        *,
        lifetimes: Lifetimes,
        entries_max: int = ENTRIES_MAX,
        bytes_max: int = BYTES_MAX,
    ) -> None:
        self._clock = clock
        self._lifetimes = lifetimes
        self._entries_max = entries_max
        self._bytes_max = bytes_max
        self._entries: OrderedDict[str, tuple[CacheEntry, float]] = OrderedDict()
        self._epochs: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._claims: OrderedDict[str, Claim] = OrderedDict()
        self._bytes = 0

    async def __aenter__(self) -> Self:
        """Do nothing; for symmetry with the cache in Redis."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Do nothing."""

    async def look_up(self, resource_id: str) -> Lookup:
        """Return what is held. See the port."""
        now = self._clock.monotonic()
        entry, until = self._entries.get(resource_id, (None, now))
        if until <= now:
            self._forget(resource_id)
            entry = None
        elif entry is not None:
            self._entries.move_to_end(resource_id)
        return lookup_of(entry, self._epoch(resource_id, now))

    async def put(self, resource_id: str, entry: CacheEntry) -> None:
        """Keep *entry*. See the port."""
        now = self._clock.monotonic()
        known = self._epoch(resource_id, now)
        if known is not None:
            if known > entry.epoch:
                return
            self._know(resource_id, entry.epoch, now)
        self._forget(resource_id)
        size = _size(resource_id, entry)
        if size > self._bytes_max:
            return
        self._entries[resource_id] = (entry, now + self._lifetimes.value_seconds)
        self._bytes += size
        while self._bytes > self._bytes_max or len(self._entries) > self._entries_max:
            self._forget(next(iter(self._entries)))

    async def raise_epoch(self, resource_id: str, epoch: int) -> None:
        """Tell an epoch; it always lands. See the port."""
        now = self._clock.monotonic()
        self._claims.pop(resource_id, None)
        known = self._epoch(resource_id, now)
        if known is not None:
            self._know(resource_id, max(known, epoch), now)

    async def claim(self, resource_id: str) -> Claim | None:
        """Claim to teach; the oldest claims give way to new ones. See the port."""
        if self._epoch(resource_id, self._clock.monotonic()) is not None:
            return None
        claim = self._claims.setdefault(resource_id, Claim(token_hex(8)))
        if len(self._claims) > self._entries_max:
            self._claims.popitem(last=False)
        return claim

    async def teach(self, resource_id: str, epoch: int, claim: Claim) -> None:
        """Teach an epoch. See the port."""
        if self._claims.get(resource_id) == claim:
            del self._claims[resource_id]
            self._know(resource_id, epoch, self._clock.monotonic())

    async def is_ready(self) -> bool:
        """Tell that it works."""
        return True

    def _epoch(self, resource_id: str, now: float) -> int | None:
        epoch, until = self._epochs.get(resource_id, (None, now))
        return epoch if until > now else None

    def _know(self, resource_id: str, epoch: int, now: float) -> None:
        self._epochs[resource_id] = (epoch, now + self._lifetimes.epoch_seconds)
        self._epochs.move_to_end(resource_id)
        if len(self._epochs) > self._entries_max * EPOCHS_PER_ENTRY:
            self._epochs.popitem(last=False)

    def _forget(self, resource_id: str) -> None:
        entry, _until = self._entries.pop(resource_id, (None, 0.0))
        if entry is not None:
            self._bytes -= _size(resource_id, entry)


def _size(resource_id: str, entry: CacheEntry) -> int:
    """Return about how many bytes of memory this entry takes."""
    texts = len(resource_id) + len(entry.owner_path) + len(entry.value)
    return texts + ENTRY_OVERHEAD_BYTES
