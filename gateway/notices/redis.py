"""Notices among many processes, through the pub/sub of one Redis server.

Nobody waits for Redis: publishing wakes the listeners of this process and leaves the rest to one
background task, which owns the one link. It subscribes to a resource when its first listener comes
and unsubscribes when its last one has gone.

Whatever may have been missed is made good by waking: when the server confirms a subscription, the
resource's listeners look again. So one who begins to listen need not wait for that, and after a
lost link everybody is woken. What could not be told while Redis was away is told afterwards; of
more than `UNTOLD_MAX` resources the oldest are given up, and who watches those in other processes
sees the change when it looks by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from itertools import islice
from typing import Final, Self

import structlog

from gateway.notices.link import LINK_ERRORS, Connector, Link
from gateway.notices.listeners import LISTENERS_MAX, Flag, Listeners
from gateway.services.ports.system import Clock, Random

CONNECT_SECONDS: Final = 1.0
#: How long the server may take for an answer; only the background task waits for it.
ANSWER_SECONDS: Final = 2.0
#: How often both connections are asked whether they live.
CHECK_EVERY_SECONDS: Final = 5.0
#: Before a new link: none after the first failure in a row, then twice as long each time.
PAUSE_FIRST_SECONDS: Final = 0.25
PAUSE_MAX_SECONDS: Final = 5.0
#: How long closing waits for what is not told yet: a command line may end right after its change.
LAST_WORDS_SECONDS: Final = 0.25
UNTOLD_MAX: Final = 10_000
#: How many resources go into one exchange.
_BATCH_MAX: Final = 500
_NAME_CHARACTERS: Final = 12

log = structlog.get_logger(__name__)


class RedisNotices:
    """The port Notices over Redis. Use it as an async context manager, in one event loop.

    Args:
        url: `redis://`, `rediss://` or `unix://`, as redis-py reads it. Raises ValueError or
            TypeError when it cannot. The account needs +subscribe, +unsubscribe, +publish, +ping
            and the channels `xgw:notices:*`.
        random: names this process.
        listeners_max: how many may listen at once.
        answer_seconds: how long the server may take for an answer.
        check_every_seconds: how often it is asked for one when there is nothing else to say.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        random: Random,
        *,
        listeners_max: int = LISTENERS_MAX,
        answer_seconds: float = ANSWER_SECONDS,
        check_every_seconds: float = CHECK_EVERY_SECONDS,
    ) -> None:
        self._connector = Connector(url, random.text(_NAME_CHARACTERS))
        self._clock = clock
        self._answer_seconds = answer_seconds
        self._check_every_seconds = check_every_seconds
        self._listeners = Listeners(self._move, listeners_max=listeners_max)
        self._is_closing = False
        self._is_linked = False
        self._tuned: set[str] = set()
        self._moved: set[str] = set()
        self._untold: dict[str, None] = {}
        self._wanted = asyncio.Event()
        self._all_told = asyncio.Event()
        self._all_told.set()
        self._task: asyncio.Task[None] | None = None
        self._failures = 0

    async def __aenter__(self) -> Self:
        """Begin; connects in the background."""
        self._task = asyncio.create_task(self._keep_linked(), name="notices")
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Tell what is not told yet, as far as that is quick, and close the link."""
        if self._task is None:
            return
        self._is_closing = True
        told = asyncio.create_task(self._all_told.wait())
        await asyncio.wait(
            {told, self._task},
            timeout=LAST_WORDS_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
        told.cancel()
        self._task.cancel()
        await asyncio.wait({told, self._task})
        self._task = None

    # --- the port --------------------------------------------------------------------------

    def publish(self, resource_ids: Collection[str]) -> None:
        """Wake the listeners here, and tell the other processes soon. See the port."""
        self._listeners.wake(resource_ids)
        self._leave_untold(resource_ids)

    @asynccontextmanager
    async def listen(self, resource_id: str) -> AsyncIterator[Flag]:
        """Listen for one resource. See the port."""
        with self._listeners.one(resource_id) as flag:
            yield flag

    @property
    def is_linked(self) -> bool:
        """Tell whether there is a link; it is checked every few seconds."""
        return self._is_linked

    # --- the background task -----------------------------------------------------------------

    def _move(self, resource_id: str) -> None:
        """Remember a resource whose first listener has come, or whose last one has gone."""
        if self._is_linked:  # A new link begins with all that is listened for then.
            self._moved.add(resource_id)
            self._wanted.set()

    def _leave_untold(self, resource_ids: Collection[str]) -> None:
        """Queue what the others are to hear; the oldest make room."""
        for resource_id in resource_ids:
            self._untold[resource_id] = None
            if len(self._untold) > UNTOLD_MAX:
                del self._untold[next(iter(self._untold))]
        if self._untold:
            self._all_told.clear()
            self._wanted.set()

    async def _keep_linked(self) -> None:
        """Open a link and use it, again and again, until cancelled."""
        while True:
            try:
                await self._use_one_link()
            except* LINK_ERRORS as errors:
                self._note_failure(errors)
            except* Exception:  # A bug must not leave the process deaf for ever.
                self._failures += 1
                log.exception("notices.failed")
            if self._is_closing:  # A link that breaks while it is cancelled hides that it was.
                return
            await self._clock.sleep(self._pause())

    async def _use_one_link(self) -> None:
        async with asyncio.timeout(CONNECT_SECONDS):
            link = await self._connector.open()
        try:
            self._moved, self._tuned = set(self._listeners.resources()), set()
            self._is_linked = True
            self._wanted.set()
            log.info("notices.connected")
            async with asyncio.TaskGroup() as both:
                both.create_task(self._hear(link))
                both.create_task(self._speak(link))
        finally:
            self._is_linked = False
            await link.close()

    async def _hear(self, link: Link) -> None:
        """Wake whoever listens for what is heard; silence means that the link is dead."""
        while True:
            async with asyncio.timeout(self._check_every_seconds + 2 * self._answer_seconds):
                resource_id = await link.hear()
            if resource_id is not None:
                self._listeners.wake((resource_id,))

    async def _speak(self, link: Link) -> None:
        """Subscribe, unsubscribe and publish as wanted, and check now and then."""
        loop = asyncio.get_running_loop()
        check_at = loop.time() + self._check_every_seconds
        while True:
            if loop.time() >= check_at:
                async with asyncio.timeout(self._answer_seconds):
                    await link.check()
                # Only now: a link that breaks as soon as it is used is a failure like no link.
                self._failures = 0
                check_at = loop.time() + self._check_every_seconds
            try:
                async with asyncio.timeout_at(check_at):
                    await self._wanted.wait()
            except TimeoutError:
                continue
            self._wanted.clear()
            await self._tune(link)
            await self._tell(link)

    async def _tune(self, link: Link) -> None:
        """Bring the subscriptions in step with the listeners."""
        while self._moved:
            moved = [self._moved.pop() for _ in range(min(_BATCH_MAX, len(self._moved)))]
            wanted = self._listeners.resources()
            come = [each for each in moved if each in wanted and each not in self._tuned]
            gone = [each for each in moved if each not in wanted and each in self._tuned]
            self._tuned.update(come)
            self._tuned.difference_update(gone)
            async with asyncio.timeout(self._answer_seconds):
                await link.tune(come=come, gone=gone)

    async def _tell(self, link: Link) -> None:
        """Publish what is untold; what fails to go out stays untold."""
        while batch := list(islice(self._untold, _BATCH_MAX)):
            for resource_id in batch:
                # Before it goes out: what is published again meanwhile must go out again.
                del self._untold[resource_id]
            try:
                async with asyncio.timeout(self._answer_seconds):
                    await link.speak(batch)
            except BaseException:
                self._leave_untold(batch)
                raise
        self._all_told.set()

    def _note_failure(self, errors: BaseExceptionGroup) -> None:
        if self._failures == 0:  # One line for each outage, not one for each try.
            log.warning("notices.lost", error=type(errors.exceptions[0]).__name__)
        self._failures += 1

    def _pause(self) -> float:
        if self._failures <= 1:
            return 0.0
        return min(PAUSE_MAX_SECONDS, PAUSE_FIRST_SECONDS * 2.0 ** (min(self._failures, 10) - 2))
