"""How services reach lines and devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gateway.domain.devices import Device
from gateway.domain.lines import Line
from gateway.domain.subscriptions import SubscriptionT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gateway.domain.devices import DeviceFilter
    from gateway.domain.ids import OperationId, PanelId, ResellerId
    from gateway.domain.lines import LineFilter
    from gateway.domain.paging import Page, PageRequest


class Subscriptions(Protocol[SubscriptionT]):
    """Lines, or devices, of the scope."""

    async def get(self, resource_id: str) -> SubscriptionT:
        """Return one. Raises NotFound."""

    async def list_by_ids(self, resource_ids: Sequence[str]) -> tuple[SubscriptionT, ...]:
        """Return those that there are, in any order; at most 200 are asked for at once."""

    async def find_by_external_id(
        self, reseller_id: ResellerId | None, external_id: str
    ) -> SubscriptionT | None:
        """Return the one with this id of the reseller's own, if not terminated."""

    async def add(self, resource: SubscriptionT) -> None:
        """Insert.

        Raises:
            UsernameTaken, MacTaken, ExternalIdTaken: also by rows outside the scope.
        """

    async def save(self, resource: SubscriptionT, *, expected_version: int | None = None) -> None:
        """Write the whole row.

        Raises:
            NotFound, ExternalIdTaken
            VersionMismatch: *expected_version* is given and no longer the present one.
        """

    async def raise_epoch(self, resource_id: str) -> int:
        """Add one to the epoch and return it."""

    async def delete(self, resource_id: str) -> None:
        """Remove one that never came to be; frees its names."""

    async def count(self, reseller_id: ResellerId) -> int:
        """Return how many of this reseller's are not terminated."""

    async def count_trials(self, reseller_id: ResellerId, since: datetime) -> int:
        """Return how many trials this reseller made since then, terminated ones too."""

    async def find_reference(self, resource_id: str, reference: str) -> OperationId | None:
        """Return the renewal that used this reference."""

    async def add_reference(
        self, resource_id: str, reference: str, operation_id: OperationId
    ) -> None:
        """Keep a renewal's reference. Raises StateConflict when it exists."""

    async def delete_reference(self, operation_id: OperationId) -> None:
        """Free the reference of a renewal that did not happen."""

    async def take_uncompared(
        self, panel_id: PanelId, before: datetime, until: datetime, limit: int
    ) -> tuple[SubscriptionT, ...]:
        """Take up those of a panel that were not compared since *before*, the longest ago first.

        Pending and unknown ones, and those whose change may be under way, are passed over. They
        count as compared at *until*, so that others leave them alone; see `set_compared`.
        """

    async def set_compared(self, resource_id: str, at: datetime) -> None:
        """Note when it was compared with its panel."""

    async def list_compared(self, panel_id: PanelId, limit: int) -> tuple[str, ...]:
        """Return the ids of those of a panel that were compared last."""

    async def take_telling(
        self, now: datetime, limit: int
    ) -> tuple[tuple[SubscriptionT, datetime], ...]:
        """Return those of which there may be something to tell by *now*, and from when on.

        They are this transaction's until it ends. What it tells of is noted by `set_telling`.
        """

    async def set_telling(self, resource_id: str, at: datetime | None) -> None:
        """Note when to look at it next, and from when on; None: not before its end moves."""

    async def look_anew(self, reseller_id: ResellerId, at: datetime) -> None:
        """Let all of a reseller's that expire later be looked at from *at* on."""


class Lines(Subscriptions[Line], Protocol):
    """Lines of the scope."""

    async def find_by_username(self, panel_id: PanelId, username: str) -> Line | None:
        """Return the line with this username (compared trimmed and case-folded) on a panel."""

    async def list_by_username(self, username: str) -> tuple[Line, ...]:
        """Return the lines with this username on any panel, terminated ones left out."""

    async def list_controls(
        self, panel_id: PanelId, now: datetime, *, but: str, limit: int
    ) -> tuple[Line, ...]:
        """Return a few active lines of a panel, whose firewall must show them, *but* this one."""

    async def list(self, criteria: LineFilter, page: PageRequest, now: datetime) -> Page[Line]:
        """Return lines, newest first."""


class Devices(Subscriptions[Device], Protocol):
    """Devices of the scope."""

    async def find_by_mac(self, panel_id: PanelId, mac: str) -> Device | None:
        """Return the device with this MAC, as `normal_mac` spells it, on a panel."""

    async def list_by_mac(self, mac: str) -> tuple[Device, ...]:
        """Return the devices with this MAC on any panel, terminated ones left out."""

    async def list(self, criteria: DeviceFilter, page: PageRequest, now: datetime) -> Page[Device]:
        """Return devices, newest first."""
