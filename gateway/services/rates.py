"""How many requests a caller may make: its own bucket, its reseller's, and that of its target.

All three count every authenticated request; the target's counts writes that name one line or
device, so that a loop on one cannot use up the panel's budget for all others.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.domain.caller import Caller, CallerKind
from gateway.domain.clock import SystemClock
from gateway.domain.errors import RateLimited
from gateway.domain.limits import MICROSECONDS, Charge, Rate, Standing, decide, standing_of
from gateway.services.ports.limits import Buckets
from gateway.services.ports.system import Clock

#: The names of the policies, as the RateLimit fields show them.
DEFAULT: Final = "default"
RESELLER: Final = "reseller"
TARGET: Final = "target"
BUCKETS_MAX: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The rates of the settings. `default` is a caller's, unless its key has one of its own."""

    default: Rate = field(default_factory=lambda: Rate(6_000, 60))
    reseller: Rate = field(default_factory=lambda: Rate(30_000, 60))
    target: Rate = field(default_factory=lambda: Rate(120, 60))

    def of(self, caller: Caller) -> Rate:
        """Return the rate of *caller*."""
        return caller.rate_limit or self.default


class LocalBuckets:
    """The port Buckets inside one process. The oldest bucket is forgotten beyond *most*."""

    def __init__(self, clock: Clock, *, share: int = 1, most: int = BUCKETS_MAX) -> None:
        """Count here alone; *share*: how many processes there are, each with its part."""
        self._clock = clock
        self._share = share
        self._most = most
        self._full_at: OrderedDict[str, int] = OrderedDict()

    async def take(self, charges: Sequence[Charge]) -> tuple[Standing, ...]:
        """Take from all buckets or from none; see the port."""
        now = int(self._clock.monotonic() * MICROSECONDS)
        parts = [self._part(charge) for charge in charges]
        known = [self._full_at.get(charge.key, now) for charge in parts]
        taken, full_at, waits = decide(now, parts, known)
        if taken:
            for charge, moment in zip(parts, full_at, strict=True):
                self._keep(charge.key, moment, now)
        return tuple(
            standing_of(charge, moment - now, wait)
            for charge, moment, wait in zip(parts, full_at, waits, strict=True)
        )

    def _part(self, charge: Charge) -> Charge:
        if self._share == 1:
            return charge
        rate = charge.rate.share(self._share)
        return Charge(policy=charge.policy, key=charge.key, rate=rate, cost=charge.cost)

    def _keep(self, key: str, moment: int, now: int) -> None:
        self._full_at[key] = moment
        self._full_at.move_to_end(key)
        # Two at a time: what is full again is forgotten faster than new buckets come.
        for _ in range(2):
            oldest = next(iter(self._full_at))
            if self._full_at[oldest] > now and len(self._full_at) <= self._most:
                return
            del self._full_at[oldest]
            if not self._full_at:
                return


@dataclass(frozen=True, slots=True)
class RateLimiter:
    """Charges requests to the buckets of their caller."""

    buckets: Buckets = field(default_factory=lambda: LocalBuckets(SystemClock()))
    rates: Rates = field(default_factory=Rates)

    async def charge(
        self, caller: Caller, *, cost: int = 1, target: str | None = None
    ) -> tuple[Standing, ...]:
        """Take *cost* requests from the buckets of *caller*, and a write from *target*'s.

        Returns:
            How the buckets stand, the caller's own first.

        Raises:
            RateLimited: one has too little; nothing was taken.
        """
        charges = self._charges(caller, cost, target)
        if not charges:
            return ()
        standings = await self.buckets.take(charges)
        if any(standing.wait for standing in standings):
            raise refusal(standings)
        return standings

    async def charge_target(self, caller: Caller, target: str) -> None:
        """Take a write from *target*'s bucket alone, where the request itself is counted already.

        Raises:
            RateLimited
        """
        if caller.kind is CallerKind.SYSTEM:
            return
        standings = await self.buckets.take([self._of_target(caller, target)])
        if any(standing.wait for standing in standings):
            raise refusal(standings)

    def _charges(self, caller: Caller, cost: int, target: str | None) -> list[Charge]:
        if caller.kind is CallerKind.SYSTEM:
            return []
        charges = [
            Charge(
                policy=DEFAULT,
                key=f"caller:{bucket_of(caller)}",
                rate=self.rates.of(caller),
                cost=cost,
            )
        ]
        if caller.reseller_id is not None:
            key = f"reseller:{caller.reseller_id}"
            charges.append(Charge(policy=RESELLER, key=key, rate=self.rates.reseller, cost=cost))
        if target is not None:
            charges.append(self._of_target(caller, target))
        return charges

    def _of_target(self, caller: Caller, target: str) -> Charge:
        # With the owner: nobody can use up the writes to what is somebody else's.
        key = f"target:{caller.reseller_id or caller.id}:{target}"
        return Charge(policy=TARGET, key=key, rate=self.rates.target)


def bucket_of(caller: Caller) -> str:
    """Return who is counted: the line or device of a storefront, else the key or client."""
    return caller.resource_id or caller.key_id or caller.id


def refusal(standings: Sequence[Standing]) -> RateLimited:
    """Return the error for buckets of which at least one has too little."""
    longest = max(standings, key=lambda standing: standing.wait)
    return RateLimited(
        _WORDS[longest.policy].format(rate=longest.rate),
        retry_after_seconds=longest.wait_seconds,
        standings=tuple(standings),
    )


_WORDS: Final = {
    DEFAULT: "Too many requests: {rate} seconds are allowed. Nothing was done.",
    RESELLER: "Too many requests of all keys of this reseller together: {rate} seconds are "
    "allowed. Nothing was done.",
    TARGET: "Too many changes of this one line or device: {rate} seconds are allowed. "
    "Nothing was done.",
}
