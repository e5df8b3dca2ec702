"""Drifts come back as they were; one is open of each resource; who is compared next."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.db.store import SqlDatabase
from gateway.domain.drifts import Difference, DriftEnd, DriftFilter, DriftKind, DriftState
from gateway.domain.errors import NotFound, StateConflict
from gateway.domain.operations import OperationState
from gateway.domain.paging import PageRequest
from gateway.domain.subscriptions import Status
from gateway.services.scope import system_scope
from tests.db.kinds import Kind
from tests.factories import NOW, PANEL_ID, a_drift, an_operation

HOUR = timedelta(hours=1)
PAGE = PageRequest()


async def test_a_drift_comes_back_as_it_was(registry: SqlDatabase) -> None:
    values: tuple[Any, ...] = (None, True, 3, "ünï", [1, 2])
    made = a_drift(
        differences=tuple(
            Difference(field=f"f{n}", ours=n, theirs=it) for n, it in enumerate(values)
        )
    )
    over = replace(made, closed_at=NOW + HOUR, closed_by=DriftEnd.ADOPTED, kind=DriftKind.MISSING)
    async with registry.write(system_scope()) as store:
        await store.drifts.add(made)
        assert await store.drifts.find_open(made.resource_id) == made
        await store.drifts.save(over)
        assert await store.drifts.find_open(made.resource_id) is None
        with pytest.raises(NotFound):
            await store.drifts.save(a_drift())
        again = a_drift(resource_id=made.resource_id)
        await store.drifts.add(again)
        with pytest.raises(StateConflict):
            await store.drifts.add(a_drift(resource_id=made.resource_id))
        assert (await store.drifts.list(DriftFilter(), PAGE)).items == (again, over)
        for state, expected in ((DriftState.OPEN, again), (DriftState.CLOSED, over)):
            assert (await store.drifts.list(DriftFilter(state=state), PAGE)).items == (expected,)
        assert await store.drifts.count_open([made.resource_id, "line_x"]) == 1


async def take(database: SqlDatabase, kind: Kind, before: datetime, limit: int = 9) -> list[str]:
    async with database.write(system_scope()) as store:
        taken = await kind.of(store).take_uncompared(PANEL_ID, before, before + HOUR, limit)
    return [it.id for it in taken]


async def test_the_longest_not_compared_are_taken_first_and_once(
    registry: SqlDatabase, kind: Kind
) -> None:
    made = [kind.make(created_at=NOW + n * HOUR) for n in (2, 0, 1)]
    async with registry.write(system_scope()) as store:
        for it in made:
            await kind.of(store).add(it)
    last, first, second = (it.id for it in made)
    assert await take(registry, kind, NOW - HOUR) == []
    assert await take(registry, kind, NOW + HOUR, limit=1) == [first]
    assert await take(registry, kind, NOW + HOUR) == [second]
    async with registry.write(system_scope()) as store:
        await kind.of(store).set_compared(first, NOW - HOUR)
        await kind.of(store).save(replace(made[1], notes="x"))  # Leaves that alone.
    assert await take(registry, kind, NOW + HOUR) == [first]
    later = await take(registry, kind, NOW + 9 * HOUR)  # The other two stand at two o'clock, too.
    assert sorted(later) == sorted((first, second, last))
    async with registry.read(system_scope()) as store:
        found = await kind.of(store).list_compared(PANEL_ID, 2)
        assert len(found) == 2


async def test_what_is_not_settled_is_passed_over(registry: SqlDatabase, kind: Kind) -> None:
    by_status = {status: kind.make(status=status, created_at=NOW) for status in Status}
    held = kind.make(created_at=NOW)
    prepared = kind.make(created_at=NOW)
    states = {held.id: OperationState.MANUAL, prepared.id: OperationState.PREPARED}
    async with registry.write(system_scope()) as store:
        for it in (*by_status.values(), held, prepared):
            await kind.of(store).add(it)
        for resource_id, state in states.items():
            await store.operations.add(an_operation(resource_id=resource_id, state=state))
    taken = await take(registry, kind, NOW + HOUR)
    expected = {by_status[Status.LIVE].id, by_status[Status.TERMINATED].id, prepared.id}
    assert set(taken) == expected
