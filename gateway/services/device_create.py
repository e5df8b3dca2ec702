"""device.create: make a device on a panel, and the panel's line behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import structlog

from gateway.domain.audit import Phase
from gateway.domain.caller import ROOT_PATH, CallerKind
from gateway.domain.calls import (
    ChangeResult,
    CreatedDevice,
    CreateDevice,
    DeviceInfo,
    LineInfo,
    Taken,
)
from gateway.domain.devices import Device, NewDevice, ObservedDevice
from gateway.domain.errors import (
    GatewayError,
    MacTaken,
    PanelError,
    PanelOutcomeUnknown,
    PanelUnsupported,
)
from gateway.domain.ids import DeviceId, IdKind, new_id
from gateway.domain.operations import Operation
from gateway.services.action import Action
from gateway.services.audit_log import Owner, new_entry
from gateway.services.create import CreateKind, values_of
from gateway.services.device_noun import DEVICES
from gateway.services.kinds import Verdict, Work
from gateway.services.policy import Placement
from gateway.services.ports.store import Store

log = structlog.get_logger(__name__)

#: Who notes what a panel cannot do: the worker that settles.
_WHO: Final = "reconciler"


class CreateDeviceKind(CreateKind[NewDevice, Device, ObservedDevice, CreateDevice, ObservedDevice]):
    """The panel answers true without ids, and on strict databases also where it made no device.

    So only reading it back tells that the device is there.
    """

    noun = DEVICES
    name = "device.create"
    unseen = "does not show the device; it may have made the line behind it only"
    request_type = NewDevice
    desired_type = CreateDevice
    result_type = ObservedDevice

    def new(
        self,
        action: Action,
        request: NewDevice,
        where: Placement,
        common: dict[str, Any],
    ) -> Device:
        ports = action.ports
        return Device(
            id=DeviceId(new_id(IdKind.DEVICE, ports.clock.now(), ports.random.bytes)),
            mac=request.mac,
            panel_device_id=None,
            allowed_user_agents=(),
            **common,
        )

    async def plan(self, work: Work[NewDevice, Device]) -> CreateDevice:
        device = work.resource
        if not work.panel.creates_devices:
            raise PanelUnsupported("This panel makes the line behind a device, and no device.")
        return CreateDevice(mac=device.mac, **values_of(device, work.operation.id))

    def judge_answer(self, answer: ChangeResult | PanelError) -> Verdict | None:
        match answer:
            case CreatedDevice():
                return None
            case Taken():
                return Verdict(self.taken())
            case PanelError():
                return Verdict(answer)
            case _:
                return Verdict(PanelOutcomeUnknown("The panel's answer does not fit a creation."))

    def taken(self) -> GatewayError:
        return MacTaken("This MAC is taken on the panel.")

    def may_resend(self, work: Work[NewDevice, Device]) -> bool:
        """Never where the panel said yes and made nothing: each try leaves a line without a box."""
        return not work.operation.said_done

    async def note_inability(self, store: Store, work: Work[NewDevice, Device]) -> None:
        """Ask the panel for no more devices until an operator says that it makes them."""
        panel = await store.panels.get(work.panel.id)
        if not panel.creates_devices:
            return
        now = work.ports.clock.now()
        after = replace(panel, creates_devices=False, version=panel.version + 1, updated_at=now)
        await store.panels.save(after, expected_version=panel.version)
        entry = new_entry(
            work.ports,
            Phase.SUCCEEDED,
            "panel.update",
            asker=replace(work.operation.asker, caller_kind=CallerKind.SYSTEM, caller_id=_WHO),
            owner=Owner(None, ROOT_PATH),
            resource_id=panel.id,
            before={"creates_devices": True},
            after={"creates_devices": False},
            code=PanelUnsupported.code,
        )
        await store.audit.append(entry)
        # The operation's id is the first line of the orphan's admin_notes: so it can be found.
        log.error("panel.makes_no_devices", panel_id=panel.id, operation_id=work.operation.id)

    async def name_is_used(self, store: Store, failed: Operation, desired: CreateDevice) -> bool:
        return await store.devices.find_by_mac(failed.panel_id, desired.mac) is not None

    def settled(self, resource: Device, info: LineInfo | None) -> Device:
        if not isinstance(info, DeviceInfo):
            return resource
        return replace(
            resource, panel_line_id=info.panel_line_id, panel_device_id=info.panel_device_id
        )

    def result_of(self, work: Work[NewDevice, Device], observed: ObservedDevice) -> ObservedDevice:
        return observed
