"""Operations in memory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from gateway.domain.ids import OperationId
from gateway.domain.operations import Operation, OperationState
from tests.simulation.store.data import Rows, kept

_DUE: Final = frozenset({OperationState.SENDING, OperationState.UNKNOWN, OperationState.MANUAL})


class MemoryOperations(Rows):
    """The port Operations."""

    __slots__ = ()

    async def get(self, operation_id: OperationId) -> Operation:
        return self.required(self.data.operations.get(operation_id))

    async def list(self, criteria: Any, page: Any) -> Any:
        raise NotImplementedError

    async def find_open(self, resource_id: str) -> Operation | None:
        found = self.data.open.get(resource_id, "")
        return self.visible(self.data.operations.get(found))

    async def add(self, operation: Operation) -> None:
        self.guard(operation.owner_path)
        if operation.id in self.data.operations:
            raise AssertionError("the same id twice")
        self._write(operation)

    async def claim(self, operation: Operation) -> bool:
        before = self._held_as(operation, OperationState.PREPARED)
        if before is None or self.data.open.get(operation.resource_id, before.id) != before.id:
            return False
        self._write(kept(replace(operation, state=OperationState.SENDING), before))
        return True

    async def save(self, operation: Operation, *, was: OperationState) -> bool:
        before = self._held_as(operation, was)
        if before is None:
            return False
        self._write(kept(operation, before))
        return True

    async def take_due(
        self, now: datetime, lease_until: datetime, limit: int
    ) -> tuple[Operation, ...]:
        found = []
        for operation_id in self.data.waiting:
            row = self.data.operations[operation_id]
            at = row.lease_until if row.state is OperationState.PROBING else row.settles_at
            known = row.state in _DUE or row.state is OperationState.PROBING
            if known and at is not None and at <= now and self.visible(row) is not None:
                found.append(row)
        found.sort(key=lambda row: (row.settles_at is not None, row.settles_at or now, row.id))
        taken = []
        for row in found[:limit]:
            after = replace(
                row,
                state=OperationState.PROBING,
                fence=row.fence + 1,
                lease_until=lease_until,
                was_unknown=True,
                updated_at=now,
            )
            self._write(after)
            taken.append(after)
        return tuple(taken)

    async def list_watched(self, now: datetime, limit: int) -> tuple[Operation, ...]:
        rows = [self.data.operations[each] for each in self.data.watched]
        due = [
            row
            for row in rows
            if row.watch_at and row.watch_at <= now and self.visible(row) is not None
        ]
        return tuple(sorted(due, key=lambda row: (row.watch_at, row.id))[:limit])

    async def list_stale(
        self, state: OperationState, before: datetime, limit: int
    ) -> tuple[Operation, ...]:
        ids: Collection[str] = self.data.operations if state.is_final else self.data.waiting
        rows = [self.data.operations[each] for each in ids]
        stale = [
            row
            for row in rows
            if row.state is state and row.updated_at < before and self.visible(row) is not None
        ]
        return tuple(sorted(stale, key=lambda row: (row.updated_at, row.id))[:limit])

    def _held_as(self, operation: Operation, state: OperationState) -> Operation | None:
        row = self.visible(self.data.operations.get(operation.id))
        if row is None or row.state is not state or row.fence != operation.fence:
            return None
        return row

    def _write(self, row: Operation) -> None:
        journal, data, state = self.journal, self.data, row.state
        if state is not OperationState.PREPARED and not state.is_final:
            holder = data.open.get(row.resource_id, row.id)
            if holder != row.id:
                raise AssertionError("two operations hold one resource")
            journal.put(data.open, row.resource_id, row.id)
        elif data.open.get(row.resource_id) == row.id:
            journal.drop(data.open, row.resource_id)
        journal.put(data.operations, row.id, row)
        if state.is_final:
            journal.drop(data.waiting, row.id)
        elif row.id not in data.waiting:
            journal.put(data.waiting, row.id, None)
        if row.watch_at is None:
            journal.drop(data.watched, row.id)
        elif row.id not in data.watched:
            journal.put(data.watched, row.id, None)
        journal.touched.add(row.id)
