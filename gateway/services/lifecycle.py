"""Where a process stands between its start and its end: taking work, draining, cut off.

Draining: it will end soon. It begins nothing that lasts and no new ticks, and finishes what it has
begun; once everybody has had time to notice, it takes no new changes either. Cut off: the time for
that is over; what still runs is left to another process, and who waits for it is told how far it
came.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from gateway.domain.errors import ServiceUnavailable

#: What a caller is told to wait: another process takes the next request.
RETRY_AFTER_SECONDS: Final = 2

log = structlog.get_logger(__name__)


class Lifecycle:
    """The state of one process. It only ever goes on."""

    def __init__(self) -> None:
        self._draining = asyncio.Event()
        self._noticed = asyncio.Event()
        self._cut_off = asyncio.Event()
        self._ends_at: float | None = None

    @property
    def is_draining(self) -> bool:
        """Tell whether the process will end soon."""
        return self._draining.is_set()

    @property
    def is_cut_off(self) -> bool:
        """Tell whether nobody waits any longer for what was begun."""
        return self._cut_off.is_set()

    def drain(self, seconds: float, *, notice_seconds: float = 0.0) -> None:
        """Let nobody wait for longer than *seconds* from now on.

        *notice_seconds*: for how long new changes are still taken, while callers learn of it.
        """
        if self.is_draining:
            return
        log.info("process.draining", seconds=seconds)
        loop = asyncio.get_running_loop()
        self._ends_at = loop.time() + seconds
        loop.call_later(seconds, self._cut_off.set)
        loop.call_later(notice_seconds, self._noticed.set)
        if notice_seconds <= 0:
            self._noticed.set()
        self._draining.set()

    def seconds_left(self, otherwise: float) -> float:
        """Return for how long what was begun may still run; *otherwise* if it does not drain."""
        if self._ends_at is None:
            return otherwise
        return max(0.0, self._ends_at - asyncio.get_running_loop().time())

    async def until_draining(self) -> None:
        """Wait until the process drains; for what lasts, such as a stream of events."""
        await self._draining.wait()

    async def until_cut_off(self) -> None:
        """Wait until the time for what was begun is over."""
        await self._cut_off.wait()

    def refuse_while_draining(self) -> None:
        """Refuse to begin what lasts, such as a stream, in a process that ends.

        Raises:
            ServiceUnavailable: nothing was done; another process takes it.
        """
        if self.is_draining:
            raise _stopping()

    def refuse_changes_at_the_end(self) -> None:
        """Refuse to begin a change in a process of which everybody knows that it ends.

        Raises:
            ServiceUnavailable: nothing was done; another process takes it.
        """
        if self._noticed.is_set():
            raise _stopping()


def _stopping() -> ServiceUnavailable:
    return ServiceUnavailable(
        "This gateway process is stopping; nothing was done. Send it again.",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )
