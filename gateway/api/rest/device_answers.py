"""What is shown of devices. A public contract, written out by hand."""

from __future__ import annotations

from collections.abc import Callable

from gateway.api.rest.routing import Observed
from gateway.api.rest.subscription_answers import (
    SubscriptionInfoOut,
    SubscriptionOut,
    info_members,
    members,
)
from gateway.domain.calls import DeviceInfo
from gateway.domain.devices import ObservedDevice
from gateway.domain.ids import DeviceId
from gateway.domain.subscriptions import ObservedInfo
from gateway.services.context import Context


class DeviceOut(SubscriptionOut, frozen=True, kw_only=True):
    """A set-top box. `expires_at` null: never; `max_connections` null: no limit.

    `panel_line_id` is the panel's line behind it. `observed` tells how old the panel's word is;
    null when the panel was not asked.
    """

    object: str = "device"
    mac: str
    panel_device_id: int | None


class DeviceInfoOut(SubscriptionInfoOut, frozen=True, kw_only=True):
    """Everything the panel says of a device; null where this panel does not say.

    `pair` is the line that shares its connections.
    """

    object: str = "device_info"
    device_id: str
    mac: str
    panel_device_id: int


def device_out(context: Context) -> Callable[[ObservedDevice], DeviceOut]:
    """Return the mapping of devices to their public shape, as of now."""
    return lambda seen: DeviceOut(
        id=seen.device.id,
        mac=seen.device.mac,
        panel_device_id=seen.device.panel_device_id,
        **members(context, seen.device, seen.info),
    )


def observed_device(context: Context, seen: ObservedDevice) -> Observed[DeviceOut]:
    """Return a device that was read, with the age of the panel's word."""
    return Observed(device_out(context)(seen), seen.info)


def info_out(device_id: DeviceId, seen: ObservedInfo) -> DeviceInfoOut:
    """Return the public shape of an info answer.

    Raises:
        TypeError: it is the info of a line.
    """
    if not isinstance(seen.info, DeviceInfo):
        raise TypeError("not the info of a device")
    return DeviceInfoOut(
        device_id=device_id,
        mac=seen.info.mac,
        panel_device_id=seen.info.panel_device_id,
        **info_members(seen),
    )
