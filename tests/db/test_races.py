"""Two processes at once: each database lets exactly one of them win."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from gateway.db.store import SqlDatabase
from gateway.domain.errors import (
    ExternalIdTaken,
    GatewayError,
    IdempotencyInProgress,
    ServiceUnavailable,
    StateConflict,
    VersionMismatch,
)
from gateway.domain.ids import OperationId, ResellerId
from gateway.domain.operations import OperationState
from gateway.services.ports.store import Store
from gateway.services.scope import system_scope
from tests.db.conftest import Family, opened
from tests.db.kinds import Kind
from tests.factories import a_kept_answer, a_line, an_operation, owned_by

Step = Callable[[Store], Awaitable[object]]


@pytest.fixture
async def other(migrated_url: str) -> AsyncIterator[SqlDatabase]:
    """The same database, as another process sees it."""
    async with opened(migrated_url) as database:
        yield database


async def outcome(database: SqlDatabase, step: Step) -> object:
    """Return what the step answers or why it was refused; slow enough for two to overlap."""
    try:
        async with database.write(system_scope()) as store:
            answer = await step(store)
            await asyncio.sleep(0.05)
            return answer
    except GatewayError as error:
        return type(error)


async def race(one: SqlDatabase, other: SqlDatabase, *steps: Step) -> list[object]:
    answers = await asyncio.gather(outcome(one, steps[0]), outcome(other, steps[-1]))
    return sorted(answers, key=str)


async def test_one_of_two_gets_the_name(
    registry: SqlDatabase, other: SqlDatabase, kind: Kind
) -> None:
    answers = await race(registry, other, lambda store: kind.of(store).add(kind.make(**kind.name)))
    assert answers == [kind.name_taken, None]


async def test_one_of_two_gets_the_external_id(
    registry: SqlDatabase, other: SqlDatabase, kind: Kind
) -> None:
    answers = await race(
        registry, other, lambda store: kind.of(store).add(kind.make(external_id="x"))
    )
    assert answers == [ExternalIdTaken, None]


async def test_one_of_two_keeps_the_answer(registry: SqlDatabase, other: SqlDatabase) -> None:
    answers = await race(registry, other, lambda store: store.answers.add(a_kept_answer(key="k")))
    assert answers == [IdempotencyInProgress, None]


async def test_one_of_two_uses_the_reference(
    registry: SqlDatabase, other: SqlDatabase, kind: Kind
) -> None:
    made = kind.make()
    async with registry.write(system_scope()) as store:
        await kind.of(store).add(made)
    answers = await race(
        registry,
        other,
        lambda store: kind.of(store).add_reference(made.id, "invoice", OperationId("op_1")),
    )
    assert answers == [StateConflict, None]


async def test_one_of_two_operations_of_a_resource_is_sent(
    registry: SqlDatabase, other: SqlDatabase
) -> None:
    one = an_operation()
    two = an_operation(resource_id=one.resource_id)
    async with registry.write(system_scope()) as store:
        await store.operations.add(one)
        await store.operations.add(two)
    sending = [replace(it, state=OperationState.SENDING) for it in (one, two)]
    answers = await race(
        registry,
        other,
        lambda store: store.operations.claim(sending[0]),
        lambda store: store.operations.claim(sending[1]),
    )
    assert answers == [False, True]
    async with registry.read(system_scope()) as store:
        states = {(await store.operations.get(it.id)).state for it in (one, two)}
    assert states == {OperationState.PREPARED, OperationState.SENDING}


async def test_an_operation_is_sent_by_one_of_two(
    registry: SqlDatabase, other: SqlDatabase
) -> None:
    operation = an_operation()
    async with registry.write(system_scope()) as store:
        await store.operations.add(operation)
    sending = replace(operation, state=OperationState.SENDING)
    answers = await race(registry, other, lambda store: store.operations.claim(sending))
    assert answers == [False, True]


async def test_one_of_two_saves_a_version(
    registry: SqlDatabase, other: SqlDatabase, kind: Kind
) -> None:
    made = kind.make()
    async with registry.write(system_scope()) as store:
        await kind.of(store).add(made)
    later = replace(made, version=2)
    answers = await race(
        registry, other, lambda store: kind.of(store).save(later, expected_version=1)
    )
    assert answers == [VersionMismatch, None]


async def test_no_raise_of_an_epoch_is_lost(
    registry: SqlDatabase, other: SqlDatabase, kind: Kind
) -> None:
    made = kind.make(epoch=1)
    async with registry.write(system_scope()) as store:
        await kind.of(store).add(made)
    answers = await race(registry, other, lambda store: kind.of(store).raise_epoch(made.id))
    assert answers == [2, 3]


async def test_what_was_got_to_be_changed_does_not_change_meanwhile(
    registry: SqlDatabase, other: SqlDatabase, kind: Kind
) -> None:
    made = kind.make()
    async with registry.write(system_scope()) as store:
        await kind.of(store).add(made)

    async def add_a_word(store: Store) -> None:
        found = await kind.of(store).get(made.id)
        await asyncio.sleep(0.05)
        await kind.of(store).save(replace(found, notes=found.notes + "word "))

    await race(registry, other, add_a_word)
    async with registry.read(system_scope()) as store:
        assert (await kind.of(store).get(made.id)).notes == "word word "


async def test_a_quota_is_counted_by_one_at_a_time(
    registry: SqlDatabase, other: SqlDatabase, family: Family
) -> None:
    async def add_the_only_one(store: Store) -> None:
        await store.resellers.lock(family.ann.id)
        if await store.lines.count(family.ann.id):
            raise StateConflict("full")
        await asyncio.sleep(0.05)
        await store.lines.add(a_line(**owned_by(family.ann)))

    assert await race(registry, other, add_the_only_one) == [StateConflict, None]


async def test_a_lock_does_not_keep_others_from_referring_to_the_reseller(
    registry: SqlDatabase, other: SqlDatabase, family: Family
) -> None:
    if "sqlite" in registry._engine.dialect.name:
        pytest.skip("SQLite has one writer at a time")
    async with registry.write(system_scope()) as store:
        await store.resellers.lock(family.ann.id)
        async with asyncio.timeout(2), other.write(system_scope()) as elsewhere:
            await elsewhere.operations.add(an_operation(**owned_by(family.ann)))


async def test_a_deadlock_is_told_as_a_short_outage(
    registry: SqlDatabase, other: SqlDatabase, family: Family
) -> None:
    is_sqlite = "sqlite" in registry._engine.dialect.name
    both_hold_one = asyncio.Barrier(1 if is_sqlite else 2)  # SQLite has one writer at a time.

    async def lock(store: Store, first: ResellerId, second: ResellerId) -> None:
        await store.resellers.lock(first)
        await both_hold_one.wait()
        await store.resellers.lock(second)

    answers = await race(
        registry,
        other,
        lambda store: lock(store, family.ann.id, family.bob.id),
        lambda store: lock(store, family.bob.id, family.ann.id),
    )
    assert answers == [None if is_sqlite else ServiceUnavailable, None]


async def test_many_writers_of_one_process_all_get_their_turn(registry: SqlDatabase) -> None:
    async def add() -> None:
        async with registry.write(system_scope()) as store:
            await store.lines.add(a_line())

    await asyncio.gather(*(add() for _ in range(40)))
    async with registry.session(system_scope(), writable=False) as session:
        assert session.bind is not None
