"""`/v1/devices`: set-top boxes, known by their MAC."""

from __future__ import annotations

from typing import Final

from gateway.api.rest import subscription_raises as raises
from gateway.api.rest.device_answers import (
    DeviceInfoOut,
    DeviceOut,
    device_out,
    info_out,
    observed_device,
)
from gateway.api.rest.device_requests import (
    DeviceCreate,
    DeviceImportIn,
    DeviceLookup,
    DevicePatch,
    DeviceQuery,
    DeviceRenew,
)
from gateway.api.rest.routing import (
    ExternalIdPart,
    Observed,
    get,
    mapped,
    mapped_page,
    patch,
    post,
    put,
)
from gateway.api.rest.subscription_requests import FindQuery, PutQuery, Reason, named_by
from gateway.domain.caller import Permission
from gateway.domain.devices import ObservedDevice
from gateway.domain.errors import MacTaken
from gateway.domain.ids import DeviceId
from gateway.domain.paging import Page
from gateway.services import device_info, devices
from gateway.services.context import Context, Outcome

_NO_REASON: Final = Reason()


@post(
    "/v1/devices",
    status=201,
    needs=Permission.DEVICES_WRITE,
    raises=(*raises.CREATE, MacTaken),
    may_stay_open=True,
)
async def create_device(context: Context, body: DeviceCreate) -> Outcome[DeviceOut]:
    """Create a device, and the panel's line behind it."""
    made = await devices.create_device(context, body.to_new_device())
    return mapped(made, device_out(context))


@get("/v1/devices", needs=Permission.DEVICES_READ)
async def list_devices(context: Context, query: DeviceQuery) -> Page[DeviceOut]:
    """List devices, newest first, as the gateway knows them: no panel is asked."""
    found = await devices.list_devices(context, query.to_filter(), query.page)
    to_out = device_out(context)
    return mapped_page(found, lambda device: to_out(ObservedDevice(device=device, info=None)))


@get("/v1/devices/{device_id}", needs=Permission.DEVICES_READ, raises=raises.READ_DEVICE)
async def get_device(context: Context, device_id: DeviceId) -> Observed[DeviceOut]:
    """Read a device with what its panel last said, from the cache while that is fresh."""
    return observed_device(context, await devices.get_device(context, device_id))


@get(
    "/v1/devices/by-external-id/{external_id}",
    needs=Permission.DEVICES_READ,
    raises=raises.READ_DEVICE,
)
async def get_device_by_external_id(
    context: Context, external_id: ExternalIdPart, query: FindQuery
) -> Observed[DeviceOut]:
    """Read a device by your own id."""
    found = await devices.find_device(context, external_id, query.reseller_id)
    return observed_device(context, found)


@put(
    "/v1/devices/by-external-id/{external_id}",
    needs=Permission.DEVICES_WRITE,
    raises=(*raises.CHANGE_DEVICE, MacTaken),
    is_versioned=True,
    may_stay_open=True,
)
async def put_device(
    context: Context, external_id: ExternalIdPart, body: DeviceCreate, query: PutQuery
) -> Outcome[DeviceOut]:
    """Create the device with your own id, or bring the one that is there in step. Safe to repeat.

    MAC and panel of a device that is there cannot be changed, and a period is for creation only:
    others renew.
    """
    new = named_by(body.to_new_device(), external_id, query)
    return mapped(await devices.put_device(context, external_id, new), device_out(context))


@post("/v1/devices/lookup", needs=Permission.DEVICES_READ, raises=raises.READ_DEVICE)
async def look_up_device(context: Context, body: DeviceLookup) -> Observed[DeviceOut]:
    """Find the device with this MAC."""
    return observed_device(context, await devices.look_up_device(context, body.mac))


@post(
    "/v1/devices/import",
    status=201,
    needs=Permission.IMPORTS_WRITE,
    raises=(*raises.IMPORT_DEVICE, MacTaken),
)
async def import_device(context: Context, body: DeviceImportIn) -> Outcome[DeviceOut]:
    """Adopt a device that is on a panel already; the panel is asked for it and told nothing."""
    return mapped(await devices.import_device(context, body.to_import()), device_out(context))


@get(
    "/v1/devices/{device_id}/info",
    needs=Permission.DEVICES_READ,
    raises=raises.READ_DEVICE,
)
async def get_device_info(context: Context, device_id: DeviceId) -> Observed[DeviceInfoOut]:
    """Read everything the panel says of a device."""
    found = await device_info.get_device_info(context, device_id)
    return Observed(info_out(device_id, found), found)


@patch(
    "/v1/devices/{device_id}",
    needs=Permission.DEVICES_WRITE,
    raises=raises.CHANGE_DEVICE,
    may_stay_open=True,
)
async def change_device(
    context: Context, device_id: DeviceId, body: DevicePatch
) -> Outcome[DeviceOut]:
    """Change the named fields of a device, here and on its panel."""
    changed = await devices.change_device(context, device_id, body.to_changes())
    return mapped(changed, device_out(context))


@post(
    "/v1/devices/{device_id}/renew",
    needs=Permission.DEVICES_WRITE,
    raises=raises.RENEW_DEVICE,
    is_versioned=True,
    may_stay_open=True,
)
async def renew_device(
    context: Context, device_id: DeviceId, body: DeviceRenew
) -> Outcome[DeviceOut]:
    """Move the expiry of a device to an absolute date."""
    renewed = await devices.renew_device(context, device_id, body.to_term(), body.reference)
    return mapped(renewed, device_out(context))


@post(
    "/v1/devices/{device_id}/suspend",
    needs=Permission.DEVICES_WRITE,
    raises=raises.SWITCH_DEVICE,
    is_versioned=True,
    may_stay_open=True,
)
async def suspend_device(
    context: Context, device_id: DeviceId, body: Reason = _NO_REASON
) -> Outcome[DeviceOut]:
    """Stop a device from playing; its expiry stays. Safe to repeat."""
    suspended = await devices.suspend_device(context, device_id, body.reason)
    return mapped(suspended, device_out(context))


@post(
    "/v1/devices/{device_id}/resume",
    needs=Permission.DEVICES_WRITE,
    raises=raises.SWITCH_DEVICE,
    is_versioned=True,
    may_stay_open=True,
)
async def resume_device(
    context: Context, device_id: DeviceId, body: Reason = _NO_REASON
) -> Outcome[DeviceOut]:
    """Let a suspended device play again. Safe to repeat."""
    resumed = await devices.resume_device(context, device_id, body.reason)
    return mapped(resumed, device_out(context))


@post(
    "/v1/devices/{device_id}/terminate",
    needs=Permission.DEVICES_WRITE,
    raises=raises.SWITCH_DEVICE,
    is_versioned=True,
    may_stay_open=True,
)
async def terminate_device(
    context: Context, device_id: DeviceId, body: Reason = _NO_REASON
) -> Outcome[DeviceOut]:
    """End a device for good; its MAC stays reserved. Safe to repeat."""
    terminated = await devices.terminate_device(context, device_id, body.reason)
    return mapped(terminated, device_out(context))
