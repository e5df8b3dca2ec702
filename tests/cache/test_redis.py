"""What only a shared server brings: other processes, poisoned values, forgetfulness, coalescing.

Each test has a server of its own, since some of them flush it, starve it, or count its commands.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from gateway.cache.events import CacheEvent
from gateway.cache.keys import CLAIM_SECONDS, LAYOUT, epoch_key, value_key
from gateway.cache.redis import RedisCache
from gateway.services.ports.cache import Lookup
from tests.cache.support import LINE, LIVES, NOW, OTHER_LINE, Rig, an_entry, know, ready
from tests.servers.redis import RedisServer

NOTHING = Lookup(entry=None, epoch=None)
CANARY = b"canary-of-tenant-a"


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture
async def cache(rig: Rig, stoppable_redis: RedisServer) -> AsyncIterator[RedisCache]:
    async with rig.process(stoppable_redis.url) as cache:
        yield cache


@pytest.fixture
async def other(rig: Rig, stoppable_redis: RedisServer) -> AsyncIterator[RedisCache]:
    """The cache of another process."""
    async with rig.process(stoppable_redis.url) as cache:
        yield cache


@pytest.fixture
async def server(stoppable_redis: RedisServer) -> AsyncIterator[redis.asyncio.Redis]:
    """Redis as anybody who can reach it sees it."""
    async with redis.asyncio.Redis.from_url(stoppable_redis.url) as server:
        yield server


async def held_at(server: redis.asyncio.Redis, key: str) -> bytes:
    held = await server.get(key)
    assert isinstance(held, bytes)
    return held


async def run_id_of(server: redis.asyncio.Redis) -> str:
    info = await server.info("server")
    return str(info["run_id"])


async def kept(cache: RedisCache, line: str = LINE, epoch: int = 5) -> None:
    await know(cache, line, epoch)
    await cache.put(line, an_entry(value=CANARY, epoch=epoch))
    assert (await cache.look_up(line)).entry is not None


async def test_processes_share_entries_and_epochs(cache: RedisCache, other: RedisCache) -> None:
    await kept(cache)
    assert await other.look_up(LINE) == Lookup(entry=an_entry(value=CANARY), epoch=5)
    await know(other, LINE, 6)
    assert await cache.look_up(LINE) == Lookup(entry=None, epoch=6)


async def test_two_keys_in_one_slot_with_bounded_lives(
    cache: RedisCache, server: redis.asyncio.Redis
) -> None:
    await kept(cache)
    run_id = await run_id_of(server)
    value, epoch = value_key(run_id, LINE), epoch_key(run_id, LINE)
    assert set(await server.keys()) == {value.encode(), epoch.encode()}
    assert value == f"xgw:{LAYOUT}:{run_id}:info:{{{LINE}}}"
    assert epoch == f"xgw:{LAYOUT}:{run_id}:epoch:{{{LINE}}}"
    lives = [await server.ttl(value), await server.ttl(epoch)]
    assert LIVES.value_seconds - 5 <= lives[0] <= LIVES.value_seconds
    assert LIVES.epoch_seconds - 5 <= lives[1] <= LIVES.epoch_seconds
    assert lives[0] < lives[1]


async def test_nothing_in_redis_can_be_read(cache: RedisCache, server: redis.asyncio.Redis) -> None:
    await kept(cache)
    held = await held_at(server, value_key(await run_id_of(server), LINE))
    for plain in (CANARY, b"rsl_a", str(NOW.year).encode()):
        assert plain not in held


async def test_values_swapped_between_two_keys_are_absent(
    rig: Rig, cache: RedisCache, server: redis.asyncio.Redis
) -> None:
    await kept(cache, LINE)
    await kept(cache, OTHER_LINE)
    run_id = await run_id_of(server)
    mine, theirs = value_key(run_id, LINE), value_key(run_id, OTHER_LINE)
    one, two = await held_at(server, mine), await held_at(server, theirs)
    await server.mset({mine: two, theirs: one})
    assert await cache.look_up(LINE) == Lookup(entry=None, epoch=5)
    assert await cache.look_up(OTHER_LINE) == Lookup(entry=None, epoch=5)
    assert rig.events[CacheEvent.FORGED] == 2


async def test_every_flipped_bit_makes_a_value_absent(
    rig: Rig, cache: RedisCache, server: redis.asyncio.Redis
) -> None:
    await kept(cache)
    key = value_key(await run_id_of(server), LINE)
    sealed = await held_at(server, key)
    places = range(0, len(sealed), 7)
    for place in places:
        flipped = bytearray(sealed)
        flipped[place] ^= 1 << (place % 8)
        await server.set(key, bytes(flipped))
        assert await cache.look_up(LINE) == Lookup(entry=None, epoch=5)
    assert rig.events[CacheEvent.FORGED] == len(places)
    await server.set(key, sealed)
    assert (await cache.look_up(LINE)).entry is not None


@pytest.mark.parametrize("forged", [b"", b"x", b"\x00" * 4_000, b'{"value":"x"}'])
async def test_forged_values_are_absent(
    cache: RedisCache, server: redis.asyncio.Redis, forged: bytes
) -> None:
    await kept(cache)
    await server.set(value_key(await run_id_of(server), LINE), forged)
    assert await cache.look_up(LINE) == Lookup(entry=None, epoch=5)


async def test_a_sealed_text_that_is_no_entry_is_absent(
    rig: Rig, cache: RedisCache, server: redis.asyncio.Redis
) -> None:
    key = value_key(await run_id_of(server), LINE)
    await server.set(key, rig.sealer.seal(b"\xc1 no entry", key))
    assert await cache.look_up(LINE) == NOTHING


async def test_a_value_under_another_seal_key_is_absent(
    cache: RedisCache, stoppable_redis: RedisServer
) -> None:
    await kept(cache)
    async with Rig().process(stoppable_redis.url) as stranger:
        assert await stranger.look_up(LINE) == Lookup(entry=None, epoch=5)


@pytest.mark.parametrize("which", ["value", "epoch"])
async def test_a_key_of_the_wrong_type_is_absent_and_repaired_by_the_next_write(
    cache: RedisCache, server: redis.asyncio.Redis, which: str
) -> None:
    await kept(cache)
    run_id = await run_id_of(server)
    key = value_key(run_id, LINE) if which == "value" else epoch_key(run_id, LINE)
    await server.delete(key)
    await server.rpush(key, "a list")
    found = await cache.look_up(LINE)
    assert (found.entry is None) == (which == "value")
    assert (found.epoch is None) == (which == "epoch")
    await kept(cache, epoch=6)
    assert await cache.look_up(LINE) == Lookup(entry=an_entry(value=CANARY, epoch=6), epoch=6)


@pytest.mark.parametrize("forged", ["nan", "inf", "-1", "1e3", "0x10", "", " 5", "9" * 16, "5.0"])
async def test_an_epoch_that_is_no_epoch_is_unknown_and_can_be_told_again(
    cache: RedisCache, server: redis.asyncio.Redis, forged: str
) -> None:
    await server.set(epoch_key(await run_id_of(server), LINE), forged)
    assert await cache.look_up(LINE) == NOTHING
    claim = await cache.claim(LINE)
    assert claim is not None
    await cache.teach(LINE, 4, claim)
    assert await cache.look_up(LINE) == Lookup(entry=None, epoch=4)
    await server.set(epoch_key(await run_id_of(server), LINE), forged)
    await know(cache, LINE, 5)
    assert await cache.look_up(LINE) == Lookup(entry=None, epoch=5)


async def test_a_reader_that_stood_still_teaches_nothing_after_redis_forgot(
    cache: RedisCache, other: RedisCache, server: redis.asyncio.Redis
) -> None:
    slow = await cache.claim(LINE)  # It has asked the database, which said 5.
    await know(other, LINE, 6)  # A writer changes the line, and Redis forgets it.
    await server.flushall()
    assert slow is not None
    await cache.teach(LINE, 5, slow)
    assert (await cache.look_up(LINE)).epoch is None
    fresh = await other.claim(LINE)
    assert fresh is not None
    await cache.teach(LINE, 5, slow)
    assert (await cache.look_up(LINE)).epoch is None
    await other.teach(LINE, 6, fresh)
    assert (await cache.look_up(LINE)).epoch == 6


async def test_a_claim_ends_by_itself(cache: RedisCache, server: redis.asyncio.Redis) -> None:
    claim = await cache.claim(LINE)
    assert claim is not None
    key = epoch_key(await run_id_of(server), LINE)
    assert 0 < await server.pttl(key) <= CLAIM_SECONDS * 1000
    await server.delete(key)  # As it does then.
    await cache.teach(LINE, 5, claim)
    assert await cache.look_up(LINE) == NOTHING
    await know(cache, LINE, 5)
    assert await server.pttl(key) > CLAIM_SECONDS * 1000  # An epoch stays for longer.


async def test_after_a_flush_no_old_value_passes_for_the_present(
    cache: RedisCache, other: RedisCache, server: redis.asyncio.Redis
) -> None:
    await know(cache, LINE, 5)
    slow = an_entry(epoch=5)  # A reader has fetched this, under epoch 5.
    await know(other, LINE, 6)  # A writer changes the line, and Redis forgets it.
    await server.flushall()
    await cache.put(LINE, slow)
    found = await other.look_up(LINE)
    assert found.epoch is None  # So the database is asked, which says 6.
    claim = await other.claim(LINE)
    assert claim is not None
    await other.teach(LINE, 6, claim)
    assert await cache.look_up(LINE) == Lookup(entry=None, epoch=6)


async def test_a_flush_of_the_scripts_costs_one_miss(
    cache: RedisCache, server: redis.asyncio.Redis
) -> None:
    await know(cache, LINE, 4)
    await server.script_flush()
    await cache.raise_epoch(LINE, 5)  # Not known there: queued, and landed on a new link.
    await ready(cache)
    assert await cache.look_up(LINE) == Lookup(entry=None, epoch=5)


async def test_out_of_memory_a_raise_still_makes_values_unusable(
    rig: Rig, stoppable_redis: RedisServer, server: redis.asyncio.Redis, cache: RedisCache
) -> None:
    await kept(cache)
    await server.config_set("maxmemory-policy", "noeviction")
    await server.config_set("maxmemory", "1")
    try:
        await cache.raise_epoch(LINE, 6)
        await cache.put(OTHER_LINE, an_entry())
        keys = await server.keys()
    finally:
        await server.config_set("maxmemory", "0")
    assert keys == []
    assert rig.events[CacheEvent.RAISE_QUEUED] == 1
    await ready(cache)
    assert await cache.look_up(LINE) == NOTHING


async def mgets(server: redis.asyncio.Redis) -> int:
    stats = await server.info("commandstats")
    return int(stats.get("cmdstat_mget", {}).get("calls", 0))


async def test_readers_of_one_moment_share_one_command(
    cache: RedisCache, server: redis.asyncio.Redis
) -> None:
    lines = [f"line_{number:026}" for number in range(50)]
    for number, line in enumerate(lines):
        await know(cache, line, number)
        await cache.put(line, an_entry(value=str(number).encode(), epoch=number))
    before = await mgets(server)
    found = await asyncio.gather(*(cache.look_up(line) for line in lines * 2))
    assert await mgets(server) - before == 1
    assert [it.entry.value for it in found if it.entry is not None] == [
        str(number).encode() for number in range(50)
    ] * 2


async def test_one_exchange_is_bounded(cache: RedisCache, server: redis.asyncio.Redis) -> None:
    before = await mgets(server)
    found = await asyncio.gather(*(cache.look_up(f"line_{number}") for number in range(600)))
    assert found == [NOTHING] * 600
    assert await mgets(server) - before == 3


async def test_a_reader_that_goes_away_disturbs_nobody(cache: RedisCache) -> None:
    await kept(cache)
    gone = asyncio.create_task(cache.look_up(LINE))
    stays = asyncio.create_task(cache.look_up(LINE))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await stays).entry is not None
    assert gone.cancelled() or (await asyncio.gather(gone, return_exceptions=True))


async def test_a_forgery_in_a_batch_hurts_only_its_own_readers(
    cache: RedisCache, server: redis.asyncio.Redis
) -> None:
    await kept(cache, LINE)
    await kept(cache, OTHER_LINE)
    await server.set(value_key(await run_id_of(server), LINE), b"forged")
    mine, theirs = await asyncio.gather(cache.look_up(LINE), cache.look_up(OTHER_LINE))
    assert mine.entry is None
    assert theirs.entry is not None


async def test_a_raise_is_seen_by_readers_of_the_same_moment(cache: RedisCache) -> None:
    await kept(cache)
    found, _ = await asyncio.gather(cache.look_up(LINE), cache.raise_epoch(LINE, 6))
    assert found == Lookup(entry=None, epoch=6)


async def test_forgeries_are_logged_once_in_a_while(
    rig: Rig, cache: RedisCache, server: redis.asyncio.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    await server.set(value_key(await run_id_of(server), LINE), b"forged")
    for _ in range(5):
        await cache.look_up(LINE)
    assert capsys.readouterr().out.count("cache.forged") == 1
    rig.clock.seconds += 60
    await cache.look_up(LINE)
    assert capsys.readouterr().out.count("cache.forged") == 1


@pytest.mark.parametrize("url", ["http://localhost", "redis://localhost?no_such_option=1"])
def test_a_wrong_url_is_told_at_once(rig: Rig, url: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        rig.process(url)
