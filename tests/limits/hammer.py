"""One process that asks a shared bucket as fast as it can: `URL RATE START STOP`.

Moments are of the machine's monotonic clock. Prints how much it was let through, and how often it
counted alone.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from gateway.domain.clock import SystemClock
from gateway.domain.limits import Charge, Rate, Standing
from gateway.limits.buckets import SharedBuckets
from gateway.limits.runner import ScriptRunner
from gateway.services.rates import LocalBuckets

#: Redis may be slow on a busy machine: what is measured here is the bucket, not the time-out.
PATIENCE_SECONDS = 5.0


class Counting(LocalBuckets):
    """Tells how often it was asked."""

    asked = 0

    async def take(self, charges: Sequence[Charge]) -> tuple[Standing, ...]:
        Counting.asked += 1
        return await super().take(charges)


async def hammer(url: str, rate: Rate, start: float, stop: float) -> int:
    clock = SystemClock()
    charge = Charge(policy="default", key="hammered", rate=rate)
    taken = 0
    async with ScriptRunner.opened(url, clock, patience_seconds=PATIENCE_SECONDS) as runner:
        buckets = SharedBuckets(runner, Counting(clock))
        await buckets.take([Charge(policy="default", key="warm", rate=rate)])
        await clock.sleep(start - clock.monotonic())

        async def one() -> None:
            nonlocal taken
            while clock.monotonic() < stop:
                (standing,) = await buckets.take([charge])
                taken += standing.wait == 0
                await clock.sleep(0.002)

        await asyncio.gather(*(one() for _ in range(8)))
    return taken


if __name__ == "__main__":
    url, rate, start, stop = sys.argv[1:]
    taken = asyncio.run(hammer(url, Rate.parse(rate), float(start), float(stop)))
    sys.stdout.write(f"{taken} {Counting.asked}")
