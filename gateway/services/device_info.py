"""What a panel says of a device."""

from __future__ import annotations

from gateway.domain.caller import Permission
from gateway.domain.errors import GatewayError
from gateway.domain.ids import DeviceId
from gateway.domain.subscriptions import ObservedInfo
from gateway.services.action import Action, Subscriber, action
from gateway.services.device_noun import DEVICES
from gateway.services.info import read_info, read_infos


@action("device.read_info", needs=Permission.DEVICES_READ, subscriber=Subscriber.MAY)
async def get_device_info(act: Action, device_id: DeviceId) -> ObservedInfo:
    """Return everything the panel says of a device; its `info` is a DeviceInfo.

    Raises:
        NotFound: ours does not exist, or the panel does not know it any more.
        StateConflict: it is not known yet whether the device is on the panel, or it is by half.
        PanelError: the panel could not be asked, and nothing usable is cached.
    """
    return await read_info(act, DEVICES, device_id)


@action("device.list_info", needs=Permission.DEVICES_READ, subscriber=Subscriber.MAY)
async def list_device_infos(
    act: Action, device_ids: tuple[DeviceId, ...]
) -> dict[str, ObservedInfo | GatewayError]:
    """Return what panels say of several devices; as `line_info.list_line_infos`."""
    return await read_infos(act, DEVICES, device_ids)
