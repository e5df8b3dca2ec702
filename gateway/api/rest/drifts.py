"""`/v1/drifts`: where records and panels do not agree; and what is decided of it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from gateway.api.rest import subscription_raises as raises
from gateway.api.rest.device_answers import DeviceOut, device_out
from gateway.api.rest.line_answers import LineOut, line_out
from gateway.api.rest.query import PageQuery
from gateway.api.rest.routing import get, mapped, mapped_page, post
from gateway.api.rest.shapes import Out, Time
from gateway.api.rest.subscription_requests import Reason
from gateway.api.rest.wire import AnyRef, PanelRef, ResellerRef
from gateway.domain.caller import Permission
from gateway.domain.drifts import Drift, DriftEnd, DriftFilter, DriftKind, DriftState
from gateway.domain.ids import DeviceId, IdKind, LineId
from gateway.domain.paging import Page
from gateway.services import drifts
from gateway.services.context import Context, Outcome

_NO_REASON: Final = Reason()


class DifferenceOut(Out, frozen=True, kw_only=True):
    """One field as the gateway holds it and as the panel does; never a secret."""

    field: str
    ours: Any
    theirs: Any


class DriftOut(Out, frozen=True, kw_only=True):
    """A line, a device or a panel that is not as the gateway holds it.

    `first_seen_at` stays while the differences change. `closed_by` says how it ended.
    """

    id: str
    object: str = "drift"
    kind: DriftKind
    state: DriftState
    resource_id: str
    panel_id: str
    reseller_id: str | None
    differences: tuple[DifferenceOut, ...]
    first_seen_at: Time
    last_seen_at: Time
    closed_at: Time | None
    closed_by: DriftEnd | None


class DriftQuery(PageQuery):
    """Which drifts to list."""

    kind: ClassVar[IdKind] = IdKind.DRIFT

    state: DriftState | None = None
    drift_kind: Annotated[DriftKind | None, Field(alias="kind")] = None
    resource_id: AnyRef | None = None
    panel_id: PanelRef | None = None
    reseller_id: ResellerRef | None = None


@get("/v1/drifts", needs=Permission.OPERATIONS_READ)
async def list_drifts(context: Context, query: DriftQuery) -> Page[DriftOut]:
    """List drifts, newest first, as the last comparisons found them: no panel is asked."""
    criteria = DriftFilter(
        state=query.state,
        kind=query.drift_kind,
        resource_id=query.resource_id,
        panel_id=query.panel_id,
        reseller_id=query.reseller_id,
    )
    found = await drifts.list_drifts(context, criteria, query.page)
    return mapped_page(found, drift_out)


@post(
    "/v1/lines/{line_id}/drift/adopt",
    needs=Permission.LINES_WRITE,
    raises=raises.ADOPT,
    is_versioned=True,
)
async def adopt_line_drift(context: Context, line_id: LineId) -> Outcome[LineOut]:
    """Let the gateway's record of a line take the panel's values. Safe to repeat."""
    return mapped(await drifts.adopt_line(context, line_id), line_out(context))


@post(
    "/v1/lines/{line_id}/drift/enforce",
    needs=Permission.LINES_WRITE,
    raises=raises.ENFORCE_LINE,
    is_versioned=True,
    may_stay_open=True,
)
async def enforce_line_drift(
    context: Context, line_id: LineId, body: Reason = _NO_REASON
) -> Outcome[LineOut]:
    """Edit the panel back to the gateway's record of a line. Safe to repeat."""
    return mapped(await drifts.enforce_line(context, line_id, body.reason), line_out(context))


@post(
    "/v1/devices/{device_id}/drift/adopt",
    needs=Permission.DEVICES_WRITE,
    raises=raises.ADOPT,
    is_versioned=True,
)
async def adopt_device_drift(context: Context, device_id: DeviceId) -> Outcome[DeviceOut]:
    """Let the gateway's record of a device take the panel's values. Safe to repeat."""
    return mapped(await drifts.adopt_device(context, device_id), device_out(context))


@post(
    "/v1/devices/{device_id}/drift/enforce",
    needs=Permission.DEVICES_WRITE,
    raises=raises.ENFORCE_DEVICE,
    is_versioned=True,
    may_stay_open=True,
)
async def enforce_device_drift(
    context: Context, device_id: DeviceId, body: Reason = _NO_REASON
) -> Outcome[DeviceOut]:
    """Edit the panel back to the gateway's record of a device. Safe to repeat."""
    enforced = await drifts.enforce_device(context, device_id, body.reason)
    return mapped(enforced, device_out(context))


def drift_out(drift: Drift) -> DriftOut:
    """Return the public shape of *drift*."""
    return DriftOut(
        id=drift.id,
        kind=drift.kind,
        state=drift.state,
        resource_id=drift.resource_id,
        panel_id=drift.panel_id,
        reseller_id=drift.reseller_id,
        differences=tuple(
            DifferenceOut(field=it.field, ours=it.ours, theirs=it.theirs)
            for it in drift.differences
        ),
        first_seen_at=drift.first_seen_at,
        last_seen_at=drift.last_seen_at,
        closed_at=drift.closed_at,
        closed_by=drift.closed_by,
    )
