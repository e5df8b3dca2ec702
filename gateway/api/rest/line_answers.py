"""What is shown of lines. A public contract, written out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.api.rest.shapes import ObservedOut, Out, Time, observed_out
from gateway.domain.ids import LineId
from gateway.domain.lines import LineState, LineWithPassword, ObservedInfo, ObservedLine
from gateway.services.context import Context


class LineOut(Out, frozen=True, kw_only=True):
    """A subscriber account. `expires_at` null: never; `max_connections` null: no limit.

    `observed` tells how old the panel's word is; null when the panel was not asked.
    """

    id: str
    object: str = "line"
    panel_id: str
    reseller_id: str | None
    external_id: str | None
    plan_id: str | None
    username: str
    state: LineState
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


class LineWithPasswordOut(LineOut, frozen=True, kw_only=True):
    """A line with the password that it was just given."""

    password: str | None


class CredentialsOut(Out, frozen=True, kw_only=True):
    """What a player needs."""

    username: str
    password: str


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


class LineInfoOut(Out, frozen=True, kw_only=True):
    """Everything the panel says of a line; null where this panel does not say.

    `pair` is the line that shares its connections.
    """

    object: str = "line_info"
    line_id: str
    panel_line_id: int
    username: str
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


def line_out(context: Context) -> Callable[[ObservedLine], LineOut]:
    """Return the mapping of lines to their public shape, as of now."""
    return lambda seen: LineOut(**_members(context, seen))


def line_with_password_out(
    context: Context,
) -> Callable[[LineWithPassword], LineWithPasswordOut]:
    """Return the mapping of lines with their new password."""
    return lambda made: LineWithPasswordOut(
        **_members(context, made.line),
        password=None if made.password is None else made.password.reveal(),
    )


def _members(context: Context, seen: ObservedLine) -> dict[str, Any]:
    line, info = seen.line, seen.info
    return {
        "id": line.id,
        "panel_id": line.panel_id,
        "reseller_id": line.reseller_id,
        "external_id": line.external_id,
        "plan_id": line.plan_id,
        "username": line.username,
        "state": line.state_at(context.ports.clock.now()),
        "expires_at": line.expires_at,
        "max_connections": line.max_connections,
        "active_connections": None if info is None else info.info.active_connections,
        "bouquet_ids": line.bouquet_ids,
        "is_trial": line.is_trial,
        "is_restreamer": line.is_restreamer,
        "allowed_ips": line.allowed_ips,
        "allowed_user_agents": line.allowed_user_agents,
        "notes": line.notes,
        "metadata": line.metadata,
        "panel_line_id": line.panel_line_id,
        "version": line.version,
        "created_at": line.created_at,
        "updated_at": line.updated_at,
        "observed": observed_out(info),
    }


def info_out(line_id: LineId, seen: ObservedInfo) -> LineInfoOut:
    """Return the public shape of an info answer; what is the operator's alone is left out."""
    info = seen.info
    pair, isp = info.pair, info.isp
    return LineInfoOut(
        line_id=line_id,
        panel_line_id=info.panel_line_id,
        username=info.username,
        enabled=info.enabled,
        admin_enabled=info.admin_enabled,
        active_connections=info.active_connections,
        max_connections=info.max_connections,
        expires_at=info.expires_at,
        created_at=info.created_at,
        bouquet_ids=info.bouquet_ids,
        channel_ids=info.channel_ids,
        series_ids=info.series_ids,
        output_formats=info.output_formats,
        allowed_ips=info.allowed_ips,
        allowed_user_agents=info.allowed_user_agents,
        pair=None
        if pair is None
        else ConnectionsOut(
            active_connections=pair.active_connections, max_connections=pair.max_connections
        ),
        isp=IspOut(number=isp.number, name=isp.name, locked=isp.locked, violation=isp.violation),
        country=info.country,
        is_trial=info.is_trial,
        is_restreamer=info.is_restreamer,
        notes=info.notes,
        observed=ObservedOut(at=seen.at, age_seconds=seen.age_seconds, stale=seen.stale),
    )
