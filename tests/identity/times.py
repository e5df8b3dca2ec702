"""A clock that a test sets."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.identity.signing import NOW


class SetClock:
    """Stands still but for `past_seconds`."""

    def __init__(self, now: datetime = NOW) -> None:
        self.start = now
        self.past_seconds = 0.0

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.past_seconds)

    def monotonic(self) -> float:
        return self.past_seconds

    async def sleep(self, seconds: float) -> None:
        self.past_seconds += seconds
