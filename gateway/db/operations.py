"""Operations: queries, and their mapping. Their changes are compare-and-set on the state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from gateway.db.repository import Repository
from gateway.db.rows_operations import OperationRow
from gateway.db.touched import touching
from gateway.domain.errors import Fault, StateConflict
from gateway.domain.ids import OperationId, PanelId, ResellerId
from gateway.domain.operations import Asker, Operation, OperationState, Problem
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
            query = query.where(OperationRow.state == criteria.state.value)
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
        statement = _in_state(operation.id, OperationState.PREPARED).values(**values)
        held = StateConflict("Another change of this resource is under way.")
        try:
            return bool(await self.change(statement, {_HELD: held}))
        except StateConflict:
            return False

    async def save(self, operation: Operation, *, was: OperationState) -> bool:
        """Write the whole row but its owner if its state is still *was*."""
        values = _values_of(operation, self.sealer)
        return bool(await self.change(_in_state(operation.id, was).values(**values)))

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


def _in_state(operation_id: OperationId, state: OperationState) -> sa.Update:
    statement = sa.update(OperationRow).where(
        OperationRow.id == operation_id, OperationRow.state == state.value
    )
    return touching(statement, operation_id)


def _operation_of(row: OperationRow, sealer: Sealer) -> Operation:
    return Operation(
        id=OperationId(row.id),
        kind=row.kind,
        state=OperationState(row.state),
        resource_id=row.resource_id,
        panel_id=PanelId(row.panel_id),
        reseller_id=None if row.reseller_id is None else ResellerId(row.reseller_id),
        owner_path=row.owner_path,
        asker=Asker(**row.asker),
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
    }


def _place(column: str, row_id: str) -> str:
    return f"operations.{column}:{row_id}"


def _sealed(sealer: Sealer, plain: bytes | None, place: str) -> bytes | None:
    return None if plain is None else sealer.seal(plain, place)


def _unsealed(sealer: Sealer, sealed: bytes | None, place: str) -> bytes | None:
    return None if sealed is None else sealer.unseal(sealed, place)


def _asker_json(asker: Asker) -> dict[str, Any]:
    return {
        "caller_kind": asker.caller_kind,
        "caller_id": asker.caller_id,
        "key_id": asker.key_id,
        "ip": asker.ip,
        "request_id": asker.request_id,
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
