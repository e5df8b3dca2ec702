"""What the tests of notices share: processes, and waiting for what Redis does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.domain.secrets import SystemRandom
from gateway.notices.listeners import LISTENERS_MAX
from gateway.notices.redis import CHECK_EVERY_SECONDS, RedisNotices
from gateway.services.ports.notices import Listener
from tests.cache.support import HandClock

LINE: Final = "line_00000000000000000000000001"
OTHER: Final = "op_00000000000000000000000002"
#: Long enough for a busy machine: tests of what is right must not depend on how fast it is.
PATIENT_SECONDS: Final = 20.0


def process(
    url: str,
    clock: HandClock | None = None,
    *,
    listeners_max: int = LISTENERS_MAX,
    answer_seconds: float = PATIENT_SECONDS,
    check_every_seconds: float = CHECK_EVERY_SECONDS,
) -> RedisNotices:
    """Return the notices of one process."""
    return RedisNotices(
        url,
        clock or HandClock(),
        SystemRandom(),
        listeners_max=listeners_max,
        answer_seconds=answer_seconds,
        check_every_seconds=check_every_seconds,
    )


async def woken(listener: Listener) -> None:
    """Expect that it is woken, in its own time."""
    assert await listener.wait(PATIENT_SECONDS)


async def not_woken(listener: Listener) -> None:
    """Expect that nothing has come."""
    assert not await listener.wait(0)


async def until(claim: Callable[[], bool]) -> None:
    """Wait until *claim* holds; the test's own time-out ends it otherwise."""
    while not claim():  # noqa: ASYNC110 - what is claimed happens in another process
        await asyncio.sleep(0.005)
