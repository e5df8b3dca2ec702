"""Devices, as a noun."""

from __future__ import annotations

from typing import Any

from gateway.domain.calls import CreateDevice, Creation, DeviceInfo, EditDevice, GetDeviceInfo
from gateway.domain.devices import Device, ObservedDevice
from gateway.domain.errors import GatewayError, NotFound
from gateway.domain.ids import IdKind
from gateway.domain.panels import Panel, SuspendBy
from gateway.domain.resellers import Policy
from gateway.domain.subscriptions import ObservedInfo
from gateway.services.noun import AnyEdit, Noun
from gateway.services.ports.store import Store
from gateway.services.ports.subscriptions_store import Subscriptions


class DeviceNoun(Noun[Device, ObservedDevice]):
    """The panel finds a device by its MAC; its request firewall does not look at devices."""

    word = "device"
    id_kind = IdKind.DEVICE
    edit_type = EditDevice
    info_type = DeviceInfo
    observed_type = ObservedDevice

    def rows(self, store: Store) -> Subscriptions[Device]:
        return store.devices

    def id_of(self, resource: Device) -> str:
        return resource.id

    def read(self, resource: Device) -> GetDeviceInfo:
        return GetDeviceInfo(mac=resource.mac)

    def read_after(self, call: Creation | AnyEdit) -> GetDeviceInfo:
        if not isinstance(call, CreateDevice | EditDevice):
            raise TypeError("not a change of a device")
        return GetDeviceInfo(mac=call.mac)

    def edit(self, resource: Device, **fields: Any) -> EditDevice:  # noqa: ANN401 - Edit's fields
        return EditDevice(mac=resource.mac, **fields)

    def disabling(self, made: Creation) -> EditDevice:
        if not isinstance(made, CreateDevice):
            raise TypeError("not the creation of a device")
        return EditDevice(mac=made.mac, enabled=False)

    def observed(self, resource: Device, info: ObservedInfo | None) -> ObservedDevice:
        return ObservedDevice(device=resource, info=info)

    def suspends_by(self, panel: Panel) -> SuspendBy:
        return SuspendBy.ENABLED

    def limit_of(self, policy: Policy) -> int | None:
        return policy.max_devices

    def gone(self) -> GatewayError:
        return NotFound("The panel does not know this device any more.")


DEVICES = DeviceNoun()
