"""Telling others what happened: how events are made, each in the transaction of its change.

What is told of a line, a device, an operation or a reseller is what any caller with the permission
to read it could see, less what is private: no password, no notes, no metadata, and nothing that
only operators see. Who wants more reads it by its id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from gateway.domain.devices import Device
from gateway.domain.events import Event, EventType
from gateway.domain.ids import EventId, IdKind, PanelId, ResellerId, new_id
from gateway.domain.lines import Line

if TYPE_CHECKING:
    from gateway.domain.drifts import Drift
    from gateway.domain.operations import Operation
    from gateway.domain.resellers import Reseller
    from gateway.domain.subscriptions import Subscription
    from gateway.services.context import Ports
    from gateway.services.ports.store import Store

#: What a change that was made tells of its resource, by the name of its kind. None: nothing, since
#: our record stays as it was; its operation is told of all the same.
TOLD: Final = MappingProxyType(
    {
        "line.create": EventType.LINE_CREATED,
        "line.update": EventType.LINE_UPDATED,
        "line.renew": EventType.LINE_RENEWED,
        "line.suspend": EventType.LINE_SUSPENDED,
        "line.resume": EventType.LINE_RESUMED,
        "line.terminate": EventType.LINE_TERMINATED,
        "line.rotate_password": EventType.LINE_UPDATED,
        "line.enforce": None,
        "line.disable_stray": None,
        "device.create": EventType.DEVICE_CREATED,
        "device.update": EventType.DEVICE_UPDATED,
        "device.renew": EventType.DEVICE_RENEWED,
        "device.suspend": EventType.DEVICE_SUSPENDED,
        "device.resume": EventType.DEVICE_RESUMED,
        "device.terminate": EventType.DEVICE_TERMINATED,
        "device.enforce": None,
        "device.disable_stray": None,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What an event happened to, and who may see it."""

    resource_id: str
    owner_path: str
    reseller_id: ResellerId | None
    panel_id: PanelId | None = None


async def tell(
    store: Store, ports: Ports, event_type: EventType, about: About, data: dict[str, Any]
) -> None:
    """Write an event of this moment, in the transaction of *store*."""
    now = ports.clock.now()
    await store.events.append(
        Event(
            id=EventId(new_id(IdKind.EVENT, now, ports.random.bytes)),
            type=event_type,
            resource_id=about.resource_id,
            panel_id=about.panel_id,
            reseller_id=about.reseller_id,
            owner_path=about.owner_path,
            at=now,
            data=data,
        )
    )


async def tell_resource(
    store: Store, ports: Ports, verb: str, resource: Subscription, **more: object
) -> None:
    """Tell that this *verb* happened to a line or a device; *more* is added to its data."""
    noun, resource_id = _named(resource)
    about = About(
        resource_id=resource_id,
        owner_path=resource.owner_path,
        reseller_id=resource.reseller_id,
        panel_id=resource.panel_id,
    )
    data = resource_data(resource, ports.clock.now()) | more
    await tell(store, ports, EventType(f"{noun}.{verb}"), about, data)


async def tell_change(
    store: Store, ports: Ports, kind: str, resource: Subscription | None, *, is_changed: bool
) -> None:
    """Tell what a change of this *kind* made of its resource, unless it is as it was."""
    event_type = TOLD[kind]
    if event_type is not None and resource is not None and is_changed:
        await tell_resource(store, ports, event_type.value.partition(".")[2], resource)


async def tell_operation(
    store: Store, ports: Ports, event_type: EventType, operation: Operation
) -> None:
    """Tell how an operation ended, or that a person has to end it."""
    about = About(
        resource_id=operation.id,
        owner_path=operation.owner_path,
        reseller_id=operation.reseller_id,
        panel_id=operation.panel_id,
    )
    await tell(store, ports, event_type, about, operation_data(operation))


async def tell_reseller(
    store: Store, ports: Ports, event_type: EventType, reseller: Reseller
) -> None:
    """Tell what happened to a reseller, who may see it itself."""
    about = About(resource_id=reseller.id, owner_path=reseller.owner_path, reseller_id=reseller.id)
    data = {
        "id": reseller.id,
        "object": "reseller",
        "name": reseller.name,
        "state": reseller.state.value,
        "parent_id": reseller.parent_id,
        "version": reseller.version,
        "created_at": moment(reseller.created_at),
        "updated_at": moment(reseller.updated_at),
    }
    await tell(store, ports, event_type, about, data)


def resource_data(resource: Subscription, now: datetime) -> dict[str, Any]:
    """Return what is told of a line or a device."""
    noun, resource_id = _named(resource)
    name = {"username": resource.username} if isinstance(resource, Line) else {}
    if isinstance(resource, Device):
        name = {"mac": resource.mac}
    return {
        "id": resource_id,
        "object": noun,
        "state": resource.state_at(now).value,
        "external_id": resource.external_id,
        "reseller_id": resource.reseller_id,
        "panel_id": resource.panel_id,
        **name,
        "expires_at": moment(resource.expires_at),
        "max_connections": resource.max_connections,
        "bouquet_ids": list(resource.bouquet_ids),
        "is_trial": resource.is_trial,
        "is_restreamer": resource.is_restreamer,
        "version": resource.version,
        "created_at": moment(resource.created_at),
        "updated_at": moment(resource.updated_at),
    }


def operation_data(operation: Operation) -> dict[str, Any]:
    """Return what is told of an operation: what callers see of it."""
    problem = operation.problem
    return {
        "id": operation.id,
        "object": "operation",
        "kind": operation.kind,
        "state": operation.shown_state.value,
        "resource_id": operation.resource_id,
        "reseller_id": operation.reseller_id,
        "attempts": operation.attempts,
        "problem": None
        if problem is None
        else {"code": problem.code, "status": problem.status, "detail": problem.detail},
        "created_at": moment(operation.created_at),
        "updated_at": moment(operation.updated_at),
    }


def drift_data(drift: Drift) -> dict[str, Any]:
    """Return what is told of a drift: its values can be read where it is listed."""
    return {
        "id": drift.id,
        "kind": drift.kind.value,
        "fields": [it.field for it in drift.differences],
    }


def moment(at: datetime | None) -> str | None:
    """Return a moment as JSON has it."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def _named(resource: Subscription) -> tuple[str, str]:
    """Return the noun and the id of a line or a device."""
    if isinstance(resource, Line):
        return "line", resource.id
    if isinstance(resource, Device):
        return "device", resource.id
    raise TypeError("neither a line nor a device")
