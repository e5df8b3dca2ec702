"""What the cache tests share: a clock that is set by hand, a real seal, counted events."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.cache.events import CacheEvent
from gateway.cache.keys import Lifetimes
from gateway.cache.redis import CHECK_EVERY_SECONDS, RedisCache
from gateway.services.ports.cache import Cache, CacheEntry
from gateway.services.ports.sealer import SealBrokenError

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIVES: Final = Lifetimes(value_seconds=600)
LINE: Final = "line_00000000000000000000000001"
OTHER_LINE: Final = "line_00000000000000000000000002"
#: Long enough for a busy machine: tests of what is right must not depend on how fast it is.
PATIENT_SECONDS: Final = 20.0


class HandClock:
    """Time that goes on only when told; sleeping is real, but short."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.pauses: list[float] = []

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(min(seconds, 0.02))


class TestSealer:
    """AES-GCM under one key; the place is the associated data."""

    __test__ = False

    def __init__(self) -> None:
        self.cipher = AESGCM(AESGCM.generate_key(256))

    def seal(self, plain: bytes, place: str) -> bytes:
        nonce = os.urandom(12)
        return nonce + self.cipher.encrypt(nonce, plain, place.encode())

    def unseal(self, sealed: bytes, place: str) -> bytes:
        try:
            return self.cipher.decrypt(sealed[:12], sealed[12:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBrokenError from error

    def digest(self, data: bytes, purpose: str) -> str:
        raise NotImplementedError

    def matches(self, digest: str, data: bytes, purpose: str) -> bool:
        raise NotImplementedError


class Rig:
    """What several processes share: the seal's key; and what is counted."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.sealer = TestSealer()
        self.events: Counter[CacheEvent] = Counter()

    def count(self, event: CacheEvent) -> None:
        self.events[event] += 1

    def process(
        self,
        url: str,
        *,
        answer_seconds: float = PATIENT_SECONDS,
        check_every_seconds: float = CHECK_EVERY_SECONDS,
    ) -> RedisCache:
        """Return the cache of one process."""
        return RedisCache(
            url,
            self.sealer,
            self.clock,
            lifetimes=LIVES,
            count=self.count,
            answer_seconds=answer_seconds,
            check_every_seconds=check_every_seconds,
        )


def an_entry(
    *, value: bytes = b'{"username":"alice"}', epoch: int = 5, owner_path: str = "/rsl_a/"
) -> CacheEntry:
    return CacheEntry(value=value, owner_path=owner_path, epoch=epoch, observed_at=NOW)


async def until(claim: Callable[[], bool]) -> None:
    """Wait until *claim* holds; the test's own time-out ends it otherwise."""
    while not claim():  # noqa: ASYNC110 - what is claimed happens in another process
        await asyncio.sleep(0.005)


async def ready(cache: RedisCache, *, is_so: bool = True) -> None:
    """Wait until *cache* has, or has lost, its server."""
    while await cache.is_ready() is not is_so:  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.005)


async def know(cache: Cache, resource_id: str, epoch: int) -> None:
    """Make *epoch* known to the cache, or raise the one that it knows."""
    await cache.raise_epoch(resource_id, epoch)
    claim = await cache.claim(resource_id)
    if claim is not None:
        await cache.teach(resource_id, epoch, claim)
