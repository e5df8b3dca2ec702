"""Strays: what a failed creation left on its panel after all, long after the waiting time.

The waiting time is a bet on how long a panel can take. So a creation that failed after its outcome
was unknown is looked for again, after ten minutes, an hour and a day. What is there then, and is
provably that creation's, is disabled by an ordinary operation: nobody is ever billed for it. A look
that told nothing is no look: it is taken again until the panel answers.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import structlog

from gateway.domain.audit import Phase
from gateway.domain.caller import Permission
from gateway.domain.calls import Creation, LineInfo
from gateway.domain.errors import PanelOutcomeUnknown, ServiceUnavailable
from gateway.domain.events import EventType
from gateway.domain.ids import IdKind, OperationId, new_id
from gateway.domain.operations import Operation, OperationState
from gateway.services import engine
from gateway.services.action import Action, action
from gateway.services.audit_log import Owner, new_entry
from gateway.services.codec import unpack
from gateway.services.create import CreateKind
from gateway.services.kinds import Finding, Found, Work
from gateway.services.looking import look
from gateway.services.noun import AnyEdit
from gateway.services.problems import problem_of
from gateway.services.registry import kind_named
from gateway.services.scope import system_scope
from gateway.services.settling import LATE_PAUSE, WATCHES
from gateway.services.telling import tell_operation

log = structlog.get_logger(__name__)

#: How many failed creations one tick looks for.
BATCH: Final = 20
_SHARED: Final = (
    "A creation that had failed came to be after all, under a name that another one has by now: "
    "the panel's owner must tell them apart."
)


@action("operation.watch_strays", needs=Permission.OPERATIONS_RESOLVE)
async def watch_strays(act: Action) -> int:
    """Look for a batch of creations that failed after they were unknown; return how many.

    Raises:
        ServiceUnavailable: our database is down.
    """
    async with act.ports.database.read(system_scope()) as store:
        now = await engine.shared_now(act.ports, store)
        due = await store.operations.list_watched(now, BATCH)
    for operation in due:
        try:
            await _watch(act, operation)
        except ServiceUnavailable:
            raise
        except Exception:
            log.exception("operation.not_watched", operation_id=operation.id)
            await _next_watch(act, operation)
    return len(due)


async def _watch(act: Action, operation: Operation) -> None:
    kind = kind_named(operation.kind)
    if not isinstance(kind, CreateKind):
        raise TypeError(f"{operation.kind} leaves no strays")
    async with act.ports.database.read(system_scope()) as store:
        panel = await store.panels.get(operation.panel_id)
    work = engine.work_of(act.ports, kind, operation, None, panel)
    work = replace(work, is_background=True)
    desired: Creation = unpack(operation.desired or b"", kind.desired_type)
    seen = await look(work, kind.noun.read_after(desired))
    if isinstance(seen, Finding) and seen.found is Found.UNCLEAR:
        await _look_later(act, operation)
        return
    if isinstance(seen, LineInfo) and kind.is_ours(work, seen):
        # Also what is shown as disabled: the panel shows the first of several of one name, and
        # another call of the same creation may have come to be since. An edit reaches them all.
        await _disable(act, kind, work, desired)
    else:
        await _next_watch(act, operation)


async def _next_watch(act: Action, operation: Operation) -> None:
    """Note that it was looked for, and when to look again."""
    watches = operation.watches + 1
    left = WATCHES[watches:]
    await _look_again(act, operation, watches, left[0] if left else None)


async def _look_later(act: Action, operation: Operation) -> None:
    """Look once more a little later: this time nothing was learnt, or not yet put right."""
    await _look_again(act, operation, operation.watches, LATE_PAUSE)


async def _look_again(
    act: Action, operation: Operation, watches: int, pause: timedelta | None
) -> None:
    async with act.ports.database.write(system_scope()) as store:
        now = await engine.shared_now(act.ports, store)
        at = None if pause is None else now + pause
        after = replace(operation, watches=watches, watch_at=at)
        await store.operations.save(after, was=OperationState.FAILED)


async def _disable(
    act: Action,
    kind: CreateKind[Any, Any, Any, Any, Any],
    work: Work[Any, Any],
    desired: Creation,
) -> None:
    """Have the stray disabled, and look again until it is, or until a person has to do it."""
    failed = work.operation
    stray = await _prepare(act, kind, work, desired)
    log.warning("operation.stray_found", operation_id=failed.id, disabled_by=stray)
    await engine.run(act.ports, stray, is_background=True)
    async with act.ports.database.read(system_scope()) as store:
        state = (await store.operations.get(stray)).state
    if state in {OperationState.SUCCEEDED, OperationState.MANUAL}:
        await _next_watch(act, failed)
    else:
        await _look_later(act, failed)


async def _prepare(
    act: Action, kind: CreateKind[Any, Any, Any, Any, Any], work: Work[Any, Any], desired: Creation
) -> OperationId:
    """Write down that the stray is to be disabled, before anything is sent; once at a time."""
    ports, failed = act.ports, work.operation
    now = ports.clock.now()
    made = OperationId(new_id(IdKind.OPERATION, now, ports.random.bytes))
    edit: AnyEdit = kind.noun.disabling(desired)
    name = f"{kind.noun.word}.disable_stray"
    async with ports.database.write(system_scope()) as store:
        before = await store.operations.find_open(failed.resource_id)
        if before is not None:
            return before.id
        is_shared = await kind.name_is_used(store, failed, desired)
        problem = problem_of(PanelOutcomeUnknown(_SHARED)) if is_shared else None
        operation = replace(
            failed,
            id=made,
            kind=name,
            state=OperationState.MANUAL if is_shared else OperationState.PREPARED,
            asker=act.asker,
            attempts=0,
            problem=problem,
            request=engine.wrap(edit, None),
            desired=None,
            result=None,
            idempotency_id=None,
            sent_at=None,
            settles_at=None,
            created_at=now,
            updated_at=now,
            probes=0,
            watch_at=None,
            watches=0,
        )
        await store.operations.add(operation)
        await store.audit.append(
            new_entry(
                ports,
                Phase.UNKNOWN if is_shared else Phase.STARTED,
                name,
                asker=act.asker,
                owner=Owner(failed.reseller_id, failed.owner_path),
                resource_id=failed.resource_id,
                operation_id=made,
                code=None if problem is None else problem.code,
            )
        )
        if is_shared:
            await tell_operation(store, ports, EventType.OPERATION_NEEDS_ATTENTION, operation)
    return made
