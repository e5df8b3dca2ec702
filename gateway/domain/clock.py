"""Time. The only file that reads the system clock; everything else is handed a Clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock: aware UTC, to the microsecond."""

    def now(self) -> datetime:
        """Return the present moment, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never jump; only differences mean anything."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait for *seconds*; zero or less only yields."""
        await asyncio.sleep(max(0.0, seconds))


def from_unix(seconds: int) -> datetime:
    """Return the moment *seconds* after 1970, aware UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def to_unix(moment: datetime) -> int:
    """Return whole Unix seconds of an aware *moment*, rounded down."""
    return int(moment.timestamp() // 1)
