"""Drifts: where our records and panels do not agree, and what is decided of it."""

from __future__ import annotations

from gateway.domain.caller import Permission
from gateway.domain.devices import ObservedDevice
from gateway.domain.drifts import Drift, DriftFilter
from gateway.domain.ids import DeviceId, LineId
from gateway.domain.lines import ObservedLine
from gateway.domain.paging import Page, PageRequest
from gateway.services.action import Action, action
from gateway.services.adopt import adopt
from gateway.services.changes import carry_out
from gateway.services.context import Outcome
from gateway.services.device_noun import DEVICES
from gateway.services.enforce import EnforceRequest
from gateway.services.line_noun import LINES
from gateway.services.registry import ENFORCE_DEVICE, ENFORCE_LINE


@action("drift.list", needs=Permission.OPERATIONS_READ)
async def list_drifts(act: Action, criteria: DriftFilter, page: PageRequest) -> Page[Drift]:
    """Return drifts, newest first; panels are not asked."""
    async with act.read() as store:
        return await store.drifts.list(criteria, page)


@action("line.adopt", needs=Permission.LINES_WRITE, is_audited=True)
async def adopt_line(act: Action, line_id: LineId) -> Outcome[ObservedLine]:
    """Let our record of a line take the panel's values.

    Raises:
        NotFound, StateConflict, VersionMismatch
        FieldNotAllowed, BouquetNotAllowed, QuotaExceeded: values that a reseller could not set.
    """
    return await adopt(act, LINES, line_id)


@action("line.enforce", needs=Permission.LINES_WRITE, is_audited=True)
async def enforce_line(act: Action, line_id: LineId, reason: str | None) -> Outcome[ObservedLine]:
    """Edit the panel back to our record of a line. Safe to repeat.

    Raises:
        NotFound, StateConflict, VersionMismatch, PanelError
    """
    request = EnforceRequest(resource_id=line_id, reason=reason)
    return await carry_out(act, ENFORCE_LINE, request)


@action("device.adopt", needs=Permission.DEVICES_WRITE, is_audited=True)
async def adopt_device(act: Action, device_id: DeviceId) -> Outcome[ObservedDevice]:
    """Let our record of a device take the panel's values.

    Raises:
        NotFound, StateConflict, VersionMismatch
        FieldNotAllowed, BouquetNotAllowed, QuotaExceeded: values that a reseller could not set.
    """
    return await adopt(act, DEVICES, device_id)


@action("device.enforce", needs=Permission.DEVICES_WRITE, is_audited=True)
async def enforce_device(
    act: Action, device_id: DeviceId, reason: str | None
) -> Outcome[ObservedDevice]:
    """Edit the panel back to our record of a device. Safe to repeat.

    Raises:
        NotFound, StateConflict, VersionMismatch, PanelError
    """
    request = EnforceRequest(resource_id=device_id, reason=reason)
    return await carry_out(act, ENFORCE_DEVICE, request)
