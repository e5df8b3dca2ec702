"""Lines and devices in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Generic

from gateway.domain.devices import Device
from gateway.domain.errors import (
    ExternalIdTaken,
    GatewayError,
    MacTaken,
    StateConflict,
    UsernameTaken,
    VersionMismatch,
)
from gateway.domain.ids import OperationId, PanelId, ResellerId
from gateway.domain.lines import Line, normal_username
from gateway.domain.subscriptions import State, Status, SubscriptionT
from tests.simulation.store.data import Rows, kept


class MemorySubscriptions(Rows, Generic[SubscriptionT]):
    __slots__ = ()

    def table(self) -> dict[str, SubscriptionT]:
        raise NotImplementedError

    def name(self, resource: SubscriptionT) -> object:
        raise NotImplementedError

    def id_of(self, resource: SubscriptionT) -> str:
        return resource.id  # type: ignore[attr-defined,no-any-return]

    def taken(self) -> GatewayError:
        raise NotImplementedError

    def _external(self, resource: SubscriptionT) -> object | None:
        if resource.external_id is None or resource.status is Status.TERMINATED:
            return None
        return type(resource), resource.reseller_id, resource.external_id

    def _check_names(self, resource: SubscriptionT) -> None:
        own = self.id_of(resource)
        if self.data.names.get(self.name(resource), own) != own:
            raise self.taken()
        if self.data.external.get(self._external(resource), own) != own:
            raise ExternalIdTaken("This external_id is in use.")

    def _index(self, before: SubscriptionT | None, after: SubscriptionT | None) -> None:
        journal, data = self.journal, self.data
        if before is not None and after is not None:
            same = self._external(before) == self._external(after)
            if same and self.name(before) == self.name(after):
                return
        if before is not None:
            journal.drop(data.names, self.name(before))
            if (external := self._external(before)) is not None:
                journal.drop(data.external, external)
        if after is not None:
            own = self.id_of(after)
            journal.put(data.names, self.name(after), own)
            if (external := self._external(after)) is not None:
                journal.put(data.external, external, own)

    async def get(self, resource_id: str) -> SubscriptionT:
        return self.required(self.table().get(resource_id))

    async def find_by_external_id(
        self, reseller_id: ResellerId | None, external_id: str
    ) -> SubscriptionT | None:
        kind: type = Line if isinstance(self, MemoryLines) else Device
        found = self.data.external.get((kind, reseller_id, external_id), "")
        return self.visible(self.table().get(found))

    async def add(self, resource: SubscriptionT) -> None:
        self.guard(resource.owner_path)
        self._check_names(resource)
        self.journal.put(self.table(), self.id_of(resource), resource)
        self._index(None, resource)
        self.journal.touched.add(self.id_of(resource))

    async def save(self, resource: SubscriptionT, *, expected_version: int | None = None) -> None:
        own = self.id_of(resource)
        before = self.required(self.table().get(own))
        if expected_version is not None and before.version != expected_version:
            raise VersionMismatch("It was changed since you read it.")
        after = kept(resource, before)
        self._check_names(after)
        self._index(before, after)
        self.journal.put(self.table(), own, after)
        self.journal.touched.add(own)

    async def raise_epoch(self, resource_id: str) -> int:
        before = self.required(self.table().get(resource_id))
        after = replace(before, epoch=before.epoch + 1)
        self.journal.put(self.table(), resource_id, after)
        self.journal.touched.add(resource_id)
        return after.epoch

    async def delete(self, resource_id: str) -> None:
        before = self.required(self.table().get(resource_id))
        self._index(before, None)
        self.journal.drop(self.table(), resource_id)
        for key in [key for key in self.data.references if key[0] == resource_id]:
            self.journal.drop(self.data.references, key)
        self.journal.touched.add(resource_id)

    async def count(self, reseller_id: ResellerId) -> int:
        return sum(
            self.visible(row) is not None
            and row.reseller_id == reseller_id
            and row.status is not Status.TERMINATED
            for row in self.table().values()
        )

    async def count_trials(self, reseller_id: ResellerId, since: datetime) -> int:
        return sum(
            self.visible(row) is not None
            and row.reseller_id == reseller_id
            and row.is_trial
            and row.created_at >= since
            for row in self.table().values()
        )

    async def find_reference(self, resource_id: str, reference: str) -> OperationId | None:
        if self.visible(self.table().get(resource_id)) is None:
            return None
        return self.data.references.get((resource_id, reference))

    async def add_reference(
        self, resource_id: str, reference: str, operation_id: OperationId
    ) -> None:
        self.required(self.table().get(resource_id))
        if (resource_id, reference) in self.data.references:
            raise StateConflict("This reference was used for another renewal.")
        self.journal.put(self.data.references, (resource_id, reference), operation_id)

    async def delete_reference(self, operation_id: OperationId) -> None:
        found = [key for key, by in self.data.references.items() if by == operation_id]
        for key in found:
            if key[0] in self.table():
                self.journal.drop(self.data.references, key)

    async def list(self, criteria: Any, page: Any, now: datetime) -> Any:
        raise NotImplementedError


class MemoryLines(MemorySubscriptions[Line]):
    """The port Lines."""

    __slots__ = ()

    def table(self) -> dict[str, Line]:
        return self.data.lines

    def name(self, resource: Line) -> object:
        return resource.panel_id, normal_username(resource.username)

    def taken(self) -> GatewayError:
        return UsernameTaken("This username is taken on the panel.")

    async def find_by_username(self, panel_id: PanelId, username: str) -> Line | None:
        found = self.data.names.get((panel_id, normal_username(username)), "")
        return self.visible(self.data.lines.get(found))

    async def list_by_username(self, username: str) -> tuple[Line, ...]:
        wanted = normal_username(username)
        found = [
            line
            for line in self.data.lines.values()
            if normal_username(line.username) == wanted
            and line.status is not Status.TERMINATED
            and self.visible(line) is not None
        ]
        return tuple(sorted(found, key=lambda line: line.id, reverse=True))

    async def list_controls(
        self, panel_id: PanelId, now: datetime, *, but: str, limit: int
    ) -> tuple[Line, ...]:
        found = []
        for line_id in sorted(self.data.lines, reverse=True):
            line = self.data.lines[line_id]
            if line.panel_id == panel_id and line_id != but and self.visible(line) is not None:
                if line.state_at(now) is State.ACTIVE:
                    found.append(line)
                if len(found) == limit:
                    break
        return tuple(found)


class MemoryDevices(MemorySubscriptions[Device]):
    """The port Devices."""

    __slots__ = ()

    def table(self) -> dict[str, Device]:
        return self.data.devices

    def name(self, resource: Device) -> object:
        return resource.panel_id, "mac", resource.mac

    def taken(self) -> GatewayError:
        return MacTaken("This MAC is taken on the panel.")

    async def find_by_mac(self, panel_id: PanelId, mac: str) -> Device | None:
        found = self.data.names.get((panel_id, "mac", mac), "")
        return self.visible(self.data.devices.get(found))

    async def list_by_mac(self, mac: str) -> tuple[Device, ...]:
        found = [
            device
            for device in self.data.devices.values()
            if device.mac == mac
            and device.status is not Status.TERMINATED
            and self.visible(device) is not None
        ]
        return tuple(sorted(found, key=lambda device: device.id, reverse=True))
