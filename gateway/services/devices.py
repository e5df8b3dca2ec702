"""Devices: create, read, list, change, renew, suspend, resume, terminate."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gateway.domain.caller import Permission
from gateway.domain.calls import DeviceInfo, GetDeviceInfo
from gateway.domain.devices import (
    Device,
    DeviceFilter,
    DeviceImport,
    NewDevice,
    ObservedDevice,
)
from gateway.domain.errors import NotFound, StateConflict
from gateway.domain.ids import DeviceId, IdKind, ResellerId, new_id
from gateway.domain.paging import Page, PageRequest
from gateway.domain.subscriptions import Changes, Status, Term
from gateway.services import imports
from gateway.services.action import Action, Subscriber, action
from gateway.services.change import ChangeRequest
from gateway.services.changes import carry_out
from gateway.services.context import Outcome
from gateway.services.device_noun import DEVICES
from gateway.services.idempotency import write_once
from gateway.services.info import observe
from gateway.services.ports.store import Store
from gateway.services.puts import Put
from gateway.services.registry import (
    CHANGE_DEVICE,
    CREATE_DEVICE,
    RENEW_DEVICE,
    RESUME_DEVICE,
    SUSPEND_DEVICE,
    TERMINATE_DEVICE,
)
from gateway.services.renewals import renew
from gateway.services.switches import SwitchRequest
from gateway.services.view import overlaid


@action("device.create", needs=Permission.DEVICES_WRITE, is_audited=True)
async def create_device(act: Action, new: NewDevice) -> Outcome[ObservedDevice]:
    """Make a device.

    Raises:
        FieldNotAllowed, BouquetNotAllowed, QuotaExceeded: the reseller's policy.
        MacTaken, ExternalIdTaken: ours, or the panel's.
        InvalidRequest, NotFound, PanelError
    """
    return await carry_out(act, CREATE_DEVICE, new)


@action("device.read", needs=Permission.DEVICES_READ, subscriber=Subscriber.MAY)
async def get_device(act: Action, device_id: DeviceId) -> ObservedDevice:
    """Return a device with what its panel last said, from the cache when fresh.

    Raises:
        NotFound: ours does not exist, or the panel does not know it any more.
        StateConflict: the panel has it by half.
        PanelError: the panel could not be asked, and nothing usable is cached.
    """
    async with act.read() as store:
        device = await store.devices.get(device_id)
    return await _observed(act, device)


@action("device.list", needs=Permission.DEVICES_READ)
async def list_devices(act: Action, criteria: DeviceFilter, page: PageRequest) -> Page[Device]:
    """Return devices as the registry has them, newest first; panels are not asked."""
    async with act.read() as store:
        return await store.devices.list(criteria, page, act.ports.clock.now())


@action("device.update", needs=Permission.DEVICES_WRITE, is_audited=True)
async def change_device(
    act: Action, device_id: DeviceId, changes: Changes
) -> Outcome[ObservedDevice]:
    """Change what is named and nothing else.

    Raises:
        NotFound, StateConflict, VersionMismatch, ExternalIdTaken, InvalidRequest
        FieldNotAllowed, BouquetNotAllowed, QuotaExceeded: the reseller's policy.
        PanelError
    """
    return await carry_out(
        act, CHANGE_DEVICE, ChangeRequest(resource_id=device_id, changes=changes)
    )


@action("device.renew", needs=Permission.DEVICES_WRITE, is_audited=True)
async def renew_device(
    act: Action, device_id: DeviceId, term: Term, reference: str | None
) -> Outcome[ObservedDevice]:
    """Move the expiry. A repeated *reference* changes nothing and answers as the first time.

    Raises:
        NotFound, VersionMismatch, InvalidRequest, FieldNotAllowed
        StateConflict: not changeable, or a period on a device that never expires.
        PanelError
    """
    return await renew(act, RENEW_DEVICE, device_id, term, reference)


@action("device.suspend", needs=Permission.DEVICES_WRITE, is_audited=True)
async def suspend_device(
    act: Action, device_id: DeviceId, reason: str | None
) -> Outcome[ObservedDevice]:
    """Stop a device; its expiry stays. Safe to repeat.

    Raises:
        NotFound, StateConflict, VersionMismatch, PanelError
    """
    return await carry_out(act, SUSPEND_DEVICE, SwitchRequest(resource_id=device_id, reason=reason))


@action("device.resume", needs=Permission.DEVICES_WRITE, is_audited=True)
async def resume_device(
    act: Action, device_id: DeviceId, reason: str | None
) -> Outcome[ObservedDevice]:
    """Let a suspended device go on. Safe to repeat.

    Raises:
        NotFound, StateConflict, VersionMismatch, PanelError
    """
    return await carry_out(act, RESUME_DEVICE, SwitchRequest(resource_id=device_id, reason=reason))


@action("device.terminate", needs=Permission.DEVICES_WRITE, is_audited=True)
async def terminate_device(
    act: Action, device_id: DeviceId, reason: str | None
) -> Outcome[ObservedDevice]:
    """End a device for good. Safe to repeat.

    Raises:
        NotFound, StateConflict, VersionMismatch, PanelError
    """
    return await carry_out(
        act, TERMINATE_DEVICE, SwitchRequest(resource_id=device_id, reason=reason)
    )


@action("device.find", needs=Permission.DEVICES_READ)
async def find_device(
    act: Action, external_id: str, reseller_id: ResellerId | None
) -> ObservedDevice:
    """Return the device with the caller's own id, or, for operators, that of *reseller_id*.

    Raises:
        NotFound
        StateConflict: the panel has it by half.
        PanelError: the panel could not be asked, and nothing usable is cached.
    """
    owner = act.context.caller.reseller_id or reseller_id
    async with act.read() as store:
        device = await store.devices.find_by_external_id(owner, external_id)
    if device is None:
        raise NotFound("There is no such device.")
    return await _observed(act, device)


@action("device.put", needs=Permission.DEVICES_WRITE, is_audited=True)
async def put_device(act: Action, external_id: str, new: NewDevice) -> Outcome[ObservedDevice]:
    """Make the device of this external id, or bring the one there in step; safe to repeat.

    Raises:
        StateConflict: another MAC or panel than the device has.
        GatewayError: as `create_device` and `change_device`.
    """
    return await PUT_DEVICE.carry_out(act, replace(new, external_id=external_id))


@action("device.look_up", needs=Permission.DEVICES_READ)
async def look_up_device(act: Action, mac: str) -> ObservedDevice:
    """Return the caller's device with this MAC, as `normal_mac` spells it.

    Raises:
        NotFound
        StateConflict: the panel has it by half.
        PanelError: the panel could not be asked, and nothing usable is cached.
    """
    async with act.read() as store:
        found = await store.devices.list_by_mac(mac)
    if not found:
        raise NotFound("There is no such device.")
    return await _observed(act, found[0])


@action("device.import", needs=Permission.IMPORTS_WRITE, is_audited=True)
async def import_device(act: Action, wanted: DeviceImport) -> Outcome[ObservedDevice]:
    """Adopt a device that is on a panel already, after asking the panel for it.

    Raises:
        NotFound: no such panel or reseller, or the panel does not know this MAC.
        MacTaken, ExternalIdTaken: it is ours already.
        StateConflict: the panel has it by half.
        PanelError: the panel could not be asked.
    """
    info = await imports.on_panel(act, wanted.panel_id, GetDeviceInfo(mac=wanted.mac))

    async def change(store: Store) -> ObservedDevice:
        reseller = await imports.owner(store, wanted.reseller_id)
        members = imports.members_of(
            act,
            info,
            panel_id=wanted.panel_id,
            reseller=reseller,
            external_id=wanted.external_id,
        )
        device_id = new_id(IdKind.DEVICE, act.ports.clock.now(), act.ports.random.bytes)
        device = Device(
            id=DeviceId(device_id),
            mac=wanted.mac,
            panel_device_id=info.panel_device_id if isinstance(info, DeviceInfo) else None,
            **members,
        )
        return await imports.adopt(act, DEVICES, store, device)

    return await write_once(act, ObservedDevice, change)


async def _observed(act: Action, device: Device) -> ObservedDevice:
    if device.status is not Status.LIVE:
        return ObservedDevice(device=device, info=None)
    info = await observe(act, DEVICES, device)
    return ObservedDevice(device=overlaid(device, info), info=info)


def _refuse_other_device(present: Device, new: NewDevice) -> None:
    """Refuse a put that names another device than the one there."""
    if new.mac != present.mac or new.panel_id not in {None, present.panel_id}:
        raise StateConflict(
            "The device of this external id has another MAC or panel; a put cannot change those."
        )


PUT_DEVICE: Final = Put(
    create=CREATE_DEVICE,
    change=CHANGE_DEVICE,
    observe=_observed,
    made=lambda observed: observed,
    conflicts=_refuse_other_device,
)
