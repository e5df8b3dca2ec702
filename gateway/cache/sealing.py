"""Entries as sealed bytes: whoever can write to Redis can make us miss, but not make us lie.

The seal is bound to the full key. A value that was copied to another resource's key, or kept from
another server's life, does not open there. A replayed value of the same key is an old truth of the
same resource; its epoch decides.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
import structlog

from gateway.cache.events import CacheEvent, CountEvent
from gateway.services.ports.cache import CacheEntry
from gateway.services.ports.sealer import SealBrokenError, Sealer
from gateway.services.ports.system import Clock

LOG_AT_MOST_EVERY_SECONDS: Final = 60.0

log = structlog.get_logger(__name__)


class _Kept(msgspec.Struct, array_like=True, frozen=True):
    """The plain form of an entry. A change of it needs another `keys.LAYOUT`."""

    value: bytes
    owner_path: str
    epoch: int
    observed_at: datetime


class EntrySealer:
    """Turns entries into sealed bytes and back; forgeries are counted, and logged now and then."""

    def __init__(self, sealer: Sealer, clock: Clock, count: CountEvent) -> None:
        self._sealer = sealer
        self._clock = clock
        self._count = count
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(_Kept)
        self._forged_since_log = 0
        self._log_again_at = 0.0

    def seal(self, entry: CacheEntry, key: str) -> bytes:
        """Return *entry* as bytes that open at *key* only."""
        kept = _Kept(entry.value, entry.owner_path, entry.epoch, entry.observed_at)
        return self._sealer.seal(self._encoder.encode(kept), key)

    def unseal(self, sealed: bytes, key: str) -> CacheEntry | None:
        """Return the entry that was sealed for *key*, or None if these bytes are not one."""
        try:
            kept = self._decoder.decode(self._sealer.unseal(sealed, key))
        except (SealBrokenError, msgspec.DecodeError):
            self._note_forgery()
            return None
        return CacheEntry(
            value=kept.value,
            owner_path=kept.owner_path,
            epoch=kept.epoch,
            observed_at=kept.observed_at,
        )

    def _note_forgery(self) -> None:
        self._count(CacheEvent.FORGED)
        self._forged_since_log += 1
        now = self._clock.monotonic()
        if now < self._log_again_at:
            return
        log.error("cache.forged", values=self._forged_since_log)
        self._forged_since_log = 0
        self._log_again_at = now + LOG_AT_MOST_EVERY_SECONDS
