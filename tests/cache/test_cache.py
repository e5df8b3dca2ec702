"""What every cache does, whichever it is: in memory, and in a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.cache.memory import MemoryCache
from gateway.services.ports.cache import Cache, Lookup
from tests.cache.support import LINE, LIVES, OTHER_LINE, Rig, an_entry, know

NOTHING = Lookup(entry=None, epoch=None)


@pytest.fixture(params=["memory", "redis"])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    rig = Rig()
    if request.param == "memory":
        async with MemoryCache(rig.clock, lifetimes=LIVES) as memory:
            yield memory
    else:
        async with rig.process(request.getfixturevalue("redis_url")) as redis:
            yield redis


async def taught(cache: Cache, epoch: int) -> None:
    """Teach what the database says, as a reader does."""
    claim = await cache.claim(LINE)
    assert claim is not None
    await cache.teach(LINE, epoch, claim)


async def test_an_unknown_resource_is_nothing(cache: Cache) -> None:
    assert await cache.look_up(LINE) == NOTHING


async def test_an_entry_comes_back_whole_under_its_epoch(cache: Cache) -> None:
    await taught(cache, 5)
    await cache.put(LINE, an_entry(epoch=5))
    assert await cache.look_up(LINE) == Lookup(entry=an_entry(epoch=5), epoch=5)


async def test_entries_of_other_resources_are_not_mixed_up(cache: Cache) -> None:
    for line, value in ((LINE, b"one"), (OTHER_LINE, b"two")):
        await know(cache, line, 1)
        await cache.put(line, an_entry(value=value, epoch=1))
    one, two = await cache.look_up(LINE), await cache.look_up(OTHER_LINE)
    assert one.entry is not None
    assert two.entry is not None
    assert (one.entry.value, two.entry.value) == (b"one", b"two")


async def test_a_new_entry_replaces_the_old_one(cache: Cache) -> None:
    await know(cache, LINE, 5)
    await cache.put(LINE, an_entry(value=b"old"))
    await cache.put(LINE, an_entry(value=b"new"))
    assert (await cache.look_up(LINE)).entry == an_entry(value=b"new")


async def test_a_raise_makes_the_entry_old(cache: Cache) -> None:
    await know(cache, LINE, 5)
    await cache.put(LINE, an_entry(epoch=5))
    await know(cache, LINE, 6)
    assert await cache.look_up(LINE) == Lookup(entry=None, epoch=6)


async def test_a_reader_that_was_slow_cannot_bring_the_old_value_back(cache: Cache) -> None:
    await know(cache, LINE, 5)
    slow = an_entry(epoch=5)  # Fetched from the panel, not stored yet ...
    await know(cache, LINE, 6)  # ... when a writer comes in between.
    await cache.put(LINE, slow)
    assert await cache.look_up(LINE) == Lookup(entry=None, epoch=6)


async def test_a_newer_entry_is_not_replaced_by_an_older_one(cache: Cache) -> None:
    await know(cache, LINE, 6)
    await cache.put(LINE, an_entry(value=b"new", epoch=6))
    await cache.put(LINE, an_entry(value=b"old", epoch=5))
    assert await cache.look_up(LINE) == Lookup(entry=an_entry(value=b"new", epoch=6), epoch=6)


async def test_an_entry_brings_a_greater_epoch_along(cache: Cache) -> None:
    await know(cache, LINE, 5)
    await cache.put(LINE, an_entry(epoch=7))
    assert await cache.look_up(LINE) == Lookup(entry=an_entry(epoch=7), epoch=7)


async def test_an_entry_does_not_tell_an_epoch_where_none_is_known(cache: Cache) -> None:
    await cache.put(LINE, an_entry(epoch=5))
    assert await cache.look_up(LINE) == Lookup(entry=an_entry(epoch=5), epoch=None)
    await taught(cache, 6)
    assert await cache.look_up(LINE) == Lookup(entry=None, epoch=6)


async def test_who_claimed_first_teaches_and_who_claimed_with_it_may_be_late(cache: Cache) -> None:
    first, second = await cache.claim(LINE), await cache.claim(LINE)
    assert first is not None
    assert second == first
    await cache.teach(LINE, 5, first)
    await cache.teach(LINE, 4, first)
    assert (await cache.look_up(LINE)).epoch == 5


async def test_a_claim_is_over_once_a_writer_told_an_epoch(cache: Cache) -> None:
    claim = await cache.claim(LINE)
    assert claim is not None
    await know(cache, LINE, 6)
    await cache.teach(LINE, 5, claim)
    assert (await cache.look_up(LINE)).epoch == 6
    assert await cache.claim(LINE) is None  # There is nothing to teach.


async def test_a_claim_is_for_one_resource(cache: Cache) -> None:
    claim = await cache.claim(LINE)
    assert claim is not None
    assert await cache.claim(OTHER_LINE) != claim
    await cache.teach(OTHER_LINE, 5, claim)
    assert (await cache.look_up(OTHER_LINE)).epoch is None


async def test_a_claim_hides_nothing_that_is_held(cache: Cache) -> None:
    await cache.put(LINE, an_entry(epoch=5))
    assert await cache.claim(LINE) is not None
    assert await cache.look_up(LINE) == Lookup(entry=an_entry(epoch=5), epoch=None)


@pytest.mark.parametrize("told", [[3, 7, 5], [7, 3, 5], [5, 3, 7]])
async def test_epochs_only_rise_in_whatever_order_they_come(cache: Cache, told: list[int]) -> None:
    for epoch in told:
        await know(cache, LINE, epoch)
    assert await cache.look_up(LINE) == Lookup(entry=None, epoch=7)


async def test_large_epochs_are_exact(cache: Cache) -> None:
    await know(cache, LINE, 999_999_999_999_998)
    await know(cache, LINE, 999_999_999_999_999)
    await know(cache, LINE, 999_999_999_999_998)
    assert (await cache.look_up(LINE)).epoch == 999_999_999_999_999


async def test_any_bytes_are_kept_as_they_are(cache: Cache) -> None:
    value = bytes(range(256)) * 40
    await know(cache, LINE, 1)
    await cache.put(LINE, an_entry(value=value, epoch=1))
    found = (await cache.look_up(LINE)).entry
    assert found is not None
    assert found.value == value


async def test_it_says_that_it_is_ready(cache: Cache) -> None:
    assert await cache.is_ready()
