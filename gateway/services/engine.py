"""The engine: drives any operation from its stored row, as far as it can go now.

PREPARED (committed) -> plan -> SENDING with the desired state (committed) -> the call, in no
transaction -> SUCCEEDED, FAILED or UNKNOWN (committed). The request that asked, and the worker that
finds a row after a crash, run the same functions. PREPARED means surely not sent, SENDING maybe
sent: that is why a crash before the commit of SENDING may be retried and one after it may not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

import msgspec
import structlog

from gateway.domain.calls import ChangeResult
from gateway.domain.errors import (
    GatewayError,
    InternalError,
    PanelError,
    PanelOutcomeUnknown,
    PanelUnavailable,
    ServiceUnavailable,
    StateConflict,
    VersionMismatch,
)
from gateway.domain.ids import OperationId
from gateway.domain.operations import Operation, OperationState
from gateway.domain.panels import Panel
from gateway.services import settlement
from gateway.services.codec import pack, unpack
from gateway.services.context import Ports
from gateway.services.kinds import AnyKind, Verdict, Work
from gateway.services.ports.panels import SendingToken
from gateway.services.ports.store import Store
from gateway.services.registry import kind_named
from gateway.services.scope import system_scope

log = structlog.get_logger(__name__)

ANSWER_WAIT_SECONDS: Final = 45.0
TURN_WAIT_SECONDS: Final = 60.0
TURN_POLL_SECONDS: Final = 0.05


class Envelope(msgspec.Struct, frozen=True):
    """What `operations.request` holds: the kind's own request, and If-Match."""

    request: msgspec.Raw
    if_version: int | None = None


class _MovedError(Exception):
    """The resource changed between plan and claim; plan again."""


class _Turn(Enum):
    """Why a claim did not come through."""

    WAIT = "wait"
    REPLAN = "replan"


@dataclass(frozen=True, slots=True)
class _Loaded:
    kind: AnyKind
    work: Work[Any, Any]
    if_version: int | None


def wrap(request: object, if_version: int | None) -> bytes:
    """Return what an operation keeps of a request."""
    return pack(Envelope(request=msgspec.Raw(pack(request)), if_version=if_version))


async def run(ports: Ports, operation_id: OperationId, *, is_background: bool = False) -> None:
    """Drive a PREPARED operation to SUCCEEDED, FAILED or UNKNOWN; leave any other alone.

    *is_background*: nobody waits for it; see `Work`.

    Raises:
        ServiceUnavailable: our database went away; the row says how far it came.
    """
    while (loaded := await _load(ports, operation_id, is_background=is_background)) is not None:
        try:
            _check_version(loaded)
            desired = await loaded.kind.plan(loaded.work)
            ports.panels.check(loaded.work.panel, loaded.kind.call(loaded.work, desired))
        except GatewayError as error:
            await settlement.fail(loaded.kind, loaded.work, error, never_sent=True)
            return
        except Exception:
            bug = InternalError("Something failed on our side; nothing was sent.")
            await settlement.fail(loaded.kind, loaded.work, bug, never_sent=True)
            raise
        claimed = await _claim(loaded, desired)
        if isinstance(claimed, Work):
            await send(loaded.kind, claimed, desired)
            return
        if claimed is _Turn.WAIT and not await _wait_for_turn(loaded):
            return


async def _load(ports: Ports, operation_id: OperationId, *, is_background: bool) -> _Loaded | None:
    """Return the operation if it is still PREPARED, with everything its kind needs."""
    async with ports.database.read(system_scope()) as store:
        operation = await store.operations.get(operation_id)
        if operation.state is not OperationState.PREPARED:
            return None
        kind = kind_named(operation.kind)
        resource = await kind.load(store, operation)
        panel = await store.panels.get(operation.panel_id)
    work = work_of(ports, kind, operation, resource, panel)
    work = replace(work, is_background=is_background)
    return _Loaded(kind, work, unpack(operation.request, Envelope).if_version)


def work_of(
    ports: Ports, kind: AnyKind, operation: Operation, resource: object, panel: Panel
) -> Work[Any, Any]:
    """Return an operation with its request read, and everything its kind needs."""
    envelope = unpack(operation.request, Envelope)
    return Work(
        operation=operation,
        request=unpack(bytes(envelope.request), kind.request_type),
        resource=resource,
        panel=panel,
        ports=ports,
    )


def answer_wait_seconds(panel: Panel) -> float:
    """Return how long a change may take, the wait for its turn included; seconds."""
    return min(ANSWER_WAIT_SECONDS, float(panel.settle_seconds))


def _check_version(loaded: _Loaded) -> None:
    version = loaded.work.resource.version
    if loaded.if_version is not None and loaded.if_version != version:
        raise VersionMismatch(f"The present version is {version}, not {loaded.if_version}.")


async def _claim(loaded: _Loaded, desired: object) -> Work[Any, Any] | _Turn:
    """Commit SENDING with *desired*, if it is this operation's turn and the plan still holds."""
    kind, work = loaded.kind, loaded.work
    try:
        async with work.ports.database.write(system_scope()) as store:
            sending = await about_to_send(work, store, pack(desired))
            if not await store.operations.claim(sending.operation):
                return _Turn.WAIT
            epoch = await _raise_epoch(kind, work, store)
    except _MovedError:
        return _Turn.REPLAN
    await work.ports.cache.raise_epoch(sending.operation.resource_id, epoch)
    return sending


async def about_to_send(work: Work[Any, Any], store: Store, desired: bytes) -> Work[Any, Any]:
    """Return the operation as it is about to be sent, and until when that may be done.

    The call may have to wait for its turn for as long as for its answer; the time in which it may
    still take effect counts from then. A process that stood still meanwhile must not send it any
    more: others may have taken the operation up by then.
    """
    seconds = answer_wait_seconds(work.panel)
    answer_by = work.ports.clock.monotonic() + seconds
    now = await shared_now(work.ports, store)
    waits = timedelta(seconds=seconds + work.panel.settle_seconds)
    row = replace(
        work.operation,
        state=OperationState.SENDING,
        attempts=work.operation.attempts + 1,
        desired=desired,
        sent_at=now,
        settles_at=now + waits,
        lease_until=None,
        said_done=False,
        updated_at=now,
    )
    return replace(work, operation=row, answer_by=answer_by)


async def shared_now(ports: Ports, store: Store) -> datetime:
    """Return the time that all processes agree on: that of the database."""
    return ports.clock.now() + await store.clock_ahead()


async def _raise_epoch(kind: AnyKind, work: Work[Any, Any], store: Store) -> int:
    fresh = await kind.load(store, work.operation)
    if kind.epoch_of(fresh) != kind.epoch_of(work.resource):
        raise _MovedError
    return await kind.raise_epoch(store, fresh)


async def _wait_for_turn(loaded: _Loaded) -> bool:
    """Wait a moment for the other change of this resource; False if there is no point."""
    work = loaded.work
    async with work.ports.database.read(system_scope()) as store:
        other = await store.operations.find_open(work.operation.resource_id)
    age = (work.ports.clock.now() - work.operation.created_at).total_seconds()
    stuck = other is not None and other.state is not OperationState.SENDING
    if stuck or age > TURN_WAIT_SECONDS:
        text = "An earlier change of this resource is not settled yet; nothing was sent."
        await settlement.fail(loaded.kind, work, StateConflict(text), never_sent=True)
        return False
    await work.ports.clock.sleep(TURN_POLL_SECONDS * (1 + work.ports.random.uniform()))
    return True


async def send(kind: AnyKind, work: Work[Any, Any], desired: object) -> None:
    """Make the call of a SENDING row, and end the operation or say that its outcome is not known.

    Raises:
        ServiceUnavailable: our database went away; the row says how far it came.
    """
    call = kind.call(work, desired)
    digest = work.ports.sealer.digest(pack(call), "audit.panel_call")
    verdict = await outcome_of(kind, work, desired)
    work = replace(work, operation=replace(work.operation, said_done=verdict.said_done))
    await _end(kind, work, desired, doubted(work.operation, verdict), digest)


def doubted(operation: Operation, verdict: Verdict) -> Verdict:
    """Take a refusal of a call that was sent before for what it is: no word on the first call.

    Only the panel, looked at once more after the waiting time, can tell that nothing happened.
    """
    error = verdict.error
    if operation.attempts <= 1 or error is None or isinstance(error, PanelOutcomeUnknown):
        return verdict
    return Verdict(PanelOutcomeUnknown(f"Sent again, and refused then ({error.code})."))


async def outcome_of(kind: AnyKind, work: Work[Any, Any], desired: object) -> Verdict:
    """Make the call of an operation that is SENDING, and tell what came of it. Never raises."""
    try:
        answer = await _ask(kind, work, desired)
        return await kind.judge(work, desired, answer)
    except (PanelUnavailable, PanelOutcomeUnknown) as error:
        return Verdict(error)
    except Exception:
        # Once sent, a bug of ours is an unknown outcome like any other.
        log.exception("operation.bug", operation_id=work.operation.id)
        return Verdict(PanelOutcomeUnknown("Sent; what came of it is not known."))


async def _ask(kind: AnyKind, work: Work[Any, Any], desired: object) -> ChangeResult | PanelError:
    """Return the panel's answer, or the definite error that it means."""
    token = SendingToken(operation_id=work.operation.id, attempt=work.operation.attempts)
    left = work.answer_by - work.ports.clock.monotonic()
    seconds = min(left, answer_wait_seconds(work.panel))
    if seconds <= 0:
        raise PanelUnavailable("The gateway came too late to send it; nothing was sent.")
    call = kind.call(work, desired)
    try:
        return await work.ports.panels.change(
            work.panel, call, token, timeout_seconds=seconds, is_background=work.is_background
        )
    except (PanelUnavailable, PanelOutcomeUnknown):
        raise
    except PanelError as error:
        return error


async def _end(
    kind: AnyKind, work: Work[Any, Any], desired: object, verdict: Verdict, digest: str
) -> None:
    async def end() -> None:
        if verdict.error is None:
            await settlement.succeed(kind, work, desired, verdict, digest=digest)
        elif isinstance(verdict.error, PanelOutcomeUnknown):
            await settlement.leave_unknown(kind, work, verdict.error, digest=digest)
        else:
            never_sent = _was_not_sent(verdict.error)
            if kind.is_insisted_on and not never_sent:
                await settlement.hand_over(kind, work, verdict.error, look_at=None)
                return
            await settlement.fail(kind, work, verdict.error, never_sent=never_sent, digest=digest)

    await _insist(work.ports, end)


def _was_not_sent(error: GatewayError) -> bool:
    """Tell whether *error* says that the panel cannot have got this call."""
    return isinstance(error, PanelUnavailable) or (isinstance(error, PanelError) and error.unsent)


async def _insist(ports: Ports, write: Callable[[], Awaitable[None]]) -> None:
    """Try to write an end until our database answers; a known outcome must not be lost.

    Raises:
        ServiceUnavailable: it did not answer for about half a minute.
    """
    for wait_seconds in (0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0):
        try:
            await write()
        except ServiceUnavailable:
            await ports.clock.sleep(wait_seconds)
        else:
            return
    await write()
