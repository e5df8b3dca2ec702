"""Operations: what became of the changes that were asked."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.audit import Phase
from gateway.domain.caller import Permission
from gateway.domain.errors import NotFound, PanelUnavailable, StateConflict
from gateway.domain.ids import OperationId
from gateway.domain.operations import Decision, Operation, OperationFilter, OperationState
from gateway.domain.paging import Page, PageRequest
from gateway.services import engine, settlement
from gateway.services.action import Action, Subscriber, action
from gateway.services.audit_log import Owner
from gateway.services.codec import unpack
from gateway.services.context import Outcome
from gateway.services.idempotency import write_once
from gateway.services.kinds import Verdict
from gateway.services.ports.store import Store
from gateway.services.registry import kind_named
from gateway.services.settling import watch_from


@action("operation.read", needs=Permission.OPERATIONS_READ, subscriber=Subscriber.MAY)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a person decided of an operation, and why."""

    operation_id: OperationId
    decision: Decision
    note: str | None


@action("operation.resolve", needs=Permission.OPERATIONS_RESOLVE, is_audited=True)
async def resolve_operation(
    act: Action, operation_id: OperationId, decision: Decision, note: str | None
) -> Outcome[Operation]:
    """End an operation that is MANUAL as a person found it to be: applied, or not.

    Nothing is sent. Applied: our records say what was wanted from now on. Not applied: what was
    reserved is free again.

    Raises:
        NotFound
        StateConflict: it is not for a person to decide, or is looked at just now.
    """
    wanted = Resolution(operation_id=operation_id, decision=decision, note=note)

    async def change(store: Store) -> Resolution:
        await _end_by_hand(act, store, wanted)
        return wanted

    done = await write_once(act, Resolution, change)
    if done.dry_run is not None:
        return Outcome(value=None, dry_run=done.dry_run)
    async with act.read() as store:
        operation = await store.operations.get(operation_id)
    await _tell_cache(act, operation)
    return Outcome(value=operation, replayed=done.replayed)


async def _end_by_hand(act: Action, store: Store, wanted: Resolution) -> None:
    operation = await store.operations.get(wanted.operation_id)
    if operation.state is not OperationState.MANUAL:
        raise StateConflict("This operation is not one that a person decides, or not just now.")
    kind = kind_named(operation.kind)
    resource = await kind.load(store, operation)
    panel = await store.panels.get(operation.panel_id)
    work = engine.work_of(act.ports, kind, operation, resource, panel)
    stored = operation.desired or b""
    digest = act.ports.sealer.digest(stored, "audit.panel_call")
    if wanted.decision is Decision.APPLIED:
        if not stored:
            raise StateConflict("Nothing was sent yet, so nothing can have been applied.")
        desired = unpack(stored, kind.desired_type)
        try:
            await settlement.apply_in(store, kind, work, desired, Verdict(), digest=digest)
        except settlement.EndedElsewhereError:
            raise StateConflict("It has just been settled.") from None
    else:
        error = PanelUnavailable("An operator found that the panel has not done it.")
        now = await engine.shared_now(act.ports, store)
        watch_at = watch_from(kind, work, now) if stored else None
        if not await settlement.fail_in(
            store, kind, work, error, never_sent=False, digest=digest, watch_at=watch_at
        ):
            raise StateConflict("It has just been settled.")
    await store.audit.append(
        act.entry(
            Phase.SUCCEEDED,
            resource_id=operation.id,
            owner=Owner(operation.reseller_id, operation.owner_path),
            operation_id=operation.id,
            after={"decision": wanted.decision.value, "note": wanted.note},
        )
    )


async def _tell_cache(act: Action, operation: Operation) -> None:
    """Make what was cached before the decision unreachable, if the resource is still there."""
    kind = kind_named(operation.kind)
    try:
        async with act.read() as store:
            resource = await kind.load(store, operation)
    except NotFound:
        return
    await act.ports.cache.raise_epoch(operation.resource_id, kind.epoch_of(resource))
