"""What was seen before by any process that shares a Redis.

| key                      | holds                                    |
|--------------------------|------------------------------------------|
| `xgw:proof:1:{name}`     | `1`, until the proof is too old anyway   |

While Redis is away, each process goes by what it saw itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway.identity.replays import MemoryReplays

if TYPE_CHECKING:
    from gateway.services.ports.system import Clock

#: Seconds that Redis may take before it counts as away, and seconds until it is tried again.
EXCHANGE_SECONDS: Final = 0.25
RETRY_SECONDS: Final = 2.0

log = structlog.get_logger(__name__)


class RedisReplays:
    """The Replays of all processes together."""

    def __init__(self, client: Redis, clock: Clock, *, patience: float = EXCHANGE_SECONDS) -> None:
        self._client = client
        self._clock = clock
        self._patience = patience
        self._here = MemoryReplays(clock)
        self._away_until: float | None = None

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str, clock: Clock) -> AsyncIterator[RedisReplays]:
        """Yield one for the Redis at *url*; connects when it is first used.

        Raises:
            ValueError: *url* is not a Redis address.
        """
        client = Redis.from_url(
            url,
            retry=Retry(NoBackoff(), 0),
            retry_on_error=[],
            socket_timeout=EXCHANGE_SECONDS,
            socket_connect_timeout=EXCHANGE_SECONDS,
        )
        try:
            yield cls(client, clock)
        finally:
            await client.aclose()

    async def is_first(self, name: bytes, seconds: int) -> bool:
        """See the port."""
        if not await self._here.is_first(name, seconds):
            return False
        if self._away_until is not None and self._clock.monotonic() < self._away_until:
            return True
        try:
            async with asyncio.timeout(self._patience):
                is_set = await self._client.set(
                    f"xgw:proof:1:{name.hex()}", b"1", nx=True, ex=seconds
                )
        except (RedisError, OSError, TimeoutError, RuntimeError) as error:
            # RuntimeError: uvloop's word for a connection that the server has reset.
            if self._away_until is None:
                log.warning("proof.alone", reason=type(error).__name__)
            self._away_until = self._clock.monotonic() + RETRY_SECONDS
            return True
        self._away_until = None
        return is_set is not None
