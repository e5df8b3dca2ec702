"""The bounds of the cache in memory."""

from __future__ import annotations

from gateway.cache.memory import ENTRY_OVERHEAD_BYTES, EPOCHS_PER_ENTRY, MemoryCache
from gateway.services.ports.cache import Lookup
from tests.cache.support import LINE, LIVES, HandClock, an_entry, know


async def filled(cache: MemoryCache, *names: str, value: bytes = b"x") -> None:
    for name in names:
        await know(cache, name, 1)
        await cache.put(name, an_entry(epoch=1, value=value))


async def held(cache: MemoryCache, *names: str) -> set[str]:
    return {name for name in names if (await cache.look_up(name)).entry is not None}


async def test_entries_die_by_the_clock_and_epochs_outlive_them() -> None:
    clock = HandClock()
    cache = MemoryCache(clock, lifetimes=LIVES)
    await filled(cache, LINE)
    clock.seconds += LIVES.value_seconds - 1
    assert await held(cache, LINE) == {LINE}
    clock.seconds += 1
    assert await cache.look_up(LINE) == Lookup(entry=None, epoch=1)
    clock.seconds += LIVES.epoch_seconds
    assert await cache.look_up(LINE) == Lookup(entry=None, epoch=None)


async def test_the_least_recently_used_goes_first() -> None:
    cache = MemoryCache(HandClock(), lifetimes=LIVES, entries_max=2)
    await filled(cache, "a", "b")
    await cache.look_up("a")
    await filled(cache, "c")
    assert await held(cache, "a", "b", "c") == {"a", "c"}


async def test_bytes_are_bounded_too() -> None:
    cache = MemoryCache(
        HandClock(), lifetimes=LIVES, bytes_max=2 * (ENTRY_OVERHEAD_BYTES + 1_000) + 100
    )
    await filled(cache, "a", "b", "c", value=b"x" * 1_000)
    assert await held(cache, "a", "b", "c") == {"b", "c"}


async def test_what_is_larger_than_all_memory_is_not_kept_and_drives_nothing_out() -> None:
    cache = MemoryCache(HandClock(), lifetimes=LIVES, bytes_max=10_000)
    await filled(cache, "a")
    await filled(cache, "b", value=b"x" * 10_001)
    assert await held(cache, "a", "b") == {"a"}


async def test_replacing_and_expiring_give_the_bytes_back() -> None:
    clock = HandClock()
    cache = MemoryCache(clock, lifetimes=LIVES, bytes_max=ENTRY_OVERHEAD_BYTES + 2_000)
    for _ in range(5):
        await filled(cache, "a", value=b"x" * 1_500)
        assert await held(cache, "a") == {"a"}
    clock.seconds += LIVES.value_seconds
    assert await held(cache, "a") == set()
    await filled(cache, "b", value=b"x" * 1_900)
    assert await held(cache, "b") == {"b"}


async def test_epochs_are_bounded_and_a_forgotten_one_is_unknown_not_old() -> None:
    cache = MemoryCache(HandClock(), lifetimes=LIVES, entries_max=1)
    await filled(cache, "a")
    for number in range(EPOCHS_PER_ENTRY):
        await know(cache, f"other{number}", 1)
    assert await cache.look_up("a") == Lookup(entry=an_entry(epoch=1, value=b"x"), epoch=None)
