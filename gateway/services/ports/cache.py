"""How services keep what panels said for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheEntry:
    """An info answer, as the service encoded it, and under which epoch it was fetched."""

    value: bytes
    owner_path: str
    epoch: int
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the cache holds of a resource.

    `epoch` is the newest that anybody told the cache; None means ask the database, and tell the
    cache what it said (`raise_epoch` without `must_land`). An entry may be served only if its epoch
    equals the present one; where the cache knows the epoch, it leaves others out by itself.
    """

    entry: CacheEntry | None
    epoch: int | None


class Cache(Protocol):
    """Never raises and never blocks for more than 50 ms: a broken cache is an empty one."""

    async def look_up(self, resource_id: str) -> Lookup:
        """Return what is held; broken, forged and foreign values count as absent."""

    async def put(self, resource_id: str, entry: CacheEntry) -> None:
        """Keep *entry*, unless the cache knows a greater epoch.

        Where it knows none, it does not learn one here: while the panel was asked, the cache may
        have lost (flushed, evicted) a newer one, and *entry* would pass for the present.
        """

    async def raise_epoch(self, resource_id: str, epoch: int, *, must_land: bool = True) -> None:
        """Tell all processes that entries under a smaller epoch are old.

        Where the cache cannot be reached, this is tried again in the background; without
        *must_land* it is not (for readers, who only pass on what the database says).
        """

    async def is_ready(self) -> bool:
        """Tell whether the cache works at present; without it the gateway is only slower."""
