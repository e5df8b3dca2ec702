"""Token buckets that all processes share. The keys are `xgw:rate:1:{...}`, and end when full."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from gateway.domain.limits import Charge, Standing, standing_of
from gateway.limits import scripts
from gateway.limits.runner import Away, Script, ScriptRunner
from gateway.services.ports.limits import Buckets

PREFIX: Final = "xgw:rate:1:"
_TAKE: Final = Script(scripts.TAKE)

#: Microseconds of a clock that all processes share; for tests.
Moment = Callable[[], int]


class SharedBuckets:
    """The port Buckets over Redis; while that is away, *alone* counts."""

    def __init__(self, runner: ScriptRunner, alone: Buckets, *, now: Moment | None = None) -> None:
        self._runner = runner
        self._alone = alone
        self._now = now

    async def take(self, charges: Sequence[Charge]) -> tuple[Standing, ...]:
        """Take from all buckets or from none, in one script; see the port."""
        arguments: list[str | int] = ["" if self._now is None else self._now()]
        for charge in charges:
            arguments += [charge.rate.interval, charge.rate.window, charge.cost]
        keys = [PREFIX + charge.key for charge in charges]
        try:
            answer: list[int] = await self._runner.run(_TAKE, keys, arguments)
        except Away:
            return await self._alone.take(charges)
        full_in, waits = answer[: len(charges)], answer[len(charges) :]
        return tuple(map(standing_of, charges, full_in, waits))
