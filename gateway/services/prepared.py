"""The row of an operation as it is prepared."""

from __future__ import annotations

from typing import Any

from gateway.domain.ids import OperationId
from gateway.domain.operations import Operation, OperationState
from gateway.services import engine
from gateway.services.action import Action
from gateway.services.kinds import AnyKind, Target


def new_operation(
    action: Action,
    kind: AnyKind,
    target: Target[Any],
    operation_id: OperationId,
    idempotency_id: str | None,
) -> Operation:
    """Return a PREPARED operation for what *target* reserved."""
    now = action.ports.clock.now()
    return Operation(
        id=operation_id,
        kind=kind.name,
        state=OperationState.PREPARED,
        resource_id=target.resource_id,
        panel_id=target.panel_id,
        reseller_id=target.owner.reseller_id,
        owner_path=target.owner.path,
        asker=action.asker,
        attempts=0,
        problem=None,
        request=engine.wrap(target.request, action.context.if_version),
        desired=None,
        result=None,
        idempotency_id=idempotency_id,
        sent_at=None,
        settles_at=None,
        created_at=now,
        updated_at=now,
    )
