"""Subscriptions: what became of one thing, from now on. A public contract, written out by hand."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Annotated, Any, TypeVar

import strawberry

from gateway.api.graphql.call import GraphqlCall, Info
from gateway.api.graphql.describe import argument
from gateway.api.graphql.devices import Device
from gateway.api.graphql.lines import Line
from gateway.api.graphql.operations import Operation
from gateway.api.rest.device_answers import device_out
from gateway.api.rest.line_answers import line_out
from gateway.api.rest.operations import operation_out
from gateway.domain.devices import ObservedDevice
from gateway.domain.errors import NotFound
from gateway.domain.ids import DeviceId, IdKind, LineId, OperationId, is_id
from gateway.domain.lines import ObservedLine
from gateway.services import watching
from gateway.services.context import Context

T = TypeVar("T")

_ENDS = (
    "The present state comes at once, then each new one; states that nobody took are left out. "
    "Ends when the key ends."
)


async def _changes(
    call: GraphqlCall,
    kind: IdKind,
    given: str,
    read: Callable[[Context], Awaitable[T]],
    show: Callable[[T], Any],
) -> AsyncGenerator[Any, None]:
    """Yield what is shown of one thing, now and after each change, as long as the caller may.

    Raises:
        NotFound: also for what is no id of that kind.
        Unauthenticated, PermissionDenied: the key has ended, or lost its permission.
    """
    if not is_id(kind, given):
        raise NotFound("There is no such resource.")
    states = watching.changes(call.reading, given, read, identify=call.asked.identify)
    async with aclosing(states):
        async for state in states:
            call.forget_reads()
            yield show(state)


@strawberry.type(description="What can be watched.")
class Subscription:
    """What can be watched."""

    @strawberry.subscription(description=f"A line, as the gateway has it. {_ENDS}")  # type: ignore[untyped-decorator]  # Strawberry's own.
    async def line_changed(
        self, info: Info, id: Annotated[strawberry.ID, argument("Which line.")]
    ) -> AsyncGenerator[Line, None]:
        """Yield a line's states."""
        call = info.context
        stream = _changes(
            call,
            IdKind.LINE,
            id,
            lambda context: watching.watch_line(context, LineId(id)),
            lambda line: line_out(call.reading)(ObservedLine(line=line, info=None)),
        )
        async with aclosing(stream):
            async for shown in stream:
                yield shown

    @strawberry.subscription(description=f"A device, as the gateway has it. {_ENDS}")  # type: ignore[untyped-decorator]  # As above.
    async def device_changed(
        self, info: Info, id: Annotated[strawberry.ID, argument("Which device.")]
    ) -> AsyncGenerator[Device, None]:
        """Yield a device's states."""
        call = info.context
        stream = _changes(
            call,
            IdKind.DEVICE,
            id,
            lambda context: watching.watch_device(context, DeviceId(id)),
            lambda device: device_out(call.reading)(ObservedDevice(device=device, info=None)),
        )
        async with aclosing(stream):
            async for shown in stream:
                yield shown

    @strawberry.subscription(description=f"An operation, until its end is known. {_ENDS}")  # type: ignore[untyped-decorator]  # As above.
    async def operation_changed(
        self, info: Info, id: Annotated[strawberry.ID, argument("Which operation.")]
    ) -> AsyncGenerator[Operation, None]:
        """Yield an operation's states."""
        stream = _changes(
            info.context,
            IdKind.OPERATION,
            id,
            lambda context: watching.watch_operation(context, OperationId(id)),
            operation_out,
        )
        async with aclosing(stream):
            async for shown in stream:
                yield shown
