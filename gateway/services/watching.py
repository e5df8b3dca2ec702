"""Watching a line, a device or an operation: its present state, and then each one after a change.

Each look passes the door anew, as the caller that the bearer speaks for at that moment. So a key
that is revoked, a permission or a scope that is taken away ends the watching; after
`RECHECK_SECONDS` at the latest, also where nothing changes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from typing import Final, TypeVar

from gateway.domain.caller import Caller, Permission
from gateway.domain.devices import Device
from gateway.domain.ids import DeviceId, LineId, OperationId
from gateway.domain.lines import Line
from gateway.domain.operations import Operation
from gateway.domain.subscriptions import Subscription
from gateway.services.action import Action, Subscriber, action
from gateway.services.context import Context
from gateway.services.ports.system import Clock

T = TypeVar("T")

#: How long a watcher may go without being asked again who it is, and without looking. So it is
#: also how late a change shows whose notice was lost.
RECHECK_SECONDS: Final = 5.0


@action("line.watch", needs=Permission.LINES_READ, subscriber=Subscriber.MAY)
async def watch_line(act: Action, line_id: LineId) -> Line:
    """Return a line as the registry has it, without asking its panel: one look of `changes`.

    Raises:
        NotFound
    """
    async with act.read() as store:
        return await store.lines.get(line_id)


@action("device.watch", needs=Permission.DEVICES_READ, subscriber=Subscriber.MAY)
async def watch_device(act: Action, device_id: DeviceId) -> Device:
    """Return a device as the registry has it, without asking its panel: one look of `changes`.

    Raises:
        NotFound
    """
    async with act.read() as store:
        return await store.devices.get(device_id)


@action("operation.watch", needs=Permission.OPERATIONS_READ, subscriber=Subscriber.MAY)
async def watch_operation(act: Action, operation_id: OperationId) -> Operation:
    """Return an operation of the scope: one look of `changes`.

    Raises:
        NotFound
    """
    async with act.read() as store:
        return await store.operations.get(operation_id)


async def changes(
    context: Context,
    resource_id: str,
    read: Callable[[Context], Awaitable[T]],
    *,
    identify: Callable[[], Awaitable[Caller]],
) -> AsyncGenerator[T, None]:
    """Yield the present state at once, and the new one after each change.

    A state equal to the last one is left out; one that only looks different because time went by
    (it has expired) is not. States between two looks are not seen. After an operation's final state
    it ends by itself. Close it (`contextlib.aclosing`), or its listener stays.

    While it waits for its consumer to take a state it looks at nothing: who cannot deliver for long
    must end it.

    Args:
        context: of the request that began it; its caller is replaced for each look.
        read: one of the actions above, through the door.
        identify: looks up who the bearer speaks for now; is called before every look.

    Raises:
        Unauthenticated: from `identify`: the bearer ended.
        PermissionDenied: the permission was taken away.
        NotFound: it is gone, or no longer in the scope.
        ServiceUnavailable: too many watch, the database is away, or the process is stopping.
    """
    clock = context.ports.clock
    seen: object = None
    async with context.ports.notices.listen(resource_id) as listener:
        while True:
            context.ports.lifecycle.refuse_while_draining()
            looked_at = clock.monotonic()
            caller = await identify()
            state = await read(replace(context, caller=caller))
            appearance = state, _time_bound(context, state)
            if appearance != seen:
                seen = appearance
                yield state
            if isinstance(state, Operation) and state.state.is_final:
                return
            pause = looked_at + RECHECK_SECONDS - clock.monotonic()
            await listener.wait(max(0.0, min(pause, _seconds_left(caller, clock))))


def _seconds_left(caller: Caller, clock: Clock) -> float:
    """Return how long the caller's token lasts; a key has no end that would be known here."""
    if caller.expires_at is None:
        return RECHECK_SECONDS
    return (caller.expires_at - clock.now()).total_seconds()


def _time_bound(context: Context, state: object) -> object:
    """Return what of *state* changes without a change of its record."""
    if isinstance(state, Subscription):
        return state.state_at(context.ports.clock.now())
    return None
