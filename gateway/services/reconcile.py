"""The reconciler: takes up what is open, and has it settled. Safe to run in many processes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

import structlog

from gateway.domain.caller import Permission
from gateway.domain.errors import ServiceUnavailable
from gateway.domain.operations import Operation, OperationState
from gateway.services import engine
from gateway.services.action import Action, action
from gateway.services.scope import system_scope
from gateway.services.settling import LEASE, settle

log = structlog.get_logger(__name__)

#: How many operations one tick takes up; they are settled side by side, within panels' budgets.
BATCH: Final = 20


@action("operation.settle", needs=Permission.OPERATIONS_RESOLVE)
async def settle_operations(act: Action) -> int:
    """Take up a batch of operations whose waiting time has passed, and settle them.

    Returns how many were taken up. An operation that breaks does not keep the others waiting.

    Raises:
        ServiceUnavailable: our database is down.
    """
    async with act.ports.database.write(system_scope()) as store:
        now = await engine.shared_now(act.ports, store)
        taken = await store.operations.take_due(now, now + LEASE, BATCH)
    ended = await asyncio.gather(*(_settle(act, each) for each in taken), return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            raise error
    return len(taken)


async def _settle(act: Action, operation: Operation) -> None:
    try:
        await settle(act.ports, operation)
    except ServiceUnavailable:
        raise
    except asyncio.CancelledError:
        await _hand_back(act, operation)
        raise
    except Exception:
        # Its lease ends, and then it is tried again.
        log.exception("operation.not_settled", operation_id=operation.id)


async def _hand_back(act: Action, operation: Operation) -> None:
    """End the lease of an operation that this process can no longer settle: another one may.

    If it was moved on already, or another has it, nothing is written; and if our database is away,
    the lease ends by itself.
    """
    try:
        async with act.ports.database.write(system_scope()) as store:
            now = await engine.shared_now(act.ports, store)
            free = replace(operation, lease_until=now, updated_at=now)
            if await store.operations.save(free, was=OperationState.PROBING):
                log.info("operation.handed_back", operation_id=operation.id)
    except ServiceUnavailable:
        log.warning("operation.not_handed_back", operation_id=operation.id)
