"""The promise: no read that begins after a write was answered sees what was before it (I6).

Readers and writers of several processes run through each other, as the services use the cache,
while the server may forget everything at any moment. The seed is in the test's name.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import pytest
import redis.asyncio

from gateway.cache.memory import MemoryCache
from gateway.services.ports.cache import Cache
from tests.cache.support import LIVES, Rig, an_entry
from tests.servers.redis import RedisServer

LINES = ("line_a", "line_b", "line_c")
ROUNDS = 60


class World:
    """Database, panel and clients of a few lines; `answered` is what a client was told last."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.epochs = dict.fromkeys(LINES, 1)
        self.on_panel = dict.fromkeys(LINES, 0)
        self.answered = dict.fromkeys(LINES, 0)
        self.writing = {line: asyncio.Lock() for line in LINES}
        self.reads: Counter[str] = Counter()

    async def wait(self) -> None:
        await asyncio.sleep(self.random.choice((0, 0, 0.001, 0.003)))

    async def write(self, cache: Cache, line: str) -> None:
        """Change a line as the engine does: the epoch rises before the call and the answer."""
        async with self.writing[line]:
            await self._raise(cache, line)
            await self.wait()
            self.on_panel[line] += 1
            await self.wait()
            await self._raise(cache, line)
            self.answered[line] = self.on_panel[line]

    async def _raise(self, cache: Cache, line: str) -> None:
        self.epochs[line] += 1
        await cache.raise_epoch(line, self.epochs[line])

    async def read(self, cache: Cache, line: str) -> None:
        """Read a line as the service does, and judge what came."""
        at_least = self.answered[line]
        found = await cache.look_up(line)
        epoch = found.epoch
        if epoch is None:
            claim = await cache.claim(line)
            await self.wait()
            epoch = self.epochs[line]
            await self.wait()  # Written to and forgotten meanwhile, it must not be taught.
            if claim is not None:
                await cache.teach(line, epoch, claim)
        if found.entry is not None and found.entry.epoch == epoch:
            self.reads["hit"] += 1
            assert int(found.entry.value) >= at_least
            return
        self.reads["miss"] += 1
        epoch = self.epochs[line]
        await self.wait()
        value = self.on_panel[line]
        await self.wait()
        await cache.put(line, an_entry(value=str(value).encode(), epoch=epoch))


async def run(world: World, caches: Sequence[Cache]) -> None:
    async def client(number: int) -> None:
        cache = caches[number % len(caches)]
        for _ in range(ROUNDS):
            line = world.random.choice(LINES)
            if number < len(caches) and world.random.random() < 0.2:
                await world.write(cache, line)
            else:
                await world.read(cache, line)
            await world.wait()

    async with asyncio.TaskGroup() as group:
        for number in range(8):
            group.create_task(client(number))
    assert world.reads["hit"] > ROUNDS
    assert world.reads["miss"] > 10


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.mark.parametrize("seed", range(3))
async def test_in_memory(seed: int) -> None:
    cache = MemoryCache(Rig().clock, lifetimes=LIVES, entries_max=2)
    await run(World(seed), [cache])


@pytest.mark.parametrize("forgets", [False, True])
@pytest.mark.parametrize("seed", range(3))
async def test_over_redis(
    seed: int, forgets: bool, stoppable_redis: RedisServer, stack: AsyncExitStack
) -> None:
    rig = Rig()
    caches = [await stack.enter_async_context(rig.process(stoppable_redis.url)) for _ in range(3)]
    server = await stack.enter_async_context(redis.asyncio.Redis.from_url(stoppable_redis.url))
    world = World(seed)

    is_over = False

    async def forget() -> None:  # Not stopped by cancelling: redis-py's client may swallow that.
        while not is_over:
            await asyncio.sleep(0.005)
            await server.flushall()

    forgetter = asyncio.create_task(forget()) if forgets else None
    try:
        await run(world, caches)
    finally:
        is_over = True
        if forgetter is not None:
            await forgetter
