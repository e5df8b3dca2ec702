"""Carry out a change of a panel: prepare it, hand it to the engine, wait, answer.

The wait belongs to the request; the work does not. A client that goes away, or a deadline that
passes, changes nothing: the operation goes on and its row tells how it ended.
"""

from __future__ import annotations

import asyncio
from typing import Final, TypeVar

from gateway.domain.audit import Phase
from gateway.domain.errors import (
    GatewayError,
    IdempotencyInProgress,
    NotFound,
    Refusal,
    ServiceUnavailable,
    StateConflict,
)
from gateway.domain.ids import IdKind, OperationId, new_id
from gateway.domain.operations import OperationState, ShownState
from gateway.services import engine
from gateway.services.action import Action
from gateway.services.codec import pack, unpack
from gateway.services.context import Outcome
from gateway.services.idempotency import find_kept, keep
from gateway.services.kinds import Already, Kind
from gateway.services.ports.notices import Listener
from gateway.services.ports.store import Store
from gateway.services.prepared import new_operation
from gateway.services.problems import error_of
from gateway.services.rehearsal import rehearse
from gateway.telemetry.request_log import note

Request = TypeVar("Request")
Resource = TypeVar("Resource")
Desired = TypeVar("Desired")
Result = TypeVar("Result")

RETRY_AFTER_SECONDS: Final = 2
#: How long settling takes once it may begin, where workers run and the panel answers.
SETTLING_SECONDS: Final = 5.0


async def carry_out(
    action: Action, kind: Kind[Request, Resource, Desired, Result], request: Request
) -> Outcome[Result]:
    """Do what *request* asks, once, and return what came of it.

    Returns:
        The result, or, where it is not known within the deadline, the open operation.

    Raises:
        GatewayError: a rule or the panel refused, or the panel was not reached. With an
            `operation_id` where an operation exists.
    """
    if action.context.dry_run:
        return Outcome(value=None, dry_run=await rehearse(action, kind, request))
    kept = await find_kept(action)
    if kept is None:
        try:
            prepared = await _prepare(action, kind, request)
        except (IdempotencyInProgress, Refusal):
            # A copy of this request may have come first: then what refuses it is its own doing.
            kept = await find_kept(action)
            if kept is None:
                raise
        else:
            if isinstance(prepared, Already):
                return Outcome(value=prepared.result)
            return await _finish(action, kind, prepared)
    if kept.operation_id is None:
        return Outcome(value=unpack(kept.result or b"", kind.result_type), replayed=True)
    return await _outcome(action, kind, kept.operation_id, replayed=True)


async def answer_of(
    action: Action, kind: Kind[Request, Resource, Desired, Result], operation_id: OperationId
) -> Outcome[Result]:
    """Return the present answer of an earlier operation."""
    return await _outcome(action, kind, operation_id, replayed=True)


async def _prepare(
    action: Action, kind: Kind[Request, Resource, Desired, Result], request: Request
) -> OperationId | Already[Result]:
    now = action.ports.clock.now()
    operation_id = OperationId(new_id(IdKind.OPERATION, now, action.ports.random.bytes))
    is_complete = False
    try:
        async with action.write() as store:
            target = await kind.prepare(action, store, request, operation_id)
            if isinstance(target, Already):
                await keep(action, store, result=pack(target.result))
                return target
            await _refuse_while_unsettled(store, target.resource_id)
            idempotency_id = await keep(action, store, operation_id=operation_id)
            operation = new_operation(action, kind, target, operation_id, idempotency_id)
            await store.operations.add(operation)
            await store.holds.hold(operation)
            await store.audit.append(
                action.entry(
                    Phase.STARTED,
                    name=kind.name,
                    resource_id=target.resource_id,
                    owner=target.owner,
                    operation_id=operation_id,
                    before=target.before,
                    after=target.after,
                )
            )
            is_complete = True
    except ServiceUnavailable:
        # A commit whose answer is lost may have happened: the row would be taken up later.
        if not is_complete or not await _is_there(action, operation_id):
            raise
    return operation_id


async def _is_there(action: Action, operation_id: OperationId) -> bool:
    """Look up an operation whose commit got no answer.

    Raises:
        ServiceUnavailable: with the operation's id; nobody knows whether it is there.
    """
    try:
        async with action.read() as store:
            await store.operations.get(operation_id)
    except NotFound:
        return False
    except ServiceUnavailable as error:
        raise _to_be_followed(error, operation_id) from error
    return True


async def _refuse_while_unsettled(store: Store, resource_id: str) -> None:
    """Refuse a change on top of one whose outcome is not known."""
    open_one = await store.operations.find_open(resource_id)
    if open_one is not None and open_one.state is not OperationState.SENDING:
        raise StateConflict(
            f"An earlier change, {open_one.id}, is not settled yet.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )


async def _finish(
    action: Action, kind: Kind[Request, Resource, Desired, Result], operation_id: OperationId
) -> Outcome[Result]:
    """Wait for the operation and answer; from here on every error names it."""
    try:
        await _wait(action, operation_id)
        return await _outcome(action, kind, operation_id, replayed=False)
    except ServiceUnavailable as error:
        raise _to_be_followed(error, operation_id) from error


def _to_be_followed(error: ServiceUnavailable, operation_id: OperationId) -> ServiceUnavailable:
    return ServiceUnavailable(
        "The gateway's database is not available; follow the operation.",
        operation_id=operation_id,
        retry_after_seconds=error.retry_after_seconds,
    )


async def _wait(action: Action, operation_id: OperationId) -> None:
    """Run the operation as a task of the process and wait for it until the deadline.

    A bug in it is in the log, with its task, and in the operation, which the caller is shown.
    """
    clock = action.ports.clock
    work = action.ports.tasks.spawn(
        engine.run(action.ports, operation_id), name=f"operation:{operation_id}"
    )
    asked = action.context.wait_seconds
    seconds = action.ports.limits.change_deadline_seconds if asked is None else asked
    deadline = clock.monotonic() + seconds
    done = await _ends_within(action, work, seconds)
    if done and isinstance(error := work.exception(), GatewayError):
        raise error
    if done:
        await _wait_until_settled(action, operation_id, deadline)


async def _ends_within(action: Action, work: asyncio.Task[None], seconds: float) -> bool:
    """Wait for *work*, but not after the process is cut off: its row tells how far it came."""
    cut_off = asyncio.ensure_future(action.ports.lifecycle.until_cut_off())
    try:
        await asyncio.wait({work, cut_off}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        cut_off.cancel()
    return work.done()


async def _wait_until_settled(action: Action, operation_id: OperationId, deadline: float) -> None:
    """Let a caller whose change became unknown wait for its settling, if that can come in time."""
    clock = action.ports.clock
    try:
        async with action.ports.notices.listen(operation_id) as listener:
            while True:
                async with action.read() as store:
                    operation = await store.operations.get(operation_id)
                settles_at = operation.settles_at
                if operation.shown_state is not ShownState.UNKNOWN or settles_at is None:
                    return
                if action.ports.lifecycle.is_draining:
                    return  # Settling takes long, and the workers here have stopped.
                due = clock.monotonic() + (settles_at - clock.now()).total_seconds()
                left = min(deadline, due + SETTLING_SECONDS) - clock.monotonic()
                if due >= deadline or left <= 0:
                    return
                await _listen(action, listener, left)
    except ServiceUnavailable:
        return  # Too many wait already, or our database is away: the row tells how it ends.


async def _listen(action: Action, listener: Listener, seconds: float) -> None:
    """Wait for a notice, but not in a process that drains: its workers have stopped."""
    notice = asyncio.ensure_future(listener.wait(seconds))
    draining = asyncio.ensure_future(action.ports.lifecycle.until_draining())
    try:
        await asyncio.wait({notice, draining}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        notice.cancel()
        draining.cancel()


async def _outcome(
    action: Action,
    kind: Kind[Request, Resource, Desired, Result],
    operation_id: OperationId,
    *,
    replayed: bool,
) -> Outcome[Result]:
    note(operation_id=operation_id, replayed=replayed)
    async with action.read() as store:
        operation = await store.operations.get(operation_id)
    if operation.state is OperationState.SUCCEEDED and operation.result is not None:
        value = unpack(operation.result, kind.result_type)
        return Outcome(value=value, operation=operation, replayed=replayed)
    if operation.state is OperationState.FAILED and operation.problem is not None:
        error = error_of(operation.problem, operation_id)
        error.replayed = replayed
        raise error
    return Outcome(value=None, operation=operation, replayed=replayed)
