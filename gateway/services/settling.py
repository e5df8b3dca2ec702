"""Settling: what becomes of a change whose outcome was not known. One operation at a time.

    SENDING, UNKNOWN --(the waiting time has passed; a worker takes it up)--> PROBING
    PROBING --(the panel shows it, and it is ours)--------------------------> SUCCEEDED
            --(it is not there, and may be sent again)-----------------------> SENDING, once more
            --(it is not there, and may not)---------------------------------> FAILED
            --(what is there contradicts it)---------------------------------> MANUAL
            --(nothing could be learnt)--------------------------------------> UNKNOWN, looked at
                                                                               later; at last MANUAL

The waiting time is what makes this right: until it has passed, the lost call may still take effect,
and a look that finds nothing proves nothing. The same function serves a lost answer, a crash at any
moment, and a worker that died while it settled.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from gateway.domain.errors import (
    GatewayError,
    PanelError,
    PanelMisconfigured,
    PanelOutcomeUnknown,
    PanelUnavailable,
    PanelUnsupported,
    ServiceUnavailable,
)
from gateway.domain.operations import PROBES_MAX, Operation, OperationState
from gateway.services import engine, settlement
from gateway.services.codec import unpack
from gateway.services.context import Ports
from gateway.services.kinds import AnyKind, Finding, Found, Verdict, Work
from gateway.services.registry import kind_named
from gateway.services.scope import system_scope

log = structlog.get_logger(__name__)

#: How often a change is sent at most, the first time included.
ATTEMPTS_MAX: Final = 3
#: How long a worker has an operation that it took up; longer than its looks can take.
LEASE: Final = timedelta(seconds=120)
#: Pauses after looks that told nothing, one for each of PROBES_MAX; their sum is below the five
#: minutes that we promise.
PAUSES: Final = tuple(timedelta(seconds=each) for each in (2, 5, 10, 20, 40, 60, 90))
#: After those a person is asked; where the panel only could not be reached, we go on looking.
LATE_PAUSE: Final = timedelta(minutes=5)
#: When a creation that failed after it was unknown is looked for again, from its end on.
WATCHES: Final = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=24))


async def settle(ports: Ports, operation: Operation) -> None:
    """Settle an operation that this worker has taken up (PROBING, with its lease).

    Raises:
        ServiceUnavailable: our database went away; the lease ends by itself.
    """
    kind = kind_named(operation.kind)
    async with ports.database.read(system_scope()) as store:
        present = await store.operations.get(operation.id)
        if (present.state, present.fence) != (operation.state, operation.fence):
            return  # We were so slow that somebody else has taken it up, and perhaps ended it.
        resource = await kind.load(store, operation)
        panel = await store.panels.get(operation.panel_id)
        now = await engine.shared_now(ports, store)
    work = replace(engine.work_of(ports, kind, operation, resource, panel), is_background=True)
    desired = unpack(operation.desired or b"", kind.desired_type)
    finding = await _probe(kind, work, desired)
    log.info(
        "operation.probed",
        operation_id=operation.id,
        kind=operation.kind,
        found=finding.found.name.lower(),
        attempts=operation.attempts,
    )
    await _act_on(kind, work, desired, finding, now)


async def _probe(kind: AnyKind, work: Work[Any, Any], desired: object) -> Finding:
    try:
        return await kind.probe(work, desired)
    except ServiceUnavailable:
        raise
    except Exception:
        # A bug of ours is no evidence; the others' operations must not wait for it.
        log.exception("operation.bug", operation_id=work.operation.id)
        error = PanelOutcomeUnknown("Looking at the panel failed on our side.")
        return Finding(found=Found.UNCLEAR, error=error)


async def _act_on(
    kind: AnyKind, work: Work[Any, Any], desired: object, finding: Finding, now: datetime
) -> None:
    match finding.found:
        case Found.CONFIRMED:
            verdict = Verdict(info=finding.info)
            await settlement.succeed(kind, work, desired, verdict, digest=_digest(work))
        case Found.ABSENT if work.operation.attempts < ATTEMPTS_MAX and kind.may_resend(work):
            await _resend(kind, work, desired)
        case Found.ABSENT:
            if not kind.may_resend(work):
                async with work.ports.database.write(system_scope()) as store:
                    await kind.note_inability(store, work)
            await _give_up(kind, work, _not_done(kind, work), now)
        case Found.REFUSED:
            await _give_up(kind, work, _told(finding), now)
        case Found.CONTRADICTS:
            await settlement.hand_over(kind, work, _told(finding), look_at=None)
        case Found.UNCLEAR:
            await _wait(kind, work, _told(finding), now)


async def _resend(kind: AnyKind, work: Work[Any, Any], desired: object) -> None:
    """Send the same once more: the same names, the same values, and a new waiting time."""
    ports = work.ports
    async with ports.database.write(system_scope()) as store:
        sending = await engine.about_to_send(work, store, work.operation.desired or b"")
        if not await store.operations.save(sending.operation, was=OperationState.PROBING):
            return  # The lease has ended, and somebody else has taken it up.
        epoch = await kind.raise_epoch(store, work.resource)
    await ports.cache.raise_epoch(sending.operation.resource_id, epoch)
    await engine.send(kind, sending, desired)


async def _give_up(kind: AnyKind, work: Work[Any, Any], error: GatewayError, now: datetime) -> None:
    """End it as not done. What might still come to be is looked for for a day."""
    if kind.is_insisted_on:
        await settlement.hand_over(kind, work, error, look_at=None)
        return
    watch_at = watch_from(kind, work, now)
    await settlement.fail(
        kind, work, error, never_sent=False, digest=_digest(work), watch_at=watch_at
    )


def watch_from(kind: AnyKind, work: Work[Any, Any], now: datetime) -> datetime | None:
    """Return when to look first for a late effect of what was sent and counts as not done."""
    desired = unpack(work.operation.desired or b"", kind.desired_type)
    return None if kind.stray(work, desired) is None else now + WATCHES[0]


async def _wait(kind: AnyKind, work: Work[Any, Any], error: GatewayError, now: datetime) -> None:
    """Look again a little later; when that has been done often enough, ask a person."""
    probes = work.operation.probes
    if probes < PROBES_MAX:
        await settlement.look_again(work, now + PAUSES[probes])
        return
    reachable_later = isinstance(error, PanelUnavailable | PanelMisconfigured)
    look_at = now + LATE_PAUSE if reachable_later else None
    await settlement.hand_over(kind, work, error, look_at=look_at)


def _not_done(kind: AnyKind, work: Work[Any, Any]) -> GatewayError:
    """Return why a change that did not happen is not sent any more."""
    if not kind.may_resend(work):
        return PanelUnsupported("The panel says that it makes this, and does not.")
    times = work.operation.attempts
    return PanelUnavailable(f"The panel did not carry it out, though it was sent {times} times.")


def _told(finding: Finding) -> GatewayError:
    if finding.error is None:
        return PanelError("The panel shows something else than was sent.")
    return finding.error


def _digest(work: Work[Any, Any]) -> str:
    return work.ports.sealer.digest(work.operation.desired or b"", "audit.panel_call")
