"""What is shown of lines and of devices alike. A public contract, written out by hand."""

from __future__ import annotations

from typing import Any

from gateway.api.rest.shapes import ObservedOut, Out, Time, observed_out
from gateway.domain.caller import CallerKind
from gateway.domain.subscriptions import ObservedInfo, State, Subscription
from gateway.services.context import Context


class SubscriptionOut(Out, frozen=True, kw_only=True):
    """What a line and a device have in common."""

    id: str
    object: str
    panel_id: str
    reseller_id: str | None
    external_id: str | None
    plan_id: str | None
    state: State
    expires_at: Time | None
    max_connections: int | None
    active_connections: int | None
    bouquet_ids: tuple[int, ...]
    is_trial: bool
    is_restreamer: bool
    allowed_ips: tuple[str, ...]
    allowed_user_agents: tuple[str, ...]
    notes: str
    metadata: dict[str, str]
    panel_line_id: int | None
    version: int
    created_at: Time
    updated_at: Time
    observed: ObservedOut | None


class ConnectionsOut(Out, frozen=True, kw_only=True):
    """Streams now, and how many are allowed (null: no limit)."""

    active_connections: int | None
    max_connections: int | None


class IspOut(Out, frozen=True, kw_only=True):
    """The internet provider that a line is locked to."""

    number: str | None
    name: str | None
    locked: bool
    violation: bool


class SubscriptionInfoOut(Out, frozen=True, kw_only=True):
    """What a panel says of a line and of a device alike."""

    object: str
    panel_line_id: int
    enabled: bool
    admin_enabled: bool
    active_connections: int | None
    max_connections: int | None
    expires_at: Time | None
    created_at: Time | None
    bouquet_ids: tuple[int, ...] | None
    channel_ids: tuple[int, ...]
    series_ids: tuple[int, ...]
    output_formats: tuple[str, ...]
    allowed_ips: tuple[str, ...] | None
    allowed_user_agents: tuple[str, ...] | None
    pair: ConnectionsOut | None
    isp: IspOut
    country: str | None
    is_trial: bool
    is_restreamer: bool
    notes: str
    observed: ObservedOut


def members(context: Context, resource: Subscription, info: ObservedInfo | None) -> dict[str, Any]:
    """Return the shared members of *resource* as of now, without its id.

    What its reseller wrote down is about the subscriber, not for it: storefronts are not shown it.
    """
    is_private = context.caller.kind is CallerKind.STOREFRONT
    return {
        "panel_id": resource.panel_id,
        "reseller_id": resource.reseller_id,
        "external_id": resource.external_id,
        "plan_id": resource.plan_id,
        "state": resource.state_at(context.ports.clock.now()),
        "expires_at": resource.expires_at,
        "max_connections": resource.max_connections,
        "active_connections": None if info is None else info.info.active_connections,
        "bouquet_ids": resource.bouquet_ids,
        "is_trial": resource.is_trial,
        "is_restreamer": resource.is_restreamer,
        "allowed_ips": resource.allowed_ips,
        "allowed_user_agents": resource.allowed_user_agents,
        "notes": "" if is_private else resource.notes,
        "metadata": {} if is_private else resource.metadata,
        "panel_line_id": resource.panel_line_id,
        "version": resource.version,
        "created_at": resource.created_at,
        "updated_at": resource.updated_at,
        "observed": observed_out(info),
    }


def info_members(seen: ObservedInfo) -> dict[str, Any]:
    """Return the shared members of an info answer; what is the operator's alone is left out."""
    info = seen.info
    pair, isp = info.pair, info.isp
    return {
        "panel_line_id": info.panel_line_id,
        "enabled": info.enabled,
        "admin_enabled": info.admin_enabled,
        "active_connections": info.active_connections,
        "max_connections": info.max_connections,
        "expires_at": info.expires_at,
        "created_at": info.created_at,
        "bouquet_ids": info.bouquet_ids,
        "channel_ids": info.channel_ids,
        "series_ids": info.series_ids,
        "output_formats": info.output_formats,
        "allowed_ips": info.allowed_ips,
        "allowed_user_agents": info.allowed_user_agents,
        "pair": None
        if pair is None
        else ConnectionsOut(
            active_connections=pair.active_connections, max_connections=pair.max_connections
        ),
        "isp": IspOut(number=isp.number, name=isp.name, locked=isp.locked, violation=isp.violation),
        "country": info.country,
        "is_trial": info.is_trial,
        "is_restreamer": info.is_restreamer,
        "notes": info.notes,
        "observed": ObservedOut(at=seen.at, age_seconds=seen.age_seconds, stale=seen.stale),
    }
