"""Idempotency keys: the same key gives the same answer, and never a second effect.

The row of a key is inserted in the transaction that prepares the change, so that there is no moment
at which the change exists and the key does not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from gateway.domain.errors import IdempotencyInProgress, IdempotencyKeyReused, Refusal
from gateway.domain.idempotency import KeptAnswer
from gateway.domain.ids import IdKind, OperationId, new_id
from gateway.services.action import Action
from gateway.services.codec import pack, unpack
from gateway.services.context import DryRun, Outcome
from gateway.services.ownership import idempotency_owner
from gateway.services.ports.store import Store
from gateway.services.records import RehearsedError, roll_back, shown_facts

R = TypeVar("R")

PURPOSE: Final = "idempotency.request"


async def find_kept(action: Action) -> KeptAnswer | None:
    """Return what is kept under the request's key, or None.

    Raises:
        IdempotencyKeyReused: the key belongs to another request.
    """
    asked = action.context.idempotency
    if asked is None:
        return None
    owner = idempotency_owner(action.context.caller)
    async with action.read() as store:
        kept = await store.answers.find(owner, asked.key)
    if kept is None:
        return None
    same = kept.action == action.spec.name and action.ports.sealer.matches(
        kept.digest, asked.request, PURPOSE
    )
    if not same:
        raise IdempotencyKeyReused("This Idempotency-Key was used for another request.")
    return kept


async def keep(
    action: Action,
    store: Store,
    *,
    operation_id: OperationId | None = None,
    result: bytes | None = None,
) -> str | None:
    """Take the request's key inside the preparing transaction; return the row's id.

    Raises:
        IdempotencyInProgress: another request took it a moment ago.
    """
    asked = action.context.idempotency
    if asked is None:
        return None
    now = action.ports.clock.now()
    answer = KeptAnswer(
        id=new_id(IdKind.KEPT_ANSWER, now, action.ports.random.bytes),
        owner=idempotency_owner(action.context.caller),
        key=asked.key,
        digest=action.ports.sealer.digest(asked.request, PURPOSE),
        action=action.spec.name,
        operation_id=operation_id,
        result=result,
        created_at=now,
    )
    await store.answers.add(answer)
    return answer.id


async def write_once(
    action: Action, result_type: type[R], change: Callable[[Store], Awaitable[R]]
) -> Outcome[R]:
    """Change our own data in one transaction, together with the kept answer.

    *change* appends its own audit entry.
    """
    if action.context.dry_run:
        return Outcome(value=None, dry_run=await _rehearsed(action, change))
    kept = await find_kept(action)
    if kept is None:
        try:
            async with action.write() as store:
                value = await change(store)
                if action.context.idempotency is not None:
                    await keep(action, store, result=pack(value))
                return Outcome(value=value)
        except (IdempotencyInProgress, Refusal):
            # A copy of this request may have come first: then what refuses it is its own doing.
            kept = await find_kept(action)
            if kept is None:
                raise
    return Outcome(value=unpack(kept.result or b"", result_type), replayed=True)


async def _rehearsed(action: Action, change: Callable[[Store], Awaitable[object]]) -> DryRun:
    """Make the change, look at it, and roll it back."""
    after = None
    try:
        async with action.write() as store:
            after = shown_facts(await change(store))
            roll_back()
    except RehearsedError:
        return DryRun(before=None, after=after, panel_calls=())
