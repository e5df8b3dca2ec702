"""Devices: their own columns, and queries by MAC."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gateway.db import subscription_rows
from gateway.db.rows_devices import DeviceReferenceRow, DeviceRow
from gateway.db.subscriptions import SqlSubscriptions
from gateway.domain.devices import Device
from gateway.domain.errors import GatewayError, MacTaken
from gateway.domain.ids import DeviceId

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.devices import DeviceFilter
    from gateway.domain.ids import PanelId
    from gateway.domain.paging import Page, PageRequest

_SEPARATORS: Final = re.compile(r"[:.-]")
_DIGITS: Final = re.compile(r"[0-9A-F]{1,12}", re.ASCII)


class SqlDevices(SqlSubscriptions[Device, DeviceRow]):
    """The port Devices."""

    __slots__ = ()

    reference_rows = DeviceReferenceRow
    reference_used = ("pk_device_references", "uq_device_references_device_id_reference")

    @property
    def rows(self) -> type[DeviceRow]:
        """Return the class of the rows."""
        return DeviceRow

    async def find_by_mac(self, panel_id: PanelId, mac: str) -> Device | None:
        """Return the device of this MAC."""
        return await self.found(DeviceRow.panel_id == panel_id, DeviceRow.mac == mac)

    async def list_by_mac(self, mac: str) -> tuple[Device, ...]:
        """Return the devices of this MAC, newest first."""
        return await self.all_found(DeviceRow.mac == mac)

    async def list(self, criteria: DeviceFilter, page: PageRequest, now: datetime) -> Page[Device]:
        """Return devices, newest first."""
        if criteria.mac is None:
            return await self.listed(criteria, page, now)
        return await self.listed(criteria, page, now, DeviceRow.mac == criteria.mac)

    def resource_of(self, row: DeviceRow) -> Device:
        """Return the device that a row holds."""
        return Device(
            id=DeviceId(row.id),
            mac=row.mac,
            panel_device_id=row.panel_device_id,
            **subscription_rows.members_of(row),
        )

    def columns_of(self, resource: Device) -> dict[str, Any]:
        """Return all columns of a device's row."""
        return columns_of(resource)

    def taken(self) -> dict[str, GatewayError]:
        """Return the refusal of a MAC."""
        return {"uq_devices_panel_id_mac": MacTaken("This MAC is taken on the panel.")}

    def prefixes(self, q: str) -> dict[str, str]:
        """Search external ids, whatever the case, and MACs, whatever the spelling."""
        found = {"external_id_norm": q.casefold()}
        start = _mac_prefix(q)
        return found if start is None else found | {"mac": start}


def columns_of(device: Device) -> dict[str, Any]:
    """Return all columns of a device's row."""
    return subscription_rows.columns_of(device) | {
        "id": device.id,
        "mac": device.mac,
        "panel_device_id": device.panel_device_id,
    }


def _mac_prefix(text: str) -> str | None:
    """Return the beginning of a MAC as `normal_mac` would spell it; None: no MAC begins so."""
    digits = _SEPARATORS.sub("", text).upper()
    if not _DIGITS.fullmatch(digits):
        return None
    return ":".join(digits[place : place + 2] for place in range(0, len(digits), 2))
