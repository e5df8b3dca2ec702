"""What a crash left behind before anything was sent, and answers kept long enough.

What may have been sent is settled by `reconcile.py`, crash or not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import structlog

from gateway.domain.caller import Permission
from gateway.domain.errors import ServiceUnavailable
from gateway.domain.operations import Operation, OperationState
from gateway.services import engine, settlement
from gateway.services.action import Action, action
from gateway.services.kinds import AnyKind, Work
from gateway.services.registry import kind_named

log = structlog.get_logger(__name__)

BATCH: Final = 50
SWEEP_BATCH: Final = 500
#: A living task is quicker to its claim than this.
PREPARED_STALE: Final = timedelta(seconds=30)
#: Later than this nobody expects a change to happen any more; it is cancelled.
PREPARED_EXPIRED: Final = timedelta(minutes=15)


@action("operation.recover", needs=Permission.OPERATIONS_RESOLVE)
async def recover_operations(act: Action) -> int:
    """Take up what was surely not sent, or cancel it where it is too old; return how many.

    Safe to run in many processes at once: each step is a compare-and-set on the row's state.
    """
    async with act.read() as store:
        now = await engine.shared_now(act.ports, store)
        prepared = await store.operations.list_stale(
            OperationState.PREPARED, now - PREPARED_STALE, BATCH
        )
    for operation in prepared:
        overdue = operation.created_at < now - PREPARED_EXPIRED
        await _each(act, operation, _cancel if overdue else _take_up)
    return len(prepared)


async def _each(
    act: Action, operation: Operation, step: Callable[[Action, Operation], Awaitable[None]]
) -> None:
    """Take one step; an operation that breaks it must not keep the others waiting.

    Raises:
        ServiceUnavailable: our database is down, for all of them.
    """
    try:
        await step(act, operation)
    except ServiceUnavailable:
        raise
    except Exception:
        log.exception("operation.not_recovered", operation_id=operation.id)


async def _take_up(act: Action, operation: Operation) -> None:
    # Whoever asked for it has an answer, or has gone: callers who wait now go first.
    await engine.run(act.ports, operation.id, is_background=True)


@action("answer.sweep", needs=Permission.OPERATIONS_RESOLVE)
async def sweep_answers(act: Action) -> int:
    """Forget answers kept for longer than promised; return how many."""
    kept = timedelta(seconds=act.ports.limits.answers_kept_seconds)
    async with act.write() as store:
        return await store.answers.delete_older(act.ports.clock.now() - kept, SWEEP_BATCH)


async def _work_of(act: Action, operation: Operation) -> tuple[AnyKind, Work[Any, Any]]:
    kind = kind_named(operation.kind)
    async with act.read() as store:
        resource = await kind.load(store, operation)
        panel = await store.panels.get(operation.panel_id)
    return kind, engine.work_of(act.ports, kind, operation, resource, panel)


async def _cancel(act: Action, operation: Operation) -> None:
    kind, work = await _work_of(act, operation)
    error = ServiceUnavailable("The gateway stopped before this was sent; nothing was sent.")
    await settlement.fail(kind, work, error, never_sent=True)
