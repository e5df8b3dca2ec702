"""The cache of many processes, in one Redis server.

One background task owns the one link. It takes what callers wait for, all of a moment in one
exchange, and gives each its answer. While there is no link (Redis is down, hangs, is a replica, or
was slow once) callers go without at once; the task alone pays for trying again. So a failing Redis
costs those who wait at that moment at most `answer_seconds`, and nobody else anything.

Without Redis, entries are kept in this process's memory and handed out without an epoch: the caller
then asks the database whether they are still the present. So an outage does not send every read to
a panel, and nothing old is served.

Only readers make an epoch known, by a claim that they laid down before they asked the database.
Whatever makes Redis forget (flush, eviction) takes the claim along, and so does a writer's raise:
who stood still meanwhile teaches nothing. A writer raises what is known: one who stood still would
otherwise make its old epoch known to a Redis that has forgotten the newer ones.

What remains, each bounded by the time for which services take an entry for fresh:
- a raise that has not landed yet is not known to other processes that do reach Redis;
- a master that is replaced by a replica and later put back without a restart holds its old entries.

Raises that did not land are landed first on a new link, before anybody may read through it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Self

import structlog

from gateway.cache.agreement import NOTHING
from gateway.cache.batch import RESOURCES_MAX, Batch, Put, Raise, Teach, write_command
from gateway.cache.events import CacheEvent, CountEvent, count_nothing
from gateway.cache.keys import Lifetimes
from gateway.cache.link import LINK_ERRORS, Connector, Link, LinkBrokenError
from gateway.cache.memory import MemoryCache
from gateway.cache.sealing import EntrySealer
from gateway.cache.unlanded import Unlanded
from gateway.services.ports.cache import CacheEntry, Claim, Lookup
from gateway.services.ports.sealer import Sealer
from gateway.services.ports.system import Clock

#: How long a caller may wait for Redis. A healthy one answers in a millisecond.
ANSWER_SECONDS: Final = 0.05
CONNECT_SECONDS: Final = 1.0
CHECK_EVERY_SECONDS: Final = 5.0
#: Before a new link: none after the first failure in a row, then twice as long each time.
PAUSE_FIRST_SECONDS: Final = 0.25
PAUSE_MAX_SECONDS: Final = 5.0
UNLANDED_MAX: Final = 10_000
SPARE_ENTRIES_MAX: Final = 5_000
SPARE_BYTES_MAX: Final = 8 * 1024 * 1024

log = structlog.get_logger(__name__)


class RedisCache:
    """The `Cache` port over Redis. Use it as an async context manager, in one event loop.

    Args:
        url: `redis://`, `rediss://` or `unix://`, as redis-py reads it. Raises ValueError or
            TypeError when it cannot. The account needs +info, +mget and scripting (+evalsha,
            +script, and in scripts +get, +set, +del, +pexpire).
        lifetimes: how long keys live.
        count: is told what happens, for the metrics.
        answer_seconds: how long a caller may wait.
        check_every_seconds: how often the link is asked whether it is still the same server, and a
            master.
    """

    def __init__(
        self,
        url: str,
        sealer: Sealer,
        clock: Clock,
        *,
        lifetimes: Lifetimes,
        count: CountEvent = count_nothing,
        answer_seconds: float = ANSWER_SECONDS,
        check_every_seconds: float = CHECK_EVERY_SECONDS,
    ) -> None:
        self._connector = Connector(url)
        self._sealer = EntrySealer(sealer, clock, count)
        self._clock = clock
        self._lifetimes = lifetimes
        self._count = count
        self._answer_seconds = answer_seconds
        self._check_every_seconds = check_every_seconds
        self._unlanded = Unlanded(
            clock, count, life_seconds=lifetimes.value_seconds, size=UNLANDED_MAX
        )
        self._spare = MemoryCache(
            clock, lifetimes=lifetimes, entries_max=SPARE_ENTRIES_MAX, bytes_max=SPARE_BYTES_MAX
        )
        self._link: Link | None = None
        self._batches: deque[Batch] = deque()
        self._wanted = asyncio.Event()
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failures = 0

    async def __aenter__(self) -> Self:
        """Begin, and wait for the first try to connect: up to CONNECT_SECONDS."""
        self._task = asyncio.create_task(self._keep_linked(), name="cache")
        await self._tried.wait()
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Stop the background task and close the link."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    # --- the port --------------------------------------------------------------------------

    async def look_up(self, resource_id: str) -> Lookup:
        """Return what is held. See the port."""
        if self._link is not None:
            found = await self._batch().look_up(resource_id)
            if found is not NOTHING:
                return found
        # Never connected, or lost while waiting (that very object says so).
        self._count(CacheEvent.BYPASSED)
        spare = await self._spare.look_up(resource_id)
        return Lookup(entry=spare.entry, epoch=None)

    async def put(self, resource_id: str, entry: CacheEntry) -> None:
        """Keep *entry*. See the port."""
        if self._link is not None:
            await self._batch().write(Put(resource_id, entry))
        else:
            self._count(CacheEvent.BYPASSED)
            await self._spare.put(resource_id, entry)

    async def raise_epoch(self, resource_id: str, epoch: int) -> None:
        """Tell an epoch. See the port."""
        wanted = Raise(resource_id, epoch)
        if self._link is not None:
            await self._batch().write(wanted)
        else:
            self._unlanded.add(wanted)

    async def claim(self, resource_id: str) -> Claim | None:
        """Claim to teach. See the port."""
        return None if self._link is None else await self._batch().claim(resource_id)

    async def teach(self, resource_id: str, epoch: int, claim: Claim) -> None:
        """Teach an epoch. See the port."""
        if self._link is not None:
            await self._batch().write(Teach(resource_id, epoch, claim))

    async def is_ready(self) -> bool:
        """Tell whether there is a link; it is checked every few seconds."""
        return self._link is not None

    # --- the background task -----------------------------------------------------------------

    def _batch(self) -> Batch:
        """Return the batch that goes next, and wake the task."""
        if not self._batches or self._batches[-1].is_full:
            deadline = asyncio.get_running_loop().time() + self._answer_seconds
            self._batches.append(Batch(deadline))
            self._wanted.set()
        return self._batches[-1]

    async def _keep_linked(self) -> None:
        """Open a link and serve through it, again and again, until cancelled."""
        while True:
            link = None
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    link = await self._connector.open()
                    await self._land(link)
                self._publish(link)
                await self._serve(link)
            except LINK_ERRORS as error:
                self._note_failure(error)
            except Exception:  # A bug must not leave callers waiting for ever.
                self._failures += 1
                log.exception("cache.failed")
            finally:
                self._withdraw()
                if link is not None:
                    await link.close()
                self._tried.set()
            await self._clock.sleep(self._pause())

    async def _land(self, link: Link) -> None:
        """Send what did not land before."""
        while raises := self._unlanded.oldest(RESOURCES_MAX):
            commands = [
                write_command(wanted, link, self._sealer, self._lifetimes) for wanted in raises
            ]
            if not all(await link.exchange(commands)):
                raise LinkBrokenError("the server does not take invalidations")
            self._unlanded.landed(raises)

    async def _serve(self, link: Link) -> None:
        """Carry out batches, one exchange after the other, until something fails."""
        loop = asyncio.get_running_loop()
        check_at = loop.time() + self._check_every_seconds
        while True:
            if loop.time() >= check_at:
                async with asyncio.timeout(self._answer_seconds):
                    await link.check()
                check_at = loop.time() + self._check_every_seconds
            try:
                async with asyncio.timeout_at(check_at):
                    await self._wanted.wait()
            except TimeoutError:
                continue
            await self._carry_out(link, self._batches[0])
            self._failures = 0

    async def _carry_out(self, link: Link, batch: Batch) -> None:
        """Exchange one batch; those who come meanwhile make the next."""
        self._batches.popleft()
        if not self._batches:
            self._wanted.clear()
        try:
            async with asyncio.timeout_at(batch.deadline):
                answers = await link.exchange(batch.commands(link, self._sealer, self._lifetimes))
            refused = batch.resolve(answers, link, self._sealer)
        except BaseException:
            self._queue(batch.fail())
            raise
        if refused:
            self._queue(refused)
            raise LinkBrokenError("the server does not take invalidations")

    def _publish(self, link: Link) -> None:
        self._link = link
        self._tried.set()
        log.info("cache.connected")

    def _withdraw(self) -> None:
        """Send callers past the cache from now on, and those who wait as well."""
        self._link = None
        while self._batches:
            self._queue(self._batches.popleft().fail())
        self._wanted.clear()

    def _queue(self, raises: list[Raise]) -> None:
        for wanted in raises:
            self._unlanded.add(wanted)

    def _note_failure(self, error: BaseException) -> None:
        self._count(CacheEvent.FAILED)
        if self._failures == 0:  # One line for each outage, not one for each try.
            log.warning("cache.lost", error=type(error).__name__, reason=str(error))
        self._failures += 1

    def _pause(self) -> float:
        if self._failures <= 1:
            return 0.0
        return min(PAUSE_MAX_SECONDS, PAUSE_FIRST_SECONDS * 2.0 ** (min(self._failures, 10) - 2))
