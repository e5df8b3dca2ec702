"""The queue of raises that did not reach Redis."""

from __future__ import annotations

from collections import Counter

import pytest

from gateway.cache.batch import Raise
from gateway.cache.events import CacheEvent
from gateway.cache.unlanded import Unlanded
from tests.cache.support import HandClock

LIFE = 600


def a_raise(line: str = "line_1", epoch: int = 5) -> Raise:
    return Raise(line, epoch)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def events() -> Counter[CacheEvent]:
    return Counter()


@pytest.fixture
def queue(clock: HandClock, events: Counter[CacheEvent]) -> Unlanded:
    return Unlanded(clock, lambda event: events.update([event]), life_seconds=LIFE, size=3)


def test_the_newest_epoch_of_a_resource_wins(queue: Unlanded) -> None:
    for epoch in (5, 7, 6):
        queue.add(a_raise(epoch=epoch))
    assert queue.oldest(10) == [a_raise(epoch=7)]


def test_oldest_first_and_no_more_than_asked(queue: Unlanded) -> None:
    for line in ("a", "b", "c"):
        queue.add(a_raise(line))
    assert queue.oldest(2) == [a_raise("a"), a_raise("b")]


def test_a_full_queue_drops_the_oldest_and_counts_it(
    queue: Unlanded, events: Counter[CacheEvent]
) -> None:
    for line in ("a", "b", "c", "d"):
        queue.add(a_raise(line))
    assert queue.oldest(10) == [a_raise("b"), a_raise("c"), a_raise("d")]
    assert events[CacheEvent.RAISE_DROPPED] == 1


def test_what_can_make_nothing_old_any_more_is_forgotten(queue: Unlanded, clock: HandClock) -> None:
    queue.add(a_raise("a"))
    clock.seconds += LIFE - 1
    queue.add(a_raise("b"))
    clock.seconds += 1
    assert queue.oldest(10) == [a_raise("b")]
    assert len(queue) == 1


def test_what_landed_is_forgotten_unless_more_came_meanwhile(
    queue: Unlanded, events: Counter[CacheEvent]
) -> None:
    queue.add(a_raise("a", 5))
    queue.add(a_raise("b", 5))
    sent = queue.oldest(10)
    queue.add(a_raise("b", 6))
    queue.landed(sent)
    assert queue.oldest(10) == [a_raise("b", 6)]
    assert events[CacheEvent.RAISE_LANDED] == 2
