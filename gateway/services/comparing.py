"""What we hold of a line or a device, held against what its panel says. Pure: nothing is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from gateway.domain.calls import DeviceInfo, LineInfo
from gateway.domain.devices import Device
from gateway.domain.drifts import Difference, DriftKind
from gateway.domain.panels import SuspendBy
from gateway.domain.subscriptions import Status, Subscription, SubscriptionT
from gateway.services.check import same_text

#: Members of records and of info answers alike, which are compared as they are.
_PLAIN: Final = ("max_connections", "is_trial", "is_restreamer")
#: The order does not count. None: the panel holds something that is no list.
_LISTS: Final = ("allowed_ips", "allowed_user_agents")
#: The panel's own numbers: another one is another row of it.
ROWS: Final = ("panel_line_id", "panel_device_id")


def compare(resource: Subscription, info: LineInfo) -> tuple[DriftKind, tuple[Difference, ...]]:
    """Return every field that the panel holds otherwise, and what sort of drift that makes.

    Of what was terminated only one thing counts: that it is disabled.
    """
    if resource.status is Status.TERMINATED:
        return DriftKind.REVIVED, tuple(_differ("enabled", wanted=False, found=info.enabled))
    found = (*_rows(resource, info), *_values(resource, info))
    is_other_row = any(it.field in ROWS for it in found)
    return (DriftKind.REPLACED if is_other_row else DriftKind.CHANGED), found


def desired(resource: Subscription) -> dict[str, Any]:
    """Return what the panel should hold, as the fields of an edit."""
    if resource.status is Status.TERMINATED:
        return {"enabled": False}
    return {
        "enabled": resource.suspended_by is not SuspendBy.ENABLED,
        "admin_enabled": not resource.is_banned,
        "expires_at": resource.expires_at,
        "max_connections": resource.max_connections,
        "bouquet_ids": _bouquets(resource),
        "is_trial": resource.is_trial,
        "is_restreamer": resource.is_restreamer,
        "allowed_ips": resource.allowed_ips,
        "allowed_user_agents": resource.allowed_user_agents,
        "notes": resource.notes,
    }


def adopted(resource: SubscriptionT, differences: tuple[Difference, ...]) -> SubscriptionT:
    """Return *resource* with the panel's values."""
    for it in differences:
        resource = replace(resource, **_members(resource, it.field, it.theirs))
    return resource


def _members(resource: Subscription, field: str, theirs: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the members of our record that a value of the panel's becomes."""
    match field:
        case "enabled":
            return {"suspended_by": None if theirs else SuspendBy.ENABLED}
        case "admin_enabled":
            return {"is_banned": not theirs}
        case "expires_at":
            return {"expires_at": None if theirs is None else datetime.fromisoformat(theirs)}
        case "bouquet_ids" if resource.suspended_by is SuspendBy.BOUQUETS:
            # It has bouquets: whoever gave them back has resumed it.
            return {"bouquet_ids": tuple(theirs or ()), "suspended_by": None}
        case "bouquet_ids" | "allowed_ips" | "allowed_user_agents":
            return {field: tuple(theirs or ())}
        case _:
            return {field: theirs}


def _rows(resource: Subscription, info: LineInfo) -> Iterator[Difference]:
    if resource.panel_line_id is not None:
        yield from _differ("panel_line_id", resource.panel_line_id, info.panel_line_id)
    number = resource.panel_device_id if isinstance(resource, Device) else None
    if number is not None and isinstance(info, DeviceInfo):
        yield from _differ("panel_device_id", number, info.panel_device_id)


def _values(resource: Subscription, info: LineInfo) -> Iterator[Difference]:
    wanted = desired(resource)
    for name in ("enabled", "admin_enabled", *_PLAIN):
        yield from _differ(name, wanted[name], getattr(info, name))
    yield from _differ("expires_at", _text(resource.expires_at), _text(info.expires_at))
    # The panel plays bouquets in its own order; ours is that of who asked.
    yield from _differ_as_sets("bouquet_ids", wanted["bouquet_ids"], info.bouquet_ids)
    for name in _LISTS:
        yield from _differ_as_sets(name, wanted[name], getattr(info, name))
    if not same_text(resource.notes, info.notes):
        yield Difference(field="notes", ours=resource.notes, theirs=info.notes)


def _differ(field: str, wanted: object, found: object) -> Iterator[Difference]:
    if wanted != found:
        yield Difference(field=field, ours=wanted, theirs=found)


def _differ_as_sets(
    field: str, wanted: tuple[Any, ...], found: tuple[Any, ...] | None
) -> Iterator[Difference]:
    if sorted(wanted) != sorted(found or ()):
        theirs = None if found is None else list(found)
        yield Difference(field=field, ours=list(wanted), theirs=theirs)


def _bouquets(resource: Subscription) -> tuple[int, ...]:
    return () if resource.suspended_by is SuspendBy.BOUQUETS else resource.bouquet_ids


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
