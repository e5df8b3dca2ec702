"""What is counted across requests, and across processes where they share a Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.domain.limits import Charge, LockRule, Standing


class Buckets(Protocol):
    """Token buckets by key."""

    async def take(self, charges: Sequence[Charge]) -> tuple[Standing, ...]:
        """Take from all buckets or, if one has too little, from none; never raises.

        Taken: no standing has a `wait`.
        """


class Locks(Protocol):
    """Who has guessed wrong, and is locked out for a while; never raises."""

    async def locked_for(self, subjects: Sequence[str]) -> float:
        """Return for how many more seconds one of *subjects* is locked; 0: none is."""

    async def failed(self, subjects: Sequence[str], rule: LockRule) -> None:
        """Count a wrong guess of each."""
