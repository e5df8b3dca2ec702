"""Operations in the registry: compare-and-set on the state, one sent change for each resource."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.db.store import SqlDatabase
from gateway.domain.errors import Fault, NotFound
from gateway.domain.ids import IdKind, OperationId
from gateway.domain.operations import OperationFilter, OperationState, Problem, ShownState
from gateway.domain.paging import PageRequest, decode_cursor
from gateway.services.ports.store import Store
from gateway.services.scope import system_scope
from tests.db.conftest import Family
from tests.factories import NOW, an_asker, an_operation, owned_by

PREPARED, SENDING, UNKNOWN = (
    OperationState.PREPARED,
    OperationState.SENDING,
    OperationState.UNKNOWN,
)


async def test_an_operation_is_read_as_it_was_added(registry: SqlDatabase, family: Family) -> None:
    operation = an_operation(
        **owned_by(family.ann),
        asker=an_asker(key_id="key_1", ip=None),
        attempts=2,
        problem=Problem(
            code="panel_refused_values",
            status=422,
            detail="no",
            faults=(Fault("/notes", "bad", "too long"),),
        ),
        request=b'{"password":"one"}',
        desired=b'{"password":"two"}',
        result=b"\x00\xff",
        idempotency_id="a1",
        sent_at=NOW,
        settles_at=NOW + timedelta(seconds=300),
    )
    async with registry.write(system_scope()) as store:
        await store.operations.add(operation)
    async with registry.read(system_scope()) as store:
        assert await store.operations.get(operation.id) == operation
        with pytest.raises(NotFound):
            await store.operations.get(OperationId("op_unknown"))


async def test_a_claim_writes_the_whole_row(store: Store) -> None:
    operation = an_operation()
    await store.operations.add(operation)
    claimed = replace(operation, state=SENDING, attempts=1, desired=b"wanted", sent_at=NOW)
    assert await store.operations.claim(claimed)
    assert await store.operations.get(operation.id) == claimed
    assert await store.operations.find_open(operation.resource_id) == claimed


async def test_an_operation_is_claimed_once(store: Store) -> None:
    operation = an_operation()
    await store.operations.add(operation)
    claimed = replace(operation, state=SENDING)
    assert await store.operations.claim(claimed)
    assert not await store.operations.claim(replace(claimed, attempts=9))
    assert await store.operations.get(operation.id) == claimed


@pytest.mark.parametrize("state", [SENDING, UNKNOWN, OperationState.MANUAL])
async def test_a_resource_is_held_until_the_end(store: Store, state: OperationState) -> None:
    first = an_operation()
    second = an_operation(resource_id=first.resource_id)
    await store.operations.add(first)
    await store.operations.add(second)
    assert await store.operations.claim(replace(first, state=SENDING))
    assert await store.operations.save(replace(first, state=state), was=SENDING)
    assert not await store.operations.claim(replace(second, state=SENDING))
    assert await store.operations.get(second.id) == second
    assert await store.operations.save(replace(first, state=OperationState.FAILED), was=state)
    assert await store.operations.find_open(first.resource_id) is None
    assert await store.operations.claim(replace(second, state=SENDING))


async def test_an_operation_that_was_not_sent_frees_its_resource(store: Store) -> None:
    operation = an_operation()
    await store.operations.add(operation)
    await store.operations.claim(replace(operation, state=SENDING))
    assert await store.operations.save(operation, was=SENDING)
    assert await store.operations.find_open(operation.resource_id) is None


async def test_a_save_from_another_state_changes_nothing(store: Store) -> None:
    operation = an_operation()
    await store.operations.add(operation)
    assert not await store.operations.save(replace(operation, attempts=5), was=UNKNOWN)
    assert await store.operations.get(operation.id) == operation


async def test_operations_are_listed_by_state_kind_and_resource(store: Store) -> None:
    create, renew = an_operation(), an_operation(kind="line.renew", state=UNKNOWN)
    await store.operations.add(create)
    await store.operations.add(renew)

    async def found(criteria: OperationFilter) -> tuple[object, ...]:
        return (await store.operations.list(criteria, PageRequest())).items

    assert await found(OperationFilter()) == (renew, create)
    assert await found(OperationFilter(state=ShownState.UNKNOWN)) == (renew,)
    assert await found(OperationFilter(kind="line.create")) == (create,)
    assert await found(OperationFilter(resource_id=create.resource_id)) == (create,)
    assert await found(OperationFilter(state=ShownState.PREPARED, kind="line.renew")) == ()


async def test_operations_are_paged(store: Store) -> None:
    made = [an_operation() for _ in range(3)]
    for operation in made:
        await store.operations.add(operation)
    first = await store.operations.list(OperationFilter(), PageRequest(limit=2))
    assert first.items == (made[2], made[1])
    assert first.next_cursor is not None
    after = decode_cursor(first.next_cursor, IdKind.OPERATION)
    second = await store.operations.list(OperationFilter(), PageRequest(limit=2, after=after))
    assert second.items == (made[0],)
    assert second.next_cursor is None


async def test_stale_operations_come_oldest_first(store: Store) -> None:
    ages = (5, 1, 9, 3)
    made = {age: an_operation(updated_at=NOW - timedelta(seconds=age)) for age in ages}
    for operation in made.values():
        await store.operations.add(operation)
    await store.operations.add(an_operation(state=UNKNOWN, updated_at=NOW - timedelta(days=1)))
    before = NOW - timedelta(seconds=1)
    assert await store.operations.list_stale(PREPARED, before, 2) == (made[9], made[5])
    assert await store.operations.list_stale(PREPARED, before, 9) == (made[9], made[5], made[3])
