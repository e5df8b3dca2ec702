"""The ends of an operation: each one transaction with the resource, the row and the audit entry."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.domain.audit import AuditEntry, Phase
from gateway.domain.errors import GatewayError, NotFound, PanelOutcomeUnknown
from gateway.domain.events import EventType
from gateway.domain.operations import PROBES_MAX, Operation, OperationState
from gateway.services.audit_log import Owner, new_entry
from gateway.services.codec import pack
from gateway.services.kinds import AnyKind, Applied, Verdict, Work
from gateway.services.ports.cache import CacheEntry
from gateway.services.ports.store import Store
from gateway.services.problems import problem_of
from gateway.services.scope import system_scope
from gateway.services.telling import tell_change, tell_operation


class EndedElsewhereError(Exception):
    """Rolls a transaction back: the operation is ended already, with its own apply."""


async def succeed(
    kind: AnyKind, work: Work[Any, Any], desired: object, verdict: Verdict, *, digest: str
) -> None:
    """Write what is now true, the answer and the final entry; then tell the cache.

    An operation that is ended already stays as it is: it was this very end, and the answer to its
    commit was lost, or the recovery has called it unknown meanwhile.
    """
    try:
        applied = await _apply(kind, work, desired, verdict, digest=digest)
    except EndedElsewhereError:
        await tell_present_epoch(kind, work)
    else:
        await _tell_cache(work, applied)


async def _apply(
    kind: AnyKind, work: Work[Any, Any], desired: object, verdict: Verdict, *, digest: str
) -> Applied[Any]:
    async with work.ports.database.write(system_scope()) as store:
        return await apply_in(store, kind, work, desired, verdict, digest=digest)


async def apply_in(
    store: Store,
    kind: AnyKind,
    work: Work[Any, Any],
    desired: object,
    verdict: Verdict,
    *,
    digest: str,
) -> Applied[Any]:
    """Write what is now true, in the transaction of *store*.

    Raises:
        EndedElsewhereError: somebody else has moved the operation on; roll back.
    """
    present = await store.operations.get(work.operation.id)
    if (present.state, present.fence) != (work.operation.state, work.operation.fence):
        raise EndedElsewhereError  # What it was about may be gone by now, too.
    applied = await kind.apply(store, work, desired, verdict)
    ended = _ended(work, OperationState.SUCCEEDED, result=pack(applied.result))
    if not await store.operations.save(ended, was=work.operation.state):
        raise EndedElsewhereError
    if verdict.is_unchanged and work.operation.attempts <= 1:
        await store.holds.release(work.operation.id)
    else:
        await store.holds.capture(work.operation.id)
    entry = _entry(work, Phase.SUCCEEDED, before=applied.before, after=applied.after, digest=digest)
    await store.audit.append(entry)
    name, is_changed = work.operation.kind, bool(applied.after)
    await tell_change(store, work.ports, name, applied.resource, is_changed=is_changed)
    await tell_operation(store, work.ports, EventType.OPERATION_SUCCEEDED, ended)
    return applied


async def fail(
    kind: AnyKind,
    work: Work[Any, Any],
    error: GatewayError,
    *,
    never_sent: bool,
    digest: str | None = None,
    watch_at: datetime | None = None,
) -> None:
    """Give back what was reserved and say why; a change that was never sent frees its key.

    *watch_at*: when to look whether what failed has come to be after all.
    """
    async with work.ports.database.write(system_scope()) as store:
        await fail_in(
            store, kind, work, error, never_sent=never_sent, digest=digest, watch_at=watch_at
        )


async def fail_in(
    store: Store,
    kind: AnyKind,
    work: Work[Any, Any],
    error: GatewayError,
    *,
    never_sent: bool,
    digest: str | None = None,
    watch_at: datetime | None = None,
) -> bool:
    """Give back what was reserved, in the transaction of *store*; False if it ended elsewhere."""
    ended = replace(_ended(work, OperationState.FAILED, error=error), watch_at=watch_at)
    if not await store.operations.save(ended, was=work.operation.state):
        return False
    await store.holds.release(work.operation.id)
    await kind.abandon(store, work)
    if never_sent and work.operation.idempotency_id is not None:
        await store.answers.delete(work.operation.idempotency_id)
    await store.audit.append(_entry(work, Phase.FAILED, code=error.code, digest=digest))
    await tell_operation(store, work.ports, EventType.OPERATION_FAILED, ended)
    return True


async def leave_unknown(
    kind: AnyKind, work: Work[Any, Any], error: PanelOutcomeUnknown, *, digest: str
) -> None:
    """Say truthfully that nobody knows; the reservation stays."""
    async with work.ports.database.write(system_scope()) as store:
        ended = replace(_ended(work, OperationState.UNKNOWN, error=error), was_unknown=True)
        if not await store.operations.save(ended, was=work.operation.state):
            return
        await kind.mark_unknown(store, work)
        await store.audit.append(_entry(work, Phase.UNKNOWN, code=error.code, digest=digest))


async def look_again(work: Work[Any, Any], at: datetime) -> None:
    """Leave an operation unknown after a look that told nothing; the next one is at *at*."""
    operation = work.operation
    waiting = replace(
        operation,
        state=OperationState.UNKNOWN,
        settles_at=at,
        lease_until=None,
        probes=operation.probes + 1,
        updated_at=work.ports.clock.now(),
    )
    async with work.ports.database.write(system_scope()) as store:
        await store.operations.save(waiting, was=operation.state)


async def hand_over(
    kind: AnyKind, work: Work[Any, Any], error: GatewayError, *, look_at: datetime | None
) -> None:
    """Leave it to a person; what is reserved stays reserved.

    *look_at*: when to look again all the same, where a panel could not be asked; None: never.
    """
    async with work.ports.database.write(system_scope()) as store:
        ended = replace(
            _ended(work, OperationState.MANUAL, error=error),
            settles_at=look_at,
            probes=work.operation.probes + 1,
        )
        if not await store.operations.save(ended, was=work.operation.state):
            return
        await kind.mark_unknown(store, work)
        if work.operation.probes <= PROBES_MAX:  # Else it was handed over before.
            await store.audit.append(_entry(work, Phase.UNKNOWN, code=error.code))
            await tell_operation(store, work.ports, EventType.OPERATION_NEEDS_ATTENTION, ended)


def _ended(
    work: Work[Any, Any],
    state: OperationState,
    *,
    error: GatewayError | None = None,
    result: bytes | None = None,
) -> Operation:
    work.ports.metrics.operation_reached(kind=work.operation.kind, state=state)
    return replace(
        work.operation,
        state=state,
        problem=None if error is None else problem_of(error),
        result=result,
        settles_at=work.operation.settles_at if state is OperationState.UNKNOWN else None,
        lease_until=None,
        updated_at=work.ports.clock.now(),
    )


def _entry(
    work: Work[Any, Any],
    phase: Phase,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    code: str | None = None,
    digest: str | None = None,
) -> AuditEntry:
    operation = work.operation
    return new_entry(
        work.ports,
        phase,
        operation.kind,
        asker=operation.asker,
        owner=Owner(operation.reseller_id, operation.owner_path),
        resource_id=operation.resource_id,
        operation_id=operation.id,
        before=before,
        after=after,
        code=code,
        panel_call_digest=digest,
    )


async def tell_present_epoch(kind: AnyKind, work: Work[Any, Any]) -> None:
    """Make answers unreachable that are older than the end which somebody else wrote."""
    try:
        async with work.ports.database.read(system_scope()) as store:
            resource = await kind.load(store, work.operation)
    except NotFound:
        return  # It failed there, and what was reserved for it is free again.
    await work.ports.cache.raise_epoch(work.operation.resource_id, kind.epoch_of(resource))


async def _tell_cache(work: Work[Any, Any], applied: Applied[Any]) -> None:
    """Make older answers unreachable, then keep what the panel said after the change."""
    cache, resource_id = work.ports.cache, work.operation.resource_id
    await cache.raise_epoch(resource_id, applied.epoch)
    if applied.cache_value is not None:
        entry = CacheEntry(
            value=applied.cache_value,
            owner_path=work.operation.owner_path,
            epoch=applied.epoch,
            observed_at=work.ports.clock.now(),
        )
        await cache.put(resource_id, entry)
