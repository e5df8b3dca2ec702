"""When a held entry is the present one."""

from __future__ import annotations

from gateway.services.ports.cache import CacheEntry, Lookup

NOTHING = Lookup(entry=None, epoch=None)


def lookup_of(entry: CacheEntry | None, epoch: int | None) -> Lookup:
    """Return what is held; an entry of another epoch than the known one is left out."""
    if entry is not None and epoch is not None and entry.epoch != epoch:
        entry = None
    return Lookup(entry=entry, epoch=epoch)
