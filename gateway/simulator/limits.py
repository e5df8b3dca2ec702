"""The web server's rate limit: a bucket for each caller that leaks at a steady rate."""

from __future__ import annotations

from typing import Final

from gateway.simulator.switches import RateLimit

MAX_CALLERS: Final = 10_000


class RateLimiter:
    """How full each caller's bucket is, and when that was true."""

    def __init__(self) -> None:
        self._filled: dict[str, tuple[float, float]] = {}

    def clear(self) -> None:
        """Forget all callers."""
        self._filled.clear()

    def refuses(self, caller: str, limit: RateLimit | None, now: float) -> bool:
        """Count a request and tell whether it is one too many; refused ones do not count."""
        if limit is None:
            self._filled.clear()
            return False
        if len(self._filled) > MAX_CALLERS:
            self._filled.clear()
        level, since = self._filled.get(caller, (-1.0, now))
        level = max(level - (now - since) * limit.per_second, -1.0) + 1
        if level > limit.burst:
            return True
        self._filled[caller] = (level, now)
        return False
