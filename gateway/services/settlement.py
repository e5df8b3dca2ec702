"""The ends of an operation: each one transaction with the resource, the row and the audit entry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.domain.audit import AuditEntry, Phase
from gateway.domain.errors import GatewayError, PanelOutcomeUnknown
from gateway.domain.operations import Operation, OperationState
from gateway.services.audit_log import Owner, new_entry
from gateway.services.codec import pack
from gateway.services.kinds import AnyKind, Applied, Verdict, Work
from gateway.services.ports.cache import CacheEntry
from gateway.services.problems import problem_of
from gateway.services.scope import system_scope


class _EndedElsewhereError(Exception):
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
    except _EndedElsewhereError:
        await _tell_present_epoch(kind, work)
    else:
        await _tell_cache(work, applied)


async def _apply(
    kind: AnyKind, work: Work[Any, Any], desired: object, verdict: Verdict, *, digest: str
) -> Applied[Any]:
    async with work.ports.database.write(system_scope()) as store:
        applied = await kind.apply(store, work, desired, verdict)
        ended = _ended(work, OperationState.SUCCEEDED, result=pack(applied.result))
        if not await store.operations.save(ended, was=work.operation.state):
            raise _EndedElsewhereError
        await store.audit.append(
            _entry(
                work,
                Phase.SUCCEEDED,
                before=applied.before,
                after=applied.after,
                digest=digest,
            )
        )
    return applied


async def fail(
    kind: AnyKind,
    work: Work[Any, Any],
    error: GatewayError,
    *,
    never_sent: bool,
    digest: str | None = None,
) -> None:
    """Give back what was reserved and say why; a change that was never sent frees its key."""
    async with work.ports.database.write(system_scope()) as store:
        ended = _ended(work, OperationState.FAILED, error=error)
        if not await store.operations.save(ended, was=work.operation.state):
            return
        await kind.abandon(store, work)
        if never_sent and work.operation.idempotency_id is not None:
            await store.answers.delete(work.operation.idempotency_id)
        await store.audit.append(_entry(work, Phase.FAILED, code=error.code, digest=digest))


async def leave_unknown(
    kind: AnyKind, work: Work[Any, Any], error: PanelOutcomeUnknown, *, digest: str
) -> None:
    """Say truthfully that nobody knows; the reservation stays."""
    async with work.ports.database.write(system_scope()) as store:
        ended = _ended(work, OperationState.UNKNOWN, error=error)
        if not await store.operations.save(ended, was=work.operation.state):
            return
        await kind.mark_unknown(store, work)
        await store.audit.append(_entry(work, Phase.UNKNOWN, code=error.code, digest=digest))


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


async def _tell_present_epoch(kind: AnyKind, work: Work[Any, Any]) -> None:
    """Make answers unreachable that are older than the end which somebody else wrote."""
    async with work.ports.database.read(system_scope()) as store:
        resource = await kind.load(store, work.operation)
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
