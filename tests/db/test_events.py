"""Events come back as they were, in an order that never changes behind a reader's back."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from gateway.db.rows_events import EventRow, EventSequenceRow
from gateway.db.store import SqlDatabase
from gateway.domain.events import Event, EventFilter, EventOrder, EventType
from gateway.domain.ids import IdKind
from gateway.domain.paging import PageRequest, decode_cursor
from gateway.services.scope import system_scope
from tests.db.conftest import opened
from tests.factories import NOW, PANEL_ID, an_event, an_id

HOUR = timedelta(hours=1)
PAGE = PageRequest()
OLDEST = EventFilter(order=EventOrder.OLDEST)


async def written(database: SqlDatabase, *events: Event) -> list[Event]:
    """Append each in a transaction of its own."""
    done = []
    for event in events:
        async with database.write(system_scope()) as store:
            done.append(await store.events.append(event))
    return done


async def undone(database: SqlDatabase, event: Event) -> None:
    """Append, and fail before the commit."""
    async with database.write(system_scope()) as store:
        await store.events.append(event)
        raise AssertionError("undone")


async def test_an_event_comes_back_as_it_was(database: SqlDatabase) -> None:
    made = an_event(data={"id": "line_x", "ünï": [1, None, True], "nested": {"a": 1.5}})
    (event,) = await written(database, made)
    assert event.sequence == 1
    async with database.read(system_scope()) as store:
        assert await store.events.find(made.id) == event
        assert await store.events.find(an_event().id) is None


async def test_events_of_a_resource_are_numbered_without_a_gap(database: SqlDatabase) -> None:
    mine, other = an_id(IdKind.LINE), an_id(IdKind.LINE)
    ids = (mine, other, mine, mine, other)
    events = await written(database, *[an_event(resource_id=it) for it in ids])
    assert [it.sequence for it in events] == [1, 1, 2, 3, 2]


async def test_what_is_rolled_back_leaves_no_gap(database: SqlDatabase) -> None:
    line = an_id(IdKind.LINE)
    await written(database, an_event(resource_id=line))
    with pytest.raises(AssertionError, match="undone"):
        await undone(database, an_event(resource_id=line))
    (event,) = await written(database, an_event(resource_id=line))
    assert event.sequence == 2


async def test_many_at_once_are_numbered_without_a_gap(migrated_url: str) -> None:
    line = an_id(IdKind.LINE)
    async with opened(migrated_url) as first, opened(migrated_url) as second:
        writing = [
            written(database, an_event(resource_id=line)) for database in (first, second) * 6
        ]
        done = await asyncio.gather(*writing)
    assert sorted(it.sequence for events in done for it in events) == list(range(1, 13))


async def test_lists_are_narrowed_and_ordered(database: SqlDatabase) -> None:
    line = an_id(IdKind.LINE)
    first, second, third = await written(
        database,
        an_event(resource_id=line),
        an_event(type=EventType.LINE_RENEWED, at=NOW + HOUR, panel_id=None),
        an_event(resource_id=line, type=EventType.LINE_RENEWED, at=NOW + HOUR),
    )
    expected: tuple[tuple[EventFilter, tuple[Event, ...]], ...] = (
        (EventFilter(), (third, second, first)),
        (OLDEST, (first, second, third)),
        (EventFilter(type=EventType.LINE_RENEWED), (third, second)),
        (EventFilter(resource_id=line), (third, first)),
        (EventFilter(since=NOW + HOUR), (third, second)),
        (EventFilter(since=NOW + 2 * HOUR), ()),
        (EventFilter(after_id=first.id), (third, second)),
        (EventFilter(after_id=third.id), ()),
        (EventFilter(after_id=an_event().id), (third, second, first)),
    )
    async with database.read(system_scope()) as store:
        for criteria, events in expected:
            assert (await store.events.list(criteria, PAGE)).items == events, criteria
        assert await store.events.list_after(None, 2) == (first, second)
        assert await store.events.list_after(second.id, 2) == (third,)


@pytest.mark.parametrize("order", EventOrder)
async def test_pages_have_each_once(database: SqlDatabase, order: EventOrder) -> None:
    events = await written(database, *[an_event() for _ in range(5)])
    seen: list[Event] = []
    after: str | None = None
    async with database.read(system_scope()) as store:
        while True:
            request = PageRequest(limit=2, after=after)
            page = await store.events.list(EventFilter(order=order), request)
            seen += page.items
            if page.next_cursor is None:
                break
            after = decode_cursor(page.next_cursor, IdKind.EVENT)
    assert seen == (events if order is EventOrder.OLDEST else events[::-1])


async def test_a_reader_misses_nothing_that_is_committed_late(migrated_url: str) -> None:
    """An event that was begun first and committed last comes after what was shown meanwhile."""
    if not migrated_url.startswith("postgresql"):
        pytest.skip("writers take turns on SQLite")
    slow, quick = an_event(), an_event()
    async with opened(migrated_url) as database, opened(migrated_url) as other:
        async with database.write(system_scope()) as store:
            await store.events.append(slow)
            await written(other, quick)
            async with other.read(system_scope()) as reader:
                assert await reader.events.list_after(None, 9) == ()
                assert (await reader.events.list(OLDEST, PAGE)).items == ()
        async with other.read(system_scope()) as reader:
            shown = await reader.events.list_after(None, 9)
            assert [it.id for it in shown] == [slow.id, quick.id]


async def test_events_of_a_resource_come_in_the_order_of_their_sequence(migrated_url: str) -> None:
    """Also where the transaction that began first comes to the resource last."""
    if not migrated_url.startswith("postgresql"):
        pytest.skip("writers take turns on SQLite")
    line = an_id(IdKind.LINE)
    async with opened(migrated_url) as database, opened(migrated_url) as other:
        async with database.write(system_scope()) as store:
            await store.events.append(an_event())
            (first,) = await written(other, an_event(resource_id=line))
            second = await store.events.append(an_event(resource_id=line))
        async with other.read(system_scope()) as reader:
            shown = [it for it in await reader.events.list_after(None, 9) if it.resource_id == line]
    assert shown == [first, second]


async def test_what_was_moved_from_another_cluster_comes_first(database: SqlDatabase) -> None:
    if database._turn is not None:
        pytest.skip("SQLite has no numbers of transactions")
    (moved,) = await written(database, an_event())
    async with database.session(system_scope(), writable=True) as session:
        await session.execute(sa.update(EventRow).values(xact=2**60))
        await session.execute(sa.update(EventSequenceRow).values(xact=2**60))
    async with database.write(system_scope()) as store:
        assert await store.events.list_after(None, 9) == (moved,)
        await store.events.settle()
        await store.events.settle()
    (late,) = await written(database, an_event(resource_id=moved.resource_id))
    async with database.read(system_scope()) as store:
        assert await store.events.list_after(None, 9) == (moved, late)
        assert await store.events.list_after(moved.id, 9) == (late,)


async def test_a_sweep_takes_the_oldest_and_no_sequence_twice(database: SqlDatabase) -> None:
    line, done = an_id(IdKind.LINE), an_id(IdKind.OPERATION)
    first, over, young = await written(
        database,
        an_event(resource_id=line),
        an_event(resource_id=done, type=EventType.OPERATION_FAILED, panel_id=PANEL_ID),
        an_event(resource_id=line, at=NOW + HOUR),
    )
    async with database.write(system_scope()) as store:
        assert await store.events.delete_older(NOW, 9) == 0
        assert await store.events.delete_older(NOW + HOUR, 1) == 1
        assert await store.events.delete_older(NOW + HOUR, 9) == 1
        assert await store.events.list_after(first.id, 9) == (young,)
        assert await store.events.find(over.id) is None
    async with database.session(system_scope(), writable=False) as session:
        assert list(await session.scalars(sa.select(EventSequenceRow.resource_id))) == [line]
    (event,) = await written(database, an_event(resource_id=line))
    assert event.sequence == 3
