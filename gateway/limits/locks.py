"""Lock-outs that all processes share. The keys are `xgw:lock:1:{...}`, and end when over."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from gateway.domain.limits import MICROSECONDS, LockRule
from gateway.limits import scripts
from gateway.limits.buckets import Moment
from gateway.limits.runner import Away, Script, ScriptRunner
from gateway.services.ports.limits import Locks
from gateway.services.ports.system import Clock

PREFIX: Final = "xgw:lock:1:"
#: For so long a subject that was not locked is not asked for again: others' locks reach us later
#: by no more than this.
FREE_SECONDS: Final = 1.0
FREE_MAX: Final = 10_000
_LONGEST: Final = 86_400 * MICROSECONDS

_LOCKED_FOR: Final = Script(scripts.LOCKED_FOR)
_FAILED: Final = Script(scripts.FAILED)


class SharedLocks:
    """The port Locks over Redis.

    What fails here counts in *alone* too: its locks hold while Redis is away, and are known here
    at once.
    """

    def __init__(
        self, runner: ScriptRunner, alone: Locks, clock: Clock, *, now: Moment | None = None
    ) -> None:
        self._runner = runner
        self._alone = alone
        self._clock = clock
        self._now = now
        self._free_until: OrderedDict[str, float] = OrderedDict()

    async def locked_for(self, subjects: Sequence[str]) -> float:
        """Return for how many more seconds one of *subjects* is locked; see the port."""
        here = await self._alone.locked_for(subjects)
        unknown = [subject for subject in subjects if not self._is_free(subject)]
        if here > 0 or not unknown:
            return here
        keys = [PREFIX + subject for subject in unknown]
        try:
            answer: int = await self._runner.run(_LOCKED_FOR, keys, [self._moment(), _LONGEST])
        except Away:
            return here
        if answer > 0:
            return answer / MICROSECONDS
        for subject in unknown:
            self._set_free(subject)
        return 0.0

    async def failed(self, subjects: Sequence[str], rule: LockRule) -> None:
        """Count a wrong guess of each; see the port."""
        await self._alone.failed(subjects, rule)
        arguments = [
            self._moment(),
            rule.free_max,
            rule.window_seconds * MICROSECONDS,
            rule.first_seconds * MICROSECONDS,
            rule.longest_seconds * MICROSECONDS,
        ]
        for subject in subjects:
            self._free_until.pop(subject, None)
        if not subjects:
            return
        try:
            await self._runner.run(_FAILED, [PREFIX + subject for subject in subjects], arguments)
        except Away:
            return  # It is counted here.

    def _moment(self) -> str | int:
        return "" if self._now is None else self._now()

    def _is_free(self, subject: str) -> bool:
        until = self._free_until.get(subject)
        return until is not None and self._clock.monotonic() < until

    def _set_free(self, subject: str) -> None:
        self._free_until[subject] = self._clock.monotonic() + FREE_SECONDS
        self._free_until.move_to_end(subject)
        if len(self._free_until) > FREE_MAX:
            self._free_until.popitem(last=False)
