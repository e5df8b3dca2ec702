"""How services keep what panels said for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType, Protocol

if TYPE_CHECKING:
    from datetime import datetime


#: What a reader holds who is about to ask the database for an epoch; see `Cache.claim`.
Claim = NewType("Claim", str)


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

    `epoch` is the newest that anybody told the cache; None means ask the database (and teach the
    cache what it says: `claim`, then ask, then `teach`). An entry may be served only if its epoch
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

    async def raise_epoch(self, resource_id: str, epoch: int) -> None:
        """Tell all processes that entries under a smaller epoch are old.

        Raises an epoch that is known, and makes none known: whoever finds none asks the database.
        Where the cache cannot be reached, this is tried again in the background.
        """

    async def claim(self, resource_id: str) -> Claim | None:
        """Return what entitles a reader to teach the epoch that it now asks the database for.

        It is good for half a minute at most, and ends when a writer raises the epoch and when the
        cache forgets: so a reader who stood still in between cannot teach an old one. None: an
        epoch is known by now, or the cache cannot be reached; then there is nothing to teach.
        """

    async def teach(self, resource_id: str, epoch: int, claim: Claim) -> None:
        """Tell the cache what the database said after *claim*, if that is still good."""

    async def is_ready(self) -> bool:
        """Tell whether the cache works at present; without it the gateway is only slower."""
