"""Operations: queries, and their mapping. Their changes are compare-and-set on the state."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from gateway.db.repository import Repository
from gateway.db.rows_operations import OperationRow
from gateway.db.touched import touching
from gateway.domain.errors import Fault, StateConflict
from gateway.domain.ids import OperationId, PanelId, ResellerId
from gateway.domain.operations import (
    PROBES_MAX,
    Asker,
    Operation,
    OperationState,
    Problem,
    ShownState,
)
from gateway.domain.paging import page_of

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.operations import OperationFilter
    from gateway.domain.paging import Page, PageRequest
    from gateway.services.ports.sealer import Sealer

_FIXED: Final = frozenset({"id", "owner_path", "created_at"})
_HELD: Final = "uq_operations_holds_resource"


class SqlOperations(Repository):
    """The port Operations."""

    __slots__ = ()

    async def get(self, operation_id: OperationId) -> Operation:
        """Return an operation. Raises NotFound."""
        row = await self.one(sa.select(OperationRow).where(OperationRow.id == operation_id))
        return _operation_of(row, self.sealer)

    async def list(self, criteria: OperationFilter, page: PageRequest) -> Page[Operation]:
        """Return operations, newest first."""
        query = sa.select(OperationRow)
        if criteria.state is not None:
            query = query.where(_shown_as(criteria.state))
        if criteria.kind is not None:
            query = query.where(OperationRow.kind == criteria.kind)
        if criteria.resource_id is not None:
            query = query.where(OperationRow.resource_id == criteria.resource_id)
        rows = await self.page(query, OperationRow.id.expression, page)
        return page_of([_operation_of(row, self.sealer) for row in rows], page)

    async def find_open(self, resource_id: str) -> Operation | None:
        """Return the operation that holds the resource; there is never more than one."""
        row = await self.one_or_none(
            sa.select(OperationRow).where(OperationRow.holds_resource == resource_id)
        )
        return None if row is None else _operation_of(row, self.sealer)

    async def add(self, operation: Operation) -> None:
        """Insert."""
        await self.insert(OperationRow(**_columns_of(operation, self.sealer)))

    async def claim(self, operation: Operation) -> bool:
        """Write the whole row as SENDING if it is PREPARED and nothing else holds the resource.

        Two processes that claim at once meet at the unique index: the second waits until the first
        commits, and is refused then.
        """
        values = _values_of(operation, self.sealer)
        values |= {"state": OperationState.SENDING.value, "holds_resource": operation.resource_id}
        statement = _held_as(operation, OperationState.PREPARED).values(**values)
        held = StateConflict("Another change of this resource is under way.")
        try:
            return bool(await self.change(statement, {_HELD: held}))
        except StateConflict:
            return False

    async def save(self, operation: Operation, *, was: OperationState) -> bool:
        """Write the whole row but its owner if its state is still *was*, and the fence the same."""
        values = _values_of(operation, self.sealer)
        return bool(await self.change(_held_as(operation, was).values(**values)))

    async def take_due(
        self, now: datetime, lease_until: datetime, limit: int
    ) -> tuple[Operation, ...]:
        """Take up what can be looked at now; what others take at the same moment is passed over."""
        row = OperationRow
        open_states = (OperationState.SENDING, OperationState.UNKNOWN, OperationState.MANUAL)
        due = sa.or_(
            sa.and_(row.state.in_([each.value for each in open_states]), row.settles_at <= now),
            sa.and_(row.state == OperationState.PROBING.value, row.lease_until <= now),
        )
        query = sa.select(row).where(due).order_by(row.settles_at, row.id).limit(limit)
        found = list(await self.session.scalars(query.with_for_update(skip_locked=True)))
        taken = []
        for each in found:
            before = _operation_of(each, self.sealer)
            after = replace(
                before,
                state=OperationState.PROBING,
                fence=before.fence + 1,
                lease_until=lease_until,
                was_unknown=True,
                updated_at=now,
            )
            values = _values_of(after, self.sealer)
            if await self.change(_held_as(before, before.state).values(**values)):
                taken.append(after)
        return tuple(taken)

    async def list_watched(self, now: datetime, limit: int) -> tuple[Operation, ...]:
        """Return failed creations whose time to be looked for again has come, oldest first."""
        query = (
            sa.select(OperationRow)
            .where(OperationRow.watch_at <= now)
            .order_by(OperationRow.watch_at, OperationRow.id)
            .limit(limit)
        )
        rows = await self.session.scalars(query)
        return tuple(_operation_of(row, self.sealer) for row in rows)

    async def list_stale(
        self, state: OperationState, before: datetime, limit: int
    ) -> tuple[Operation, ...]:
        """Return operations that nobody has touched since then, oldest first."""
        query = (
            sa.select(OperationRow)
            .where(OperationRow.state == state.value, OperationRow.updated_at < before)
            .order_by(OperationRow.updated_at, OperationRow.id)
            .limit(limit)
        )
        rows = await self.session.scalars(query)
        return tuple(_operation_of(row, self.sealer) for row in rows)


def _shown_as(state: ShownState) -> sa.ColumnElement[bool]:
    """Return what `shown_state` says, in SQL."""
    row = OperationRow
    looked_at = row.state == OperationState.PROBING.value
    same = row.state == state.value
    if state is ShownState.UNKNOWN:
        return same | (looked_at & (row.probes <= PROBES_MAX))
    if state is ShownState.MANUAL:
        return same | (looked_at & (row.probes > PROBES_MAX))
    return same


def _held_as(operation: Operation, state: OperationState) -> sa.Update:
    """Return an update of the row if nobody else has moved it on, or taken it up."""
    statement = sa.update(OperationRow).where(
        OperationRow.id == operation.id,
        OperationRow.state == state.value,
        OperationRow.fence == operation.fence,
    )
    return touching(statement, operation.id)


def _operation_of(row: OperationRow, sealer: Sealer) -> Operation:
    return Operation(
        id=OperationId(row.id),
        kind=row.kind,
        state=OperationState(row.state),
        resource_id=row.resource_id,
        panel_id=PanelId(row.panel_id),
        reseller_id=None if row.reseller_id is None else ResellerId(row.reseller_id),
        owner_path=row.owner_path,
        asker=_asker_of(row.asker),
        attempts=row.attempts,
        problem=None if row.problem is None else _problem_of(row.problem),
        request=sealer.unseal(row.request, _place("request", row.id)),
        desired=_unsealed(sealer, row.desired, _place("desired", row.id)),
        result=_unsealed(sealer, row.result, _place("result", row.id)),
        idempotency_id=row.idempotency_id,
        sent_at=row.sent_at,
        settles_at=row.settles_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        fence=row.fence,
        lease_until=row.lease_until,
        probes=row.probes,
        was_unknown=row.was_unknown,
        said_done=row.said_done,
        watch_at=row.watch_at,
        watches=row.watches,
    )


def _values_of(operation: Operation, sealer: Sealer) -> dict[str, Any]:
    columns = _columns_of(operation, sealer)
    return {name: value for name, value in columns.items() if name not in _FIXED}


def _columns_of(operation: Operation, sealer: Sealer) -> dict[str, Any]:
    state, row_id, problem = operation.state, operation.id, operation.problem
    may_be_sent = state is not OperationState.PREPARED and not state.is_final
    return {
        "id": row_id,
        "kind": operation.kind,
        "state": state.value,
        "resource_id": operation.resource_id,
        "holds_resource": operation.resource_id if may_be_sent else None,
        "panel_id": operation.panel_id,
        "reseller_id": operation.reseller_id,
        "owner_path": operation.owner_path,
        "asker": _asker_json(operation.asker),
        "attempts": operation.attempts,
        "problem": None if problem is None else _problem_json(problem),
        "request": sealer.seal(operation.request, _place("request", row_id)),
        "desired": _sealed(sealer, operation.desired, _place("desired", row_id)),
        "result": _sealed(sealer, operation.result, _place("result", row_id)),
        "idempotency_id": operation.idempotency_id,
        "sent_at": operation.sent_at,
        "settles_at": operation.settles_at,
        "created_at": operation.created_at,
        "updated_at": operation.updated_at,
        "fence": operation.fence,
        "lease_until": operation.lease_until,
        "probes": operation.probes,
        "was_unknown": operation.was_unknown,
        "said_done": operation.said_done,
        "watch_at": operation.watch_at,
        "watches": operation.watches,
    }


def _place(column: str, row_id: str) -> str:
    return f"operations.{column}:{row_id}"


def _sealed(sealer: Sealer, plain: bytes | None, place: str) -> bytes | None:
    return None if plain is None else sealer.seal(plain, place)


def _unsealed(sealer: Sealer, sealed: bytes | None, place: str) -> bytes | None:
    return None if sealed is None else sealer.unseal(sealed, place)


def _asker_of(data: dict[str, Any]) -> Asker:
    """Return who asked; rows from before there were tokens have no chain."""
    return Asker(**data | {"chain": tuple(data.get("chain", ()))})


def _asker_json(asker: Asker) -> dict[str, Any]:
    return {
        "caller_kind": asker.caller_kind,
        "caller_id": asker.caller_id,
        "key_id": asker.key_id,
        "ip": asker.ip,
        "request_id": asker.request_id,
        "chain": list(asker.chain),
    }


def _problem_of(data: dict[str, Any]) -> Problem:
    return Problem(
        code=data["code"],
        status=data["status"],
        detail=data["detail"],
        faults=tuple(Fault(it["pointer"], it["code"], it["detail"]) for it in data["faults"]),
        retry_after_seconds=data["retry_after_seconds"],
    )


def _problem_json(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "status": problem.status,
        "detail": problem.detail,
        "retry_after_seconds": problem.retry_after_seconds,
        "faults": [
            {"pointer": it.pointer, "code": it.code, "detail": it.detail} for it in problem.faults
        ],
    }
