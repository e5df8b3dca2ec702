"""Operations: what became of the changes that were asked."""

from __future__ import annotations

from gateway.domain.caller import Permission
from gateway.domain.ids import OperationId
from gateway.domain.operations import Operation, OperationFilter
from gateway.domain.paging import Page, PageRequest
from gateway.services.action import Action, action


@action("operation.read", needs=Permission.OPERATIONS_READ)
async def get_operation(act: Action, operation_id: OperationId) -> Operation:
    """Return an operation of the scope.

    Raises:
        NotFound
    """
    async with act.read() as store:
        return await store.operations.get(operation_id)


@action("operation.list", needs=Permission.OPERATIONS_READ)
async def list_operations(
    act: Action, criteria: OperationFilter, page: PageRequest
) -> Page[Operation]:
    """Return operations, newest first."""
    async with act.read() as store:
        return await store.operations.list(criteria, page)
